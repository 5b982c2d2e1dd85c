#pragma once
// What the clients of a run say to each other: the part that direct messages and publications have
// in common. Owns: the counts and the latencies since `measure_from_now`, and how many answers are
// still to come.

#include "clock.hpp"
#include "fleet.hpp"
#include "histogram.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace load {

struct plan {
  std::size_t window =
      1;           ///< closed loop: messages in flight per client (direct) or per group (publish)
  double rate = 0; ///< open loop: messages per second in all; 0: closed loop
  std::size_t senders = 0;         ///< open loop: the first so many clients send in turn; 0: all
  std::size_t message_bytes = 100; ///< of the JSON text that a client sends
  std::uint64_t messages_max = 0;  ///< 0: as many as the time allows
  std::size_t recipients = 10;     ///< ten: members that a request goes to
  std::size_t slow = 0;            ///< publish: members of each group that do not read
  bool with_id = false; ///< direct: the acknowledgement, not the delivery, lets the next message go
};

struct tally {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::uint64_t acknowledged = 0;
  histogram latency; ///< until delivery, or until the acknowledgement with ids; open loop: from the
                     ///< intended time on
  histogram delay;   ///< open loop: how late the generator itself was
};

class traffic : public listener {
public:
  traffic(fleet& clients, const plan& what)
      : clients_(clients), plan_(what), checked_bytes_(clients.form().clients) {}

  /// Sends the first messages of a closed loop.
  virtual void start() = 0;
  /// Sends what is due. @returns how long the fleet may sleep.
  virtual nanoseconds tick(time_point now);
  /// What the end must find: blames the fleet for what does not add up.
  virtual void audit() = 0;

  void measure_from_now() { tally_ = {}; }
  /// No new messages from now on.
  virtual void stop() { is_stopped_ = true; }
  const tally& counted() const { return tally_; }
  /// Deliveries and acknowledgements that are still to come.
  std::uint64_t outstanding() const { return outstanding_; }
  std::uint64_t messages_max() const { return plan_.messages_max; }
  /// Whether all messages of `messages_max` were sent and answered.
  bool is_done() const { return plan_.messages_max != 0 && budget_ == 0 && outstanding_ == 0; }

protected:
  /// Whether one more message may be sent; takes it off the budget.
  bool may_send();
  void count_sent(std::uint64_t answers) {
    ++tally_.sent;
    outstanding_ += answers;
  }
  void count_delivery() {
    ++tally_.delivered;
    --outstanding_;
  }
  /// Deliveries that will not come, as the server has said.
  void count_lost(std::uint64_t deliveries) { outstanding_ -= deliveries; }
  void count_acknowledgement() {
    ++tally_.acknowledged;
    --outstanding_;
  }
  /// Compares a delivery with what was sent. Once one of a length was found right at a client,
  /// those of the same length are taken for right there: a comparison of every byte would make the
  /// generator the slower of the two.
  bool is_right(std::size_t client, std::string_view text, std::size_t sender,
                std::string_view data) {
    return text.size() == checked_bytes_[client] || compare(client, text, sender, data);
  }

  fleet& clients_;
  const plan plan_;
  tally tally_;

private:
  bool compare(std::size_t client, std::string_view text, std::size_t sender,
               std::string_view data);

  std::vector<std::size_t> checked_bytes_;
  std::uint64_t budget_ = plan_.messages_max;
  std::uint64_t outstanding_ = 0;
  bool is_stopped_ = false;
};

} // namespace load
