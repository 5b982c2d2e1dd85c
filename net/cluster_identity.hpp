#pragma once
// Who a node is, to other nodes: certificate, key and CA. Owns: how they are read and what makes
// them fit together. Read at start; the contexts made here live as long as the gate.

#include "net/cluster_options.hpp"
#include "net/cluster_settings.hpp"

#include <boost/asio/ssl/context.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

/// Reads certificate, key and CA. @returns what keeps them from proving that this is `node`
std::optional<option_trouble> check_identity(const cluster_settings& cluster,
                                             std::string_view node);

/// For both roles: TLS 1.2 or later, a certificate of the CA wanted, nothing resumed.
/// @throws boost::system::system_error when a file has become unreadable since check_identity
boost::asio::ssl::context make_tls(const cluster_settings& cluster);

/// The names that a certificate gives its node: the subject's CN and the DNS names.
std::vector<std::string> names_of(X509* certificate);

} // namespace beckon::net
