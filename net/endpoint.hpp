#pragma once
// Addresses to listen on, as the operator writes them. Owns: their spelling.
// Values; names are not resolved, as a name service that is down must not keep a server from
// starting.

#include <boost/asio/ip/address.hpp>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

struct listen_address {
  boost::asio::ip::address address;
  /// It may be missing on this machine: the IPv6 half of `localhost`.
  bool optional = false;
};

struct admin_address {
  boost::asio::ip::address address;
  std::uint16_t port = 0;
};

/// 127.0.0.1 and, where it exists, [::1].
std::vector<listen_address> localhost();

/// `127.0.0.1`, `::1`, `[::1]` or `localhost` (two addresses). @returns none for anything else,
/// also with a port.
std::vector<listen_address> parse_listen(std::string_view text);
/// What parse_listen reads back as the same.
std::vector<std::string> print_listen(const std::vector<listen_address>& addresses);

/// `127.0.0.1:8701`, `[::1]:8701`, `localhost:8701`.
std::optional<admin_address> parse_admin(std::string_view text);
std::string print_admin(const admin_address& admin);

/// Where another node is: a name or an IP address, and a port.
struct node_address {
  std::string host; ///< IPv6 without brackets
  std::uint16_t port = 0;
  auto operator<=>(const node_address&) const = default;
};

/// Longest host name (RFC 1035, 2.3.4: 255 with its two lengths).
inline constexpr std::size_t host_bytes_max = 253;

/// `node-1.example:4700`, `127.0.0.1:4700`, `[::1]:4700`; not port 0.
std::optional<node_address> parse_node_address(std::string_view text);
std::string print_node_address(const node_address& where);
/// Whether it can only be this machine, without asking a name service.
bool is_loopback(const node_address& where);

/// A host name in lower case: letters, digits, `-`, `_`, `.`. @returns none for anything else
std::optional<std::string> parse_host_name(std::string_view text);

/// The address as it stands in a URL: IPv6 in brackets.
std::string in_url(const boost::asio::ip::address& address);

} // namespace beckon::net
