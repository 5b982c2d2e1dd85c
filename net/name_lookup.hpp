#pragma once
// From a host's name to its addresses, by the system's name service, which may take its time: each
// name is asked for on a thread of its own, and nobody waits for that. Owns: which questions are
// open. Gate's thread; answers that come after its end are void.

#include "net/endpoint.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace beckon::net {

class name_lookup {
public:
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

  /// Answers are given by handlers of `loop`.
  explicit name_lookup(boost::asio::io_context& loop) : loop_(loop) {}
  ~name_lookup();

  /// Addresses are answered at once. An empty answer: unknown, or an earlier question for that name
  /// is still open.
  void ask(const node_address& where, std::function<void(endpoints)> answer);

private:
  struct question;
  boost::asio::io_context& loop_;
  std::map<node_address, std::shared_ptr<question>> open_;
};

} // namespace beckon::net
