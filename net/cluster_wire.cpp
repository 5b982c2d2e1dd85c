#include "net/cluster_wire.hpp"

#include "net/cluster_identity.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <netinet/tcp.h>

namespace beckon::net {

namespace ssl = boost::asio::ssl;

namespace {

/// As for clients: time until the kernel gives up a peer that acknowledges nothing.
constexpr int unacknowledged_max_ms = 15'000;

} // namespace

cluster_wire::cluster_wire(socket connected, ssl::context* tls)
    : stream_(std::in_place_index<0>, std::move(connected)) {
  auto& raw = std::get<0>(stream_);
  boost::system::error_code ignored;
  raw.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  ::setsockopt(raw.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_max_ms,
               sizeof unacknowledged_max_ms);
  if (tls) {
    auto moved = std::move(raw);
    stream_.emplace<1>(std::move(moved), *tls);
  }
}

cluster_wire::task<boost::system::error_code> cluster_wire::shake_hands(gate_role role) {
  if (!is_secure())
    co_return boost::system::error_code{};
  auto as = role == gate_role::dialler ? ssl::stream_base::client : ssl::stream_base::server;
  auto [ec] = co_await std::get<1>(stream_).async_handshake(as, use_tuple);
  co_return ec;
}

cluster_wire::task<cluster_wire::io_result>
cluster_wire::read_some(boost::asio::mutable_buffer into) {
  return std::visit([&](auto& stream) { return stream.async_read_some(into, use_tuple); }, stream_);
}

cluster_wire::task<cluster_wire::io_result> cluster_wire::read(boost::asio::mutable_buffer into) {
  return std::visit(
      [&](auto& stream) {
        return boost::asio::async_read(stream, boost::asio::mutable_buffers_1(into), use_tuple);
      },
      stream_);
}

cluster_wire::task<cluster_wire::io_result> cluster_wire::write(boost::asio::const_buffer bytes) {
  return std::visit(
      [&](auto& stream) {
        return boost::asio::async_write(stream, boost::asio::const_buffers_1(bytes), use_tuple);
      },
      stream_);
}

void cluster_wire::close() {
  boost::system::error_code ignored;
  if (is_secure())
    std::get<1>(stream_).next_layer().close(ignored);
  else
    std::get<0>(stream_).close(ignored);
}

std::vector<std::string> cluster_wire::peer_names() const {
  if (!is_secure())
    return {};
  auto& stream = const_cast<tls_stream&>(std::get<1>(stream_)); // Asio has no const way to it
  auto* certificate = SSL_get0_peer_certificate(stream.native_handle());
  return certificate ? names_of(certificate) : std::vector<std::string>{};
}

} // namespace beckon::net
