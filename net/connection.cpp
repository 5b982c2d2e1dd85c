#include "net/connection.hpp"

#include "net/upgrade.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cerrno>
#include <exception>
#include <new>
#include <sys/socket.h>

namespace beckon::net {

using actors::steady_time;
using protocol::close_code;

namespace {

constexpr std::string_view ping_frame("\x89\0", 2);
constexpr std::size_t batch_bytes_max = 48 * 1024;

bool is_text(const protocol::shared_frame& frame) {
  return (frame.wire().front() & 15) == static_cast<char>(protocol::opcode::text);
}

} // namespace

connection::connection(services& around, thread_unit& unit, unique_fd socket,
                       boost::asio::ip::address from)
    : around_(around), unit_(unit), socket_(std::move(socket)), from_(std::move(from)),
      websocket_(unit.loop().get_executor(), around.values.bounds, *this), alarm_(*this),
      started_(unit.place->now), last_received_(started_), last_progress_(started_) {}

connection::~connection() = default;

// ---- the story
// ----------------------------------------------------------------------------------------------------

void connection::start() {
  unit_.admit(*this);
  around_.gate.accepted(from_);
  place().count.connections.add();
  place().count.handshakes.add();
  try {
    boost::asio::co_spawn(unit_.loop(), tell_story(shared_from_this()), boost::asio::detached);
    unit_.spawned();
  } catch (...) { // no memory for its story: it never was
    finish();
    throw;
  }
  wake_by(started_ + around_.values.handshake_timeout);
  if (!unit_.sockets.add(socket_.get(), *this))
    gone_ = true;
}

void connection::cut() {
  gone_ = true;
  wake_.notify();
}

task connection::tell_story(std::shared_ptr<connection> self) {
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
    around_.log.error("connection_failed", {{"why", why}});
    close(close_code::internal_error, {});
  } catch (const std::bad_alloc&) {
    gone_ = true;
  }
}

task connection::shake_hands() {
  while (phase_ == phase::handshake && !gone_) {
    auto bytes = receive();
    if (bytes.empty()) {
      if (!gone_)
        co_await wake_.wait();
      continue;
    }
    head_.append(bytes.data(), bytes.size());
    auto block = header_block(head_);
    if (!looks_like_http(head_))
      drop_handshake(actors::refusal::bad_preface);
    else if ((block ? block : head_.size()) > bounds().header_block_bytes_max)
      answer_http(head_.find("\r\n") < bounds().header_block_bytes_max ? 431 : 414);
    else if (has_bare_newline(std::string_view(head_).substr(0, block ? block : head_.size())))
      answer_http(400);
    else if (block)
      take_request(std::string_view(head_).substr(0, block), std::string_view(head_).substr(block));
  }
  end_handshake();
}

task connection::read_messages() {
  while (phase_ == phase::open && !gone_) {
    if (std::exchange(again_, false)) {
      take({});
      continue;
    }
    auto bytes = wants_more() ? receive() : std::span<const char>{};
    if (!bytes.empty())
      take(bytes);
    if (phase_ != phase::open || gone_ || again_)
      continue;
    unread_ = !wants_more();
    if (unread_ && peer_ended_)
      break; // nobody is left whom its frames could answer
    if (bytes.size() == unit_.read_buffer.size())
      wake_later(); // there is more; the others have their turn first
    else if (readable_ && !unread_)
      continue;
    co_await wake_.wait();
  }
}

/// Our last word is queued: what still comes is read and dropped, so that a reset does not eat it.
task connection::say_goodbye() {
  auto end_sent = false;
  while (phase_ == phase::closing && !gone_ && place().now < closing_by_) {
    auto bytes = receive();
    if (!bytes.empty() && !http_only_) {
      websocket_.feed(bytes);
      websocket_.output().clear();
    }
    if (websocket_.now() == websocket::state::closed_by_client && outbox_.empty())
      break;
    if (outbox_.empty() && !std::exchange(end_sent, true))
      ::shutdown(socket_.get(), SHUT_WR); // the client need not wait for us
    if (bytes.empty() && !gone_)
      co_await wake_.wait();
  }
}

void connection::finish() {
  phase_ = phase::done;
  alarm_.disarm();
  end_handshake();
  place().count.queued_bytes.sub(static_cast<std::int64_t>(queued_told_));
  place().count.connections.sub();
  if (!told_end_ && session_)
    place().count.lost();
  around_.gate.gone(from_);
  unit_.dismiss(*this);
  socket_.reset();
  session_handle_ = nullptr;
  session_ = nullptr;
}

