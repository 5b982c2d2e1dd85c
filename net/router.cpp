#include "net/router.hpp"

#include <boost/url/pct_string_view.hpp>
#include <cassert>
#include <optional>
#include <utility>

namespace beckon::net {
namespace {

using segments = std::vector<std::string>;

bool is_name(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

/// `path` starts with a slash.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    auto end = path.find('/');
    parts.push_back(path.substr(0, end));
    path.remove_prefix(parts.back().size());
  }
  return parts;
}

/// @returns nothing where a % is followed by anything but two digits
std::optional<segments> decoded(const std::vector<std::string_view>& parts) {
  segments result;
  for (auto part : parts) {
    auto encoded = boost::urls::make_pct_string_view({part.data(), part.size()});
    if (!encoded)
      return std::nullopt;
    result.push_back(encoded->decode());
  }
  return result;
}

bool fits(const std::vector<std::string_view>& pattern, const segments& path) {
  if (pattern.size() != path.size())
    return false;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (is_name(pattern[i]) ? path[i].empty() : pattern[i] != path[i])
      return false;
  return true;
}

bool answers(const route& to, http::verb method) {
  return to.method == method || (to.method == http::verb::get && method == http::verb::head);
}

void allow(std::string& list, http::verb method) {
  auto name = http::to_string(method);
  list.append(list.empty() ? "" : ", ").append(name.data(), name.size());
  if (method == http::verb::get)
    list.append(", HEAD");
}

segments names_of(const std::vector<std::string_view>& pattern, segments path) {
  segments names;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (is_name(pattern[i]))
      names.push_back(std::move(path[i]));
  return names;
}

} // namespace

router::router(std::vector<route> routes) {
  for (auto& to : routes) {
    assert(to.path.starts_with('/'));
    auto parts = split(to.path);
    assert(parts.size() <= segments_max);
    rows_.push_back({std::move(to), std::move(parts)});
  }
}

router::match router::find(http::verb method, std::string_view target) const {
  auto parts = split(target.starts_with('/') ? target.substr(0, target.find('?')) : "");
  if (parts.empty() || parts.size() > segments_max)
    return {.status = 404};
  auto path = decoded(parts);
  if (!path)
    return {.status = 400};
  match result{.status = 404};
  for (const auto& known : rows_) {
    if (!fits(known.segments, *path))
      continue;
    if (answers(known.to, method))
      return {.to = &known.to, .names = names_of(known.segments, std::move(*path))};
    result.status = 405;
    allow(result.allow, known.to.method);
  }
  return result;
}

} // namespace beckon::net
