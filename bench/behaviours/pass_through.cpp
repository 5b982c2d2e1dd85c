// What rules cost that let everything pass: one that is asked, and one that has no hooks.

#include <beckon/behaviour.hpp>

class pass_through : public beckon::behaviour {
public:
  beckon::verdict sending(beckon::group&, beckon::message&) override { return beckon::pass(); }
  beckon::verdict publishing(beckon::group&, beckon::message&) override { return beckon::pass(); }
};

class without_hooks : public beckon::behaviour {};

BECKON_BEHAVIOURS(all) {
  all.add<pass_through>("pass_through");
  all.add<without_hooks>("without_hooks");
}
