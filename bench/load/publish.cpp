#include "publish.hpp"

#include <stdexcept>

namespace load {

namespace {

constexpr char first_mark = '0'; // The next 32 characters need no escape in JSON.

} // namespace

publish::publish(fleet& clients, const plan& what)
    : traffic(clients, what), group_size_(clients.form().group_size),
      healthy_(group_size_ - what.slow), own_(clients.words().echoes_publications ? 1 : 0),
      rooms_(clients.form().clients / group_size_), members_(clients.form().clients) {
  if (plan_.window > window_max)
    throw std::invalid_argument("publish: at most 32 in flight per group");
  for (auto& r : rooms_)
    r.under_way.resize(plan_.window);
  for (std::size_t r = 0; r != rooms_.size(); ++r)
    prepare(r);
}

void publish::prepare(std::size_t room_index) {
  const auto& words = clients_.words();
  const std::size_t first = room_index * group_size_;
  const auto group = clients_.group(first);
  // Names grow with their numbers, and all data of a room is as long as the longest name leaves.
  const auto longest = fleet::uid(first + group_size_ - 1);
  for (std::size_t slot = 0; slot != plan_.window; ++slot) {
    const char mark = static_cast<char>(first_mark + static_cast<char>(slot));
    const auto data =
        fill_to(words.publish, {.uid = longest, .group = group, .to = {}, .id = {}, .data = {}},
                mark, plan_.message_bytes)
            .data;
    rooms_[room_index].under_way[slot].data = data;
    for (std::size_t i = first; i != first + group_size_; ++i) {
      const auto uid = fleet::uid(i);
      members_[i].frames.push_back(clients_.frame(
          i, fill(words.publish, {.uid = uid, .group = group, .to = {}, .id = {}, .data = data})));
    }
  }
}

void publish::set_slow_reading(bool on) {
  for (std::size_t i = 0; i != members_.size(); ++i)
    if (is_slow(i))
      clients_.set_reading(i, on);
}

void publish::stop() {
  traffic::stop();
  set_slow_reading(true);
}

void publish::start() {
  set_slow_reading(false);
  for (std::size_t slot = 0; slot != plan_.window; ++slot)
    for (std::size_t r = 0; r != rooms_.size(); ++r)
      send(r, slot, clock::now());
}

void publish::send(std::size_t room_index, std::size_t slot, time_point at) {
  if (!may_send())
    return;
  auto& r = rooms_[room_index];
  const std::size_t publisher = room_index * group_size_ + r.next_publisher;
  r.next_publisher = r.next_publisher + 1 == healthy_ ? 0 : r.next_publisher + 1;
  ++r.published;
  r.under_way[slot].missing = healthy_ - 1 + own_;
  r.under_way[slot].sent = at;
  r.under_way[slot].publisher = publisher;
  ++members_[publisher].published;
  count_sent(group_size_ - 1 + own_);
  clients_.send(publisher, members_[publisher].frames[slot]);
}

void publish::on_delivery(std::size_t receiver, std::string_view text) {
  const std::size_t room_index = receiver / group_size_;
  auto& r = rooms_[room_index];
  const char mark = mark_of(clients_.words(), text, r.under_way[0].data.size());
  const std::size_t slot = static_cast<unsigned char>(mark - first_mark);
  if (slot >= r.under_way.size() || (r.under_way[slot].missing == 0 && !is_slow(receiver)))
    return clients_.blame(&faults::unexpected,
                          "delivered but never published: " + std::string(text));
  auto& p = r.under_way[slot];
  ++members_[receiver].received;
  count_delivery();
  if (is_slow(
          receiver)) // Of a publication whose slot another has taken since: who sent it is lost.
    return;
  if (!is_right(receiver, text, p.publisher, p.data))
    return;
  const auto now = clock::now();
  tally_.latency.add(now - p.sent);
  if (--p.missing == 0)
    send(room_index, slot, now);
}

bool publish::on_gap(std::size_t receiver, std::uint64_t lost) {
  if (!is_slow(receiver))
    return false;
  members_[receiver].missed += lost;
  count_lost(lost);
  return true;
}

void publish::on_ok(std::size_t, std::string_view text) {
  clients_.blame(&faults::unexpected,
                 "acknowledged, but nothing here carries an id: " + std::string(text));
}

void publish::audit() {
  for (std::size_t i = 0; i != members_.size(); ++i) {
    const auto& m = members_[i];
    const auto expected = rooms_[i / group_size_].published - (own_ == 0 ? m.published : 0);
    const auto accounted = m.received + m.missed;
    for (auto got = accounted; got < expected; ++got)
      clients_.blame(&faults::lost, "a publication did not reach " + fleet::uid(i));
    for (auto got = accounted; got > expected; --got)
      clients_.blame(&faults::unexpected, "a publication reached " + fleet::uid(i) + " twice");
  }
}

} // namespace load
