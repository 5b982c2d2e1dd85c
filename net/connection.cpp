// Reads downwards: the story, what comes in, the deadlines. Its beginning is told in
// connection_handshake.cpp, what it sends in connection_outbound.cpp.

#include "net/connection.hpp"
#include "net/socket_state.hpp"

#include "actors/memory_reserve.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <sys/socket.h>

namespace beckon::net {

using actors::steady_time;
using protocol::close_code;

/// What a connection and its story take until there is a request.
static constexpr std::size_t start_bytes = 8 * 1024;
static constexpr std::string_view ping_frame("\x89\0", 2);

connection::connection(services& around, thread_unit& unit, unique_fd socket,
                       boost::asio::ip::address from)
    : around_(around), unit_(unit), socket_(std::move(socket)), from_(std::move(from)),
      arrival_(*this), websocket_(around.values.bounds, *this),
      slow_(around.values.bounds, {around.values.stall_timeout, around.values.over_limit_timeout}),
      alarm_(*this), started_(unit.place->now), last_received_(started_) {}

connection::~connection() = default;

// ---- the story
// ----------------------------------------------------------------------------------------------------

void connection::start() {
  actors::memory_reserve::expect(start_bytes);
  actors::must_not_fail from_here;
  around_.gate.accepted(arrival_, from_);
  place().count.connections.add();
  place().count.handshakes.add();
  try {
    unit_.admit(*this);
    tell_story(shared_from_this());
  } catch (...) { // no memory for its story: it never was
    finish();
    throw;
  }
  wake_by(started_ + around_.values.handshake_timeout);
  if (!unit_.sockets.add(socket_.get(), *this))
    gone_ = true;
}

void connection::shed(bool at_once) {
  if (session_ && phase_ == phase::open)
    session_->close_shed();
  if (at_once)
    cut();
}

void connection::cut() {
  gone_ = true;
  wake_.notify();
}

story connection::tell_story(std::shared_ptr<connection> self) {
  try {
    co_await shake_hands();
    co_await read_messages();
  } catch (
      const std::exception& trouble) { // memory, mostly: this connection's end, and nobody else's
    fail(trouble.what());
  }
  while (!end_session()) { // its end is told to groups by a message, which needs memory too: said
                           // again until it is out
    phase_ = phase::closing;
    wake_by(place().now + std::chrono::milliseconds(100));
    co_await wake_.wait();
  }
  try {
    co_await say_goodbye();
  } catch (const std::bad_alloc&) {
    // Then without.
  }
  finish();
  unit_.bury(std::move(self));
}

void connection::fail(const char* why) noexcept {
  try {
    actors::must_not_fail so_that_its_client_hears;
    place().count.out_of_memory.add();
    around_.log.error("connection_failed", {{"why", why}});
    close(close_code::internal_error, {});
  } catch (const std::bad_alloc&) {
    gone_ = true;
  }
}

void connection::failed(const char* why) noexcept {
  if (phase_ == phase::done)
    return;
  fail(why);
  if (phase_ != phase::closing)
    gone_ = true; // there was not even memory for its close, or it has no session yet
  place().wheel.set(alarm_, place().now); // who may be asleep hears of it, at no cost of memory
}

task connection::read_messages() {
  while (phase_ == phase::open && !gone_) {
    if (std::exchange(again_, false)) {
      take({});
      continue;
    }
    auto bytes = wants_more() ? receive() : std::span<char>{};
    if (!bytes.empty())
      take(bytes);
    if (phase_ != phase::open || gone_ || again_)
      continue;
    unread_ = !wants_more();
    if (unread_ && peer_ended_)
      lose_client();
    if (gone_)
      break;
    if (bytes.size() == unit_.read_buffer.size())
      wake_later(); // there is more; the others have their turn first
    else if (readable_ && !unread_)
      continue;
    co_await wake_.wait();
  }
}

/// Our last word is queued: what still comes is read and dropped, so that a reset does not eat it.
/// A buffer a turn, as in read_messages.
task connection::say_goodbye() {
  auto end_sent = false;
  std::size_t dropped = 0;
  websocket_.expect_close();
  while (phase_ == phase::closing && !gone_ && place().now < closing_by_) {
    auto bytes = receive();
    dropped += bytes.size();
    if (dropped > goodbye_bytes_max)
      break; // it does not listen
    if (!bytes.empty() && !http_only_)
      websocket_.feed(bytes);
    if (websocket_.now() == websocket::state::closed_by_client && outbox_.empty())
      break;
    if (outbox_.empty() && !std::exchange(end_sent, true))
      ::shutdown(socket_.get(), SHUT_WR); // the client need not wait for us
    if (bytes.size() == unit_.read_buffer.size())
      wake_later(); // there is more; the others have their turn first
    else if (!bytes.empty() || gone_)
      continue;
    co_await wake_.wait();
  }
}

void connection::finish() {
  actors::must_not_fail here;
  phase_ = phase::done;
  alarm_.disarm();
  end_handshake();
  place().count.queued_bytes.sub(static_cast<std::int64_t>(queued_told_));
  place().count.connections.sub();
  if (!told_end_ && session_)
    tell_how_it_ended();
  around_.gate.gone(arrival_);
  unit_.dismiss(*this);
  socket_.reset();
  session_handle_ = nullptr;
  session_ = nullptr;
}

void connection::start_goodbye() {
  phase_ = phase::closing;
  gone_ = gone_ || broken_; // nobody hears it
  closing_by_ = place().now + goodbye_max;
  wake_by(closing_by_);
}

/// @returns whether it is done
bool connection::end_session() noexcept {
  try {
    if (session_)
      session_->end();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// ---- inbound
// ------------------------------------------------------------------------------------------------------

void connection::ready(std::uint32_t events) {
  if (events & EPOLLOUT && !writable_) {
    writable_ = true;
    make_dirty();
  }
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    readable_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    peer_ended_ = true;
  if (events & (EPOLLHUP | EPOLLERR))
    broken_ = true;
  if (events & EPOLLERR)
    note_error(error_of(socket_.get()));
  // A client that is gone is told by reading, behind what it sent before; one that is not read must
  // not linger.
  if (phase_ == phase::open ? peer_ended_ && !wants_more() : broken_)
    lose_client();
  if (readable_ || gone_)
    wake_.notify();
}

/// The client has ended, and is not read. What it sent before, and its session holds back until an
/// answer is there, is carried out all the same.
void connection::lose_client() {
  if (phase_ != phase::open || !paused_)
    gone_ = true;
  else if (closing_by_ == steady_time{})
    wake_by(closing_by_ = place().now + held_frames_max);
}

/// What has come, without waiting; empty when there is nothing now, or the client is gone.
std::span<char> connection::receive() {
  auto& buffer = unit_.read_buffer;
  while (readable_) {
    auto n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n > 0) {
      // Less than there was room for: all of it, and the next byte makes a new event. An end that
      // is already here makes none.
      readable_ = static_cast<std::size_t>(n) == buffer.size() || peer_ended_;
      last_received_ = place().now;
      place().count.bytes_in.add(static_cast<std::uint64_t>(n));
      return {buffer.data(), static_cast<std::size_t>(n)};
    }
    if (n < 0 && errno == EINTR)
      continue;
    readable_ = false;
    if (n < 0)
      note_error(errno);
    gone_ = gone_ || n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }
  return {};
}

void connection::take(std::span<char> bytes) {
  websocket_.feed(bytes);
  if (!websocket_.output().empty()) {
    if (phase_ == phase::open) {
      end_batch();
      outbox_.append(websocket_.output());
      make_dirty();
    }
    websocket_.output() = {}; // not kept: it may have been as long as what came
  }
  check_reserve();
  pause_over_rate();
  if (phase_ != phase::open)
    return;
  if (websocket_.now() == websocket::state::failed) {
    close(websocket_.failure(), {});
  } else if (websocket_.now() == websocket::state::closed_by_client) {
    told_end_ = true;
    place().count.closed_by_client();
    start_goodbye();
  } else if (!websocket_.incomplete() || !wants_more()) {
    incomplete_since_ = {};
  } else if (incomplete_since_ == steady_time{}) {
    incomplete_since_ = place().now;
    wake_by(incomplete_since_ + bounds().assembly_timeout);
  }
}

void connection::on_message(std::string_view message, bool text) {
  incomplete_since_ = {};
  if (phase_ != phase::open)
    return;
  place().count.frames_in.add();
  if (text)
    session_->text(message);
  else
    session_->binary(message);
}

void connection::on_control(std::size_t bytes) {
  if (phase_ == phase::open)
    session_->control_frame(bytes);
}

bool connection::wants_more() const {
  return phase_ != phase::open ||
         (!paused_ && place().now >= read_again_ && slow_.may_be_read(queued()));
}

/// After a read in which something was over its rate.
void connection::pause_over_rate() {
  if (phase_ != phase::open || session_->read_again() <= place().now)
    return;
  read_again_ = session_->read_again();
  wake_by(read_again_);
}

void connection::resume() {
  paused_ = false;
  again_ = true;
  wake_later();
}

// ---- time
// ---------------------------------------------------------------------------------------------------------

void connection::wake_later() {
  unit_.wake_later(shared_from_this());
}

void connection::wake_by(steady_time when) {
  if (!alarm_.armed() || when < alarm_.when())
    place().wheel.set(alarm_, when);
}

void connection::wake(steady_time now) {
  if (gone_ && phase_ != phase::done)
    return wake_.notify();
  switch (phase_) {
  case phase::handshake:
    drop_handshake(actors::refusal::handshake_timeout);
    return wake_.notify();
  case phase::open:
    return check_liveness(now);
  case phase::closing:
    if (now < closing_by_)
      wake_by(closing_by_);
    return wake_.notify();
  case phase::done:
    return;
  }
}

/// Where the pause of who was over its rate is over.
void connection::read_on(steady_time now) {
  if (read_again_ == steady_time{})
    return;
  if (now < read_again_)
    return wake_by(read_again_);
  read_again_ = {};
  again_ = true;
  wake_later();
}

void connection::check_liveness(steady_time now) {
  auto& v = around_.values;
  if (closing_by_ != steady_time{} && now >= closing_by_) {
    gone_ = true;
    return wake_later();
  }
  if (slow_.is_too_slow(now))
    return session_->close_slow();
  if (incomplete_since_ != steady_time{} && now - incomplete_since_ >= bounds().assembly_timeout)
    return close(close_code::policy_violation, {});
  if (ping_sent_ != steady_time{} && last_received_ > ping_sent_)
    ping_sent_ = {};
  if (ping_sent_ != steady_time{} && now - ping_sent_ >= v.pong) {
    if (wants_more())
      return session_->close_silent();
    ping_sent_ = now; // it is not read, so its pong cannot be seen: the deadline rests
  } else if (ping_sent_ == steady_time{} && now - last_received_ >= v.ping) {
    end_batch();
    outbox_.append(ping_frame);
    make_dirty();
    ping_sent_ = now;
  }
  wake_by(ping_sent_ != steady_time{} ? ping_sent_ + v.pong : last_received_ + v.ping);
  if (incomplete_since_ != steady_time{})
    wake_by(incomplete_since_ + bounds().assembly_timeout);
  if (slow_.is_waiting())
    wake_by(slow_.too_slow_at());
  if (closing_by_ != steady_time{})
    wake_by(closing_by_);
  read_on(now);
}

} // namespace beckon::net
