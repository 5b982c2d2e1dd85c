// What a connection sends: queued by its session, gathered into batches, given to the kernel once a
// turn.

#include "net/connection.hpp"

#include <utility>

namespace beckon::net {

using protocol::close_code;

namespace {

constexpr std::size_t batch_bytes_max = 48 * 1024;

bool is_text(const protocol::shared_frame& frame) {
  return (frame.wire().front() & 15) == static_cast<char>(protocol::opcode::text);
}

} // namespace

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
  around_.log.info("session_closed",
                   {{"code", static_cast<unsigned>(why)},
                    {"name", protocol::name(why)},
                    {"address", from_.to_string()},
                    {"user", session_ ? std::string_view(session_->user()) : ""}});
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

} // namespace beckon::net
