#pragma once
// Which call a request is. Owns: a table of routes, and how paths are matched with it. Immutable
// once it is made.

#include "net/http_call.hpp"

#include <boost/beast/http/verb.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

struct route {
  http::verb method; ///< `get` answers HEAD, too
  /// `/groups/{group}/behaviour`: `{…}` stands for any one segment that is not empty.
  std::string_view path;
  bool needs_key;
  http_handler answer;
  bool is_health = false; ///< for whoever asks by whatever name, also where much is asked at once
};

class router {
public:
  /// Segments of a path; with more it is not found.
  static constexpr std::size_t segments_max = 16;

  struct match {
    unsigned status = 200; ///< else 400: no path; 404; 405
    const route* to = nullptr;
    std::vector<std::string> names = {}; ///< what stood in the place of each `{…}`, decoded
    std::string allow = {};              ///< 405: the methods that there are
  };

  /// Where two routes fit, the first one is taken.
  explicit router(std::vector<route> routes);
  /// @param target as it stands in the request line; its query is not looked at
  match find(http::verb method, std::string_view target) const;

private:
  struct row {
    route to;
    std::vector<std::string_view> segments;
  };
  std::vector<row> rows_;
};

} // namespace beckon::net
