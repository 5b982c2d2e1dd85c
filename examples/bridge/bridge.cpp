// bridge: a bot that carries messages between a group and Redis' channels, byte by byte.
//
//     bridge 127.0.0.1:6379 lobby --insecure      then as `beckon serve`
//
//     PSUBSCRIBE lobby:out:*        what members publish in the group: lobby:out:alice,
//     lobby:out:bob PUBLISH lobby:in '"hello"'    comes to the group from "redis"; what is no JSON
//     as opaque bytes
//
// Nothing goes round: it does not listen where it speaks, on either side, and leaves out what the
// bridge of another node has said. One node of a cluster runs it, as each would carry everything.
//
// Redis keeps nothing in its channels: what is published to lobby:in while the bridge has no
// connection is lost, and the log says for how long that was. What the group says meanwhile waits,
// up to waiting_max messages; those over it are lost and counted in the log. A message that Redis
// took as it went away may come twice.
//
// hiredis waits for the network, which an actor must not: two actors with threads of their own do.

#include <algorithm>
#include <beckon/bot.hpp>
#include <beckon/server.hpp>
#include <charconv>
#include <cstdio>
#include <deque>
#include <hiredis/hiredis.h>
#include <memory>
#include <poll.h>
#include <string>
#include <utility>

namespace {

using std::chrono::milliseconds, std::chrono::seconds, std::chrono::steady_clock;
using again = caf::atom_constant<caf::atom("again")>;
using handled = caf::atom_constant<caf::atom("handled")>;

constexpr seconds retry_after{1};
constexpr std::size_t waiting_max = 1000; ///< of the group's, for Redis
constexpr std::size_t carried_max = 64;   ///< of Redis', for the group; then Redis has to wait
constexpr std::size_t bytes_max = 45'000; ///< of one of Redis': as base64 it fits into a frame

void say(const std::string& text) {
  std::fprintf(stderr, "bridge: %s\n", text.c_str());
}

struct redis_address {
  std::string host;
  int port = 0;
};

/// A connection to Redis, for one thread. No reply: there is none (any more); connect again.
class redis {
public:
  struct closer {
    void operator()(redisContext* c) const { redisFree(c); }
    void operator()(redisReply* r) const { freeReplyObject(r); }
  };
  using reply = std::unique_ptr<redisReply, closer>;

  bool connect(const redis_address& to) {
    it_.reset(redisConnectWithTimeout(to.host.c_str(), to.port, {1, 0}));
    if (!is_open())
      return false;
    redisSetTimeout(it_.get(), {1, 0});
    redisEnableKeepAlive(it_.get());
    return true;
  }
  bool is_open() const { return it_ && it_->err == 0; }

  template <class... Ts>
  reply command(const char* format, Ts... values) {
    reply got(static_cast<redisReply*>(redisCommand(it_.get(), format, values...)));
    if (got && got->type == REDIS_REPLY_ERROR) {
      say("Redis says " + std::string(got->str, got->len));
      it_.reset();
      got.reset();
    }
    return got;
  }
  /// What a subscription brings. @returns nothing when nothing came in time
  reply next(milliseconds time) {
    void* got = nullptr;
    while (redisGetReplyFromReader(it_.get(), &got) == REDIS_OK && !got) {
      pollfd readable{it_->fd, POLLIN, 0};
      if (poll(&readable, 1, static_cast<int>(time.count())) <= 0 ||
          redisBufferRead(it_.get()) != REDIS_OK)
        break;
    }
    return reply(static_cast<redisReply*>(got));
  }

private:
  std::unique_ptr<redisContext, closer> it_;
};

/// Publishes what it is sent, in order; tells the bot `handled` for each. Has its own thread.
class redis_writer : public caf::event_based_actor {
public:
  redis_writer(caf::actor_config& config, redis_address to, caf::actor bot)
      : event_based_actor(config), to_(std::move(to)), bot_(std::move(bot)) {}

  caf::behavior make_behavior() override {
    return {[this](std::string& channel, std::string& bytes) {
              waiting_.push_back({std::move(channel), std::move(bytes)});
              if (waiting_.size() == 1) // else it waits for a connection
                write();
            },
            [this](again) { write(); }};
  }
  void on_exit() override { bot_ = nullptr; }

private:
  struct message {
    std::string channel, bytes;
  };
  void write() {
    while (!waiting_.empty()) {
      auto& next = waiting_.front();
      if ((!redis_.is_open() && !redis_.connect(to_)) ||
          !redis_.command("PUBLISH %b %b", next.channel.data(), next.channel.size(),
                          next.bytes.data(), next.bytes.size()))
        return delayed_send(this, retry_after, again::value);
      waiting_.pop_front();
      send(bot_, handled::value);
    }
  }

