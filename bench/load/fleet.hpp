#pragma once
// The clients of a run: their sockets, their handshakes, one epoll loop for all of them.
// Owns: every connection and the list of what went wrong. One thread. A connection that the server
// closes stays closed and is counted as a fault; the fleet never reconnects.

#include "clock.hpp"
#include "dialect.hpp"
#include "frame.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace load {

/// What a run must not see. Any of them marks it as failed.
struct faults {
  std::uint64_t refusals = 0; ///< error, gap and bye frames
  std::uint64_t closes = 0;   ///< connections that ended before we ended them
  std::uint64_t unexpected =
      0; ///< frames that nothing here asked for, or with other contents than was sent
  std::uint64_t lost = 0; ///< messages sent whose delivery or acknowledgement never came
  std::string first;      ///< the first of them, in words

  std::uint64_t total() const { return refusals + closes + unexpected + lost; }
};

/// Hears what arrives at each client, in the order of arrival.
class listener {
public:
  virtual void on_delivery(std::size_t client, std::string_view text) = 0;
  virtual void on_ok(std::size_t client, std::string_view text) = 0;
  virtual ~listener() = default;
};

class fleet {
public:
  /// Client i is the user u<i> in group g<i / group_size>.
  struct shape {
    std::uint16_t port = 0;
    std::size_t clients = 0;
    std::size_t group_size = 1;
  };
  fleet(const dialect& words, shape form);
  ~fleet();
  fleet(const fleet&) = delete;
  fleet& operator=(const fleet&) = delete;

  /// Connects all clients, at most 64 at a time, and waits for every welcome.
  /// @throws std::runtime_error when one is refused or not all are welcome within `limit`.
  void connect_all(std::chrono::seconds limit);

  /// One look at the sockets: waits at most `wait` for something to arrive, tells `to` of it, then
  /// writes what was queued meanwhile, one system call per connection.
  void turn(nanoseconds wait, listener& to);

  /// Queues bytes that are already framed and masked.
  void send(std::size_t index, std::string_view masked);
  /// Writes what is queued: for what was sent outside of a turn.
  void flush();

  /// A final, masked text frame of this client.
  std::string frame(std::size_t index, std::string_view text) const;

  void blame(std::uint64_t faults::*kind, std::string_view what);
  const faults& found() const { return faults_; }

  const dialect& words() const { return words_; }
  const shape& form() const { return shape_; }
  static std::string uid(std::size_t index);
  std::string group(std::size_t index) const;

private:
  enum class stage : std::uint8_t { unborn, upgrading, greeting, open, closed };
  struct client {
    int socket = -1;
    stage at = stage::unborn;
    bool is_dirty = false;   ///< listed in dirty_
    bool is_blocked = false; ///< the socket took no more; epoll tells when it does
    std::uint32_t key = 0;   ///< of its masks
    std::string unread;      ///< the beginning of a frame whose end is still to come
    std::string unsent;
  };

  void begin(std::size_t index);
  void watch(std::size_t index, std::uint32_t events, int operation);
  void read(std::size_t index, listener& to);
  std::size_t take(std::size_t index, std::string_view bytes, listener& to);
  std::size_t take_upgrade_answer(client& c, std::string_view bytes);
  void take_frame(std::size_t index, const server_frame& frame, listener& to);
  void take_text(std::size_t index, std::string_view text, listener& to);
  void flush(std::size_t index);
  void end(std::size_t index, std::string_view why);
  mask_key key_of(const client& c) const;

  const dialect& words_;
  shape shape_;
  int epoll_ = -1;
  std::vector<client> clients_;
  std::vector<std::size_t> dirty_;
  std::vector<char> buffer_;
  std::size_t in_progress_ = 0;
  std::size_t welcome_ = 0;
  faults faults_;
};

} // namespace load
