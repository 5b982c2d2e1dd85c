#pragma once
// What two gates say to each other before a link stands: each a hello, then each a verdict. Owns:
// the bytes and their bounds. Values; reading never trusts a length, and ignores what a later
// version appends.
//
// On the wire: length (4 bytes, big endian, of what follows), kind (1 byte), fields. The dialler
// sends its hello; the acceptor its hello and verdict; the dialler its verdict. Then comes BASP.

#include "net/cluster_refusal.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

/// Versions of this protocol that we speak.
inline constexpr std::uint8_t gate_version_min = 1;
inline constexpr std::uint8_t gate_version_max = 1;
/// Addresses that one message may tell.
inline constexpr std::size_t known_addresses_max = 1024;
/// Longest message: that many addresses of the longest kind, and the rest.
inline constexpr std::size_t gate_message_bytes_max = 288 * 1024;
/// Length of the length.
inline constexpr std::size_t gate_prefix_bytes = 4;

struct cluster_hello {
  std::uint8_t version_min = gate_version_min;
  std::uint8_t version_max = gate_version_max;
  std::string cluster;
  std::string node;
  std::uint64_t incarnation = 0;  ///< start of the process, in ns of the wall clock
  std::uint64_t nonce = 0;        ///< which the answer repeats, so that no recording is one
  std::string caf_node;           ///< CAF's id of the process, serialized
  std::uint64_t hub = 0;          ///< id of the hub's actor there
  bool linked = false;            ///< others know it by this name, and are heard
  std::string advertised;         ///< `host:port`; `:port`: at the address that the reader sees
  std::vector<std::string> known; ///< `host:port` of nodes that it knows
};

struct cluster_verdict {
  cluster_refusal why = cluster_refusal::none; ///< of a later version: bad_hello
  std::uint64_t nonce = 0;                     ///< the reader's
  std::vector<std::string> known;
};

/// Whole messages, with their length.
std::string encode(const cluster_hello& hello);
std::string encode(const cluster_verdict& verdict);

/// @returns the length that a message's first bytes tell, or nothing when it is none that we read
std::optional<std::size_t> gate_message_length(std::string_view prefix);
/// Of a message without its length. Nothing: it is not one.
std::optional<cluster_hello> parse_hello(std::string_view message);
std::optional<cluster_verdict> parse_verdict(std::string_view message);

/// Whether both speak a common version.
bool have_common_version(const cluster_hello& one, const cluster_hello& other);

} // namespace beckon::net
