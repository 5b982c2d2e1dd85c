#include "net/cluster_link.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <sys/socket.h>

namespace beckon::net {

namespace {

constexpr auto use_tuple = cluster_wire::use_tuple;

/// Nothing is thrown out of a pump but what must end the process.
void rethrow(std::exception_ptr trouble) {
  if (trouble)
    std::rethrow_exception(trouble);
}

} // namespace

cluster_link::cluster_link(boost::asio::io_context& loop, actors::link_id number,
                           cluster_hello with, const cluster_meeting& after,
                           std::chrono::milliseconds heartbeat)
    : id(number), peer(std::move(with)), epoch(peer.nonce ^ after.nonce()), role(after.role()),
      address(after.address()), pause(loop), loop_(loop), heartbeat_(heartbeat), inside_(loop) {}

bool cluster_link::start(basp_port& port, const caf::node_id& at,
                         std::unique_ptr<cluster_wire> wire, std::string first_words,
                         cluster_counters& count, ending on_end) {
  std::array<int, 2> ends{-1, -1};
  wire_ = std::move(wire);
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return false;
  boost::system::error_code ec;
  inside_.assign(boost::asio::local::stream_protocol(), ends[0], ec);
  node = at;
  count_ = &count;
  on_end_ = std::move(on_end);
  filter_ = std::make_unique<basp_filter>(port.expectations(at, peer, role));
  connection = port.open(ends[1], role);
  boost::asio::co_spawn(loop_, pump_in(), rethrow);
  boost::asio::co_spawn(loop_, pump_out(std::move(first_words)), rethrow);
  return true;
}

void cluster_link::heard(time now) {
  if (now - last_byte > 2 * heartbeat_)
    broke_silence_ = now;
  last_byte = now;
}

bool cluster_link::is_silent(time now) const {
  return now - last_byte > 2 * heartbeat_ || (broke_silence_ && now - *broke_silence_ < heartbeat_);
}

void cluster_link::close() {
  boost::system::error_code ignored;
  pause.cancel();
  wire_->close();
  if (inside_.is_open())
    inside_.cancel(ignored);
}

void cluster_link::close_inside() {
  boost::system::error_code ignored;
  inside_.close(ignored);
}

cluster_link::task<void> cluster_link::pump_in() {
  auto self = shared_from_this();
  std::string buffer(buffer_bytes, '\0');
  std::string passed;
  while (!ended) {
    auto [ec, n] = co_await wire_->read_some(boost::asio::buffer(buffer));
    if (ended)
      break;
    if (ec) {
      on_end_(cluster_refusal::none, ec.message());
      break;
    }
    heard(std::chrono::steady_clock::now());
    count_->bytes_in.add(n);
    passed.clear();
    auto why = filter_->take(std::string_view(buffer).substr(0, n), passed);
    if (why != cluster_refusal::none || filter_->hub_ended()) {
      on_end_(why, why == cluster_refusal::none ? "its hub has ended" : "");
      break;
    }
    auto [cut, m] =
        co_await boost::asio::async_write(inside_, boost::asio::buffer(passed), use_tuple);
    if (cut && !ended)
      on_end_(cluster_refusal::none, "the broker: " + cut.message());
  }
}

cluster_link::task<void> cluster_link::pump_out(std::string first_words) {
  auto self = shared_from_this();
  if (!first_words.empty()) {
    auto [ec, n] = co_await wire_->write(boost::asio::buffer(first_words));
    if (ec && !ended)
      on_end_(cluster_refusal::none, ec.message());
  }
  std::string buffer(buffer_bytes, '\0');
  while (!ended) {
    auto [ec, n] = co_await inside_.async_read_some(boost::asio::buffer(buffer), use_tuple);
    if (ended)
      break;
    if (ec) {
      on_end_(cluster_refusal::none, "the broker: " + ec.message());
      break;
    }
    auto [cut, m] = co_await wire_->write(boost::asio::buffer(buffer.data(), n));
    count_->bytes_out.add(m);
    if (cut && !ended)
      on_end_(cluster_refusal::none, cut.message());
  }
}

} // namespace beckon::net
