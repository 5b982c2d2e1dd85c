#include "traffic.hpp"

#include <string>

namespace load {

nanoseconds traffic::tick(time_point) {
  return std::chrono::milliseconds(100);
}

bool traffic::may_send() {
  if (is_stopped_)
    return false;
  if (plan_.messages_max == 0)
    return true;
  if (budget_ == 0)
    return false;
  --budget_;
  return true;
}

bool traffic::compare(std::size_t client, std::string_view text, std::size_t sender,
                      std::string_view data) {
  std::string quoted(1, '"');
  quoted += fleet::uid(sender);
  quoted += '"';
  if (text.find(quoted) == std::string_view::npos ||
      !ends_with_data(clients_.words(), text, data)) {
    clients_.blame(&faults::unexpected, "not what was sent: " + std::string(text));
    return false;
  }
  checked_bytes_[client] = text.size();
  return true;
}

} // namespace load
