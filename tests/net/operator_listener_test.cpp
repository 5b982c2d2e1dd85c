// On a loop of its own, with real connections on loopback and behaviours that answer when the test
// says so.

#include "net/operator_listener.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <future>
#include <optional>
#include <thread>

using namespace beckon::net;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

/// A listener that runs, and the questions that its groups have been asked.
struct running {
  running()
      : listener(
            loop, {boost::asio::ip::address_v4::loopback(), 0},
            {.key = std::string(32, 'k'),
             .hosts = {},
             .bounds = bounds,
             .draining = draining,
             .metrics = [] { return std::string("m 1\n"); },
             .cluster = [] { return std::string(); },
             .behaviours = {.behaviour_of = [this](std::string, behaviour_told told) { ask(told); },
                            .swap = [this](std::string, std::string,
                                           behaviour_told told) { ask(told); }}}) {
    listener.start();
    thread = std::thread([this] { loop.run(); });
  }
  ~running() {
    boost::asio::post(loop, [this] { listener.stop(); });
    loop.stop();
    thread.join();
  }
  void ask(behaviour_told told) {
    std::lock_guard guard{mutex};
    asked.push_back(std::move(told));
  }
  std::size_t questions() {
    std::lock_guard guard{mutex};
    return asked.size();
  }
  void await(std::size_t n) {
    for (int i = 0; i < 5000 && questions() < n; ++i)
      std::this_thread::sleep_for(1ms);
    BOOST_REQUIRE(questions() == n);
  }
  /// Answers the oldest question.
  void answer() {
    behaviour_told told;
    {
      std::lock_guard guard{mutex};
      told = std::move(asked.front());
      asked.pop_front();
    }
    told({behaviour_answer::kind::good, "b", {}, 0us});
  }

  beckon::protocol::limits bounds;
  std::atomic<bool> draining{false};
  boost::asio::io_context loop{1};
  operator_listener listener;
  std::mutex mutex;
  std::deque<behaviour_told> asked;
  std::thread thread;
};

struct client {
  explicit client(running& to) : socket(loop) { socket.connect(to.listener.where()); }
  void ask(const char* path) {
    http::request<http::string_body> request(http::verb::get, path, 11);
    request.set(http::field::host, "localhost");
    http::write(socket, request);
  }
  unsigned status() {
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    return response.result_int();
  }
  boost::asio::io_context loop;
  tcp::socket socket;
  boost::beast::flat_buffer buffer;
};

constexpr auto slow = "/groups/g/behaviour";

} // namespace

BOOST_AUTO_TEST_SUITE(net_operator_listener)

BOOST_AUTO_TEST_CASE(a_client_that_went_before_its_answer_harms_nobody) {
  running r;
  for (int round = 0; round < 20; ++round) {
    {
      client gone(r), reset(r);
      for (auto* c : {&gone, &reset})
        c->ask(slow);
      r.await(2);
      reset.socket.set_option(boost::asio::socket_base::linger(true, 0));
    }
    r.answer();
    r.answer();
    client next(r);
    next.ask("/healthz");
    BOOST_TEST(next.status() == 200U);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_comes_too_late_is_504_and_nobody_waits_for_it) {
  running r;
  client waits(r), gone(r);
  waits.ask(slow);
  r.await(1);
  gone.ask(slow);
  r.await(2);
  gone.socket.close();
  auto start = std::chrono::steady_clock::now();
  BOOST_TEST(waits.status() == 504U);
  BOOST_TEST((std::chrono::steady_clock::now() - start >= 3s));
  r.answer();
  r.answer();
  waits.ask(slow); // the connection goes on
  r.await(1);
  r.answer();
  BOOST_TEST(waits.status() == 200U);
}

BOOST_AUTO_TEST_CASE(so_many_answers_are_waited_for_and_health_is_told_beside_them) {
  running r;
  std::deque<client> waiting;
  for (std::size_t i = 0; i < operator_limits::answers_max; ++i)
    waiting.emplace_back(r).ask(slow);
  r.await(operator_limits::answers_max);
  client more(r);
  more.ask(slow);
  BOOST_TEST(more.status() == 503U);
  more.ask("/metrics");
  BOOST_TEST(more.status() == 503U);
  for (auto path : {"/healthz", "/readyz"}) {
    more.ask(path);
    BOOST_TEST(more.status() == 200U);
  }
  // Nor does a crowd cut one that is being answered.
  std::deque<client> crowd;
  for (std::size_t i = 0; i < operator_limits::connections_max; ++i)
    crowd.emplace_back(r);
  for (std::size_t i = 0; i < waiting.size(); ++i)
    r.answer();
  for (auto& c : waiting)
    BOOST_TEST(c.status() == 200U);
  client next(r);
  next.ask("/metrics");
  BOOST_TEST(next.status() == 200U);
}

BOOST_AUTO_TEST_CASE(while_it_drains_it_is_healthy_and_not_ready) {
  running r;
  r.draining = true;
  client c(r);
  c.ask("/healthz");
  BOOST_TEST(c.status() == 200U);
  c.ask("/readyz");
  BOOST_TEST(c.status() == 503U);
}

BOOST_AUTO_TEST_CASE(it_may_end_while_somebody_waits) {
  running r;
  client waits(r), idle(r);
  waits.ask(slow);
  r.await(1);
}

BOOST_AUTO_TEST_SUITE_END()
