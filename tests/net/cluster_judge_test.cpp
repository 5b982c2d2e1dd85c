#include "net/cluster_judge.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <optional>
#include <set>
#include <string>

using namespace beckon::net;
using enum cluster_refusal;

namespace {

constexpr auto both_roles = {gate_role::dialler, gate_role::acceptor};

cluster_hello node(const std::string& name, std::uint64_t incarnation = 1) {
  cluster_hello hello;
  hello.cluster = "beckon";
  hello.node = name;
  hello.incarnation = incarnation;
  return hello;
}

acquaintance linked(std::uint64_t incarnation, bool silent = false, probe probed = probe::none) {
  return {.linked = true, .incarnation = incarnation, .silent = silent, .probed = probed};
}

// ---- two nodes that dial each other, in every order of events ----

constexpr int a = 0; // the smaller name
constexpr int b = 1;

/// A connection is numbered by the node that dialled it.
struct word {
  enum class kind { hello, let_in, refused, confirmed, withdrawn, closed } what;
  int connection;
};

struct side {
  std::deque<word> inbox[2]; ///< by connection: each keeps its order
  std::optional<int> link;
  std::set<int> accepted;
  bool flapped = false;
};

struct world {
  std::array<side, 2> sides;

  void send(int from, word w) {
    sides[static_cast<std::size_t>(1 - from)].inbox[w.connection].push_back(w);
  }

  decision judged(int me, gate_role role) {
    auto& s = sides[static_cast<std::size_t>(me)];
    acquaintance known;
    known.linked = s.link.has_value();
    known.incarnation = 1;
    known.accepted = !s.accepted.empty();
    return judge(node(me == a ? "a" : "b"), node(me == a ? "b" : "a"), known, role);
  }

