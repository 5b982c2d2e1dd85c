// What a connection sends: queued by its session, gathered into batches, given to the kernel once a
// turn.

#include "actors/memory_reserve.hpp"
#include "net/connection.hpp"
#include "net/socket_state.hpp"

#include <cerrno>
#include <new>
#include <utility>

namespace beckon::net {

using protocol::close_code;

namespace {

constexpr std::size_t batch_bytes_max = 48 * 1024;
/// Memory that stays for the next one.
constexpr std::size_t batch_kept_max = 1024;

bool is_text(const protocol::shared_frame& frame) {
  return (frame.wire().front() & 15) == static_cast<char>(protocol::opcode::text);
}

} // namespace

bool connection::push(const protocol::shared_frame& frame) {
  if (phase_ != phase::open)
    return false;
  if (slow_.fits(queued(), frame.wire().size())) {
    append(frame);
    return true;
  }
  if (slow_.refused(queued(), place().now)) {
    place().count.slow_consumers.add();
    wake_by(slow_.too_slow_at());
  }
  return false;
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
  if (phase_ == phase::open && slow_.over_reserve(queued()))
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
  if (batch_.capacity() > batch_kept_max)
    std::string().swap(batch_);
  batch_.clear();
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
  slow_.waits(place().now);
  if (phase_ == phase::done || std::exchange(dirty_, true))
    return;
  unit_.flush_later(*this);
}

void connection::flush() {
  dirty_ = false;
  if (phase_ == phase::done)
    return;
  end_batch();
  if (outbox_.empty())
    return;
  auto took_some = !broken_ && write();
  if (broken_)
    drop_queue();
  tell_queued();
  if (phase_ == phase::closing)
    return outbox_.empty() ? wake_later() : void();
  if (!session_ || gone_)
    return;
  if (took_some && session_->awaits_written())
    session_->written(outbox_.taken());
  made_room();
}

/// @returns whether the kernel took some
bool connection::write() {
  auto before = outbox_.taken();
  auto progress = writable_ ? outbox_.write(socket_.get()) : outbox::progress::blocked;
  auto taken = outbox_.taken() - before;
  place().count.bytes_out.add(taken);
  if (taken > 0)
    slow_.moved(outbox_.queued(), place().now);
  if (progress == outbox::progress::blocked) {
    writable_ = false;
    if (phase_ == phase::open)
      wake_by(slow_.too_slow_at());
  } else if (progress == outbox::progress::broken) {
    note_error(errno);
    peer_ended_ = readable_ = broken_ = true; // what it sent before may still be there
    if (!wants_more())
      lose_client();
    wake_later();
  }
  return taken > 0;
}

/// It can reach nobody.
void connection::drop_queue() {
  outbox_.clear();
  slow_.moved(0, place().now);
}

/// What had to wait for room goes on where there is some.
void connection::made_room() {
  if (slow_.freed(queued()))
    session_->has_room();
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

/// It went without a word, ours or its own. Where the kernel gave it up while it acknowledged all
/// that had left, it was there and did not read.
void connection::tell_how_it_ended() {
  auto left = left_in_kernel(socket_.get());
  if (!timed_out_ || left.unacknowledged > 0 || left.unsent == 0)
    return place().count.lost();
  place().count.slow_consumers.add();
  try {
    tell_closed(close_code::slow_consumer);
  } catch (const std::bad_alloc&) { // it has been counted
  }
}

void connection::tell_closed(close_code why) {
  told_end_ = true;
  place().count.closed(why);
  around_.log.info("session_closed",
                   {{"code", static_cast<unsigned>(why)},
                    {"name", protocol::name(why)},
                    {"address", from_.to_string()},
                    {"user", session_ ? std::string_view(session_->user()) : ""}});
}

/// Where there is not even memory for its last words, it goes without.
void connection::queue_goodbye(close_code why, std::string_view bye) noexcept {
  try {
    if (!bye.empty())
      append_text(bye);
    end_batch();
    std::string frame;
    append_close(frame, why);
    outbox_.append(frame);
  } catch (const std::bad_alloc&) {
    gone_ = true;
  }
}

void connection::close(close_code why, std::string_view bye) {
  if (phase_ != phase::open)
    return;
  actors::must_not_fail so_that_its_client_hears;
  tell_closed(why);
  if (why == close_code::invalid_token)
    around_.gate.failed_token(from_, place().now);
  queue_goodbye(why, bye);
  start_goodbye();
  make_dirty();
  wake_later();
}

} // namespace beckon::net
