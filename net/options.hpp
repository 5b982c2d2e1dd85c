#pragma once
// What the operator decides. Owns: every option's name, unit, default and reason (one table,
// option_table.cpp) and the rules between them. Read once by main from command line, environment
// and file; handed down by constructor.

#include "actors/behaviours.hpp"
#include "net/cluster_settings.hpp"
#include "net/endpoint.hpp"
#include "net/log.hpp"
#include "protocol/limits.hpp"
#include "protocol/policy.hpp"

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace beckon::net {

/// Exit status for a wrong configuration (EX_CONFIG of sysexits.h).
inline constexpr int exit_config = 78;
/// Longest name of a node: it stands in every session id.
inline constexpr std::size_t node_bytes_max = 64;

/// Units and reasons stand in the table; `beckon serve --help` prints them.
struct options {
  std::vector<listen_address> listen = localhost();
  std::uint16_t port = 8080; ///< 0: the kernel chooses one, for all addresses
  std::string path = "/ws";
  std::optional<admin_address> admin_listen =
      admin_address{boost::asio::ip::address_v4::loopback(), 8701};
  std::vector<std::string> admin_hosts; ///< lower case
  std::size_t threads = 0;              ///< 0: one per core
  std::string node;                     ///< filled by configure: the host's name

  bool insecure = false;
  std::string token_key_file;
  std::chrono::milliseconds token_leeway{30'000};
  std::vector<std::string> origins; ///< as browsers write them
  std::vector<protocol::policy_rule> policies;
  std::string admin_key_file;

  std::chrono::milliseconds ping{10'000};
  std::chrono::milliseconds pong{10'000};
  std::chrono::milliseconds auth_timeout{5'000};
  std::chrono::milliseconds handshake_timeout{5'000};
  std::chrono::milliseconds stall_timeout{10'000};
  std::chrono::milliseconds over_limit_timeout{30'000};
  std::chrono::milliseconds drain_timeout{9'000};

  std::uint64_t memory_max = 0; ///< 0: what the system says

  log_level least_level = log_level::info;
  log_format format = log_format::text;

  bool behind_proxy = false;

  std::vector<actors::behaviour_rule> behaviours;
  std::vector<std::string> behaviour_libraries;
  std::map<std::string, actors::settings, std::less<>> behaviour_settings; ///< by its name

  cluster_settings cluster;

  protocol::limits bounds;
};

struct configured {
  enum class wish { serve, help, version, print, check };

  options values;
  wish what = wish::serve;
  std::string text; ///< for stdout, when the wish is not `serve`: print it and exit 0
  std::vector<std::string> warnings; ///< one line each, for the log
  std::set<std::string, std::less<>>
      given;             ///< names of the options that some source gave, without `--`
  std::string token_key; ///< the key of token_key_file; empty: none
  std::string admin_key; ///< the key of admin_key_file; empty: none
};

/// Reads command line > environment > file > default. argv[0] is skipped (the program, or the word
/// `serve`).
/// @returns the configuration, or the one line that says what is wrong with it, for stderr before
/// exit_config.
boost::system::result<configured, std::string> configure(int argc, const char* const* argv,
                                                         const char* const* envp);

/// Whether browsers' pages of this origin may connect: exact, against the allow-list.
bool is_allowed_origin(const options& values, std::string_view origin);

} // namespace beckon::net
