// moderated: the rules of a house. Some words are not said, nobody talks too fast, and who
// misbehaves is sent out for a while. Options, below [behaviour.moderated]:
//
//     words = spam scam        in no message, in small letters or capitals
//     slow = 5                 seconds between two messages of a member
//     moderators = mia max     whom slow mode spares, and who may call:
//
//     call ban {"uid":"eve","seconds":600}     call unban "eve"     call slow 30
//
// Who writes sp4m gets it through: this is for good manners, not for security. In a cluster a ban
// holds on every node; the pace is each node's own matter, and `slow` changes one node's.

#include <beckon/behaviour.hpp>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace {

std::set<std::string, std::less<>> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

bool has_word(std::string_view text, std::string_view word) {
  auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  auto same = [&](char a, char b) { return lower(a) == lower(b); };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

} // namespace

class moderated : public beckon::behaviour {
public:
  explicit moderated(const beckon::settings& options)
      : words_(words_of(options.get("words", ""))),
        moderators_(words_of(options.get("moderators", ""))), slow_(options.get("slow", 0)) {}

  void started(beckon::group& group) override { group.tick_every(std::chrono::minutes(1)); }

  beckon::verdict sending(beckon::group& group, beckon::message& what) override {
    return judge(group, what);
  }
  beckon::verdict publishing(beckon::group& group, beckon::message& what) override {
    return judge(group, what);
  }
  beckon::verdict requesting(beckon::group& group, beckon::message& what) override {
    return judge(group, what);
  }

  beckon::verdict calling(beckon::group& group, const beckon::call& what) override {
    if (what.name != "ban" && what.name != "unban" && what.name != "slow")
      return beckon::pass(); // not offered: `not_found`
    if (!moderators_.contains(what.from.uid))
      return beckon::deny("denied", "only moderators may");
    auto done = what.name == "ban"     ? ban(group, read(what))
                : what.name == "unban" ? unban(group, read(what))
                                       : set_slow(read(what));
    return done ? beckon::answer_with()
                : beckon::deny("bad_request", "see the top of moderated.cpp");
  }

  /// Forgets who has been quiet for long: the map is as large as a short while is busy.
  void ticking(beckon::group& group) override {
    std::erase_if(last_, [&](auto& each) { return wait(group, each.second) == 0; });
  }

private:
  static constexpr std::int64_t a_year = 365 * 24 * 3600;

  beckon::verdict judge(beckon::group& group, const beckon::message& what) {
    auto text = words_.empty() ? std::string() : plain(what.data());
    for (auto& word : words_)
      if (has_word(text, word))
        return beckon::deny("bad_word", "one does not say that here");
    auto uid = what.from().uid;
    if (slow_ == 0 || moderators_.contains(uid))
      return beckon::pass();
    auto [last, is_first] = last_.try_emplace(std::string(uid), group.now_ms());
    if (auto ms = is_first ? 0 : wait(group, last->second))
      return beckon::deny("slow_mode", "wait " + std::to_string(ms) + " ms");
    last->second = group.now_ms();
    return beckon::pass();
  }

  /// Without escapes: "\u0073pam" is "spam".
  static std::string plain(const beckon::payload& data) {
    boost::system::error_code wrong;
    auto parsed = boost::json::parse(data.bytes, wrong);
    return wrong ? std::string(data.bytes) : boost::json::serialize(parsed);
  }

  /// Until who spoke then may speak again, in ms.
  std::int64_t wait(const beckon::group& group, std::int64_t last) const {
    return std::max<std::int64_t>(0, last + slow_ * 1000 - group.now_ms());
  }

  static boost::json::value read(const beckon::call& what) {
    boost::system::error_code wrong; // of opaque data, that is; JSON has been checked
    return boost::json::parse(what.data.bytes, wrong);
  }

  static bool ban(beckon::group& group, const boost::json::value& data) {
    auto* fields = data.if_object();
    auto* uid = fields ? fields->if_contains("uid") : nullptr;
    auto* time = fields ? fields->if_contains("seconds") : nullptr;
    auto* seconds = time ? time->if_int64() : nullptr;
    if (!uid || !uid->is_string() || !seconds || *seconds <= 0 || *seconds > a_year)
      return false;
    group.ban(uid->get_string(), std::chrono::seconds(*seconds));
    return true;
  }
  static bool unban(beckon::group& group, const boost::json::value& uid) {
    if (uid.is_string())
      group.unban(uid.get_string());
    return uid.is_string();
  }
  bool set_slow(const boost::json::value& seconds) {
    auto* wanted = seconds.if_int64();
    if (!wanted || *wanted < 0 || *wanted > 3600)
      return false;
    slow_ = *wanted;
    return true;
  }

  std::set<std::string, std::less<>> words_, moderators_;
  std::int64_t slow_;                                     ///< seconds; 0: as fast as they like
  std::map<std::string, std::int64_t, std::less<>> last_; ///< ms since 1970, by uid
};

BECKON_BEHAVIOURS(all) {
  all.add<moderated>("moderated");
}
