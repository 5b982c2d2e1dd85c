#pragma once
// A link that two gates agreed on: the wire on one side, CAF's broker on the other, and between
// them a pump and the filter. Owns: the wire. Made and ended by the gate, on its thread.

#include "actors/links.hpp"
#include "net/basp_filter.hpp"
#include "net/basp_port.hpp"
#include "net/basp_stream.hpp"
#include "net/cluster_counters.hpp"
#include "net/cluster_meeting.hpp"
#include "net/cluster_wire.hpp"

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <caf/node_id.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace beckon::net {

class cluster_link : public std::enable_shared_from_this<cluster_link> {
public:
  using time = std::chrono::steady_clock::time_point;
  /// Of a link's end, seen by the pump. `why` is none for what happens to good links.
  using ending = std::function<void(cluster_refusal why, std::string text)>;
  /// What is read at once at most.
  static constexpr std::size_t buffer_bytes = 64 * 1024;

  /// @param heartbeat how often the hub at the other end says something, at least
  cluster_link(boost::asio::io_context& loop, actors::link_id number, cluster_hello with,
               const cluster_meeting& after, std::chrono::milliseconds heartbeat);

  /// Gives the broker its side and pumps until `close`. `first_words` go out before all else.
  void start(basp_port& port, const caf::node_id& at, std::unique_ptr<cluster_wire> wire,
             std::string first_words, cluster_counters& count, ending on_end);
  void close();
  /// Nothing came within two heartbeats; or something did after a longer silence, within this last
  /// heartbeat: that may have been on its way for long, and its sender be gone.
  bool is_silent(time now) const;

  const actors::link_id id;
  const cluster_hello peer;
  const std::uint64_t epoch; ///< of both ends' nonces: the same at both, another for each link
  const gate_role role;
  const std::string address; ///< of the other end, for the log
  const time begun = std::chrono::steady_clock::now();
  caf::node_id node;      ///< these two: set by start
  basp_stream_ptr stream; ///< the broker's side
  bool up = false;        ///< the hub knows
  bool ended = false;
  /// See link_up.
  const std::shared_ptr<std::atomic<std::uint64_t>> dealt_with =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  boost::asio::steady_timer pause; ///< between two questions to the broker
  time last_byte = begun;          ///< when something came

private:
  void heard(time now);
  bool is_flooded() const;

  template <class T>
  using task = cluster_wire::task<T>;
  task<void> pump_in();
  task<void> pump_out(std::string first_words);
  task<bool> send(boost::asio::const_buffer bytes);

  boost::asio::io_context& loop_;
  const std::chrono::milliseconds heartbeat_;
  std::optional<time> broke_silence_;
  std::unique_ptr<cluster_wire> wire_;
  boost::asio::steady_timer output_; ///< cancelled when there is some
  std::unique_ptr<basp_filter> filter_;
  cluster_counters* count_ = nullptr;
  ending on_end_;
};

} // namespace beckon::net
