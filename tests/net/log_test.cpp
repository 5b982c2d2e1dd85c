#include "net/log.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <csignal>
#include <fcntl.h>
#include <limits>
#include <mutex>
#include <poll.h>
#include <regex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace beckon::net;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

class pipe_pair {
public:
  pipe_pair() { BOOST_REQUIRE(::pipe2(fds_, O_CLOEXEC) == 0); }
  ~pipe_pair() {
    close_reader();
    ::close(fds_[1]);
  }
  pipe_pair(const pipe_pair&) = delete;
  pipe_pair& operator=(const pipe_pair&) = delete;
  int writer() const { return fds_[1]; }
  void close_reader() {
    if (fds_[0] >= 0)
      ::close(fds_[0]);
    fds_[0] = -1;
  }
  /// What is in the pipe now.
  std::string read() {
    std::string text;
    char block[65536];
    for (pollfd ready{fds_[0], POLLIN, 0};
         ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0;)
      text.append(block, static_cast<std::size_t>(::read(fds_[0], block, sizeof block)));
    return text;
  }

private:
  int fds_[2];
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    auto end = text.find('\n', at);
    BOOST_REQUIRE(end != text.npos);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

/// What a logger writes whose life is `use`.
template <class Use>
std::vector<std::string> lines(log_format format, Use use, log_level least = log_level::debug) {
  pipe_pair pipe;
  {
    logger log(least, format, pipe.writer());
    use(log);
  }
  return lines_of(pipe.read());
}

/// The one JSON object that `use` logs.
template <class Use>
json::object object(Use use) {
  auto written = lines(log_format::json, use);
  BOOST_REQUIRE(written.size() == 1U);
  boost::system::error_code ec;
  auto value = json::parse(written[0], ec);
  BOOST_REQUIRE_MESSAGE(!ec && value.is_object(), written[0]);
  return value.as_object();
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// Waits for what another thread brings about; the time-out is for a test that fails.
template <class Condition>
bool comes_true(Condition condition) {
  for (auto until = std::chrono::steady_clock::now() + 10s;
       std::chrono::steady_clock::now() < until; std::this_thread::yield())
    if (condition())
      return true;
  return false;
}

/// Reads what a logger waits for that should not wait: without it a broken logger hangs this
/// program instead of failing the test.
class rescuer {
public:
  explicit rescuer(pipe_pair& pipe) : thread_([this, &pipe] { watch(pipe); }) {}
  ~rescuer() {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
    BOOST_TEST(!needed_);
  }
  rescuer(const rescuer&) = delete;
  rescuer& operator=(const rescuer&) = delete;

private:
  void watch(pipe_pair& pipe) {
    std::unique_lock lock(mutex_);
    needed_ = !changed_.wait_for(lock, 20s, [this] { return over_; });
    while (!changed_.wait_for(lock, 1ms, [this] { return over_; }))
      pipe.read();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  bool needed_ = false;
  std::thread thread_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_log)

BOOST_AUTO_TEST_CASE(an_event_is_one_line_of_text) {
  auto written = lines(log_format::text, [](logger& log) {
    log.info("session_closed", {{"code", 4103}, {"address", "127.0.0.1:5000"}, {"clean", false}});
  });
  BOOST_REQUIRE(written.size() == 1U);
  static const std::regex shape(
      R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info session_closed code=4103 address=127\.0\.0\.1:5000 clean=false)");
  BOOST_TEST(std::regex_match(written[0], shape), written[0]);
}

BOOST_AUTO_TEST_CASE(an_event_is_one_json_object) {
  auto o = object([](logger& log) {
    log.warn("session_closed", {{"code", 4103},
                                {"address", std::string("[::1]:5000")},
                                {"clean", true},
                                {"bytes", std::numeric_limits<std::uint64_t>::max()},
                                {"offset", std::numeric_limits<std::int64_t>::min()},
                                {"seconds", 0.25}});
  });
  BOOST_TEST(o.size() == 9U);
  static const std::regex time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
  BOOST_TEST(std::regex_match(std::string(o.at("time").as_string()), time));
  BOOST_TEST(o.at("level").as_string() == "warn");
  BOOST_TEST(o.at("event").as_string() == "session_closed");
  BOOST_TEST(o.at("code").as_int64() == 4103);
  BOOST_TEST(o.at("address").as_string() == "[::1]:5000");
  BOOST_TEST(o.at("clean").as_bool());
  BOOST_TEST(o.at("bytes").as_uint64() == std::numeric_limits<std::uint64_t>::max());
  BOOST_TEST(o.at("offset").as_int64() == std::numeric_limits<std::int64_t>::min());
  BOOST_TEST(o.at("seconds").as_double() == 0.25);
}

BOOST_AUTO_TEST_CASE(a_number_that_json_cannot_say_is_null) {
  auto o = object([](logger& log) {
    log.info("x", {{"nan", std::nan("")}, {"infinite", std::numeric_limits<double>::infinity()}});
  });
  BOOST_TEST(o.at("nan").is_null());
  BOOST_TEST(o.at("infinite").is_null());
}

BOOST_AUTO_TEST_CASE(a_strangers_value_cannot_forge_a_line) {
  const std::string_view hostile[] = {"x\n2026-01-01T00:00:00.000Z error forged",
                                      "\",\"level\":\"error",
                                      "\x1b[2J",
                                      "\xff\xfe",
                                      "\xC2\x9B[2J",
                                      "a\\",
                                      std::string_view("a\0b", 3),
                                      "{}\r\n{}",
                                      "\xED\xA0\x80",
                                      "\x7f"};
  for (auto value : hostile) {
    auto o = object([&](logger& log) { log.info("request_refused", {{"origin", value}}); });
    BOOST_TEST(o.size() == 4U);
    BOOST_TEST(o.at("level").as_string() == "info");
    BOOST_TEST(is_printable_ascii(o.at("origin").as_string()));
    auto text = lines(log_format::text, [&](logger& log) {
      log.info("request_refused", {{"origin", value}});
    });
    BOOST_REQUIRE(text.size() == 1U);
    BOOST_TEST(is_printable_ascii(text[0]));
  }
}

BOOST_AUTO_TEST_CASE(honest_text_is_kept) {
  for (auto value : {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "$sys", "say \"hi\"", "", "a=b"})
    BOOST_TEST(object([&](logger& log) {
                 log.info("x", {{"value", value}});
               })
                   .at("value")
                   .as_string() == value);
}

BOOST_AUTO_TEST_CASE(text_values_that_are_no_word_are_quoted) {
  auto written = lines(log_format::text, [](logger& log) {
    log.info("x",
             {{"a", "two words"}, {"b", ""}, {"c", "k=v"}, {"d", "say \"hi\""}, {"e", "plain"}});
  });
  BOOST_TEST(written.at(0).substr(25) ==
             R"(info x a="two words" b="" c="k=v" d="say \"hi\"" e=plain)");
}

BOOST_AUTO_TEST_CASE(a_long_value_is_cut_between_characters) {
  auto value_of = [](const std::string& text) {
    return std::string(object([&](logger& log) {
                         log.info("x", {{"v", text}});
                       })
                           .at("v")
                           .as_string());
  };
  constexpr auto most = logger::value_bytes_max;
  BOOST_TEST(value_of(std::string(most - 1, 'a')) == std::string(most - 1, 'a'));
  BOOST_TEST(value_of(std::string(most, 'a')) == std::string(most, 'a'));
  BOOST_TEST(value_of(std::string(most + 1, 'a')) == std::string(most, 'a') + "…");
  BOOST_TEST(value_of(std::string(most - 1, 'a') + "\xE2\x82\xAC") ==
             std::string(most - 1, 'a') + "…");
}

BOOST_AUTO_TEST_CASE(what_is_below_the_level_is_not_written) {
  auto all = [](logger& log) {
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
  };
  BOOST_TEST(lines(log_format::text, all, log_level::debug).size() == 4U);
  BOOST_TEST(lines(log_format::text, all, log_level::warn).size() == 2U);
  BOOST_TEST(lines(log_format::text, all, log_level::off).empty());
}

BOOST_AUTO_TEST_CASE(lines_of_many_threads_are_whole) {
  pipe_pair pipe;
  std::string text;
  {
    logger log(log_level::info, log_format::json, pipe.writer());
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&log, t] {
        for (int i = 0; i < 100; ++i)
          log.info("tick", {{"thread", t}, {"i", i}});
      });
    for (auto& thread : threads)
      thread.join();
    BOOST_TEST(log.dropped() == 0U);
  }
  auto written = lines_of(pipe.read());
  BOOST_TEST(written.size() == 400U);
  for (const auto& line : written)
    BOOST_TEST(json::parse(line).is_object());
}

BOOST_AUTO_TEST_CASE(a_reader_that_does_not_read_holds_nobody_up) {
  constexpr std::size_t events = 50'000;
  pipe_pair pipe;
  std::chrono::steady_clock::time_point ended;
  std::uint64_t dropped = 0;
  {
    rescuer rescue(pipe);
    logger log(log_level::info, log_format::text, pipe.writer());
    for (std::size_t i = 0; i < events; ++i) // some 4 MB for a pipe of 64 KiB
      log.info("event_number", {{"number", i}, {"padding", "some text that fills the pipe"}});
    dropped = log.dropped();
    ended = std::chrono::steady_clock::now();
  }
  auto farewell = std::chrono::steady_clock::now() - ended;
  BOOST_TEST((farewell < 5s)); // the end waits for the reader, but not for long
  auto written = lines_of(pipe.read() + '\n');
  // What is neither in the pipe nor in the queue has been dropped, and counted.
  BOOST_TEST(dropped > 0U);
  BOOST_TEST(dropped + written.size() + logger::queue_lines_max >= events);
  BOOST_TEST(dropped < events);
}

BOOST_AUTO_TEST_CASE(a_reader_that_comes_late_gets_the_newest_lines) {
  pipe_pair pipe;
  std::string text;
  {
    logger log(log_level::info, log_format::json, pipe.writer());
    {
      rescuer rescue(pipe);
      for (int i = 0; i < 5'000; ++i)
        log.info("event_number", {{"number", i}});
    }
    BOOST_REQUIRE(log.dropped() > 0);
    // The line is there once everything in the queue has been read.
    log.info("the_last");
    BOOST_TEST(comes_true([&] { return (text += pipe.read()).find("the_last") != text.npos; }));
  }
  text += pipe.read();
  auto written = lines_of(text);
  for (const auto& line : written)
    BOOST_TEST(json::parse(line).is_object());
  BOOST_TEST(written.at(written.size() - 2).find("4999") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_reader_that_is_gone_kills_nobody) {
  std::signal(SIGPIPE, SIG_DFL); // nobody else's precaution helps
  pipe_pair pipe;
  logger log(log_level::info, log_format::text, pipe.writer());
  pipe.close_reader();
  for (int i = 0; i < 10; ++i)
    log.info("event");
  BOOST_TEST(comes_true([&] { return log.dropped() == 10; }));
}

BOOST_AUTO_TEST_CASE(a_full_disk_loses_lines_and_counts_them) {
  auto full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  BOOST_REQUIRE(full >= 0);
  {
    logger log(log_level::info, log_format::text, full);
    log.info("event");
    BOOST_TEST(comes_true([&] { return log.dropped() == 1; }));
  }
  ::close(full);
}

BOOST_AUTO_TEST_SUITE_END()
