#include "tests/simulation/peer.hpp"

#include "tests/simulation/ledger.hpp"

namespace beckon::testing {

peer::peer(stage& node, std::size_t at_home, actors::greeting hello, ledger& told_to,
           std::size_t peer_number)
    : recorder(node, at_home, hello), number(peer_number), url_groups(hello.groups),
      ledger_(told_to) {
  if (hello.who)
    user = hello.who->user;
}

void peer::on_queued(const frame& queued) {
  ledger_.queued(*this, queued);
  frames.clear();
}

void peer::on_refused(std::string_view json) {
  ledger_.refused(*this, json);
}

void peer::close(protocol::close_code why, std::string_view bye) {
  auto first = !closed();
  recorder::close(why, bye);
  if (first)
    ledger_.closed(*this, why);
}

} // namespace beckon::testing
