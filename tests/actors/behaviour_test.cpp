#include "actors/behaviours.hpp"

#include "actors/bot.hpp"
#include "actors/group.hpp"
#include "beckon/behaviour.hpp"
#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"
#include "tests/simulation/cluster.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>

using namespace beckon::testing;
using namespace std::chrono_literals;
namespace actors = beckon::actors;
namespace protocol = beckon::protocol;
using protocol::code;

namespace {

/// Hooks as the test of the moment wants them, and a diary.
struct script {
  std::function<beckon::verdict(beckon::group&, beckon::joining&)> joining;
  std::function<beckon::verdict(beckon::group&, beckon::message&)> message;
  std::function<beckon::verdict(beckon::group&, const beckon::call&)> call;
  std::function<void(beckon::group&)> started, ticking;
  std::function<void(beckon::group&, const beckon::member&)> left;
  caf::behavior handlers;
  std::string diary;
  int made = 0;
};
script now;

class played : public beckon::behaviour {
public:
  played() { ++now.made; }
  void started(beckon::group& g) override {
    if (now.started)
      now.started(g);
  }
  beckon::verdict joining(beckon::group& g, beckon::joining& j) override {
    return now.joining ? now.joining(g, j) : beckon::pass();
  }
  void joined(beckon::group&, const beckon::member& m) override {
    now.diary.append("joined ").append(m.uid).append(std::to_string(m.sessions)) += ' ';
  }
  void leaving(beckon::group& g, const beckon::member& m) override {
    now.diary.append("left ").append(m.uid).append(std::to_string(m.sessions)) += ' ';
    if (now.left)
      now.left(g, m);
  }
  beckon::verdict sending(beckon::group& g, beckon::message& m) override { return play(g, m); }
  beckon::verdict publishing(beckon::group& g, beckon::message& m) override { return play(g, m); }
  beckon::verdict requesting(beckon::group& g, beckon::message& m) override { return play(g, m); }
  beckon::verdict calling(beckon::group& g, const beckon::call& c) override {
    return now.call ? now.call(g, c) : beckon::pass();
  }
  void ticking(beckon::group& g) override {
    if (now.ticking)
      now.ticking(g);
  }
  caf::behavior handlers(beckon::group&) override { return now.handlers; }

private:
  static beckon::verdict play(beckon::group& g, beckon::message& m) {
    return now.message ? now.message(g, m) : beckon::pass();
  }
};

/// Counts what is sent; hands the count over.
class counting final : public beckon::behaviour {
public:
  beckon::verdict sending(beckon::group&, beckon::message&) override {
    return ++sent_, beckon::pass();
  }
  beckon::verdict calling(beckon::group&, const beckon::call&) override {
    return beckon::answer_with(std::to_string(sent_));
  }
  std::any hand_over() const override { return sent_; }
  void take_over(beckon::group&, const std::any& state) override {
    sent_ = std::any_cast<int>(state);
  }

private:
  int sent_ = 0;
};

class refusing final : public beckon::behaviour {
public:
  void take_over(beckon::group& g, const std::any&) override {
    g.after(10ms, [] { now.diary += "late "; });
    throw std::runtime_error("not like this");
  }
};

/// Counts as well; what it hands over is text.
class writing final : public beckon::behaviour {
public:
  beckon::verdict sending(beckon::group&, beckon::message&) override {
    return sent_ += 'x', beckon::pass();
  }
  beckon::verdict calling(beckon::group&, const beckon::call&) override {
    return beckon::answer_with(std::to_string(sent_.size()));
  }
  std::any hand_over() const override { return sent_; }
  void take_over(beckon::group&, const std::any& state) override {
    sent_ = std::any_cast<std::string>(state);
  }

private:
  std::string sent_;
};

/// Cannot say what it handles, once the test wants it so.
class speechless final : public beckon::behaviour {
public:
  caf::behavior handlers(beckon::group&) override {
    if (now.call)
      throw std::runtime_error("speechless");
    return {};
  }
};

/// Groups that begin with g have this behaviour from here on; empty: none.
void rule_of(stage& place, const std::string& name) {
  auto chosen = std::make_shared<actors::behaviour_settings>();
  if (!name.empty())
    chosen->rules.push_back({name, "g*"});
  place.node.chosen_behaviours.store(std::move(chosen));
}

void know_behaviours(stage& place) {
  auto& known = place.node.known_behaviours;
  known.add<played>("played");
  known.add<counting>("counting");
  known.add<refusing>("refusing");
  known.add<speechless>("speechless");
  known.adding_from("another.so");
  known.add<counting>("counting_elsewhere");
  known.add<writing>("writing_elsewhere");
  known.add<played>("played_elsewhere");
  known.adding_from({});
  known.add<writing>("writing");
  rule_of(place, "played");
}

struct crowd {
  crowd() {
    now = {};
    know_behaviours(node);
    node.node.behaviour_told = [this](const actors::behaviour_event& e) {
      log.append(std::to_string(static_cast<int>(e.what))).append(e.hook).append(e.text) += '\n';
    };
    node.settle();
    for (auto* r : {&alice, &bob, &carol})
      r->said();
  }
  void rule(const std::string& name) { rule_of(node, name); }
  std::string say(recorder& who, const std::string& frame) {
    who.write(frame);
    node.settle();
    return who.said();
  }
  void join_all() {
    for (auto* r : {&alice, &bob, &carol})
      say(*r, R"({"type":"join","id":1,"group":"g"})");
  }
  actors::swapped swap(std::optional<std::string> name) {
    actors::swapped result;
    caf::anon_send(node.node.directory_of("g"),
                   actors::swap_behaviour{"g", std::move(name),
                                          [&](const actors::swapped& s) { result = s; }});
    node.settle();
    return result;
  }
  stage node{2};
  recorder alice{node, 0, "alice"}, bob{node, 1, "bob"}, carol{node, 1, "carol"};
  std::string log;
};

/// Alice's node and bob's, each with the group's behaviour.
struct two_nodes {
  two_nodes() {
    now = {};
    for (std::size_t i = 0; i < nodes.size(); ++i)
      know_behaviours(nodes[i]);
    nodes.settle();
    alice.said(), bob.said();
    say(alice, R"({"type":"join","group":"g"})");
  }
  std::string say(recorder& who, const std::string& frame) {
    who.write(frame);
    nodes.settle();
    return who.said();
  }
  void call(const std::function<void(beckon::group&)>& f) {
    now.call = [&](beckon::group& g, auto&) { return f(g), beckon::answer_with(); };
    say(alice, R"({"type":"call","group":"g","name":"x","data":0})");
  }
  cluster nodes{2};
  recorder alice{nodes[0], 0, "alice"}, bob{nodes[1], 0, "bob"};
};

const std::string to_bob = R"({"type":"send","id":7,"group":"g","to":"bob","data":"hi"})";
const std::string to_both =
    R"({"type":"send","id":7,"group":"g","to":["bob","carol"],"data":"hi"})";
std::string direct(const std::string& from, const std::string& data) {
  return delivery("direct", R"("group":"g","from":")" + from + '"', data);
}
std::string foreign(int id, const std::string& own_code, const std::string& sentence) {
  return R"({"type":"error","id":)" + std::to_string(id) + R"(,"code":")" + own_code +
         R"(","message":")" + sentence + "\"}\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(actors_behaviour)

BOOST_AUTO_TEST_CASE(hooks_that_are_not_written_are_not_asked_for) {
  struct none final : beckon::behaviour {};
  static_assert(actors::hooks_of<none>() == 0);
  static_assert(actors::hooks_of<counting>() ==
                (actors::bit(actors::hook::sending) | actors::bit(actors::hook::calling)));
}

BOOST_AUTO_TEST_CASE(a_group_without_a_rule_has_no_behaviour) {
  crowd of;
  of.rule("");
  of.join_all();
  BOOST_TEST(now.made == 0);
  BOOST_TEST(of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"x","data":1})") ==
             error(2, code::not_found));
  BOOST_TEST(of.swap(std::nullopt).behaviour == "");
}

