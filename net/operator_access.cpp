#include "net/operator_access.hpp"

#include "net/quantity.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <openssl/crypto.h>
#include <utility>

namespace beckon::net {
namespace {

using refusal = std::optional<http_response>;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (auto& c : lower)
    c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower;
}

bool is_port(std::string_view text) {
  auto port = parse_count(text);
  return port && *port > 0 && *port <= 65'535;
}

/// Takes the port off the end of `host:port`. @returns false where it is none
bool take_port(std::string_view& authority) {
  auto colon = authority.rfind(':');
  if (colon == authority.npos || authority.ends_with(']'))
    return true;
  auto port = authority.substr(colon + 1);
  authority = authority.substr(0, colon);
  return is_port(port);
}

bool is_address(std::string_view host) {
  boost::system::error_code ec;
  if (host.size() > 2 && host.starts_with('[') && host.ends_with(']')) {
    boost::asio::ip::make_address_v6(std::string(host.substr(1, host.size() - 2)), ec);
    return !ec;
  }
  boost::asio::ip::make_address_v4(std::string(host), ec);
  return !ec;
}

constexpr std::string_view other_host =
    "the Host is neither an IP address, nor localhost, nor an --admin-host";

} // namespace

operator_access::operator_access(std::vector<std::string> names, bool checks_host, std::string key)
    : names_(std::move(names)), checks_host_(checks_host), key_(std::move(key)) {}

bool operator_access::is_own_name(std::string_view authority) const {
  if (!take_port(authority))
    return false;
  auto host = lower_case(authority);
  return host == "localhost" || is_address(host) ||
         std::find(names_.begin(), names_.end(), host) != names_.end();
}

refusal operator_access::refuse_page(const http_request& request, bool any_host) const {
  auto hosts = request.count(http::field::host);
  if (!any_host && (hosts > 1 || (hosts == 0 && request.version() > 10)))
    return plain_answer(400, "there must be one Host");
  auto host = value_of(request, http::field::host);
  if (hosts == 1 && !any_host && checks_host_ && !is_own_name(host))
    return plain_answer(403, other_host);
  for (auto [at, end] = request.equal_range("Sec-Fetch-Site"); at != end; ++at)
    if (at->value() != "none" && at->value() != "same-origin")
      return plain_answer(403);
  auto origins = request.count(http::field::origin);
  if (origins == 0)
    return std::nullopt;
  auto own = hosts == 1 && is_own_name(host) ? "http://" + lower_case(host) : std::string{};
  if (origins > 1 || own.empty() || value_of(request, http::field::origin) != own)
    return plain_answer(403);
  return std::nullopt;
}

refusal operator_access::refuse_key(const http_request& request) const {
  if (key_.empty())
    return plain_answer(403);
  constexpr std::string_view scheme = "Bearer ";
  auto shown = value_of(request, http::field::authorization);
  if (shown.starts_with(scheme)) {
    shown.remove_prefix(scheme.size());
    if (shown.size() == key_.size() && CRYPTO_memcmp(shown.data(), key_.data(), key_.size()) == 0)
      return std::nullopt;
  }
  auto answer = plain_answer(401);
  answer.set(http::field::www_authenticate, "Bearer");
  return answer;
}

} // namespace beckon::net
