#pragma once
// A behaviour that keeps one uid out; which, is an option.

#include <beckon/behaviour.hpp>

class doorman : public beckon::behaviour {
public:
  explicit doorman(const beckon::settings& options) : out_(options.get("out", "nobody")) {}

  beckon::verdict joining(beckon::group&, beckon::joining& who) override {
    return who.uid == out_ ? beckon::deny("denied", "the doorman says no") : beckon::pass();
  }

private:
  std::string out_;
};
