#include "tests/simulation/cluster_world.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace beckon::testing {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t clients_max = 14;
const std::vector<std::string> users{"u0", "u1", "u2", "u3", "u4"};
const std::vector<std::string> groups{"g0", "g1", "r0"};

std::vector<protocol::policy_rule> policies() {
  return {{"r*", protocol::session_policy::replace}};
}

bool is_replaced(const std::string& group) {
  return group.starts_with('r');
}

std::string text(const json::value& v) {
  return std::string(v.as_string());
}

std::uint64_t number_in(const json::value& v) {
  return v.to_number<std::uint64_t>();
}

} // namespace

cluster_world::cluster_world(std::uint64_t seed, bool in_words)
    : dice_(seed), trace_(in_words), nodes_(2 + seed % 3, policies(), seed % 5 != 0),
      steps_(150 + dice_.below(350)), breaks_(seed % 3 != 0) {}

cluster_world::~cluster_world() {
  for (auto& c : clients_)
    c->end();
  nodes_.settle();
}

void cluster_world::run() {
  for (; trace_.step < steps_ && !trace_.failed(); ++trace_.step)
    act();
  if (!trace_.failed())
    calm();
}

// ---- what happens
// ------------------------------------------------------------------------------------

void cluster_world::act() {
  auto what = dice_.below(100);
  trace_.mix(what);
  if (what < 45)
    return run_some_job();
  if (what < 65)
    return carry_some();
  if (what < 70)
    return connect_client();
  if (what < 92) {
    if (auto* c = somebody(); c && !c->read()) // what was held back comes first
      talk(*c);
    return;
  }
  if (what < 94) {
    if (auto* c = somebody(); c && dice_.chance(50)) {
      trace_.tell([&] { return "client " + std::to_string(c->number) + " ends"; });
      c->end();
    }
    return;
  }
  if (what < 96 && breaks_)
    return break_or_heal();
  auto time = std::chrono::milliseconds(dice_.below(40));
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    nodes_[n].pass(time);
    nodes_[n].fire(0);
    nodes_[n].end_turn(0);
  }
}

void cluster_world::run_some_job() {
  for (int i = 0; i < 4; ++i) {
    auto& node = nodes_[dice_.below(nodes_.size())];
    if (auto jobs = node.jobs())
      node.run(dice_.below(jobs), 0);
    node.end_turn(0);
  }
}

void cluster_world::carry_some() {
  auto from = dice_.below(nodes_.size()), to = dice_.below(nodes_.size());
  if (from != to && nodes_.carry(from, to))
    trace_.tell([&] { return "n" + std::to_string(from) + " -> n" + std::to_string(to); });
}

void cluster_world::connect_client() {
  if (clients_.size() >= clients_max)
    return;
  auto node = dice_.below(nodes_.size());
  clients_.push_back(std::make_unique<client>(*this, clients_.size(), node, dice_.one_of(users)));
}

cluster_world::client* cluster_world::somebody() {
  if (clients_.empty())
    return nullptr;
  auto* c = dice_.one_of(clients_).get();
  return c->welcome && !c->ended() ? c : nullptr;
}

void cluster_world::talk(client& c) {
  auto group = dice_.one_of(groups);
  auto id = std::to_string(c.last_id + 1);
  if (!c.in.contains(group)) {
    c.asked[++c.last_id] = {"join", group};
    trace_.tell([&] { return "client " + std::to_string(c.number) + " joins " + group; });
    return c.write(R"({"type":"join","presence":"full","id":)" + id + R"(,"group":")" + group +
                   "\"}");
  }
  if (dice_.chance(8)) {
    c.asked[++c.last_id] = {"leave", group};
    trace_.tell([&] { return "client " + std::to_string(c.number) + " leaves " + group; });
    return c.write(R"({"type":"leave","id":)" + id + R"(,"group":")" + group + "\"}");
  }
  send(c, dice_.chance(15) ? std::string{} : group);
}

