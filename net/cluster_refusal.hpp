#pragma once
// Why a node, or somebody else, was not let in, or a link was cut by the gate. Owns: the words for
// it, the same in log, metrics and docs, and the numbers by which nodes tell each other.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace beckon::net {

enum class cluster_refusal : std::uint8_t {
  none = 0, ///< let in
  // What nodes tell each other: the numbers stay.
  self = 1,       ///< this very process
  duplicate = 2,  ///< there is a link already
  crossed = 3,    ///< both dialled; the connection of the smaller name survives
  busy = 4,       ///< an older process of that name is being probed: come again
  name_taken = 5, ///< another process of that name is alive
  cluster = 6,    ///< of another cluster
  version = 7,    ///< no version of the gate's protocol in common
  name = 8,       ///< the certificate is another node's
  bad_hello = 9,  ///< what came is no hello, or ended
  replay = 10,    ///< an answer to another conversation
  // What is not told.
  tls,     ///< no TLS, or no certificate of this cluster's CA
  slow,    ///< not within the deadline
  crowded, ///< too many half-done handshakes: the oldest went
  // What came over a link that stood.
  basp_header,   ///< no operation that a hub needs, or out of order
  basp_length,   ///< a payload too long, or none where one must be
  basp_identity, ///< in the name of another node
  basp_address,  ///< to or from another actor than the hubs
  basp_content,  ///< no batch of records
  basp_silent,   ///< the handshake of BASP did not end in time
  flooded,       ///< it said more than its window, and went on
};
inline constexpr std::size_t cluster_refusal_count = 21;

constexpr std::array<std::string_view, cluster_refusal_count> cluster_refusal_names{
    "none",         "self",        "duplicate",   "crossed",     "busy",          "name_taken",
    "cluster",      "version",     "name",        "bad_hello",   "replay",        "tls",
    "slow",         "crowded",     "basp_header", "basp_length", "basp_identity", "basp_address",
    "basp_content", "basp_silent", "flooded"};

constexpr std::string_view name(cluster_refusal why) noexcept {
  return cluster_refusal_names[static_cast<std::size_t>(why)];
}

/// Part of how healthy nodes find each other: counted, and nothing for the log.
constexpr bool is_usual(cluster_refusal why) noexcept {
  return why >= cluster_refusal::self && why <= cluster_refusal::busy;
}

} // namespace beckon::net
