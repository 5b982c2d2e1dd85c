#include "actors/handovers.hpp"

#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace beckon;
using namespace beckon::actors;
using namespace beckon::testing;

namespace {

/// In the place of a thread's relay: keeps what it gets.
class keeper final : public caf::event_based_actor {
public:
  keeper(caf::actor_config& config, std::vector<handover>& to)
      : caf::event_based_actor(config), to_(to) {}
  caf::behavior make_behavior() override {
    return {[this](handover& h) { to_.push_back(std::move(h)); }, [](settlements&) {}};
  }

private:
  std::vector<handover>& to_;
};

class sender final : public caf::event_based_actor {
public:
  using caf::event_based_actor::event_based_actor;
  caf::behavior make_behavior() override {
    return {[](caf::unit_t) {}};
  }
};

/// Three threads whose relays keep what they get.
struct fixture {
  fixture() : self(node.system().spawn<sender, caf::hidden>()) {
    for (std::size_t i = 0; i < 3; ++i)
      relays.push_back(std::exchange(node.node.homes[i]->relay_handle,
                                     node.system().spawn<keeper, caf::hidden>(got[i])));
    what.to.first = "a";
    what.to.rest = {"b", "c"};
    what.ticket = 9;
    what.from = {5, 1, 1};
    node.enter(0);
  }
  ~fixture() {
    for (std::size_t i = 0; i < 3; ++i) {
      caf::anon_send_exit(node.node.homes[i]->relay_handle, caf::exit_reason::kill);
      node.node.homes[i]->relay_handle = relays[i];
    }
    caf::anon_send_exit(self, caf::exit_reason::kill);
  }
  void send(handovers& h) {
    h.send(*static_cast<sender*>(caf::actor_cast<caf::abstract_actor*>(self)));
    while (node.jobs() > 0)
      node.run(0, 0);
  }
  stage node{3};
  std::vector<handover> got[3];
  std::vector<caf::actor> relays;
  caf::actor self;
  route what;
};

bool is(const handover_target& target, std::uint32_t slot, std::uint16_t recipient,
        std::uint32_t sessions) {
  return target.slot == slot && target.recipient == recipient && target.sessions == sessions;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(actors_handovers, fixture)

BOOST_AUTO_TEST_CASE(nothing_is_sent_for_nobody) {
  handovers h(node.node, what);
  send(h);
  BOOST_TEST(got[0].size() + got[1].size() + got[2].size() == 0);
}

BOOST_AUTO_TEST_CASE(one_thread_gets_one_message) {
  handovers h(node.node, what);
  h.add({7, 1, 2}, 0, 1);
  h.add({8, 2, 2}, 1, 1);
  send(h);
  BOOST_TEST(got[0].size() + got[1].size() == 0);
  BOOST_REQUIRE(got[2].size() == 1);
  auto& one = got[2].front();
  BOOST_TEST(is(one.first, 7, 0, 1));
  BOOST_REQUIRE(one.rest.size() == 1);
  BOOST_TEST(is(one.rest[0], 8, 1, 1));
  BOOST_TEST(one.rest[0].generation == 2);
  BOOST_TEST(one.ticket == 9);
  BOOST_TEST((one.from == what.from));
}

BOOST_AUTO_TEST_CASE(a_recipient_may_have_more_sessions_than_16_bits_count) {
  handovers h(node.node, what);
  h.add({7, 1, 0}, 0, 65'537);
  send(h);
  BOOST_REQUIRE(got[0].size() == 1);
  BOOST_TEST(is(got[0][0].first, 7, 0, 65'537));
}

BOOST_AUTO_TEST_CASE(each_thread_gets_its_own_sessions) {
  handovers h(node.node, what);
  h.add({7, 1, 1}, 0, 3); // a has three sessions
  h.add({8, 1, 0}, 0, 3);
  h.add({9, 1, 1}, 0, 3);
  h.add({3, 1, 0}, 1, 1);
  h.add({4, 1, 2}, 2, 1);
  send(h);
  BOOST_REQUIRE(got[0].size() == 1);
  BOOST_REQUIRE(got[1].size() == 1);
  BOOST_REQUIRE(got[2].size() == 1);
  BOOST_TEST(is(got[1][0].first, 7, 0, 3));
  BOOST_REQUIRE(got[1][0].rest.size() == 1);
  BOOST_TEST(is(got[1][0].rest[0], 9, 0, 3));
  BOOST_TEST(is(got[0][0].first, 8, 0, 3));
  BOOST_REQUIRE(got[0][0].rest.size() == 1);
  BOOST_TEST(is(got[0][0].rest[0], 3, 1, 1));
  BOOST_TEST(is(got[2][0].first, 4, 2, 1));
  BOOST_TEST(got[2][0].ticket == 9);
}

BOOST_AUTO_TEST_CASE(who_is_offline_is_settled_for_those_who_ask) {
  handovers h(node.node, what);
  h.settle(1, protocol::outcome::offline);
  BOOST_TEST(node.node.homes[0]->owes());
  node.end_turn(0); // to home 1, where the sender is
  what.ticket = 0;
  handovers quiet(node.node, what);
  node.enter(0);
  quiet.settle(1, protocol::outcome::offline);
  BOOST_TEST(!node.node.homes[0]->owes());
  auto offline = node.node.homes[0]
                     ->count
                     .messages[static_cast<std::size_t>(message_kind::send)]
                              [static_cast<std::size_t>(protocol::outcome::offline)]
                     .value();
  BOOST_TEST(offline == 2);
}

BOOST_AUTO_TEST_SUITE_END()
