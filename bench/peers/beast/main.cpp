// beckon_beast: the job of the benchmark as one would write it from Boost.Beast's examples: a
// coroutine per connection that reads, a queue per connection that another coroutine writes, a map
// of groups, Boost.JSON. It is the floor of the library that beckon builds on. Leaner than the
// examples in one thing: a plain socket instead of beast::tcp_stream, and no time-outs.
// beckon_beast [--port 0]; prints `listening on ws://127.0.0.1:PORT/ws`.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
namespace websocket = beast::websocket;
using asio::use_awaitable;
using asio::ip::tcp;
using text = std::shared_ptr<const std::string>;

struct client : std::enable_shared_from_this<client> {
  explicit client(tcp::socket accepted) : socket(std::move(accepted)) {}

  websocket::stream<tcp::socket> socket;
  std::string uid, group;
  std::deque<text> queue;

  void send(text what);
  asio::awaitable<void> write();
};

using members = std::unordered_map<std::string, std::shared_ptr<client>>;
std::unordered_map<std::string, members> groups;

void client::send(text what) {
  queue.push_back(std::move(what));
  if (queue.size() == 1)
    asio::co_spawn(
        socket.get_executor(), [self = shared_from_this()] { return self->write(); },
        asio::detached);
}

asio::awaitable<void> client::write() {
  const auto self = shared_from_this();
  beast::error_code ec;
  while (!queue.empty()) {
    co_await socket.async_write(asio::buffer(*queue.front()),
                                asio::redirect_error(use_awaitable, ec));
    queue.pop_front();
    if (ec) // The reader sees it as well.
      queue.clear();
  }
}

text make(json::object frame) {
  return std::make_shared<const std::string>(json::serialize(frame));
}

text delivery(const client& from, std::string_view type, const json::value& data) {
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return make({{"type", type},
               {"group", from.group},
               {"from", from.uid},
               {"at", at.count()},
               {"data", data}});
}

void answer(client& to, const json::object& frame, std::string_view type) {
  if (const auto* id = frame.if_contains("id"))
    to.send(make({{"type", type}, {"id", *id}}));
}

void send(client& from, const json::object& frame) {
  const auto& all = groups[from.group];
  const auto to = all.find(std::string(frame.at("to").as_string()));
  if (to == all.end())
    return answer(from, frame, "error");
  to->second->send(delivery(from, "direct", frame.at("data")));
  answer(from, frame, "ok");
}

void publish(client& from, const json::object& frame) {
  const auto what = delivery(from, "message", frame.at("data"));
  for (const auto& [uid, member] : groups[from.group])
    if (member.get() != &from)
      member->send(what);
  answer(from, frame, "ok");
}

void leave(const client& c) {
  const auto group = groups.find(c.group);
  if (group == groups.end())
    return;
  const auto found = group->second.find(c.uid);
  if (found != group->second.end() && found->second.get() == &c) // A newer one of the name stays.
    group->second.erase(found);
  if (group->second.empty())
    groups.erase(group);
}

/// The value of a field of the query, which ends at `&` or with the target.
std::string query(std::string_view target, std::string_view field) {
  const auto at = target.find(field);
  if (at == std::string_view::npos)
    return {};
  target.remove_prefix(at + field.size());
  return std::string(target.substr(0, target.find('&')));
}

asio::awaitable<void> serve(std::shared_ptr<client> c) {
  beast::flat_buffer buffer;
  http::request<http::string_body> request;
  try {
    co_await http::async_read(c->socket.next_layer(), buffer, request, use_awaitable);
    c->uid = query(request.target(), "uid=");
    c->group = query(request.target(), "group=");
    co_await c->socket.async_accept(request, use_awaitable);
    groups[c->group][c->uid] = c;
    c->send(make({{"type", "welcome"}, {"user", c->uid}}));
    for (;;) {
      co_await c->socket.async_read(buffer, use_awaitable);
      const auto frame = json::parse(beast::buffers_to_string(buffer.data())).as_object();
      buffer.consume(buffer.size());
      if (frame.at("type") == "send")
        send(*c, frame);
      else
        publish(*c, frame);
    }
  } catch (const std::exception&) { // Closed, broken or not what was agreed: it ends.
  }
  leave(*c);
}

asio::awaitable<void> listen(tcp::acceptor acceptor) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    const auto c = std::make_shared<client>(std::move(socket));
    asio::co_spawn(acceptor.get_executor(), serve(c), asio::detached);
  }
}

} // namespace

int main(int argc, char** argv) {
  const auto port = static_cast<unsigned short>(argc == 3 ? std::stoi(argv[2]) : 0);
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), port});
  std::cout << "listening on ws://127.0.0.1:" << acceptor.local_endpoint().port() << "/ws"
            << std::endl;
  asio::signal_set ending(context, SIGTERM);
  ending.async_wait([&](auto...) { context.stop(); });
  asio::co_spawn(context, listen(std::move(acceptor)), asio::detached);
  context.run();
}
