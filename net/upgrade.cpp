#include "net/upgrade.hpp"

#include "protocol/base64.hpp"
#include "protocol/names.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/url/encoding_opts.hpp>
#include <boost/url/pct_string_view.hpp>
#include <cctype>
#include <openssl/evp.h>
#include <vector>

namespace beckon::net {
namespace {

namespace http = boost::beast::http;
using upgrade_request = http::request<http::empty_body>;

constexpr std::string_view end_of_block = "\r\n\r\n";
constexpr std::string_view http2_preface = "PRI * HTTP/2.0";
/// RFC 6455, 4.1: the key is 16 bytes in base64.
constexpr std::size_t key_chars = 24;

std::string_view view(boost::beast::string_view s) {
  return {s.data(), s.size()};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

/// What Beast's parser lets pass or reports without telling what: checked on the bytes. @returns a
/// status, or 0
unsigned check_lines(std::string_view block, const protocol::limits& bounds) {
  std::size_t fields = 0;
  auto line_start = std::size_t{0};
  while (line_start < block.size()) {
    auto end = block.find("\r\n", line_start);
    auto line = block.substr(line_start, end - line_start);
    if (std::any_of(line.begin(), line.end(),
                    [](char c) { return c == '\r' || c == '\n' || c == '\0'; }))
      return 400;
    if (line_start == 0) {
      auto uri = line.substr(std::min(line.find(' ') + 1, line.size()));
      if (uri.substr(0, uri.find(' ')).size() > bounds.uri_bytes_max)
        return 414;
    } else if (!line.empty()) {
      if (line.front() == ' ' || line.front() == '\t')
        return 400; // obs-fold (RFC 9112, 5.2)
      if (++fields > bounds.header_fields_max)
        return 431;
    }
    line_start = end + 2;
  }
  return 0;
}

/// Undoes %XX, and + for a blank. @returns nothing when a % is followed by anything else
std::optional<std::string> decoded(std::string_view text) {
  auto encoded = boost::urls::make_pct_string_view({text.data(), text.size()});
  if (!encoded)
    return std::nullopt;
  boost::urls::encoding_opts how;
  how.space_as_plus = true;
  return encoded->decode(how);
}

/// The values of one parameter of the target's query, decoded. @returns nothing when one cannot be
std::optional<std::vector<std::string>> query_values(std::string_view target,
                                                     std::string_view name) {
  std::vector<std::string> values;
  auto at = target.find('?');
  while (at != target.npos) {
    target.remove_prefix(at + 1);
    at = target.find('&');
    auto pair = target.substr(0, at);
    auto equals = pair.find('=');
    if (pair.substr(0, equals) != name)
      continue;
    auto value = decoded(equals == pair.npos ? std::string_view{} : pair.substr(equals + 1));
    if (!value)
      return std::nullopt;
    values.push_back(std::move(*value));
  }
  return values;
}

/// A field of a request: its first value, and how often it stands there.
struct field_line {
  std::string_view value;
  std::size_t count = 0;

  void add(std::string_view another) {
    if (++count == 1)
      value = another;
  }
};

/// The fields that an upgrade is judged by. Slices of the request.
struct request_fields {
  field_line host, upgrade, connection, key, version, protocols, origin, authorization;
  bool has_body = false;
  bool offers_ours = false; ///< `beckon.v1` is among the sub-protocols

  // One walk: Beast searches by comparing names, which cost more than all the rest of an upgrade.
  explicit request_fields(const upgrade_request& request) {
    for (const auto& field : request)
      add(field.name(), view(field.value()));
  }

private:
  void add(http::field name, std::string_view value) {
    switch (name) {
    case http::field::host:
      return host.add(value);
    case http::field::upgrade:
      return upgrade.add(value);
    case http::field::connection:
      return connection.add(value);
    case http::field::sec_websocket_key:
      return key.add(value);
    case http::field::sec_websocket_version:
      return version.add(value);
    case http::field::sec_websocket_protocol:
      protocols.add(value);
      offers_ours = offers_ours || http::token_list(value).exists("beckon.v1");
      return;
    case http::field::origin:
      return origin.add(value);
    case http::field::authorization:
      return authorization.add(value);
    case http::field::content_length:
    case http::field::transfer_encoding:
      has_body = true;
      return;
    default:
      return;
    }
  }
};

unsigned check_origin(const request_fields& fields, const options& values) {
  if (fields.origin.count == 0)
    return 0; // not a browser: the token says who it is
  if (fields.origin.count > 1)
    return 403;
  return is_allowed_origin(values, fields.origin.value) ? 0 : 403;
}

/// The fields that make a request an upgrade to WebSocket 13 (RFC 6455, 4.2.1).
unsigned check_websocket_fields(const request_fields& fields, verdict& v) {
  if (!http::token_list(fields.upgrade.value).exists("websocket")) {
    v.header = "Upgrade: websocket";
    return 426;
  }
  if (!http::token_list(fields.connection.value).exists("upgrade"))
    return 400;
  std::string nonce;
  if (fields.key.count != 1 || fields.key.value.size() != key_chars ||
      !protocol::decode_base64(fields.key.value, nonce) || nonce.size() != 16)
    return 400;
  if (fields.version.count != 1 || fields.version.value != "13") {
    v.header = "Sec-WebSocket-Version: 13";
    return 426;
  }
  return fields.protocols.count > 0 && !fields.offers_ours ? 400 : 0;
}

/// Who it is, by header or URL; a client that shows nothing has to say hello.
unsigned check_identity(const request_fields& fields, std::string_view target, const judge& by,
                        verdict& v) {
  if (fields.authorization.count > 0) {
    auto value = fields.authorization.value;
    constexpr std::string_view scheme = "bearer ";
    auto is_bearer = fields.authorization.count == 1 && value.size() > scheme.size() &&
                     equal_ignoring_case(value.substr(0, scheme.size()), scheme);
    if (is_bearer && by.verify)
      v.greet.who = by.verify(value.substr(scheme.size()));
    v.bad_token = !v.greet.who;
    return v.greet.who ? 0 : 401;
  }
  if (!by.values.insecure)
    return 0;
  auto uid = query_values(target, "uid");
  if (!uid || uid->size() > 1 ||
      (uid->size() == 1 && !protocol::is_uid(uid->front(), by.values.bounds)))
    return 400;
  if (uid->size() == 1)
    v.greet.who = actors::identity{.user = uid->front(), .as = {}, .expires = {}};
  return 0;
}

unsigned check_request(const upgrade_request& request, const judge& by, verdict& v) {
  const request_fields fields(request);
  if (request.version() != 11 || fields.host.count != 1 || fields.host.value.empty())
    return 400;
  if (fields.has_body)
    return 400; // no request of ours has one, and two lengths are how requests are smuggled
  auto target = view(request.target());
  auto path = target.substr(0, target.find('?'));
  auto is_probe = path == "/healthz" || path == "/readyz";
  if (!is_probe && path != by.values.path)
    return 404;
  if (request.method() != http::verb::get && !(is_probe && request.method() == http::verb::head)) {
    v.header = is_probe ? "Allow: GET, HEAD" : "Allow: GET";
    return 405;
  }
  if (is_probe)
    return path == "/healthz" || by.ready ? 200 : 503;
  if (auto status = check_websocket_fields(fields, v))
    return status;
  if (auto status = check_origin(fields, by.values))
    return status;
  if (auto status = check_identity(fields, target, by, v))
    return status;
  auto groups = query_values(target, "group");
  if (!groups)
    return 400;
  v.greet.groups = std::move(*groups);
  v.key = fields.key.value;
  v.names_protocol = fields.protocols.count > 0;
  return 101;
}

} // namespace

std::size_t header_block(std::string_view bytes) {
  auto end = bytes.find(end_of_block);
  return end == bytes.npos ? 0 : end + end_of_block.size();
}

bool has_bare_newline(std::string_view bytes) {
  for (auto at = bytes.find('\n'); at != bytes.npos; at = bytes.find('\n', at + 1))
    if (at == 0 || bytes[at - 1] != '\r')
      return true;
  return false;
}

bool looks_like_http(std::string_view bytes) {
  if (bytes.substr(0, http2_preface.size()) == http2_preface.substr(0, bytes.size()) &&
      bytes.size() >= 4)
    return false;
  // A method is a token of capital letters; the longest registered one has 17.
  auto method = bytes.substr(0, bytes.find(' '));
  return method.size() <= 17 && std::all_of(method.begin(), method.end(), [](unsigned char c) {
           return std::isupper(c) || c == '-';
         });
}

verdict check_upgrade(std::string_view block, const judge& by) {
  verdict v;
  v.status = check_lines(block, by.values.bounds);
  if (v.status)
    return v;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(block.size()) + 1);
  boost::system::error_code ec;
  parser.put(boost::asio::const_buffer(block.data(), block.size()), ec);
  if (ec || !parser.is_header_done()) {
    v.status = 400;
    return v;
  }
  v.status = check_request(parser.get(), by, v);
  return v;
}

std::string upgrade_answer(const verdict& v) {
  // RFC 6455, 4.2.2: the key and this word, hashed by SHA-1.
  auto key = v.key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  static const auto* sha1 = ::EVP_MD_fetch(nullptr, "SHA1", nullptr); // by name each time is slow
  std::array<char, 20> hash{};
  ::EVP_Digest(key.data(), key.size(), reinterpret_cast<unsigned char*>(hash.data()), nullptr, sha1,
               nullptr);
  std::string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                       "Upgrade\r\nSec-WebSocket-Accept: ";
  protocol::append_base64(answer, {hash.data(), hash.size()});
  // The one sub-protocol there is; a client that offers none gets none named (RFC 6455, 4.1: it
  // would have to fail).
  if (v.names_protocol)
    answer += "\r\nSec-WebSocket-Protocol: beckon.v1";
  return answer += "\r\n\r\n";
}

std::string http_answer(unsigned status, std::string_view header, std::string_view text) {
  auto reason = http::obsolete_reason(static_cast<http::status>(status));
  std::string body(status == 200 ? "ok" : text.empty() ? view(reason) : text);
  body += '\n';
  std::string answer =
      "HTTP/1.1 " + std::to_string(status) + ' ' + std::string(view(reason)) + "\r\n";
  if (!header.empty())
    answer.append(header).append("\r\n");
  answer += "Content-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
            std::to_string(body.size());
  return answer + "\r\n\r\n" + body;
}

} // namespace beckon::net
