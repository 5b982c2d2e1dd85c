// A session's beginning and end: who it is, its URL's groups, its welcome, its deadlines, its
// close.

#include "actors/memory_reserve.hpp"
#include "actors/relay.hpp"
#include "actors/session.hpp"
#include "protocol/encode.hpp"
#include "protocol/json.hpp"

#include <algorithm>
#include <new>

namespace beckon::actors {

using protocol::client_frame;
using protocol::close_code;
using protocol::code;

session::session(caf::actor_config& config, home& place, port& connection)
    : pinned_actor(config, *place.unit), home_(place), port_(&connection), where_(place.add(*this)),
      conduct_(place.shared.bounds), alarm_(*this) {
  home_.count.sessions.add();
}

session::~session() = default;

caf::behavior session::make_behavior() {
  // Its relay and its connection call it directly. The handler keeps CAF from ending an actor
  // without behaviour.
  return {[](caf::unit_t) {}};
}

// ---- beginning ----

void session::open(greeting g) {
  opening_ = std::make_unique<opening>();
  for (auto& name : g.groups)
    if (std::find(opening_->groups.begin(), opening_->groups.end(), name) == opening_->groups.end())
      opening_->groups.push_back(std::move(name));
  if (opening_->groups.size() == 1)
    default_group_ = opening_->groups.front();
  if (g.who)
    return authenticate(std::move(*g.who));
  auth_by_ = home_.now + home_.shared.auth_timeout;
  wake_by(auth_by_);
}

void session::hello(const client_frame& f) {
  if (phase_ == phase::greeted) {
    if (!f.token)
      return refuse(f, code::unauthenticated);
    auto who = home_.shared.verify ? home_.shared.verify(*f.token) : std::nullopt;
    if (!who)
      return close(close_code::invalid_token);
    if (f.batch)
      port_->batching(*f.batch);
    binary_ = f.binary.value_or(false);
    introduced_ = true;
    return authenticate(std::move(*who));
  }
  if (f.token || std::exchange(introduced_, true))
    return refuse(f, code::already_authenticated);
  if (f.batch)
    port_->batching(*f.batch);
  binary_ = f.binary.value_or(binary_);
  answer_ok(f.id);
}

void session::authenticate(identity who) {
  user_ = std::move(who.user);
  protocol::append_quoted(user_json_, user_);
  as_ = std::move(who.as);
  as_anyone_ = who.as_anyone;
  is_bot_ = who.is_bot;
  if (is_bot_)
    conduct_.lift_rates();
  if (who.expires) {
    expires_ = home_.now + (*who.expires - std::chrono::system_clock::time_point(
                                               std::chrono::milliseconds(home_.wall_ms)));
    wake_by(*expires_ + expiry_grace);
  }
  name_ = home_.shared.new_session_name(user_);
  phase_ = phase::enrolling;
  port_->authenticated();
  enroll_session e{where_, caf::actor_cast<caf::actor>(this), user_, name_};
  send(home_.shared.users_of(user_), std::move(e));
}

void session::enroll_answered(const group_reply& r) {
  if (r.what == group_reply::kind::refused)
    return close(r.why == code::unavailable ? close_code::shedding : close_code::connection_limit);
  if (opening_->groups.size() > home_.shared.bounds.groups_per_session_max)
    return close_named(close_code::denied, protocol::name(code::too_many),
                       protocol::text(code::too_many), {});
  for (auto& group : opening_->groups) {
    if (!protocol::is_group_name(group, home_.shared.bounds))
      return close_named(close_code::denied, protocol::name(code::bad_request),
                         "bad name of a group in the URL", {});
  }
  for (auto& group : opening_->groups) {
    join_group j;
    j.where = where_;
    j.session = caf::actor_cast<caf::actor>(this);
    j.group = group;
    j.uid = j.user = user_;
    j.is_bot = is_bot_;
    send(home_.shared.directory_of(group), std::move(j));
  }
  if (opening_->groups.empty())
    return welcome();
  ask_group(0, {}, user_); // all of them at once
}

void session::url_group_answered(group_reply& r) {
  if (r.what == group_reply::kind::refused)
    return close_named(close_code::denied,
                       r.own_code.empty() ? protocol::name(r.why) : std::string_view(r.own_code),
                       r.own_code.empty() ? protocol::text(r.why) : std::string_view(r.body), {});
  enter(r, user_);
  opening_->done.push_back({std::move(r.group), std::move(r.epoch), r.version});
  if (opening_->done.size() == opening_->groups.size()) {
    asking_.reset();
    welcome();
  }
}

void session::welcome() {
  std::vector<protocol::joined_group> joined;
  for (auto& g : opening_->done)
    joined.push_back({g.name, user_, g.epoch, g.version});
  protocol::welcome w{
      .session = name_,
      .user = user_,
      .node = home_.shared.name,
      .ping_s = std::chrono::duration_cast<std::chrono::seconds>(home_.shared.ping).count(),
      .groups = joined,
      .expires_in = {}};
  if (expires_)
    w.expires_in = std::chrono::duration_cast<std::chrono::seconds>(*expires_ - home_.now).count();
  protocol::append_welcome(home_.scratch, w, home_.limits_json());
  port_->reply(home_.scratch);
  home_.scratch.clear();
  phase_ = phase::ready;
  auto opened = std::move(opening_);
  for (auto& deliver : opened->early)
    deliver();
  has_room(); // tells what did not fit before
  continue_held();
}

/// What arrives before `welcome` waits for it, within the same bound as the queue.
bool session::hold_early(std::size_t bytes, std::function<void()> deliver) {
  if (opening_->early_bytes + bytes > home_.shared.bounds.outbound_bytes_max)
    return false;
  opening_->early_bytes += bytes;
  opening_->early.push_back(std::move(deliver));
  return true;
}

// ---- time ----

void session::wake_by(steady_time when) {
  if (!alarm_.armed() || when < alarm_.when())
    home_.wheel.set(alarm_, when);
}

void session::wake(steady_time now) {
  if (phase_ >= phase::closing)
    return;
  if (phase_ == phase::greeted && now >= auth_by_)
    return close(close_code::auth_timeout);
  if (expires_ && now >= *expires_ + expiry_grace)
    return close(close_code::token_expired);
  for (ticket t; tickets_.take_expired(now, t);)
    expire(t);
  if (asking_ && now >= asking_->expires) {
    // The group failed with the question in its mailbox: nobody will answer any more.
    if (opening_)
      return close_named(close_code::denied, protocol::name(code::internal),
                         protocol::text(code::internal), {});
    auto id = asking_->id;
    asking_.reset();
    refuse({.why = code::internal, .id = id, .unparsable = false, .field = {}});
  }
  continue_held();
  if (phase_ == phase::greeted)
    wake_by(auth_by_);
  if (expires_)
    wake_by(*expires_ + expiry_grace);
  if (tickets_.size() > 0)
    wake_by(tickets_.next_expiry());
  if (asking_)
    wake_by(asking_->expires);
}

// ---- end ----

void session::control_frame(std::size_t bytes) {
  if (conduct_.frame(bytes, home_.now) && conduct_.over_rate_too_long() && phase_ < phase::closing)
    close(close_code::rate_limited);
}

void session::drain(std::chrono::milliseconds retry_after) {
  if (phase_ < phase::closing)
    close(close_code::draining, {}, retry_after.count());
}

void session::close_slow() {
  if (phase_ < phase::closing)
    close(close_code::slow_consumer);
}

void session::close_shed() {
  if (phase_ < phase::closing)
    close(close_code::shedding);
}

void session::close_silent() {
  if (phase_ < phase::closing)
    close(close_code::ping_timeout);
}

void session::close(close_code why, std::string_view message,
                    std::optional<std::int64_t> retry_after_ms) {
  close_named(why, protocol::name(why), message.empty() ? protocol::text(why) : message,
              retry_after_ms);
}

void session::close_named(close_code why, std::string_view code_name, std::string_view message,
                          std::optional<std::int64_t> retry_after_ms) {
  phase_ = phase::closing;
  auto reconnect = static_cast<unsigned>(why) >= 4100;
  std::string bye;
  protocol::append_bye(bye, {code_name, message, reconnect, retry_after_ms});
  port_->close(why, bye);
}

void session::fail(const char*) noexcept {
  home_.scratch.clear(); // what it was about to say is nobody else's
  if (phase_ >= phase::closing)
    return;
  phase_ = phase::closing;
  must_not_fail here;
  try {
    port_->close(close_code::internal_error);
  } catch (const std::bad_alloc&) {
    // A bot's port, which looks again.
  }
}

void session::end() {
  must_not_fail here; // or it is still said to be where it is not
  if (phase_ != phase::ended) {
    phase_ = phase::ended;
    home_.scratch.clear(); // as in `fail`: trouble may have ended it in the middle of an answer
    alarm_.disarm();
    home_.remove(where_);
    home_.count.sessions.sub();
    for (auto& [name, in] : groups_)
      home_.relay_actor->unwatch(in.group);
    groups_.clear();
  }
  // From here on memory may be wanting: then the connection calls again, and what was done is not
  // done twice.
  if (auto opened = std::move(opening_))
    for (auto& deliver : opened->early)
      deliver(); // to nobody any more, as their senders are told
  debts_.settle_all([this](const settlement& s) {
    if (s.ticket)
      home_.settle(s);
  });
  // Its death, seen by the groups and users that monitor it, is what removes it everywhere.
  if (!dying_)
    send_exit(this, caf::exit_reason::user_shutdown);
  dying_ = true;
}

void session::on_exit() {
  if (phase_ == phase::ended)
    return;
  fail("the session actor was ended");
  end();
}

} // namespace beckon::actors
