#pragma once
// The port of a session whose client is an actor. Owns: the session, what the actor has not handled
// yet, what it has written and was not read yet. Pinned to the session's thread. Ends with the
// actor, or when the session says so: then the actor is sent an exit.
//
// Handles: bot_text (from the actor), the actor's responses to bot_frame, its down. Sends
// bot_frame.

#include "actors/messages.hpp"
#include "actors/pinned_actor.hpp"
#include "actors/port.hpp"
#include "actors/session.hpp"
#include "actors/slow_client.hpp"
#include "actors/timing_wheel.hpp"

#include <caf/all.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace beckon::actors {

/// Why a session closed, as the exit reason of its actor: category `beckon`, the close code's name.
caf::error closed_for(protocol::close_code why);

class bot_port final : public pinned_actor, public port {
public:
  /// What the actor may have written and the session not read (it waits for an answer, or the actor
  /// does not handle what it gets), each text counted with what it takes beside its bytes. Over it:
  /// closed 4102.
  static constexpr std::size_t unread_bytes_max = 4 * 1024 * 1024;
  static constexpr std::size_t text_bytes = 64;

  bot_port(caf::actor_config& config, home& place, caf::actor whom, greeting hello);
  caf::behavior make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "bot_port"; }

  // port
  bool push(const protocol::shared_frame& frame) override;
  void reply(std::string_view json) override;
  void reply(const protocol::shared_frame& frame) override;
  std::uint64_t mark() override { return appended_; }
  bool has_room() const override;
  void pause() override { paused_ = true; }
  void resume() override;
  void authenticated() override {}
  void batching(bool) override {} ///< each frame is a message of its own
  void close(protocol::close_code why, std::string_view bye) override;

private:
  struct alarm final : deadline {
    explicit alarm(bot_port& p) : of(p) {}
    void due(steady_time now) override { of.wake(now); }
    void failed(const char* why) noexcept override { of.fail(why); }
    bot_port& of;
  };

  void take(bot_text& t);
  void read();
  void append(const protocol::shared_frame& frame);
  void handled(std::size_t bytes);
  void check_reserve();
  void end();
  void tell_of(const caf::error& reason);
  bool end_session() noexcept;
  void wake(steady_time now);
  void wake_by(steady_time when);
  void fail(const char* why) noexcept;
  template <class F>
  void guarded(F f);
  std::size_t queued() const noexcept { return static_cast<std::size_t>(appended_ - taken_); }
  bool wants_more() const noexcept;

  home& home_;
  caf::actor whom_;
  caf::actor held_; ///< itself, until its end: nobody else may have it before it has said something
  const std::string uid_;
  greeting hello_;
  caf::actor session_handle_;
  session* session_ = nullptr;
  std::uint64_t appended_ = 0; ///< bytes sent to the actor
  std::uint64_t taken_ = 0;    ///< of these, handled
  std::deque<std::string> unread_;
  std::size_t unread_bytes_ = 0;
  bool paused_ = false;
  std::optional<protocol::close_code> closed_;
  slow_client slow_;
  alarm alarm_;
};

} // namespace beckon::actors
