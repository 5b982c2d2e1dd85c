#include "net/origin.hpp"

#include "net/options.hpp"
#include "net/quantity.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>

namespace beckon::net {

namespace {

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits = "0123456789";

struct origin_parts {
  std::string_view scheme;
  std::string_view host; // IPv6 with its brackets
  std::string_view port; // empty: none
};

bool consists_of(std::string_view text, std::string_view set, std::string_view more) noexcept {
  for (char c : text)
    if (set.find(c) == set.npos && digits.find(c) == digits.npos && more.find(c) == more.npos)
      return false;
  return !text.empty();
}

bool is_host(std::string_view host) noexcept {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return consists_of(host.substr(1, host.size() - 2), "abcdef", ":.");
  return consists_of(host, letters, "-._");
}

bool is_port(std::string_view port, std::string_view scheme) noexcept {
  if (port.empty() || port.front() == '0' || port.size() > 5 || !consists_of(port, digits, ""))
    return false;
  auto own = scheme == "https" ? "443" : scheme == "http" ? "80" : "";
  return *parse_count(port) <= 65'535 && port != own;
}

std::optional<origin_parts> split(std::string_view text) noexcept {
  auto scheme_end = text.find("://");
  if (scheme_end == text.npos)
    return {};
  auto authority = text.substr(scheme_end + 3);
  auto bracket = authority.find(']');
  auto colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  origin_parts parts{text.substr(0, scheme_end), authority.substr(0, colon), {}};
  if (letters.find(parts.scheme.empty() ? '-' : parts.scheme.front()) == letters.npos ||
      !consists_of(parts.scheme, letters, "+-.") || !is_host(parts.host))
    return {};
  if (colon != authority.npos) {
    parts.port = authority.substr(colon + 1);
    if (!is_port(parts.port, parts.scheme))
      return {};
  }
  return parts;
}

} // namespace

bool is_origin(std::string_view text) noexcept {
  return text == "null" || split(text).has_value();
}

bool is_loopback_origin(std::string_view text) {
  auto parts = split(text);
  if (!parts || (parts->scheme != "http" && parts->scheme != "https"))
    return false;
  if (parts->host == "localhost" || parts->host == "[::1]")
    return true;
  boost::system::error_code ec;
  auto address = boost::asio::ip::make_address_v4(std::string(parts->host), ec);
  return !ec && address.is_loopback();
}

bool is_allowed_origin(const options& values, std::string_view origin) {
  return std::find(values.origins.begin(), values.origins.end(), origin) != values.origins.end() ||
         (values.insecure && is_loopback_origin(origin));
}

} // namespace beckon::net
