#pragma once
// Where other nodes may be found. Owns: seeds and learnt addresses, whom each led to, and when each
// is tried next. Written by the gate's thread; knows no socket and no clock.

#include "net/endpoint.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

class address_book {
public:
  using time = std::chrono::steady_clock::time_point;
  using duration = std::chrono::steady_clock::duration;

  static constexpr std::chrono::milliseconds pause_min{50};
  static constexpr std::chrono::milliseconds pause_max{1'000};
  /// A name that leads here may lead elsewhere once its service changes its mind.
  static constexpr std::chrono::seconds pause_self{60};
  /// A learnt address that led nowhere for so long is forgotten; seeds never are.
  static constexpr std::chrono::hours kept{1};
  static constexpr std::size_t addresses_max = 1024;

  explicit address_book(std::uint32_t random_seed) : random_(random_seed) {}

  void add_seed(const node_address& where, time now);
  /// A node told of it. Ignored when the book is full.
  void learn(const node_address& where, time now);
  /// It is this node's name's address: dialled only while that node is not linked.
  void leads_to(const node_address& where, std::string_view node, time now);
  void leads_here(const node_address& where, time now);

  /// Those to dial now; each is in progress from then on, until `ended`.
  std::vector<node_address> take_due(time now);
  /// A dial ended, with a link or not.
  void ended(const node_address& where, time now);
  /// When take_due has something, if nothing else happens.
  std::optional<time> next_due() const;

  /// What leads to a linked node rests. When the link is gone it is due at once, or, if the link
  /// did not last, after a pause.
  void linked(std::string_view node, time now);
  void unlinked(std::string_view node, time now, bool lasted);

private:
  struct entry {
    bool seed = false;
    bool dialling = false;
    std::string node; ///< whom it led to; empty: unknown
    duration pause = pause_min;
    time next{};
    time last_good{};
  };
  bool rests(const entry& e) const { return !e.node.empty() && linked_.contains(e.node); }
  entry* find_or_add(const node_address& where, time now);
  void wait(entry& e, time now);

  std::map<node_address, entry> entries_;
  std::set<std::string, std::less<>> linked_;
  std::minstd_rand random_;
};

} // namespace beckon::net
