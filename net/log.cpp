#include "net/log.hpp"

#include "protocol/json.hpp"
#include "protocol/names.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <exception>
#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <string>
#include <unistd.h>

namespace beckon::net {

namespace {

using std::chrono::steady_clock;

/// How long the destructor waits for a reader that does not read.
constexpr std::chrono::milliseconds farewell{500};
/// How often a writer that waits for its reader looks whether it should stop.
constexpr std::chrono::milliseconds patience{50};

/// Writes lines to a descriptor; runs on the log's own thread. spdlog's sinks go through stdio,
/// which can wait for ever on a pipe that nobody reads, and then the process could not end.
class descriptor_sink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  explicit descriptor_sink(int fd) : fd_(fd) {}

  /// From now on waits for the reader until `deadline` only. Any thread.
  void stop_at(steady_clock::time_point deadline) noexcept { deadline_ = deadline; }
  std::uint64_t lost() const noexcept { return lost_; }

protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.clear();
    if (torn_)
      line_.push_back('\n'); // the rest of the line before was lost: it must not swallow this one
    formatter_->format(message, line_);
    std::string_view rest(line_.data(), line_.size());
    while (!rest.empty()) {
      auto written = write_some(rest);
      if (written == 0) {
        torn_ = torn_ || rest.size() < line_.size();
        ++lost_;
        return;
      }
      rest.remove_prefix(written);
    }
    torn_ = false;
  }
  void flush_() override {}

private:
  /// @returns how many bytes the reader took; 0: it is gone, or did not read in time.
  std::size_t write_some(std::string_view bytes) {
    // A pipe that polls as writable takes this much without waiting (POSIX, write: PIPE_BUF).
    constexpr std::size_t chunk_bytes_max = 4096;
    for (;;) {
      auto deadline = deadline_.load();
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
      auto wait = std::clamp(left, std::chrono::milliseconds{0}, patience);
      pollfd ready{fd_, POLLOUT, 0};
      auto polled = ::poll(&ready, 1, static_cast<int>(wait.count()));
      if (polled == 0 && left <= patience)
        return 0;
      if (polled <= 0) {
        if (polled < 0 && errno != EINTR)
          return 0;
        continue;
      }
      auto n = ::write(fd_, bytes.data(), std::min(bytes.size(), chunk_bytes_max));
      if (n > 0)
        return static_cast<std::size_t>(n);
      if (errno != EINTR && errno != EAGAIN)
        return 0;
    }
  }

  int fd_;
  bool torn_ = false;
  spdlog::memory_buf_t line_;
  std::atomic<steady_clock::time_point> deadline_{steady_clock::time_point::max()};
  std::atomic<std::uint64_t> lost_{0};
};

/// Signals are for the threads of main; without SIGPIPE a reader that is gone is an error of
/// `write`.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

std::string_view name(log_level level) {
  constexpr std::string_view names[] = {"debug", "info", "warn", "error", "off"};
  return names[static_cast<std::size_t>(level)];
}

/// Some values are chosen by strangers. What is too long is cut; what may stand in a uid may stand
/// in a line, and of everything else (broken UTF-8, control characters, which forge lines and drive
/// terminals) only printable ASCII stays.
std::string made_harmless(std::string_view value) {
  auto cut = value.size() > logger::value_bytes_max;
  value = value.substr(0, logger::value_bytes_max);
  if (cut) // not within a character
    while (!value.empty() && (static_cast<unsigned char>(value.back()) & 0x80) != 0)
      value.remove_suffix(1);
  protocol::limits bounds;
  bounds.uid_bytes_max = logger::value_bytes_max;
  std::string text(value);
  if (!protocol::is_uid(text, bounds))
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return cut ? text + "…" : text;
}

void append_number(std::string& out, auto number) {
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

struct value_writer {
  std::string& out;
  log_format format;

  void operator()(std::string_view value) const {
    auto text = made_harmless(value);
    auto is_word = !text.empty() && text.find_first_of(" =\"\\") == text.npos;
    if (format == log_format::text && is_word)
      out += text;
    else
      protocol::append_quoted(out, text);
  }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(double value) const {
    if (value - value == 0)
      append_number(out, value);
    else
      out += "null"; // JSON has no infinity
  }
  void operator()(auto value) const { append_number(out, value); }
};

/// Everything behind the time.
std::string write_line(log_format format, log_level level, std::string_view event,
                       std::initializer_list<log_field> fields) {
  std::string line;
  if (format == log_format::text) {
    line.append(name(level)).append(" ").append(event);
    for (const auto& field : fields) {
      line.append(" ").append(field.key).append("=");
      std::visit(value_writer{line, format}, field.value);
    }
    return line;
  }
  line.append(R"("level":")")
      .append(name(level))
      .append(R"(","event":")")
      .append(event)
      .append("\"");
  for (const auto& field : fields) {
    line.append(",\"").append(field.key).append("\":");
    std::visit(value_writer{line, format}, field.value);
  }
  line += '}';
  return line;
}

} // namespace

struct logger::machinery {
  machinery(log_format format, int fd) : sink(std::make_shared<descriptor_sink>(fd)) {
    auto pattern = format == log_format::text ? "%Y-%m-%dT%H:%M:%S.%eZ %v"
                                              : R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)";
    sink->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n"));
    pool = std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1, block_signals);
    front = std::make_shared<spdlog::async_logger>("beckon", sink, pool,
                                                   spdlog::async_overflow_policy::overrun_oldest);
    front->set_level(spdlog::level::trace);
    // spdlog would print to stderr, and wait for its reader.
    front->set_error_handler([this](const std::string&) { ++unwritten; });
  }
  ~machinery() {
    sink->stop_at(steady_clock::now() + farewell);
    pool.reset(); // writes what waits and joins
  }

  std::shared_ptr<descriptor_sink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> front;
  std::atomic<std::uint64_t> unwritten{0};
};

logger::logger(log_level least, log_format format, int fd)
    : least_(least), format_(format), machinery_(std::make_unique<machinery>(format, fd)) {}

logger::~logger() = default;

void logger::write(log_level level, std::string_view event,
                   std::initializer_list<log_field> fields) noexcept {
  assert(level != log_level::off);
  if (!enabled(level))
    return;
  try {
    machinery_->front->log(spdlog::level::info, write_line(format_, level, event, fields));
  } catch (const std::exception&) {
    // No memory for the line: the work goes on without it.
    ++machinery_->unwritten;
  }
}

std::uint64_t logger::dropped() const noexcept {
  return machinery_->pool->overrun_counter() + machinery_->sink->lost() + machinery_->unwritten;
}

} // namespace beckon::net
