#include "actors/handovers.hpp"

#include <utility>

namespace beckon::actors {

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
                         static_cast<std::uint16_t>(sessions)};
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

void handovers::offline(std::size_t recipient) {
  home::current().count.message(route_.is_request ? message_kind::request : message_kind::send,
                                protocol::outcome::offline);
  if (route_.ticket)
    home::current().settle({.to = route_.from,
                            .ticket = route_.ticket,
                            .what = settlement::kind::outcome,
                            .result = protocol::outcome::offline,
                            .recipient = static_cast<std::uint16_t>(recipient),
                            .sessions = 1});
}

void handovers::send(caf::event_based_actor& self) {
  if (!first_)
    return;
  self.send(shared_.homes[home_]->relay_handle, std::move(*first_));
  for (std::size_t i = 0; i < more_.size(); ++i)
    if (more_[i].first.generation != 0)
      self.send(shared_.homes[i]->relay_handle, std::move(more_[i]));
}

} // namespace beckon::actors
