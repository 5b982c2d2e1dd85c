// The whole server in a program of one's own.
// usage: embedding run OPTION...     as `beckon serve` does
//        embedding start OPTION...   serves until stdin ends; prints its port and its node

#include "doorman.hpp"

#include <beckon/server.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

int run(int argc, char** argv) {
  beckon::server server(argc, argv);
  server.behaviours().add<doorman>("doorman");
  return server.run();
}

int start(std::vector<std::string> options) {
  beckon::server server(std::move(options));
  server.behaviours().add<doorman>("doorman");
  bool called = false;
  server.when_serving([&](caf::actor_system&) { called = true; });
  if (auto wrong = server.start()) {
    std::printf("%s\n", wrong->c_str());
    return 1;
  }
  std::printf("%u %s\n", unsigned{server.listening().port},
              to_string(server.system().node()).c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  auto wrong = server.stop();
  std::printf("%s\n", wrong ? wrong->c_str() : "stopped");
  return wrong || !called ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "run")
    return run(argc - 1, argv + 1);
  return start({argv + std::min(argc, 2), argv + argc});
}
