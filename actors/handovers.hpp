#pragma once
// Turns one route into handovers, one for each thread that has recipients. Owns: nothing beyond the
// call; used by groups and users alike, which differ only in how they find a recipient's sessions.

#include "actors/home.hpp"
#include "actors/messages.hpp"

#include <caf/all.hpp>
#include <optional>
#include <vector>

namespace beckon::actors {

class handovers {
public:
  /// @param r gives its delivery away to the first handover
  handovers(node_state& shared, route& r) : shared_(shared), route_(r) {}

  /// One session of recipient `recipient`, which has `sessions` in all.
  void add(const session_address& where, std::size_t recipient, std::size_t sessions);
  /// A recipient without a session: its outcome is settled at once.
  void offline(std::size_t recipient);
  /// Sends what was gathered, in the name of `self`. Once, at the end.
  void send(caf::event_based_actor& self);

private:
  void start(const handover_target& target);

  node_state& shared_;
  route& route_;
  std::uint16_t home_ = 0;        ///< of first_
  std::optional<handover> first_; ///< all there is while one thread suffices
  std::vector<handover> more_;    ///< by home, once it does not
};

} // namespace beckon::actors
