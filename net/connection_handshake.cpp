// A connection's beginning: from the first byte to the answer of its request, 101 or another.

#include "net/connection.hpp"
#include "net/upgrade.hpp"

#include <new>
#include <utility>

namespace beckon::net {

task connection::shake_hands() {
  while (phase_ == phase::handshake && !gone_) {
    auto bytes = receive();
    if (bytes.empty()) {
      if (crowded_ && !gone_)
        drop_handshake(actors::refusal::crowded);
      else if (!gone_)
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
    else
      around_.gate.spoke(arrival_);
  }
  end_handshake();
}

void connection::take_request(std::string_view block, std::string_view rest) {
  auto ready = !around_.node.draining.load(std::memory_order_relaxed) &&
               around_.node.memory.load(std::memory_order_relaxed) == actors::memory_level::enough;
  auto v = check_upgrade(block, {around_.values, around_.node.verify, ready});
  if (v.bad_token)
    around_.gate.failed_token(from_, place().now);
  if (v.status == 101 || v.status == 401) {
    if (!ready)
      v.status = 503;
    else if (auto refused = v.bad_token ? around_.gate.check_failures(from_, place().now)
                                        : around_.gate.take_in(arrival_))
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
  outbox_.append(upgrade_answer(v));
  make_dirty();
  phase_ = phase::open;
  alarm_.disarm();
  wake_by(last_received_ + around_.values.ping);
  session_handle_ = around_.system.spawn<actors::session, caf::hidden>(
      place(), static_cast<actors::port&>(*this));
  session_ = static_cast<actors::session*>(caf::actor_cast<caf::abstract_actor*>(session_handle_));
  session_->open(std::move(v.greet));
  if (std::string more(rest); !more.empty() && phase_ == phase::open)
    take(more);
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

void connection::end_handshake() {
  if (!std::exchange(shaking_, false))
    return;
  std::string().swap(head_); // `= {}` would keep the memory
  place().count.handshakes.sub();
  around_.gate.answered(arrival_, session_ || http_only_);
}

void connection::arrival::asked_to_go() noexcept {
  try {
    of.unit_.post([of = of.weak_from_this()] {
      if (auto c = of.lock())
        c->go_unless_asked();
    });
  } catch (const std::bad_alloc&) {
    // Then its deadline ends it.
  }
}

/// One look more, as its request may have come by now.
void connection::go_unless_asked() {
  if (phase_ != phase::handshake)
    return;
  crowded_ = true;
  readable_ = true;
  wake_.notify();
}

} // namespace beckon::net
