#include "net/token.hpp"

#include "net/file.hpp"
#include "protocol/json.hpp"
#include "protocol/names.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <optional>
#include <stdexcept>

namespace beckon::net {

namespace {

using protocol::json_kind;
using std::chrono::system_clock;
template <class T>
using read_result = boost::system::result<T, token_errc>;
using object = protocol::json_splitter::object;

constexpr std::size_t mac_bytes = 32;
using mac = std::array<unsigned char, mac_bytes>;

constexpr std::string_view base64url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void append_base64url(std::string& out, std::string_view bytes) {
  unsigned bits = 0;
  int held = 0;
  for (unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 6; held -= 6)
      out += base64url[bits >> (held - 6) & 63];
  }
  if (held > 0)
    out += base64url[bits << (6 - held) & 63];
}

/// No padding, no foreign characters, and only the one spelling that an encoder writes: the bits
/// behind the last byte are zero (else one signature had several forms).
std::optional<std::string> decode_base64url(std::string_view text) {
  std::string bytes;
  unsigned bits = 0;
  int held = 0;
  for (char c : text) {
    auto value = base64url.find(c);
    if (value == base64url.npos)
      return {};
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xff);
    }
  }
  if (held == 6 || (bits & ((1U << held) - 1)) != 0)
    return {};
  return bytes;
}

/// HMAC-SHA256 (RFC 2104).
mac sign(std::string_view key, std::string_view text) {
  mac result;
  std::size_t length = 0;
  auto done = EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(),
                        reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                        result.data(), result.size(), &length);
  if (!done || length != result.size())
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA256");
  return result;
}

struct token_parts {
  std::string_view header, payload, signature;
  std::string_view signed_text; // header.payload
};

/// The compact form (RFC 7515, 7.1): three parts, two dots.
std::optional<token_parts> split(std::string_view token) {
  auto first = token.find('.');
  auto second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return {};
  return token_parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                     token.substr(second + 1), token.substr(0, second)};
}

std::string_view raw_field(const object& fields, std::string_view key) {
  for (std::size_t i = 0; i < fields.size; ++i)
    if (fields.fields[i].key == key)
      return fields.fields[i].raw;
  return {};
}

/// A JSON parser that keeps the last of two equal names would read another token than one that
/// keeps the first (RFC 7519, 4).
bool has_duplicates(const object& fields) {
  for (std::size_t i = 0; i < fields.size; ++i)
    if (raw_field(fields, fields.fields[i].key).data() != fields.fields[i].raw.data())
      return true;
  return false;
}

std::optional<std::string> string_of(std::string_view raw) {
  if (raw.empty() || protocol::kind_of(raw) != json_kind::string)
    return {};
  std::string text;
  protocol::unescape(raw, text);
  return text;
}

/// The algorithm is the key's, never the token's: the header must name it and must ask for nothing
/// that we do not do. Keys that the header names or carries (kid, jku, jwk, x5u) are not looked at.
std::optional<token_errc> check_header(std::string_view encoded,
                                       protocol::json_splitter& splitter) {
  auto json = decode_base64url(encoded);
  object header;
  if (!json || splitter.split(*json, header))
    return token_errc::bad_header;
  if (has_duplicates(header))
    return token_errc::bad_header;
  if (!raw_field(header, "crit").empty())
    return token_errc::critical_extension;
  auto kid = raw_field(header, "kid");
  if (!kid.empty() && !string_of(kid))
    return token_errc::bad_header;
  if (string_of(raw_field(header, "alg")) != "HS256")
    return token_errc::wrong_algorithm;
  return {};
}

/// A NumericDate (RFC 7519, 2): seconds since 1970, a fraction allowed, up to the year 9999.
read_result<system_clock::time_point> date_of(std::string_view raw) {
  constexpr double year_10000 = 253'402'300'800;
  constexpr double year_2200 = 7'258'118'400; // what a count of nanoseconds still holds
  double seconds = 0;
  if (protocol::kind_of(raw) != json_kind::number)
    return token_errc::bad_time;
  auto [end, ec] = std::from_chars(raw.data(), raw.data() + raw.size(), seconds);
  if (ec != std::errc{} || end != raw.data() + raw.size() || !(seconds >= 0) ||
      seconds >= year_10000)
    return token_errc::bad_time;
  std::chrono::duration<double> since_1970(std::min(seconds, year_2200));
  return system_clock::time_point(
      std::chrono::duration_cast<std::chrono::microseconds>(since_1970));
}

/// `exp`, and `nbf` and `iat` where they are, against the clock.
read_result<system_clock::time_point>
check_times(const object& fields, system_clock::time_point now, std::chrono::milliseconds leeway) {
  auto exp = raw_field(fields, "exp");
  if (exp.empty())
    return token_errc::no_expiry;
  auto expires = date_of(exp);
  if (!expires)
    return expires;
  for (auto name : {"nbf", "iat"}) {
    auto raw = raw_field(fields, name);
    if (raw.empty())
      continue;
    auto from = date_of(raw);
    if (!from)
      return from;
    if (now < *from - leeway)
      return token_errc::not_yet_valid;
  }
  if (now >= *expires + leeway)
    return token_errc::expired;
  return now < *expires ? *expires : *expires + leeway;
}

