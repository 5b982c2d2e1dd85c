#pragma once
// The door to CAF's broker for its wire protocol (BASP), which here never sees a socket of its own.
// Owns: nothing but the handles of broker and hub. Any thread may call; what touches the broker's
// state runs on the gate's thread, in the order in which it was given.

#include "net/basp_filter.hpp"
#include "net/basp_stream.hpp"
#include "net/cluster_hello.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/node_id.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace caf::io {
class basp_broker;
}

namespace beckon::net {

class basp_port {
public:
  /// Makes the system's broker, and the hub known to it.
  basp_port(caf::actor_system& system, caf::actor hub);
  ~basp_port();
  basp_port(const basp_port&) = delete;
  basp_port& operator=(const basp_port&) = delete;

  const caf::actor& hub() const { return hub_; }
  /// This process's CAF node id, as bytes for a hello.
  std::string own_node() const;
  /// The node of a hello, or nothing when it is none, or this one.
  std::optional<caf::node_id> node_of(const cluster_hello& peer) const;
  basp_expectations expectations(const caf::node_id& node, const cluster_hello& peer,
                                 gate_role ours) const;

  /// Gives the broker a new stream. The acceptor's broker speaks first. Gate's thread.
  basp_stream_ptr open(gate_role ours);
  /// Answers with the handle of the peer's hub once the broker has finished the handshake, else
  /// with nothing.
  void ask_for_hub(const basp_stream_ptr& stream, const caf::node_id& node, std::uint64_t hub,
                   std::function<void(caf::actor)> answer);
  /// Ends the stream at once, and all handles that came with it.
  void close(const basp_stream_ptr& stream, const caf::node_id& node);

private:
  void on_broker(std::function<void(caf::io::basp_broker&)> task);

  caf::actor_system& system_;
  caf::actor hub_;
  caf::actor broker_;
  std::int64_t streams_ = 0; ///< so far
};

} // namespace beckon::net
