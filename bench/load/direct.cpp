#include "direct.hpp"

#include <algorithm>
#include <utility>

namespace load {

namespace {

/// An open loop does not sleep through the last of the time to the next message: the kernel may
/// wake us later than asked.
constexpr nanoseconds wake_up_margin = std::chrono::microseconds(200);

constexpr char mark = 'm';

} // namespace

direct::direct(fleet& clients, const plan& what)
    : traffic(clients, what), lanes_(clients.form().clients),
      senders_(what.senders == 0 ? clients.form().clients : what.senders) {
  if (plan_.rate > 0)
    interval_ = nanoseconds(static_cast<std::int64_t>(1e9 / plan_.rate));
  const auto& words = clients_.words();
  for (std::size_t i = 0; i != lanes_.size(); ++i) {
    const auto uid = fleet::uid(i);
    const auto group = clients_.group(i);
    const auto to = fleet::uid(partner_of(i));
    const std::size_t kinds = plan_.with_id ? plan_.window : 1;
    for (std::size_t id = 1; id <= kinds; ++id) {
      const auto number = std::to_string(id);
      const auto filled = fill_to(plan_.with_id ? words.send_with_id : words.send,
                                  {.uid = uid, .group = group, .to = to, .id = number, .data = {}},
                                  mark, plan_.message_bytes);
      lanes_[i].frames.push_back(clients_.frame(i, filled.text));
      lanes_[i].data = filled.data;
    }
    if (plan_.with_id)
      lanes_[i].sent_by_id.resize(plan_.window);
  }
}

std::size_t direct::partner_of(std::size_t sender) const {
  const std::size_t size = clients_.form().group_size;
  return sender % size == size - 1 ? sender - (size - 1) : sender + 1;
}

std::size_t direct::sender_to(std::size_t receiver) const {
  const std::size_t size = clients_.form().group_size;
  return receiver % size == 0 ? receiver + (size - 1) : receiver - 1;
}

void direct::start() {
  next_due_ = clock::now();
  if (plan_.rate > 0)
    return;
  // Round by round, so that a budget smaller than all windows still reaches every client.
  for (std::size_t number = 0; number != plan_.window; ++number)
    for (std::size_t i = 0; i != lanes_.size(); ++i)
      send(i, number, clock::now());
}

nanoseconds direct::tick(time_point now) {
  if (plan_.rate <= 0)
    return traffic::tick(now);
  for (; next_due_ <= now; next_due_ += interval_) {
    tally_.delay.add(now - next_due_);
    send(next_sender_, 0, next_due_);
    next_sender_ = next_sender_ + 1 == senders_ ? 0 : next_sender_ + 1;
  }
  // While an answer is on its way the sockets are polled: the time to wake a sleeping generator is
  // not the server's.
  if (outstanding() != 0)
    return nanoseconds(0);
  return std::max(nanoseconds(0), next_due_ - now - wake_up_margin);
}

void direct::send(std::size_t sender, std::size_t number, time_point at) {
  if (!may_send())
    return;
  auto& way = lanes_[sender];
  way.on_the_way.push_back(at);
  if (plan_.with_id)
    way.sent_by_id[number] = at;
  count_sent(plan_.with_id ? 2 : 1);
  clients_.send(sender, way.frames[plan_.with_id ? number : 0]);
}

void direct::on_delivery(std::size_t receiver, std::string_view text) {
  const std::size_t sender = sender_to(receiver);
  auto& way = lanes_[sender];
  if (way.on_the_way.empty())
    return clients_.blame(&faults::unexpected, "delivered but never sent: " + std::string(text));
  if (!is_right(receiver, text, sender, way.data))
    return;
  const auto sent = way.on_the_way.front();
  way.on_the_way.pop_front();
  count_delivery();
  if (plan_.with_id)
    return;
  const auto now = clock::now();
  tally_.latency.add(now - sent);
  if (plan_.rate <= 0)
    send(sender, 0, now);
}

void direct::on_ok(std::size_t sender, std::string_view text) {
  auto& way = lanes_[sender];
  const std::uint64_t id = id_of(clients_.words(), text);
  if (id == 0 || id > way.sent_by_id.size() || way.sent_by_id[id - 1] == time_point{})
    return clients_.blame(&faults::unexpected, "acknowledged but never sent: " + std::string(text));
  const auto now = clock::now();
  tally_.latency.add(now - std::exchange(way.sent_by_id[id - 1], time_point{}));
  count_acknowledgement();
  send(sender, id - 1, now);
}

void direct::audit() {
  for (const auto& way : lanes_) {
    const auto unanswered =
        static_cast<std::size_t>(std::count_if(way.sent_by_id.begin(), way.sent_by_id.end(),
                                               [](time_point at) { return at != time_point{}; }));
    for (std::size_t i = 0; i != way.on_the_way.size() + unanswered; ++i)
      clients_.blame(&faults::lost, "a message was not delivered or not acknowledged");
  }
}

} // namespace load
