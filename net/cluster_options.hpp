#pragma once
// The options of a node among others: --cluster.*. Owns: their names, ranges and reasons, and the
// rules between them. Part of the option table.

#include "net/option_row.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

std::vector<option_row> cluster_options();

/// What is wrong with an option's value; `text` follows the option's name and a colon.
struct option_trouble {
  std::string_view option;
  std::string text;
};

/// --cluster.name stands for --node where that is not given.
void take_cluster_name(options& values);
/// Whether these settings can start: names, times, certificate, key and CA. `given` tells which
/// options some source gave.
std::optional<option_trouble> check_cluster(const options& values,
                                            const std::function<bool(std::string_view)>& given);
std::vector<std::string> cluster_warnings(const options& values);

} // namespace beckon::net