BOOST_AUTO_TEST_CASE(a_hook_sees_who_sends_what_to_whom) {
  crowd of;
  now.message = [](beckon::group& g, beckon::message& m) {
    now.diary.append(g.name()).append(" ").append(m.from().uid).append(m.from().meta);
    for (std::size_t i = 0; i < m.recipients(); ++i)
      now.diary.append(" ").append(m.recipient(i));
    now.diary.append(m.data().opaque ? " opaque " : " ").append(m.data().bytes) += '\n';
    return beckon::pass();
  };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g","meta":{"a":1}})");
  of.say(of.bob, R"({"type":"join","id":1,"group":"g"})");
  now.diary.clear();
  BOOST_TEST(of.say(of.alice, to_bob) == ok(7));
  of.say(of.alice, R"({"type":"publish","group":"g","data":{"data":[1, 2]}})");
  of.say(of.alice, R"({"type":"send","group":"g","to":"bob","base64":"AAEC"})");
  constexpr char seen[] = "g alice{\"a\":1} bob \"hi\"\ng alice{\"a\":1} {\"data\":[1, 2]}\n"
                          "g alice{\"a\":1} bob opaque \0\1\2\n";
  BOOST_TEST(now.diary == std::string(seen, sizeof seen - 1));
}

BOOST_AUTO_TEST_CASE(a_message_is_denied_changed_or_answered) {
  crowd of;
  of.join_all();
  now.message = [](auto&, auto&) { return beckon::deny("slow_mode", "Wait."); };
  BOOST_TEST(of.say(of.alice, to_bob) == foreign(7, "slow_mode", "Wait."));
  BOOST_TEST(of.say(of.alice, R"({"type":"publish","id":8,"group":"g","data":1})") ==
             foreign(8, "slow_mode", "Wait."));
  BOOST_TEST(of.say(of.alice, R"({"type":"request","id":9,"group":"g","to":"bob","data":1})") ==
             foreign(9, "slow_mode", "Wait."));
  now.message = [](auto&, auto&) { return beckon::deny("No Code"); };
  BOOST_TEST(of.say(of.alice, to_bob) == foreign(7, "denied", "not allowed"));
  BOOST_TEST(of.bob.said() == "");
  now.message = [](auto&, beckon::message& m) {
    m.change({R"({"now":true})"});
    return beckon::pass();
  };
  BOOST_TEST(of.say(of.alice, to_bob) == ok(7));
  BOOST_TEST(of.bob.said() == direct("alice", R"({"now":true})"));
  now.message = [](auto&, auto&) { return beckon::answer_with("42"); };
  BOOST_TEST(of.say(of.alice, R"({"type":"request","id":9,"group":"g","to":"bob","data":1})") ==
             ok(9, R"("from":"$group","data":42)"));
  BOOST_TEST(of.bob.said() == "");
}

