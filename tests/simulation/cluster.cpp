#include "tests/simulation/cluster.hpp"

#include <algorithm>

namespace beckon::testing {

using std::chrono::milliseconds;

cluster::cluster(std::size_t nodes, std::vector<protocol::policy_rule> policies, bool linked,
                 actors::hub_options options) {
  for (std::size_t i = 0; i < nodes; ++i) {
    auto links = std::make_unique<ways>();
    auto place = std::make_unique<stage>(1, stage::unlimited(), policies);
    place->join_cluster(std::string("n").append(std::to_string(i)), *links, options);
    nodes_.push_back({std::move(links), std::move(place)});
  }
  for (std::size_t b = 0; linked && b < nodes; ++b)
    for (std::size_t a = 0; a < b; ++a)
      connect(a, b);
  settle();
}

cluster::~cluster() {
  for (auto& [ends, w] : wires_)
    caf::anon_send_exit(w.door, caf::exit_reason::kill);
  wires_.clear();
}

// ---- links
// ------------------------------------------------------------------------------------------

void cluster::connect(std::size_t a, std::size_t b) {
  auto epoch = ++last_link_;
  for (auto [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
    auto& w = wires_[{from, to}];
    auto& here = *nodes_[from].place;
    w.link = epoch;
    w.door = here.system().spawn<far_hub, caf::hidden>(*w.sent);
    here.enter(0);
    caf::anon_send(here.node.hub, actors::link_up{.link = w.link,
                                                  .peer = nodes_[to].place->node.name,
                                                  .incarnation = 1,
                                                  .epoch = epoch,
                                                  .hub = w.door});
  }
}

void cluster::cut(std::size_t a, std::size_t b) {
  end_wire(a, b);
  end_wire(b, a);
}

void cluster::end_wire(std::size_t from, std::size_t to) {
  auto ended = wires_.extract({from, to});
  if (ended.empty())
    return;
  auto& w = ended.mapped();
  nodes_[from].place->enter(0);
  caf::anon_send(nodes_[from].place->node.hub, actors::link_down{w.link, "cut"});
  caf::anon_send_exit(w.door, caf::exit_reason::kill);
  ended_.push_back(std::move(w.sent));
}

void cluster::freeze(std::size_t from, std::size_t to, bool frozen) {
  wires_.at({from, to}).frozen = frozen;
}

std::size_t cluster::on_the_way(std::size_t from, std::size_t to) const {
  auto w = wires_.find({from, to});
  return w == wires_.end() ? 0 : w->second.sent->size();
}

bool cluster::carry(std::size_t from, std::size_t to) {
  auto w = wires_.find({from, to});
  auto back = wires_.find({to, from});
  if (w == wires_.end() || w->second.frozen || w->second.sent->empty())
    return false;
  auto batch = std::move(w->second.sent->front());
  w->second.sent->pop_front();
  if (batch.size() > protocol::batch_bytes_max) // as the gate's filter does
    return cut(from, to), true;
  auto& there = *nodes_[to].place;
  there.arrive(back->second.door, there.node.hub, std::move(batch));
  return true;
}

/// What hubs want dropped is, at both ends.
void cluster::carry_out_drops() {
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    for (auto link : std::exchange(nodes_[i].links->dropped, {}))
      for (std::size_t other = 0; other < nodes_.size(); ++other)
        if (auto w = wires_.find({i, other}); w != wires_.end() && w->second.link == link) {
          cut(i, other);
          break;
        }
}

// ---- all at once
// ------------------------------------------------------------------------------------

void cluster::settle() {
  for (auto moved = true; moved;) {
    moved = false;
    for (auto& n : nodes_)
      n.place->settle();
    carry_out_drops();
    for (std::size_t from = 0; from < size(); ++from)
      for (std::size_t to = 0; to < size(); ++to)
        while (carry(from, to))
          moved = true;
  }
}

void cluster::settle_for(milliseconds time) {
  constexpr milliseconds step{10};
  settle();
  for (milliseconds passed{0}; passed < time; passed += step) {
    for (auto& n : nodes_) {
      n.place->pass(std::min(step, time - passed));
      for (std::size_t home = 0; home < n.place->node.homes.size(); ++home)
        n.place->fire(home);
    }
    settle();
  }
}

} // namespace beckon::testing
