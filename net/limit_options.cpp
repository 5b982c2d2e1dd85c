#include "net/limit_options.hpp"

namespace beckon::net {

namespace {

using protocol::limits;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t gib = 1024 * mib;

std::vector<option_row> frame_limits() {
  return under(
      "Sizes",
      size("max-frame", at(&limits::frame_bytes_max), {kib, 16 * mib},
           "one message of a client; then closed 1009"),
      size("max-frame-before-auth", at(&limits::frame_bytes_before_auth_max), {kib, 16 * mib},
           "the same before the client has said who it is"),
      size("max-header-block", at(&limits::header_block_bytes_max), {kib, mib},
           "HTTP request line and fields; then 431"),
      count("max-header-fields", at(&limits::header_fields_max), {8, 1'000},
            "HTTP fields; then 431"),
      size("max-uri", at(&limits::uri_bytes_max), {128, 64 * kib}, "path and query; then 414"),
      count("max-fragments", at(&limits::fragments_max), {1, 100'000},
            "WebSocket fragments of one message; then closed 1008"),
      count("max-recipients", at(&limits::recipients_max), {1, 10'000},
            "names in `to` and in `except`"),
      count("max-batch", at(&limits::batch_frames_max), {1, 10'000},
            "frames in one message of a client"),
      size("max-group-name", at(&limits::group_bytes_max), {1, kib}, "a group's name"),
      size("max-uid", at(&limits::uid_bytes_max), {1, kib}, "a user's or member's uid"),
      size("max-meta", at(&limits::meta_bytes_max), {2, 16 * kib},
           "what a member says of itself; every watcher gets it"),
      size("max-key", at(&limits::key_bytes_max), {1, kib}, "an idempotency key"),
      size("max-token", at(&limits::token_bytes_max), {256, 64 * kib}, "a token"));
}

std::vector<option_row> group_limits() {
  return under("Groups and requests",
               count("max-groups-per-session", at(&limits::groups_per_session_max), {1, 100'000},
                     "groups that one session may be in"),
               count("max-members-per-group", at(&limits::members_per_group_max), {1, 10'000'000},
                     "members of one group"),
               count("max-groups-per-node", at(&limits::groups_per_node_max), {1, 100'000'000},
                     "groups on this server"),
               count("max-requests-in-flight", at(&limits::requests_in_flight_max), {1, 65'536},
                     "requests of one session that wait for a reply"),
               count("max-confirmations", at(&limits::confirmations_max), {1, 1'000'000},
                     "messages of one session that wait to be written or received"),
               count("max-roster-page", at(&limits::roster_page_members_max), {1, 10'000},
                     "members in one page of a roster"));
}

std::vector<option_row> rates_and_connections() {
  constexpr range<std::uint64_t> rate{0, 1'000'000};
  constexpr range<std::uint64_t> burst{1, 10'000'000};
  constexpr range<std::uint64_t> connections{0, 10'000'000};
  return under(
      "Rates and connections",
      count("rate-frames", at(&limits::frames_per_second), rate,
            "frames per second of one session; 0: no limit"),
      count("rate-frames-burst", at(&limits::frames_burst), burst, "frames at once after a pause"),
      size("rate-bytes", at(&limits::bytes_per_second), {0, gib},
           "bytes per second of one session; 0: no limit"),
      count("rate-joins", at(&limits::joins_per_second), rate,
            "joins and leaves per second of one session; 0: no limit"),
      count("rate-handshakes", at(&limits::handshakes_per_second), rate,
            "new connections per second; 0: no limit"),
      count("rate-handshakes-burst", at(&limits::handshakes_burst), burst,
            "new connections at once after a pause"),
      count("max-handshakes-in-progress", at(&limits::handshakes_in_progress_max), {1, 1'000'000},
            "connections that have not finished their request; more wait to be accepted"),
      count("max-connections", at(&limits::connections_max), connections,
            "connections to this server; 0: no limit; then 503"),
      count("max-connections-per-address", at(&limits::connections_per_address_max), connections,
            "connections from one IP address; 0: no limit; then 429"),
      count("max-connections-per-user", at(&limits::connections_per_user_max), connections,
            "sessions of one user; 0: no limit; then closed 4101"));
}

std::vector<option_row> memory() {
  return under("Memory",
               size("max-outbound", at(&limits::outbound_bytes_max), {kib, gib},
                    "waiting for one client; then `overloaded` and `gap`. At least --max-frame"),
               size("max-reserve", at(&limits::reserve_bytes_max), {64 * kib, gib},
                    "beyond it, for answers only: a page of a roster must fit"));
}

} // namespace

std::vector<option_row> limit_options() {
  std::vector<option_row> rows;
  append(rows, frame_limits());
  append(rows, group_limits());
  append(rows, rates_and_connections());
  append(rows, memory());
  return rows;
}

} // namespace beckon::net
