#pragma once
// The server's frames as tests expect them, one line each. Owns: nothing; plain strings.

#include "protocol/codes.hpp"
#include "tests/kit/stage.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::testing {

inline std::string ok(std::uint64_t id, const std::string& rest = {}) {
  return "{\"type\":\"ok\",\"id\":" + std::to_string(id) + (rest.empty() ? "" : "," + rest) + "}\n";
}

/// `rest` stands behind the message.
inline std::string error(std::uint64_t id, protocol::code why, const std::string& rest = {}) {
  std::string line = "{\"type\":\"error\"";
  if (id)
    line += ",\"id\":" + std::to_string(id);
  line.append(",\"code\":\"").append(protocol::name(why));
  line.append("\",\"message\":\"").append(protocol::text(why)) += '"';
  return line + (rest.empty() ? "" : "," + rest) + "}\n";
}

/// `head` is what stands between type and `at`, e.g. `"group":"g","from":"alice"`.
inline std::string delivery(std::string_view type, const std::string& head, const std::string& data,
                            std::chrono::milliseconds since_start = {}) {
  std::string line = "{\"type\":\"";
  line.append(type).append("\",").append(head).append(",\"at\":");
  line += std::to_string(stage::wall_ms_at_start + since_start.count());
  return line + ",\"data\":" + data + "}\n";
}

inline std::string left(const std::string& group, const std::string& why) {
  return "{\"type\":\"left\",\"group\":\"" + group + "\",\"why\":\"" + why + "\"}\n";
}

inline std::string gap(const std::string& group, std::uint64_t lost) {
  return "{\"type\":\"gap\",\"group\":\"" + group +
         "\",\"why\":\"slow\",\"lost\":" + std::to_string(lost) + "}\n";
}

} // namespace beckon::testing