void connection::end_handshake() {
  if (!std::exchange(shaking_, false))
    return;
  head_ = {};
  place().count.handshakes.sub();
  around_.gate.handshake_done();
}

void connection::start_goodbye() {
  phase_ = phase::closing;
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
  // A client that is gone is told by reading; one that is not read must not linger.
  if (events & (EPOLLHUP | EPOLLERR) || (peer_ended_ && phase_ == phase::open && !wants_more()))
    gone_ = true;
  if (readable_ || gone_)
    wake_.notify();
}

/// What has come, without waiting; empty when there is nothing now, or the client is gone.
std::span<const char> connection::receive() {
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
    gone_ = gone_ || n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }
  return {};
}

void connection::take(std::span<const char> bytes) {
  websocket_.feed(bytes);
  if (!websocket_.output().empty()) {
    if (phase_ == phase::open) {
      end_batch();
      outbox_.append(websocket_.output());
      make_dirty();
    }
    websocket_.output().clear();
  }
  check_reserve();
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
  return phase_ != phase::open || (!paused_ && !full_ && queued() <= bounds().outbound_bytes_max);
}

void connection::resume() {
  paused_ = false;
  again_ = true;
  wake_later();
}

// ---- the handshake
// ------------------------------------------------------------------------------------------------

void connection::take_request(std::string_view block, std::string_view rest) {
  auto ready = !around_.node.draining.load(std::memory_order_relaxed);
  auto v = check_upgrade(block, {around_.values, around_.node.verify, ready});
  if (v.bad_token)
    around_.gate.failed_token(from_, place().now);
  if (v.status == 101 || v.status == 401) {
    if (!ready)
      v.status = 503;
    else if (auto refused = v.bad_token ? around_.gate.check_failures(from_, place().now)
                                        : around_.gate.check(from_))
      v.status = refused;
    if (v.status == 503 || v.status == 429)
      v.header = "Retry-After: 5";
  }
  if (v.status == 101)
    open(v, rest);
  else
    answer_http(v.status, v.header);
}

void connection::open(verdict& v, std::string_view rest) {
  websocket_.accept(v.request);
  outbox_.append(websocket_.output());
  websocket_.output().clear();
  make_dirty();
  if (websocket_.now() != websocket::state::open)
    return drop_handshake(actors::refusal::http_400);
  phase_ = phase::open;
  alarm_.disarm();
  wake_by(last_received_ + around_.values.ping);
  session_handle_ = around_.system.spawn<actors::session, caf::hidden>(
      place(), static_cast<actors::port&>(*this));
  session_ = static_cast<actors::session*>(caf::actor_cast<caf::abstract_actor*>(session_handle_));
  session_->open(std::move(v.greet));
  if (!rest.empty() && phase_ == phase::open)
    take(rest);
}

void connection::answer_http(unsigned status, std::string_view header) {
  if (status >= 400)
    place().count.refuse(actors::refusal_of(status));
  if (status >= 400)
    around_.log.debug("request_refused", {{"status", status}, {"address", from_.to_string()}});
  outbox_.append(http_answer(status, header));
  make_dirty();
  http_only_ = true;
  start_goodbye();
}

void connection::drop_handshake(actors::refusal why) {
  place().count.refuse(why);
  around_.log.debug("handshake_dropped", {{"address", from_.to_string()}});
  phase_ = phase::closing;
  gone_ = true;
}

// ---- outbound
// -----------------------------------------------------------------------------------------------------

bool connection::push(const protocol::shared_frame& frame) {
  if (phase_ != phase::open)
    return false;
  if (queued() + frame.wire().size() > bounds().outbound_bytes_max) {
    if (!std::exchange(full_, true)) {
      full_since_ = place().now;
      place().count.slow_consumers.add();
      wake_by(full_since_ + around_.values.over_limit_timeout);
    }
    return false;
  }
  append(frame);
  return true;
}

void connection::reply(std::string_view json) {
  if (phase_ != phase::open)
    return;
  append_text(json);
  check_reserve();
}

void connection::reply(const protocol::shared_frame& frame) {
  if (phase_ != phase::open)
    return;
  append(frame);
  check_reserve();
}

