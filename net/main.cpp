// beckon: the command.

#include "net/application.hpp"
#include "net/new_behaviour.hpp"
#include "net/options.hpp"
#include "net/token.hpp"

#include <cstdio>
#include <exception>
#include <string_view>

extern char** environ;

namespace {

using namespace beckon::net;

constexpr const char* usage =
    "usage: beckon serve [OPTIONS]   (beckon serve --help lists them)\n"
    "       beckon token --user NAME --for 1h [--as NAME]... [--token-key-file FILE]\n"
    "       beckon new-behaviour NAME       (writes a project into ./NAME)\n"
    "       beckon --version\n";

} // namespace

int main(int argc, char** argv) {
  std::string_view command = argc > 1 ? argv[1] : "";
  try {
    if (command == "serve")
      return application(argc - 1, argv + 1).run();
    if (command == "token")
      return token_command(argc - 1, argv + 1, environ);
    if (command == "new-behaviour")
      return new_behaviour_command(argc - 1, argv + 1);
    if (command == "--version" || command == "version") {
      std::puts("beckon " BECKON_VERSION);
      return 0;
    }
    std::fputs(usage, command == "--help" || command == "help" ? stdout : stderr);
    return command == "--help" || command == "help" ? 0 : exit_config;
  } catch (const std::exception& trouble) {
    std::fprintf(stderr, "beckon: %s\n", trouble.what());
    return 1;
  }
}
