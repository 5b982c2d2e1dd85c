#pragma once
// The HTTP side of a connection: one request, checked and answered. Owns: what makes a request good
// (faults.md C1). Plain functions over the bytes of the header block; the connection decides what
// to do with the verdict.

#include "actors/counters.hpp"
#include "actors/session.hpp"
#include "net/options.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::net {

/// Length of the header block that `bytes` start with, its empty line included; 0 while it is not
/// all here.
std::size_t header_block(std::string_view bytes);

/// Whether a line ends without CR: such a block may never end the way `header_block` waits for.
bool has_bare_newline(std::string_view bytes);

/// Whether `bytes` may still become an HTTP/1.1 request: a TLS hello, an HTTP/2 preface and noise
/// may not.
bool looks_like_http(std::string_view bytes);

struct verdict {
  unsigned status = 101;       ///< 101: send `upgrade_answer`, and greet
  std::string header;          ///< one more header line for the answer, without its end
  std::string key;             ///< Sec-WebSocket-Key
  bool names_protocol = false; ///< it asked for sub-protocols; ours is among them
  actors::greeting greet;
  bool bad_token = false; ///< 401 for a token, which counts against the address
};

/// What a request is judged by, beside the options.
struct judge {
  const options& values;
  const actors::authenticate& verify;
  bool ready = true; ///< /readyz
};

/// Checks one header block. Never throws for what a client sent.
verdict check_upgrade(std::string_view block, const judge& by);

/// The answer to a request whose verdict was 101.
std::string upgrade_answer(const verdict& v);

/// A whole answer of plain text that closes the connection. `text`: in place of the status's own.
std::string http_answer(unsigned status, std::string_view header = {}, std::string_view text = {});

} // namespace beckon::net