void cluster_world::send(client& c, const std::string& group) {
  auto number = ++last_message_;
  auto& m = messages_[number];
  m.from = c.number;
  m.group = group;
  auto frame = std::string(R"({"type":")");
  if (group.empty()) {
    m.to = {dice_.one_of(users)};
    frame += R"(send","user":")" + m.to[0] + '"';
  } else if (dice_.chance(40)) {
    frame += R"(publish","group":")" + group + '"';
  } else {
    std::set<std::string> to;
    for (auto left = 1 + dice_.below(3); left > 0; --left)
      to.insert(dice_.one_of(users));
    m.to.assign(to.begin(), to.end());
    json::array names(m.to.begin(), m.to.end());
    frame += R"(send","group":")" + group + "\",\"to\":" + json::serialize(names);
  }
  c.sent[++c.last_id] = number;
  trace_.tell([&] {
    return "client " + std::to_string(c.number) + " (" + c.user + ") says " +
           std::to_string(number) + ": " + frame;
  });
  c.write(frame + ",\"id\":" + std::to_string(c.last_id) + ",\"data\":" + std::to_string(number) +
          "}");
}

void cluster_world::break_or_heal() {
  auto a = dice_.below(nodes_.size()), b = dice_.below(nodes_.size());
  if (a == b)
    return;
  trace_.tell([&] {
    return (nodes_.connected(a, b) ? "cut n" : "connect n") + std::to_string(a) + " n" +
           std::to_string(b);
  });
  if (nodes_.connected(a, b))
    nodes_.cut(a, b);
  else
    nodes_.connect(a, b);
}

// ---- what clients are told
// ---------------------------------------------------------------------------

cluster_world::client::client(cluster_world& w, std::size_t n, std::size_t at,
                              const std::string& name)
    : recorder(w.nodes_[at], 0, name), world(w), number(n), node(at), user(name) {
  w.trace_.tell(
      [&] { return "client " + std::to_string(n) + " is " + name + " on n" + std::to_string(at); });
}

void cluster_world::client::on_queued(const frame& f) {
  world.trace_.tell([&] { return "client " + std::to_string(number) + " < " + f.json; });
  auto told = json::parse(f.json).as_object();
  auto type = text(told.at("type"));
  if (type == "welcome")
    welcome = true;
  else if (type == "ok")
    take_ok(told);
  else if (type == "error")
    take_error(told);
  else if (type == "direct" || type == "message")
    take_delivery(told);
  else if (type == "presence")
    take_presence(told);
  else if (type == "left")
    in.erase(text(told.at("group")));
  else
    world.trace_.fail("a frame that nobody expects: " + f.json);
}

void cluster_world::client::take_ok(const json::object& told) {
  auto id = number_in(told.at("id"));
  if (auto question = asked.extract(id)) {
    auto& [what, group] = question.mapped();
    if (what == "leave") {
      in.erase(group);
      return;
    }
    in.insert(group);
    version[group] = number_in(told.at("version"));
    view[group].clear();
    for (auto& [uid, value] : told.at("members").as_object())
      view[group][std::string(uid)] = number_in(value.as_object().at("sessions"));
    return;
  }
  auto own = sent.extract(id);
  if (own.empty())
    return world.trace_.fail("a second answer, or one to nobody");
  auto& m = world.messages_.at(own.mapped());
  m.answered = true;
  if (auto* count = told.if_contains("count"))
    m.count = number_in(*count);
  if (auto* outcomes = told.if_contains("outcomes"))
    for (auto& [uid, what] : outcomes->as_object())
      m.outcome[std::string(uid)] = text(what);
}

void cluster_world::client::take_error(const json::object& told) {
  auto id = number_in(told.at("id"));
  if (auto question = asked.extract(id)) {
    if (text(told.at("code")) != "not_member")
      world.trace_.fail("a join or leave was refused: " + json::serialize(told));
    return;
  }
  auto own = sent.extract(id);
  if (own.empty())
    return world.trace_.fail("a second answer, or one to nobody");
  auto& m = world.messages_.at(own.mapped());
  m.answered = true;
  auto why = text(told.at("code"));
  if (why == "not_delivered")
    for (auto& [uid, what] : told.at("outcomes").as_object())
      m.outcome[std::string(uid)] = text(what);
  else if (why == "not_member") // it was replaced, or is on its way out
    for (auto& uid : m.to)
      m.outcome[uid] = "offline";
  else
    world.trace_.fail("a message was refused: " + json::serialize(told));
}

