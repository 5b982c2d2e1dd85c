#include "net/cluster_options.hpp"

#include "net/cluster_identity.hpp"
#include "net/endpoint.hpp"
#include "net/quantity.hpp"
#include "protocol/record.hpp"

#include <algorithm>

namespace beckon::net {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// Where a row's value lives within the cluster's settings.
template <class T>
auto in_cluster(T cluster_settings::*member) {
  return [member](auto& o) -> auto& {
    return o.cluster.*member;
  };
}

bool is_name(std::string_view text) {
  auto is_safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !text.empty() && text.size() <= node_bytes_max &&
         std::all_of(text.begin(), text.end(), is_safe);
}

option_row name_row(std::string_view name, std::string cluster_settings::*member,
                    std::string_view reason) {
  return {.name = name,
          .unit = "NAME",
          .reason = reason,
          .read = [=](options& o, std::string_view text) -> option_refusal {
            if (!is_name(text))
              return "is not a name (up to 64 letters, digits, - _)";
            o.cluster.*member = text;
            return {};
          },
          .print =
              [=](const options& o) {
                const auto& value = o.cluster.*member;
                return value.empty() ? option_values{} : option_values{value};
              }};
}

option_row file_row(std::string_view name, std::string cluster_settings::*member,
                    std::string_view reason) {
  return {.name = name,
          .unit = "FILE",
          .reason = reason,
          .read = [=](options& o, std::string_view text) -> option_refusal {
            o.cluster.*member = text;
            return {};
          },
          .print =
              [=](const options& o) {
                const auto& value = o.cluster.*member;
                return value.empty() ? option_values{} : option_values{value};
              }};
}

option_refusal read_listen(options& o, std::string_view text) {
  o.cluster.listen = parse_admin(text);
  if (!o.cluster.listen)
    return "is not ADDRESS:PORT";
  return {};
}

option_row listen_row() {
  return {.name = "cluster.listen",
          .unit = "ADDRESS:PORT",
          .reason = "where other nodes connect to; port 0: the kernel chooses one; not given: this "
                    "node is alone",
          .read = read_listen,
          .print = [](const options& o) {
            return o.cluster.listen ? option_values{print_admin(*o.cluster.listen)}
                                    : option_values{};
          }};
}

option_refusal read_seeds(options& o, std::string_view text) {
  for (;;) {
    auto comma = std::min(text.find(','), text.size());
    auto where = parse_node_address(text.substr(0, comma));
    if (!where)
      return "is not HOST:PORT, or several with commas";
    auto& seeds = o.cluster.seeds;
    if (std::find(seeds.begin(), seeds.end(), *where) == seeds.end())
      seeds.push_back(*where);
    if (comma == text.size())
      return {};
    text.remove_prefix(comma + 1);
  }
}

option_row seeds_row() {
  return {.name = "cluster.seeds",
          .unit = "HOST:PORT,...",
          .reason = "where to look for other nodes, from which the rest is learnt; may name this "
                    "node too; names are resolved at every attempt",
          .arity = option_arity::many,
          .read = read_seeds,
          .clear = [](options& o) { o.cluster.seeds.clear(); },
          .print =
              [](const options& o) {
                option_values lines;
                for (const auto& seed : o.cluster.seeds)
                  lines.push_back(print_node_address(seed));
                return lines;
              }};
}

option_row advertise_row() {
  return {.name = "cluster.advertise",
          .unit = "HOST:PORT",
          .reason = "where other nodes are told to find this one; if not given, --cluster.listen, "
                    "and for 0.0.0.0 or :: the address that they see",
          .read = [](options& o, std::string_view text) -> option_refusal {
            o.cluster.advertise = parse_node_address(text);
            if (!o.cluster.advertise)
              return "is not HOST:PORT";
            return {};
          },
          .print =
              [](const options& o) {
                return o.cluster.advertise ? option_values{print_node_address(*o.cluster.advertise)}
                                           : option_values{};
              }};
}

bool are_on_loopback(const cluster_settings& cluster) {
  return cluster.listen->address.is_loopback() &&
         std::all_of(cluster.seeds.begin(), cluster.seeds.end(), is_loopback);
}

} // namespace

std::vector<option_row> cluster_options() {
  constexpr range<milliseconds> wait{milliseconds{10}, hours{1}};
  return under(
      "Cluster", listen_row(), seeds_row(), advertise_row(),
      name_row("cluster.name", &cluster_settings::name,
               "this node's name among the others, which its certificate has; the same as --node"),
      name_row("cluster.id", &cluster_settings::id, "nodes with another one are refused"),
      file_row("cluster.cert", &cluster_settings::cert,
               "this node's certificate, PEM; its CN, or a DNS name of it, is the node's name"),
      file_row("cluster.key", &cluster_settings::key,
               "its private key, PEM; nobody else may read the file"),
      file_row("cluster.ca", &cluster_settings::ca,
               "PEM; whose certificates are this cluster's nodes"),
      flag("cluster.insecure", in_cluster(&cluster_settings::insecure),
           "for trials on one machine: without TLS, on loopback addresses only"),
      duration("cluster.heartbeat", in_cluster(&cluster_settings::heartbeat), wait,
               "longest silence towards another node"),
      duration("cluster.timeout", in_cluster(&cluster_settings::timeout), wait,
               "silence after which another node is lost; at least twice --cluster.heartbeat"));
}

void take_cluster_name(options& values) {
  if (values.node.empty())
    values.node = values.cluster.name;
}

std::optional<option_trouble> check_cluster(const options& values,
                                            const std::function<bool(std::string_view)>& given) {
  const auto& cluster = values.cluster;
  if (given("cluster.name") && cluster.name != values.node)
    return option_trouble{"cluster.name", "differs from --node: they are one name"};
  if (cluster.timeout < 2 * cluster.heartbeat)
    return option_trouble{"cluster.timeout",
                          "is less than twice --cluster.heartbeat: one late beat would be a lost "
                          "node"};
  if (!cluster.listen)
    return {};
  if (values.bounds.frame_bytes_max > protocol::crossing_bytes_max)
    return option_trouble{"max-frame", "is more than " + print_size(protocol::crossing_bytes_max) +
                                           ", which is the most that can be with --cluster.listen: "
                                           "a longer message does not cross to another node"};
  if (!cluster.insecure)
    return check_identity(cluster, values.node);
  if (!are_on_loopback(cluster))
    return option_trouble{"cluster.insecure",
                          "--cluster.listen and --cluster.seeds must be loopback addresses: "
                          "without TLS whoever reaches a node is one"};
  return {};
}

std::vector<std::string> cluster_warnings(const options& values) {
  const auto& cluster = values.cluster;
  if (!cluster.listen && !cluster.seeds.empty())
    return {"cluster.seeds without cluster.listen: this node is alone"};
  if (cluster.listen && cluster.insecure)
    return {"cluster.insecure: every process of this machine may join as any node"};
  return {};
}

} // namespace beckon::net