BOOST_AUTO_TEST_CASE(single_recipients_are_taken_out_with_an_outcome) {
  crowd of;
  of.join_all();
  now.message = [](auto&, beckon::message& m) {
    m.settle(0, beckon::outcome::denied);
    return beckon::pass();
  };
  BOOST_TEST(of.say(of.alice, to_both) == ok(7, R"("outcomes":{"bob":"denied"})"));
  BOOST_TEST(of.bob.said() == "");
  BOOST_TEST(of.carol.said() == direct("alice", "\"hi\""));
  now.message = [](auto&, beckon::message& m) {
    m.settle(0, beckon::outcome::parked);
    return beckon::pass();
  };
  BOOST_TEST(of.say(of.alice, to_bob) == ok(7, R"("outcomes":{"bob":"parked"})"));
  now.message = [](auto&, beckon::message& m) {
    m.settle(0, beckon::outcome::overloaded);
    return beckon::pass();
  };
  BOOST_TEST(of.say(of.alice, to_bob) ==
             error(7, code::not_delivered, R"("outcomes":{"bob":"overloaded"})"));
  now.message = [](auto&, beckon::message& m) {
    m.settle(0, beckon::outcome::delivered); // that would be a lie
    return beckon::pass();
  };
  BOOST_TEST(of.say(of.alice, to_bob).find("internal") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_join_is_denied_or_given_another_meta) {
  crowd of;
  now.joining = [](auto&, beckon::joining& j) {
    if (j.uid == "bob")
      return beckon::deny("members_only", "Ask first.");
    j.changed_meta = R"({"rank":1})";
    return beckon::pass();
  };
  BOOST_TEST(of.say(of.bob, R"({"type":"join","id":1,"group":"g"})") ==
             foreign(1, "members_only", "Ask first."));
  BOOST_TEST(of.say(of.alice, R"({"type":"join","id":1,"group":"g","presence":"full"})")
                 .find(R"("alice":{"meta":{"rank":1},"sessions":1})") != std::string::npos);
  BOOST_TEST(now.diary == "joined alice1 ");
  of.alice.end();
  of.node.settle();
  BOOST_TEST(now.diary == "joined alice1 left alice0 ");
}

BOOST_AUTO_TEST_CASE(a_call_is_answered_now_later_or_not_found) {
  crowd of;
  of.join_all();
  std::optional<beckon::caller> waits;
  beckon::group* group = nullptr;
  now.call = [&](beckon::group& g, const beckon::call& c) {
    group = &g;
    if (c.name == "add")
      return beckon::answer_with(std::string(c.data.bytes) + "1");
    if (c.name == "wait")
      return waits = c.who, beckon::later();
    return beckon::pass();
  };
  BOOST_TEST(of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"add","data":4})") ==
             ok(2, R"("from":"$group","data":41)"));
  BOOST_TEST(of.say(of.alice, R"({"type":"call","id":3,"group":"g","name":"no","data":4})") ==
             error(3, code::not_found));
  BOOST_TEST(of.say(of.alice, R"({"type":"call","group":"g","name":"add","data":4})") == "");
  BOOST_TEST(of.say(of.alice, R"({"type":"call","id":4,"group":"g","name":"wait","data":4})") ==
             "");
  group->answer(*waits, {"\"now\""});
  of.node.settle();
  BOOST_TEST(of.alice.said() == ok(4, R"("from":"$group","data":"now")"));
  of.say(of.alice, R"({"type":"call","id":5,"group":"g","name":"wait","data":4,"timeout_ms":100})");
  of.node.settle_for(200ms);
  BOOST_TEST(of.alice.said() == error(5, code::timeout));
}

BOOST_AUTO_TEST_CASE(what_throws_is_made_again_and_the_message_in_hand_gets_internal) {
  crowd of;
  of.join_all();
  BOOST_TEST(now.made == 1);
  now.message = [](auto&, beckon::message& m) {
    if (m.data().bytes == "\"bad\"")
      throw std::runtime_error("bad");
    return beckon::pass();
  };
  of.alice.write(R"({"type":"send","id":1,"group":"g","to":"bob","data":"bad"})");
  of.alice.write(R"({"type":"send","id":2,"group":"g","to":"bob","data":"good"})");
  of.node.settle();
  auto said = of.alice.said();
  BOOST_TEST(said.find(R"("id":1,"code":"internal")") != std::string::npos, said);
  BOOST_TEST(said.find(ok(2)) != std::string::npos, said);
  BOOST_TEST(of.bob.said() == direct("alice", "\"good\""));
  BOOST_TEST(now.made == 2);
  BOOST_TEST(of.log == "0sendingbad\n");
}

BOOST_AUTO_TEST_CASE(what_throws_too_often_closes_its_group_and_no_other) {
  crowd of;
  of.join_all();
  of.say(of.carol, R"({"type":"join","id":2,"group":"other"})");
  now.message = [](auto&, auto&) -> beckon::verdict { throw 1; };
  for (std::size_t i = 0; i < actors::behaviour_host::restarts_max; ++i)
    BOOST_TEST(of.say(of.alice, to_bob).find("internal") != std::string::npos);
  BOOST_TEST(of.bob.said() == "");
  auto last = of.say(of.alice, to_bob);
  BOOST_TEST(last.find("internal") != std::string::npos);
  BOOST_TEST(last.find(left("g", "group_failed")) != std::string::npos);
  BOOST_TEST(of.bob.said() == left("g", "group_failed"));
  BOOST_TEST(of.carol.said() == left("g", "group_failed"));
  BOOST_TEST(of.say(of.carol, R"({"type":"publish","id":3,"group":"other","data":1})") ==
             ok(3, R"("count":0)"));
  now.message = {};
  BOOST_TEST(
      of.say(of.alice, R"({"type":"join","id":1,"group":"g"})").starts_with(R"({"type":"ok")"));
}

