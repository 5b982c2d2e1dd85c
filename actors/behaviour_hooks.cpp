// What a behaviour is asked, and what becomes of its verdict.

#include "actors/behaviour_host.hpp"
#include "actors/group.hpp"
#include "protocol/names.hpp"

namespace beckon::actors {

/// A route as a hook sees it: read only where the hook asks.
class behaviour_host::route_event final : public message_event {
public:
  route_event(behaviour_host& host, route& r, caf::actor_id sender, settled_recipients& settled)
      : host_(host), route_(r), sender_(sender), settled_(settled) {}

  protocol::frame_type kind() const override {
    return route_.is_request ? protocol::frame_type::request : protocol::frame_type::send;
  }
  member_view from() const override {
    if (!from_)
      from_.emplace(host_.sender_of(sender_));
    return from_->view;
  }
  protocol::payload data() const override { return host_.payload_of(route_.what); }
  std::size_t recipients() const override { return route_.to.size(); }
  std::string_view recipient(std::size_t i) const override { return route_.to[i]; }
  void change(const protocol::payload& data) override {
    auto timeout = route_.is_request ? route_.ttl : std::chrono::milliseconds{0};
    route_.what =
        host_.encode(kind(), from().uid, data, {.number = route_.number, .timeout = timeout});
  }
  void settle(std::size_t i, protocol::outcome what) override {
    using protocol::outcome;
    if (what != outcome::denied && what != outcome::parked && what != outcome::offline &&
        what != outcome::overloaded)
      throw std::invalid_argument("a behaviour cannot know this outcome");
    settled_.resize(route_.to.size());
    settled_.at(i) = what;
  }
  caller who() const override { return {route_.from, route_.ticket}; }

private:
  behaviour_host& host_;
  route& route_;
  const caf::actor_id sender_;
  settled_recipients& settled_;
  mutable std::optional<kept_member> from_;
};

class behaviour_host::publication_event final : public message_event {
public:
  publication_event(behaviour_host& host, publication& p, caf::actor_id sender)
      : host_(host), publication_(p), sender_(sender) {}

