#include "net/cluster_link.hpp"

#include <boost/asio/co_spawn.hpp>
#include <exception>

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
      address(after.address()), pause(loop), loop_(loop), heartbeat_(heartbeat), output_(loop) {}

void cluster_link::start(basp_port& port, const caf::node_id& at,
                         std::unique_ptr<cluster_wire> wire, std::string first_words,
                         cluster_counters& count, ending on_end) {
  wire_ = std::move(wire);
  node = at;
  count_ = &count;
  on_end_ = std::move(on_end);
  filter_ = std::make_unique<basp_filter>(port.expectations(at, peer, role));
  stream = port.open(role);
  stream->on_change = [this] { output_.cancel(); };
  boost::asio::co_spawn(loop_, pump_in(), rethrow);
  boost::asio::co_spawn(loop_, pump_out(std::move(first_words)), rethrow);
}

void cluster_link::heard(time now) {
  if (now - last_byte > 2 * heartbeat_)
    broke_silence_ = now;
  last_byte = now;
}

bool cluster_link::is_silent(time now) const {
  return now - last_byte > 2 * heartbeat_ || (broke_silence_ && now - *broke_silence_ < heartbeat_);
}

/// The hub's mailbox has no bound of its own: what lies there is what came and was not dealt with.
bool cluster_link::is_flooded() const {
  return filter_->batch_bytes() - dealt_with->load(std::memory_order_relaxed) >
         actors::link_windows_flooded * actors::link_window_bytes;
}

void cluster_link::close() {
  pause.cancel();
  wire_->close();
  stream->on_change = nullptr;
  stream->close();
  output_.cancel();
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
    if (why == cluster_refusal::none && is_flooded())
      why = cluster_refusal::flooded;
    if (why != cluster_refusal::none || filter_->hub_ended()) {
      on_end_(why, why == cluster_refusal::none ? "its hub has ended" : "");
      break;
    }
    stream->take(passed);
  }
}

/// All that the broker has written meanwhile goes out at once.
cluster_link::task<void> cluster_link::pump_out(std::string first_words) {
  auto self = shared_from_this();
  if (!first_words.empty() && !co_await send(boost::asio::buffer(first_words)))
    co_return;
  std::vector<char> bytes;
  while (!ended) {
    if (stream->closed()) {
      on_end_(cluster_refusal::none, "the broker has closed it");
      break;
    }
    if (!stream->has_output()) {
      output_.expires_at(time::max());
      co_await output_.async_wait(use_tuple);
      continue;
    }
    stream->take_output(bytes);
    if (!co_await send(boost::asio::buffer(bytes)))
      break;
  }
}

/// @returns whether the link stands
cluster_link::task<bool> cluster_link::send(boost::asio::const_buffer bytes) {
  auto [ec, n] = co_await wire_->write(bytes);
  if (ended)
    co_return false;
  count_->bytes_out.add(n);
  if (ec)
    on_end_(cluster_refusal::none, ec.message());
  co_return !ec;
}

} // namespace beckon::net