BOOST_AUTO_TEST_CASE(seldom_trouble_is_forgiven) {
  crowd of;
  of.join_all();
  now.message = [](auto&, auto&) -> beckon::verdict { throw std::runtime_error("now and then"); };
  for (int i = 0; i < 10; ++i) {
    BOOST_TEST(of.say(of.alice, to_bob).find("internal") != std::string::npos);
    of.node.settle_for(actors::behaviour_host::restarts_within / 2);
    of.alice.said();
  }
  BOOST_TEST(of.bob.said() == "");
  BOOST_TEST(now.made == 11);
}

BOOST_AUTO_TEST_CASE(a_behaviour_that_cannot_begin_takes_nobody) {
  crowd of;
  now.started = [](auto&) { throw std::runtime_error("no"); };
  BOOST_TEST(of.say(of.alice, R"({"type":"join","id":1,"group":"g"})") == error(1, code::internal));
  BOOST_TEST(now.made == 4);
}

BOOST_AUTO_TEST_CASE(it_delivers_publishes_and_hears_what_became_of_it) {
  crowd of;
  std::string outcomes;
  now.call = [&](beckon::group& g, const beckon::call& c) {
    auto to = c.name == "ghost" ? "ghost" : "bob";
    beckon::deliver_options how;
    how.confirm =
        c.name == "seen" ? beckon::confirm_level::received : beckon::confirm_level::queued;
    how.ttl = 1s;
    g.deliver(to, {"1"}, how,
              [&](beckon::outcome o) { outcomes.append(protocol::name(o)) += ' '; });
    g.publish({"2"}, {.except = "bob"});
    return beckon::answer_with();
  };
  of.join_all();
  of.say(of.alice, R"({"type":"call","group":"g","name":"ghost","data":0})");
  BOOST_TEST(outcomes == "offline ");
  of.alice.said();
  of.say(of.carol, R"({"type":"call","group":"g","name":"go","data":0})");
  BOOST_TEST(outcomes == "offline delivered ");
  BOOST_TEST(of.bob.said() == direct("$group", "1"));
  BOOST_TEST(of.alice.said() == delivery("message", R"("group":"g","from":"$group")", "2"));
  of.say(of.alice, R"({"type":"call","group":"g","name":"seen","data":0})");
  BOOST_TEST(outcomes == "offline delivered ");
  of.node.settle_for(3s);
  BOOST_TEST(outcomes == "offline delivered expired ");
}

BOOST_AUTO_TEST_CASE(timers_ring_once_ticks_again_and_cancelled_ones_never) {
  crowd of;
  now.started = [](beckon::group& g) {
    g.after(100ms, [] { now.diary += "rang "; });
    g.cancel(g.after(100ms, [] { now.diary += "wrong "; }));
    g.tick_every(300ms);
  };
  now.ticking = [](auto&) { now.diary += "tick "; };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  of.node.settle_for(1s);
  BOOST_TEST(now.diary == "joined alice1 rang tick tick tick ");
}

/// What waits in CAF's clock: each entry that is due some day takes memory until then.
std::size_t in_the_clock(stage& node) {
  return dynamic_cast<caf::detail::simple_actor_clock&>(node.system().clock()).schedule().size();
}

BOOST_AUTO_TEST_CASE(cancelled_timers_and_lifted_bans_leave_nothing) {
  crowd of;
  now.call = [](beckon::group& g, auto&) {
    beckon::timer_id later = 0, sooner = 0;
    for (int i = 0; i < 10'000; ++i) {
      g.cancel(later), g.cancel(sooner);
      later = g.after(1h + std::chrono::milliseconds(i), [] { now.diary += "rang "; });
      sooner = g.after(1h - std::chrono::milliseconds(i), [] { now.diary += "rang "; });
      g.ban("eve", 1h - std::chrono::milliseconds(i));
      g.unban("eve");
    }
    g.cancel(sooner);
    return beckon::answer_with();
  };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  auto before = in_the_clock(of.node);
  of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"x","data":0})");
  BOOST_TEST(in_the_clock(of.node) <= before + 1);
  of.node.settle_for(59min);
  BOOST_TEST(now.diary == "joined alice1 ");
  of.node.settle_for(2min);
  BOOST_TEST(now.diary == "joined alice1 rang ");
}

BOOST_AUTO_TEST_CASE(no_timer_keeps_a_group_that_is_gone) {
  crowd of;
  now.started = [](beckon::group& g) {
    g.after(1h, [] { now.diary += "rang "; });
    g.tick_every(1h);
    g.ban("eve", 30min);
    g.unban("eve");
  };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  BOOST_TEST(!!of.node.group_named("g"));
  of.say(of.alice, R"({"type":"leave","group":"g"})");
  of.node.settle_for(100ms); // a flush of its presence
  BOOST_TEST(!of.node.group_named("g"));
  BOOST_TEST(in_the_clock(of.node) == 0U);
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  of.node.kill_group("g");
  of.node.settle_for(100ms);
  BOOST_TEST(in_the_clock(of.node) == 0U);
}

