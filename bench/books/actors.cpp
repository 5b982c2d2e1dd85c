#include "actors/messages.hpp"
#include "beckon/behaviour.hpp"
#include "bench/books/book.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"
#include "tests/simulation/cluster.hpp"

#include <caf/all.hpp>
#include <chrono>
#include <string>
#include <vector>

namespace beckon::bench {
namespace {

using namespace beckon::actors;
using namespace beckon::testing;
using namespace std::chrono_literals;

std::string numbered(const char* name, std::size_t i) {
  return name + std::to_string(i * 7919 % 1'000'003); // in no order
}

/// Stands for a session: it may be seated, is monitored, and hears nothing, as no place is its.
class sitter final : public caf::event_based_actor {
public:
  using event_based_actor::event_based_actor;
  caf::behavior make_behavior() override {
    return {[](caf::unit_t) {}};
  }
};

caf::actor new_sitter(stage& node) {
  return node.system().spawn<sitter, caf::hidden>();
}

void end(stage& node, caf::actor& who) {
  caf::anon_send_exit(who, caf::exit_reason::kill);
  who = nullptr;
  node.settle();
}

void join(stage& node, const std::string& group, const std::string& user, const caf::actor& as) {
  join_group j;
  j.session = as;
  j.group = group;
  j.uid = j.user = user;
  caf::anon_send(node.node.directory_of(group), std::move(j));
}

/// What may wait at once, without much of a mailbox.
constexpr std::size_t at_once = 1000;

// ---- users ----

struct user_book {
  explicit user_book(std::size_t n) : users(n) {
    for (std::size_t i = 0; i < n; ++i) {
      enroll(sitters.emplace_back(new_sitter(node)), i);
      if (i % at_once == 0)
        node.settle();
    }
    node.settle();
  }
  void enroll(const caf::actor& who, std::size_t i) {
    auto user = numbered("user-", i);
    caf::anon_send(node.node.users_of(user),
                   enroll_session{{}, who, user, node.node.new_session_name(user)});
  }
  ~user_book() {
    for (auto& s : sitters)
      caf::anon_send_exit(s, caf::exit_reason::kill);
    sitters.clear();
    node.settle();
  }
  stage node;
  std::vector<caf::actor> sitters;
  std::size_t users;
};

void come_and_go(user_book& b) {
  auto who = new_sitter(b.node);
  b.enroll(who, b.users);
  b.node.settle();
  end(b.node, who);
}

void write_to_a_user(user_book& b) {
  route r;
  r.by = addressing::user;
  r.to.first = numbered("user-", b.users / 2);
  caf::anon_send(b.node.node.users_of(r.to.first), std::move(r));
  b.node.settle();
}

// ---- directory ----

struct directory_book {
  explicit directory_book(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      join(node, numbered("group-", i), "somebody", everywhere);
      if (i % at_once == 0)
        node.settle();
    }
    node.settle();
  }
  ~directory_book() { end(node, everywhere); }
  stage node;
  caf::actor everywhere = new_sitter(node);
};

void open_and_close(directory_book& b) {
  auto who = new_sitter(b.node);
  join(b.node, "another group", "somebody", who);
  b.node.settle();
  end(b.node, who);
}

// ---- a group ----

struct group_book {
  explicit group_book(std::size_t n) : members(n) {
    node.node.bounds.members_per_group_max = n + 1; // one is for the operation
    for (std::size_t i = 0; i < n; ++i) {
      join(node, "g", numbered("member-", i), sitters.emplace_back(new_sitter(node)));
      if (i % at_once == 0)
        node.settle();
    }
    node.settle();
  }
  ~group_book() {
    for (auto& s : sitters)
      caf::anon_send_exit(s, caf::exit_reason::kill);
    sitters.clear();
    node.settle();
  }
  stage node;
  std::vector<caf::actor> sitters;
  std::size_t members;
};

void join_and_leave(group_book& b) {
  auto who = new_sitter(b.node);
  join(b.node, "g", "newcomer", who);
  b.node.settle();
  end(b.node, who);
}

void write_to_a_member(group_book& b) {
  route r;
  r.to.first = numbered("member-", b.members / 2);
  caf::anon_send(b.node.group_named("g"), std::move(r));
  b.node.settle();
}

// ---- hub ----

/// All members are on another node.
struct hub_book {
  explicit hub_book(std::size_t n) : members(n) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      nodes[i].node.bounds.members_per_group_max = n + 2; // one is here, one for the operation
    join(nodes[0], "g", "here", here);
    for (std::size_t i = 0; i < n; ++i) {
      join(nodes[1], "g", numbered("member-", i), sitters.emplace_back(new_sitter(nodes[1])));
      if (i % at_once == 0)
        nodes.settle();
    }
    nodes.settle_for(100ms);
  }
  ~hub_book() {
    for (auto& s : sitters)
      caf::anon_send_exit(s, caf::exit_reason::kill);
    sitters.clear();
    end(nodes[0], here);
    nodes.settle_for(100ms);
  }
  cluster nodes{2};
  caf::actor here = new_sitter(nodes[0]);
  std::vector<caf::actor> sitters;
  std::size_t members;
};

