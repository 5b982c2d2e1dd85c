#pragma once
// The clients of a run: their sockets, their handshakes, one epoll loop for all of them.
// Owns: every connection and the list of what went wrong. One thread. A connection that ends
// although nobody here asked for it is a fault, and stays closed; the fleet never reconnects by
// itself.

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
  std::uint64_t refusals = 0; ///< error and bye frames, and a gap where none may be
  std::uint64_t closes = 0;   ///< connections that ended before we ended them
  std::uint64_t unexpected =
      0; ///< frames that nothing here asked for, or with other contents than was sent
  std::uint64_t lost = 0; ///< messages sent whose delivery or acknowledgement never came
  std::string first;      ///< the first of them, in words

  std::uint64_t total() const { return refusals + closes + unexpected + lost; }
};

/// Hears what arrives at each client, in the order of arrival. What a run does not expect, its
/// listener blames the fleet for; what it does not care for, it need not override.
class listener {
public:
  virtual void on_delivery(std::size_t /*client*/, std::string_view /*text*/) {}
  virtual void on_ok(std::size_t /*client*/, std::string_view /*text*/) {}
  /// @returns whether the client may miss deliveries at all.
  virtual bool on_gap(std::size_t /*client*/, std::uint64_t /*lost*/) { return false; }
  virtual void on_welcome(std::size_t /*client*/) {}
  /// A client that was asked to leave has gone.
  virtual void on_left(std::size_t /*client*/) {}
  virtual ~listener() = default;
};

class fleet {
public:
  /// Client i is the user u<i> in group g<i / group_size>, and connects to one port after the
  /// other.
  struct shape {
    std::vector<std::uint16_t> ports; ///< of the nodes of one cluster
    std::size_t clients = 0;
    std::size_t group_size = 1;
  };
  fleet(const dialect& words, shape form);
  ~fleet();
  fleet(const fleet&) = delete;
  fleet& operator=(const fleet&) = delete;

  static constexpr std::size_t in_progress_default = 64;

  /// Connects all clients and waits for every welcome.
  /// @throws std::runtime_error when one is refused or not all are welcome within `limit`.
  void connect_all(std::chrono::seconds limit, std::size_t in_progress_max = in_progress_default);
  /// Begins to connect one that is not connected; `on_welcome` follows.
  void connect(std::size_t index);
  /// Says goodbye, as a browser does; `on_left` follows when the server has closed.
  void leave(std::size_t index);
  /// Resets all connections at once, without a word.
  void drop_all();
  /// Whether what arrives is taken from the socket.
  void set_reading(std::size_t index, bool on);

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
  /// Pings of the protocol that were answered.
  std::uint64_t pings() const { return pings_; }

  const dialect& words() const { return words_; }
  const shape& form() const { return shape_; }
  static std::string uid(std::size_t index);
  std::string group(std::size_t index) const;

private:
  enum class stage : std::uint8_t { closed, upgrading, greeting, open, leaving };
  struct client {
    int socket = -1;
    stage at = stage::closed;
    bool is_dirty = false;   ///< listed in dirty_
    bool is_blocked = false; ///< the socket took no more; epoll tells when it does
    bool is_reading = true;
    std::uint32_t key = 0; ///< of its masks
    std::string unread;    ///< the beginning of a frame whose end is still to come
    std::string unsent;
  };

  int open_socket(std::uint16_t port);
  std::uint16_t port_of(std::size_t index) const {
    return shape_.ports[index % shape_.ports.size()];
  }
  void watch(std::size_t index, int operation);
  void read(std::size_t index, listener& to);
  std::size_t take(std::size_t index, std::string_view bytes, listener& to);
  std::size_t take_upgrade_answer(std::size_t index, std::string_view bytes, listener& to);
  void take_frame(std::size_t index, const server_frame& frame, listener& to);
  void take_text(std::size_t index, std::string_view text, listener& to);
  void take_close(std::size_t index, std::string_view payload);
  void welcome(std::size_t index, listener& to);
  void flush(std::size_t index);
  void close(std::size_t index);
  void end(std::size_t index, std::string_view why, listener* to);
  mask_key key_of(const client& c) const;

  const dialect& words_;
  shape shape_;
  int epoll_ = -1;
  std::vector<client> clients_;
  std::vector<std::size_t> dirty_;
  std::vector<char> buffer_;
  std::size_t in_progress_ = 0;
  std::size_t welcome_ = 0;     ///< open now
  std::uint64_t connected_ = 0; ///< ever
  std::uint64_t pings_ = 0;
  faults faults_;
};

} // namespace load