BOOST_AUTO_TEST_CASE(timers_of_one_time_ring_in_their_order_and_all_of_them) {
  crowd of;
  const auto many = static_cast<int>(actors::behaviour_host::rings_max * 2 + 1);
  int rung = 0;
  bool in_order = true;
  now.started = [&](beckon::group& g) {
    for (int i = 0; i < many; ++i)
      g.after(100ms, [&, i] { in_order = in_order && i == rung++; });
  };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  of.node.settle_for(90ms);
  BOOST_TEST(rung == 0);
  of.node.settle_for(200ms);
  BOOST_TEST(rung == many);
  BOOST_TEST(in_order);
}

BOOST_AUTO_TEST_CASE(a_timer_that_sets_itself_for_now_lets_messages_pass) {
  crowd of;
  std::function<void()> again;
  int rung = 0;
  now.started = [&](beckon::group& g) {
    again = [&] {
      if (++rung < 1000)
        g.after(0ms, again);
    };
    g.after(0ms, again);
  };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  of.node.settle_for(10ms);
  BOOST_TEST(rung > 0);
  BOOST_TEST(rung < 10); // one for each time that it is woken
}

BOOST_AUTO_TEST_CASE(a_ban_that_is_over_lets_its_empty_group_go) {
  crowd of;
  now.call = [](beckon::group& g, const beckon::call&) {
    g.ban("eve", 1s);
    g.ban("mallory", 3s);
    return beckon::answer_with();
  };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  of.say(of.alice, R"({"type":"call","group":"g","name":"ban","data":0})");
  of.say(of.alice, R"({"type":"leave","group":"g"})");
  of.node.settle_for(2900ms);
  BOOST_TEST(!!of.node.group_named("g"));
  of.node.settle_for(200ms);
  BOOST_TEST(!of.node.group_named("g"));
}

BOOST_AUTO_TEST_CASE(kicked_and_banned_members_are_out_for_as_long_as_was_said) {
  crowd of;
  now.call = [](beckon::group& g, const beckon::call& c) {
    c.name == "kick" ? g.kick("bob") : g.ban("bob", 1s);
    return beckon::answer_with();
  };
  of.join_all();
  now.diary.clear();
  of.say(of.alice, R"({"type":"call","group":"g","name":"kick","data":0})");
  BOOST_TEST(of.bob.said() == left("g", "kicked"));
  BOOST_TEST(now.diary == "left bob0 ");
  BOOST_TEST(
      of.say(of.bob, R"({"type":"join","id":1,"group":"g"})").starts_with(R"({"type":"ok")"));
  of.say(of.alice, R"({"type":"call","group":"g","name":"ban","data":0})");
  BOOST_TEST(of.bob.said() == left("g", "kicked"));
  for (auto* r : {&of.alice, &of.carol}) // the ban outlives its last member
    of.say(*r, R"({"type":"leave","group":"g"})");
  BOOST_TEST(of.say(of.bob, R"({"type":"join","id":1,"group":"g"})") == error(1, code::denied));
  of.node.settle_for(1100ms);
  BOOST_TEST(
      of.say(of.bob, R"({"type":"join","id":1,"group":"g"})").starts_with(R"({"type":"ok")"));
}

BOOST_AUTO_TEST_CASE(bans_hold_on_every_node_until_they_are_lifted) {
  two_nodes of;
  const std::string join = R"({"type":"join","id":1,"group":"g"})";
  BOOST_TEST(of.say(of.bob, join).starts_with(R"({"type":"ok")"));
  of.call([](beckon::group& g) { g.ban("bob", 1h); });
  BOOST_TEST(of.bob.said() == left("g", "kicked"));
  BOOST_TEST(of.say(of.bob, join) == error(1, code::denied));
  of.call([](beckon::group& g) { g.unban("bob"); });
  BOOST_TEST(of.say(of.bob, join).starts_with(R"({"type":"ok")"));
}

BOOST_AUTO_TEST_CASE(a_node_that_had_no_members_hears_of_a_ban_when_it_lets_one_in) {
  two_nodes of;
  const std::string join = R"({"type":"join","id":1,"group":"g"})";
  of.call([](beckon::group& g) { g.ban("bob", 1h); });
  BOOST_TEST(of.say(of.bob, join).ends_with(left("g", "kicked")));
  BOOST_TEST(of.say(of.bob, join) == error(1, code::denied));
}

BOOST_AUTO_TEST_CASE(a_bot_of_another_node_is_seen_as_one) {
  two_nodes of;
  auto bot = actors::spawn_bot<actors::bot>(of.nodes[1].node, of.nodes[1].system(),
                                            {.uid = "bot", .groups = {"g"}});
  of.nodes.settle();
  of.call([](beckon::group& g) {
    g.each_member([](auto& m) { now.diary += std::string(m.uid) + (m.is_bot ? " bot " : " "); });
  });
  BOOST_TEST(now.diary.ends_with("alice bot bot "));
  caf::anon_send_exit(bot, caf::exit_reason::kill);
}

/// What the behaviour's call comes to; the group goes on.
struct said_by_behaviour {
  explicit said_by_behaviour(
      std::function<beckon::verdict(beckon::group&, const beckon::call&)> f) {
    now.call = std::move(f);
    of.join_all();
    answer = of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"x","data":0})");
    now.call = [](auto&, auto&) { return beckon::answer_with("7"); };
    auto next = of.say(of.alice, R"({"type":"call","id":3,"group":"g","name":"x","data":0})");
    goes_on = next == R"({"type":"ok","id":3,"from":"$group","data":7})"
                      "\n";
  }
  crowd of;
  std::string answer;
  bool goes_on = false;
};

