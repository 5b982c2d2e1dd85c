#pragma once
// One client's connection: one coroutine tells its story (handshake, messages, goodbye). Owns: the
// socket, the outbound queue, the deadlines. Its session is its actor; the session ends with it.
// Lives on one thread; ends when its client is gone, breaks the protocol, is too slow, or its
// session says so.

#include "actors/port.hpp"
#include "actors/session.hpp"
#include "actors/slow_client.hpp"
#include "actors/timing_wheel.hpp"
#include "net/outbox.hpp"
#include "net/poller.hpp"
#include "net/services.hpp"
#include "net/signal.hpp"
#include "net/task.hpp"
#include "net/thread_unit.hpp"
#include "net/unique_fd.hpp"
#include "net/websocket.hpp"

#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace beckon::net {

struct verdict;

class connection final : public pollee,
                         public message_sink,
                         public actors::port,
                         public std::enable_shared_from_this<connection> {
public:
  /// After our close frame we read and discard this long, so that a reset does not eat the code.
  static constexpr std::chrono::seconds goodbye_max{1};
  /// And so much of it: about what socket buffers hold.
  static constexpr std::size_t goodbye_bytes_max = 4 * 1024 * 1024;
  /// Once the client has ended, so long its session may take for the frames that it holds back.
  static constexpr auto held_frames_max = actors::session::group_answer_max;

  connection(services& around, thread_unit& unit, unique_fd socket, boost::asio::ip::address from);
  ~connection() override;

  /// Starts the story. On the unit's thread.
  void start();
  /// Resumes its coroutine. By the unit, at the start of a turn.
  void go_on() { wake_.notify(); }
  /// Ends it now, without a word.
  void cut();
  /// What it keeps for its client: what is queued, and what has come of a message.
  std::size_t held() const noexcept { return queued() + websocket_.held(); }
  /// Its end is under way, and it lets go of what it holds.
  bool ends() const noexcept { return phase_ >= phase::closing; }
  /// Closes it (4104) for what it holds; `at_once`: a goodbye would take too long.
  void shed(bool at_once);
  /// Gives the kernel what is queued. By the unit, at the end of a turn.
  void flush();

  // pollee
  void ready(std::uint32_t events) override;
  /// Serving it outside its story threw (memory): it ends, at once or with its next wake.
  void failed(const char* why) noexcept override;

  // message_sink
  void on_message(std::string_view message, bool is_text) override;
  void on_control(std::size_t bytes) override;
  bool wants_more() const override;

  // port
  bool push(const protocol::shared_frame& frame) override;
  void reply(std::string_view json) override;
  void reply(const protocol::shared_frame& frame) override;
  std::uint64_t mark() override;
  bool has_room() const override { return slow_.has_room(queued()); }
  void pause() override { paused_ = true; }
  void resume() override;
  void authenticated() override { websocket_.authenticated(); }
  void batching(bool on) override;
  void close(protocol::close_code why, std::string_view bye) override;

private:
  enum class phase : std::uint8_t { handshake, open, closing, done };
  struct alarm final : actors::deadline {
    explicit alarm(connection& c) : of(c) {}
    void due(actors::steady_time now) override { of.wake(now); }
    void failed(const char* why) noexcept override { of.failed(why); }
    connection& of;
  };

  /// What the gatekeeper knows it by.
  struct arrival final : gatekeeper::guest {
    explicit arrival(connection& c) : of(c) {}
    void asked_to_go() noexcept override;
    connection& of;
  };

  story tell_story(std::shared_ptr<connection> self);
  task shake_hands();
  task read_messages();
  task say_goodbye();
  void finish();
  void tell_how_it_ended();
  void tell_closed(protocol::close_code why);

  std::span<char> receive();
  void take(std::span<char> bytes);
  void pause_over_rate();
  void read_on(actors::steady_time now);
  void note_error(int error) { timed_out_ = timed_out_ || error == ETIMEDOUT; }
  void take_request(std::string_view block, std::string_view rest);
  void open(verdict& v, std::string_view rest);
  void answer_http(unsigned status, std::string_view header = {});
  void drop_handshake(actors::refusal why);
  void go_unless_asked();
  void start_goodbye();
  void queue_goodbye(protocol::close_code why, std::string_view bye) noexcept;
  void lose_client();
  void end_handshake();
  bool end_session() noexcept;
  void fail(const char* why) noexcept;

  void append_text(std::string_view json);
  void append(const protocol::shared_frame& frame);
  void end_batch();
  std::size_t queued() const noexcept { return outbox_.queued() + batch_.size(); }
  void check_reserve();
  bool write();
  void drop_queue();
  void made_room();
  void tell_queued();
  void make_dirty();
  void wake_later();

  void wake(actors::steady_time now);
  void wake_by(actors::steady_time when);
  void check_liveness(actors::steady_time now);
  const protocol::limits& bounds() const { return around_.values.bounds; }
  actors::home& place() const { return *unit_.place; }

  services& around_;
  thread_unit& unit_;
  unique_fd socket_;
  const boost::asio::ip::address from_;
  arrival arrival_;
  signal wake_;
  phase phase_ = phase::handshake;
  bool readable_ = false;
  bool writable_ = true;
  bool peer_ended_ = false; ///< it will send no more
  bool broken_ = false;     ///< and nothing gets to it
  bool timed_out_ = false;  ///< the kernel has given it up
  bool gone_ = false;       ///< nothing of it is waited for any more
  bool paused_ = false;     ///< by the session
  bool again_ = false;      ///< bytes that were kept may be used now
  bool dirty_ = false;
  bool batching_ = false;
  bool unread_ = false;    ///< it waits for room before it reads on
  bool told_end_ = false;  ///< how it ended has been counted
  bool shaking_ = true;    ///< its request has not been answered
  bool http_only_ = false; ///< it was answered by HTTP alone
  bool crowded_ = false;   ///< it makes room unless its request is here

  websocket websocket_;
  outbox outbox_;
  actors::slow_client slow_;
  std::string batch_; ///< text frames that will leave as one message
  std::size_t batch_frames_ = 0;
  std::string head_; ///< of the request, while it is incomplete

  caf::actor session_handle_;
  actors::session* session_ = nullptr;

  alarm alarm_;
  actors::steady_time started_, last_received_;
  actors::steady_time ping_sent_{}, incomplete_since_{};
  actors::steady_time read_again_{}; ///< it is over its rate; in the past: it is not
  actors::steady_time closing_by_{}; ///< our goodbye, or the end of a client that is gone
  std::size_t queued_told_ = 0;      ///< of queued(), as the gauge knows it
};

} // namespace beckon::net
