#pragma once
// The log: one line per event, as text or as a JSON object. Owns: the queue to the writing thread
// and what is dropped when nobody reads. Made and ended by main; any thread may write; never waits
// for the reader (faults.md 104).

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <variant>

namespace beckon::net {

enum class log_level : std::uint8_t { debug, info, warn, error, off };
enum class log_format : std::uint8_t { text, json };

/// What one event may say. Never a payload or a token: callers see to that, the log cannot know.
struct log_field {
  using value_type = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  std::string_view key; ///< lower case, `_`; not time, level or event
  value_type value;

  log_field(std::string_view k, bool v) : key(k), value(v) {}
  log_field(std::string_view k, const char* v) : key(k), value(std::string_view{v}) {}
  log_field(std::string_view k, std::string_view v) : key(k), value(v) {}
  log_field(std::string_view k, std::floating_point auto v)
      : key(k), value(static_cast<double>(v)) {}
  log_field(std::string_view k, std::signed_integral auto v)
      : key(k), value(static_cast<std::int64_t>(v)) {}
  log_field(std::string_view k, std::unsigned_integral auto v)
      : key(k), value(static_cast<std::uint64_t>(v)) {}
};

class logger {
public:
  /// Lines that wait for the reader; the oldest goes when another comes.
  static constexpr std::size_t queue_lines_max = 1024;
  /// Longest string value; what is longer is cut (a client chooses some of them).
  static constexpr std::size_t value_bytes_max = 256;

  /// Writes to the descriptor `fd`, which stays the caller's.
  logger(log_level least, log_format format, int fd = 2);
  /// Writes what waits, for half a second at most.
  ~logger();
  logger(const logger&) = delete;
  logger& operator=(const logger&) = delete;

  bool enabled(log_level level) const noexcept { return level >= least_; }
  /// `event` is a short name such as "session_closed". Any thread; takes a short lock, never waits
  /// for a reader.
  void write(log_level level, std::string_view event,
             std::initializer_list<log_field> fields = {}) noexcept;

  void debug(std::string_view event, std::initializer_list<log_field> fields = {}) noexcept {
    write(log_level::debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<log_field> fields = {}) noexcept {
    write(log_level::info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<log_field> fields = {}) noexcept {
    write(log_level::warn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<log_field> fields = {}) noexcept {
    write(log_level::error, event, fields);
  }

  /// Lines that were lost: the queue was full, or the reader is gone.
  std::uint64_t dropped() const noexcept;

private:
  struct machinery;
  log_level least_;
  log_format format_;
  std::unique_ptr<machinery> machinery_;
};

} // namespace beckon::net
