#include "actors/bot_port.hpp"

#include "actors/memory_reserve.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <new>
#include <utility>

namespace beckon::actors {

using protocol::close_code;

namespace {

using read_on = caf::atom_constant<caf::atom("read")>;
using end_now = caf::atom_constant<caf::atom("end")>;

constexpr std::chrono::milliseconds end_again{100};

} // namespace

caf::error closed_for(close_code why) {
  auto at = std::find(std::begin(protocol::close_codes), std::end(protocol::close_codes), why);
  auto number = static_cast<std::uint8_t>(at - std::begin(protocol::close_codes) + 1);
  return {number, caf::atom("beckon"), caf::make_message(std::string(protocol::name(why)))};
}

bot_port::bot_port(caf::actor_config& config, home& place, caf::actor whom, greeting hello)
    : pinned_actor(config, *place.unit), home_(place), whom_(std::move(whom)),
      uid_(hello.who ? hello.who->user : std::string()), hello_(std::move(hello)),
      slow_(place.shared.bounds, {}), alarm_(*this) {
  set_down_handler([this](caf::down_msg& down) {
    tell_of(down.reason);
    end();
  });
}

/// On the home's thread for the first time: here its session begins.
caf::behavior bot_port::make_behavior() {
  held_ = this;
  monitor(whom_);
  session_handle_ = home_system().spawn<session, caf::hidden>(home_, static_cast<port&>(*this));
  session_ = static_cast<session*>(caf::actor_cast<caf::abstract_actor*>(session_handle_));
  home_.count.bots.add();
  guarded([this] { session_->open(std::move(hello_)); });
  return {
      [this](bot_text& t) { return take(t), unanswered{}; },
      [this](read_on) { read(); },
      [this](end_now) { end(); },
  };
}

/// A deadline's trouble: where even its end cannot be said now, it is tried again.
void bot_port::fail(const char* why) noexcept {
  wake_by(home_.now + end_again);
  if (session_)
    session_->fail(why);
}

/// Trouble (memory ran out while it was served) ends this session, as of a connection.
template <class F>
void bot_port::guarded(F f) {
  try {
    may_fail alone;
    f();
  } catch (const std::exception& trouble) {
    session_->fail(trouble.what());
  }
}

// ---- what the actor writes ----

void bot_port::take(bot_text& t) {
  if (closed_)
    return;
  if (t.text.size() > home_.shared.bounds.frame_bytes_max)
    return close(close_code::too_big, {});
  unread_bytes_ += t.text.size() + text_bytes;
  unread_.push_back(std::move(t.text));
  read();
  if (!closed_ && unread_bytes_ > unread_bytes_max)
    close(close_code::rate_limited, {});
}

void bot_port::read() {
  while (!unread_.empty() && wants_more()) {
    auto next = std::move(unread_.front());
    unread_.pop_front();
    unread_bytes_ -= next.size() + text_bytes;
    guarded([&] { session_->text(next); });
  }
}

bool bot_port::wants_more() const noexcept {
  return !closed_ && !paused_ && slow_.may_be_read(queued());
}

/// Later: the session is in the middle of something.
void bot_port::resume() {
  paused_ = false;
  send(this, read_on::value);
}

// ---- what it gets ----

bool bot_port::push(const protocol::shared_frame& frame) {
  if (closed_)
    return false;
  if (slow_.fits(queued(), frame.wire().size())) {
    append(frame);
    return true;
  }
  if (slow_.refused(queued(), home_.now)) {
    home_.count.slow_consumers.add();
    wake_by(slow_.too_slow_at());
  }
  return false;
}

void bot_port::reply(std::string_view json) {
  reply(protocol::encode_text(json));
}

void bot_port::reply(const protocol::shared_frame& frame) {
  if (closed_)
    return;
  append(frame);
  check_reserve();
}

void bot_port::check_reserve() {
  if (slow_.over_reserve(queued()))
    session_->close_slow();
}

void bot_port::append(const protocol::shared_frame& frame) {
  slow_.waits(home_.now);
  auto bytes = frame.wire().size();
  appended_ += bytes;
  request(whom_, caf::infinite, bot_frame{frame})
      .then([this, bytes] { handled(bytes); },
            [this, bytes](caf::error& why) {
              if (why != caf::sec::request_receiver_down) // its down says more
                handled(bytes);
            });
  wake_by(slow_.too_slow_at());
}

void bot_port::handled(std::size_t bytes) {
  taken_ += bytes;
  slow_.moved(queued(), home_.now);
  if (closed_)
    return; // its session hears no more of what is handled
  guarded([this] {
    if (session_->awaits_written())
      session_->written(taken_);
    if (slow_.freed(queued()))
      session_->has_room();
  });
  read();
}

bool bot_port::has_room() const {
  return slow_.has_room(queued());
}

// ---- its end ----

void bot_port::close(close_code why, std::string_view bye) {
  if (closed_)
    return;
  if (!bye.empty())
    append(protocol::encode_text(bye));
  closed_ = why;
  home_.count.closed(why);
  unread_.clear();
  wake_by(home_.now + end_again); // where there is no memory for that message
  send(this, end_now::value);     // the session is in the middle of something
}

void bot_port::end() {
  if (!end_session())
    return wake_by(home_.now + end_again);
  if (closed_)
    send_exit(whom_, closed_for(*closed_));
  quit();
}

void bot_port::tell_of(const caf::error& reason) {
  if (!home_.shared.bot_ended)
    return;
  auto by_wish = !reason || reason == caf::exit_reason::normal ||
                 reason == caf::exit_reason::user_shutdown ||
                 reason.category() == caf::atom("beckon"); // we have closed it, and said so
  std::string why;
  if (!by_wish)
    why = reason.context().match_elements<std::string>() ? reason.context().get_as<std::string>(0)
                                                         : home_system().render(reason);
  home_.shared.bot_ended(uid_, why);
}

/// @returns whether it is done
bool bot_port::end_session() noexcept {
  try {
    if (session_) {
      session_->end();
      home_.count.bots.sub();
    }
    session_ = nullptr;
    session_handle_ = nullptr;
    return true;
  } catch (const std::bad_alloc&) {
    closed_ = closed_.value_or(close_code::internal_error);
    return false;
  }
}

void bot_port::on_exit() {
  alarm_.disarm();
  end_session();
  whom_ = nullptr;
  held_ = nullptr;
}

// ---- time ----

void bot_port::wake_by(steady_time when) {
  if (!alarm_.armed() || when < alarm_.when())
    home_.wheel.set(alarm_, when);
}

void bot_port::wake(steady_time now) {
  if (closed_)
    return send(this, end_now::value);
  if (slow_.is_too_slow(now))
    return session_->close_slow();
  if (slow_.is_waiting())
    wake_by(slow_.too_slow_at());
}

} // namespace beckon::actors
