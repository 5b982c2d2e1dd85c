#pragma once
// How a node meets the others of its cluster, as the operator decides. Owns: the defaults. Part of
// the options; read once, then constant.

#include "net/endpoint.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace beckon::net {

/// Units and reasons stand in cluster_options.cpp.
struct cluster_settings {
  std::optional<admin_address> listen; ///< none: this node is alone
  std::vector<node_address> seeds;
  std::optional<node_address> advertise; ///< none: where it listens
  std::string name;                      ///< the same as options::node, or empty
  std::string id = "beckon";
  std::string cert; ///< these three: PEM files
  std::string key;
  std::string ca;
  bool insecure = false; ///< without TLS, on loopback only
  std::chrono::milliseconds heartbeat{500};
  std::chrono::milliseconds timeout{2'000};
};

} // namespace beckon::net