void connection::check_reserve() {
  if (phase_ == phase::open && queued() > bounds().outbound_bytes_max + bounds().reserve_bytes_max)
    session_->close_slow();
}

void connection::append(const protocol::shared_frame& frame) {
  if (batching_ && is_text(frame))
    return append_text(frame.payload());
  end_batch();
  outbox_.append(frame);
  place().count.frames_out.add();
  make_dirty();
}

void connection::append_text(std::string_view json) {
  if (!batching_) {
    outbox_.append_message(protocol::opcode::text, json);
    place().count.frames_out.add();
    return make_dirty();
  }
  if (batch_frames_ == bounds().batch_frames_max || batch_.size() + json.size() > batch_bytes_max)
    end_batch();
  if (batch_frames_++ > 0)
    batch_ += '\n';
  batch_ += json;
  make_dirty();
}

void connection::end_batch() {
  if (batch_frames_ == 0)
    return;
  outbox_.append_message(protocol::opcode::text, batch_);
  place().count.frames_out.add();
  batch_ = {};
  batch_frames_ = 0;
}

void connection::batching(bool on) {
  end_batch();
  batching_ = on;
}

std::uint64_t connection::mark() {
  end_batch();
  return outbox_.appended();
}

void connection::make_dirty() {
  if (std::exchange(drained_, false))
    last_progress_ = place().now; // the queue was empty until now
  if (phase_ == phase::done || std::exchange(dirty_, true))
    return;
  unit_.flush_later(*this);
}

void connection::flush() {
  dirty_ = false;
  if (phase_ == phase::done)
    return;
  end_batch();
  if (outbox_.taken() == outbox_.appended())
    return;
  auto before = outbox_.taken();
  auto progress = writable_ ? outbox_.write(socket_.get()) : outbox::progress::blocked;
  auto taken = outbox_.taken() - before;
  place().count.bytes_out.add(taken);
  if (taken > 0)
    last_progress_ = place().now;
  if (progress == outbox::progress::broken) {
    gone_ = true;
    return wake_later();
  }
  if (progress == outbox::progress::blocked) {
    writable_ = false;
    wake_by(last_progress_ + around_.values.stall_timeout);
  }
  drained_ = outbox_.empty();
  tell_queued();
  if (phase_ == phase::closing)
    return drained_ ? wake_later() : void();
  if (!session_)
    return;
  if (taken > 0 && session_->awaits_written())
    session_->written(outbox_.taken());
  if (full_ && has_room()) {
    full_ = false;
    session_->has_room();
  }
  if (unread_ && wants_more()) {
    unread_ = false;
    again_ = true;
    wake_later();
  }
}

void connection::tell_queued() {
  auto now = queued();
  place().count.queued_bytes.add(static_cast<std::int64_t>(now) -
                                 static_cast<std::int64_t>(queued_told_));
  queued_told_ = now;
}

void connection::close(close_code why, std::string_view bye) {
  if (phase_ != phase::open)
    return;
  told_end_ = true;
  place().count.closed(why);
  if (why == close_code::invalid_token)
    around_.gate.failed_token(from_, place().now);
  around_.log.info("session_closed", {{"code", static_cast<unsigned>(why)},
                                      {"name", protocol::name(why)},
                                      {"address", from_.to_string()},
                                      {"user", session_->user()}});
  if (!bye.empty())
    append_text(bye);
  end_batch();
  std::string frame;
  append_close(frame, why);
  outbox_.append(frame);
  start_goodbye();
  make_dirty();
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
  switch (phase_) {
  case phase::handshake:
    drop_handshake(actors::refusal::handshake_timeout);
    return wake_.notify();
  case phase::open:
    return check_liveness(now);
  case phase::closing:
    return wake_.notify();
  case phase::done:
    return;
  }
}

bool connection::too_slow(steady_time now) const {
  auto stalled = !outbox_.empty() && now - last_progress_ >= around_.values.stall_timeout;
  auto over = full_ && now - full_since_ >= around_.values.over_limit_timeout;
  return stalled || over;
}

void connection::check_liveness(steady_time now) {
  auto& v = around_.values;
  if (too_slow(now))
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
  if (!outbox_.empty())
    wake_by(last_progress_ + v.stall_timeout);
  if (full_)
    wake_by(full_since_ + v.over_limit_timeout);
}

} // namespace beckon::net
