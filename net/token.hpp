#pragma once
// JSON Web Tokens under one HS256 key (RFC 7515, 7519). Owns: the key, and what makes a token good
// or bad. Made at start, shared by all threads read-only; a token's claims live as long as the
// session that showed it.

#include "protocol/limits.hpp"

#include <boost/system/result.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

/// Shortest key: as long as the hash (RFC 7518, 3.2).
inline constexpr std::size_t token_key_bytes_min = 32;

/// Why a token is refused. Clients learn only that it was (401, 4002); the sentence goes to the
/// log.
enum class token_errc {
  too_large = 1,
  malformed,
  bad_header,
  wrong_algorithm,
  critical_extension,
  bad_signature,
  bad_claims,
  duplicate_claim,
  bad_subject,
  bad_members,
  no_expiry,
  bad_time,
  expired,
  not_yet_valid,
};
inline constexpr int token_errc_count = 14;
/// A sentence without any part of the token.
std::string_view text(token_errc) noexcept;

/// What a token says.
struct claims {
  std::string sub; ///< the user; a valid uid
  /// When its session must end. `exp`; for a token that was accepted within the leeway after its
  /// `exp`: the end of the leeway.
  std::chrono::system_clock::time_point expires_at;
  std::vector<std::string> as; ///< members that the user may be besides itself; `*` stands for any

  /// Whether the user may be member `uid`.
  bool may_be(std::string_view uid) const noexcept;
};

class token_verifier {
public:
  /// @pre key.size() >= token_key_bytes_min
  token_verifier(std::string key, std::chrono::milliseconds leeway, const protocol::limits& bounds);

  /// Any thread. About 10 us; a token over bounds.token_bytes_max costs nothing.
  boost::system::result<claims, token_errc> verify(std::string_view token,
                                                   std::chrono::system_clock::time_point now) const;

private:
  std::string key_;
  std::chrono::milliseconds leeway_;
  protocol::limits bounds_;
};

/// A token that says `sub`, `exp` and, where there are any, `as`. `exp` is cut to whole seconds.
std::string make_token(std::string_view key, const claims& says);

/// The key in a file: its bytes less one trailing newline.
struct token_key {
  std::string bytes;
  bool world_readable = false;
};
/// @returns the key, or why there is none (a sentence without the path).
boost::system::result<token_key, std::string> read_token_key(const std::string& path);

/// `beckon token --user alice --for 1h [--as bot]... [--token-key-file F]`: prints a token on
/// stdout. The key file may come from BECKON_TOKEN_KEY_FILE. argv[0] is the word `token`.
/// @returns the exit status: 0, or 78 (EX_CONFIG) after one line on stderr.
int token_command(int argc, const char* const* argv, const char* const* envp);

} // namespace beckon::net
