#include "churn.hpp"

#include <string>

namespace load {

churn::churn(fleet& clients, const plan& what)
    : traffic(clients, what), began_(clients.form().clients) {}

void churn::start() {
  for (std::size_t i = 0; i != began_.size(); ++i)
    begin(i);
}

void churn::begin(std::size_t client) {
  if (!may_send())
    return;
  began_[client] = clock::now();
  count_sent(1);
  clients_.connect(client);
}

void churn::on_welcome(std::size_t client) {
  tally_.latency.add(clock::now() - began_[client]);
  clients_.leave(client);
}

void churn::on_left(std::size_t client) {
  began_[client] = time_point{};
  count_delivery();
  begin(client);
}

void churn::on_delivery(std::size_t, std::string_view text) {
  clients_.blame(&faults::unexpected, "nobody sends anything here: " + std::string(text));
}

void churn::audit() {
  for (const auto& began : began_)
    if (began != time_point{})
      clients_.blame(&faults::lost, "a client was not welcome or not let go");
}

} // namespace load
