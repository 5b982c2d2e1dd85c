#include "net/options.hpp"

#include "net/cluster_options.hpp"
#include "net/option_sources.hpp"
#include "net/option_table.hpp"
#include "net/origin.hpp"
#include "net/token.hpp"
#include "protocol/large_frames.hpp"

#include <algorithm>
#include <map>
#include <unistd.h>

namespace beckon::net {

namespace {

using protocol::limits;
using wish = configured::wish;
/// Where the value in effect of each given option was found.
using places = std::map<std::string_view, std::string, std::less<>>;

std::string place_of(const places& found, std::string_view option) {
  auto place = found.find(option);
  return place == found.end() ? "--" + std::string(option) : place->second;
}

/// Takes one source's values over; those of weaker sources must have been taken before.
std::optional<std::string> apply(const std::vector<given_value>& values, options& target,
                                 places& found) {
  std::set<const option_row*> cleared;
  for (const auto& given : values) {
    const auto& row = *given.row;
    if (!row.read) // --config and the commands
      continue;
    if (row.clear && cleared.insert(&row).second)
      row.clear(target);
    if (auto refusal = row.read(target, given.text))
      return given.where + ": " + in_quotes(given.text) + ' ' + *refusal;
    found[row.name] = given.where;
  }
  return {};
}

bool has(const std::vector<given_value>& values, std::string_view name) {
  return std::any_of(values.begin(), values.end(), [&](auto& g) { return g.row->name == name; });
}

wish wish_of(const std::vector<given_value>& command_line) {
  constexpr std::pair<std::string_view, wish> commands[] = {{"help", wish::help},
                                                            {"version", wish::version},
                                                            {"print-config", wish::print},
                                                            {"check-config", wish::check}};
  for (const auto& [name, what] : commands)
    if (has(command_line, name))
      return what;
  return wish::serve;
}

std::string help_text() {
  std::string text = "Usage: beckon serve [OPTION]...\n";
  std::string_view group;
  const options defaults;
  for (const auto& row : option_table()) {
    if (row.group != group)
      text.append("\n").append(row.group).append(":\n");
    group = row.group;
    text.append("  --").append(row.name);
    if (row.arity == option_arity::flag)
      text.append("[=").append(row.unit).append("]");
    else if (!row.unit.empty())
      text.append(" ").append(row.unit);
    if (row.arity == option_arity::many)
      text.append(" (repeatable)");
    if (row.print)
      for (const auto& value : row.print(defaults))
        text.append(" (default ").append(value).append(")");
    text.append("\n      ").append(row.reason).append("\n");
  }
  return text;
}

std::string file_text(const options& values) {
  std::string text;
  std::string_view group;
  for (const auto& row : option_table()) {
    if (!row.print)
      continue;
    if (row.group != group)
      text.append(group.empty() ? "# " : "\n# ").append(row.group).append("\n");
    group = row.group;
    for (const auto& value : row.print(values))
      text.append(row.name).append(" = ").append(value).append("\n");
  }
  return text;
}

/// The host's name with `-` for what may not stand in a node's name.
std::string host_name() {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
    return "node";
  std::string node = std::string(host).substr(0, node_bytes_max);
  const auto& row = *find_option("node");
  options ignored;
  for (auto& c : node)
    if (row.read(ignored, std::string_view(&c, 1)))
      c = '-';
  return node;
}

/// `--insecure` is for trials, where the limits would only be in the way; what was given stays.
void lift_limits(options& values, const places& found) {
  constexpr std::pair<std::string_view, std::size_t limits::*> lifted[] = {
      {"rate-frames", &limits::frames_per_second},
      {"rate-bytes", &limits::bytes_per_second},
      {"rate-joins", &limits::joins_per_second},
      {"rate-handshakes", &limits::handshakes_per_second},
      {"max-connections-per-address", &limits::connections_per_address_max},
      {"max-connections-per-user", &limits::connections_per_user_max},
  };
  for (const auto& [name, field] : lifted)
    if (!found.contains(name))
      values.bounds.*field = 0;
}

/// Numbers that are fine alone but not together.
std::optional<std::string> contradiction(const options& values, const places& found) {
  const auto& bounds = values.bounds;
  if (bounds.frame_bytes_before_auth_max > bounds.frame_bytes_max)
    return place_of(found, "max-frame-before-auth") + ": is more than --max-frame";
  if (auto least = protocol::delivery_bytes_max(bounds); bounds.outbound_bytes_max < least)
    return place_of(found, "max-outbound") + ": is less than --max-frame needs, " +
           std::to_string(least) +
           " bytes with base64 and its head: such a frame would reach nobody";
  return {};
}

/// Reads the key where one is named, and sees to it that somebody says who a client is.
std::optional<std::string> identify(configured& result, const places& found) {
  const auto& values = result.values;
  if (values.token_key_file.empty()) {
    if (values.insecure)
      return {};
    return "--token-key-file: is not given, so that nobody could prove who they are (for trials on "
           "this machine: --insecure)";
  }
  auto key = read_token_key(values.token_key_file);
  if (!key)
    return place_of(found, "token-key-file") + ": " + in_quotes(values.token_key_file) + ' ' +
           key.error();
  if (key->world_readable)
    result.warnings.push_back("the token key file " + in_quotes(values.token_key_file) +
                              " can be read by every user of this machine");
  result.token_key = std::move(key->bytes);
  return {};
}

/// Reads the operator's key where one is named.
std::optional<std::string> entrust(configured& result, const places& found) {
  const auto& file = result.values.admin_key_file;
  if (file.empty())
    return {};
  auto key = read_token_key(file);
  if (!key)
    return place_of(found, "admin-key-file") + ": " + in_quotes(file) + ' ' + key.error();
  auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(key->bytes.begin(), key->bytes.end(), printable))
    return place_of(found, "admin-key-file") + ": " + in_quotes(file) +
           " has bytes that no HTTP header can carry (base64 makes good keys)";
  if (key->world_readable)
    result.warnings.push_back("the admin key file " + in_quotes(file) +
                              " can be read by every user of this machine");
  result.admin_key = std::move(key->bytes);
  return {};
}

/// Sees to it that neither tokens nor `--insecure` are offered to other machines unasked.
std::optional<std::string> expose(configured& result, const places& found) {
  const auto& values = result.values;
  if (values.insecure)
    result.warnings.push_back("insecure: whoever connects may be any user (?uid=), and the rates "
                              "and connections that are not configured are not limited");
  for (const auto& listen : values.listen) {
    if (listen.address.is_loopback())
      continue;
    auto address = in_quotes(listen.address.to_string());
    if (!values.insecure && !values.behind_proxy)
      return place_of(found, "listen") + ": " + address +
             " can be reached from other machines, and tokens must not cross a network in plain "
             "text: listen on localhost, behind a proxy that speaks TLS (where only such a proxy "
             "can reach it: --behind-proxy)";
    if (values.insecure)
      result.warnings.push_back("insecure, and " + address + " can be reached from other machines");
  }
  if (values.admin_listen && !values.admin_listen->address.is_loopback())
    result.warnings.push_back("the operators' listener " +
                              in_quotes(print_admin(*values.admin_listen)) +
                              " can be reached from other machines; it asks nobody who they are");
  return {};
}

/// Sees to it that a node that joins others can prove who it is.
std::optional<std::string> join_cluster(configured& result, const places& found) {
  auto wrong = check_cluster(result.values, [&](auto name) { return found.contains(name); });
  if (wrong)
    return place_of(found, wrong->option) + ": " + wrong->text;
  for (auto& warning : cluster_warnings(result.values))
    result.warnings.push_back(std::move(warning));
  return {};
}

std::optional<std::string> judge(configured& result, const places& found) {
  if (auto line = contradiction(result.values, found))
    return line;
  if (auto line = identify(result, found))
    return line;
  if (auto line = entrust(result, found))
    return line;
  if (auto line = expose(result, found))
    return line;
  return join_cluster(result, found);
}

/// Reads the sources from the weakest to the strongest. Wrong values are refused even where a
/// stronger source replaces them.
std::optional<std::string> read_sources(const std::vector<given_value>& command_line,
                                        const char* const* envp, configured& result,
                                        places& found) {
  const auto environment = read_environment(envp);
  if (!environment)
    return environment.error();
  auto is_config = [](const given_value& given) {
    return given.row->arity == option_arity::source;
  };
  for (const auto* source : {&command_line, &*environment}) {
    auto config = std::find_if(source->begin(), source->end(), is_config);
    if (config == source->end())
      continue;
    auto file = read_configuration_file(config->text, config->where);
    if (!file)
      return file.error();
    if (auto line = apply(*file, result.values, found))
      return line;
    break;
  }
  if (auto line = apply(*environment, result.values, found))
    return line;
  return apply(command_line, result.values, found);
}

} // namespace

boost::system::result<configured, std::string> configure(int argc, const char* const* argv,
                                                         const char* const* envp) {
  const std::string program = "beckon: ";
  auto command_line = read_command_line(argc, argv);
  if (!command_line)
    return program + command_line.error();
  configured result;
  result.what = wish_of(*command_line);
  if (result.what == wish::help) {
    result.text = help_text();
    return result;
  }
  if (result.what == wish::version) {
    result.text = "beckon " BECKON_VERSION "\n";
    return result;
  }
  places found;
  if (auto line = read_sources(*command_line, envp, result, found))
    return program + *line;
  for (const auto& [option, place] : found)
    result.given.emplace(option);
  take_cluster_name(result.values);
  if (result.values.node.empty())
    result.values.node = host_name();
  if (result.values.insecure)
    lift_limits(result.values, found);
  if (auto line = judge(result, found))
    return program + *line;
  if (result.what == wish::print)
    result.text = file_text(result.values);
  if (result.what == wish::check)
    result.text = "the configuration is good\n";
  return result;
}

} // namespace beckon::net
