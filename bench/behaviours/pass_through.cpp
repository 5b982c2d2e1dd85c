// What rules cost that let everything pass: one that is asked, one that looks at each message, and
// one that has no hooks.

#include <beckon/behaviour.hpp>

class pass_through : public beckon::behaviour {
public:
  beckon::verdict sending(beckon::group&, beckon::message&) override { return beckon::pass(); }
  beckon::verdict publishing(beckon::group&, beckon::message&) override { return beckon::pass(); }
};

class reading : public beckon::behaviour {
public:
  beckon::verdict sending(beckon::group&, beckon::message& what) override {
    bytes_ += what.from().uid.size() + what.data().bytes.size();
    return bytes_ == 0 ? beckon::deny() : beckon::pass();
  }

private:
  std::size_t bytes_ = 0;
};

class without_hooks : public beckon::behaviour {};

BECKON_BEHAVIOURS(all) {
  all.add<pass_through>("pass_through");
  all.add<reading>("reading");
  all.add<without_hooks>("without_hooks");
}
