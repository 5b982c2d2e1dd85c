#include "tests/kit/recorder.hpp"

#include <algorithm>

namespace beckon::testing {
namespace {

actors::greeting named(std::string user, std::vector<std::string> groups) {
  actors::identity who;
  who.user = std::move(user);
  return {std::move(who), std::move(groups)};
}

} // namespace

recorder::recorder(stage& node, std::size_t home, std::string user, std::vector<std::string> groups)
    : recorder(node, home, named(std::move(user), std::move(groups))) {}

recorder::recorder(stage& node, std::size_t home, actors::greeting hello)
    : stage_(node), home_(home), slow_(node.node.bounds, {}) {
  auto& place = stage_.enter(home_);
  handle_ = stage_.system().spawn<actors::session, caf::hidden>(place, static_cast<port&>(*this));
  session_ = static_cast<actors::session*>(caf::actor_cast<caf::abstract_actor*>(handle_));
  session_->open(std::move(hello));
}

recorder::~recorder() {
  recorder::end();
}

// ---- the client
// -----------------------------------------------------------------------------------

void recorder::write(std::string bytes, bool is_text) {
  unread_.push_back({std::move(bytes), is_text});
  read();
}

bool recorder::reads() const {
  return !paused_ && slow_.may_be_read(queued()) && !closed_ && !ended_;
}

bool recorder::read() {
  if (unread_.empty() || !reads())
    return false;
  auto next = std::move(unread_.front());
  unread_.pop_front();
  stage_.enter(home_);
  if (next.is_text)
    session_->text(next.bytes);
  else
    session_->binary(next.bytes);
  return true;
}

void recorder::end() {
  if (std::exchange(ended_, true))
    return;
  stage_.enter(home_);
  session_->end();
  handle_ = nullptr;
}

// ---- the kernel
// -----------------------------------------------------------------------------------

void recorder::take(std::size_t bytes) {
  if (closed_ || ended_)
    return; // its session hears no more of what is written
  taken_ += std::min(bytes, queued());
  stage_.enter(home_);
  if (session_->awaits_written())
    session_->written(taken_);
  if (slow_.freed(queued()))
    session_->has_room();
}

// ---- port
// -----------------------------------------------------------------------------------------

bool recorder::push(const protocol::shared_frame& delivery) {
  if (closed_ || ended_)
    return false;
  if (!slow_.fits(queued(), delivery.wire().size())) {
    slow_.refused(queued(), stage_.now());
    on_refused(delivery.payload());
    return false;
  }
  append(delivery.payload(), delivery.wire().size());
  return true;
}

void recorder::reply(std::string_view json) {
  char header[protocol::header_bytes_max];
  auto length = protocol::write_header(header, protocol::opcode::text, json.size());
  if (!closed_ && !ended_)
    append(json, length + json.size());
  check_reserve();
}

void recorder::reply(const protocol::shared_frame& answer) {
  if (!closed_ && !ended_)
    append(answer.payload(), answer.wire().size());
  check_reserve();
}

void recorder::append(std::string_view payload, std::size_t wire_bytes) {
  appended_ += wire_bytes;
  frames.push_back({std::string(payload), appended_});
  on_queued(frames.back());
}

void recorder::check_reserve() {
  if (!closed_ && !ended_ && slow_.over_reserve(queued()))
    session_->close_slow();
}

bool recorder::has_room() const {
  return slow_.has_room(queued());
}

void recorder::close(protocol::close_code why, std::string_view bye) {
  if (closed_)
    return;
  if (!bye.empty())
    append(bye, bye.size());
  closed_ = why;
}

std::string recorder::said() {
  std::string all;
  for (auto& f : frames)
    all.append(f.json) += '\n';
  frames.clear();
  return all;
}

} // namespace beckon::testing
