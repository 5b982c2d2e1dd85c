#pragma once
// What happened on one thread, in numbers. Owns: the cells of every metric. Written by that thread
// alone, read by any (net/metrics.cpp adds the threads up); lives as long as the runtime.

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace beckon::actors {

/// A number with one writer. No read-modify-write: a plain load and store, which costs what `++`
/// costs.
/// @note thread `add` on the owning thread only, `value` on any.
class counter {
public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// What goes up and down. What went up on one thread may go down on another, so one cell may be
/// negative; the sum over the threads is what counts.
class gauge {
public:
  void add(std::int64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void sub(std::int64_t n = 1) noexcept { add(-n); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::int64_t> value_{0};
};

/// How long something took, in fixed buckets: one comparison chain and two additions per
/// observation.
class duration_histogram {
public:
  /// Upper bounds, 10 us to 1 s; one more bucket takes what is slower.
  static constexpr std::array<std::chrono::microseconds, 16> bounds{
      std::chrono::microseconds{10},      std::chrono::microseconds{25},
      std::chrono::microseconds{50},      std::chrono::microseconds{100},
      std::chrono::microseconds{250},     std::chrono::microseconds{500},
      std::chrono::microseconds{1'000},   std::chrono::microseconds{2'500},
      std::chrono::microseconds{5'000},   std::chrono::microseconds{10'000},
      std::chrono::microseconds{25'000},  std::chrono::microseconds{50'000},
      std::chrono::microseconds{100'000}, std::chrono::microseconds{250'000},
      std::chrono::microseconds{500'000}, std::chrono::microseconds{1'000'000},
  };

  void observe(std::chrono::nanoseconds took) noexcept {
    auto bucket = std::lower_bound(bounds.begin(), bounds.end(), took) - bounds.begin();
    buckets_[static_cast<std::size_t>(bucket)].add();
    sum_ns_.add(static_cast<std::uint64_t>(std::max(took, std::chrono::nanoseconds{0}).count()));
  }
  /// Observations within bucket `i`, not cumulative; `i` = bounds.size() is what was slower than
  /// all bounds.
  std::uint64_t bucket(std::size_t i) const noexcept { return buckets_[i].value(); }
  std::uint64_t sum_ns() const noexcept { return sum_ns_.value(); }

private:
  std::array<counter, bounds.size() + 1> buckets_;
  counter sum_ns_;
};

/// What a client asked for, as the metrics tell it apart.
enum class message_kind : std::uint8_t { send, publish, request, reply, call, other };
inline constexpr std::size_t message_kind_count = 6;
constexpr std::array<std::string_view, message_kind_count> message_kind_names{
    "send", "publish", "request", "reply", "call", "other"};
constexpr message_kind kind_of(protocol::frame_type type) noexcept {
  switch (type) {
  case protocol::frame_type::send:
    return message_kind::send;
  case protocol::frame_type::publish:
    return message_kind::publish;
  case protocol::frame_type::request:
    return message_kind::request;
  case protocol::frame_type::reply:
    return message_kind::reply;
  case protocol::frame_type::call:
    return message_kind::call;
  default:
    return message_kind::other;
  }
}

/// Why a connection did not become a session: the HTTP status that it got, or that it got none.
enum class refusal : std::uint8_t {
  http_400,
  http_401,
  origin, ///< 403
  http_404,
  http_405,
  http_414,
  http_426,
  http_429,
  http_431,
  http_503,
  http_other,
  bad_preface,       ///< what came is not HTTP: closed without an answer
  handshake_timeout, ///< no complete request in time: closed without an answer
  crowded,           ///< the same while too many came at once
};
inline constexpr std::size_t refusal_count = 14;
constexpr std::array<std::string_view, refusal_count> refusal_names{
    "http_400",          "http_401", "origin",   "http_404", "http_405",   "http_414",
    "http_426",          "http_429", "http_431", "http_503", "http_other", "bad_preface",
    "handshake_timeout", "crowded",
};
/// The refusal of an HTTP status.
constexpr refusal refusal_of(unsigned status) noexcept {
  constexpr unsigned statuses[] = {400, 401, 403, 404, 405, 414, 426, 429, 431, 503};
  auto at = std::find(std::begin(statuses), std::end(statuses), status) - std::begin(statuses);
  return static_cast<refusal>(at); // behind the last one stands http_other
}

/// How connections ended: one cell per close code of ours, one for all that clients chose, one for
/// none at all.
inline constexpr std::size_t close_client =
    std::size(protocol::close_codes); ///< the client sent its close first
inline constexpr std::size_t close_lost =
    std::size(protocol::close_codes) + 1; ///< reset or end of file, no close
inline constexpr std::size_t close_count = std::size(protocol::close_codes) + 2;
constexpr std::size_t close_index(protocol::close_code code) noexcept {
  auto at = std::find(std::begin(protocol::close_codes), std::end(protocol::close_codes), code);
  return static_cast<std::size_t>(at - std::begin(protocol::close_codes));
}

struct alignas(64) counters {
  gauge connections;   ///< sockets, from accept to close
  gauge handshakes;    ///< of these, not yet upgraded or refused
  gauge not_accepting; ///< listening sockets that wait before they accept more
  gauge sessions;      ///< authenticated or not
  gauge bots;          ///< of these, actors of the program: they have no connection
  gauge groups;
  gauge members;      ///< (group, uid) pairs
  gauge queued_bytes; ///< in all outbound queues

  counter frames_in, frames_out; ///< WebSocket messages
  counter bytes_in, bytes_out;   ///< of the sockets
  counter slow_consumers;        ///< times that a session's outbound queue became full
  counter out_of_memory;         ///< messages and handshakes that failed for want of memory
  counter gap_frames;            ///< frames that slow sessions missed, as told by `gap.lost`
  counter turns_slow;            ///< turns of the thread that took over 50 ms

  duration_histogram handed; ///< from the frame's arrival to the last recipient's queue

  /// Messages by kind and outcome, one per recipient (a publication: one per session).
  std::array<std::array<counter, protocol::outcome_count>, message_kind_count> messages;
  /// Frames refused by kind and code.
  std::array<std::array<counter, protocol::code_count>, message_kind_count> refused;
  std::array<counter, close_count> closes;
  std::array<counter, refusal_count> refusals;

  void message(message_kind kind, protocol::outcome what, std::uint64_t n = 1) noexcept {
    messages[static_cast<std::size_t>(kind)][static_cast<std::size_t>(what)].add(n);
  }
  void refuse(message_kind kind, protocol::code why) noexcept {
    refused[static_cast<std::size_t>(kind)][static_cast<std::size_t>(why)].add();
  }
  void refuse(refusal why) noexcept { refusals[static_cast<std::size_t>(why)].add(); }
  void closed(protocol::close_code why) noexcept { closes[close_index(why)].add(); }
  void closed_by_client() noexcept { closes[close_client].add(); }
  void lost() noexcept { closes[close_lost].add(); }
};

} // namespace beckon::actors
