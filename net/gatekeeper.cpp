#include "net/gatekeeper.hpp"

namespace beckon::net {

std::optional<std::chrono::milliseconds> gatekeeper::admit(actors::steady_time now) {
  static constexpr std::chrono::milliseconds look_again{20};
  std::lock_guard guard{mutex_};
  if (bounds_.handshakes_in_progress_max && in_progress_ >= bounds_.handshakes_in_progress_max)
    return look_again;
  if (!handshakes_.take(1, now))
    return std::max(look_again, handshakes_.wait(1));
  return std::nullopt;
}

void gatekeeper::nobody_came() {
  std::lock_guard guard{mutex_};
  handshakes_.give_back(1);
}

void gatekeeper::accepted(const boost::asio::ip::address& from) {
  std::lock_guard guard{mutex_};
  ++connections_;
  ++in_progress_;
  ++by_address_[from];
}

void gatekeeper::handshake_done() {
  std::lock_guard guard{mutex_};
  --in_progress_;
}

void gatekeeper::gone(const boost::asio::ip::address& from) {
  std::lock_guard guard{mutex_};
  --connections_;
  auto found = by_address_.find(from);
  if (--found->second == 0)
    by_address_.erase(found);
}

unsigned gatekeeper::check(const boost::asio::ip::address& from) {
  std::lock_guard guard{mutex_};
  if (bounds_.connections_max && connections_ > bounds_.connections_max)
    return 503;
  if (bounds_.connections_per_address_max &&
      by_address_[from] > bounds_.connections_per_address_max)
    return 429;
  return 0;
}

unsigned gatekeeper::check_failures(const boost::asio::ip::address& from, actors::steady_time now) {
  std::lock_guard guard{mutex_};
  auto failed = failures_.find(from);
  auto lately = failed != failures_.end() && now - failed->second.since < failures_window;
  return lately && failed->second.count > failures_max ? 429 : 0;
}

void gatekeeper::failed_token(const boost::asio::ip::address& from, actors::steady_time now) {
  std::lock_guard guard{mutex_};
  if (failures_.size() >= failing_addresses_max)
    failures_.clear();
  auto& f = failures_[from];
  if (f.count == 0 || now - f.since >= failures_window)
    f = {0, now};
  ++f.count;
}

} // namespace beckon::net