  redis_address to_;
  caf::actor bot_;
  redis redis_;
  std::deque<message> waiting_; ///< the bot bounds it
};

/// Sends the bot what a channel brings; the bot tells it `handled` for each. Has its own thread.
class redis_reader : public caf::event_based_actor {
public:
  redis_reader(caf::actor_config& config, redis_address from, std::string channel, caf::actor bot)
      : event_based_actor(config), from_(std::move(from)), channel_(std::move(channel)),
        bot_(std::move(bot)) {}

  caf::behavior make_behavior() override {
    send(this, again::value);
    return {[this](again) { read(); },
            [this](handled) {
              if (carried_-- == carried_max)
                read();
            }};
  }
  void on_exit() override { bot_ = nullptr; }

private:
  /// One message, or a moment without: between two it can be ended.
  void read() {
    if (!redis_.is_open() && !subscribe()) {
      if (!std::exchange(is_away_, true))
        say("Redis is away");
      return delayed_send(this, retry_after, again::value);
    }
    auto got = redis_.next(milliseconds(200));
    if (!redis_.is_open())
      gone_since_ = steady_clock::now();
    if (got && got->elements == 3) { // "message", the channel, the bytes
      send(bot_, std::string(got->element[2]->str, got->element[2]->len));
      if (++carried_ == carried_max)
        return; // until the bot has handled one
    }
    send(this, again::value);
  }

  bool subscribe() {
    if (!redis_.connect(from_) || !redis_.command("SUBSCRIBE %b", channel_.data(), channel_.size()))
      return false;
    is_away_ = false;
    auto gone = std::chrono::duration_cast<seconds>(steady_clock::now() - gone_since_);
    say("listens to " + channel_ + "; what it brought in the last " + std::to_string(gone.count()) +
        " s is lost");
    return true;
  }

  redis_address from_;
  std::string channel_;
  caf::actor bot_;
  redis redis_;
  std::size_t carried_ = 0; ///< at the bot
  bool is_away_ = false;
  steady_clock::time_point gone_since_ = steady_clock::now();
};

class bridge : public beckon::bot {
public:
  static constexpr const char* uid = "redis";

  bridge(caf::actor_config& config, redis_address where, std::string group)
      : bot(config), where_(std::move(where)), group_(std::move(group)) {}

private:
  void on_ready() override {
    constexpr auto how = caf::detached + caf::linked; // threads of their own; they end with it
    writer_ = spawn<redis_writer, how>(where_, caf::actor(this));
    reader_ = spawn<redis_reader, how>(where_, group_ + ":in", caf::actor(this));
  }
  void on_exit() override { writer_ = reader_ = nullptr; }

  void on_message(const beckon::bot_delivery& what) override {
    if (what.from == uid)
      return; // the bridge of another node
    if (waiting_ == waiting_max) {
      if (lost_++ == 0)
        say("Redis is away for too long: messages are lost");
      return;
    }
    ++waiting_;
    caf::anon_send(writer_, group_ + ":out:" + std::string(what.from),
                   std::string(what.data.bytes));
  }

  caf::behavior handlers() override {
    return {[this](handled) {
              --waiting_;
              if (lost_ > 0)
                say("messages that Redis did not get: " + std::to_string(lost_));
              lost_ = 0;
            },
            [this](std::string& text) { carry(text); }};
  }

  /// From Redis to the group.
  void carry(std::string& text) {
    auto told = [this](const beckon::bot_answer& answer) {
      if (!answer.ok)
        say("a message from Redis was refused: " + std::string(answer.code));
      caf::anon_send(reader_, handled::value);
    };
    if (text.size() > bytes_max) {
      say("a message from Redis is too long");
      return caf::anon_send(reader_, handled::value);
    }
    publish(group_, {text, !beckon::is_json(text)}, told);
  }

  redis_address where_;
  std::string group_;
  caf::actor writer_, reader_;
  std::size_t waiting_ = 0; ///< at the writer
  std::size_t lost_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  std::string_view where = argc > 2 ? argv[1] : "";
  redis_address redis;
  redis.host = where.substr(0, where.rfind(':'));
  auto port = where.substr(std::min(redis.host.size() + 1, where.size()));
  if (std::from_chars(port.data(), port.data() + port.size(), redis.port).ec != std::errc{}) {
    std::fprintf(stderr, "usage: bridge REDIS_HOST:PORT GROUP OPTION...\n");
    return 2;
  }
  std::string group = argv[2];
  beckon::server server(argc - 2, argv + 2);
  server.when_serving([&](caf::actor_system& system) {
    beckon::spawn_bot<bridge>(server.node(), system, {.uid = bridge::uid, .groups = {group}}, redis,
                              group);
  });
  return server.run();
}
