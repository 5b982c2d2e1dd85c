// Fuzzes the inbound WebSocket engine. The same bytes come to the same messages and the same end,
// however they were cut on their way, and to what Boost.Beast makes of them.

#include "net/websocket.hpp"
#include "tests/fuzz/beast_reader.hpp"
#include "tests/fuzz/check.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstdint>
#include <string>
#include <vector>

using namespace beckon;
using beckon::test::check;

namespace {

struct recorder final : net::message_sink {
  std::vector<std::string> messages;
  void on_message(std::string_view message, bool is_text) override {
    messages.push_back((is_text ? "t" : "b") + std::string(message));
  }
  void on_control(std::size_t) override {}
  bool wants_more() const override { return true; }
};

using upgrade_request = boost::beast::http::request<boost::beast::http::empty_body>;

upgrade_request request() {
  using boost::beast::http::field;
  upgrade_request r(boost::beast::http::verb::get, "/ws", 11);
  r.set(field::host, "localhost");
  r.set(field::upgrade, "websocket");
  r.set(field::connection, "upgrade");
  r.set(field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
  r.set(field::sec_websocket_version, "13");
  return r;
}

constexpr std::size_t message_bytes_max = 512;
constexpr std::size_t fragments_max = 8;

struct result {
  std::vector<std::string> messages;
  net::websocket::state end;
  protocol::close_code failure;
  friend bool operator==(const result&, const result&) = default;
};

/// Feeds `bytes` in pieces of `cut` bytes; 0: at once.
result feed(std::span<const char> from, std::size_t cut) {
  static const protocol::limits bounds = [] {
    protocol::limits small;
    small.frame_bytes_before_auth_max = message_bytes_max;
    small.frame_bytes_max = message_bytes_max;
    small.fragments_max = fragments_max;
    return small;
  }();
  std::string own(from.data(), from.size()); // unmasked where it stands
  std::span<char> bytes = own;
  recorder sink;
  net::websocket w(bounds, sink);
  if (cut == 0)
    w.feed(bytes);
  for (std::size_t at = 0; cut && at < bytes.size(); at += cut)
    w.feed(bytes.subspan(at, std::min(cut, bytes.size() - at)));
  check(w.output().size() <= 2 * bytes.size() + 256);
  return {std::move(sink.messages), w.now(), w.failure()};
}

/// Where both may differ on purpose: Beast has no bound on fragments, and takes close codes over
/// 4999.
void compare_with_beast(const result& ours, std::span<const char> bytes) {
  if (ours.end == net::websocket::state::failed &&
      ours.failure == protocol::close_code::policy_violation)
    return;
  auto theirs = test::read_by_beast(request(), bytes, message_bytes_max);
  auto only_we_refuse = ours.end == net::websocket::state::failed && theirs.closed;
  check(ours.messages == theirs.messages);
  if (only_we_refuse)
    return check(ours.failure == protocol::close_code::protocol_error);
  check((ours.end == net::websocket::state::closed_by_client) == theirs.closed);
  check((ours.end == net::websocket::state::failed) == theirs.failure.has_value());
  check(!theirs.failure || ours.failure == *theirs.failure);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const char> bytes(reinterpret_cast<const char*>(data), size);
  auto whole = feed(bytes, 0);
  for (std::size_t cut : {1u, 3u, 16u})
    check(feed(bytes, cut) == whole);
  compare_with_beast(whole, bytes);
  return 0;
}