BOOST_AUTO_TEST_CASE(what_cannot_be_said_in_a_frame_costs_the_behaviour_alone) {
  static_assert(!std::is_constructible_v<protocol::payload, std::nullptr_t>);
  const std::string broken = "caf\xe9";
  const std::string long_text(protocol::limits{}.frame_bytes_max + 1, 'x');
  const std::string long_json = '"' + long_text + '"';
  const char* const nothing = nullptr;
  using verdict_of = std::function<beckon::verdict(beckon::group&, const beckon::call&)>;
  const std::pair<const char*, verdict_of> cases[] = {
      {"deny", [&](auto&, auto&) { return beckon::deny("denied", broken); }},
      {"deny at length", [&](auto&, auto&) { return beckon::deny("denied", long_text); }},
      {"answer nothing", [&](auto&, auto&) { return beckon::answer_with(nothing); }},
      {"answer at length", [&](auto&, auto&) { return beckon::answer_with(long_json); }},
      {"answer long bytes",
       [&](auto&, auto&) {
         return beckon::answer_with({long_text, true});
       }},
      {"refuse",
       [&](auto& g, auto& c) { return g.refuse(c.who, "denied", broken), beckon::later(); }},
      {"deliver from",
       [&](auto& g, auto&) { return g.deliver("bob", "1", {.from = broken}), beckon::pass(); }},
      {"deliver at length",
       [&](auto& g, auto&) { return g.deliver("bob", long_json), beckon::pass(); }},
      {"publish from",
       [&](auto& g, auto&) {
         return g.publish("1", {.from = broken, .except = {}}), beckon::pass();
       }},
      {"publish at length", [&](auto& g, auto&) { return g.publish(long_json), beckon::pass(); }},
  };
  for (auto& [what, does] : cases) {
    said_by_behaviour it(does);
    BOOST_TEST(it.answer == error(2, code::internal), what);
    BOOST_TEST(it.goes_on, what);
    BOOST_TEST(it.of.bob.frames.empty(), what);
    BOOST_TEST(!it.of.alice.closed(), what);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_may_be_as_long_as_a_frame) {
  const std::string longest = '"' + std::string(protocol::limits{}.frame_bytes_max - 2, 'x') + '"';
  said_by_behaviour it([&](auto&, auto&) { return beckon::answer_with(longest); });
  BOOST_TEST(it.answer.ends_with(longest + "}\n"));
  BOOST_TEST(it.goes_on);
}

BOOST_AUTO_TEST_CASE(a_join_is_not_denied_in_words_that_cannot_be_said) {
  crowd of;
  now.joining = [](auto&, auto&) { return beckon::deny("denied", "caf\xe9"); };
  BOOST_TEST(of.say(of.alice, R"({"type":"join","id":1,"group":"g"})") == error(1, code::internal));
}

BOOST_AUTO_TEST_CASE(for_ever_is_a_time_like_others) {
  crowd of;
  of.join_all();
  now.call = [](beckon::group& g, auto&) {
    g.ban("bob", std::chrono::milliseconds::max());
    g.after(std::chrono::milliseconds::max(), [] { now.diary += "rang "; });
    return beckon::answer_with();
  };
  of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"x","data":1})");
  of.node.settle_for(1s);
  BOOST_TEST(
      of.say(of.bob, R"({"type":"join","id":2,"group":"g"})").ends_with(error(2, code::denied)));
  BOOST_TEST(now.diary.find("rang") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_closed_group_tells_all_and_begins_anew) {
  crowd of;
  now.call = [](beckon::group& g, const beckon::call&) { return g.close(), beckon::answer_with(); };
  of.join_all();
  auto said = of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"close","data":0})");
  BOOST_TEST(said.find(left("g", "group_closed")) != std::string::npos);
  BOOST_TEST(of.bob.said() == left("g", "group_closed"));
  of.join_all();
  BOOST_TEST(now.made == 2);
}

BOOST_AUTO_TEST_CASE(a_group_that_stays_keeps_its_state_while_empty) {
  crowd of;
  now.started = [](beckon::group& g) { g.stay(true); };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  of.say(of.alice, R"({"type":"leave","group":"g"})");
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  BOOST_TEST(now.made == 1);
  caf::anon_send(of.node.node.directory_of("g"), actors::swap_behaviour{"g", "", [](auto&) {}});
  of.node.settle();
}

BOOST_AUTO_TEST_CASE(other_actors_reach_its_handlers_and_it_asks_them) {
  crowd of;
  now.handlers = caf::behavior{[](int n) {
    if (n == 13)
      throw std::runtime_error("unlucky");
    now.diary.append("got ").append(std::to_string(n)) += ' ';
    return n + 1;
  }};
  now.call = [&](beckon::group& g, const beckon::call& c) {
    auto other = g.actor().spawn(
        []() -> caf::behavior { return {[](const std::string& s) { return s + "!"; }}; });
    g.request(
        other, 1s,
        [&g, who = c.who](const std::string& answer) { g.answer(who, {"\"" + answer + "\""}); },
        [](caf::error&) {}, std::string("hey"));
    return beckon::later();
  };
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  auto group = of.node.group_named("g");
  now.diary.clear();
  caf::anon_send(group, 1);
  caf::anon_send(group, 13);
  caf::anon_send(group, 2);
  of.node.settle();
  BOOST_TEST(now.diary == "got 1 got 2 ");
  BOOST_TEST(now.made == 2);
  BOOST_TEST(of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"x","data":0})") ==
             ok(2, R"("from":"$group","data":"hey!")"));
}

