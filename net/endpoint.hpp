#pragma once
// Addresses to listen on, as the operator writes them. Owns: their spelling.
// Values; names are not resolved, as a name service that is down must not keep a server from
// starting.

#include <boost/asio/ip/address.hpp>
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

/// The address as it stands in a URL: IPv6 in brackets.
std::string in_url(const boost::asio::ip::address& address);

} // namespace beckon::net
