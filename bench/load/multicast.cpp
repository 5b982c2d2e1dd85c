#include "multicast.hpp"

#include <bit>
#include <charconv>
#include <stdexcept>

namespace load {

namespace {

constexpr char mark = 'm';

/// The client that a delivery says it is from; one that does not exist when it says nothing.
std::size_t sender_of(std::string_view text) {
  constexpr std::string_view field = R"("from":"u)";
  std::size_t index = static_cast<std::size_t>(-1);
  if (const auto at = text.find(field); at != std::string_view::npos)
    std::from_chars(text.data() + at + field.size(), text.data() + text.size(), index);
  return index;
}

} // namespace

multicast::multicast(fleet& clients, const plan& what, bool is_split) : traffic(clients, what) {
  if (plan_.recipients > recipients_max || plan_.recipients >= clients.form().group_size)
    throw std::invalid_argument("--recipients: at most 64, and fewer than the group has members");
  for (std::size_t i = 0; i != clients.form().clients; ++i)
    requests_.push_back(prepare(i, is_split));
}

multicast::request multicast::prepare(std::size_t sender, bool is_split) const {
  const auto& words = clients_.words();
  const auto uid = fleet::uid(sender);
  const auto group = clients_.group(sender);
  // The data is as long as that of a direct message, so that every recipient gets as much.
  const auto first = after(sender, 1);
  const auto data =
      fill_to(words.send, {.uid = uid, .group = group, .to = first, .id = {}, .data = {}}, mark,
              plan_.message_bytes)
          .data;
  std::string frames, list;
  for (std::size_t steps = 1; steps <= plan_.recipients; ++steps) {
    const auto to = after(sender, steps);
    if (is_split)
      frames += clients_.frame(
          sender, fill(words.send, {.uid = uid, .group = group, .to = to, .id = {}, .data = data}));
    list += (list.empty() ? "\"" : ",\"") + to + '"';
  }
  if (!is_split)
    frames = clients_.frame(
        sender,
        fill(words.send_to_all, {.uid = uid, .group = group, .to = list, .id = {}, .data = data}));
  return {.frames = frames, .data = data};
}

std::string multicast::after(std::size_t sender, std::size_t steps) const {
  const std::size_t size = clients_.form().group_size;
  return fleet::uid(sender - sender % size + (sender + steps) % size);
}

void multicast::start() {
  for (std::size_t i = 0; i != requests_.size(); ++i)
    send(i, clock::now());
}

void multicast::send(std::size_t sender, time_point at) {
  if (!may_send())
    return;
  auto& r = requests_[sender];
  r.missing = ~std::uint64_t{0} >> (recipients_max - plan_.recipients);
  r.sent = at;
  count_sent(plan_.recipients);
  clients_.send(sender, r.frames);
}

void multicast::on_delivery(std::size_t receiver, std::string_view text) {
  const std::size_t size = clients_.form().group_size;
  const std::size_t sender = sender_of(text);
  const std::size_t steps = sender < requests_.size() && sender / size == receiver / size
                                ? (receiver + size - sender) % size
                                : 0;
  const std::uint64_t bit =
      steps == 0 || steps > plan_.recipients ? 0 : std::uint64_t{1} << (steps - 1);
  if (bit == 0 || (requests_[sender].missing & bit) == 0)
    return clients_.blame(&faults::unexpected, "delivered but never sent: " + std::string(text));
  auto& r = requests_[sender];
  if (!is_right(receiver, text, sender, r.data))
    return;
  r.missing &= ~bit;
  count_delivery();
  const auto now = clock::now();
  tally_.latency.add(now - r.sent);
  if (r.missing == 0)
    send(sender, now);
}

void multicast::on_ok(std::size_t, std::string_view text) {
  clients_.blame(&faults::unexpected,
                 "acknowledged, but nothing here carries an id: " + std::string(text));
}

void multicast::audit() {
  for (const auto& r : requests_)
    for (int missing = std::popcount(r.missing); missing > 0; --missing)
      clients_.blame(&faults::lost, "a message was not delivered");
}

} // namespace load
