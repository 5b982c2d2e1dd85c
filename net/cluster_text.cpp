#include "net/cluster_text.hpp"

#include "protocol/json.hpp"

#include <string_view>

namespace beckon::net {
namespace {

using actors::peer_view;

std::string_view name(peer_view::link state) {
  switch (state) {
  case peer_view::link::syncing:
    return "syncing";
  case peer_view::link::up:
    return "up";
  case peer_view::link::lost:
    return "lost";
  }
  return {};
}

void append_number(std::string& out, std::string_view key, std::uint64_t number) {
  out.append(",\"").append(key).append("\":").append(std::to_string(number));
}

void append_peer(std::string& out, const peer_view& p) {
  protocol::append_quoted(out += "{\"name\":", p.name);
  out.append(",\"state\":\"").append(name(p.state)) += '"';
  if (p.state != peer_view::link::lost) {
    append_number(out, "incarnation", p.incarnation);
    append_number(out, "members", p.members);
    append_number(out, "lag_us", static_cast<std::uint64_t>(p.lag.count()) / 1000);
    append_number(out, "in_flight_bytes", p.in_flight_bytes);
    append_number(out, "window_bytes", p.window_bytes);
  }
  if (!p.last_error.empty())
    protocol::append_quoted(out += ",\"last_error\":", p.last_error);
  out += '}';
}

} // namespace

std::string cluster_text(const actors::node_state& node) {
  auto view = node.cluster.load();
  std::string out = "{\"node\":";
  protocol::append_quoted(out, node.name);
  append_number(out, "members", view ? view->members : 0);
  out += ",\"peers\":[";
  if (view)
    for (auto& p : view->peers) {
      if (&p != &view->peers.front())
        out += ',';
      append_peer(out, p);
    }
  return out + "]}\n";
}

} // namespace beckon::net
