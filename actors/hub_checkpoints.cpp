// How far this node has got with what another has said. The hub has read it long before groups,
// users and relays have dealt with it, and their mailboxes have no bound: so credit is given for
// what lies behind a checkpoint that all of them have passed. As sessions do it (decision 0009).

#include "actors/home.hpp"
#include "actors/hub.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

namespace {

/// A checkpoint is not missed for so long: the actors that pass it are here.
constexpr std::chrono::hours checkpoint_max{1};

} // namespace

/// The record that is being taken goes to an actor of this node.
void hub::hand_on(peer& p, const caf::actor& to) {
  p.handed_to[to.address()] += record_bytes_;
  p.unchecked += record_bytes_;
  p.handed_on += record_bytes_;
  if (p.dealt_with)
    p.dealt_with->fetch_sub(record_bytes_, std::memory_order_relaxed);
}

/// For all that was handed on since the last ones, one for each actor.
void hub::set_checkpoints(peer& p) {
  p.unchecked = 0;
  for (auto& [address, bytes] : std::exchange(p.handed_to, {})) {
    ticket t;
    t.what = ticket::kind::publish;
    auto number = serve(p, std::move(t), checkpoint_max);
    p.checkpoints.emplace(number, peer::checkpoint{address.id(), bytes});
    if (auto to = caf::actor_cast<caf::actor>(address))
      send(to, far_checkpoint{place_of(p), number});
    else
      pass_checkpoint(p, number); // it has ended
  }
}

void hub::pass_checkpoint(peer& p, std::uint32_t number) {
  auto passed = p.checkpoints.extract(number);
  if (passed.empty())
    return;
  ticket settled;
  p.serves.take(number, settled);
  take_back(p, passed.mapped().bytes);
}

/// So much has been dealt with.
void hub::take_back(peer& p, std::size_t bytes) {
  p.handed_on -= bytes;
  if (p.dealt_with)
    p.dealt_with->fetch_add(bytes, std::memory_order_relaxed);
  acknowledge(p, credit_bytes);
}

/// The group has ended; nobody passes them, nor those that were still to be set.
void hub::forget_checkpoints(const caf::actor_addr& group) {
  for (auto& [id, p] : peers_) {
    if (auto handed = p.handed_to.extract(group)) {
      p.unchecked -= handed.mapped();
      take_back(p, handed.mapped());
    }
    std::vector<std::uint32_t> numbers;
    for (auto& [number, c] : p.checkpoints)
      if (c.at == group.id())
        numbers.push_back(number);
    for (auto number : numbers)
      pass_checkpoint(p, number);
  }
}

/// Gives credit, if it is for so many bytes.
void hub::acknowledge(peer& p, std::size_t least) {
  auto bytes = p.unacknowledged - std::min(p.unacknowledged, p.handed_on);
  if (bytes < least)
    return;
  p.unacknowledged -= bytes;
  say(p, protocol::credit_record{bytes});
}

} // namespace beckon::actors
