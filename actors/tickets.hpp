#pragma once
// What a session waits for: the outcomes of the frames that it sent with an id. Owns: when such a
// frame is answered, and that it is answered exactly once. One book per session, behaviour and
// peer; a ticket that is unknown is one that has been answered. What an operation costs does not
// depend on how many are open.

#include "actors/messages.hpp"
#include "actors/timed_book.hpp"
#include "protocol/encode.hpp"

#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace beckon::actors {

struct ticket {
  enum class kind : std::uint8_t { send, publish, request };
  kind what = kind::send;
  bool waits = false;   ///< for `written`, `received` or a reply, which take their time
  std::uint64_t id = 0; ///< of the client's frame
  recipients to;
  caf::actor_id group = 0; ///< that carries it; 0: none
  steady_time started;
  steady_time expires;

  struct progress {
    /// Sessions that did not take it, or ended with the request before them.
    std::uint32_t refused = 0;
    bool settled = false;
    protocol::outcome result = protocol::outcome::offline;
  };
  std::vector<progress> recipients_progress;
  std::size_t open = 0;     ///< recipients without an outcome; parts of a publication
  bool callee_gone = false; ///< a session that had the request before it has ended
  std::uint64_t count = 0;  ///< of a publication
  bool counting = false;    ///< the number of parts is known
};

class tickets {
public:
  /// Opens a ticket. @returns its number, never 0
  std::uint32_t open(ticket t);

  /// What a settlement comes to: nothing yet, or the ticket is complete and has been taken out.
  /// @returns whether `done` was filled
  bool settle(const settlement& s, ticket& done);
  /// Takes a ticket out.
  bool take(std::uint32_t number, ticket& out);
  /// Takes out one ticket that has expired, or that a group carried. @returns whether there was one
  /// (take_expired: its number, else 0)
  std::uint32_t take_expired(steady_time now, ticket& out);
  bool take_of_group(caf::actor_id group, ticket& out);

  bool has(std::uint32_t number) const { return open_.contains(number); }
  std::size_t size() const noexcept { return open_.size(); }
  std::size_t requests() const noexcept { return requests_; }
  std::size_t waiting() const noexcept { return waiting_; }
  /// Bytes of recipients' names that answers may have to repeat.
  std::size_t owed_bytes() const noexcept { return owed_bytes_; }
  /// Those of tickets that wait.
  std::size_t waiting_bytes() const noexcept { return waiting_bytes_; }
  /// @returns the earliest expiry. @pre size() > 0
  steady_time next_expiry() const { return open_.next_expiry(); }

private:
  /// A ticket, and its place among those of its group.
  struct entry : ticket, boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
    entry(ticket t, std::uint32_t of) : ticket(std::move(t)), number(of) {}
    std::uint32_t number;
  };
  struct group_of {
    using type = caf::actor_id;
    const type& operator()(const entry& e) const noexcept { return e.group; }
  };
  void remove(entry& which, ticket& out);
  static std::size_t owed_by(const ticket& t) noexcept;
  static bool settle_outcome(ticket& t, const settlement& s);

  timed_book<std::uint32_t, entry> open_;
  /// Those that a group carries. Behind the book, so that it ends before it.
  boost::intrusive::multiset<entry, boost::intrusive::key_of_value<group_of>,
                             boost::intrusive::constant_time_size<false>>
      by_group_;
  std::uint32_t last_ = 0;
  std::size_t requests_ = 0;
  std::size_t waiting_ = 0;
  std::size_t owed_bytes_ = 0;
  std::size_t waiting_bytes_ = 0;
};

/// The outcomes of a complete ticket that are not `delivered`; they point into it.
std::vector<protocol::recipient_outcome> not_delivered(const ticket& t);

} // namespace beckon::actors
