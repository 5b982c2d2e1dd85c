// auction: the highest bid at the closing time wins. A group whose name matches is one auction,
// which begins with its first member. Options, below [behaviour.auction]:
//
//     seconds = 300     until it closes
//     extend = 10       so long it stays open after each bid, at least: time for an answer
//     least = 1         the lowest first bid
//
//     call bid 120        {"best":120}; or the error too_low, too_late or bad_bid
//     call status null    {"open":true,"best":120,"by":"alice","closes":1795391286950}
//
// Who is outbid is sent {"outbid":130}; at the end all get {"sold":130,"to":"bob"}, or
// {"sold":null}. The result stays until the last member has left; then the name is free for another
// auction.
//
// It lives in the memory of its group: the end of the server is its end too, and in a cluster every
// node would hold an auction of its own.

#include <beckon/behaviour.hpp>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <string>

namespace json = boost::json;
using std::chrono::milliseconds, std::chrono::seconds;

class auction : public beckon::behaviour {
public:
  explicit auction(const beckon::settings& options)
      : lasts_(options.get("seconds", 300)), extend_(options.get("extend", 10)),
        least_(options.get("least", 1)) {}

  void started(beckon::group& group) override {
    if (at_.closes == 0) // it is new, not handed over
      at_.closes = group.now_ms() + milliseconds(lasts_).count();
    if (at_.is_open)
      close_in_time(group);
  }

  beckon::verdict calling(beckon::group& group, const beckon::call& what) override {
    if (what.name == "bid")
      return bid(group, what);
    if (what.name == "status")
      return beckon::answer_with(status());
    return beckon::pass(); // not offered: `not_found`
  }

  // Other options, or a later version, for an auction that goes on: SIGHUP, or the operators' API.
  std::any hand_over() const override { return at_; }
  void take_over(beckon::group&, const std::any& state) override {
    at_ = std::any_cast<standing>(state);
  }

private:
  /// How it stands.
  struct standing {
    std::int64_t best = 0;
    std::string by;          ///< empty: nobody has bid
    std::int64_t closes = 0; ///< ms since 1970
    bool is_open = true;
  };

  beckon::verdict bid(beckon::group& group, const beckon::call& what) {
    if (!at_.is_open)
      return beckon::deny("too_late", "the auction is closed");
    auto text = what.data.bytes;
    std::int64_t amount = 0;
    auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (wrong != std::errc{} || end != text.data() + text.size())
      return beckon::deny("bad_bid", "a bid is a whole number");
    if (amount <= at_.best || amount < least_)
      return beckon::deny("too_low", "the best bid is " + std::to_string(at_.best));

    if (!at_.by.empty() && at_.by != what.from.uid)
      group.deliver(at_.by, {json::serialize(json::object{{"outbid", amount}})});
    at_.best = amount;
    at_.by = what.from.uid;
    at_.closes = std::max(at_.closes, group.now_ms() + milliseconds(extend_).count());
    close_in_time(group);
    return beckon::answer_with(json::serialize(json::object{{"best", amount}}));
  }

  std::string status() const {
    json::object all{{"open", at_.is_open}, {"best", nullptr}, {"by", nullptr}};
    if (!at_.by.empty()) {
      all["best"] = at_.best;
      all["by"] = at_.by;
    }
    all["closes"] = at_.closes;
    return json::serialize(all);
  }

  void close_in_time(beckon::group& group) {
    group.stay(true); // while it is open, even when nobody is there
    group.cancel(closing_);
    closing_ = group.after(milliseconds(at_.closes - group.now_ms()), [&] { close(group); });
  }

  void close(beckon::group& group) {
    at_.is_open = false;
    json::object all{{"sold", nullptr}};
    if (!at_.by.empty())
      all = {{"sold", at_.best}, {"to", at_.by}};
    group.publish({json::serialize(all)});
    group.stay(false);
  }

  const seconds lasts_, extend_;
  const std::int64_t least_;
  standing at_;
  beckon::timer_id closing_ = 0;
};

BECKON_BEHAVIOURS(all) {
  all.add<auction>("auction");
}
