#include "actors/memory_reserve.hpp"

#include "tests/actors/no_memory.hpp"
#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <boost/test/unit_test.hpp>
#include <new>

using namespace beckon;
using namespace beckon::testing;
using namespace std::chrono_literals;
using actors::may_fail;
using actors::memory_reserve;
using actors::must_not_fail;

BOOST_AUTO_TEST_SUITE(actors_memory_reserve)

// ---- the reserve ----

BOOST_AUTO_TEST_CASE(it_is_given_back_to_what_must_not_fail_alone) {
  memory_reserve::hold();
  auto* handler = std::get_new_handler();
  BOOST_REQUIRE(handler);
  BOOST_TEST(memory_reserve::held_bytes() ==
             memory_reserve::blocks_max * memory_reserve::block_bytes);
  BOOST_CHECK_THROW(handler(), std::bad_alloc);
  auto drawn = memory_reserve::drawn();
  {
    must_not_fail here;
    handler(); // `new` would try again
    may_fail within;
    BOOST_CHECK_THROW(handler(), std::bad_alloc);
  }
  BOOST_CHECK_THROW(handler(), std::bad_alloc);
  BOOST_TEST(memory_reserve::drawn() == drawn + 1);
  BOOST_TEST(memory_reserve::held_bytes() ==
             (memory_reserve::blocks_max - 1) * memory_reserve::block_bytes);
  BOOST_TEST(memory_reserve::refill());
  BOOST_TEST(memory_reserve::held_bytes() ==
             memory_reserve::blocks_max * memory_reserve::block_bytes);
}

BOOST_AUTO_TEST_CASE(it_comes_to_an_end) {
  memory_reserve::hold();
  auto* handler = std::get_new_handler();
  {
    must_not_fail here;
    for (std::size_t n = 0; n < memory_reserve::blocks_max; ++n)
      handler();
    BOOST_CHECK_THROW(handler(), std::bad_alloc);
  }
  BOOST_TEST(memory_reserve::held_bytes() == 0U);
  BOOST_TEST(memory_reserve::refill());
}

BOOST_AUTO_TEST_CASE(what_is_expected_and_cannot_be_had_is_refused_before_anything_is_done) {
  BOOST_TEST(memory_reserve::is_spared(1024));
  no_memory now(1);
  must_not_fail here;
  BOOST_TEST(!memory_reserve::is_spared(1024));
  BOOST_CHECK_THROW(memory_reserve::expect(1024), std::bad_alloc);
}

// ---- no memory, at every single allocation ----

