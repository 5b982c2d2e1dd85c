#include "actors/relay.hpp"

#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <ctime>
#include <new>

using namespace beckon;
using namespace beckon::testing;
using protocol::close_code;
using protocol::code;

namespace {

struct fixture {
  fixture() {
    node.settle();
    for (auto* r : {&alice, &bob, &carol})
      r->said();
  }
  stage node{2};
  recorder alice{node, 0, "alice", {"g"}}, bob{node, 1, "bob", {"g"}},
      carol{node, 1, "carol", {"g"}};
};

/// Its memory ends with the next delivery.
class poor_recorder final : public recorder {
public:
  using recorder::recorder;
  bool push(const protocol::shared_frame& what) override {
    if (poor)
      throw std::bad_alloc();
    return recorder::push(what);
  }
  bool poor = false;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(actors_relay, fixture)

BOOST_AUTO_TEST_CASE(a_stale_address_reaches_nobody_and_is_told) {
  auto relay = node.node.homes[1]->relay_handle;
  alice.write(R"({"type":"send","id":1,"to":["bob","carol"],"data":1})");
  alice.write(R"({"type":"publish","id":2,"data":2})");
  node.settle_without(relay); // the group has sent them on
  bob.end();
  recorder newer(node, 1, "eve", {"g"}); // in bob's place
  node.settle();
  BOOST_TEST(newer.said().find("\"data\"") == std::string::npos);
  BOOST_TEST(alice.said() == ok(1, R"("outcomes":{"bob":"offline"})") + ok(2, "\"count\":1"));
}

BOOST_AUTO_TEST_CASE(those_left_out_cost_a_publication_little) {
  constexpr std::uint32_t seats = 100'000;
  std::vector<actors::audience_seat> all;
  for (std::uint32_t i = 0; i < seats; ++i)
    all.push_back({i + 1'000, 1}); // nobody is there
  auto list = std::make_shared<const std::vector<actors::audience_seat>>(all);
  auto time = [&](std::size_t left_out) {
    auto skip = std::vector(all.end() - static_cast<std::ptrdiff_t>(left_out), all.end());
    std::sort(skip.begin(), skip.end());
    auto began = std::clock();
    caf::anon_send(node.node.homes[1]->relay_handle,
                   actors::fanout{.what = {protocol::encode_text("{}"), {}},
                                  .to = list,
                                  .skip = skip,
                                  .group = {},
                                  .from = {}});
    node.settle();
    return static_cast<double>(std::clock() - began);
  };
  BOOST_TEST(time(10'000) < 50 * (time(1) + 100)); // one look at each would be 10,000 times
}

BOOST_AUTO_TEST_CASE(one_sessions_trouble_is_its_own) {
  poor_recorder dave(node, 1, "dave", std::vector<std::string>{"g"});
  node.settle();
  dave.poor = true;
  alice.write(R"({"type":"publish","id":1,"data":1})");
  alice.write(R"({"type":"send","id":2,"to":["dave","bob"],"data":2})");
  node.settle();
  BOOST_TEST((dave.closed() == close_code::internal_error));
  BOOST_TEST(bob.said() == delivery("message", R"("group":"g","from":"alice")", "1") +
                               delivery("direct", R"("group":"g","from":"alice")", "2"));
  BOOST_TEST(alice.said() == ok(1, "\"count\":2") + ok(2, R"("outcomes":{"dave":"offline"})"));
}

BOOST_AUTO_TEST_CASE(every_session_of_a_thread_hears_of_a_group_that_fails) {
  alice.write(R"({"type":"join","group":"h"})");
  node.settle();
  node.kill_group("g");
  node.settle();
  for (auto* r : {&alice, &bob, &carol})
    BOOST_TEST(r->said() == left("g", "group_failed"));
  alice.write(R"({"type":"publish","id":1,"group":"h","data":1})");
  node.settle();
  BOOST_TEST(alice.said() == ok(1, "\"count\":0"));
}

BOOST_AUTO_TEST_CASE(a_group_that_ends_politely_has_not_failed) {
  for (auto* r : {&alice, &bob, &carol})
    r->write(R"({"type":"leave","id":1})");
  node.settle();
  for (auto* r : {&alice, &bob, &carol})
    BOOST_TEST(r->said() == ok(1));
}

BOOST_AUTO_TEST_CASE(a_group_that_fails_behind_its_answer_is_noticed) {
  auto relay = node.node.homes[0]->relay_handle;
  alice.write(R"({"type":"join","id":1,"group":"h"})");
  node.settle_without(relay); // the answer waits there
  node.kill_group("h");
  node.settle_without(relay);
  node.settle();
  BOOST_TEST(alice.said() == ok(1, R"("as":"alice","epoch":"2","offset":0,"version":0)") +
                                 left("h", "group_failed"));
}

BOOST_AUTO_TEST_CASE(a_thread_forgets_a_group_with_its_last_session_there) {
  recorder dave(node, 0, "dave", {"g"});
  node.settle();
  dave.said();
  alice.write(R"({"type":"leave","id":1})");
  node.settle();
  node.kill_group("g");
  node.settle();
  BOOST_TEST(alice.said() == ok(1)); // it is in no group
  BOOST_TEST(dave.said() == left("g", "group_failed"));
}

BOOST_AUTO_TEST_SUITE_END()
