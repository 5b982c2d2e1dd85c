#pragma once
// The limits of protocol.md section 8, with their defaults. Owns: the numbers.
// Written once, by the options.
// Sizes in bytes, rates per second; 0 lifts a rate or a number of connections, nothing else.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace beckon::protocol {

struct limits {
  std::size_t frame_bytes_max = 64 * 1024;
  std::size_t frame_bytes_before_auth_max = 16 * 1024;
  std::size_t header_block_bytes_max = 16 * 1024;
  std::size_t header_fields_max = 64;
  std::size_t uri_bytes_max = 2 * 1024;
  std::size_t fragments_max = 64;
  std::chrono::milliseconds assembly_timeout{10'000};

  std::size_t recipients_max = 256; ///< in `to` and in `except`
  std::size_t batch_frames_max = 64;
  std::size_t groups_per_session_max = 128;
  std::size_t members_per_group_max = 100'000;
  std::size_t groups_per_node_max = 1'000'000;
  std::size_t requests_in_flight_max = 64;
  std::size_t group_bytes_max = 200;
  std::size_t uid_bytes_max = 128;
  std::size_t meta_bytes_max = 1024;
  std::size_t key_bytes_max = 64;
  std::size_t roster_page_members_max = 500;
  std::size_t token_bytes_max = 8 * 1024;

  std::size_t frames_per_second = 200; ///< of one session; 0: no limit
  std::size_t frames_burst = 400;
  std::size_t bytes_per_second = 1024 * 1024; ///< of one session; 0: no limit
  std::size_t joins_per_second = 30;          ///< joins and leaves of one session; 0: no limit
  std::size_t connections_per_address_max = 64;
  std::size_t connections_per_user_max = 16;
  std::size_t connections_max = 65'536;
  std::size_t handshakes_per_second = 500;
  std::size_t handshakes_burst = 1000;
  std::size_t handshakes_in_progress_max = 512;

  std::size_t outbound_bytes_max = 256 * 1024; ///< queued for one session
  std::size_t reserve_bytes_max = 64 * 1024;   ///< beyond it, for replies only
  std::size_t confirmations_max = 1024; ///< of one session, waiting for `written` or `received`
};

/// Top-level fields of one frame (protocol.md section 3).
inline constexpr std::size_t frame_fields_max = 32;
/// Nesting inside one field's value (protocol.md section 5).
inline constexpr std::size_t json_depth_max = 32;
/// Largest `id`: what a double holds exactly, 2^53 - 1.
inline constexpr std::uint64_t id_max = (std::uint64_t{1} << 53) - 1;
/// Where presence frames and roster pages are split.
inline constexpr std::size_t roster_frame_bytes_max = 48 * 1024;

} // namespace beckon::protocol
