// The client's frames: from the bytes of one message to requests to groups and users. Reads
// downwards.

#include "actors/session.hpp"

#include "actors/relay.hpp"
#include "protocol/encode.hpp"
#include "protocol/json.hpp"

#include <algorithm>

namespace beckon::actors {

using protocol::client_frame;
using protocol::code;
using protocol::frame_type;

/// What a batch has besides its lines and their ends: it counts against the rate of bytes as well.
static std::size_t blank_bytes(std::string_view message,
                               const std::vector<std::string_view>& lines) {
  auto bytes = message.size();
  for (auto& line : lines)
    bytes -= std::min(bytes, line.size() + 1);
  return bytes;
}

void session::text(std::string_view message) {
  if (phase_ >= phase::closing)
    return;
  auto& lines = home_.lines;
  if (auto why = protocol::split_batch(message, home_.shared.bounds, lines))
    return reject({.why = *why, .id = 0, .unparsable = true, .field = {}}, message.size());
  if (auto blank = blank_bytes(message, lines))
    if (auto wait = conduct_.frame(blank, home_.now, 0))
      return refuse_over_rate({.why = {}, .id = 0, .unparsable = true, .field = {}}, *wait);
  take_lines(lines);
}

void session::binary(std::string_view message) {
  if (phase_ >= phase::closing)
    return;
  auto frame = home_.parser.parse_binary(message);
  if (!frame)
    return reject(frame.error(), message.size());
  if (take_frame(**frame, message.size()))
    return;
  held_ = message;
  held_binary_ = true;
  port_->pause();
}

/// Takes lines until one has to wait; it and what follows is held back, and nothing is read
/// meanwhile.
void session::take_lines(std::vector<std::string_view>& lines) {
  for (auto line = lines.begin(); line != lines.end() && phase_ < phase::closing; ++line) {
    if (take_line(*line))
      continue;
    std::string rest;
    for (; line != lines.end(); ++line)
      rest.append(*line) += '\n';
    held_ = std::move(rest);
    held_binary_ = false;
    port_->pause();
    return;
  }
}

void session::continue_held() {
  if (held_.empty() || phase_ >= phase::closing)
    return;
  auto held = std::exchange(held_, {});
  if (held_binary_)
    binary(held);
  else
    text(held);
  if (held_.empty() && phase_ < phase::closing)
    port_->resume();
}

bool session::take_line(std::string_view line) {
  auto frame = home_.parser.parse(line);
  if (frame)
    return take_frame(**frame, line.size());
  reject(frame.error(), line.size());
  return true;
}

/// Frames that cannot be read count against the rate as well; a batch that is refused whole counts
/// as one, of its size.
void session::reject(protocol::rejection why, std::size_t bytes) {
  if (phase_ == phase::greeted && why.why == code::too_large && why.field == "token")
    return close(protocol::close_code::invalid_token); // of a hello: no other frame has one yet
  auto wait = conduct_.frame(bytes, home_.now);
  if (!wait)
    return refuse(why);
  refuse_over_rate(why, *wait);
}

void session::refuse_over_rate(protocol::rejection why, std::chrono::milliseconds wait) {
  why = {.why = code::rate_limited, .id = why.id, .unparsable = why.unparsable};
  refuse(why, message_kind::other, wait.count());
  if (conduct_.over_rate_too_long() && phase_ < phase::closing)
    close(protocol::close_code::rate_limited);
}

bool session::take_frame(const client_frame& f, std::size_t bytes) {
  if (must_wait(f))
    return false;
  if (may_pass(f, bytes))
    act(f);
  return true;
}

/// A client may send without waiting for answers: what depends on one is held back, so that its
/// frames take effect in the order in which it sent them, and what it is owed stays within the
/// reserve.
bool session::must_wait(const client_frame& f) const {
  if (phase_ == phase::enrolling)
    return true;
  if (asking_) {
    auto ordered = f.type == frame_type::join || f.type == frame_type::leave ||
                   f.type == frame_type::update || f.type == frame_type::roster;
    auto to_group = f.type == frame_type::publish || f.type == frame_type::call || !f.to.empty();
    if (ordered || (to_group && group_of(f) == asking_->group))
      return true;
  }
  if (f.id == 0 && silent_bytes_ >= silent_bytes_max() &&
      (f.type == frame_type::send || f.type == frame_type::publish || f.type == frame_type::call) &&
      tickets_.has(checkpoint_))
    return true;
  auto answers = tickets_.size() - tickets_.waiting();
  return f.id != 0 && answers > 0 &&
         (answers >= home_.shared.bounds.confirmations_max ||
          tickets_.owed_bytes() >= home_.shared.bounds.reserve_bytes_max / 2);
}

bool session::may_pass(const client_frame& f, std::size_t bytes) {
  auto shows_roster = f.type == frame_type::roster ||
                      (f.type == frame_type::update && f.presence == protocol::presence_mode::full);
  if (auto wait = conduct_.frame(bytes, home_.now, shows_roster ? conduct::roster_cost : 1))
    return refuse_for_now(f, *wait), false;
  if (phase_ == phase::greeted && f.type != frame_type::hello)
    return refuse(f, code::unauthenticated), false;
  if (expires_ && home_.now >= *expires_)
    return refuse(f, code::token_expired), false;
  // While the node drains, what others wait for still gets through.
  auto answering =
      f.type == frame_type::received || f.type == frame_type::reply || f.type == frame_type::ping;
  if (home_.shared.draining.load(std::memory_order_relaxed) && !answering)
    return refuse(f, code::unavailable), false;
  return true;
}

/// It came too soon. Who does not slow down is closed.
void session::refuse_for_now(const client_frame& f, std::chrono::milliseconds wait) {
  refuse(f, code::rate_limited, {}, wait.count());
  if (conduct_.over_rate_too_long() && phase_ < phase::closing)
    close(protocol::close_code::rate_limited);
}

void session::act(const client_frame& f) {
  switch (f.type) {
  case frame_type::send:
  case frame_type::request:
    return send_direct(f);
  case frame_type::publish:
    return publish(f);
  case frame_type::call:
    return call(f);
  case frame_type::reply:
    return reply_to_request(f);
  case frame_type::received:
    return confirm_received(f);
  case frame_type::hello:
    return hello(f);
  case frame_type::join:
    return join(f);
  case frame_type::update:
    return update(f);
  case frame_type::leave:
    return leave(f);
  case frame_type::roster:
    return read_group(f);
  case frame_type::ping:
    protocol::append_pong(home_.scratch);
    port_->reply(home_.scratch);
    return home_.scratch.clear();
  case frame_type::history:
  case frame_type::refresh:
    return refuse(f, code::not_implemented); // the parser refuses them already
  }
}

/// How much may leave without an id between two checkpoints. With the part before the last one it
/// is half a queue, so that no recipient who reads is overrun by one sender.
std::size_t session::silent_bytes_max() const {
  return home_.shared.bounds.outbound_bytes_max / 4;
}

/// A frame with an id is answered. Of those without, one gets a ticket now and then, a checkpoint,
/// which is settled like any other and tells nobody: else mailboxes would have no bound where
/// groups work slower than clients write.
bool session::wants_ticket(std::uint64_t id, std::size_t bytes) {
  if (id)
    return true;
  silent_bytes_ += bytes + route_bytes;
  return silent_bytes_ >= silent_bytes_max() && !tickets_.has(checkpoint_);
}

// ---- send, request, publish ----

/// The group that a frame names, or the only one of the URL.
std::string_view session::group_of(const client_frame& f) const {
  return f.group ? *f.group : std::string_view(default_group_);
}

/// The membership that a frame needs; refuses the frame when there is none, without asking anybody.
session::membership* session::member_of(const client_frame& f) {
  auto name = group_of(f);
  if (name.empty()) {
    refuse(f, code::bad_request, "group");
    return nullptr;
  }
  auto found = groups_.find(name);
  if (found == groups_.end()) {
    refuse(f, code::not_member);
    return nullptr;
  }
  return &found->second;
}

void session::send_direct(const client_frame& f) {
  auto is_request = f.type == frame_type::request;
  auto to_members = !f.to.empty();
  membership* in = nullptr;
  if (to_members && !(in = member_of(f)))
    return;
  auto& bounds = home_.shared.bounds;
  if (is_request && tickets_.requests() >= bounds.requests_in_flight_max)
    return refuse(f, code::too_many);
  auto confirm = f.id && !is_request ? f.confirm : protocol::confirm_level::queued;
  auto waits = confirm != protocol::confirm_level::queued;
  if (waits &&
      (tickets_.waiting() >= bounds.confirmations_max ||
       tickets_.waiting_bytes() >= std::max(waiting_bytes, bounds.confirmations_max * 1024)))
    return refuse(f, code::too_many);

  route r;
  r.is_request = is_request;
  r.confirm = confirm;
  r.from = where_;
  r.ttl = is_request ? f.timeout : std::chrono::milliseconds(f.ttl);
  if (is_request || confirm == protocol::confirm_level::received)
    r.number = home_.next_number();
  if (++routes_ % handed_sample == 0)
    r.started = std::chrono::steady_clock::now();
  r.what = protocol::encode({.kind = f.type,
                             .group = in ? in->group_json : std::string_view{},
                             .from = in ? in->as_json : user_json_,
                             .at = home_.wall_ms,
                             .number = r.number,
                             .timeout = is_request ? f.timeout : std::chrono::milliseconds{0}},
                            f.data);
  if (in) {
    r.to.first = f.to.front();
    r.to.rest.assign(f.to.begin() + 1, f.to.end());
    if (is_request)
      r.group = group_of(f);
  } else {
    r.by = f.user ? addressing::user : addressing::session;
    r.to.first = f.user ? *f.user : *f.session;
  }
  if (wants_ticket(f.id, r.what.text.wire().size())) {
    ticket t;
    t.what = is_request ? ticket::kind::request : ticket::kind::send;
    t.waits = waits || is_request;
    t.id = f.id;
    t.to = r.to;
    t.group = in ? in->group.id() : 0;
    r.ticket = open_ticket(std::move(t), r.ttl);
  }
  if (in)
    return send(in->group, std::move(r));
  auto* shard =
      f.user ? &home_.shared.users_of(*f.user) : home_.shared.users_of_session(*f.session);
  if (shard)
    return send(*shard, std::move(r));
  home_.count.message(kind_of(f.type), protocol::outcome::offline);
  if (r.ticket)
    home_.settle({.to = where_, .ticket = r.ticket, .result = protocol::outcome::offline});
}

void session::publish(const client_frame& f) {
  auto* in = member_of(f);
  if (!in)
    return;
  publication p;
  p.what = protocol::encode({.kind = f.type,
                             .group = in->group_json,
                             .from = in->as_json,
                             .at = home_.wall_ms,
                             .number = 0,
                             .timeout = {}},
                            f.data);
  p.except.assign(f.except.begin(), f.except.end());
  p.echo = f.echo;
  p.from = where_;
  if (wants_ticket(f.id, p.what.text.wire().size())) {
    ticket t;
    t.what = ticket::kind::publish;
    t.id = f.id;
    t.group = in->group.id();
    p.ticket = open_ticket(std::move(t), std::chrono::seconds(5));
  }
  send(in->group, std::move(p));
}

/// Something that the group's behaviour offers; it answers as a callee does.
void session::call(const client_frame& f) {
  auto* in = member_of(f);
  if (!in)
    return;
  if (f.id && tickets_.requests() >= home_.shared.bounds.requests_in_flight_max)
    return refuse(f, code::too_many);
  call_group c;
  c.from = where_;
  c.name = f.name;
  c.data = f.data.bytes;
  c.opaque = f.data.opaque;
  if (wants_ticket(f.id, c.data.size())) {
    ticket t;
    t.what = ticket::kind::request;
    t.waits = f.id != 0;
    t.id = f.id;
    t.to.first = c.name;
    t.group = in->group.id();
    c.ticket = open_ticket(std::move(t), f.timeout);
  }
  send(in->group, std::move(c));
}

// ---- answers to others ----

void session::reply_to_request(const client_frame& f) {
  debts::request asked;
  if (!debts_.take_request(f.request, asked))
    return; // foreign, answered, or the caller waits no more
  answer a;
  a.to = asked.owed.to;
  a.ticket = asked.owed.ticket;
  auto in = groups_.find(asked.group);
  a.from = in == groups_.end() ? user_json_ : in->second.as_json;
  if (f.error_code) {
    a.error_code = *f.error_code;
    a.error_message = f.error_message;
  } else {
    a.data = f.data.bytes;
    a.opaque = f.data.opaque;
  }
  home_.count.message(message_kind::reply, protocol::outcome::delivered);
  auto& door = home_.shared.door_of(a.to.home);
  send(door, std::move(a));
}

void session::confirm_received(const client_frame& f) {
  settlement s;
  for (auto number : f.received) {
    if (!debts_.take_received(number, s))
      continue;
    s.result = protocol::outcome::delivered;
    home_.settle(s);
  }
}

} // namespace beckon::actors
