#pragma once
// The whole server in a program: in `beckon serve`, and in a user's own, with behaviours of its
// own. Owns: configuration, plug-ins, log and server, in the order in which they are made and
// ended. Used by one thread; serves once. Several in one process do not know of each other.

#include "actors/behaviours.hpp"
#include "actors/bot.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace beckon::net {

/// Where a server can be reached.
struct listening_on {
  std::uint16_t port = 0;         ///< of the clients, on every address
  std::uint16_t admin_port = 0;   ///< of the operators; 0: off
  std::uint16_t cluster_port = 0; ///< of the other nodes; 0: it is alone
  std::vector<std::string> lines; ///< the same in words, as `beckon serve` prints them
};

class application {
public:
  /// The options of `beckon serve`; argv[0] is skipped. The environment (BECKON_...) and the file
  /// that they name count, too.
  application(int argc, const char* const* argv);
  /// The same as a list: `{"--insecure", "--port=0"}`. The environment does not count.
  explicit application(std::vector<std::string> options);
  /// Stops.
  ~application();
  application(const application&) = delete;
  application& operator=(const application&) = delete;

  /// What the configuration can choose from. Filled before `run` or `start`; those of
  /// `--behaviour-library` come on top.
  actors::behaviours& behaviours() noexcept;
  /// Calls `f` once the actors are there, before any client: to spawn actors of the program's own.
  void when_serving(std::function<void(caf::actor_system&)> f);

  /// A member that is an actor: a bot of class T, made with copies of `args`, that is connected
  /// before any client. Its death is its end; who wants another one spawns it.
  template <class T, class... Ts>
  void add_bot(actors::bot_options options, Ts... args) {
    when_serving([this, options = std::move(options), args...](caf::actor_system& system) {
      actors::spawn_bot<T>(node(), system, options, args...);
    });
  }

  /// All that `beckon serve` does: also --help, the lines on stdout, and the signals (SIGTERM and
  /// SIGINT drain, SIGHUP reads the behaviours again, SIGPIPE is ignored).
  /// @returns the exit status, after one line on stderr where it is not 0
  int run();

  /// For a program with a main of its own: returns when it serves. Takes no signals; SIGPIPE has to
  /// be ignored by the program.
  /// @returns nothing, or the one line that says why it does not serve
  /// @throws what a function of `when_serving` throws, and std::system_error
  std::optional<std::string> start();
  /// Drains and ends what `start` has started, called by the same thread. Another thread that has
  /// spawned actors must have ended: CAF waits for it.
  /// @returns nothing, or why it had ended by itself
  std::optional<std::string> stop();
  /// Reads the configuration's behaviours and their options again, as SIGHUP does. Any thread,
  /// while it serves. A wrong configuration costs a line in the log.
  void reload();

  /// While it serves.
  listening_on listening() const;
  /// While it serves.
  caf::actor_system& system();
  /// What `spawn_bot` and `attach_bot` take, while it serves and in `when_serving`.
  actors::node_state& node();

private:
  struct machinery;
  std::unique_ptr<machinery> machinery_;
};

} // namespace beckon::net
