#pragma once
// What the clients of one seed say next. Owns: nothing but the names that they choose from; every
// choice is the dice's.

#include "tests/simulation/dice.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/peer.hpp"

#include <string>
#include <vector>

namespace beckon::testing {

class script {
public:
  /// @param metered whether a rate may refuse frames: who asks then always wants an answer
  script(dice& chance, ledger& book, bool metered);

  std::vector<std::string> users;
  std::vector<std::string> groups; ///< `g…`: many sessions of a member; `r…`: the newest replaces;
                                   ///< `x…`: others are rejected

  /// The next message of a client: mostly one frame, else a batch.
  std::vector<sent_frame> next(peer& p);
  /// The answer to a request or to a message that wants `received`, when the client gives one.
  std::vector<sent_frame> answer(const peer::due& asked);
  /// Asks for a whole roster.
  std::vector<sent_frame> ask_roster(peer& p, const std::string& group);

private:
  sent_frame any_frame(peer& p);
  sent_frame join(peer& p);
  sent_frame update(peer& p);
  sent_frame leave(peer& p);
  sent_frame read_roster(peer& p);
  sent_frame send(peer& p, bool is_request);
  sent_frame publish(peer& p);

  sent_frame begin(peer& p, protocol::frame_type type, std::size_t percent_with_id);
  void name_group(sent_frame& f, peer& p);
  void name_recipient(sent_frame& f, peer& p, message& m);
  void change_member(sent_frame& f);
  void carry(sent_frame& f, peer& p, message m);
  std::vector<std::string> some_users(std::size_t most);

  dice& dice_;
  ledger& ledger_;
  const std::size_t questions_with_id_; ///< percent
  std::uint64_t last_reply_ = 0;
};

} // namespace beckon::testing
