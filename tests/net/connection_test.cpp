#include "net/connection.hpp"

#include "tests/kit/recorder.hpp"
#include "tests/kit/stage.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <memory>
#include <string>
#include <sys/socket.h>

using namespace beckon;
using namespace beckon::net;
using namespace std::chrono_literals;
using testing::recorder;
using testing::stage;

namespace {

constexpr int fin = 0x80, text = 1, binary = 2, closing = 8, ping = 9;

/// A client's frame, with a mask of zeros.
std::string frame(int opcode, const std::string& payload) {
  std::string out(1, static_cast<char>(fin | opcode));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 255);
  }
  return out + std::string(4, '\0') + payload;
}

std::string repeated(const std::string& what, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i)
    all += what;
  return all;
}

/// A client on one end of a pair of sockets, its connection on the other, and the turns of the
/// connection's thread, on the kit's clock.
struct wire {
  explicit wire(const protocol::limits& bounds = stage::unlimited()) : node(1, bounds) {
    values.insecure = true;
    values.bounds = bounds;
    int ends[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    client = unique_fd(ends[0]);
    unique_fd ours(ends[1]);
    int buffer = 8 * 1024 * 1024; // as root; else what the system allows
    if (::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0)
      ::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    unit.place = &node.enter(0);
    it = std::make_shared<connection>(around, unit, std::move(ours),
                                      boost::asio::ip::make_address("127.0.0.1"));
    it->start();
  }
  ~wire() {
    it->cut();
    turn();
  }

  /// One turn of the thread, as thread_unit::run makes it.
  void turn() {
    look();
    node.settle();
    auto& place = node.enter(0);
    it->flush();
    place.end_turn();
    node.settle();
  }
  /// Its beginning: what sockets and deadlines have to say.
  void look() {
    node.enter(0);
    unit.sockets.wait(0ns);
    unit.sockets.dispatch();
    node.fire(0);
    it->go_on();
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i)
      turn();
  }
  void pass(std::chrono::milliseconds time) {
    node.pass(time);
    turns(2);
  }

  void send(const std::string& bytes) {
    auto n = ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    BOOST_REQUIRE(n == static_cast<ssize_t>(bytes.size()));
  }
  /// The client is `uid`, in group g.
  void open(const std::string& uid) {
    send("GET /ws?uid=" + uid +
         "&group=g HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
         "Sec-WebSocket-Protocol: beckon.v1\r\n\r\n");
    turns(3);
    auto answer = read();
    BOOST_TEST(answer.starts_with("HTTP/1.1 101"));
    BOOST_TEST(answer.find(R"("type":"welcome")") != answer.npos);
  }
  /// The client sends this again and again, as much as its socket takes now.
  void pour(const std::string& flood) {
    for (ssize_t n = 1; n > 0; poured += static_cast<std::size_t>(n > 0 ? n : 0)) {
      auto at = poured % flood.size();
      n = ::send(client.get(), flood.data() + at, flood.size() - at, MSG_NOSIGNAL);
    }
  }
  std::size_t poured = 0;
  /// The client sends nothing more.
  void finish() { ::shutdown(client.get(), SHUT_WR); }
  /// All that has come to the client.
  std::string read() {
    std::string all(1 << 20, '\0');
    auto n = ::recv(client.get(), all.data(), all.size(), 0);
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }

  bool has_ended() { return node.node.homes[0]->count.connections.value() == 0; }
  std::uint64_t bytes_in() { return node.node.homes[0]->count.bytes_in.value(); }
  std::uint64_t closed(protocol::close_code why) {
    return node.node.homes[0]->count.closes[actors::close_index(why)].value();
  }

  stage node;
  options values;
  logger quiet{log_level::off, log_format::text};
  gatekeeper gate{values.bounds};
  services around{values, quiet, node.node, gate, node.system()};
  thread_unit unit;
  unique_fd client;
  std::shared_ptr<connection> it;
};

std::string publications(int count) {
  std::string all;
  for (int i = 0; i < count; ++i)
    all += frame(text, R"({"type":"publish","group":"h","data":)" + std::to_string(i) + "}");
  return all;
}

/// How many of them have arrived.
std::size_t arrived(recorder& ear) {
  std::size_t count = 0;
  for (auto& f : ear.frames)
    count += f.json.starts_with(R"({"type":"message")");
  return count;
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_connection)

BOOST_AUTO_TEST_CASE(a_client_is_welcome_and_answered) {
  wire w;
  w.open("alice");
  w.send(frame(text, R"({"type":"ping"})") + frame(ping, "x"));
  w.turn();
  BOOST_TEST(w.read() == std::string("\x81\x0f{\"type\":\"pong\"}\x8a\x01x"));
  w.client.reset();
  w.turns(2);
  BOOST_TEST(w.has_ended());
}

BOOST_AUTO_TEST_CASE(what_was_held_back_takes_effect_though_the_client_has_ended) {
  const std::function<void(wire&)> ways[] = {[](wire& w) { w.finish(); },
                                             [](wire& w) { w.client.reset(); },
                                             [](wire& w) {
                                               w.send(frame(closing, "\x03\xe8"));
                                               w.finish();
                                             }};
  for (auto& end : ways) {
    wire w;
    recorder ear(w.node, 0, "ear", {"h"});
    w.node.settle();
    w.open("mouth");
    w.send(frame(text, R"({"type":"join","id":1,"group":"h"})") + publications(50));
    end(w);
    w.turns(5);
    BOOST_TEST(arrived(ear) == 50U);
    BOOST_TEST(w.has_ended());
  }
}

