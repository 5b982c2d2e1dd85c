#include "tests/simulation/world.hpp"

#include <algorithm>

namespace beckon::testing {

using std::chrono::milliseconds;

namespace {

/// Mostly the defaults; in some seeds so small that they are met all the time.
protocol::limits some_limits(dice& d) {
  auto bounds = stage::unlimited();
  auto small = [&](std::size_t& limit, std::size_t percent, std::size_t most) {
    if (d.chance(percent))
      limit = 1 + d.below(most);
  };
  if (d.chance(50))
    bounds.outbound_bytes_max = d.one_of({std::size_t{1600}, std::size_t{2500}, std::size_t{6000}});
  if (d.chance(30))
    bounds.reserve_bytes_max = 3000;
  small(bounds.confirmations_max, 25, 3);
  small(bounds.requests_in_flight_max, 20, 2);
  small(bounds.groups_per_session_max, 15, 2);
  small(bounds.members_per_group_max, 15, 2);
  small(bounds.groups_per_node_max, 15, 2);
  small(bounds.connections_per_user_max, 15, 2);
  small(bounds.roster_page_members_max, 10, 2);
  if (d.chance(5)) {
    bounds.frames_per_second = 20;
    bounds.frames_burst = 10;
    bounds.joins_per_second = 5;
  }
  return bounds;
}

const std::vector<protocol::policy_rule> policies{{"r*", protocol::session_policy::replace},
                                                  {"x*", protocol::session_policy::reject}};

} // namespace

world::world(std::uint64_t seed, bool in_words)
    : dice_(seed), trace_(in_words), stage_(2 + dice_.below(2), some_limits(dice_), policies),
      ledger_(stage_, trace_), script_(dice_, ledger_, stage_.node.bounds.frames_per_second != 0),
      clients_max_(2 + dice_.below(6)), steps_(600 + dice_.below(1200)), kills_(dice_.chance(30)),
      slow_clients_(dice_.chance(60)) {
  stage_.node.verify = [](std::string_view token) {
    actors::identity who;
    who.user = token;
    who.as_anyone = true;
    return std::optional(who);
  };
}

world::~world() {
  for (auto& p : ledger_.peers)
    p->end();
}

void world::run() {
  connect();
  while (trace_.step < steps_ && !trace_.failed()) {
    ++trace_.step;
    act();
  }
  calm();
  ledger_.check_waits();
  break_some();
  calm();
  ledger_.check_waits();
  let_time_pass_calmly(milliseconds(20), 5);
  let_time_pass_calmly(milliseconds(1000), 8);
  for (auto& p : ledger_.peers)
    for (auto& group : script_.groups)
      if (p->welcomed && !p->ended())
        p->outgoing.push_back(script_.ask_roster(*p, group));
  let_time_pass_calmly(milliseconds(100), 20); // a low rate may refuse some
  if (trace_.failed())
    return;
  ledger_.check_answers();
  ledger_.check_arrivals();
  if (ledger_.knows_all()) {
    ledger_.check_rosters();
    check_gauges();
  } else if (stage_.node.bounds.frames_per_second == 0) {
    trace_.fail("a session was not told whether it is in a group");
  }
  if (!trace_.failed())
    check_nothing_is_left();
}

// ---- one step
// -------------------------------------------------------------------------------------

void world::act() {
  auto what = dice_.below(1000);
  if (what < 480)
    run_job();
  else if (what < 560)
    stage_.end_turn(dice_.below(stage_.node.homes.size()));
  else if (what < 590)
    stage_.fire(dice_.below(stage_.node.homes.size()));
  else if (what < 610)
    let_time_pass();
  else if (what < 730)
    plan();
  else if (what < 870)
    read();
  else if (what < 970)
    take();
  else if (what < 978)
    end_one();
  else if (what < 982)
    kill();
  else
    connect();
}

void world::run_job() {
  auto jobs = stage_.jobs();
  if (jobs == 0)
    return;
  auto job = dice_.below(jobs);
  auto elsewhere = dice_.below(stage_.node.homes.size());
  trace_.mix(job, jobs, elsewhere);
  stage_.run(job, elsewhere);
}

void world::let_time_pass() {
  auto stall = dice_.chance(5);
  auto time = stall ? 500 + dice_.below(6000) : 1 + dice_.below(40);
  if (stall)
    ledger_.stalled = trace_.step;
  trace_.tell([&] { return std::to_string(time) + " ms pass"; });
  stage_.pass(milliseconds(time));
}

void world::connect() {
  auto live = std::count_if(ledger_.peers.begin(), ledger_.peers.end(),
                            [](auto& p) { return !p->ended(); });
  if (static_cast<std::size_t>(live) >= clients_max_)
    return;
  auto user = dice_.one_of(script_.users);
  actors::greeting hello;
  if (dice_.chance(40))
    hello.groups.push_back(dice_.one_of(script_.groups));
  if (dice_.chance(10))
    hello.groups.push_back(dice_.one_of(script_.groups));
  auto by_token = dice_.chance(15);
  if (!by_token)
    hello.who = stage_.node.verify(user);
  auto home = dice_.below(stage_.node.homes.size());
  auto number = ledger_.peers.size();
  trace_.tell([&] {
    return "peer " + std::to_string(number) + " is " + user + ", home " + std::to_string(home);
  });
  trace_.mix(number, home);
  auto& p = *ledger_.peers.emplace_back(
      std::make_unique<peer>(stage_, home, std::move(hello), ledger_, number));
  p.user = user;
  ledger_.opened(p);
  if (!by_token)
    return;
  sent_frame f;
  f.type = protocol::frame_type::hello;
  f.json = R"({"type":"hello","token":")" + user + "\"}";
  p.outgoing.push_back({f});
}

