#pragma once
// A member that is an actor: what a user derives from, and how any CAF actor becomes one. A bot is
// a session whose client is an actor of the program: it speaks beckon.v1 like any client, without a
// socket. Owns: the callbacks that wait for answers. Lives on whichever thread wakes it; its
// death, however it comes (an exception in a handler, too), removes it from its groups.
//
// Handles: bot_frame (from its port), exit; what the user's `handlers` do. Sends bot_text.

#include "actors/bot_port.hpp"
#include "actors/messages.hpp"
#include "actors/node.hpp"
#include "protocol/codes.hpp"
#include "protocol/frame.hpp"
#include "protocol/json.hpp"

#include <caf/all.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace beckon::actors {

struct bot_options {
  std::string uid;                      ///< the user that it is, and its name in the groups
  std::vector<std::string> groups = {}; ///< to join at once
  std::optional<std::size_t> home = {}; ///< the thread of its session; nothing: in turn
};

/// Makes a session of this node whose client is `whom`. What the session says comes as `bot_frame`;
/// what is sent to the result as `bot_text` is read like a client's message, a batch of lines too.
/// When `whom` ends so does the session; when the server closes the session, `whom` is sent an exit
/// with the reason `closed_for`. Any thread, once the node has its relays.
/// @returns nothing when the node drains: then `whom` is sent its exit at once
/// @pre `uid` is a uid
caf::actor attach_bot(node_state& node, caf::actor_system& system, const caf::actor& whom,
                      bot_options options);

/// A `direct`, `message` or `request` as its handler sees it: valid within the handler.
struct bot_delivery {
  std::string_view group;   ///< empty: it was sent to the bot's user or session
  std::string_view from;    ///< the sender's uid, or user where there is no group
  std::int64_t at = 0;      ///< ms since 1970
  std::uint64_t number = 0; ///< of a request, for `reply`
  protocol::payload data;
};

/// The answer to a frame of the bot's: valid within its callback.
struct bot_answer {
  bool ok = false;
  std::string_view code;   ///< of an error
  std::string_view body;   ///< the whole frame, a JSON object
  std::string_view from;   ///< who replied to a request
  protocol::payload data;  ///< of a request's or call's answer
  std::uint64_t count = 0; ///< of a publication: how many sessions took it

  /// What became of a `send` for this recipient.
  protocol::outcome of(std::string_view recipient) const;

  std::string_view outcomes = {}; ///< JSON object: those that did not get it
};

class bot : public caf::event_based_actor {
public:
  using answered = std::function<void(const bot_answer&)>;

  struct join_options {
    std::string_view as = {};   ///< another uid than its own
    std::string_view meta = {}; ///< JSON value
    protocol::presence_mode presence = protocol::presence_mode::none;
    protocol::interest_level interest = protocol::interest_level::full;
  };
  struct send_options {
    protocol::confirm_level confirm = protocol::confirm_level::queued;
    std::chrono::seconds ttl{5};
  };

  explicit bot(caf::actor_config& config);
  ~bot() override;
  caf::behavior make_behavior() final;
  const char* name() const override { return "bot"; }

protected:
  // ---- what reaches it ----

  /// It is connected, and in the groups of its options.
  virtual void on_ready() {}
  /// A message whose sender wants `received` is confirmed once this returns.
  virtual void on_direct(const bot_delivery&) {}
  virtual void on_message(const bot_delivery&) {}
  /// Answer now or later, with `reply` or `refuse`.
  virtual void on_request(const bot_delivery& r) { refuse(r.number, "not_implemented"); }
  /// The frame as it is (protocol.md, Presence); only where a join asked for presence.
  virtual void on_presence(std::string_view) {}
  /// It is out of a group without having left. @param why as in `left`
  virtual void on_left(std::string_view /*group*/, std::string_view /*why*/) {}
  /// It was too slow: so many publications of the group are missing.
  virtual void on_gap(std::string_view /*group*/, std::uint64_t /*lost*/) {}
  /// Messages of other actors.
  virtual caf::behavior handlers() { return {}; }

  // ---- what it does; before on_ready it waits for that ----
  // A payload is a JSON value, or opaque bytes; what is no JSON throws std::invalid_argument. A
  // frame over the node's limit (64 KiB) ends the bot, as it ends any session. A callback is called
  // once, unless the bot ends before.

  void join(std::string_view group, const join_options& how, answered told = {});
  void join(std::string_view group) { join(group, join_options{}); }
  void leave(std::string_view group, answered told = {});
  void send(std::string_view group, std::span<const std::string_view> to,
            const protocol::payload& data, answered told, const send_options& how);
  void send(std::string_view group, std::string_view to, const protocol::payload& data,
            answered told = {}) {
    send(group, {&to, 1}, data, std::move(told), send_options{});
  }
  void publish(std::string_view group, const protocol::payload& data, answered told = {});
  /// A request to a member.
  void ask(std::string_view group, std::string_view to, const protocol::payload& data,
           answered told, std::chrono::milliseconds timeout = std::chrono::seconds(5));
  /// Something that the group's behaviour offers.
  void call(std::string_view group, std::string_view what, const protocol::payload& data,
            answered told = {}, std::chrono::milliseconds timeout = std::chrono::seconds(5));
  void reply(std::uint64_t request, const protocol::payload& data);
  /// @param code 1 to 64 of [a-z0-9_]
  void refuse(std::uint64_t request, std::string_view code, std::string_view message = {});
  /// Any frame of beckon.v1, as it is, unchecked.
  void write(std::string frame);

private:
  struct frame;
  void take(const bot_frame& f);
  void take_delivery(const frame& f, std::string_view type);
  void take_answer(const frame& f, bool ok);
  void ready();
  std::string start(std::string_view type, answered told);
  void ask_for(std::string_view type, std::string_view group, std::string_view key,
               std::string_view whom, const protocol::payload& data, answered told,
               std::chrono::milliseconds timeout);
  protocol::payload payload_of(const frame& f);

  caf::actor port_; ///< nothing before the first frame
  std::vector<std::string> early_;
  std::uint64_t ids_ = 0;
  std::unordered_map<std::uint64_t, answered> waiting_;
  std::string group_, from_, data_; ///< unescaped, of the frame in hand
};

/// Starts a bot of class T, which is made with `args`. @returns its actor
template <class T, class... Ts>
caf::actor spawn_bot(node_state& node, caf::actor_system& system, bot_options options,
                     Ts&&... args) {
  caf::actor made = system.spawn<T, caf::hidden>(std::forward<Ts>(args)...);
  attach_bot(node, system, made, std::move(options));
  return made;
}

} // namespace beckon::actors
