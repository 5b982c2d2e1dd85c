#pragma once
// What happened in one seed. Owns: the step that we are at, a hash of all that happened, the last
// events in words where they are kept, and the first promise that was broken.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace beckon::testing {

class trace {
public:
  /// Events that are kept for a failing seed.
  static constexpr std::size_t kept_max = 6000;
  static constexpr std::size_t bytes_max = 200; ///< of each

  /// @param in_words whether events are kept: costs more than the run itself
  explicit trace(bool in_words) : in_words_(in_words) {}

  std::size_t step = 1; ///< 0 is never

  template <class... Numbers>
  void mix(Numbers... numbers) {
    ((hash_ = (hash_ ^ static_cast<std::uint64_t>(numbers)) * 1099511628211u),
     ...); // FNV-1a, by words
  }
  /// `text()` makes the words.
  template <class F>
  void tell(F text) {
    if (!in_words_)
      return;
    events_.push_back(std::to_string(step) + ": " + std::string(text()).substr(0, bytes_max));
    if (events_.size() > kept_max)
      events_.pop_front();
  }
  void fail(const std::string& why) {
    if (failure_.empty())
      failure_ = "step " + std::to_string(step) + ": " + why;
  }

  bool failed() const noexcept { return !failure_.empty(); }
  const std::string& failure() const noexcept { return failure_; }
  const std::deque<std::string>& events() const noexcept { return events_; }
  std::uint64_t hash() const noexcept { return hash_; }

private:
  bool in_words_;
  std::uint64_t hash_ = 14695981039346656037u;
  std::deque<std::string> events_;
  std::string failure_;
};

} // namespace beckon::testing
