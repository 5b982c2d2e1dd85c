#pragma once
// What a session sees of its connection. Owns: nothing. Implemented in net/ by the connection, in
// tests by a recorder. Called on the session's thread only; the connection outlives the session's
// last call (session::end).

#include "protocol/codes.hpp"
#include "protocol/delivery.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace beckon::actors {

class port {
public:
  virtual ~port() = default;

  /// Queues a delivery. @returns false when the queue is full (limits::outbound_bytes_max): nothing
  /// was queued.
  virtual bool push(const protocol::shared_frame& frame) = 0;

  /// Queues an answer, using the reserve when the queue is full. A reserve that is full as well
  /// closes 4103.
  virtual void reply(std::string_view json) = 0;
  virtual void reply(const protocol::shared_frame& frame) = 0;

  /// Position in the outbound stream behind all that was queued; `session::written` tells when it
  /// has been passed.
  virtual std::uint64_t mark() = 0;

  /// Whether deliveries fit again after some were refused.
  virtual bool has_room() const = 0;

  /// Stops reading from the client until `resume`. Only from within `session::text` or
  /// `session::binary`.
  virtual void pause() = 0;
  virtual void resume() = 0;

  /// The client is who it says: larger frames are allowed from here on.
  virtual void authenticated() = 0;
  /// Frames may be sent together, separated by LF (`hello.batch`).
  virtual void batching(bool on) = 0;

  /// Ends the connection with this close code, after `bye` where one is given. The session has been
  /// told `end` by the time the socket is gone.
  virtual void close(protocol::close_code why, std::string_view bye = {}) = 0;
};

} // namespace beckon::actors
