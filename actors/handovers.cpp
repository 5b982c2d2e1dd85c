#include "actors/handovers.hpp"

#include "actors/memory_reserve.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

void pass_on(caf::event_based_actor& self, node_state& shared, const far_checkpoint& c) {
  static const audience nobody = std::make_shared<const std::vector<audience_seat>>();
  auto parts = static_cast<std::uint32_t>(shared.homes.size());
  for (auto& home : shared.homes)
    self.send(home->relay_handle, fanout{.what = {},
                                         .to = nobody,
                                         .skip = {},
                                         .group = {},
                                         .from = c.from,
                                         .ticket = c.ticket,
                                         .parts = parts});
}

void handovers::start(const handover_target& target) {
  first_.emplace(handover{.what = std::move(route_.what),
                          .first = target,
                          .rest = {},
                          .is_request = route_.is_request,
                          .confirm = route_.confirm,
                          .from = route_.from,
                          .ticket = route_.ticket,
                          .number = route_.number,
                          .ttl = route_.ttl,
                          .started = route_.started,
                          .group = std::move(route_.group)});
}

void handovers::add(const session_address& where, std::size_t recipient, std::size_t sessions) {
  handover_target target{where.slot, where.generation, static_cast<std::uint16_t>(recipient),
                         static_cast<std::uint32_t>(sessions)};
  if (!first_) {
    home_ = where.home;
    start(target);
  } else if (where.home == home_) {
    first_->rest.push_back(target);
  } else {
    more_.resize(shared_.homes.size());
    auto& h = more_[where.home];
    if (h.first.generation == 0) {
      h = *first_;
      h.first = target;
      h.rest.clear();
    } else {
      h.rest.push_back(target);
    }
  }
}

void handovers::add_far(peer_id peer, std::size_t recipient, std::size_t sessions) {
  far_.push_back(
      {peer, {static_cast<std::uint16_t>(recipient), static_cast<std::uint32_t>(sessions)}});
}

void handovers::settle(std::size_t recipient, protocol::outcome what) {
  home::current().count.message(route_.is_request ? message_kind::request : message_kind::send,
                                what);
  if (route_.ticket)
    home::current().settle({.to = route_.from,
                            .ticket = route_.ticket,
                            .what = settlement::kind::outcome,
                            .result = what,
                            .recipient = static_cast<std::uint16_t>(recipient),
                            .sessions = 1});
}

void handovers::settle_all(protocol::outcome what) {
  for (std::size_t i = 0; i < route_.to.size(); ++i)
    settle(i, what);
}

void handovers::send(caf::event_based_actor& self) {
  must_not_fail between_two_of_them;
  if (!far_.empty())
    send_far(self);
  if (!first_)
    return;
  self.send(shared_.homes[home_]->relay_handle, std::move(*first_));
  for (std::size_t i = 0; i < more_.size(); ++i)
    if (more_[i].first.generation != 0)
      self.send(shared_.homes[i]->relay_handle, std::move(more_[i]));
}

/// One far route for each node, in the order of their numbers.
void handovers::send_far(caf::event_based_actor& self) {
  std::stable_sort(far_.begin(), far_.end(),
                   [](const far_target& a, const far_target& b) { return a.peer < b.peer; });
  for (auto target = far_.begin(); target != far_.end();) {
    far_route out{.peer = target->peer, .node = {}, .what = {}, .recipients = {}};
    auto& r = out.what;
    r.what = first_ ? first_->what : route_.what;
    for (; target != far_.end() && target->peer == out.peer; ++target) {
      auto& name = route_.to[target->who.number];
      if (out.recipients.empty())
        r.to.first = name;
      else
        r.to.rest.push_back(name);
      out.recipients.push_back(target->who);
    }
    r.by = route_.by;
    r.group = group_;
    r.is_request = route_.is_request;
    r.confirm = route_.confirm;
    r.from = route_.from;
    r.ticket = route_.ticket;
    r.number = route_.number;
    r.ttl = route_.ttl;
    self.send(shared_.hub, std::move(out));
  }
}

} // namespace beckon::actors
