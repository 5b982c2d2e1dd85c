#include "tests/simulation/ledger.hpp"

#include <algorithm>
#include <set>

namespace beckon::testing {

using protocol::confirm_level;
using protocol::frame_type;
using protocol::interest_level;
using protocol::presence_mode;
using belief = peer::belief;
using watching = peer::watching;
namespace json = boost::json;

namespace {

std::string text(const json::value& v) {
  return std::string(v.as_string());
}

std::uint64_t number(const json::value& v) {
  return v.to_number<std::uint64_t>();
}

std::string group_of(const json::object& f) {
  auto* group = f.if_contains("group");
  return group ? text(*group) : std::string();
}

bool is_question(frame_type type) {
  return type == frame_type::join || type == frame_type::update || type == frame_type::leave ||
         type == frame_type::roster;
}

watching mode_of(presence_mode mode) {
  return mode == presence_mode::full    ? watching::full
         : mode == presence_mode::count ? watching::count
                                        : watching::none;
}

/// The names of the groups say their policy.
bool replaces(const std::string& group) {
  return group.front() == 'r';
}
bool rejects(const std::string& group) {
  return group.front() == 'x';
}

std::map<std::string, std::string> values(const json::value& members) {
  std::map<std::string, std::string> all;
  for (auto& [uid, value] : members.as_object())
    all.emplace(uid, json::serialize(value));
  return all;
}

} // namespace

// ---- what a session reads
// -------------------------------------------------------------------------

void ledger::opened(peer& p) {
  for (auto& group : p.url_groups) {
    joins_.push_back({p.number, group, {p.user, {}}});
    p.groups[group].joined = trace_.step;
    p.groups[group].as = p.user;
  }
}

void ledger::read(peer& p, sent_frame f) {
  trace_.tell([&] { return "peer " + std::to_string(p.number) + " says " + f.json; });
  trace_.mix(p.number, f.id, f.json.size());
  if (f.unparsable) {
    ++p.unparsable;
    return;
  }
  f.read = trace_.step;
  f.at = stage_.now();
  if (is_question(f.type)) {
    f.as_then = p.groups[f.group].as;
    read_question(p, f);
  } else if (f.type == frame_type::reply)
    messages[f.message].replies.push_back({p.number, f.reply_data, f.says_no});
  else if (f.type == frame_type::received)
    for (auto& c : messages[f.message].got)
      c.confirmed = c.confirmed || c.peer == p.number;
  else if (f.message)
    read_message(p, f);
  if (f.id)
    p.open.emplace(f.id, std::move(f));
}

void ledger::taken(peer& p, const std::vector<sent_frame>& frames) {
  for (auto& f : frames)
    for (auto& c : messages[f.message].got)
      c.heard = c.heard || (f.type == frame_type::received && c.peer == p.number);
}

void ledger::read_question(peer& p, const sent_frame& f) {
  auto& m = p.groups[f.group];
  auto joins = std::any_of(p.questions.begin(), p.questions.end(), [&](auto& q) {
    return q.type == frame_type::join && q.group == f.group;
  });
  p.questions.push_back(f);
  ++m.questions;
  if (f.type == frame_type::roster)
    return;
  end_tenure(m);
  if (f.type == frame_type::join) {
    // Without a name it keeps the one that it has, if it still has one then.
    joins_.push_back({p.number, f.group, {f.as, f.as_given ? std::string() : m.as}});
    auto by_url = !p.welcomed && m.joined != 0;
    if (m.in == belief::no && !joins && !by_url)
      m.joined = trace_.step;
  }
  if (!f.id)
    expect_blindly(m, f);
}

/// Whether it watches is not known.
void ledger::know_nothing(peer::membership& m) {
  m.watch = watching::unknown;
  m.epoch.clear();
  m.version.reset();
  m.in_sync = false;
  m.count.reset();
}

/// Without an id nobody tells what came of it.
void ledger::expect_blindly(peer::membership& m, const sent_frame& f) {
  if (f.presence || f.type == frame_type::leave || m.in == belief::no)
    know_nothing(m);
  m.interest.reset();
  if (f.type == frame_type::join && m.in != belief::yes) {
    m.in = belief::maybe;
    m.as = f.as;
  } else if (f.type == frame_type::leave && m.in == belief::yes) {
    m.in = belief::maybe;
  }
}

void ledger::read_message(peer& p, const sent_frame& f) {
  auto& m = messages[f.message];
  m.read = trace_.step;
  m.at = stage_.now();
  m.from = p.user;
  if (m.group.empty())
    return;
  auto& in = p.groups[m.group];
  m.joined = in.joined;
  m.by_member = in.tenure.has_value();
  m.from = in.as;
}

// ---- what a session queues
// ------------------------------------------------------------------------

void ledger::queued(peer& p, const recorder::frame& f) {
  trace_.tell([&] { return "peer " + std::to_string(p.number) + " gets " + f.json; });
  auto parsed = json::parse(f.json).as_object();
  auto type = text(parsed.at("type"));
  trace_.mix(p.number, f.json.size(), type[0], type[1]);
  if (type == "welcome")
    welcome(p, parsed);
  else if (type == "message" || type == "direct" || type == "request")
    delivery(p, parsed, f.end);
  else if (type == "presence")
    presence(p, parsed, false);
  else if (type == "ok" || type == "error")
    answer(p, parsed, type == "ok");
  else if (type == "left")
    left(p, parsed);
  else if (type == "gap")
    gap(p, parsed);
  else
    must(type == "pong" || type == "bye", p, "a frame of no known type");
}

void ledger::refused(peer& p, std::string_view frame) {
  trace_.tell([&] {
    return "peer " + std::to_string(p.number) + " has no room for " + std::string(frame);
  });
  auto f = json::parse(frame).as_object();
  trace_.mix(p.number, frame.size());
  if (f.contains("version") || f.contains("count"))
    return presence(p, f, true);
  auto& m = messages[number(f.at("data").at("n"))];
  auto group = group_of(f);
  m.refused.push_back({p.number, group.empty() ? std::string() : p.groups[group].as});
  if (m.type == frame_type::publish)
    ++p.groups[group].missed;
}

void ledger::welcome(peer& p, const object& f) {
  must(!p.welcomed, p, "a second welcome");
  p.welcomed = trace_.step;
  p.name = text(f.at("session"));
  must(text(f.at("user")) == p.user, p, "a welcome for another user");
  auto& in = f.at("groups").as_object();
  must(in.size() == std::set(p.url_groups.begin(), p.url_groups.end()).size(), p,
       "a welcome with other groups than the URL's");
  for (auto& [name, group] : in) {
    auto& m = p.groups[name];
    m.in = belief::yes;
    m.epoch = text(group.at("epoch"));
    m.interest = interest_level::full;
    must(text(group.at("as")) == p.user, p, "a welcome under another name");
    join_over(p, name);
    foresee(p, name);
    begin_tenure(p, name);
  }
}

void ledger::delivery(peer& p, const object& f, std::uint64_t end) {
  auto n = number(f.at("data").at("n"));
  auto& m = messages[n];
  trace_.mix(n);
  must(p.welcomed, p, "a delivery before the welcome");
  must(m.read != 0 && group_of(f) == m.group, p, "a delivery that nobody sent");
  std::string as;
  if (!m.group.empty()) {
    auto& in = p.groups[m.group];
    must(!in.excluded(), p, "a delivery of a group that it is not in");
    as = in.in == belief::yes ? in.as : std::string();
  }
  if (m.by_member || m.group.empty())
    must(text(f.at("from")) == m.from, p, "a delivery in another's name");
  must(std::none_of(m.got.begin(), m.got.end(), [&](auto& c) { return c.peer == p.number; }), p,
       "a delivery for the second time");
  check_addressed(p, m, as);
  check_order(p, n);
  m.got.push_back({p.number, as, end});
  if (auto* request = f.if_contains("request"))
    p.due_answers.push_back({end, number(*request), n, true});
  if (auto* wanted = f.if_contains("message"))
    p.due_answers.push_back({end, number(*wanted), n, false});
}

void ledger::check_addressed(const peer& p, const message& m, const std::string& as) {
  auto named = [&](const std::vector<std::string>& names, const std::string& who) {
    return std::find(names.begin(), names.end(), who) != names.end();
  };
  if (m.type == frame_type::publish) {
    must(as.empty() || !named(m.except, as), p, "a publication that excepts it");
    must(m.echo || m.sender != p.number, p, "its own publication");
    auto& in = p.groups.at(m.group);
    must(!in.tenure || in.interest != interest_level::direct, p,
         "a publication, though it is passive");
  } else if (!m.group.empty()) {
    must(as.empty() || named(m.to, as), p, "a message to others");
  } else {
    must(m.to[0] == (m.by == actors::addressing::user ? p.user : p.name), p,
         "a message to another");
  }
}

void ledger::check_order(const peer& p, std::size_t n) {
  auto& m = messages[n];
  auto& last = last_[{m.sender, p.number, m.group}];
  must(last < n, p, "a message that was overtaken");
  last = n;
}

// ---- presence
// -------------------------------------------------------------------------------------

void ledger::presence(peer& p, const object& f, bool missed) {
  auto group = group_of(f);
  auto& m = p.groups[group];
  must(p.welcomed, p, "presence before the welcome");
  must(!m.excluded(), p, "presence of a group that it is not in");
  if (auto* count = f.if_contains("count")) {
    must(m.watch == watching::count || m.watch == watching::unknown, p,
         "a count that it did not ask for");
    m.missed += missed ? 1 : 0;
    m.count = missed ? std::nullopt : std::optional(count->to_number<std::int64_t>());
    return;
  }
  auto version = number(f.at("version"));
  trace_.mix(version);
  must(m.watch == watching::full || m.watch == watching::unknown, p,
       "presence that it did not ask for");
  if (m.watch != watching::full)
    return;
  must(!m.version || version == *m.version + 1, p, "a gap between versions");
  m.version = version;
  m.in_sync = m.in_sync && !missed;
  if (!m.in_sync)
    return;
  apply(p, m, f);
  agree(group, m, version, m.view);
}

void ledger::apply(peer& p, peer::membership& m, const object& f) {
  if (auto* joined = f.if_contains("joined"))
    for (auto& [uid, value] : values(*joined)) {
      must(uid == m.as || !m.view.contains(uid), p, "joined, who was there");
      m.view[uid] = value;
    }
  if (auto* updated = f.if_contains("updated"))
    for (auto& [uid, value] : values(*updated)) {
      must(m.view.contains(uid), p, "updated, who was not there");
      m.view[uid] = value;
    }
  if (auto* gone = f.if_contains("left"))
    for (auto& uid : gone->as_array())
      must(m.view.erase(text(uid)) == 1, p, "left, who was not there");
}

/// All that see one version of a group see the same.
void ledger::agree(const std::string& group, const peer::membership& m, std::uint64_t version,
                   const std::map<std::string, std::string>& view) {
  if (m.epoch.empty())
    return;
  auto [seen, is_first] =
      rosters_at_.try_emplace(group + ' ' + m.epoch + ' ' + std::to_string(version), view);
  if (!is_first && seen->second != view)
    trace_.fail("two views of version " + std::to_string(version) + " of group " + group);
}

// ---- what ends a membership, and what was missed
// --------------------------------------------------

void ledger::left(peer& p, const object& f) {
  auto group = group_of(f);
  auto why = text(f.at("why"));
  auto& m = p.groups[group];
  must(p.welcomed, p, "left before the welcome");
  must(m.in != belief::no, p, "left a group that it is not in");
  must(m.missed == 0, p, "left before the gap was told");
  if (why == "replaced") {
    auto by_other = [&](const join& j) {
      return j.group == group && j.peer != p.number && j.over >= m.joined;
    };
    must(replaces(group) && std::any_of(joins_.begin(), joins_.end(), by_other), p,
         "replaced by nobody");
  } else {
    must(why == "group_failed" && killed_since(group, m.joined), p,
         "left a group that did not fail");
    // A join that was asked meanwhile is given up, though the group's successor may have it.
    for (auto& q : p.questions)
      m.given_up = m.given_up || (q.type == frame_type::join && q.group == group);
  }
  forget(p, group);
  foresee(p, group);
}

/// A membership is over.
void ledger::forget(peer& p, const std::string& group) {
  auto& m = p.groups[group];
  end_tenure(m);
  auto [questions, joined, as, given_up] = std::tuple(m.questions, m.joined, m.as, m.given_up);
  m = {};
  m.given_up = given_up;
  m.as_before = as;
  m.questions = questions;
  m.joined = trace_.step;
  m.joined_before = joined;
  for (auto& q : p.questions) // it may be joined again already
    if (q.type == frame_type::join && q.group == group)
      m.joined = std::min(m.joined, q.read);
}

/// What was read already may change the membership without a word.
void ledger::foresee(peer& p, const std::string& group) {
  for (auto& q : p.questions)
    if (q.group == group && q.id == 0)
      expect_blindly(p.groups[group], q);
}

void ledger::gap(peer& p, const object& f) {
  auto group = group_of(f);
  auto lost = number(f.at("lost"));
  auto& m = p.groups[group];
  must(!m.excluded(), p, "a gap in a group that it is not in");
  auto url = std::find(p.url_groups.begin(), p.url_groups.end(), group) != p.url_groups.end();
  must(lost == m.missed || (url && lost > m.missed), p,
       "a gap of another size"); // some before the welcome
  m.missed = 0;
}

void ledger::closed(peer& p, protocol::close_code why) {
  using protocol::close_code;
  trace_.tell(
      [&] { return "peer " + std::to_string(p.number) + " is closed: " + std::string(name(why)); });
  auto& bounds = stage_.node.bounds;
  auto fine = false;
  switch (why) {
  case close_code::slow_consumer:
    fine = p.queued() > bounds.outbound_bytes_max + bounds.reserve_bytes_max;
    break;
  case close_code::denied:
    fine = !p.url_groups.empty() && !p.welcomed;
    break;
  case close_code::connection_limit:
    fine = bounds.connections_per_user_max != 0 && !p.welcomed;
    break;
  case close_code::rate_limited:
    fine = bounds.frames_per_second != 0;
    break;
  case close_code::auth_timeout:
    fine = !p.is_authenticated();
    break;
  case close_code::internal_error:
    fine = p.killed;
    break;
  default:
    break;
  }
  must(fine, p, "closed without a reason");
  ended(p);
}

void ledger::ended(peer& p) {
  for (auto& [group, m] : p.groups)
    end_tenure(m);
}

// ---- answers
// --------------------------------------------------------------------------------------

void ledger::answer(peer& p, const object& f, bool ok) {
  auto* id = f.if_contains("id");
  if (!id) {
    must(p.unparsable > 0, p, "an error without a frame");
    --p.unparsable;
    return;
  }
  auto found = p.open.find(number(*id));
  if (found == p.open.end())
    return broken(p, "an answer to a frame that has been answered, or never was");
  auto q = std::move(found->second);
  p.open.erase(found);
  if (is_question(q.type))
    answer_question(p, q, f, ok);
  else if (q.message)
    answer_message(p, messages[q.message], f, ok);
}

void ledger::answer_question(peer& p, const sent_frame& q, const object& f, bool ok) {
  question_over(p, q);
  auto& m = p.groups[q.group];
  if (!ok) {
    refused_question(p, q, f.at("code").as_string());
  } else if (q.type == frame_type::roster) {
    roster(p, q, f);
  } else if (q.type == frame_type::leave) {
    must(m.missed == 0, p, "left before the gap was told");
    forget(p, q.group);
  } else {
    joined_or_updated(p, q, f);
  }
  foresee(p, q.group);
  begin_tenure(p, q.group);
}

/// The session asks one thing after another: what was read before this is over as well.
void ledger::question_over(peer& p, const sent_frame& q) {
  while (!p.questions.empty()) {
    auto over = std::move(p.questions.front());
    p.questions.pop_front();
    --p.groups[over.group].questions;
    if (over.type == frame_type::join)
      join_over(p, over.group);
    if (over.id == q.id)
      return;
  }
  broken(p, "an answer out of order");
}

/// The first of its joins that was not known to be done is.
void ledger::join_over(const peer& p, const std::string& group) {
  auto own = std::find_if(joins_.begin(), joins_.end(), [&](auto& j) {
    return j.peer == p.number && j.group == group && j.over == never;
  });
  if (own != joins_.end())
    own->over = trace_.step;
}

void ledger::joined_or_updated(peer& p, const sent_frame& q, const object& f) {
  auto& m = p.groups[q.group];
  auto was = m.in;
  auto version = number(f.at("version"));
  auto is_join = q.type == frame_type::join;
  must(is_join || was != belief::no, p, "an update of a group that it is not in");
  m.in = belief::yes;
  if (is_join) {
    auto before = std::exchange(m.as, text(f.at("as")));
    auto as_ever = m.as == before || (!q.as_given && (m.as == m.as_before || m.as == q.as_then));
    must(m.as == q.as || as_ever, p, "joined under another name");
    for (auto& [id, later] : p.open)
      if (later.group == q.group)
        later.as_then = m.as;
    if (m.epoch != text(f.at("epoch")))
      m.version.reset();
    m.epoch = text(f.at("epoch"));
  }
  if (was == belief::no && m.given_up) { // what a join that was given up has set may hold
    know_nothing(m);
    m.epoch = is_join ? text(f.at("epoch")) : std::string();
    m.interest.reset();
  }
  auto is_new = was == belief::no && !m.given_up;
  if (q.presence || is_new)
    m.watch = mode_of(q.presence.value_or(presence_mode::none));
  if (q.interest || is_new)
    m.interest = q.interest.value_or(interest_level::full);
  must(!m.version || version == *m.version, p, "an answer of another version than the last");
  auto shows = is_join || q.presence;
  if (m.watch == watching::full && shows) {
    m.version = version;
    view(p, m, f);
  } else if (m.watch != watching::full) {
    m.version.reset();
    m.in_sync = false;
  }
  if (m.watch != watching::count)
    m.count.reset();
  else if (shows && f.contains("count"))
    m.count = f.at("count").to_number<std::int64_t>();
  if (m.watch != watching::unknown) {
    must(f.contains("members") == (m.watch == watching::full && shows), p,
         "members, or none, unasked");
    must(f.contains("count") == (m.watch == watching::count && shows), p,
         "a count, or none, unasked");
  }
}

void ledger::view(peer& p, peer::membership& m, const object& f) {
  auto* members = f.if_contains("members");
  if (!members)
    return broken(p, "no members for one who watches");
  m.view = values(*members);
  m.in_sync = !f.contains("next");
  must(!m.in_sync || m.view.contains(m.as), p, "members without itself");
}

void ledger::roster(peer& p, const sent_frame& q, const object& f) {
  auto& m = p.groups[q.group];
  must(m.in != belief::no, p, "a roster of a group that it is not in");
  m.in = belief::yes;
  auto version = number(f.at("version"));
  must(m.watch != watching::full || !m.version || version == *m.version, p,
       "a roster of another version than the last");
  rosters.erase({p.number, q.group});
  if (!q.whole_roster || f.contains("next"))
    return;
  auto all = values(f.at("members"));
  agree(q.group, m, version, all);
  for (auto& t : tenures_)
    must(t.group != q.group || !stays(t, q.read, trace_.step) || all.contains(t.as), p,
         "a roster without one who was there before");
  rosters[{p.number, q.group}] = std::move(all);
}

void ledger::refused_question(peer& p, const sent_frame& q, std::string_view code) {
  check_code(p, q, code);
  auto& m = p.groups[q.group];
  if (code == "not_member") {
    // A join without an id is given up without a word.
    m.given_up = m.given_up || (m.in == belief::maybe && stalled >= m.joined);
    m.in = belief::no;
    rosters[{p.number, q.group}].reset();
  } else if (q.type == frame_type::roster) {
    rosters.erase({p.number, q.group}); // an older one says nothing
  } else if (code == "internal") {      // it may be done yet
    m.in = q.type == frame_type::update ? m.in : belief::maybe;
    m.given_up = m.given_up || q.type == frame_type::join;
    know_nothing(m);
    m.interest.reset();
    end_tenure(m);
  }
}

void ledger::check_code(const peer& p, const sent_frame& q, std::string_view code) {
  auto& bounds = stage_.node.bounds;
  auto found = p.groups.find(q.group);
  auto* m = found == p.groups.end() ? nullptr : &found->second;
  if (code == "not_member") {
    must(!m || m->in != belief::yes, p, "not a member, though it joined and did not leave");
    auto joins = [&](const sent_frame& before) {
      return before.type == frame_type::join && before.group == q.group && before.id != 0 &&
             before.id < q.id;
    };
    must(std::none_of(p.questions.begin(), p.questions.end(), joins), p,
         "not a member, before its join was answered");
  } else if (code == "exists") {
    auto other = [&](const join& j) {
      return j.group == q.group && j.may_be(q.as) && j.peer != p.number;
    };
    must(q.type == frame_type::join && m &&
             (m->as != q.as ||
              (rejects(q.group) && std::any_of(joins_.begin(), joins_.end(), other))),
         p, "exists, though nobody does");
  } else if (code == "internal") {
    auto since = std::min(q.read, m && m->joined ? std::min(m->joined, m->joined_before) : q.read);
    must(killed_since(q.group, since) || stage_.now() - q.at >= std::chrono::seconds(5), p,
         "internal, though no group failed");
  } else if (code == "rate_limited") {
    must(bounds.frames_per_second != 0, p, "rate limited without a rate");
  } else {
    must(code == "too_many", p, "an error without a reason");
  }
}

// ---- answers to messages
// --------------------------------------------------------------------------

void ledger::answer_message(peer& p, message& m, const object& f, bool ok) {
  m.answered = trace_.step;
  m.ok = ok;
  m.in_time = !waited(m);
  auto code = ok ? std::string() : text(f.at("code"));
  static const std::set<std::string> outcomes{"", "not_delivered", "timeout", "callee_gone",
                                              "busy"};
  if (!outcomes.contains(code)) {
    sent_frame q;
    q.type = m.type;
    q.group = m.group;
    q.id = number(f.at("id"));
    q.read = m.joined ? m.joined : m.read;
    q.at = m.at;
    return check_code(p, q, code);
  }
  if (m.type == frame_type::publish)
    answer_publication(m, f);
  else if (m.type == frame_type::send)
    answer_send(m, f, ok);
  else
    answer_request(m, f, ok);
}

/// Whether somebody's queue may be the one before its welcome.
bool ledger::early_possible(const message& m) const {
  return std::any_of(peers.begin(), peers.end(), [&](auto& p) {
    auto& urls = p->url_groups;
    auto member = m.group.empty() || std::find(urls.begin(), urls.end(), m.group) != urls.end();
    return member && (p->welcomed == 0 || p->welcomed >= m.read);
  });
}

void ledger::answer_publication(message& m, const object& f) {
  auto& p = *peers[m.sender];
  auto count = f.at("count").to_number<std::uint64_t>();
  if (early_possible(m))
    must(count >= m.got.size() || waited(m), p, "a count of fewer than got it");
  else
    must(count == m.got.size() || (waited(m) && count < m.got.size()), p,
         "a count of others than got it");
}

void ledger::answer_send(message& m, const object& f, bool ok) {
  auto& p = *peers[m.sender];
  auto* outcomes = f.if_contains("outcomes");
  std::size_t delivered = 0;
  for (auto& recipient : m.to) {
    auto* what = outcomes ? outcomes->as_object().if_contains(recipient) : nullptr;
    delivered += what ? 0 : 1;
    check_outcome(m, recipient, what ? std::string_view(what->as_string()) : "delivered");
  }
  must(ok == (delivered > 0), p, "ok without a delivery, or an error with one");
}

bool ledger::is_for(const message& m, const message::copy& c, const std::string& recipient) const {
  return m.group.empty() || c.as == recipient || c.as.empty();
}

bool ledger::reached(const message& m, const message::copy& c) const {
  switch (m.confirm) {
  case confirm_level::queued:
    return true;
  case confirm_level::written:
    return peers[c.peer]->taken() >= c.end;
  case confirm_level::received:
    return c.confirmed;
  }
  return false;
}

void ledger::check_outcome(const message& m, const std::string& recipient, std::string_view what) {
  auto& p = *peers[m.sender];
  auto any = [&](auto& copies, auto holds) {
    return std::any_of(copies.begin(), copies.end(), holds);
  };
  auto reached_it = [&](const message::copy& c) {
    return is_for(m, c, recipient) && reached(m, c);
  };
  if (what == "delivered")
    return must(any(m.got, reached_it), p, "delivered, but to nobody");
  auto for_certain = [&](const message::copy& c) {
    return (!c.as.empty() || m.group.empty()) && (m.confirm != confirm_level::received || c.heard);
  };
  must(waited(m) || !any(m.got, [&](auto& c) { return for_certain(c) && reached_it(c); }), p,
       "not delivered, though somebody got it");
  if (what == "offline") {
    must(!somebody_stays(m, recipient), p, "offline, though it is there");
  } else if (what == "overloaded") {
    auto by_queue = any(m.refused, [&](auto& c) { return is_for(m, c, recipient); });
    must(by_queue || early_possible(m), p, "overloaded, though no queue was full");
  } else {
    must(what == "expired" && waited(m), p, "expired before its time, or no outcome at all");
    auto lost =
        !m.by_member || killed_since(m.group, m.joined) || stalled >= m.read || early_possible(m);
    must(m.confirm != confirm_level::queued || lost, p,
         "expired, though only a queue was asked for");
  }
}

void ledger::answer_request(message& m, const object& f, bool ok) {
  auto& p = *peers[m.sender];
  auto code = ok ? std::string() : text(f.at("code"));
  auto replied = [&](std::uint64_t data, bool says_no) {
    return std::any_of(m.replies.begin(), m.replies.end(), [&](auto& r) {
      return r.says_no == says_no && (says_no || r.data == data);
    });
  };
  if (ok) {
    must(replied(number(f.at("data").at("r")), false), p, "a reply that nobody gave");
  } else if (code == "busy") {
    must(replied(0, true), p, "a refusal that nobody gave");
  } else if (code == "timeout") {
    must(waited(m), p, "a timeout before its time");
  } else if (code == "not_delivered") {
    must(m.got.empty(), p, "a request not delivered, though somebody got it");
    check_outcome(m, m.to[0], f.at("outcomes").at(m.to[0]).as_string());
  } else {
    auto gone = [&](auto& c) { return peers[c.peer]->ended() || peers[c.peer]->closed(); };
    must((!m.got.empty() && std::all_of(m.got.begin(), m.got.end(), gone)) || early_possible(m), p,
         "callee gone, though it is there");
  }
}

// ---- tenures
// --------------------------------------------------------------------------------------

/// If the membership is certain, and nothing asks to change it.
void ledger::begin_tenure(peer& p, const std::string& group) {
  auto& m = p.groups[group];
  if (p.killed || m.in != belief::yes || m.questions > 0 || m.tenure)
    return;
  m.tenure = tenures_.size();
  tenures_.push_back({p.number, group, m.as, m.interest, m.joined, trace_.step});
}

void ledger::end_tenure(peer::membership& m) {
  if (m.tenure)
    tenures_[*m.tenure].to = trace_.step;
  m.tenure.reset();
}

bool ledger::killed_since(const std::string& group, std::size_t step) const {
  return std::any_of(kills_.begin(), kills_.end(),
                     [&](auto& k) { return k.group == group && k.step >= step; });
}

/// Whether nothing could end the membership between the two steps.
bool ledger::stays(const tenure& t, std::size_t from, std::size_t to) const {
  if (t.from >= from || t.to <= to)
    return false;
  auto replaced = [&](const join& j) {
    return j.group == t.group && j.may_be(t.as) && j.peer != t.peer && j.over >= t.joined;
  };
  return !killed_since(t.group, t.joined) &&
         !(replaces(t.group) && std::any_of(joins_.begin(), joins_.end(), replaced));
}

bool ledger::somebody_stays(const message& m, const std::string& recipient) const {
  if (!m.group.empty())
    return std::any_of(tenures_.begin(), tenures_.end(), [&](auto& t) {
      return t.group == m.group && t.as == recipient && stays(t, m.read, trace_.step);
    });
  return std::any_of(peers.begin(), peers.end(), [&](auto& p) {
    auto named = m.by == actors::addressing::user ? p->user == recipient : p->name == recipient;
    return named && p->welcomed && p->welcomed < m.read && !p->ended() && !p->closed() &&
           !p->killed;
  });
}

// ---- in the end
// -----------------------------------------------------------------------------------

/// Whether the message can still get its outcome without that time passes: by a client that has it
/// and has not said anything yet.
bool ledger::waits_for_somebody(const message& m) const {
  if (m.type == frame_type::publish ||
      (m.type == frame_type::send && m.confirm != confirm_level::received))
    return false;
  return std::any_of(m.got.begin(), m.got.end(), [&](auto& c) {
    auto& holder = *peers[c.peer];
    auto replied =
        std::any_of(m.replies.begin(), m.replies.end(), [&](auto& r) { return r.peer == c.peer; });
    return !holder.ended() && !holder.closed() && !c.confirmed && !replied;
  });
}

/// Who was replaced, or whose leave was given up and is done all the same, may send to a group that
/// fails before it hears of that. Then it watches the group no more, and the wait runs out.
bool ledger::may_miss_a_failure(const message& m) const {
  return !m.group.empty() && killed_since(m.group, m.joined) &&
         (replaces(m.group) || stalled >= m.joined);
}

void ledger::check_waits() {
  auto metered = stage_.node.bounds.frames_per_second != 0; // what a client says may be refused
  auto opening = std::any_of(peers.begin(), peers.end(), [](auto& p) {
    return !p->ended() && !p->welcomed; // it may hold what came early
  });
  if (metered || opening)
    return;
  for (auto& p : peers)
    for (auto& [id, f] : p->open)
      if (f.message && !p->ended() && p->reads() && !may_miss_a_failure(messages[f.message]))
        must(waits_for_somebody(messages[f.message]), *p,
             ("message " + std::to_string(f.message) + " waits for nobody").c_str());
}

void ledger::check_answers() {
  for (auto& p : peers) {
    if (p->ended() || p->closed() || p->killed)
      continue;
    must(!p->paused(), *p, "a session that reads no more");
    must(p->open.empty() && p->unparsable == 0, *p, "a frame without an answer");
    must(!p->session().waits(), *p, "a ticket that is left");
    must(!p->session().awaits_written(), *p, "a confirmation that is left");
    for (auto& [group, m] : p->groups)
      must(m.missed == 0, *p, "a gap that is not told");
  }
}

void ledger::check_arrivals() {
  for (std::size_t n = 1; n < messages.size(); ++n) {
    auto& m = messages[n];
    auto until = m.ok && m.in_time ? m.answered : trace_.step;
    auto& sender = *peers[m.sender];
    auto metered =
        stage_.node.bounds.frames_per_second != 0; // it may have been refused without a word
    auto taken = m.ok || (!metered && m.answered == 0 && !sender.ended() && !sender.closed() &&
                          !sender.killed);
    auto certain = std::any_of(tenures_.begin(), tenures_.end(), [&](auto& t) {
      return t.peer == m.sender && t.group == m.group && stays(t, m.read, until);
    });
    // A send with an id has told what came of it.
    if (m.read == 0 || !taken || !certain || (m.ok && m.type != frame_type::publish))
      continue;
    for (auto& t : tenures_) {
      auto& to = m.type == frame_type::publish ? m.except : m.to;
      auto named = std::find(to.begin(), to.end(), t.as) != to.end();
      auto wanted = m.type != frame_type::publish ? named
                                                  : !named && t.interest == interest_level::full &&
                                                        (m.echo || t.peer != m.sender);
      if (t.group != m.group || !wanted || !stays(t, m.read, until))
        continue;
      auto its = [&](const message::copy& c) { return c.peer == t.peer; };
      must(std::any_of(m.got.begin(), m.got.end(), its) ||
               std::any_of(m.refused.begin(), m.refused.end(), its),
           *peers[t.peer], ("lost message " + std::to_string(n)).c_str());
    }
  }
}

bool ledger::knows_all() const {
  return std::all_of(peers.begin(), peers.end(), [](auto& p) {
    return p->ended() || std::all_of(p->groups.begin(), p->groups.end(),
                                     [](auto& entry) { return entry.second.in != belief::maybe; });
  });
}

ledger::truth ledger::who_is_where() const {
  truth all;
  for (auto& p : peers)
    for (auto& [group, m] : p->groups)
      if (!p->ended() && m.in == belief::yes)
        ++all[group][m.as];
  return all;
}

std::pair<std::int64_t, std::int64_t> ledger::population() const {
  auto all = who_is_where();
  std::int64_t members = 0;
  for (auto& [group, there] : all)
    members += static_cast<std::int64_t>(there.size());
  return {static_cast<std::int64_t>(all.size()), members};
}

void ledger::check_rosters() {
  for (auto& [group, there] : who_is_where())
    for (auto& p : peers)
      if (!p->ended() && p->groups[group].in == belief::yes)
        check_roster(*p, group, there);
}

void ledger::check_roster(const peer& p, const std::string& group,
                          const std::map<std::string, std::size_t>& there) {
  auto& m = p.groups.at(group);
  must(m.watch != watching::count || !m.count ||
           *m.count == static_cast<std::int64_t>(there.size()),
       p, "a count that is not the roster's");
  must((!replaces(group) && !rejects(group)) || there.at(m.as) == 1, p,
       "two sessions of a member that may have one");
  auto told = rosters.find({p.number, group});
  if (told == rosters.end() || !told->second)
    return; // it has more pages than one
  auto& roster = *told->second;
  must(roster.size() == there.size(), p, "a roster with others than those who are there");
  for (auto& [uid, sessions] : there) {
    auto found = roster.find(uid);
    if (found == roster.end())
      return broken(p, "a member that is lost");
    must(number(json::parse(found->second).at("sessions")) == sessions, p,
         "a ghost, or a lost session");
  }
  must(!m.in_sync || m.view == roster, p, "a view that is not the roster");
}

void ledger::broken(const peer& p, const std::string& what) {
  trace_.fail("peer " + std::to_string(p.number) + " (" + p.user + ", home " +
              std::to_string(p.home()) + "): " + what);
}

} // namespace beckon::testing
