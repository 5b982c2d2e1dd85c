#pragma once
// A connection without a socket: writes down what its session queues, and plays the kernel, which
// takes the outbound bytes when it is told to. Keeps the bounds and the flow control of
// net/connection. Owns: one session and its outbound queue. Ends the session when it goes.

#include "actors/port.hpp"
#include "actors/session.hpp"
#include "actors/slow_client.hpp"
#include "tests/kit/stage.hpp"

#include <caf/all.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::testing {

class recorder : public actors::port {
public:
  recorder(stage& node, std::size_t home, actors::greeting hello);
  /// A client that the URL names.
  recorder(stage& node, std::size_t home, std::string user, std::vector<std::string> groups = {});
  recorder(const recorder&) = delete;
  recorder& operator=(const recorder&) = delete;
  ~recorder() override;

  // ---- the client ----

  /// The client writes a message. It is read at once, or once the session reads again.
  void write(std::string bytes, bool is_text = true);
  /// The session reads the next message. @returns whether there was one and it may be read now
  bool read();
  /// Whether the session would read now.
  bool reads() const;
  /// The connection breaks, or has said goodbye.
  void end();

  // ---- the kernel ----

  std::size_t queued() const noexcept { return static_cast<std::size_t>(appended_ - taken_); }
  /// Takes so many bytes of what is queued.
  void take(std::size_t bytes);
  void take_all() { take(queued()); }

  // ---- what became of it ----

  struct frame {
    std::string json;      ///< the payload; of a binary frame: header and body as they are
    std::uint64_t end = 0; ///< its last byte's place in the outbound stream
  };
  /// All that was queued for the client and not forgotten.
  std::deque<frame> frames;
  /// All frames that were queued since the last call, one per line.
  std::string said();
  bool paused() const noexcept { return paused_; }
  bool is_authenticated() const noexcept { return authenticated_; }
  bool batches() const noexcept { return batching_; }
  std::optional<protocol::close_code> closed() const noexcept { return closed_; }
  bool ended() const noexcept { return ended_; }
  std::uint64_t taken() const noexcept { return taken_; }
  actors::session& session() noexcept { return *session_; }
  const caf::actor& handle() const noexcept { return handle_; }
  std::size_t home() const noexcept { return home_; }

  // ---- port ----

  bool push(const protocol::shared_frame& delivery) override;
  void reply(std::string_view json) override;
  void reply(const protocol::shared_frame& answer) override;
  std::uint64_t mark() override { return appended_; }
  bool has_room() const override;
  void pause() override { paused_ = true; }
  void resume() override { paused_ = false; }
  void authenticated() override { authenticated_ = true; }
  void batching(bool on) override { batching_ = on; }
  void close(protocol::close_code why, std::string_view bye) override;

protected:
  /// A frame was queued, or a delivery refused for want of room.
  virtual void on_queued(const frame&) {}
  virtual void on_refused(std::string_view) {}

  stage& stage_;

private:
  void append(std::string_view payload, std::size_t wire_bytes);
  void check_reserve();

  const std::size_t home_;
  caf::actor handle_;
  actors::session* session_ = nullptr;
  struct message {
    std::string bytes;
    bool is_text;
  };
  std::deque<message> unread_;
  std::uint64_t appended_ = 0;
  std::uint64_t taken_ = 0;
  bool paused_ = false;
  actors::slow_client slow_;
  bool authenticated_ = false;
  bool batching_ = false;
  bool ended_ = false;
  std::optional<protocol::close_code> closed_;
};

} // namespace beckon::testing
