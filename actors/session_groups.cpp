// A session and its groups: what its client asks of them, what they answer, and how a membership
// ends.

#include "actors/relay.hpp"
#include "actors/session.hpp"
#include "protocol/encode.hpp"
#include "protocol/json.hpp"

#include <algorithm>

namespace beckon::actors {

using protocol::client_frame;
using protocol::code;

// ---- what its client asks ----

void session::join(const client_frame& f) {
  auto name = group_of(f);
  if (name.empty())
    return refuse(f, code::bad_request, "group");
  if (auto wait = conduct_.join(home_.now))
    return refuse_for_now(f, *wait);
  auto as = f.as ? *f.as : std::string_view(user_);
  auto own = groups_.find(name);
  if (home_.shared.memory.load(std::memory_order_relaxed) != memory_level::enough)
    return refuse(f, code::unavailable);
  if (own != groups_.end() && f.as && own->second.as != as)
    return refuse(f, code::exists);
  if (own == groups_.end() && groups_.size() >= home_.shared.bounds.groups_per_session_max)
    return refuse(f, code::too_many);
  if (own != groups_.end())
    as = own->second.as;
  else if (!may_join_as(as, f))
    return refuse(f, code::denied);

  join_group j;
  j.where = where_;
  j.session = caf::actor_cast<caf::actor>(this);
  j.group = name;
  j.uid = as;
  j.user = user_;
  j.is_bot = is_bot_;
  if (f.meta)
    j.meta.emplace(*f.meta);
  j.presence = f.presence;
  j.interest = f.interest;
  j.question = ask_group(f.id, name, as);
  send(home_.shared.directory_of(name), std::move(j));
}

/// Its own name is always allowed; others if its token says so, or the one that came with the join.
bool session::may_join_as(std::string_view uid, const client_frame& f) const {
  auto allows = [&](const std::vector<std::string>& names, bool anyone) {
    return anyone || std::find(names.begin(), names.end(), uid) != names.end();
  };
  if (f.token) {
    auto shown = home_.shared.verify ? home_.shared.verify(*f.token) : std::nullopt;
    if (!shown || shown->user != user_)
      return false;
    if (allows(shown->as, shown->as_anyone))
      return true;
  }
  return uid == user_ || allows(as_, as_anyone_);
}

void session::update(const client_frame& f) {
  auto* in = member_of(f);
  if (!in)
    return;
  update_member u;
  u.where = where_;
  u.session = id();
  if (f.meta)
    u.meta.emplace(*f.meta);
  u.presence = f.presence;
  u.interest = f.interest;
  u.question = ask_group(f.id, group_of(f));
  send(in->group, std::move(u));
}

void session::leave(const client_frame& f) {
  auto* in = member_of(f);
  if (!in)
    return;
  if (auto wait = conduct_.join(home_.now))
    return refuse_for_now(f, *wait);
  auto number = ask_group(f.id, group_of(f));
  send(in->group, leave_group{.where = where_, .session = id(), .question = number});
}

void session::read_group(const client_frame& f) {
  auto* in = member_of(f);
  if (!in)
    return;
  read_roster r;
  r.where = where_;
  r.session = id();
  r.limit = f.limit;
  r.after = f.after.value_or(std::string_view{});
  r.question = ask_group(f.id, group_of(f));
  send(in->group, std::move(r));
}

/// @returns the question's number
std::uint64_t session::ask_group(std::uint64_t id, std::string_view name, std::string_view as) {
  asking_ =
      question{++questions_, id, std::string(name), std::string(as), home_.now + group_answer_max};
  wake_by(asking_->expires);
  return questions_;
}

// ---- answers of groups ----

void session::take_reply(group_reply& r) {
  using kind = group_reply::kind;
  if (phase_ >= phase::closing)
    return;
  if (r.what == kind::removed)
    return removed(r);
  if (phase_ == phase::enrolling) {
    if (r.group.empty())
      return enroll_answered(r);
    return url_group_answered(r);
  }
  if (!asking_ || asking_->number != r.question)
    return answered_too_late(r);
  auto asked = std::move(*asking_);
  asking_.reset();
  if (r.what == kind::joined)
    enter(r, asked.as);
  else if (r.what == kind::left)
    drop_membership(r.group);
  if (r.what == kind::refused && !r.own_code.empty())
    refuse_in_own_words(asked.id, r);
  else if (r.what == kind::refused)
    refuse({.why = r.why, .id = asked.id, .unparsable = false, .field = {}});
  else
    answer_ok(asked.id, r.body);
  continue_held();
}

/// By the group's behaviour.
void session::refuse_in_own_words(std::uint64_t id, const group_reply& r) {
  home_.count.refuse(message_kind::other, r.why);
  if (id == 0)
    return;
  protocol::append_foreign_error(home_.scratch, id, r.own_code, r.body);
  port_->reply(home_.scratch);
  home_.scratch.clear();
}

/// The client was told `internal` long ago; what the group did meanwhile must not outlive that.
void session::answered_too_late(const group_reply& r) {
  if (r.what == group_reply::kind::left)
    return drop_membership(r.group);
  auto joins_again = asking_ && asking_->group == r.group && !asking_->as.empty();
  if (r.what != group_reply::kind::joined || joins_again)
    return; // the answer to the second join decides
  auto own = groups_.find(r.group);
  if (own == groups_.end() || own->second.group != r.source)
    send(r.source, leave_group{.where = where_, .session = id(), .question = 0});
}

void session::enter(const group_reply& r, std::string_view as) {
  auto [found, is_new] = groups_.try_emplace(r.group);
  auto& in = found->second;
  if (!is_new && in.group == r.source)
    return;
  if (!is_new) { // the old group has failed, which its name's directory knew before our relay
    lose_tickets(in.group.id());
    home_.relay_actor->unwatch(in.group);
    in = {};
  }
  in.group = r.source;
  in.as = as;
  protocol::append_quoted(in.group_json, r.group);
  protocol::append_quoted(in.as_json, as);
  home_.relay_actor->watch(in.group);
}

void session::drop_membership(std::string_view group) {
  auto found = groups_.find(group);
  if (found == groups_.end())
    return;
  home_.relay_actor->unwatch(found->second.group);
  forget_membership(found);
}

/// Nothing of a group follows the word that ends the membership: what was missed is told before it.
void session::forget_membership(memberships::iterator which) {
  if (auto missed = gaps_.find(which->second.group_json); missed != gaps_.end())
    tell_gap(missed);
  groups_.erase(which);
}

void session::removed(const group_reply& r) {
  if (phase_ >= phase::closing)
    return;
  if (opening_) // the welcome names the group; what became of it follows
    return opening_->early.push_back([this, r] { removed(r); });
  auto found = groups_.find(r.group);
  if (found == groups_.end())
    return; // a join that was given up
  auto group_json = found->second.group_json;
  drop_membership(r.group);
  protocol::append_left(home_.scratch, group_json, r.reason);
  port_->reply(home_.scratch);
  home_.scratch.clear();
}

void session::lose_group(caf::actor_id group) {
  if (phase_ >= phase::closing)
    return;
  if (opening_) // as in `removed`
    return opening_->early.push_back([this, group] { lose_group(group); });
  lose_tickets(group);
  auto in = std::find_if(groups_.begin(), groups_.end(),
                         [&](auto& entry) { return entry.second.group.id() == group; });
  if (in != groups_.end()) {
    auto asked = asking_ && asking_->group == in->first;
    auto group_json = in->second.group_json;
    forget_membership(in);
    protocol::append_left(home_.scratch, group_json, protocol::left_reason::group_failed);
    port_->reply(home_.scratch);
    home_.scratch.clear();
    if (asked) {
      refuse({.why = code::internal, .id = asking_->id, .unparsable = false, .field = {}});
      asking_.reset();
    }
  }
  continue_held();
}

/// Nobody will settle what the group had not passed on.
void session::lose_tickets(caf::actor_id group) {
  for (ticket t; tickets_.take_of_group(group, t);)
    if (t.id)
      refuse({.why = code::internal, .id = t.id, .unparsable = false, .field = {}});
}

} // namespace beckon::actors