peer* world::somebody() {
  std::vector<peer*> live;
  for (auto& p : ledger_.peers)
    if (!p->ended())
      live.push_back(p.get());
  return live.empty() ? nullptr : dice_.one_of(live);
}

void world::plan() {
  constexpr std::size_t unread_max = 5;
  auto* p = somebody();
  if (!p || p->outgoing.size() >= unread_max)
    return;
  p->outgoing.push_back(script_.next(*p));
  answer_due(*p);
}

/// What the client has read of late, it may answer.
void world::answer_due(peer& p) {
  while (!p.due_answers.empty() && p.due_answers.front().end <= p.taken()) {
    auto said = script_.answer(p.due_answers.front());
    p.due_answers.pop_front();
    if (!said.empty())
      p.outgoing.push_back(std::move(said));
  }
}

void world::read() {
  if (auto* p = somebody())
    read_next(*p);
}

void world::read_next(peer& p) {
  if (p.outgoing.empty() || !p.reads())
    return;
  auto frames = std::move(p.outgoing.front());
  p.outgoing.pop_front();
  std::string message;
  for (auto& f : frames) {
    message += (message.empty() ? "" : "\n") + f.json;
    ledger_.read(p, f);
  }
  p.write(std::move(message));
  if (p.reads() && stage_.node.bounds.frames_per_second == 0)
    ledger_.taken(p, frames);
}

void world::take() {
  auto* p = somebody();
  if (!p)
    return;
  auto slow = slow_clients_ && p->number % 2 == 0;
  p->take(slow ? dice_.below(400) : p->queued());
  answer_due(*p);
}

void world::end_one() {
  auto* p = somebody();
  for (auto& other : ledger_.peers) // those that are closed come first
    if (other->closed() && !other->ended())
      p = other.get();
  if (p)
    end(*p);
}

void world::end(peer& p) {
  trace_.tell([&] { return "peer " + std::to_string(p.number) + " ends"; });
  trace_.mix(p.number);
  ledger_.ended(p);
  p.end();
}

void world::kill() {
  if (!kills_)
    return;
  auto* p = somebody();
  if (p && dice_.chance(20)) {
    trace_.tell([&] { return "the actor of peer " + std::to_string(p->number) + " is killed"; });
    p->killed = true;
    ledger_.ended(*p);
    caf::anon_send_exit(p->handle(), caf::exit_reason::kill);
    return;
  }
  auto& group = dice_.one_of(script_.groups);
  if (!stage_.group_named(group))
    return;
  trace_.tell([&] { return "group " + group + " is killed"; });
  ledger_.group_killed(group);
  stage_.kill_group(group);
}

// ---- the end
// --------------------------------------------------------------------------------------

/// While all wait, a group fails or clients go: who waited for them must be told, not time out.
void world::break_some() {
  if (kills_ && dice_.chance(50))
    kill();
  for (auto count = dice_.below(3); count > 0; --count)
    if (auto* p = somebody())
      end(*p);
}

/// Everything that can happen without time happens, still in any order.
void world::calm() {
  for (auto more = true; more && !trace_.failed();) {
    more = false;
    for (; stage_.jobs() > 0 && !trace_.failed(); more = true) {
      ++trace_.step;
      run_job();
    }
    for (std::size_t home = 0; home < stage_.node.homes.size(); ++home) {
      more = more || stage_.node.homes[home]->owes();
      stage_.end_turn(home);
    }
    for (std::size_t i = 0; i < ledger_.peers.size(); ++i)
      more = calm_peer(*ledger_.peers[i]) || more;
  }
}

/// @returns whether there was anything to do
bool world::calm_peer(peer& p) {
  if (p.ended())
    return false;
  ++trace_.step;
  if (p.closed()) {
    end(p);
    return true;
  }
  auto busy = p.queued() > 0 || (p.reads() && !p.outgoing.empty());
  p.take_all();
  answer_due(p);
  read_next(p);
  return busy;
}

void world::let_time_pass_calmly(milliseconds step, int times) {
  calm();
  for (int i = 0; i < times && !trace_.failed(); ++i) {
    stage_.pass(step);
    for (std::size_t home = 0; home < stage_.node.homes.size(); ++home)
      stage_.fire(home);
    calm();
  }
}

void world::check_gauges() {
  std::int64_t sessions = 0;
  for (auto& p : ledger_.peers)
    sessions += p->ended() ? 0 : 1;
  if (stage_.sum(&actors::counters::sessions) != sessions)
    trace_.fail("the gauge of sessions is wrong");
  auto [groups, members] = ledger_.population();
  if (stage_.sum(&actors::counters::groups) != groups)
    trace_.fail("the gauge of groups is wrong");
  if (stage_.sum(&actors::counters::members) != members)
    trace_.fail("the gauge of members is wrong");
}

void world::check_nothing_is_left() {
  for (auto& p : ledger_.peers)
    p->end();
  let_time_pass_calmly(milliseconds(100), 1);
  if (stage_.sum(&actors::counters::sessions) != 0)
    trace_.fail("sessions are left");
  if (stage_.sum(&actors::counters::members) != 0)
    trace_.fail("members are left");
  if (stage_.sum(&actors::counters::groups) != 0 || stage_.node.groups != 0)
    trace_.fail("groups are left");
  for (auto& group : script_.groups)
    if (stage_.group_named(group))
      trace_.fail("the actor of group " + group + " is left");
}

} // namespace beckon::testing
