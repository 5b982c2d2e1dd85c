// my_behaviour: denies messages that have a certain word in them, and counts them.

#include <beckon/behaviour.hpp>

#include <string>

class my_behaviour : public beckon::behaviour {
public:
  /// Options: `word = spam` below `[behaviour.my_behaviour]`, or
  /// --behaviour-option=my_behaviour.word=spam.
  explicit my_behaviour(const beckon::settings& options) : word_(options.get("word", "spam")) {}

  beckon::verdict sending(beckon::group&, beckon::message& what) override { return judge(what); }
  beckon::verdict publishing(beckon::group&, beckon::message& what) override { return judge(what); }

  /// {"type":"call","id":1,"group":"...","name":"denied","data":null} tells how many there were.
  beckon::verdict calling(beckon::group&, const beckon::call& what) override {
    if (what.name != "denied")
      return beckon::pass();
    return beckon::answer_with(std::to_string(denied_));
  }

private:
  beckon::verdict judge(const beckon::message& what) {
    if (what.data().bytes.find(word_) == std::string_view::npos)
      return beckon::pass();
    ++denied_;
    return beckon::deny("denied", "not that word");
  }

  std::string word_;
  std::size_t denied_ = 0;
};

BECKON_BEHAVIOURS(all) {
  all.add<my_behaviour>("my_behaviour");
}
