#include "net/application.hpp"

#include "net/log.hpp"
#include "net/options.hpp"
#include "net/plug_in.hpp"
#include "net/server.hpp"

#include <caf/logger.hpp>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <future>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace beckon::net {
namespace {

using line = std::optional<std::string>;

/// Started with a standard descriptor closed, the next socket would get its number, and what is
/// printed would go to a client.
void open_standard_descriptors() {
  auto fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO)
    fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0)
    ::close(fd);
}

std::vector<const char*> pointers(const std::vector<std::string>& words) {
  std::vector<const char*> all;
  for (auto& word : words)
    all.push_back(word.c_str());
  all.push_back(nullptr);
  return all;
}

std::string quoted_names(const actors::behaviours& known) {
  std::string all;
  for (auto& [name, kind] : known.all())
    all.append(all.empty() ? "" : ", ").append(name);
  return all.empty() ? "there is none" : "there are: " + all;
}

/// Makes one for trial. @returns what it threw
line wrong_options(const actors::behaviour_kind& kind, const options& values) {
  auto given = values.behaviour_settings.find(kind.name);
  try {
    kind.make(given == values.behaviour_settings.end() ? actors::settings{} : given->second);
  } catch (const std::exception& thrown) {
    return thrown.what();
  } catch (...) {
    return "it throws something that is no exception of the standard library";
  }
  return {};
}

/// @returns the line about a name that the configuration has and nobody registered, or about
/// options that their behaviour cannot be made with
line wrong_behaviour(const options& values, const actors::behaviours& known) {
  for (auto& rule : values.behaviours)
    if (!known.find(rule.behaviour))
      return "behaviour: '" + rule.behaviour + "' is no behaviour (" + quoted_names(known) + ')';
  for (auto& [name, settings] : values.behaviour_settings)
    if (!known.find(name))
      return "behaviour-option: '" + name + "' is no behaviour (" + quoted_names(known) + ')';
  for (auto& rule : values.behaviours)
    if (auto wrong = wrong_options(*known.find(rule.behaviour), values))
      return "behaviour: '" + rule.behaviour + "' refuses its options: " + *wrong;
  return {};
}

} // namespace

struct application::machinery {
  std::vector<std::string> words = {"serve"};
  std::vector<std::string> environment = {};
  actors::behaviours known = {};
  std::vector<std::function<void(caf::actor_system&)>> then = {};

  std::optional<configured> conf = {};
  std::optional<logger> log = {};
  std::optional<net::server> server = {};
  std::thread serving = {}; ///< of `start`
  line ended_by = {};       ///< why it ended by itself; written by `serving`

  boost::system::result<configured, std::string> read() const {
    return configure(static_cast<int>(words.size()), pointers(words).data(),
                     pointers(environment).data());
  }
  line configure_all();
  line open();
  line serve(const std::function<void()>& ready);
  void serve_apart(std::promise<void> ready);
  void reload();
};

/// Everything that can be wrong before anything is started.
line application::machinery::configure_all() {
  auto result = read();
  if (!result)
    return result.error();
  conf = std::move(*result);
  if (conf->what != configured::wish::serve && conf->what != configured::wish::check)
    return {};
  for (auto& file : conf->values.behaviour_libraries)
    if (auto wrong = load_plug_in(file, known))
      return "beckon: behaviour-library: " + *wrong;
  if (auto wrong = wrong_behaviour(conf->values, known))
    return "beckon: " + *wrong;
  return {};
}

line application::machinery::open() {
  log.emplace(conf->values.least_level, conf->values.format);
  server.emplace(*conf, known, *log);
  if (auto wrong = server->bind())
    return "beckon: " + *wrong;
  for (auto& warning : conf->warnings)
    log->warn("configuration", {{"text", warning}});
  return {};
}

line application::machinery::serve(const std::function<void()>& ready) {
  auto why = server->run([&] {
    for (auto& f : then)
      f(server->system());
    ready();
  });
  return why ? line("beckon: " + *why) : std::nullopt;
}

