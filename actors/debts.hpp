#pragma once
// What a session owes to senders: confirmations of frames in its queue, of messages its client has
// not confirmed, and replies to requests before it. Owns: that each is settled once; whoever ends
// the session settles the rest.

#include "actors/messages.hpp"
#include "actors/timed_book.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace beckon::actors {

class debts {
public:
  /// Unconfirmed messages or unanswered requests that one session may hold; over it the sender gets
  /// `overloaded`.
  static constexpr std::size_t held_max = 1024;

  struct request {
    settlement owed;   ///< to the caller
    std::string group; ///< empty: addressed by user or session
    steady_time expires;
  };

  /// The frame that ends at `position` of the outbound stream was asked to be confirmed.
  void owe_written(std::uint64_t position, const settlement& s) {
    written_.push_back({position, s});
  }
  /// The client was asked to confirm message `number`. @returns false when it holds too
  /// many, or one of that number (of another node: the sender gets `overloaded`)
  bool owe_received(std::uint64_t number, const settlement& s, steady_time now,
                    steady_time expires);
  /// The client was asked request `number`. @returns false when it holds too many
  bool owe_reply(std::uint64_t number, request r, steady_time now);

  bool owes_written() const noexcept { return written_head_ < written_.size(); }
  /// Takes the next confirmation that `position` covers. @returns whether there was one
  bool take_written(std::uint64_t position, settlement& out);
  bool take_received(std::uint64_t number, settlement& out);
  bool take_request(std::uint64_t number, request& out);

  /// Tells everything that is owed, as `offline` and `gone`; what was told is owed no more, also
  /// when `tell` throws.
  template <class F>
  void settle_all(F tell);

private:
  struct position_owed {
    std::uint64_t position;
    settlement owed;
  };
  struct received_owed {
    settlement owed;
    steady_time expires;
  };
  std::vector<position_owed> written_; ///< from written_head_ on; no deque: an idle one takes 576 B
  std::size_t written_head_ = 0;
  timed_book<std::uint64_t, received_owed> received_;
  timed_book<std::uint64_t, request> requests_;
};

template <class F>
void debts::settle_all(F tell) {
  auto told = [&](settlement s, settlement::kind what) {
    s.what = what;
    s.result = protocol::outcome::offline;
    tell(s);
  };
  while (owes_written())
    told(written_[written_head_++].owed, settlement::kind::outcome);
  for (; !received_.empty(); received_.erase(received_.first()))
    told(received_.find(received_.first())->owed, settlement::kind::outcome);
  for (; !requests_.empty(); requests_.erase(requests_.first()))
    told(requests_.find(requests_.first())->owed, settlement::kind::gone);
}

} // namespace beckon::actors
