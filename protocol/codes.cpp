#include "protocol/codes.hpp"

namespace beckon::protocol {

std::string_view name(code c) noexcept {
  switch (c) {
  case code::bad_json:
    return "bad_json";
  case code::bad_request:
    return "bad_request";
  case code::unknown_type:
    return "unknown_type";
  case code::unauthenticated:
    return "unauthenticated";
  case code::already_authenticated:
    return "already_authenticated";
  case code::token_expired:
    return "token_expired";
  case code::denied:
    return "denied";
  case code::not_member:
    return "not_member";
  case code::not_found:
    return "not_found";
  case code::not_delivered:
    return "not_delivered";
  case code::timeout:
    return "timeout";
  case code::callee_gone:
    return "callee_gone";
  case code::too_large:
    return "too_large";
  case code::too_many:
    return "too_many";
  case code::rate_limited:
    return "rate_limited";
  case code::overloaded:
    return "overloaded";
  case code::exists:
    return "exists";
  case code::unavailable:
    return "unavailable";
  case code::internal:
    return "internal";
  case code::not_implemented:
    return "not_implemented";
  }
  return {};
}

std::string_view name(close_code c) noexcept {
  switch (c) {
  case close_code::normal:
    return "normal";
  case close_code::protocol_error:
    return "protocol_error";
  case close_code::invalid_utf8:
    return "invalid_utf8";
  case close_code::policy_violation:
    return "policy_violation";
  case close_code::too_big:
    return "too_big";
  case close_code::internal_error:
    return "internal_error";
  case close_code::auth_timeout:
    return "auth_timeout";
  case close_code::invalid_token:
    return "invalid_token";
  case close_code::denied:
    return "denied";
  case close_code::too_many_errors:
    return "too_many_errors";
  case close_code::connection_limit:
    return "connection_limit";
  case close_code::rate_limited:
    return "rate_limited";
  case close_code::slow_consumer:
    return "slow_consumer";
  case close_code::shedding:
    return "shedding";
  case close_code::ping_timeout:
    return "ping_timeout";
  case close_code::token_expired:
    return "token_expired";
  case close_code::draining:
    return "draining";
  }
  return {};
}

std::string_view name(outcome o) noexcept {
  switch (o) {
  case outcome::delivered:
    return "delivered";
  case outcome::parked:
    return "parked";
  case outcome::offline:
    return "offline";
  case outcome::denied:
    return "denied";
  case outcome::overloaded:
    return "overloaded";
  case outcome::expired:
    return "expired";
  case outcome::unknown:
    return "unknown";
  }
  return {};
}

std::string_view name(left_reason r) noexcept {
  switch (r) {
  case left_reason::kicked:
    return "kicked";
  case left_reason::replaced:
    return "replaced";
  case left_reason::group_closed:
    return "group_closed";
  case left_reason::group_failed:
    return "group_failed";
  case left_reason::denied:
    return "denied";
  }
  return {};
}

std::string_view text(close_code c) noexcept {
  switch (c) {
  case close_code::normal:
    return "closed";
  case close_code::protocol_error:
    return "the WebSocket protocol was broken";
  case close_code::invalid_utf8:
    return "a text message is not UTF-8";
  case close_code::policy_violation:
    return "too many fragments, or a message took too long";
  case close_code::too_big:
    return "a message is larger than the limit";
  case close_code::internal_error:
    return "the server made a mistake";
  case close_code::auth_timeout:
    return "no hello with a token came in time";
  case close_code::invalid_token:
    return "the token is not accepted";
  case close_code::denied:
    return "not allowed";
  case close_code::too_many_errors:
    return "too many frames were wrong";
  case close_code::connection_limit:
    return "the user has too many connections";
  case close_code::rate_limited:
    return "over the rate for too long";
  case close_code::slow_consumer:
    return "what is queued is not read";
  case close_code::shedding:
    return "the node is short of memory";
  case close_code::ping_timeout:
    return "no answer to a ping";
  case close_code::token_expired:
    return "the token has expired";
  case close_code::draining:
    return "the node is going down";
  }
  return {};
}

std::string_view text(code c) noexcept {
  switch (c) {
  case code::bad_json:
    return "the frame is not JSON";
  case code::bad_request:
    return "the frame breaks a rule of its type";
  case code::unknown_type:
    return "no such type of frame";
  case code::unauthenticated:
    return "say hello with a token first";
  case code::already_authenticated:
    return "this session is authenticated already";
  case code::token_expired:
    return "the token has expired";
  case code::denied:
    return "not allowed";
  case code::not_member:
    return "this session is not a member of the group";
  case code::not_found:
    return "the group offers no call of that name";
  case code::not_delivered:
    return "no recipient got it";
  case code::timeout:
    return "no reply in time";
  case code::callee_gone:
    return "the last session that was asked has ended";
  case code::too_large:
    return "larger than the limit";
  case code::too_many:
    return "more than the limit";
  case code::rate_limited:
    return "too many in too short a time";
  case code::overloaded:
    return "the queue is full";
  case code::exists:
    return "there is such a member already";
  case code::unavailable:
    return "the server cannot do this at the moment";
  case code::internal:
    return "the server made a mistake";
  case code::not_implemented:
    return "not implemented yet";
  }
  return {};
}

} // namespace beckon::protocol
