#pragma once
// The origin of a web page (RFC 6454) as browsers write it. Owns: its spelling.
// Pure functions; which origins may connect, by the options, is decided here too (options.hpp).

#include <string_view>

namespace beckon::net {

/// `scheme://host[:port]` in lower case, without the scheme's own port; or `null`.
bool is_origin(std::string_view text) noexcept;

/// An origin whose host is this machine: localhost, 127.0.0.0/8 or [::1], on any port.
bool is_loopback_origin(std::string_view text);

} // namespace beckon::net