/// On a thread of its own: `ready` gets what is thrown before it serves.
void application::machinery::serve_apart(std::promise<void> ready) {
  bool is_ready = false;
  try {
    ended_by = serve([&] {
      is_ready = true;
      ready.set_value();
    });
  } catch (...) {
    if (is_ready)
      throw;
    ready.set_exception(std::current_exception());
  }
}

void application::machinery::reload() {
  auto again = read();
  auto wrong = again ? wrong_behaviour(again->values, known) : line(again.error());
  if (wrong) {
    log->error("behaviours_refused", {{"why", *wrong}});
    return;
  }
  log->info("behaviours_chosen", {{"rules", again->values.behaviours.size()}});
  server->choose_behaviours(
      {std::move(again->values.behaviours), std::move(again->values.behaviour_settings)});
}

application::application(int argc, const char* const* argv)
    : machinery_(std::make_unique<machinery>()) {
  if (argc > 1)
    machinery_->words.insert(machinery_->words.end(), argv + 1, argv + argc);
  for (auto** variable = environ; variable && *variable; ++variable)
    machinery_->environment.emplace_back(*variable);
}

application::application(std::vector<std::string> options)
    : machinery_(std::make_unique<machinery>()) {
  auto& words = machinery_->words;
  words.insert(words.end(), options.begin(), options.end());
}

application::~application() {
  stop();
}

actors::behaviours& application::behaviours() noexcept {
  return machinery_->known;
}

void application::when_serving(std::function<void(caf::actor_system&)> f) {
  machinery_->then.push_back(std::move(f));
}

int application::run() {
  open_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN); // a closed socket or log is an error value, never a death
  auto& m = *machinery_;
  auto fail = [](const std::string& why) {
    std::fprintf(stderr, "%s\n", why.c_str());
    return exit_config;
  };
  if (auto wrong = m.configure_all())
    return fail(*wrong);
  if (m.conf->what == configured::wish::check)
    for (auto& warning : m.conf->warnings)
      std::fprintf(stderr, "beckon: warning: %s\n", warning.c_str());
  if (m.conf->what != configured::wish::serve) {
    std::fputs(m.conf->text.c_str(), stdout);
    return 0;
  }
  if (auto wrong = m.open())
    return fail(*wrong);
  m.server->heed_signals([&m] { m.reload(); });
  auto why = m.serve([&m] {
    for (auto& text : m.server->listening())
      std::printf("%s\n", text.c_str());
    std::fflush(stdout);
  });
  m.server.reset();
  return why ? fail(*why) : 0;
}

line application::start() {
  auto& m = *machinery_;
  if (m.server)
    return "beckon: serves already";
  if (auto wrong = m.configure_all())
    return wrong;
  if (m.conf->what != configured::wish::serve)
    return "beckon: only options of a server can be given to start";
  if (auto wrong = m.open()) {
    m.server.reset();
    return wrong;
  }
  // Making the system has left a reference to its logger in this thread. ~actor_system, in the
  // other thread, would wait for it for ever.
  caf::logger::set_current_actor_system(nullptr);
  std::promise<void> ready;
  auto is_ready = ready.get_future();
  m.serving = std::thread(&machinery::serve_apart, &m, std::move(ready));
  try {
    is_ready.get();
  } catch (...) {
    m.serving.join();
    m.server.reset();
    throw;
  }
  return {};
}

line application::stop() {
  auto& m = *machinery_;
  if (!m.serving.joinable())
    return {};
  caf::logger::set_current_actor_system(nullptr); // see start(): spawn() has left one as well
  m.server->end();
  m.serving.join();
  m.server.reset();
  return std::exchange(m.ended_by, {});
}

void application::reload() {
  machinery_->server->post([m = machinery_.get()] { m->reload(); });
}

listening_on application::listening() const {
  const auto& server = *machinery_->server;
  return {server.port(), server.admin_port(), server.cluster_port(), server.listening()};
}

caf::actor_system& application::system() {
  return machinery_->server->system();
}

actors::node_state& application::node() {
  return machinery_->server->node();
}

} // namespace beckon::net
