// inbox: what is sent to a member that is away waits for it in an SQLite file. Its sender is told
// `parked`, and the member gets it when it joins again, with the sender and the time that it had.
// For members who have been in the group before; others are `offline`, as without it. Options,
// below [behaviour.inbox]:
//
//     file = inbox.db       one for all groups
//     messages = 100        kept for one member of one group; over it: `overloaded`
//     bytes = 131072        of these together: no more than fits into an outbound queue at once
//
// At least once: a message is forgotten when the server's kernel has taken it for the member's
// connection. After a crash in between, it comes again. In order, but for those that a full queue
// refused: they are tried again each second. Who has lost its connection without a goodbye counts
// as present until the server misses it. In a cluster a message waits on its sender's node, for a
// join there.
//
// Parked is on record: WAL with synchronous=NORMAL loses nothing to a kill -9, as the system has
// each commit. The last ones before a power failure need FULL, which costs a sync each. The group's
// thread waits for SQLite meanwhile: one transaction a message, some 60 us here, and 15 ms now and
// then for a checkpoint.

#include <beckon/behaviour.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <sqlite3.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using std::chrono::seconds;

struct database_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A connection to the file. Whatever goes wrong is a database_error.
class database {
public:
  explicit database(const std::string& file) {
    sqlite3* opened = nullptr;
    auto code = sqlite3_open(file.c_str(), &opened);
    it_.reset(opened);
    check(code);
    sqlite3_busy_timeout(opened, 50); // ms: a group on another thread may be writing
    check(sqlite3_exec(opened, schema, nullptr, nullptr, nullptr));
  }
  void check(int code) const {
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
      throw database_error(sqlite3_errmsg(it_.get()));
  }
  sqlite3* get() const noexcept { return it_.get(); }

private:
  static constexpr const char* schema = R"(
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS member(place TEXT, uid TEXT, PRIMARY KEY(place, uid)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS parked(id INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT, uid TEXT,
                                      sender TEXT, at INTEGER, opaque INTEGER, data BLOB);
    CREATE INDEX IF NOT EXISTS parked_for ON parked(place, uid);)";
  struct closer {
    void operator()(sqlite3* d) const { sqlite3_close_v2(d); }
  };
  std::unique_ptr<sqlite3, closer> it_;
};

/// One statement with its values, and the row at which it stands.
class statement {
public:
  template <class... Ts>
  statement(const database& in, const char* sql, const Ts&... values) : in_(in) {
    sqlite3_stmt* made = nullptr;
    in.check(sqlite3_prepare_v2(in.get(), sql, -1, &made, nullptr));
    it_.reset(made);
    int place = 0;
    (in.check(bind(++place, values)), ...);
  }
  /// @returns whether there is a row
  bool step() {
    auto code = sqlite3_step(it_.get());
    in_.check(code);
    return code == SQLITE_ROW;
  }
  std::int64_t number(int column) { return sqlite3_column_int64(it_.get(), column); }
  std::string_view bytes(int column) {
    auto* begin = static_cast<const char*>(sqlite3_column_blob(it_.get(), column));
    return {begin, static_cast<std::size_t>(sqlite3_column_bytes(it_.get(), column))};
  }

private:
  int bind(int place, std::int64_t value) { return sqlite3_bind_int64(it_.get(), place, value); }
  int bind(int place, std::string_view value) {
    return sqlite3_bind_blob64(it_.get(), place, value.data(), value.size(), SQLITE_TRANSIENT);
  }
  struct closer {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  const database& in_;
  std::unique_ptr<sqlite3_stmt, closer> it_;
};

} // namespace

class inbox : public beckon::behaviour {
public:
  explicit inbox(const beckon::settings& options)
      : file_(options.get("file", "inbox.db")), messages_max_(options.get("messages", 100)),
        bytes_max_(options.get("bytes", 128 * 1024)) {
    auto folder = std::filesystem::absolute(file_).parent_path();
    if (!std::filesystem::is_directory(folder))
      throw std::invalid_argument("file: there is no folder " + folder.string());
  }

  void started(beckon::group& group) override {
    kept_.emplace(file_); // not in the constructor, with which options are tried out
    group.tick_every(seconds(1));
    group.each_member([&](auto& who) { again_.emplace(who.uid); }); // they were here before us
  }

