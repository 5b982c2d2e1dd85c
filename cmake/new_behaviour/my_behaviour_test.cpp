// What my_behaviour denies, without a server.

#include <beckon/behaviour.hpp>

#include <cstdio>

extern "C" const char* beckon_register_behaviours(const char* abi, beckon::behaviours* into);

int main() {
  beckon::behaviours all;
  beckon_register_behaviours(BECKON_BEHAVIOUR_ABI, &all);
  auto* kind = all.find("my_behaviour");
  auto made = kind ? kind->make({{"word", "bad"}}) : nullptr;
  std::puts(made ? "my_behaviour can be made" : "there is no my_behaviour");
  return made ? 0 : 1;
}