  protocol::frame_type kind() const override { return protocol::frame_type::publish; }
  member_view from() const override {
    if (!from_)
      from_.emplace(host_.sender_of(sender_));
    return from_->view;
  }
  protocol::payload data() const override { return host_.payload_of(publication_.what); }
  std::size_t recipients() const override { return 0; }
  std::string_view recipient(std::size_t) const override { return {}; }
  void change(const protocol::payload& data) override {
    publication_.what = host_.encode(kind(), from().uid, data, {});
  }
  void settle(std::size_t, protocol::outcome) override {
    throw std::invalid_argument("a publication has no recipients of its own");
  }
  caller who() const override { return {publication_.from, publication_.ticket}; }

private:
  behaviour_host& host_;
  publication& publication_;
  const caf::actor_id sender_;
  mutable std::optional<kept_member> from_;
};

verdict behaviour_host::checked(verdict v) {
  if (v.what == verdict::kind::answer)
    v.text = std::string(checked({v.text, v.opaque}).bytes);
  else if (v.what == verdict::kind::deny)
    quoted(v.sentence); // throws where it cannot be said
  return v;
}

/// Tells the sender what a verdict other than `pass` says. @returns whether it goes on
bool behaviour_host::judge(const verdict& v, const session_address& to, std::uint32_t ticket,
                           message_kind kind) {
  switch (v.what) {
  case verdict::kind::pass:
    return true;
  case verdict::kind::deny:
    home::current().count.message(kind, protocol::outcome::denied);
    refuse_sender(to, ticket, v.text, v.sentence);
    return false;
  case verdict::kind::answer:
    answer_caller({to, ticket}, {v.text, v.opaque});
    return false;
  case verdict::kind::later:
    return false;
  }
  return true;
}

bool behaviour_host::lets_join(join_group& j) {
  if (failed_) {
    of_.refuse(j.where, j.question, protocol::code::internal);
    return false;
  }
  if (!wants(hook::joining))
    return true;
  joining_event e{.uid = j.uid, .user = j.user, .meta = j.meta, .is_bot = j.is_bot};
  verdict v;
  auto ran = run(hook::joining, [&] {
    v = checked(now_.instance->joining(*this, e));
    if (e.changed_meta)
      e.changed_meta = checked_meta(*e.changed_meta);
  });
  tell_changes();
  if (!ran) {
    of_.refuse(j.where, j.question, protocol::code::internal);
    return false;
  }
  if (v.what == verdict::kind::deny) {
    auto r = of_.reply_to(j.where, j.question, group_reply::kind::refused);
    r.why = protocol::code::denied;
    r.own_code = protocol::is_error_code(v.text) ? v.text : "denied";
    r.body = v.sentence.empty() ? protocol::text(protocol::code::denied) : v.sentence;
    of_.reply(std::move(r));
    return false;
  }
  if (e.changed_meta)
    j.meta = std::move(*e.changed_meta);
  return true;
}

bool behaviour_host::lets_pass(route& r, caf::actor_id sender, settled_recipients& settled) {
  auto which = r.is_request ? hook::requesting : hook::sending;
  if (!wants(which))
    return true;
  auto kind = r.is_request ? message_kind::request : message_kind::send;
  if (!of_.roster_.find(sender)) { // it was removed while this was on its way
    refuse_sender(r.from, r.ticket, protocol::code::not_member);
    return false;
  }
  route_event e(*this, r, sender, settled);
  verdict v;
  auto ran = run(which, [&] {
    v = checked(r.is_request ? now_.instance->requesting(*this, e)
                             : now_.instance->sending(*this, e));
  });
  auto goes_on = ran && judge(v, r.from, r.ticket, kind);
  if (!ran)
    refuse_sender(r.from, r.ticket, protocol::code::internal);
  tell_changes();
  return goes_on;
}

bool behaviour_host::lets_pass(publication& p, caf::actor_id sender) {
  if (!wants(hook::publishing))
    return true;
  if (!of_.roster_.find(sender)) {
    refuse_sender(p.from, p.ticket, protocol::code::not_member);
    return false;
  }
  publication_event e(*this, p, sender);
  verdict v;
  auto ran = run(hook::publishing, [&] { v = checked(now_.instance->publishing(*this, e)); });
  auto goes_on = ran && judge(v, p.from, p.ticket, message_kind::publish);
  if (!ran)
    refuse_sender(p.from, p.ticket, protocol::code::internal);
  tell_changes();
  return goes_on;
}

void behaviour_host::call(call_group& c, caf::actor_id sender) {
  auto* s = of_.roster_.find(sender);
  if (!s)
    return refuse_sender(c.from, c.ticket, protocol::code::not_member);
  if (failed_)
    return refuse_sender(c.from, c.ticket, protocol::code::internal);
  if (!wants(hook::calling))
    return refuse_sender(c.from, c.ticket, protocol::code::not_found);
  const kept_member from(sender_of(sender));
  call_event e{
      .from = from.view, .name = c.name, .data = {c.data, c.opaque}, .who = {c.from, c.ticket}};
  verdict v;
  auto ran = run(hook::calling, [&] { v = checked(now_.instance->calling(*this, e)); });
  if (!ran)
    refuse_sender(c.from, c.ticket, protocol::code::internal);
  else if (v.what == verdict::kind::pass)
    refuse_sender(c.from, c.ticket, protocol::code::not_found);
  else
    judge(v, c.from, c.ticket, message_kind::call);
  tell_changes();
}

void behaviour_host::note_joined(const seat& s) {
  if (wants(hook::joined))
    changes_.push_back({true, s.of->uid, s.user, s.of->meta, view_of(*s.of).sessions, s.is_bot});
}

void behaviour_host::note_left(const seat& s) {
  if (wants(hook::leaving))
    changes_.push_back(
        {false, s.of->uid, s.user, s.of->meta, view_of(*s.of).sessions - 1, s.is_bot});
}

void behaviour_host::tell_changes() {
  if (running_ || telling_)
    return;
  telling_ = true;
  while (!changes_.empty()) {
    auto c = std::move(changes_.front());
    changes_.pop_front();
    auto what = c.joined ? hook::joined : hook::leaving;
    if (!wants(what))
      continue;
    member_view who{c.uid, c.user, c.meta, c.sessions, c.is_bot};
    run(what,
        [&] { c.joined ? now_.instance->joined(*this, who) : now_.instance->leaving(*this, who); });
  }
  telling_ = false;
}

} // namespace beckon::actors