  void joined(beckon::group& group, const beckon::member& who) override {
    hand_out(group, std::string(who.uid));
  }

  beckon::verdict sending(beckon::group& group, beckon::message& what) override {
    std::vector<std::size_t> absent;
    for (std::size_t i = 0; i < what.recipients(); ++i)
      if (!group.find(what.recipient(i)))
        absent.push_back(i);
    if (!absent.empty())
      park(group, what, absent);
    return beckon::pass(); // to those who are there
  }

  void ticking(beckon::group& group) override {
    for (auto& uid : std::exchange(again_, {}))
      if (group.find(uid))
        hand_out(group, uid);
  }

private:
  /// Nobody is told `parked` before all of the message is on record.
  void park(beckon::group& group, beckon::message& what, const std::vector<std::size_t>& absent) {
    std::vector<std::optional<beckon::outcome>> outcomes;
    try {
      statement(*kept_, "BEGIN IMMEDIATE").step();
      for (auto i : absent)
        outcomes.push_back(keep(group, what, what.recipient(i)));
      statement(*kept_, "COMMIT").step();
    } catch (const database_error& wrong) {
      sqlite3_exec(kept_->get(), "ROLLBACK", nullptr, nullptr, nullptr);
      return group.log(wrong.what()); // they are offline, then
    }
    for (std::size_t i = 0; i < absent.size(); ++i)
      if (outcomes[i])
        what.settle(absent[i], *outcomes[i]);
  }

  std::optional<beckon::outcome> keep(beckon::group& group, const beckon::message& what,
                                      std::string_view uid) {
    auto place = group.name();
    if (!statement(*kept_, "SELECT 1 FROM member WHERE place=? AND uid=?", place, uid).step())
      return {}; // never seen
    statement held(*kept_, "SELECT count(*), sum(length(data)) FROM parked WHERE place=? AND uid=?",
                   place, uid);
    held.step();
    auto data = what.data();
    auto size = static_cast<std::int64_t>(data.bytes.size());
    if (held.number(0) >= messages_max_ || held.number(1) + size > bytes_max_)
      return beckon::outcome::overloaded;
    statement(*kept_,
              "INSERT INTO parked(place, uid, sender, at, opaque, data) VALUES(?, ?, ?, ?, ?, ?)",
              place, uid, what.from().uid, group.now_ms(), std::int64_t{data.opaque}, data.bytes)
        .step();
    return beckon::outcome::parked;
  }

  /// All at once, before anything newer is sent to it. What is under way goes to one session of the
  /// member, however many join meanwhile.
  void hand_out(beckon::group& group, const std::string& uid) try {
    statement row(*kept_,
                  "SELECT id, sender, at, opaque, data FROM parked WHERE place=? AND uid=? "
                  "ORDER BY id",
                  group.name(), uid);
    while (row.step()) {
      auto id = row.number(0);
      if (!under_way_.insert(id).second)
        continue;
      beckon::deliver_options how{.from = row.bytes(1),
                                  .at = row.number(2),
                                  .confirm = beckon::confirm_level::written,
                                  .ttl = seconds(60)};
      group.deliver(uid, {row.bytes(4), row.number(3) != 0}, how,
                    [&group, this, id, uid](auto outcome) { settled(group, id, uid, outcome); });
    }
    statement(*kept_, "INSERT OR IGNORE INTO member VALUES(?, ?)", group.name(), uid).step();
  } catch (const database_error& wrong) {
    again_.insert(uid);
    group.log(wrong.what());
  }

  void settled(beckon::group& group, std::int64_t id, const std::string& uid,
               beckon::outcome outcome) try {
    under_way_.erase(id);
    if (outcome == beckon::outcome::delivered)
      statement(*kept_, "DELETE FROM parked WHERE id=?", id).step();
    else
      again_.insert(uid);
  } catch (const database_error& wrong) {
    group.log(wrong.what()); // so it will come again
  }

  const std::string file_;
  std::optional<database> kept_;
  const std::int64_t messages_max_, bytes_max_;
  std::set<std::int64_t> under_way_; ///< rows whose outcome is awaited
  std::set<std::string> again_;      ///< members to look after at the next tick
};

BECKON_BEHAVIOURS(all) {
  all.add<inbox>("inbox");
}