BOOST_AUTO_TEST_CASE(what_is_held_back_is_waited_for_five_seconds) {
  wire w;
  w.open("mouth");
  w.send(frame(text, R"({"type":"join","id":1,"group":"h"})") + publications(50));
  w.finish();
  w.look(); // no actor comes to its messages
  w.look();
  BOOST_TEST(!w.has_ended());
  w.node.pass(connection::held_frames_max - 1ms);
  w.look();
  BOOST_TEST(!w.has_ended());
  w.node.pass(1ms);
  w.look();
  w.look();
  BOOST_TEST(w.has_ended());
}

BOOST_AUTO_TEST_CASE(who_is_not_read_and_ends_does_not_linger) {
  auto bounds = stage::unlimited();
  bounds.frames_per_second = 200;
  bounds.frames_burst = 400;
  wire w(bounds);
  w.open("alice");
  w.send(repeated(frame(ping, ""), 401));
  w.turns(2);
  w.send(frame(ping, ""));
  w.turns(2);
  BOOST_TEST(!w.has_ended());
  w.finish();
  w.turns(2);
  BOOST_TEST(w.has_ended());
}

BOOST_AUTO_TEST_CASE(who_is_over_its_rate_is_not_read_for_a_tenth_of_a_second) {
  auto bounds = stage::unlimited();
  bounds.frames_per_second = 200;
  bounds.frames_burst = 400;
  wire w(bounds);
  w.open("alice");
  w.send(repeated(frame(ping, ""), 400));
  w.turns(2);
  auto before = w.bytes_in();
  w.send(frame(ping, "")); // one too many: it is read, and nothing behind it
  w.turns(2);
  BOOST_TEST(w.bytes_in() == before + 6);
  w.send(frame(ping, ""));
  w.turns(3);
  BOOST_TEST(w.bytes_in() == before + 6);
  w.pass(99ms);
  BOOST_TEST(w.bytes_in() == before + 6);
  w.pass(2ms); // the wait is rounded up
  BOOST_TEST(w.bytes_in() == before + 12);
}

BOOST_AUTO_TEST_CASE(a_flood_over_the_rate_ends_after_ten_seconds_and_was_hardly_read) {
  auto bounds = stage::unlimited();
  bounds.frames_per_second = 200;
  bounds.frames_burst = 400;
  wire w(bounds);
  w.open("alice");
  auto flood = repeated(frame(ping, std::string(125, 'x')), 1'000);
  auto start = w.node.now();
  auto before = w.bytes_in();
  while (w.closed(protocol::close_code::rate_limited) == 0 && w.node.now() - start < 20s) {
    w.pour(flood);
    w.turn();
    w.read();
    w.node.pass(5ms);
  }
  auto took = w.node.now() - start;
  BOOST_TEST((took >= 9s && took <= 11s));
  BOOST_TEST(w.bytes_in() - before < 11U * 10 * 64 * 1024);
}

BOOST_AUTO_TEST_CASE(who_does_not_read_is_closed_and_gone_a_second_later) {
  wire w;
  w.open("deaf");
  recorder loud(w.node, 0, "loud", {"g"});
  w.node.settle();
  auto data = std::string(10'000, 'x');
  for (int i = 0; i < 100; ++i) {
    loud.write(R"({"type":"send","to":"deaf","data":")" + data + "\"}");
    w.turn();
  }
  BOOST_TEST(w.node.node.homes[0]->count.slow_consumers.value() == 1U);
  w.pass(w.values.stall_timeout - 1ms);
  BOOST_TEST(w.closed(protocol::close_code::slow_consumer) == 0U);
  w.pass(1ms);
  BOOST_TEST(w.closed(protocol::close_code::slow_consumer) == 1U);
  BOOST_TEST(!w.has_ended());
  w.pass(connection::goodbye_max);
  BOOST_TEST(w.has_ended());
}

BOOST_AUTO_TEST_CASE(behind_our_close_two_buffers_a_turn_are_dropped_and_so_much_in_all) {
  wire w;
  w.open("deaf");
  w.send(repeated(frame(text, "no json"), 10));
  w.turns(2);
  BOOST_TEST(w.closed(protocol::close_code::too_many_errors) == 1U);
  auto flood = repeated(frame(binary, std::string(60'000, 'x')), 2);
  auto before = w.bytes_in();
  for (auto all = before; !w.has_ended(); all = w.bytes_in()) {
    w.pour(flood);
    w.turn();
    BOOST_REQUIRE(w.bytes_in() - all <= 2 * w.unit.read_buffer.size()); // as when it is open
    BOOST_REQUIRE((w.bytes_in() > all || w.has_ended()));
  }
  auto dropped = w.bytes_in() - before;
  BOOST_TEST(dropped > connection::goodbye_bytes_max);
  BOOST_TEST(dropped <= connection::goodbye_bytes_max + w.unit.read_buffer.size());
}

BOOST_AUTO_TEST_CASE(behind_our_close_the_clients_close_ends_it) {
  wire w;
  w.open("polite");
  w.send(repeated(frame(text, "no json"), 10));
  w.turns(2);
  BOOST_TEST(!w.has_ended());
  w.send(frame(text, "more of it") + frame(closing, "\x0f\xa9"));
  w.turns(2);
  BOOST_TEST(w.has_ended());
}

BOOST_AUTO_TEST_SUITE_END()
