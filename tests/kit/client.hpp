#pragma once
// A client in a test: writes frames, and tells what came of each and what it got. Reads all that
// it is sent, at once. Owns: one session of the group's node. Ends the session when it goes.

#include "protocol/codes.hpp"
#include "tests/kit/recorder.hpp"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::testing {

class group;

/// What came of a frame that a client wrote. May come later, while time passes: look again then.
class answer {
public:
  bool came() const { return !told_->json.empty(); }
  bool ok() const { return told_->ok; }
  /// Of an error; empty: it is none, or has not come.
  const std::string& code() const { return told_->code; }
  /// Raw JSON: of a call or a request what was answered, of a publication the count of sessions.
  const std::string& data() const { return told_->data; }
  /// What a `send` has come to for this recipient: "delivered", "offline", …
  std::string outcome(const std::string& recipient) const;
  /// The whole frame.
  const std::string& json() const { return told_->json; }

private:
  friend class client;
  struct told {
    bool ok = false;
    std::string code = {}, data = {}, json = {};
    std::map<std::string, std::string> outcomes = {}; ///< those that are not delivered
  };
  std::shared_ptr<told> told_ = std::make_shared<told>();
};

/// A frame that a client got and had not asked for.
struct received {
  std::string type; ///< "direct", "message", "request", "presence", "left", …
  std::string from; ///< a member's uid, or "$group"
  std::string data; ///< raw JSON
  std::string json; ///< the whole frame
};

/// JSON: the text as a string.
std::string json_string(std::string_view text);

class client final {
public:
  client(group& place, std::string user);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  // ---- what it does; each waits until nothing is left to do at this time. `json`: a value ----

  answer join(std::string_view meta = {});
  answer leave();
  answer send(std::string_view to, std::string_view json) { return send({to}, json); }
  answer send(std::initializer_list<std::string_view> to, std::string_view json);
  answer publish(std::string_view json);
  answer request(std::string_view to, std::string_view json);
  answer call(std::string_view name, std::string_view json = "null");
  /// Answers a request that it got.
  void reply(const received& asked, std::string_view json);
  /// Any frame of its group: `fields` stand behind `"type":type,"id":…,"group":…`.
  answer write(std::string_view type, std::string_view fields = {});
  void disconnect();

  // ---- what it got ----

  /// Since the last look.
  std::vector<received> got();
  /// The data of those of this type; the others are forgotten.
  std::vector<std::string> got(std::string_view type);

private:
  friend class group;
  /// @returns whether there was something to read
  bool read();
  void take(std::string json);

  group& group_;
  std::uint64_t ids_ = 0;
  std::map<std::uint64_t, answer> waiting_;
  std::vector<received> got_;
  std::unique_ptr<recorder> wire_;
};

} // namespace beckon::testing
