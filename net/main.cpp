// beckon: the command.

#include "net/log.hpp"
#include "net/options.hpp"
#include "net/server.hpp"
#include "net/token.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

extern char** environ;

namespace {

using namespace beckon::net;

constexpr const char* usage =
    "usage: beckon serve [OPTIONS]   (beckon serve --help lists them)\n"
    "       beckon token --user NAME --for 1h [--as NAME]... [--token-key-file FILE]\n"
    "       beckon --version\n";

/// Started with a standard descriptor closed, the next socket would get its number, and what is
/// printed would go to a client.
void open_standard_descriptors() {
  auto fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO)
    fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0)
    ::close(fd);
}

int serve(int argc, const char* const* argv) {
  auto conf = configure(argc, argv, environ);
  if (!conf) {
    std::fprintf(stderr, "%s\n", conf.error().c_str());
    return exit_config;
  }
  if (conf->what == configured::wish::check)
    for (auto& warning : conf->warnings)
      std::fprintf(stderr, "beckon: warning: %s\n", warning.c_str());
  if (conf->what != configured::wish::serve) {
    std::fputs(conf->text.c_str(), stdout);
    return 0;
  }
  logger log(conf->values.least_level, conf->values.format);
  server s(*conf, log);
  if (auto wrong = s.bind()) {
    std::fprintf(stderr, "beckon: %s\n", wrong->c_str());
    return exit_config;
  }
  for (auto& warning : conf->warnings)
    log.warn("configuration", {{"text", warning}});
  return s.run();
}

} // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN); // a closed socket or log is an error value, never a death
  std::string_view command = argc > 1 ? argv[1] : "";
  try {
    if (command == "serve")
      return serve(argc - 1, argv + 1);
    if (command == "token")
      return token_command(argc - 1, argv + 1, environ);
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