BOOST_AUTO_TEST_CASE(a_swap_keeps_members_and_hands_the_state_over) {
  crowd of;
  of.rule("counting");
  of.join_all();
  auto count = R"({"type":"call","id":2,"group":"g","name":"count","data":0})";
  of.say(of.alice, to_bob);
  of.say(of.alice, to_bob);
  auto swapped = of.swap("counting");
  BOOST_TEST((swapped.what == actors::swapped::kind::done));
  BOOST_TEST(swapped.was == "counting");
  BOOST_TEST(of.say(of.alice, count) == ok(2, R"("from":"$group","data":2)"));
  of.bob.said();
  BOOST_TEST(of.say(of.alice, to_bob) == ok(7));
  BOOST_TEST(of.bob.said() == direct("alice", "\"hi\""));

  swapped = of.swap("refusing"); // throws: the old one goes on as if nothing had been
  BOOST_TEST((swapped.what == actors::swapped::kind::rolled_back));
  BOOST_TEST(swapped.why == "not like this");
  BOOST_TEST(swapped.behaviour == "counting");
  of.node.settle_for(50ms);
  BOOST_TEST(now.diary == "");
  BOOST_TEST(of.say(of.alice, count) == ok(2, R"("from":"$group","data":3)"));

  BOOST_TEST((of.swap("nobody").what == actors::swapped::kind::no_behaviour));
  BOOST_TEST(of.swap("").behaviour == "");
  BOOST_TEST(of.say(of.alice, count) == error(2, code::not_found));
  BOOST_TEST(of.say(of.alice, to_bob) == ok(7));
}

BOOST_AUTO_TEST_CASE(the_state_of_another_library_is_taken_over_only_where_it_is_text) {
  crowd of;
  of.rule("counting");
  of.join_all();
  const std::string send = R"({"type":"send","id":1,"group":"g","to":"bob","data":1})";
  const std::string ask = R"({"type":"call","id":2,"group":"g","name":"x","data":0})";
  auto count = [](int n) {
    return R"({"type":"ok","id":2,"from":"$group","data":)" + std::to_string(n) + "}\n";
  };
  of.say(of.alice, send);
  auto refused = of.swap("counting_elsewhere"); // the same class of another build, for all we know
  BOOST_TEST((refused.what == actors::swapped::kind::rolled_back));
  BOOST_TEST(refused.why.find("another library") != std::string::npos);
  BOOST_TEST(of.say(of.alice, ask) == count(1)); // the old one goes on
  BOOST_TEST((of.swap("played_elsewhere").what == actors::swapped::kind::done)); // asks for none
  BOOST_TEST((of.swap("writing").what == actors::swapped::kind::done));
  of.say(of.alice, send), of.say(of.alice, send);
  BOOST_TEST((of.swap("writing_elsewhere").what == actors::swapped::kind::done));
  BOOST_TEST(of.say(of.alice, ask) == count(2));
}

BOOST_AUTO_TEST_CASE(one_that_cannot_go_on_after_a_swap_is_made_again) {
  crowd of;
  of.rule("speechless");
  of.join_all();
  of.log.clear();
  now.call = [](auto&, auto&) { return beckon::pass(); };
  now.started = [](beckon::group&) { throw std::runtime_error("not like this"); };
  BOOST_TEST((of.swap("played").what == actors::swapped::kind::rolled_back));
  BOOST_TEST(of.log.find("speechless") != std::string::npos);
  BOOST_TEST(of.alice.said() == left("g", "group_failed")); // and again, too often
  now.call = {};
  of.join_all();
  BOOST_TEST(of.say(of.alice, to_bob) == ok(7));
}

BOOST_AUTO_TEST_CASE(new_rules_reach_the_groups_whose_rule_they_change) {
  crowd of;
  of.join_all();
  auto before = of.node.node.chosen_behaviours.load();
  of.rule("counting");
  for (auto& directory : of.node.node.directories)
    caf::anon_send(directory, actors::choose_behaviours{before});
  of.node.settle();
  BOOST_TEST(of.swap(std::nullopt).behaviour == "counting");
}

BOOST_AUTO_TEST_CASE(what_runs_long_is_told_and_counted) {
  crowd of;
  of.join_all();
  now.message = [](auto&, auto&) {
    auto until = std::chrono::steady_clock::now() + actors::behaviour_host::slow_min + 1ms;
    while (std::chrono::steady_clock::now() < until) {
    }
    return beckon::pass();
  };
  BOOST_TEST(of.say(of.alice, to_bob) == ok(7));
  BOOST_TEST(of.log == "2sending\n");
  auto* kind = of.node.node.known_behaviours.find("played");
  BOOST_TEST(kind->count->slow[static_cast<std::size_t>(actors::hook::sending)].load() == 1U);
}

