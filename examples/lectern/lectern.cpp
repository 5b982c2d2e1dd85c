// lectern: only the member called "host" speaks to everybody.
#include <beckon/behaviour.hpp>

struct lectern : beckon::behaviour {
  beckon::verdict publishing(beckon::group&, beckon::message& what) override {
    return what.from().uid == "host" ? beckon::pass() : beckon::deny("not_host");
  }
};

BECKON_BEHAVIOURS(all) {
  all.add<lectern>("lectern");
}
