#include "net/gatekeeper.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

namespace beckon::net {
namespace {

namespace ip = boost::asio::ip;

/// What is counted as one address.
ip::address key_of(const ip::address& from) {
  if (!from.is_v6())
    return from;
  auto bytes = from.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return ip::address_v6(bytes);
}

} // namespace

// ---- how fast ----

std::optional<std::chrono::milliseconds> gatekeeper::admit(actors::steady_time now) {
  static constexpr std::chrono::milliseconds look_again{20};
  std::lock_guard guard{mutex_};
  auto none_would_go = by_silence_.empty() || by_silence_.rbegin()->first == 0;
  if (half_open_ >= bounds_.handshakes_in_progress_max && none_would_go)
    return look_again;
  if (!handshakes_.take(1, now))
    return std::max(look_again, handshakes_.wait(1));
  return std::nullopt;
}

void gatekeeper::nobody_came() {
  std::lock_guard guard{mutex_};
  handshakes_.give_back(1);
}

// ---- a connection's way ----

void gatekeeper::accepted(guest& g, const ip::address& from) {
  assert(!g.of_);
  std::lock_guard guard{mutex_};
  g.from_ = key_of(from);
  auto [found, is_new] = by_address_.try_emplace(g.from_);
  auto& n = found->second;
  if (is_new) {
    try {
      n.place = by_silence_.emplace(0, &n);
    } catch (...) {
      by_address_.erase(found);
      throw;
    }
  }
  g.of_ = &n;
  ++n.all;
  ++n.half_open;
  ++half_open_;
  g.row_ = guest::row::silent;
  n.silent.push_back(g);
  count_silent(n, n.silent_count + 1);
  make_room(n);
}

/// The oldest goes where an address has too many, a silent one if there is one besides the newest;
/// where there are too many in all, the oldest silent one of the address that has the most.
void gatekeeper::make_room(neighbours& n) {
  auto most = half_open_factor * bounds_.connections_per_address_max;
  if (most != 0 && n.half_open > most)
    return ask_to_go(n.silent_count > 1 ? n.silent.front() : n.speaking.front());
  if (half_open_ <= bounds_.handshakes_in_progress_max)
    return;
  auto& crowd = *by_silence_.lower_bound(by_silence_.rbegin()->first)->second;
  if (crowd.silent_count > 1 || &crowd != &n) // else it would be the newest
    ask_to_go(crowd.silent.front());
}

void gatekeeper::ask_to_go(guest& g) {
  leave_row(g);
  g.asked_to_go();
}

/// Keeps the order of addresses by it, without allocating.
void gatekeeper::count_silent(neighbours& n, std::size_t now) {
  n.silent_count = now;
  auto node = by_silence_.extract(n.place);
  node.key() = now;
  n.place = by_silence_.insert(std::move(node));
}

void gatekeeper::leave_row(guest& g) {
  auto& n = *g.of_;
  auto was = std::exchange(g.row_, guest::row::none);
  if (was == guest::row::none)
    return;
  --n.half_open;
  --half_open_;
  if (was == guest::row::speaking) {
    n.speaking.erase(n.speaking.iterator_to(g));
  } else {
    n.silent.erase(n.silent.iterator_to(g));
    count_silent(n, n.silent_count - 1);
  }
}

void gatekeeper::spoke(guest& g) {
  std::lock_guard guard{mutex_};
  if (g.row_ != guest::row::silent)
    return;
  auto& n = *g.of_;
  n.silent.erase(n.silent.iterator_to(g));
  count_silent(n, n.silent_count - 1);
  n.speaking.push_back(g);
  g.row_ = guest::row::speaking;
}

unsigned gatekeeper::take_in(guest& g) {
  std::lock_guard guard{mutex_};
  auto& n = *g.of_;
  if (bounds_.connections_max && sessions_ >= bounds_.connections_max)
    return 503;
  if (bounds_.connections_per_address_max && n.sessions >= bounds_.connections_per_address_max)
    return 429;
  ++sessions_;
  ++n.sessions;
  g.is_session_ = true;
  return 0;
}

void gatekeeper::answered(guest& g, bool asked) {
  std::lock_guard guard{mutex_};
  leave_row(g);
  if (!asked)
    handshakes_.give_back(1);
}

void gatekeeper::gone(guest& g) {
  std::lock_guard guard{mutex_};
  leave_row(g);
  auto& n = *g.of_;
  if (std::exchange(g.is_session_, false)) {
    --sessions_;
    --n.sessions;
  }
  g.of_ = nullptr;
  if (--n.all > 0)
    return;
  by_silence_.erase(n.place);
  by_address_.erase(g.from_);
}

// ---- bad tokens ----

unsigned gatekeeper::check_failures(const ip::address& from, actors::steady_time now) {
  std::lock_guard guard{mutex_};
  auto failed = failures_.find(key_of(from));
  auto lately = failed != failures_.end() && now - failed->second.since < failures_window;
  return lately && failed->second.count > failures_max ? 429 : 0;
}

void gatekeeper::failed_token(const ip::address& from, actors::steady_time now) {
  std::lock_guard guard{mutex_};
  if (failures_.size() >= failing_addresses_max)
    failures_.clear();
  auto& f = failures_[key_of(from)];
  if (f.count == 0 || now - f.since >= failures_window)
    f = {0, now};
  ++f.count;
}

} // namespace beckon::net
