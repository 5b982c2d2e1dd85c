#include "net/cluster_meeting.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <random>

namespace beckon::net {

namespace {

std::uint64_t new_nonce() {
  std::random_device random;
  return static_cast<std::uint64_t>(random()) << 32 | random();
}

} // namespace

cluster_meeting::cluster_meeting(boost::asio::io_context& loop, cluster_wire::socket connected,
                                 boost::asio::ssl::context* tls, gate_role role,
                                 std::string address, boost::asio::ip::address from)
    : deadline_(loop), wire_(std::make_unique<cluster_wire>(std::move(connected), tls)),
      role_(role), address_(std::move(address)), from_(std::move(from)), nonce_(new_nonce()) {}

void cluster_meeting::fail(cluster_refusal why, std::string detail) {
  if (trouble_ == cluster_refusal::none) {
    trouble_ = why;
    detail_ = std::move(detail);
  }
  deadline_.cancel();
  if (wire_)
    wire_->close();
}

std::unique_ptr<cluster_wire> cluster_meeting::part() {
  deadline_.cancel();
  return std::move(wire_);
}

cluster_meeting::task<bool> cluster_meeting::secure() {
  deadline_.expires_after(duration_max);
  deadline_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    if (!ec && self->wire_)
      self->fail(cluster_refusal::slow);
  });
  auto ec = co_await wire_->shake_hands(role_);
  if (ec)
    fail(cluster_refusal::tls, ec.message());
  co_return trouble_ == cluster_refusal::none;
}

cluster_meeting::task<bool> cluster_meeting::say(std::string messages) {
  auto [ec, n] = co_await wire_->write(boost::asio::buffer(messages));
  if (ec)
    fail(cluster_refusal::bad_hello, ec.message());
  co_return trouble_ == cluster_refusal::none;
}

/// One message, without its length.
cluster_meeting::task<std::optional<std::string>> cluster_meeting::hear() {
  std::string prefix(gate_prefix_bytes, '\0');
  auto [ec, n] = co_await wire_->read(boost::asio::buffer(prefix));
  if (ec) {
    // With TLS 1.3 a dialler learns only now that its certificate was refused.
    auto is_tls = ec.category() == boost::asio::error::get_ssl_category();
    fail(is_tls ? cluster_refusal::tls : cluster_refusal::bad_hello, ec.message());
    co_return std::nullopt;
  }
  auto length = gate_message_length(prefix);
  if (!length) {
    fail(cluster_refusal::bad_hello, "no message of a gate");
    co_return std::nullopt;
  }
  std::string message(*length, '\0');
  auto [cut, m] = co_await wire_->read(boost::asio::buffer(message));
  if (cut)
    fail(cluster_refusal::bad_hello, cut.message());
  if (trouble_ != cluster_refusal::none)
    co_return std::nullopt;
  co_return message;
}

cluster_meeting::task<std::optional<cluster_hello>> cluster_meeting::hear_hello() {
  auto message = co_await hear();
  if (!message)
    co_return std::nullopt;
  auto hello = parse_hello(*message);
  if (!hello) {
    fail(cluster_refusal::bad_hello, "no hello");
    co_return std::nullopt;
  }
  peer = hello->node;
  auto names = wire_->peer_names();
  if (wire_->is_secure() && std::find(names.begin(), names.end(), hello->node) == names.end()) {
    fail(cluster_refusal::name,
         "the certificate is of " + (names.empty() ? std::string("nobody") : names.front()));
    co_return std::nullopt;
  }
  co_return hello;
}

cluster_meeting::task<std::optional<cluster_verdict>> cluster_meeting::hear_verdict() {
  auto message = co_await hear();
  if (!message)
    co_return std::nullopt;
  auto verdict = parse_verdict(*message);
  if (!verdict)
    fail(cluster_refusal::bad_hello, "no verdict");
  else if (verdict->nonce != nonce_)
    fail(cluster_refusal::replay, "it answers another hello");
  if (trouble_ != cluster_refusal::none)
    co_return std::nullopt;
  co_return verdict;
}

} // namespace beckon::net
