#pragma once
// What other nodes' hubs say before the gate has told ours of their links. Owns: the batches, by
// link, and which links have lost some for want of room. Written by the hub alone. What is left of
// a link that has ended comes here as well, and goes once nothing more has come for a while.

#include "actors/timing_wheel.hpp"

#include <caf/actor_addr.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace beckon::actors {

class early_batches {
public:
  /// Links at once; beyond, the one that has been silent longest is forgotten.
  static constexpr std::size_t links_max = 256;

  /// What has come over one link.
  struct link {
    caf::actor_addr from;
    std::uint64_t epoch = 0;
    steady_time heard{}; ///< when something came last
    std::vector<std::string> batches;
    bool lost = false; ///< some did not fit: none is kept
  };

  /// @param bytes_max of all batches together
  explicit early_batches(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void keep(const caf::actor_addr& from, std::uint64_t epoch, std::string batch, steady_time now);
  /// The link stands: what came over it leaves here.
  link take(const caf::actor_addr& from, std::uint64_t epoch);
  /// Forgets the links over which nothing has come since `then`.
  void forget_silent(steady_time then);
  /// Nothing could be heard until now.
  void hear_all(steady_time now);

private:
  using links = std::vector<link>;
  links::iterator find(const caf::actor_addr& from, std::uint64_t epoch);
  void drop_batches(link& l);
  link extract(links::iterator which);

  const std::size_t bytes_max_;
  links links_;
  std::size_t bytes_ = 0; ///< of all batches
};

} // namespace beckon::actors
