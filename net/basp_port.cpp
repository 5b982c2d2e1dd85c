#include "net/basp_port.hpp"

#include <algorithm>
#include <caf/actor_registry.hpp>
#include <caf/all.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/io/all.hpp>
#include <caf/io/basp/version.hpp>
#include <caf/io/basp_broker.hpp>
#include <set>
#include <vector>

namespace beckon::net {

namespace {

/// Under this number the broker keeps what it tells of the hub in a handshake. No port is opened.
constexpr std::uint16_t hub_port = 1;

/// As CAF writes it to the wire.
template <class... Ts>
std::string serialized(caf::actor_system& system, Ts... values) {
  std::vector<char> bytes;
  caf::binary_serializer sink(system, bytes);
  if (sink(values...))
    return {};
  return std::string(bytes.begin(), bytes.end());
}

} // namespace

basp_port::basp_port(caf::actor_system& system, caf::actor hub)
    : system_(system), hub_(std::move(hub)),
      broker_(system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"))) {
  // The broker looks receivers up here; by itself it only adds the hub when it accepts a link.
  system_.registry().put(hub_.id(), caf::actor_cast<caf::strong_actor_ptr>(hub_));
}

basp_port::~basp_port() {
  system_.registry().erase(hub_.id());
}

std::string basp_port::own_node() const {
  return serialized(system_, system_.node());
}

std::optional<caf::node_id> basp_port::node_of(const cluster_hello& peer) const {
  auto own = own_node();
  if (peer.caf_node.size() != own.size() || peer.caf_node == own)
    return {};
  caf::node_id node;
  caf::binary_deserializer source(system_, peer.caf_node.data(), peer.caf_node.size());
  if (source(node) || !node || serialized(system_, node) != peer.caf_node)
    return {};
  return node;
}

basp_expectations basp_port::expectations(const caf::node_id& node, const cluster_hello& peer,
                                          gate_role ours) const {
  basp_expectations wanted;
  wanted.ours = ours;
  wanted.our_hub = hub_.id();
  wanted.its_hub = peer.hub;
  wanted.version = caf::io::basp::version;
  wanted.asynchronous = caf::make_message_id().integer_value();
  wanted.spawn_server = static_cast<std::uint64_t>(caf::atom("SpawnServ"));
  wanted.server_handshake =
      serialized(system_, node, caf::defaults::middleman::app_identifiers,
                 static_cast<caf::actor_id>(peer.hub), std::set<std::string>{});
  wanted.client_handshake = serialized(system_, node);
  wanted.monitor = serialized(system_, node, system_.node());
  wanted.batch_head =
      serialized(system_, std::vector<caf::strong_actor_ptr>{}, caf::make_message(std::string{}));
  wanted.batch_head.pop_back(); // the length of the empty string
  return wanted;
}

void basp_port::on_broker(std::function<void(caf::io::basp_broker&)> task) {
  auto& unit = basp_loop::of(system_);
  unit.post([&unit, broker = broker_, task = std::move(task)] {
    auto* state = static_cast<caf::io::basp_broker*>(caf::actor_cast<caf::abstract_actor*>(broker));
    if (state->getf(caf::abstract_actor::is_terminated_flag))
      return;
    auto* before = state->context();
    state->context(&unit);
    task(*state);
    state->context(before);
  });
}

basp_stream_ptr basp_port::open(gate_role ours) {
  auto stream = caf::make_counted<basp_stream>(basp_loop::of(system_), ++streams_);
  caf::io::scribe_ptr scribe = stream;
  // Not before what was closed: the same node may have just lost its last connection.
  on_broker([=, hub = hub_, broker = broker_](caf::io::basp_broker&) {
    if (ours == gate_role::acceptor)
      caf::anon_send(broker, caf::publish_atom_v, scribe, hub_port,
                     caf::actor_cast<caf::strong_actor_ptr>(hub), std::set<std::string>{});
    else
      caf::anon_send(broker, caf::connect_atom_v, scribe, hub_port);
  });
  return stream;
}

void basp_port::ask_for_hub(const basp_stream_ptr& stream, const caf::node_id& node,
                            std::uint64_t hub, std::function<void(caf::actor)> answer) {
  on_broker([=, connection = stream->hdl()](caf::io::basp_broker& broker) {
    // Without a route to its node a handle would be born dead.
    if (broker.instance.tbl().lookup_direct(connection) != node)
      return answer({});
    auto& proxies = broker.instance.proxies();
    auto from = node;
    proxies.set_last_hop(&from); // else the last sender's, maybe gone, is taken for a way to `node`
    auto handle = proxies.get_or_put(node, hub);
    proxies.set_last_hop(nullptr);
    answer(caf::actor_cast<caf::actor>(std::move(handle)));
  });
}

void basp_port::close(const basp_stream_ptr& stream, const caf::node_id& node) {
  on_broker([=, connection = stream->hdl()](caf::io::basp_broker& broker) {
    if (broker.valid(connection)) {
      broker.connection_cleanup(connection, caf::sec::connection_timeout);
      broker.close(connection);
    }
    // One for each node that was ever met; they would stay for five minutes, their entries for
    // ever.
    if (auto asking = broker.spawn_servers.find(node); asking != broker.spawn_servers.end()) {
      caf::anon_send_exit(asking->second, caf::exit_reason::kill);
      broker.spawn_servers.erase(asking);
    }
  });
}

} // namespace beckon::net
