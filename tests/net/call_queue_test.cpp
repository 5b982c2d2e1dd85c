#include "net/call_queue.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>
#include <vector>

using namespace beckon::net;

namespace {

http_task<void> work(call_queue& order, std::vector<int>& done, int number) {
  co_await order.next();
  done.push_back(number);
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_call_queue)

BOOST_AUTO_TEST_CASE(they_begin_in_the_order_in_which_they_came_one_in_each_round) {
  boost::asio::io_context loop{1};
  call_queue order(loop);
  std::vector<int> done;
  for (int i = 0; i < 100; ++i)
    boost::asio::co_spawn(loop, work(order, done, i), boost::asio::detached);
  // What else there is to do comes after one of them at most.
  std::vector<std::size_t> rounds;
  std::function<void()> other = [&] {
    rounds.push_back(done.size());
    if (done.size() < 100)
      boost::asio::post(loop, other);
  };
  boost::asio::post(loop, other);
  loop.run();
  BOOST_REQUIRE(done.size() == 100U);
  for (int i = 0; i < 100; ++i)
    BOOST_TEST(done[static_cast<std::size_t>(i)] == i);
  for (std::size_t i = 1; i < rounds.size(); ++i)
    BOOST_TEST(rounds[i] - rounds[i - 1] <= 1U);
}

BOOST_AUTO_TEST_CASE(who_comes_when_nobody_waits_begins_as_well) {
  boost::asio::io_context loop{1};
  call_queue order(loop);
  std::vector<int> done;
  for (int i = 0; i < 3; ++i) {
    boost::asio::co_spawn(loop, work(order, done, i), boost::asio::detached);
    loop.run();
    loop.restart();
  }
  BOOST_TEST(done.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_loop_may_end_while_somebody_waits) {
  boost::asio::io_context loop{1};
  call_queue order(loop);
  std::vector<int> done;
  for (int i = 0; i < 3; ++i)
    boost::asio::co_spawn(loop, work(order, done, i), boost::asio::detached);
  loop.poll_one();
  BOOST_TEST(done.empty());
}

BOOST_AUTO_TEST_SUITE_END()
