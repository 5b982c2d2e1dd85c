#pragma once
// Direct messages: every client sends to the next member of its group. Owns: what each client has
// in flight. Closed loop: a client's next message goes when one of its messages has arrived (with
// ids: was acknowledged). Open loop: message k goes at its time, whatever became of those before
// it.

#include "traffic.hpp"

#include <deque>
#include <string>

namespace load {

class direct final : public traffic {
public:
  direct(fleet& clients, const plan& what);

  void start() override;
  nanoseconds tick(time_point now) override;
  void audit() override;
  void on_delivery(std::size_t receiver, std::string_view text) override;
  void on_ok(std::size_t sender, std::string_view text) override;

private:
  /// From one client to its partner. Messages arrive in the order in which they were sent.
  struct lane {
    std::vector<std::string> frames; ///< one per id, or one for all
    std::string data;
    std::deque<time_point> on_the_way;  ///< when each undelivered message was sent
    std::vector<time_point> sent_by_id; ///< with ids: when; the epoch: not in flight
  };

  void send(std::size_t sender, std::size_t number, time_point at);
  std::size_t partner_of(std::size_t sender) const;
  std::size_t sender_to(std::size_t receiver) const;

  std::vector<lane> lanes_;
  std::size_t senders_;
  nanoseconds interval_{0}; ///< open loop
  time_point next_due_{};
  std::size_t next_sender_ = 0;
};

} // namespace load