  void hear(int me, int connection) {
    auto& s = sides[static_cast<std::size_t>(me)];
    auto w = s.inbox[connection].front();
    s.inbox[connection].pop_front();
    switch (w.what) {
    case word::kind::hello:
      if (judged(me, gate_role::acceptor).why != none)
        return send(me, {word::kind::refused, connection});
      s.accepted.insert(connection);
      return send(me, {word::kind::let_in, connection});
    case word::kind::let_in: {
      auto judgement = judged(me, gate_role::dialler);
      if (judgement.why != none)
        return send(me, {word::kind::withdrawn, connection});
      if (judgement.drop_accepted)
        for (auto other : std::exchange(s.accepted, {}))
          send(me, {word::kind::closed, other});
      s.link = connection;
      return send(me, {word::kind::confirmed, connection});
    }
    case word::kind::confirmed:
      if (s.accepted.erase(connection) == 0 || s.link)
        return send(me, {word::kind::closed, connection});
      s.link = connection;
      return;
    case word::kind::withdrawn:
      s.accepted.erase(connection);
      return;
    case word::kind::closed:
      s.flapped = s.flapped || s.link == connection;
      return;
    case word::kind::refused:
      return;
    }
  }
};

int explore(const world& now) {
  int ends = 0;
  for (int me : {a, b})
    for (int connection : {a, b})
      if (!now.sides[static_cast<std::size_t>(me)].inbox[connection].empty()) {
        auto next = now;
        next.hear(me, connection);
        ends += explore(next);
      }
  if (ends > 0)
    return ends;
  const auto& [one, other] = now.sides;
  BOOST_TEST((one.link && one.link == other.link));
  BOOST_TEST((!one.flapped && !other.flapped));
  BOOST_TEST((one.accepted.empty() && other.accepted.empty()));
  return 1;
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_cluster_judge)

BOOST_AUTO_TEST_CASE(strangers_are_let_in) {
  for (auto role : both_roles) {
    auto judged = judge(node("a"), node("b"), {}, role);
    BOOST_TEST((judged.why == none));
    BOOST_TEST(!(judged.drop_link || judged.drop_accepted || judged.probe_link || judged.leave));
  }
}

BOOST_AUTO_TEST_CASE(another_cluster_or_version_is_refused) {
  auto other = node("b");
  other.cluster = "other";
  auto newer = node("b");
  newer.version_min = newer.version_max = gate_version_max + 1;
  for (auto role : both_roles) {
    BOOST_TEST((judge(node("a"), other, {}, role).why == cluster));
    BOOST_TEST((judge(node("a"), newer, {}, role).why == version));
  }
}

BOOST_AUTO_TEST_CASE(who_dialled_itself_knows) {
  for (auto role : both_roles)
    BOOST_TEST((judge(node("a", 7), node("a", 7), {}, role).why == self));
}

BOOST_AUTO_TEST_CASE(of_two_processes_of_one_name_the_younger_leaves) {
  for (auto role : both_roles) {
    auto older = judge(node("a", 1), node("a", 2), {}, role);
    BOOST_TEST((older.why == name_taken));
    BOOST_TEST(!older.leave);
    auto younger = judge(node("a", 2), node("a", 1), {}, role);
    BOOST_TEST((younger.why == name_taken));
    BOOST_TEST(younger.leave);
  }
  for (std::uint64_t ours : {1, 3}) { // whom others know stays, whichever is younger
    auto known = node("a", ours);
    known.linked = true;
    BOOST_TEST(!judge(known, node("a", 2), {}, gate_role::acceptor).leave);
    BOOST_TEST(judge(node("a", 2), known, {}, gate_role::acceptor).leave);
    BOOST_TEST(!must_leave(known, node("a", 2), name_taken));
    BOOST_TEST(must_leave(node("a", 2), known, name_taken));
  }
  BOOST_TEST(must_leave(node("a", 2), node("a", 1), name_taken));
  BOOST_TEST(!must_leave(node("a", 1), node("a", 2), name_taken));
  BOOST_TEST(must_leave(node("a", 1), node("b", 2), name_taken)); // a third node says so
  BOOST_TEST(!must_leave(node("a", 2), node("b", 1), busy));
}

BOOST_AUTO_TEST_CASE(a_second_link_is_a_duplicate_unless_the_first_is_silent) {
  for (auto role : both_roles) {
    BOOST_TEST((judge(node("a"), node("b", 5), linked(5), role).why == duplicate));
    auto judged = judge(node("a"), node("b", 5), linked(5, true), role);
    BOOST_TEST((judged.why == none));
    BOOST_TEST(judged.drop_link);
  }
}

BOOST_AUTO_TEST_CASE(a_process_with_the_name_of_a_linked_one_waits_for_the_probe) {
  struct row {
    probe probed;
    cluster_refusal why;
    bool probe_link;
    bool drop_link;
  };
  for (auto role : both_roles)
    for (std::uint64_t incarnation : {4, 6}) // older or younger than the linked one
      for (auto [probed, why, probe_link, drop_link] :
           {row{probe::none, busy, true, false}, row{probe::waits, busy, false, false},
            row{probe::answered, name_taken, false, false},
            row{probe::silent, none, false, true}}) {
        auto judged = judge(node("a"), node("b", incarnation), linked(5, false, probed), role);
        BOOST_TEST((judged.why == why));
        BOOST_TEST(judged.probe_link == probe_link);
        BOOST_TEST(judged.drop_link == drop_link);
        BOOST_TEST(!judged.leave);
      }
}

BOOST_AUTO_TEST_CASE(of_two_connections_the_smaller_name_s_survives) {
  acquaintance dialling{.dialled = true};
  BOOST_TEST((judge(node("a"), node("b"), dialling, gate_role::acceptor).why == crossed));
  BOOST_TEST((judge(node("b"), node("a"), dialling, gate_role::acceptor).why == none));
  acquaintance accepted{.accepted = true};
  BOOST_TEST((judge(node("b"), node("a"), accepted, gate_role::dialler).why == crossed));
  auto judged = judge(node("a"), node("b"), accepted, gate_role::dialler);
  BOOST_TEST((judged.why == none));
  BOOST_TEST(judged.drop_accepted);
}

BOOST_AUTO_TEST_CASE(two_that_dial_each_other_make_one_link_in_every_order_of_events) {
  world start;
  start.send(a, {word::kind::hello, a});
  start.send(b, {word::kind::hello, b});
  BOOST_TEST(explore(start) > 10);
  world alone;
  alone.send(b, {word::kind::hello, b});
  BOOST_TEST(explore(alone) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
