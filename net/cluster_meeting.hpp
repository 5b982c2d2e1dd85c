#pragma once
// Two gates that have not yet agreed on a link. Owns: the wire, the deadline for all that is said
// before BASP, and why the meeting failed. Made by the gate for each connection; gate's thread.

#include "net/cluster_hello.hpp"
#include "net/cluster_wire.hpp"

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace beckon::net {

class cluster_meeting : public std::enable_shared_from_this<cluster_meeting> {
public:
  template <class T>
  using task = cluster_wire::task<T>;
  /// For TLS and all messages together.
  static constexpr std::chrono::milliseconds duration_max{1'000};

  cluster_meeting(boost::asio::io_context& loop, cluster_wire::socket connected,
                  boost::asio::ssl::context* tls, gate_role role, std::string address,
                  boost::asio::ip::address from);

  /// These end with false or nothing when the meeting has failed: see `trouble`.
  task<bool> secure();
  task<bool> say(std::string messages);
  /// Also checks that the certificate is the one of the node that it says it is.
  task<std::optional<cluster_hello>> hear_hello();
  /// Also checks that it answers our hello.
  task<std::optional<cluster_verdict>> hear_verdict();

  /// Ends it; what waits fails. The first reason stays.
  void fail(cluster_refusal why, std::string detail = {});
  /// Ends the deadline. @returns the wire, for the link
  std::unique_ptr<cluster_wire> part();

  cluster_refusal trouble() const { return trouble_; }
  const std::string& detail() const { return detail_; }
  const std::string& address() const { return address_; }
  /// The IP address of the other end.
  const boost::asio::ip::address& from() const { return from_; }
  gate_role role() const { return role_; }
  std::uint64_t nonce() const { return nonce_; }
  std::string peer; ///< its name, once it has said so; for the log

private:
  task<std::optional<std::string>> hear();

  boost::asio::steady_timer deadline_;
  std::unique_ptr<cluster_wire> wire_;
  gate_role role_;
  std::string address_;
  boost::asio::ip::address from_;
  std::uint64_t nonce_;
  cluster_refusal trouble_ = cluster_refusal::none;
  std::string detail_;
};

} // namespace beckon::net
