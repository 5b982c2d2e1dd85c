#include "net/basp_stream.hpp"

#include <utility>

namespace beckon::net {

basp_stream::basp_stream(basp_loop& unit, std::int64_t number)
    : scribe(caf::io::connection_handle::from_int(number)), unit_(unit) {}

basp_stream::~basp_stream() = default;

/// BASP says how long each part is, header or payload. What came before it said so the first time
/// waits until it has done with what it is at.
void basp_stream::configure_read(caf::io::receive_policy::config wanted) {
  if (std::exchange(wanted_, wanted.second) == 0)
    unit_.post([self = caf::intrusive_ptr<basp_stream>(this)] { self->take({}); });
}

void basp_stream::take(std::string_view bytes) {
  caf::intrusive_ptr<basp_stream> self(this); // the broker may let go of it
  input_.append(bytes);
  std::size_t taken = 0;
  while (!closed_ && wanted_ > 0 && input_.size() - taken >= wanted_) {
    auto start = input_.begin() + static_cast<std::ptrdiff_t>(taken);
    auto size = wanted_;
    chunk_.assign(start, start + static_cast<std::ptrdiff_t>(size));
    taken += size;
    if (!consume(&unit_, chunk_.data(), size))
      break;
  }
  input_.erase(0, taken);
}

void basp_stream::take_output(std::vector<char>& into) {
  into.clear();
  into.swap(output_);
}

void basp_stream::flush() {
  if (!output_.empty() && on_change)
    on_change();
}

/// The broker has done with it.
void basp_stream::graceful_shutdown() {
  caf::intrusive_ptr<basp_stream> self(this);
  close();
  detach(&unit_, false);
}

void basp_stream::close() {
  closed_ = true;
  input_.clear();
  output_.clear();
  if (on_change)
    on_change();
}

} // namespace beckon::net
