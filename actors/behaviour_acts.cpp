// What a behaviour does in its group: the same that its members' frames do.

#include "actors/behaviour_host.hpp"
#include "actors/clerk.hpp"
#include "actors/group.hpp"
#include "protocol/json.hpp"
#include "protocol/names.hpp"

#include <algorithm>
#include <stdexcept>

namespace beckon::actors {

using std::chrono::milliseconds;

// ---- the roster ----

std::string_view behaviour_host::name() const {
  return of_.name_;
}
std::string_view behaviour_host::node() const {
  return of_.shared_.name;
}
std::int64_t behaviour_host::now_ms() const {
  return home::current().wall_ms;
}
std::size_t behaviour_host::members() const {
  return of_.roster_.members();
}

member_view behaviour_host::view_of(const member& m) const {
  member_view v{.uid = m.uid, .user = {}, .meta = m.meta, .sessions = m.seats.size()};
  for (auto& far : m.far) {
    v.sessions += static_cast<std::size_t>(far.sessions);
    v.is_bot = v.is_bot || far.is_bot;
  }
  for (auto* near : m.seats)
    v.is_bot = v.is_bot || near->is_bot;
  if (!m.seats.empty())
    v.user = m.seats.front()->user;
  return v;
}

member_view behaviour_host::sender_of(caf::actor_id session) const {
  auto* s = of_.roster_.find(session);
  if (!s)
    return {};
  auto v = view_of(*s->of);
  v.user = s->user;
  v.is_bot = s->is_bot;
  return v;
}

std::optional<member_view> behaviour_host::find(std::string_view uid) const {
  auto* m = of_.roster_.find(uid);
  return m ? std::optional(view_of(*m)) : std::nullopt;
}

void behaviour_host::each_member(const std::function<void(const member_view&)>& f) const {
  std::vector<std::string> uids; // f may remove some
  uids.reserve(members());
  of_.roster_.for_each_member([&](const member& m) { uids.push_back(m.uid); });
  for (auto& uid : uids)
    if (auto* m = of_.roster_.find(uid))
      f(kept_member(view_of(*m)).view);
}

std::string behaviour_host::checked_meta(std::string_view json) {
  json = checked({json, false}).bytes;
  if (json.size() > of_.shared_.bounds.meta_bytes_max)
    throw std::length_error("the meta is longer than its limit");
  return std::string(json);
}

void behaviour_host::set_meta(std::string_view uid, std::string_view text) {
  auto json = checked_meta(text);
  auto* m = of_.roster_.find(uid);
  if (!m || m->seats.empty())
    return;
  of_.roster_.set_meta(*m, json, of_.stamp());
  of_.tell_hub(uid);
  of_.schedule_flush();
}

// ---- messages ----

/// What a behaviour says is checked as what clients say: a frame that cannot be read would end
/// their trust, not its own, and one that fits into no queue would reach nobody. @returns it as it
/// may stand in a frame, valid until the next call
/// @throws std::invalid_argument when it is no JSON value, std::length_error when it is longer than
/// clients may say it
protocol::payload behaviour_host::checked(const protocol::payload& data) {
  if (data.bytes.size() > of_.shared_.bounds.frame_bytes_max)
    throw std::length_error("the data is longer than a frame may be");
  if (data.opaque)
    return data;
  if (!protocol::is_json(data.bytes))
    throw std::invalid_argument("the data is no JSON value");
  return {protocol::on_one_line(data.bytes, line_), false};
}

/// A text of the behaviour's as it stands in a frame. @throws as `checked` does
std::string behaviour_host::quoted(std::string_view text) const {
  if (text.size() > of_.shared_.bounds.frame_bytes_max)
    throw std::length_error("the text is longer than a frame may be");
  std::string json;
  protocol::append_quoted(json, text);
  if (!protocol::is_json(json))
    throw std::invalid_argument("the text is no UTF-8");
  return json;
}

protocol::delivery behaviour_host::encode(protocol::frame_type kind, std::string_view from,
                                          const protocol::payload& data,
                                          const protocol::delivery_head& rest) {
  auto from_json = quoted(from);
  auto head = rest;
  head.kind = kind;
  head.group = *of_.name_json_;
  head.from = from_json;
  if (head.at == 0)
    head.at = now_ms();
  return protocol::encode(head, checked(data));
}

protocol::payload behaviour_host::payload_of(const protocol::delivery& d) {
  if (d.binary) {
    auto all = d.binary.payload(); // u16 length, JSON header, the payload (protocol.md section 7)
    auto high = static_cast<unsigned char>(all[0]), low = static_cast<unsigned char>(all[1]);
    return {all.substr(2 + ((std::size_t{high} << 8) | low)), true};
  }
  protocol::json_splitter::object frame;
  if (json_.split(d.text.payload(), frame) || frame.size == 0)
    return {};
  return {frame.fields[frame.size - 1].raw, false}; // `data` stands last
}

void behaviour_host::deliver(std::string_view uid, const protocol::payload& data,
                             const deliver_options& how, told outcome) {
  route r;
  r.to.first = uid;
  r.confirm = how.confirm;
  r.ttl = how.ttl;
  if (how.confirm == protocol::confirm_level::received)
    r.number = home::current().next_number();
  r.what = encode(protocol::frame_type::send, how.from, data, {.at = how.at, .number = r.number});
  if (outcome && now_.awaited.size() >= outcomes_max)
    return outcome(protocol::outcome::overloaded);
  if (outcome) {
    r.from = clerk::address_of(of_.id(), of_.shared_.homes.size() + 1);
    r.ticket = await_outcome(r, std::move(outcome));
  }
  of_.hand_out(r, {});
}

void behaviour_host::publish(const protocol::payload& data, const publish_options& how) {
  publication p;
  p.what = encode(protocol::frame_type::publish, how.from, data, {});
  if (protocol::is_uid(how.except, of_.shared_.bounds)) // else nobody has that name
    p.except.emplace_back(how.except);
  p.echo = true;
  of_.publish_to_all(p);
}

void behaviour_host::answer(const caller& who, const protocol::payload& data) {
  answer_caller(who, checked(data));
}

/// @pre the data has been checked
void behaviour_host::answer_caller(const caller& who, const protocol::payload& data) {
  if (!who.ticket)
    return;
  struct answer a;
  a.to = who.where;
  a.ticket = who.ticket;
  a.from = R"("$group")";
  a.data = data.bytes;
  a.opaque = data.opaque;
  of_.send(of_.shared_.door_of(a.to.home), std::move(a));
}

void behaviour_host::refuse(const caller& who, std::string_view code, std::string_view sentence) {
  quoted(sentence); // throws where it cannot be said
  refuse_sender(who.where, who.ticket, code, sentence);
}

void behaviour_host::refuse_sender(const session_address& to, std::uint32_t ticket,
                                   std::string_view code, std::string_view sentence) {
  if (!ticket)
    return;
  struct answer a;
  a.to = to;
  a.ticket = ticket;
  a.error_code = protocol::is_error_code(code) ? code : "denied";
  a.error_message = sentence.empty() ? protocol::text(protocol::code::denied) : sentence;
  of_.send(of_.shared_.door_of(to.home), std::move(a));
}

// ---- outcomes of what it delivered ----

std::uint32_t behaviour_host::await_outcome(const route& r, told outcome) {
  if (!std::exchange(enlisted_, true))
    of_.send(of_.shared_.clerk, clerk_entry{caf::actor_cast<caf::actor>(&of_)});
  ticket t;
  t.to = r.to;
  t.started = home::current().now;
  t.expires = t.started + r.ttl;
  auto number = tickets_.open(std::move(t));
  now_.awaited.emplace(number, std::move(outcome));
  look_for_overdue();
  return number;
}

void behaviour_host::settle(const settlements& list) {
  for (auto& s : list) {
    ticket done;
    if (tickets_.settle(s, done))
      finish(s.ticket, done);
  }
  tell_changes();
}

/// Of an instance that is gone nobody is told.
void behaviour_host::finish(std::uint32_t number, const ticket& t) {
  auto found = now_.awaited.find(number);
  if (found == now_.awaited.end())
    return;
  auto tell_it = std::move(found->second);
  now_.awaited.erase(found);
  auto others = not_delivered(t);
  auto what = others.empty() ? protocol::outcome::delivered : others.front().what;
  run(hook::handler, [&] { tell_it(what); });
}

void behaviour_host::look_for_overdue() {
  if (overdue_at_ != never)
    return;
  overdue_at_ = of_.clock().now() + overdue_step;
  of_.wake_by(overdue_at_);
}

void behaviour_host::expire_overdue() {
  overdue_at_ = never;
  ticket t;
  for (std::uint32_t number; (number = tickets_.take_expired(home::current().now, t)) != 0;) {
    for (auto& p : t.recipients_progress)
      if (!p.settled)
        p.result = protocol::outcome::expired;
    finish(number, t);
  }
  if (tickets_.size() > 0)
    look_for_overdue();
}

// ---- who may be here ----

void behaviour_host::kick(std::string_view uid) {
  of_.remove_everywhere(uid, 0);
}
void behaviour_host::ban(std::string_view uid, milliseconds time) {
  of_.remove_everywhere(uid, now_ms() +
                                 std::clamp<milliseconds>(time, milliseconds{1}, time_max).count());
}
void behaviour_host::unban(std::string_view uid) {
  of_.unban(uid);
}
void behaviour_host::close() {
  of_.remove_all(protocol::left_reason::group_closed);
}

void behaviour_host::stay(bool on) {
  now_.stays = on;
  if (!on)
    of_.retire_if_empty();
}

// ---- time ----

steady_time behaviour_host::in(milliseconds time) const {
  return of_.clock().now() + std::clamp<milliseconds>(time, milliseconds{0}, time_max);
}

timer_id behaviour_host::after(milliseconds time, std::function<void()> f) {
  if (now_.timers.size() >= timers_max)
    throw std::length_error("the behaviour has too many timers");
  auto when = in(time);
  auto number = ++timers_;
  now_.timers.add(number, {when, std::move(f)});
  of_.wake_by(when);
  return number;
}

void behaviour_host::cancel(timer_id timer) {
  now_.timers.erase(timer);
}

void behaviour_host::tick_every(milliseconds time) {
  now_.tick = time;
  now_.tick_at = time.count() > 0 ? in(time) : never;
  wake_for_time();
}

/// Rings what is due. So much at a time that the group's messages have their turn in between; what
/// is set meanwhile waits for the next time.
void behaviour_host::wake() {
  auto now = of_.clock().now();
  auto last = timers_;
  if (overdue_at_ <= now)
    expire_overdue();
  for (auto most = rings_max; most > 0; --most) {
    auto* first = now_.timers.due(now);
    if (first && *first > last)
      first = nullptr;
    if (now_.tick_at <= now && (!first || now_.tick_at <= now_.timers.next_expiry()))
      ring_tick();
    else if (first)
      ring(*first);
    else
      break;
  }
  wake_for_time();
  tell_changes();
}

void behaviour_host::wake_for_time() {
  auto next = std::min(now_.tick_at, overdue_at_);
  if (!now_.timers.empty())
    next = std::min(next, now_.timers.next_expiry());
  if (next != never)
    of_.wake_by(next);
}

void behaviour_host::ring_tick() {
  now_.tick_at = in(now_.tick);
  if (wants(hook::ticking))
    run(hook::ticking, [&] { now_.instance->ticking(*this); });
}

void behaviour_host::ring(timer_id which) {
  set_timer rung;
  now_.timers.take(which, rung);
  run(hook::timer, rung.call);
}

caf::event_based_actor& behaviour_host::actor() {
  return of_;
}

} // namespace beckon::actors
