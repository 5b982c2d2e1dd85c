#pragma once
// One request to several members: every client sends to the next members of its group, and again
// when all of them have got it. Or, to compare: as many requests to one member each, sent together.
// Owns: whom each client's request under way has reached.

#include "traffic.hpp"

#include <string>

namespace load {

class multicast final : public traffic {
public:
  static constexpr std::size_t recipients_max = 64;

  /// `is_split`: one request per recipient.
  multicast(fleet& clients, const plan& what, bool is_split);

  void start() override;
  void audit() override;
  void on_delivery(std::size_t receiver, std::string_view text) override;
  void on_ok(std::size_t sender, std::string_view text) override;

private:
  struct request {
    std::string frames; ///< all that the sender writes
    std::string data;
    std::uint64_t missing = 0; ///< bit k: the member k + 1 after the sender
    time_point sent{};
  };

  request prepare(std::size_t sender, bool is_split) const;
  std::string after(std::size_t sender, std::size_t steps) const;
  void send(std::size_t sender, time_point at);

  std::vector<request> requests_; ///< of each client
};

} // namespace load