void join_and_leave_elsewhere(hub_book& b) {
  auto who = new_sitter(b.nodes[1]);
  join(b.nodes[1], "g", "newcomer", who);
  b.nodes.settle();
  caf::anon_send_exit(who, caf::exit_reason::kill);
  who = nullptr;
  b.nodes.settle();
}

void write_to_another_node(hub_book& b) {
  route r;
  r.to.first = numbered("member-", b.members / 2);
  caf::anon_send(b.nodes[0].group_named("g"), std::move(r));
  b.nodes.settle();
}

/// As many messages to another node wait to be confirmed there.
struct awaiting_book {
  explicit awaiting_book(std::size_t n) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      nodes[i].node.bounds.confirmations_max = n;
    nodes.settle();
    for (std::size_t i = 0; i < n; ++i) {
      alice.write(R"({"type":"send","id":1,"user":"bob","confirm":"received","ttl":60,"data":0})");
      if (i % at_once == 0)
        nodes.settle();
      bob.take_all();
      bob.frames.clear();
    }
    nodes.settle();
  }
  ~awaiting_book() {
    alice.end(), bob.end();
    nodes.settle();
  }
  cluster nodes{2};
  recorder alice{nodes[0], 0, "alice"}, bob{nodes[1], 0, "bob"};
};

/// One heartbeat of both hubs, at which what is overdue is told.
void beat_once(awaiting_book& b) {
  b.nodes.settle_for(hub_options{}.heartbeat);
}

// ---- timers ----

/// Sets as many timers as its first call says, then one that it cancels, or that rings, with each.
class timing final : public beckon::behaviour {
public:
  beckon::verdict calling(beckon::group& g, const beckon::call& c) override {
    if (c.name == "fill")
      for (std::size_t n = std::stoul(std::string(c.data.bytes)); n > 0; --n)
        g.after(1h + std::chrono::milliseconds(n * 7919 % 60'000), [] {});
    else if (c.name == "cancel")
      g.cancel(g.after(30min + std::chrono::milliseconds(++calls_ % 1000), [] {}));
    else
      g.after(0ms, [] {});
    return beckon::answer_with();
  }

private:
  std::size_t calls_ = 0;
};

struct timer_book {
  explicit timer_book(std::size_t n) {
    call("fill", n - 1); // one is for the operation
  }
  ~timer_book() {
    alice->end();
    node.settle();
  }
  void call(const std::string& name, std::size_t data = 0) {
    alice->write(R"({"type":"call","group":"g","name":")" + name + R"(","data":)" +
                 std::to_string(data) + "}");
    node.settle();
  }
  struct stage_with_timing : stage {
    stage_with_timing() {
      node.known_behaviours.add<timing>("timing");
      auto chosen = std::make_shared<behaviour_settings>();
      chosen->rules.push_back({"timing", "*"});
      node.chosen_behaviours.store(std::move(chosen));
    }
  } node;
  std::unique_ptr<recorder> alice = joined();

private:
  std::unique_ptr<recorder> joined() {
    auto made = std::make_unique<recorder>(node, 0, "alice", std::vector<std::string>{"g"});
    node.settle();
    return made;
  }
};

void set_and_cancel(timer_book& b) {
  b.call("cancel");
}

void ring_one(timer_book& b) {
  b.call("ring");
  b.node.settle_for(1ms);
}

template <class State>
auto with(void (*operation)(State&)) {
  return [=](std::size_t n) { return filled(std::make_unique<State>(n), operation); };
}

} // namespace

std::vector<book> actor_books() {
  return {
      {"users: a session comes and goes", with(come_and_go)},
      {"users: one is written to", with(write_to_a_user)},
      {"directory: a group opens and closes", with(open_and_close)},
      {"group: a member comes and goes", with(join_and_leave)},
      {"group: a member is written to", with(write_to_a_member)},
      {"hub: another node's member comes and goes", with(join_and_leave_elsewhere)},
      {"hub: another node's member is written to", with(write_to_another_node)},
      {"hub: a heartbeat while outcomes are awaited", with(beat_once)},
      {"timers: one is set and cancelled", with(set_and_cancel), group_api::timers_max},
      {"timers: one rings", with(ring_one), group_api::timers_max},
  };
}

} // namespace beckon::bench
