#pragma once
// What waits until a time, by number. Owns: that whose time comes first is found without a look at
// the others. Written by its holder alone, ends with it.

#include "actors/timing_wheel.hpp"

#include <boost/intrusive/set.hpp>
#include <cassert>
#include <cstddef>
#include <unordered_map>
#include <utility>

namespace beckon::actors {

/// Every operation costs the same however many are held, but for the logarithm of ordering them by
/// time. References hold until their entry is taken.
/// @tparam Value has a member `expires` (steady_time), which stays as it is while it is held
template <class Key, class Value>
class timed_book {
public:
  timed_book() = default;
  timed_book(timed_book&& other) noexcept { swap(other); }
  timed_book& operator=(timed_book&& other) noexcept {
    timed_book(std::move(other)).swap(*this);
    return *this;
  }
  void swap(timed_book& other) noexcept {
    entries_.swap(other.entries_);
    by_time_.swap(other.by_time_);
  }

  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  bool contains(const Key& key) const { return entries_.contains(key); }
  Value* find(const Key& key) {
    auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second.value;
  }

  /// @returns the entry, or nullptr where one of that key is held
  Value* add(const Key& key, Value&& value) {
    auto [place, is_new] = entries_.try_emplace(key, key, std::move(value));
    if (!is_new)
      return nullptr;
    by_time_.insert(by_time_.end(), place->second); // most are the last to end
    return &place->second.value;
  }

  /// Takes an entry out. @returns whether there was one
  bool take(const Key& key, Value& out) {
    auto found = entries_.find(key);
    if (found == entries_.end())
      return false;
    out = std::move(found->second.value);
    unlink(found);
    return true;
  }
  /// The same, for who does not want it any more.
  bool erase(const Key& key) {
    auto found = entries_.find(key);
    if (found == entries_.end())
      return false;
    unlink(found);
    return true;
  }

  /// When the first of them ends. @pre not empty
  steady_time next_expiry() const {
    assert(!empty());
    return by_time_.begin()->value.expires;
  }
  /// The key of the first, if its time has come; of those of one time the first that came. Holds
  /// until it is taken.
  const Key* due(steady_time now) const {
    return empty() || next_expiry() > now ? nullptr : &by_time_.begin()->key;
  }
  /// Any of them. @pre not empty
  const Key& first() const {
    assert(!empty());
    return by_time_.begin()->key;
  }

private:
  struct entry : boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
    entry(const Key& k, Value&& v) : key(k), value(std::move(v)) {}
    const Key key;
    Value value;
  };
  struct expiry {
    using type = steady_time;
    const type& operator()(const entry& e) const noexcept { return e.value.expires; }
  };

  using entries = std::unordered_map<Key, entry>;
  void unlink(typename entries::iterator found) {
    by_time_.erase(by_time_.iterator_to(found->second));
    entries_.erase(found);
  }

  entries entries_;
  /// Behind the entries, so that it ends before them.
  boost::intrusive::multiset<entry, boost::intrusive::key_of_value<expiry>,
                             boost::intrusive::constant_time_size<false>>
      by_time_;
};

} // namespace beckon::actors
