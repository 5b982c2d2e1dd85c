#include "actors/users.hpp"

#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>

using namespace beckon;
using namespace beckon::testing;
using protocol::close_code;
using protocol::code;

namespace {

protocol::limits with_sessions(std::size_t most) {
  auto bounds = stage::unlimited();
  bounds.connections_per_user_max = most;
  return bounds;
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_users)

BOOST_AUTO_TEST_CASE(a_user_is_reached_in_all_sessions_as_long_as_they_last) {
  stage node(2);
  recorder alice(node, 0, "alice");
  std::optional<recorder> one, two;
  one.emplace(node, 0, "bob"), two.emplace(node, 1, "bob");
  node.settle();
  alice.said(), one->said(), two->said();
  auto send = [&](int id) {
    alice.write("{\"type\":\"send\",\"id\":" + std::to_string(id) + R"(,"user":"bob","data":1})");
    node.settle();
    return alice.said();
  };
  BOOST_TEST(send(1) == ok(1));
  BOOST_TEST(one->said() == delivery("direct", R"("from":"alice")", "1"));
  BOOST_TEST(two->said() == delivery("direct", R"("from":"alice")", "1"));
  one.reset();
  BOOST_TEST(send(2) == ok(2));
  BOOST_TEST(two->said() == delivery("direct", R"("from":"alice")", "1"));
  two.reset();
  BOOST_TEST(send(3) == error(3, code::not_delivered, R"("outcomes":{"bob":"offline"})"));
}

BOOST_AUTO_TEST_CASE(sessions_of_a_user_are_bounded) {
  stage node(2, with_sessions(2));
  recorder below(node, 0, "bob"), other(node, 0, "alice");
  std::optional<recorder> at;
  at.emplace(node, 1, "bob");
  node.settle();
  recorder above(node, 1, "bob");
  node.settle();
  BOOST_TEST(!below.closed());
  BOOST_TEST(!at->closed());
  BOOST_TEST(!other.closed());
  BOOST_TEST((above.closed() == close_code::connection_limit));
  at.reset();
  node.settle();
  recorder next(node, 1, "bob");
  node.settle();
  BOOST_TEST(!next.closed());
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_before_it_is_entered_leaves_nothing) {
  stage node(1, with_sessions(1));
  for (int i = 0; i < 3; ++i) {
    recorder gone(node, 0, "bob");
    gone.end();
    node.settle_without(node.node.users_of("bob"));
    node.settle();
  }
  recorder bob(node, 0, "bob");
  node.settle();
  BOOST_TEST(!bob.closed());
}

BOOST_AUTO_TEST_SUITE_END()
