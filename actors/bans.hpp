#pragma once
// Who may not join a group for a time. Owns: the uids and when each may come again. Written by its
// group alone, ends with it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::actors {

class bans {
public:
  /// Where there are more the one that ends first goes.
  static constexpr std::size_t held_max = 10'000;

  /// @param until ms since 1970
  void add(std::string_view uid, std::int64_t until);
  void remove(std::string_view uid);
  /// Until when it may not join; nothing: it may.
  std::optional<std::int64_t> end_of(std::string_view uid, std::int64_t now) const;
  /// Forgets those that are over.
  void expire(std::int64_t now);
  /// When the first is over. @pre not empty
  std::int64_t next_end() const { return ends_.begin()->first; }
  bool empty() const noexcept { return ends_.empty(); }

private:
  std::map<std::string, std::multimap<std::int64_t, std::string>::iterator, std::less<>> by_uid_;
  std::multimap<std::int64_t, std::string> ends_;
};

} // namespace beckon::actors