BOOST_AUTO_TEST_CASE(names_of_behaviours_are_checked_and_single) {
  actors::behaviours known;
  known.add<counting>("a_1");
  BOOST_CHECK_THROW(known.add<counting>("a_1"), std::invalid_argument);
  BOOST_CHECK_THROW(known.add<counting>("A"), std::invalid_argument);
  BOOST_CHECK_THROW(known.add<counting>(""), std::invalid_argument);
  actors::settings given{{"n", "12"}, {"on", "true"}, {"word", "x"}};
  BOOST_TEST(given.get("n", 0) == 12);
  BOOST_TEST(given.get("on", false));
  BOOST_TEST(given.get("word", "y") == "x");
  BOOST_TEST(given.get("none", 3) == 3);
  BOOST_CHECK_THROW(given.get("word", 1), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_no_json_costs_the_state_alone) {
  crowd of;
  of.join_all();
  of.log.clear();
  now.call = [](auto&, auto&) { return beckon::answer_with("hello there"); };
  BOOST_TEST(of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"x","data":1})") ==
             error(2, code::internal));
  BOOST_TEST(of.log == "0callingthe data is no JSON value\n");
  now.message = [](auto&, auto&) { return beckon::answer_with("hello there"); };
  BOOST_TEST(of.say(of.alice, to_bob) == error(7, code::internal));
  BOOST_TEST(of.bob.said() == "");
}

BOOST_AUTO_TEST_CASE(a_behaviour_may_say_as_much_as_a_client) {
  constexpr auto call = R"({"type":"call","id":2,"group":"g","name":"x","data":1})";
  auto text = [](std::size_t bytes) { return '"' + std::string(bytes - 2, 'x') + '"'; };
  auto most = protocol::limits{}.frame_bytes_max;
  for (std::size_t above : {0, 1}) {
    const auto said = text(most + above);
    const std::function<void(beckon::group&)> ways[] = {
        [&](beckon::group& g) { g.publish(said); },
        [&](beckon::group& g) { g.deliver("bob", said); },
        [&](beckon::group& g) {
          g.publish({said, true});
        }};
    for (auto& say : ways) {
      crowd of;
      of.join_all();
      now.call = [&](beckon::group& g, auto&) {
        say(g);
        return beckon::answer_with();
      };
      auto answer = of.say(of.alice, call); // behind what was published, if it was
      BOOST_TEST(answer.ends_with(above ? error(2, code::internal)
                                        : ok(2, R"("from":"$group","data":null)")));
      BOOST_TEST(of.bob.said().empty() == (above == 1));
    }
    crowd of;
    of.join_all();
    now.call = [&](auto&, auto&) { return beckon::answer_with(said); };
    auto answer = of.say(of.alice, call);
    BOOST_TEST(answer.starts_with(above ? R"({"type":"error","id":2,"code":"internal")"
                                        : R"({"type":"ok","id":2,"from":"$group","data":"xx)"));
    BOOST_TEST(!of.alice.closed());
  }
}

BOOST_AUTO_TEST_CASE(what_a_behaviour_says_on_several_lines_stays_one_frame) {
  crowd of;
  of.join_all();
  now.call = [](beckon::group& g, auto&) {
    g.deliver("bob", "[1,\n2]");
    g.publish("{\n\"a\\n\":3}", {.except = "alice"});
    g.set_meta("alice", "[\n]");
    return beckon::answer_with("\n4");
  };
  BOOST_TEST(of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"x","data":1})") ==
             ok(2, R"("from":"$group","data": 4)"));
  BOOST_TEST(of.bob.said() ==
             direct("$group", "[1, 2]") +
                 delivery("message", R"("group":"g","from":"$group")", R"({ "a\n":3})"));
}

BOOST_AUTO_TEST_CASE(a_hook_may_kick_whom_it_is_told_of) {
  crowd of;
  of.join_all();
  now.call = [](beckon::group& g, const beckon::call& c) {
    g.each_member([&](const beckon::member& m) {
      g.kick(m.uid);
      now.diary.append(m.uid) += ' ';
    });
    g.kick("nobody");
    now.diary.append(c.from.uid) += ' ';
    return beckon::answer_with();
  };
  now.diary.clear();
  of.say(of.alice, R"({"type":"call","id":2,"group":"g","name":"x","data":1})");
  BOOST_TEST(now.diary.starts_with("alice bob carol alice "), now.diary);
  BOOST_TEST(of.bob.said() == left("g", "kicked"));
}

BOOST_AUTO_TEST_CASE(a_new_instance_has_to_say_that_its_group_stays) {
  crowd of;
  now.call = [](beckon::group& g, const beckon::call&) {
    return g.stay(true), beckon::answer_with();
  };
  const std::string call = R"({"type":"call","id":2,"group":"g","name":"x","data":1})";
  of.say(of.alice, R"({"type":"join","id":1,"group":"g"})");
  of.say(of.alice, call);
  now.call = [](auto&, auto&) -> beckon::verdict { throw std::runtime_error("as the test wants"); };
  of.say(of.alice, call);
  auto first = of.node.group_named("g");
  of.say(of.alice, R"({"type":"leave","id":3,"group":"g"})");
  of.node.settle_for(1s);
  of.say(of.bob, R"({"type":"join","id":1,"group":"g"})");
  BOOST_TEST((of.node.group_named("g") != first));
  now.call = [](beckon::group& g, const beckon::call&) {
    return g.stay(true), beckon::answer_with();
  };
  of.say(of.bob, call);
  auto second = of.node.group_named("g");
  of.say(of.bob, R"({"type":"leave","id":3,"group":"g"})");
  of.node.settle_for(1s);
  BOOST_TEST(of.swap("counting").behaviour == "counting"); // it stayed for what it had
  of.node.settle_for(1s);
  of.say(of.bob, R"({"type":"join","id":1,"group":"g"})");
  BOOST_TEST((of.node.group_named("g") != second));
}

BOOST_AUTO_TEST_SUITE_END()
