// What my_behaviour does, without a server: no sockets, no threads, no waiting.

#include <beckon/testing.hpp>

#include <cstdio>
#include <cstdlib>

static void check(bool holds, const char* what) {
  std::fprintf(stderr, "%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds)
    std::exit(1);
}

int main() {
  // A group with the members alice, bob and carol.
  beckon::testing::group room("my_behaviour", {.options = {{"word", "bad"}}});

  check(room["alice"].send("bob", R"("good")").outcome("bob") == "delivered", "others pass");
  check(room["bob"].got("direct") == std::vector<std::string>{R"("good")"}, "bob gets it");

  check(room["alice"].send("bob", R"("bad")").code() == "denied", "the word is denied");
  check(room["bob"].got().empty(), "bob does not get it");
  check(room["carol"].call("denied").data() == "1", "it is counted");

  // For timers: room.advance(std::chrono::seconds(60));
}
