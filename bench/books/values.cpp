#include "actors/audiences.hpp"
#include "actors/bans.hpp"
#include "actors/debts.hpp"
#include "actors/early_batches.hpp"
#include "actors/roster.hpp"
#include "actors/tickets.hpp"
#include "actors/timing_wheel.hpp"
#include "bench/books/book.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

namespace beckon::bench {
namespace {

using namespace beckon::actors;
using namespace std::chrono_literals;

constexpr steady_time start{1h};

std::string uid(std::size_t i) {
  return "member-" + std::to_string(i * 7919 % 1'000'003); // in no order
}

// ---- tickets ----

constexpr std::size_t groups = 64; // that the tickets are of

ticket ticket_of(std::size_t i) {
  ticket t;
  t.id = i + 1;
  t.to.first = "somebody";
  t.group = 1 + i % groups;
  t.waits = true;
  t.expires = start + std::chrono::milliseconds(i * 7919 % 60'000);
  return t;
}

struct ticket_book {
  explicit ticket_book(std::size_t n) : opened(n) {
    for (std::size_t i = 0; i < n; ++i)
      book.open(ticket_of(i));
  }
  tickets book;
  std::size_t opened;
  ticket out;
};

void settle_one(ticket_book& b) {
  auto number = b.book.open(ticket_of(++b.opened));
  b.book.settle({.to = {}, .ticket = number, .result = protocol::outcome::delivered}, b.out);
}

/// The one whose time comes first; another one comes for it.
void expire_one(ticket_book& b) {
  b.book.take_expired(b.book.next_expiry(), b.out);
  b.book.open(std::move(b.out));
}

void lose_one_of_a_group(ticket_book& b) {
  if (b.book.take_of_group(1 + ++b.opened % groups, b.out))
    b.book.open(std::move(b.out));
}

// ---- debts ----

struct debt_book {
  explicit debt_book(std::size_t n) : last(n) {
    for (std::size_t i = 0; i < n; ++i) {
      d.owe_received(i, {}, start, start + 1h);
      d.owe_reply(i, {{}, "group", start + 1h}, start);
    }
  }
  debts d;
  std::uint64_t first = 0, last; ///< that are owed
  settlement out;
  debts::request asked;
};

void confirm_one(debt_book& b) {
  b.d.take_received(b.first++, b.out);
  b.d.owe_received(b.last++, {}, start, start + 1h);
}

/// Where there is no room, whoever sends the next one is told so.
void refuse_one(debt_book& b) {
  b.d.owe_received(b.last, {}, start, start + 1h);
}

void reply_to_one(debt_book& b) {
  b.d.take_request(b.first++, b.asked);
  b.d.owe_reply(b.last++, {{}, "group", start + 1h}, start);
}

struct written_book {
  explicit written_book(std::size_t n) : last(n) {
    for (std::size_t i = 0; i < n; ++i)
      d.owe_written(i, {});
  }
  debts d;
  std::uint64_t last;
  settlement out;
};

void write_one(written_book& b) {
  b.d.owe_written(++b.last, {});
  b.d.take_written(b.last, b.out);
}

// ---- rosters ----

struct roster_book {
  explicit roster_book(std::size_t n) : members(n) {
    for (std::size_t i = 0; i < n; ++i)
      r.add(i + 1, uid(i), {});
    r.flushed();
  }
  roster r;
  std::size_t members;
  std::size_t operations = 0;
};

void join_and_leave(roster_book& b) {
  auto session = b.members + ++b.operations;
  b.r.add(session, uid(session), {});
  b.r.remove(session);
  b.r.flushed();
}

void find_one(roster_book& b) {
  b.r.find(uid(b.operations++ % b.members));
}

void read_a_page(roster_book& b) {
  b.r.page(uid(b.operations++ % b.members), 50);
}

/// All sessions are one member's.
struct busy_member {
  explicit busy_member(std::size_t n) : sessions(n) {
    for (std::size_t i = 0; i < n; ++i)
      r.add(i + 1, "everybody", {});
    r.flushed();
  }
  roster r;
  std::size_t sessions;
  std::size_t operations = 0;
};

void join_and_leave_as_one(busy_member& b) {
  b.r.add(b.sessions + 1, "everybody", {});
  b.r.remove(1 + ++b.operations * 31 % b.sessions);
  b.r.add(1 + b.operations * 31 % b.sessions, "everybody", {});
  b.r.remove(b.sessions + 1);
  b.r.flushed();
}

/// Which sessions of a group get what.
struct audience_book {
  explicit audience_book(std::size_t n) : members(n) {
    for (std::size_t i = 0; i < n; ++i) {
      seat s;
      s.where = {static_cast<std::uint32_t>(i), 1, 0};
      lists.update(r.add(i + 1, uid(i), std::move(s)));
    }
  }
  roster r;
  audiences lists{2};
  std::size_t members;
  std::size_t operations = 0;
};

void toggle_interest(audience_book& b) {
  using protocol::interest_level;
  auto& s = *b.r.find(caf::actor_id{1 + ++b.operations * 31 % b.members});
  s.interest = s.interest == interest_level::full ? interest_level::direct : interest_level::full;
  b.lists.update(s);
}

// ---- others ----

struct ban_book {
  explicit ban_book(std::size_t n) : held(n) {
    for (std::size_t i = 0; i < n; ++i)
      list.add(uid(i), static_cast<std::int64_t>(i * 7919 % 1'000'003));
  }
  bans list;
  std::size_t held;
};

/// Where there is no room another one goes for it.
void ban_one(ban_book& b) {
  auto newcomer = uid(b.held);
  b.list.add(newcomer, 500'000);
  b.list.remove(newcomer);
}

void look_for_a_ban(ban_book& b) {
  b.list.end_of(uid(++b.held), 0);
}

struct early_book {
  explicit early_book(std::size_t n) : links(n) {
    for (std::size_t i = 0; i < n; ++i)
      early.keep({}, i, "batch", start + std::chrono::milliseconds(i * 31 % 1000));
  }
  early_batches early{1 << 20};
  std::uint64_t links;
};

/// Where there is no room the link that has been silent longest goes for it.
void keep_one(early_book& b) {
  b.early.keep({}, b.links, "batch", start + 1s);
  b.early.take({}, b.links);
}

struct wheel_book {
  struct alarm final : deadline {
    void due(steady_time) override {}
    void failed(const char*) noexcept override {}
  };
  explicit wheel_book(std::size_t n) : alarms(n) {
    for (std::size_t i = 0; i < n; ++i)
      wheel.set(alarms[i], start + std::chrono::milliseconds(100 + i * 7919 % 60'000));
  }
  timing_wheel wheel{start};
  std::deque<alarm> alarms;
  std::size_t operations = 0;
};

void set_one(wheel_book& b) {
  auto i = b.operations++ % b.alarms.size();
  b.wheel.set(b.alarms[i], start + std::chrono::milliseconds(100 + i * 7919 % 60'000));
  b.wheel.next();
}

template <class State>
auto with(void (*operation)(State&)) {
  return [=](std::size_t n) { return filled(std::make_unique<State>(n), operation); };
}

} // namespace

std::vector<book> value_books() {
  return {
      {"tickets: one is opened and settled", with(settle_one)},
      {"tickets: one expires", with(expire_one)},
      {"tickets: a group loses one", with(lose_one_of_a_group)},
      {"debts: one is confirmed", with(confirm_one), debts::held_max},
      {"debts: one more is refused", with(refuse_one), debts::held_max},
      {"debts: one is replied to", with(reply_to_one), debts::held_max},
      {"debts: one is written", with(write_one)},
      {"roster: one joins and leaves", with(join_and_leave)},
      {"roster: one is found", with(find_one)},
      {"roster: 50 are read", with(read_a_page)},
      {"roster: a session of one member comes and goes", with(join_and_leave_as_one)},
      {"audiences: one turns its interest on or off", with(toggle_interest)},
      {"bans: one is banned", with(ban_one), bans::held_max},
      {"bans: one is looked for", with(look_for_a_ban), bans::held_max},
      {"early batches: one is kept and taken", with(keep_one), early_batches::links_max},
      {"deadlines: one is set anew", with(set_one)},
  };
}

} // namespace beckon::bench
