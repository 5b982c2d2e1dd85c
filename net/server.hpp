#pragma once
// The server: puts everything together, starts it, and takes it down in order. Owns: threads, actor
// system, listeners. Made and run by main.

#include "net/cluster_gate.hpp"
#include "net/gatekeeper.hpp"
#include "net/listener.hpp"
#include "net/log.hpp"
#include "net/operator_listener.hpp"
#include "net/options.hpp"
#include "net/scheduler.hpp"
#include "net/services.hpp"
#include "net/token.hpp"

#include <boost/asio/io_context.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace beckon::net {

class server {
public:
  server(const configured& conf, logger& log);
  ~server();

  /// Binds everything. @returns the one line that says what could not be bound, or nothing
  std::optional<std::string> bind();
  /// Serves until SIGTERM or SIGINT, then drains (protocol.md section 6). A second signal ends the
  /// process at once.
  /// @returns the exit status
  int run();

  /// What is said on stdout once it serves, one line each.
  std::vector<std::string> listening() const;

private:
  void make_node(const configured& conf);
  void spawn_actors();
  void spawn_hub();
  void tell(const actors::cluster_event& e);
  void leave_cluster();
  std::optional<std::string> bind_public();
  std::optional<std::string> bind_operator();
  std::optional<std::string> bind_cluster();
  void leave(std::string why);
  void start_threads();
  void drain();
  void stop_threads();
  std::size_t connections() const;
  template <class F>
  void on_each_thread(F f);
  std::string metrics() const;
  std::string cluster() const;

  const options& values_;
  logger& log_;
  actors::node_state node_;
  gatekeeper gate_;
  std::optional<token_verifier> verifier_;
  boost::asio::io_context main_loop_{1}; ///< signals, the operator's listener, delayed messages
  thread_units units_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::optional<services> services_;
  struct bound {
    std::size_t unit;
    std::unique_ptr<listener> listening;
  };
  std::vector<endpoint> endpoints_;
  std::vector<bound> listeners_;
  std::unique_ptr<operator_listener> operator_;
  std::unique_ptr<cluster_gate> cluster_;
  std::string must_end_; ///< why, when another node has this one's name
  std::vector<std::thread> threads_;
  int signals_ = 0;
};

} // namespace beckon::net
