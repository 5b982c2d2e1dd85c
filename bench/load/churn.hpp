#pragma once
// Coming and going: every client connects, is welcome, says goodbye, sees the server close, and
// comes again. One such cycle counts as one delivery; its latency is the time from the first packet
// to the welcome. Owns: where in its cycle each client is.

#include "traffic.hpp"

namespace load {

class churn final : public traffic {
public:
  churn(fleet& clients, const plan& what);

  void start() override;
  void audit() override;
  void on_delivery(std::size_t client, std::string_view text) override;
  void on_welcome(std::size_t client) override;
  void on_left(std::size_t client) override;

private:
  void begin(std::size_t client);

  std::vector<time_point> began_; ///< the epoch: not there
};

} // namespace load
