// A plug-in with two behaviours that hand each other what they have counted.

#include <beckon/behaviour.hpp>

#include <any>
#include <string>

class counting : public beckon::behaviour {
public:
  beckon::verdict sending(beckon::group&, beckon::message&) override {
    ++sent_;
    return beckon::pass();
  }
  beckon::verdict calling(beckon::group&, const beckon::call& what) override {
    return what.name == "sent" ? beckon::answer_with(std::to_string(sent_)) : beckon::pass();
  }
  std::any hand_over() const override { return sent_; }
  void take_over(beckon::group&, const std::any& state) override {
    sent_ = std::any_cast<int>(state);
  }

private:
  int sent_ = 0;
};

BECKON_BEHAVIOURS(all) {
  all.add<counting>("counting");
  all.add<counting>("counting_on");
}
