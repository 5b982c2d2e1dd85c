#include "publish.hpp"

#include <stdexcept>

namespace load {

namespace {

constexpr char first_mark = '0'; // The next 32 characters need no escape in JSON.

} // namespace

publish::publish(fleet& clients, const plan& what)
    : traffic(clients, what), group_size_(clients.form().group_size),
      rooms_(clients.form().clients / group_size_), members_(clients.form().clients) {
  if (plan_.window > window_max)
    throw std::invalid_argument("publish: at most 32 in flight per group");
  for (auto& r : rooms_)
    r.under_way.resize(plan_.window);
  for (std::size_t i = 0; i != members_.size(); ++i) {
    const auto uid = fleet::uid(i);
    const auto group = clients_.group(i);
    for (std::size_t slot = 0; slot != plan_.window; ++slot) {
      const char mark = static_cast<char>(first_mark + static_cast<char>(slot));
      const auto filled = fill_to(clients_.words().publish,
                                  {.uid = uid, .group = group, .to = {}, .id = {}, .data = {}},
                                  mark, plan_.message_bytes);
      members_[i].frames.push_back(clients_.frame(i, filled.text));
      rooms_[i / group_size_].under_way[slot].data = filled.data;
    }
  }
}

void publish::start() {
  for (std::size_t slot = 0; slot != plan_.window; ++slot)
    for (std::size_t r = 0; r != rooms_.size(); ++r)
      send(r, slot, clock::now());
}

void publish::send(std::size_t room_index, std::size_t slot, time_point at) {
  if (!may_send())
    return;
  auto& r = rooms_[room_index];
  const std::size_t publisher = room_index * group_size_ + r.next_publisher;
  r.next_publisher = r.next_publisher + 1 == group_size_ ? 0 : r.next_publisher + 1;
  ++r.published;
  r.under_way[slot].missing = group_size_ - 1;
  r.under_way[slot].sent = at;
  r.under_way[slot].publisher = publisher;
  ++members_[publisher].published;
  count_sent(group_size_ - 1);
  clients_.send(publisher, members_[publisher].frames[slot]);
}

void publish::on_delivery(std::size_t receiver, std::string_view text) {
  const std::size_t room_index = receiver / group_size_;
  auto& r = rooms_[room_index];
  const std::size_t data_bytes = r.under_way[0].data.size();
  if (text.size() < data_bytes + data_end.size())
    return clients_.blame(&faults::unexpected, text);
  const std::size_t slot = static_cast<unsigned char>(mark_of(text, data_bytes) - first_mark);
  if (slot >= r.under_way.size() || r.under_way[slot].missing == 0)
    return clients_.blame(&faults::unexpected,
                          "delivered but never published: " + std::string(text));
  auto& p = r.under_way[slot];
  if (!is_right(receiver, text, p.publisher, p.data))
    return;
  const auto now = clock::now();
  tally_.latency.add(now - p.sent);
  count_delivery();
  ++members_[receiver].received;
  if (--p.missing == 0)
    send(room_index, slot, now);
}

void publish::on_ok(std::size_t, std::string_view text) {
  clients_.blame(&faults::unexpected,
                 "acknowledged, but nothing here carries an id: " + std::string(text));
}

void publish::audit() {
  for (std::size_t i = 0; i != members_.size(); ++i) {
    const auto& m = members_[i];
    const auto expected = rooms_[i / group_size_].published - m.published;
    for (auto got = m.received; got < expected; ++got)
      clients_.blame(&faults::lost, "a publication did not reach " + fleet::uid(i));
    for (auto got = m.received; got > expected; --got)
      clients_.blame(&faults::unexpected, "a publication reached " + fleet::uid(i) + " twice");
  }
}

} // namespace load
