#include "actors/presence.hpp"

#include "protocol/json.hpp"

#include <algorithm>
#include <string>

namespace beckon::actors {
namespace {

/// One frame under construction: its three lists.
struct window {
  std::string joined, left, updated;
  std::size_t bytes() const { return joined.size() + left.size() + updated.size(); }
  bool empty() const { return bytes() == 0; }
};

void separate(std::string& list) {
  if (!list.empty())
    list += ',';
}

void append_list(std::string& out, const char* key, char open, const std::string& list,
                 char close) {
  if (!list.empty())
    out.append(",\"").append(key).append("\":").append(1, open).append(list).append(1, close);
}

protocol::shared_frame encode(const window& w, std::string_view group_json, std::uint64_t version) {
  std::string json = R"({"type":"presence","group":)";
  json.append(group_json).append(",\"version\":").append(std::to_string(version));
  append_list(json, "joined", '{', w.joined, '}');
  append_list(json, "left", '[', w.left, ']');
  append_list(json, "updated", '{', w.updated, '}');
  json += '}';
  return protocol::encode_text(json);
}

void append_change(window& w, const roster& members, std::string_view uid,
                   const roster::change& since) {
  auto* now = members.find(uid);
  if (!now) {
    if (since.before) {
      separate(w.left);
      protocol::append_quoted(w.left, uid);
    }
    return;
  }
  auto value = members.value_of(*now);
  if (since.before && *since.before == value && !since.shown)
    return;
  auto& list = since.before ? w.updated : w.joined;
  separate(list);
  append_member(list, uid, value);
}

} // namespace

std::chrono::milliseconds presence_window(std::size_t watchers) noexcept {
  auto most = static_cast<std::size_t>(presence_window_max.count());
  return std::max(presence_window_min,
                  std::chrono::milliseconds(std::min(watchers / watchers_per_ms, most)));
}

std::chrono::milliseconds presence_window_if_full(std::size_t watchers) noexcept {
  return std::max(presence_window_min, presence_window(watchers) / 4);
}

std::vector<protocol::shared_frame>
presence_frames(const roster& members, std::string_view group_json, std::uint64_t version) {
  std::vector<protocol::shared_frame> frames;
  window w;
  for (auto& [uid, since] : members.pending()) {
    append_change(w, members, uid, since);
    if (w.bytes() >= roster_split_bytes) {
      frames.push_back(encode(w, group_json, ++version));
      w = {};
    }
  }
  if (!w.empty())
    frames.push_back(encode(w, group_json, ++version));
  return frames;
}

protocol::shared_frame count_frame(std::string_view group_json, std::size_t count) {
  std::string json = R"({"type":"presence","group":)";
  json.append(group_json).append(",\"count\":").append(std::to_string(count)) += '}';
  return protocol::encode_text(json);
}

} // namespace beckon::actors