void cluster_world::client::take_delivery(const json::object& told) {
  auto data = static_cast<std::size_t>(number_in(told.at("data")));
  auto& m = world.messages_.at(data);
  auto group = told.contains("group") ? text(told.at("group")) : std::string{};
  if (group != m.group)
    world.trace_.fail("a message of another group");
  if (!group.empty() && !in.contains(group))
    world.trace_.fail("a message of a group that it is not in");
  if (!m.to.empty() && std::find(m.to.begin(), m.to.end(), user) == m.to.end())
    world.trace_.fail("a message for somebody else");
  if (!got.insert(data).second)
    world.trace_.fail("message " + std::to_string(data) + " came twice");
  auto& before = last[{m.from, group}];
  if (before > data)
    world.trace_.fail("message " + std::to_string(data) + " came after " + std::to_string(before));
  before = data;
  ++m.delivered[user];
}

void cluster_world::client::take_presence(const json::object& told) {
  auto group = text(told.at("group"));
  if (!in.contains(group))
    return world.trace_.fail("presence of a group that it is not in");
  if (number_in(told.at("version")) != ++version[group])
    world.trace_.fail("a gap between versions");
  auto& members = view[group];
  for (auto* list : {"joined", "updated"})
    if (auto* all = told.if_contains(list))
      for (auto& [uid, value] : all->as_object()) {
        if (list == std::string("updated") && !members.contains(uid))
          world.trace_.fail("updated, though it was not there");
        members[std::string(uid)] = number_in(value.as_object().at("sessions"));
      }
  if (auto* gone = told.if_contains("left"))
    for (auto& uid : gone->as_array())
      if (members.erase(text(uid)) == 0)
        world.trace_.fail("left, though it was not there");
}

// ---- at the end
// ---------------------------------------------------------------------------------------

void cluster_world::calm() {
  for (std::size_t b = 0; b < nodes_.size(); ++b)
    for (std::size_t a = 0; a < b; ++a)
      if (!nodes_.connected(a, b))
        nodes_.connect(a, b);
  for (auto reading = true; reading;) {
    nodes_.settle_for(100ms);
    reading = false;
    for (auto& c : clients_)
      reading |= c->read();
  }
  nodes_.settle_for(8s); // longer than any wait
  check_answered();
  check_messages();
  check_rosters();
}

void cluster_world::check_answered() {
  for (auto& c : clients_)
    if (c->welcome && !c->ended() && (!c->sent.empty() || !c->asked.empty()))
      trace_.fail("client " + std::to_string(c->number) + " waits for nobody");
}

void cluster_world::check_messages() {
  for (auto& [number, m] : messages_) {
    if (!m.answered)
      continue; // its sender has ended
    std::size_t sessions = 0;
    for (auto& [uid, count] : m.delivered)
      sessions += count;
    if (m.to.empty() && m.count > sessions)
      trace_.fail("publication " + std::to_string(number) + " reached fewer than were counted");
    if (m.to.empty() && !breaks_ && m.count != sessions && m.outcome.empty())
      trace_.fail("publication " + std::to_string(number) + " was counted wrong");
    for (auto& uid : m.to) {
      auto told = m.outcome.contains(uid) ? m.outcome.at(uid) : "delivered";
      auto arrived = m.delivered.contains(uid);
      if (told == "delivered" && !arrived)
        trace_.fail("message " + std::to_string(number) + " was called delivered to " + uid);
      if (told == "offline" && arrived)
        trace_.fail("message " + std::to_string(number) + " was called offline, and came to " +
                    uid);
      if (told == "unknown" && !breaks_)
        trace_.fail("message " + std::to_string(number) + " is unknown, though no link broke");
      if (told != "delivered" && told != "offline" && told != "unknown")
        trace_.fail("message " + std::to_string(number) + " is " + told);
    }
  }
}

void cluster_world::check_rosters() {
  for (auto& group : groups) {
    std::map<std::string, std::uint64_t> truth;
    for (auto& c : clients_)
      if (c->welcome && !c->ended() && c->in.contains(group)) {
        auto& sessions = ++truth[c->user];
        if (is_replaced(group) && sessions > 1)
          trace_.fail(c->user + " has two sessions in " + group);
      }
    for (auto& c : clients_)
      if (c->welcome && !c->ended() && c->in.contains(group) && c->view.at(group) != truth) {
        std::string seen = "client " + std::to_string(c->number) + " sees in " + group + ":";
        for (auto& [uid, sessions] : c->view.at(group))
          seen += ' ' + uid + '=' + std::to_string(sessions);
        seen += "; true is:";
        for (auto& [uid, sessions] : truth)
          seen += ' ' + uid + '=' + std::to_string(sessions);
        trace_.fail(seen);
      }
  }
}

} // namespace beckon::testing
