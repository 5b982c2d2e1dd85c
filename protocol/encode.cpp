#include "protocol/encode.hpp"

#include "protocol/pieces.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <utility>

namespace beckon::protocol {
namespace {

void append_number(std::string& out, std::integral auto number) {
  std::array<char, 20> digits;
  auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// A field's name brings its comma and colon, e.g. `,"id":`.

void append_field(std::string& out, std::string_view name, std::integral auto number) {
  out += name;
  append_number(out, number);
}

void append_field(std::string& out, std::string_view name, std::string_view text) {
  out += name;
  append_quoted(out, text);
}

void append_id(std::string& out, std::uint64_t id) {
  if (id != 0)
    append_field(out, R"(,"id":)", id);
}

void append_retry(std::string& out, std::optional<std::int64_t> retry_after_ms) {
  if (retry_after_ms)
    append_field(out, R"(,"retry_after_ms":)", *retry_after_ms);
}

void append_group(std::string& out, const joined_group& group) {
  append_quoted(out, group.name);
  append_field(out, R"(:{"as":)", group.as);
  append_field(out, R"(,"version":)", group.version);
  append_field(out, R"(,"epoch":)", group.epoch);
  out += R"(,"offset":0})"; // There is no history yet (protocol.md section 6).
}

} // namespace

std::string limits_json(const limits& bounds) {
  const std::pair<std::string_view, std::size_t> table[] = {
      {"frame_bytes", bounds.frame_bytes_max},
      {"frame_bytes_before_auth", bounds.frame_bytes_before_auth_max},
      {"header_block_bytes", bounds.header_block_bytes_max},
      {"header_fields", bounds.header_fields_max},
      {"uri_bytes", bounds.uri_bytes_max},
      {"fragments", bounds.fragments_max},
      {"assembly_ms", static_cast<std::size_t>(bounds.assembly_timeout.count())},
      {"fields", frame_fields_max},
      {"depth", json_depth_max},
      {"recipients", bounds.recipients_max},
      {"batch", bounds.batch_frames_max},
      {"groups", bounds.groups_per_session_max},
      {"members", bounds.members_per_group_max},
      {"groups_per_node", bounds.groups_per_node_max},
      {"requests", bounds.requests_in_flight_max},
      {"confirmations", bounds.confirmations_max},
      {"group_bytes", bounds.group_bytes_max},
      {"uid_bytes", bounds.uid_bytes_max},
      {"meta_bytes", bounds.meta_bytes_max},
      {"key_bytes", bounds.key_bytes_max},
      {"token_bytes", bounds.token_bytes_max},
      {"roster_page", bounds.roster_page_members_max},
      {"frames_per_second", bounds.frames_per_second},
      {"frames_burst", bounds.frames_burst},
      {"bytes_per_second", bounds.bytes_per_second},
      {"joins_per_second", bounds.joins_per_second},
      {"outbound_bytes", bounds.outbound_bytes_max},
      {"connections_per_address", bounds.connections_per_address_max},
      {"connections_per_user", bounds.connections_per_user_max},
      {"connections", bounds.connections_max},
      {"handshakes_per_second", bounds.handshakes_per_second},
      {"handshakes_burst", bounds.handshakes_burst},
      {"handshakes_in_progress", bounds.handshakes_in_progress_max},
  };
  std::string out;
  char separator = '{';
  for (auto [name, value] : table) {
    out += std::exchange(separator, ',');
    append_quoted(out, name);
    out += ':';
    append_number(out, value);
  }
  return out += '}';
}

void append_welcome(std::string& out, const welcome& w, std::string_view limits_json) {
  out += R"({"type":"welcome")";
  append_field(out, R"(,"session":)", w.session);
  append_field(out, R"(,"user":)", w.user);
  append_field(out, R"(,"server":)", "beckon/" BECKON_VERSION);
  append_field(out, R"(,"node":)", w.node);
  append_field(out, R"(,"ping_s":)", w.ping_s);
  out += R"(,"groups":{)";
  for (const auto& group : w.groups) {
    if (&group != w.groups.data())
      out += ',';
    append_group(out, group);
  }
  out += '}';
  if (w.expires_in)
    append_field(out, R"(,"expires_in":)", *w.expires_in);
  out += R"(,"limits":)";
  out += limits_json;
  out += '}';
}

void append_ok(std::string& out, std::uint64_t id) {
  append_ok(out, id, {});
}

void append_ok(std::string& out, std::uint64_t id, std::string_view rest) {
  out += R"({"type":"ok")";
  append_id(out, id);
  if (!rest.empty()) {
    out += ',';
    out += rest;
  }
  out += '}';
}

void append_outcomes(std::string& out, std::span<const recipient_outcome> outcomes) {
  out += R"("outcomes":{)";
  for (const auto& one : outcomes) {
    if (&one != outcomes.data())
      out += ',';
    append_quoted(out, one.recipient);
    append_field(out, ":", name(one.what));
  }
  out += '}';
}

void append_error(std::string& out, const error& e) {
  out += R"({"type":"error")";
  append_id(out, e.id);
  append_field(out, R"(,"code":)", name(e.why));
  append_field(out, R"(,"message":)", e.message.empty() ? text(e.why) : e.message);
  append_retry(out, e.retry_after_ms);
  if (!e.outcomes.empty()) {
    out += ',';
    append_outcomes(out, e.outcomes);
  }
  out += '}';
}

void append_foreign_error(std::string& out, std::uint64_t id, std::string_view why,
                          std::string_view message) {
  out += R"({"type":"error")";
  append_id(out, id);
  append_field(out, R"(,"code":)", why);
  append_field(out, R"(,"message":)", message);
  out += '}';
}

std::string describe(const rejection& r) {
  if (r.field.empty())
    return std::string(r.problem.empty() ? text(r.why) : r.problem);
  std::string sentence = r.problem.empty() ? "bad value of field '" : "field '";
  sentence += r.field;
  sentence += '\'';
  if (!r.problem.empty()) {
    sentence += ' ';
    sentence += r.problem;
  }
  return sentence;
}

delivery encode_answer(std::uint64_t id, std::string_view from_json, const payload& data) {
  pieces front;
  front.add(R"({"type":"ok")");
  if (id != 0)
    front.add(R"(,"id":)", id);
  front.add(R"(,"from":)");
  front.add(from_json);
  return finish(front, data);
}

void append_left(std::string& out, std::string_view group_json, left_reason why) {
  out += R"({"type":"left","group":)";
  out += group_json;
  append_field(out, R"(,"why":)", name(why));
  out += '}';
}

void append_gap(std::string& out, std::string_view group_json, std::uint64_t lost) {
  out += R"({"type":"gap")";
  if (!group_json.empty()) {
    out += R"(,"group":)";
    out += group_json;
  }
  append_field(out, R"(,"why":"slow","lost":)", lost);
  out += '}';
}

void append_pong(std::string& out) {
  out += R"({"type":"pong"})";
}

void append_bye(std::string& out, const bye& b) {
  out += R"({"type":"bye")";
  append_field(out, R"(,"code":)", b.code);
  append_field(out, R"(,"message":)", b.message);
  out += b.reconnect ? R"(,"reconnect":true)" : R"(,"reconnect":false)";
  append_retry(out, b.retry_after_ms);
  out += '}';
}

} // namespace beckon::protocol
