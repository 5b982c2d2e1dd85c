#include "net/option_table.hpp"

#include "actors/address.hpp"
#include "net/behaviour_options.hpp"
#include "net/cluster_options.hpp"
#include "net/endpoint.hpp"
#include "net/limit_options.hpp"
#include "net/origin.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace beckon::net {

namespace {

using protocol::limits;
using protocol::session_policy;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using refusal = option_refusal;
using values = option_values;

template <class T, std::size_t N>
option_row choice(option_row row, T options::*place,
                  const std::array<std::pair<std::string_view, T>, N>& choices) {
  row.read = [=, unit = row.unit](options& o, std::string_view text) -> refusal {
    for (const auto& [word, value] : choices)
      if (word == text) {
        o.*place = value;
        return {};
      }
    return "is none of " + std::string(unit);
  };
  row.print = [=](const options& o) {
    auto chosen = std::find_if(choices.begin(), choices.end(),
                               [&](const auto& c) { return c.second == o.*place; });
    return values{std::string(chosen->first)};
  };
  return row;
}

refusal read_listen(options& o, std::string_view text) {
  auto addresses = parse_listen(text);
  if (addresses.empty())
    return "is neither an IP address (without a port) nor localhost";
  for (const auto& address : addresses) {
    auto same = [&](const listen_address& known) { return known.address == address.address; };
    if (std::any_of(o.listen.begin(), o.listen.end(), same))
      return "is listened on already";
    o.listen.push_back(address);
  }
  return {};
}

bool is_safe(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

refusal read_path(options& o, std::string_view text) {
  auto plain = [](char c) { return is_safe(c) || c == '/' || c == '.' || c == '~'; };
  if (!text.starts_with('/') || text.size() > 256 || !std::all_of(text.begin(), text.end(), plain))
    return "is not a path (/ and up to 255 of letters, digits, - _ . ~ /)";
  if (text == "/healthz" || text == "/readyz")
    return "is taken by the health checks";
  o.path = text;
  return {};
}

refusal read_admin(options& o, std::string_view text) {
  o.admin_listen = parse_admin(text);
  if (!o.admin_listen && text != "off")
    return "is neither ADDRESS:PORT nor off";
  return {};
}

refusal read_admin_host(options& o, std::string_view text) {
  auto name = parse_host_name(text);
  if (!name)
    return "is not a host name (without a port)";
  o.admin_hosts.push_back(std::move(*name));
  return {};
}

refusal read_node(options& o, std::string_view text) {
  if (text.size() > node_bytes_max || !std::all_of(text.begin(), text.end(), is_safe))
    return "is not a name (up to 64 letters, digits, - _)";
  o.node = text;
  return {};
}

refusal read_origin(options& o, std::string_view text) {
  if (!is_origin(text))
    return "is not an origin as browsers write it (scheme://host[:port] in lower case, without a "
           "path and without the scheme's own port)";
  o.origins.emplace_back(text);
  return {};
}

refusal read_policy(options& o, std::string_view text) {
  auto equals = text.rfind('=');
  auto word = equals == text.npos ? "" : text.substr(equals + 1);
  for (auto policy : {session_policy::multi, session_policy::replace, session_policy::reject})
    if (equals != 0 && protocol::name(policy) == word) {
      o.policies.push_back({std::string(text.substr(0, equals)), policy});
      return {};
    }
  return "is not PATTERN=multi, PATTERN=replace or PATTERN=reject";
}

values print_policies(const options& o) {
  values lines;
  for (const auto& rule : o.policies)
    lines.push_back(rule.pattern + '=' + std::string(protocol::name(rule.policy)));
  return lines;
}

option_row listen_row() {
  return {.name = "listen",
          .unit = "ADDRESS",
          .reason = "where clients connect to, an IP address or localhost, which is 127.0.0.1 and, "
                    "where it exists, [::1]",
          .arity = option_arity::many,
          .read = read_listen,
          .clear = [](options& o) { o.listen.clear(); },
          .print = [](const options& o) { return print_listen(o.listen); }};
}

option_row path_row() {
  return {.name = "path",
          .unit = "PATH",
          .reason = "where the WebSocket upgrade is asked for",
          .read = read_path,
          .print = [](const options& o) { return values{o.path}; }};
}

option_row admin_row() {
  return {.name = "admin-listen",
          .unit = "ADDRESS:PORT|off",
          .reason = "for operators: /healthz, /readyz, /metrics; port 0: the kernel chooses one",
          .read = read_admin,
          .print = [](const options& o) {
            return values{o.admin_listen ? print_admin(*o.admin_listen) : "off"};
          }};
}

option_row admin_host_row() {
  return {.name = "admin-host",
          .unit = "NAME",
          .reason = "a host name by which --admin-listen may be asked, besides any IP address and "
                    "localhost: by another one it might be a web page that asks",
          .arity = option_arity::many,
          .read = read_admin_host,
          .clear = [](options& o) { o.admin_hosts.clear(); },
          .print = [](const options& o) { return o.admin_hosts; }};
}

option_row node_row() {
  return {.name = "node",
          .unit = "NAME",
          .reason = "stands in session ids and in the log; if not given, the host's name",
          .read = read_node,
          .print = [](const options& o) { return o.node.empty() ? values{} : values{o.node}; }};
}

option_row insecure_row() {
  return flag("insecure", at(&options::insecure),
              "for trials: whoever says ?uid=alice is alice; lifts those rates and connections "
              "per address and per user that are not given");
}

option_row behind_proxy_row() {
  return flag("behind-proxy", at(&options::behind_proxy),
              "only a proxy that ends TLS can reach --listen, so that with tokens it may be an "
              "address that other machines reach");
}

option_row key_file_row() {
  return {.name = "token-key-file",
          .unit = "FILE",
          .reason =
              "the HS256 key of the tokens: all its bytes, at least 32, less one newline at the "
              "end; without it only --insecure starts",
          .read = [](options& o, std::string_view text) -> refusal {
            o.token_key_file = text;
            return {};
          },
          .print =
              [](const options& o) {
                return o.token_key_file.empty() ? values{} : values{o.token_key_file};
              }};
}

option_row admin_key_file_row() {
  return {.name = "admin-key-file",
          .unit = "FILE",
          .reason =
              "the key of who may change something by --admin-listen: all its bytes, at least "
              "32, less one newline at the end; without it nobody may",
          .read = [](options& o, std::string_view text) -> refusal {
            o.admin_key_file = text;
            return {};
          },
          .print =
              [](const options& o) {
                return o.admin_key_file.empty() ? values{} : values{o.admin_key_file};
              }};
}

option_row origin_row() {
  return {.name = "origin",
          .unit = "ORIGIN",
          .reason =
              "whose web pages may connect, as browsers write it: https://app.example; clients "
              "without an Origin may anyway; with --insecure pages of this machine, too",
          .arity = option_arity::many,
          .read = read_origin,
          .clear = [](options& o) { o.origins.clear(); },
          .print = [](const options& o) { return o.origins; }};
}

option_row policy_row() {
  return {.name = "policy",
          .unit = "PATTERN=multi|replace|reject",
          .reason =
              "a member's second session: reached as well, in place of the first, or refused; "
              "by group name, * is any run of bytes, the first match wins, else multi",
          .arity = option_arity::many,
          .read = read_policy,
          .clear = [](options& o) { o.policies.clear(); },
          .print = print_policies};
}

option_row config_row() {
  return {
      .name = "config",
      .unit = "FILE",
      .reason =
          "NAME = VALUE, one a line; # or ; starts a comment line. The environment "
          "(BECKON_PORT for --port, lists with commas) wins over it, the command line over both",
      .arity = option_arity::source};
}

option_row command(std::string_view name, std::string_view reason) {
  return {.name = name, .reason = reason, .arity = option_arity::command};
}

std::vector<option_row> listening() {
  return under("Listening", listen_row(),
               count("port", at(&options::port), {0, 65'535},
                     "port of every --listen; 0: the kernel chooses one for all"),
               path_row(), admin_row(), admin_host_row(),
               count("threads", at(&options::threads), {0, actors::homes_max},
                     "threads that carry connections and actors; 0: one per core"),
               node_row());
}

std::vector<option_row> identity() {
  return under("Who may connect, as whom", insecure_row(), behind_proxy_row(), key_file_row(),
               admin_key_file_row(),
               duration("token-leeway", at(&options::token_leeway), {milliseconds{0}, minutes{5}},
                        "how far the clocks of issuer and server may differ"),
               origin_row(), policy_row());
}

std::vector<option_row> timing() {
  constexpr range<milliseconds> wait{milliseconds{100}, hours{1}};
  return under(
      "Time",
      duration("ping", at(&options::ping), wait,
               "pause between pings: with --pong it bounds how long a dead peer stays"),
      duration("pong", at(&options::pong), wait,
               "how long a ping may go unanswered; then closed 4105"),
      duration("auth-timeout", at(&options::auth_timeout), wait,
               "from the upgrade to a good hello; then closed 4001"),
      duration("handshake-timeout", at(&options::handshake_timeout), wait,
               "from the connection to a whole HTTP request; then closed"),
      duration("assembly-timeout", at(&limits::assembly_timeout), wait,
               "from a message's first byte to its last; then closed 1008"),
      duration("stall-timeout", at(&options::stall_timeout), wait,
               "how long a client with data waiting may take none of it; then closed 4103"),
      duration("over-limit-timeout", at(&options::over_limit_timeout), wait,
               "how long a client's queue may stay over --max-outbound; then closed 4103"),
      duration(
          "drain-timeout", at(&options::drain_timeout), wait,
          "from SIGTERM to the end of the last connection; under the 10 s that supervisors allow"));
}

std::vector<option_row> memory() {
  return under("Memory",
               size("max-memory", at(&options::memory_max), {0, std::uint64_t{1} << 40},
                    "of the process; over 85 % of what it may take beside what it has when it "
                    "begins to serve, nobody new is let in, over 92 % sessions are closed. 0: as "
                    "RLIMIT_AS, the control group or the machine say"));
}

std::vector<option_row> logging() {
  constexpr std::array<std::pair<std::string_view, log_level>, 5> levels{
      {{"debug", log_level::debug},
       {"info", log_level::info},
       {"warn", log_level::warn},
       {"error", log_level::error},
       {"off", log_level::off}}};
  constexpr std::array<std::pair<std::string_view, log_format>, 2> formats{
      {{"text", log_format::text}, {"json", log_format::json}}};
  return under("Log",
               choice({.name = "log-level",
                       .unit = "debug|info|warn|error|off",
                       .reason = "the least that is logged, to stderr"},
                      &options::least_level, levels),
               choice({.name = "log-format",
                       .unit = "text|json",
                       .reason = "json: one object per line, for machines"},
                      &options::format, formats));
}

std::vector<option_row> configuration() {
  return under("Configuration", config_row(),
               command("print-config", "print the configuration in effect as such a file, and end"),
               command("check-config", "check the configuration, start nothing"),
               command("help", "print this, and end"),
               command("version", "print the version, and end"));
}

std::vector<option_row> make_table() {
  std::vector<option_row> table;
  append(table, listening());
  append(table, identity());
  append(table, timing());
  append(table, limit_options());
  append(table, memory());
  append(table, behaviour_options());
  append(table, cluster_options());
  append(table, logging());
  append(table, configuration());
  return table;
}

} // namespace

const std::vector<option_row>& option_table() {
  static const auto table = make_table();
  return table;
}

const option_row* find_option(std::string_view name) {
  const auto& table = option_table();
  auto row =
      std::find_if(table.begin(), table.end(), [&](const auto& r) { return r.name == name; });
  return row == table.end() ? nullptr : &*row;
}

std::string variable_of(std::string_view option) {
  std::string variable = "BECKON_";
  for (char c : option)
    variable +=
        c == '-' || c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return variable;
}

} // namespace beckon::net