namespace {

struct place {
  place() {
    node.settle();
    alice.said(), bob.said();
  }
  /// What alice says finds no memory in the actors from its `nth` allocation on.
  /// @returns whether that was felt
  bool say_without_memory(const std::string& frame, std::size_t nth) {
    alice.write(frame);
    no_memory from(nth);
    must_not_fail as_on_a_thread_of_the_runtime;
    node.settle();
    return from.was_felt();
  }
  stage node{2};
  recorder alice{node, 0, "alice", {"g"}}, bob{node, 1, "bob", {"g"}};
};

/// Says `frame` (id 7) again and again, each time with memory until one allocation later, until
/// that is enough.
template <class Check>
void without_memory(const std::string& frame, Check check) {
  static constexpr std::size_t allocations_max = 2000;
  for (std::size_t nth = 1; nth < allocations_max; ++nth) {
    place in;
    auto group = in.node.group_named("g");
    auto felt = in.say_without_memory(frame, nth);
    in.node.settle_for(1s);
    BOOST_TEST_CONTEXT(frame << " without the allocation " << nth) {
      auto said = in.alice.said();
      auto answered = said.find("\"id\":7") != std::string::npos;
      // Where its own session had no memory it is closed, as its connection would be.
      BOOST_TEST((answered || in.alice.closed() == protocol::close_code::internal_error));
      if (answered)
        check(said, felt);
      // Everybody else goes on: the same actors.
      BOOST_TEST((in.node.group_named("g") == group));
      if (in.bob.closed()) { // of another's message: there was no memory for it in his session
        BOOST_TEST((in.bob.closed() == protocol::close_code::internal_error));
        continue;
      }
      in.bob.said();
      in.bob.write(R"({"type":"send","id":8,"group":"g","to":"bob","data":1})");
      in.bob.write(R"({"type":"join","id":9,"group":"other"})");
      in.bob.write(R"({"type":"leave","id":10,"group":"other"})");
      in.node.settle_for(1s);
      auto served = in.bob.said();
      for (auto* answer : {R"("ok","id":8})", R"("ok","id":9,)", R"("ok","id":10})"})
        BOOST_TEST((served.find(answer) != std::string::npos), served);
      in.alice.end();
      in.node.settle_for(1s);
      BOOST_TEST(in.node.sum(&actors::counters::members) == 1);
      BOOST_TEST(in.node.sum(&actors::counters::groups) == 1);
    }
    if (!felt)
      return;
  }
  BOOST_ERROR("it never has enough");
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_join_is_done_or_unavailable) {
  for (auto* frame : {R"({"type":"join","id":7,"group":"new","meta":{"a":1},"presence":"full"})",
                      R"({"type":"join","id":7,"group":"new"})",
                      R"({"type":"join","id":7,"group":"g","presence":"count"})"})
    without_memory(frame, [](const std::string& said, bool) {
      BOOST_TEST((has(said, R"("ok","id":7)") || has(said, R"("code":"unavailable")")), said);
    });
}

BOOST_AUTO_TEST_CASE(an_update_and_a_roster_are_done_or_unavailable) {
  for (auto* frame : {R"({"type":"update","id":7,"group":"g","meta":[1,2,3],"presence":"full"})",
                      R"({"type":"roster","id":7,"group":"g"})"})
    without_memory(frame, [](const std::string& said, bool) {
      BOOST_TEST((has(said, R"("ok","id":7)") || has(said, R"("code":"unavailable")")), said);
    });
}

BOOST_AUTO_TEST_CASE(a_leave_is_always_done) {
  without_memory(R"({"type":"leave","id":7,"group":"g"})", [](const std::string& said, bool) {
    BOOST_TEST(has(said, R"("ok","id":7)"), said);
  });
}

BOOST_AUTO_TEST_CASE(a_message_is_delivered_or_overloaded) {
  for (auto* frame : {R"({"type":"send","id":7,"group":"g","to":["bob","alice"],"data":1})",
                      R"({"type":"send","id":7,"group":"g","to":"bob","data":1})",
                      R"({"type":"send","id":7,"user":"alice","data":1})"})
    without_memory(frame, [](const std::string& said, bool) {
      auto honest = has(said, R"("ok","id":7)") || has(said, R"("overloaded")");
      BOOST_TEST(honest, said);
    });
}

BOOST_AUTO_TEST_CASE(a_publication_is_counted_and_what_was_missed_is_told) {
  static constexpr std::size_t allocations_max = 2000;
  for (std::size_t nth = 1; nth < allocations_max; ++nth) {
    place in;
    auto felt = in.say_without_memory(R"({"type":"publish","id":7,"group":"g","data":1})", nth);
    in.node.settle_for(1s);
    BOOST_TEST_CONTEXT("without the allocation " << nth) {
      auto to_bob = in.bob.said();
      auto answer = in.alice.said();
      auto got = has(to_bob, R"("type":"message")");
      auto missed = has(to_bob, R"("type":"gap")") || in.bob.closed().has_value();
      BOOST_TEST((got || missed), to_bob);
      if (!in.alice.closed() && !in.bob.closed())
        BOOST_TEST(has(answer, got ? R"("count":1)" : R"("count":0)"), answer);
    }
    if (!felt)
      return;
  }
  BOOST_ERROR("it never has enough");
}

// ---- clean-up ----

BOOST_AUTO_TEST_CASE(a_session_that_ends_without_memory_leaves_nothing_behind) {
  static constexpr std::size_t allocations_max = 300;
  for (std::size_t nth = 1; nth < allocations_max; ++nth) {
    place in;
    bool felt = false;
    {
      no_memory from(nth);
      must_not_fail as_on_a_thread_of_the_runtime;
      in.alice.end();
      in.node.settle();
      felt = from.was_felt();
    }
    in.node.settle_for(1s);
    BOOST_TEST_CONTEXT("without the allocation " << nth) {
      BOOST_TEST(in.node.sum(&actors::counters::members) == 1);
      BOOST_TEST(in.node.sum(&actors::counters::sessions) == 1);
      in.bob.write(R"({"type":"send","id":8,"group":"g","to":"alice","data":1})");
      in.node.settle();
      BOOST_TEST(has(in.bob.said(), R"("offline")"));
    }
    if (!felt)
      return;
  }
  BOOST_ERROR("it never has enough");
}

BOOST_AUTO_TEST_CASE(a_group_that_nobody_holds_any_more_ends_without_an_allocation) {
  place in;
  auto group = in.node.group_named("g");
  in.alice.end(), in.bob.end();
  in.node.settle_for(1s);
  BOOST_REQUIRE((in.node.group_named("g") == group)); // this handle is the last
  caf::actor_addr was(group.address());
  {
    no_memory from(1, true);
    group = nullptr; // in a destructor: one that throws ends the process
  }
  BOOST_TEST(!caf::actor_cast<caf::actor>(was));
}

BOOST_AUTO_TEST_SUITE_END()
