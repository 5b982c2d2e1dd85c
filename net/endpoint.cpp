#include "net/endpoint.hpp"

#include "net/quantity.hpp"

namespace beckon::net {

namespace {

namespace ip = boost::asio::ip;

std::optional<ip::address> parse_address(std::string_view text) {
  boost::system::error_code ec;
  auto bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (bracketed)
    text = text.substr(1, text.size() - 2);
  auto address = ip::make_address(std::string(text), ec);
  if (ec || (bracketed && !address.is_v6()))
    return {};
  return address;
}

} // namespace

std::vector<listen_address> localhost() {
  return {{ip::address_v4::loopback(), false}, {ip::address_v6::loopback(), true}};
}

std::vector<listen_address> parse_listen(std::string_view text) {
  if (text == "localhost")
    return localhost();
  if (auto address = parse_address(text))
    return {{*address, false}};
  return {};
}

std::vector<std::string> print_listen(const std::vector<listen_address>& addresses) {
  std::vector<std::string> texts;
  for (const auto& listen : addresses)
    if (listen.optional)
      texts.back() = "localhost"; // it comes in pairs, behind its IPv4 half
    else
      texts.push_back(listen.address.to_string());
  return texts;
}

std::optional<admin_address> parse_admin(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return {};
  auto host = text.substr(0, colon);
  auto port = parse_count(text.substr(colon + 1));
  auto address =
      host == "localhost" ? ip::address(ip::address_v4::loopback()) : parse_address(host);
  // Without brackets it is unclear where an IPv6 address ends.
  if (!address || !port || *port > 65'535 || (address->is_v6() && !host.starts_with('[')))
    return {};
  return admin_address{*address, static_cast<std::uint16_t>(*port)};
}

std::string print_admin(const admin_address& admin) {
  return in_url(admin.address) + ':' + std::to_string(admin.port);
}

std::optional<node_address> parse_node_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return {};
  auto host = text.substr(0, colon);
  auto port = parse_count(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65'535 || host.empty() || host.size() > host_bytes_max)
    return {};
  node_address where{std::string(host), static_cast<std::uint16_t>(*port)};
  if (auto address = parse_address(host)) {
    if (address->is_v6() && !host.starts_with('['))
      return {};
    where.host = address->to_string();
    return where;
  }
  if (!parse_host_name(host))
    return {};
  return where;
}

std::optional<std::string> parse_host_name(std::string_view text) {
  std::string name(text);
  for (auto& c : name) {
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    auto fits =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!fits)
      return {};
  }
  if (name.empty() || name.size() > host_bytes_max)
    return {};
  return name;
}

std::string print_node_address(const node_address& where) {
  auto is_v6 = where.host.find(':') != std::string::npos;
  return (is_v6 ? '[' + where.host + ']' : where.host) + ':' + std::to_string(where.port);
}

bool is_loopback(const node_address& where) {
  auto address = parse_address(where.host);
  return where.host == "localhost" || (address && address->is_loopback());
}

std::string in_url(const ip::address& address) {
  return address.is_v6() ? '[' + address.to_string() + ']' : address.to_string();
}

} // namespace beckon::net