/// `as`: one uid or a list of them; nothing when it is neither.
std::optional<std::vector<std::string>> members_of(std::string_view raw,
                                                   protocol::json_splitter& splitter,
                                                   const protocol::limits& bounds) {
  std::vector<std::string> members;
  auto take = [&](std::string_view element) {
    auto uid = string_of(element);
    if (!uid || !protocol::is_uid(*uid, bounds))
      return false;
    members.push_back(std::move(*uid));
    return true;
  };
  if (raw.empty())
    return members;
  auto good =
      protocol::kind_of(raw) == json_kind::array ? splitter.each_element(raw, take) : take(raw);
  return good ? std::optional(std::move(members)) : std::nullopt;
}

} // namespace

std::string_view text(token_errc why) noexcept {
  switch (why) {
  case token_errc::too_large:
    return "the token is too large";
  case token_errc::malformed:
    return "the token is not three parts of base64url";
  case token_errc::bad_header:
    return "the token's header is not what RFC 7515 allows";
  case token_errc::wrong_algorithm:
    return "the token's header does not say HS256";
  case token_errc::critical_extension:
    return "the token's header asks for an extension";
  case token_errc::bad_signature:
    return "the token's signature is not of our key";
  case token_errc::bad_claims:
    return "the token's claims are not a JSON object of at most 32 fields";
  case token_errc::duplicate_claim:
    return "the token has a claim twice";
  case token_errc::bad_subject:
    return "the token's sub is missing or no uid";
  case token_errc::bad_members:
    return "the token's as is neither a uid nor a list of uids";
  case token_errc::no_expiry:
    return "the token has no exp";
  case token_errc::bad_time:
    return "the token's exp, nbf or iat is no date";
  case token_errc::expired:
    return "the token has expired";
  case token_errc::not_yet_valid:
    return "the token is not valid yet";
  }
  return {};
}

bool claims::may_be(std::string_view uid) const noexcept {
  return uid == sub ||
         std::any_of(as.begin(), as.end(), [&](auto& name) { return name == "*" || name == uid; });
}

token_verifier::token_verifier(std::string key, std::chrono::milliseconds leeway,
                               const protocol::limits& bounds)
    : key_(std::move(key)), leeway_(leeway), bounds_(bounds) {
  assert(key_.size() >= token_key_bytes_min);
}

boost::system::result<claims, token_errc>
token_verifier::verify(std::string_view token, system_clock::time_point now) const {
  if (token.size() > bounds_.token_bytes_max)
    return token_errc::too_large;
  auto parts = split(token);
  if (!parts)
    return token_errc::malformed;
  protocol::json_splitter splitter;
  if (auto why = check_header(parts->header, splitter))
    return *why;
  auto signature = decode_base64url(parts->signature);
  if (!signature)
    return token_errc::malformed;
  auto expected = sign(key_, parts->signed_text);
  if (signature->size() != expected.size() ||
      CRYPTO_memcmp(signature->data(), expected.data(), expected.size()) != 0)
    return token_errc::bad_signature;

  // From here on the token is of our issuer, who may still have made a mistake.
  auto json = decode_base64url(parts->payload);
  object fields;
  if (!json)
    return token_errc::malformed;
  if (splitter.split(*json, fields))
    return token_errc::bad_claims;
  if (has_duplicates(fields))
    return token_errc::duplicate_claim;
  auto subject = string_of(raw_field(fields, "sub"));
  // A user `*` would be taken for everybody in somebody's `as`.
  if (!subject || !protocol::is_uid(*subject, bounds_) || *subject == "*")
    return token_errc::bad_subject;
  auto members = members_of(raw_field(fields, "as"), splitter, bounds_);
  if (!members)
    return token_errc::bad_members;
  auto expires_at = check_times(fields, now, leeway_);
  if (!expires_at)
    return expires_at.error();
  return claims{std::move(*subject), *expires_at, std::move(*members)};
}

std::string make_token(std::string_view key, const claims& says) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(says.expires_at.time_since_epoch());
  std::string payload = R"({"sub":)";
  protocol::append_quoted(payload, says.sub);
  payload += R"(,"exp":)" + std::to_string(seconds.count());
  const char* separator = R"(,"as":[)";
  for (const auto& uid : says.as) {
    payload += separator;
    protocol::append_quoted(payload, uid);
    separator = ",";
  }
  payload += says.as.empty() ? "}" : "]}";

  std::string token;
  append_base64url(token, R"({"alg":"HS256","typ":"JWT"})");
  token += '.';
  append_base64url(token, payload);
  auto signature = sign(key, token);
  token += '.';
  append_base64url(token, {reinterpret_cast<const char*>(signature.data()), signature.size()});
  return token;
}

boost::system::result<token_key, std::string> read_token_key(const std::string& path) {
  constexpr std::size_t key_bytes_max = 64 * 1024;
  auto file = read_small_file(path, key_bytes_max);
  auto no_key = [](std::string why) {
    return boost::system::result<token_key, std::string>(boost::system::in_place_error,
                                                         std::move(why));
  };
  if (!file)
    return no_key("cannot be read: " + file.error().message());
  token_key key{std::move(file->bytes), file->world_readable};
  if (key.bytes.ends_with('\n'))
    key.bytes.pop_back();
  if (key.bytes.size() < token_key_bytes_min)
    return no_key("is shorter than " + std::to_string(token_key_bytes_min) + " bytes");
  return key;
}

} // namespace beckon::net
