#pragma once
// The server: puts everything together, starts it, and takes it down in order. Owns: threads, actor
// system, listeners. Made and run by the application.

#include "net/cluster_gate.hpp"
#include "net/gatekeeper.hpp"
#include "net/listener.hpp"
#include "net/log.hpp"
#include "net/memory_watermark.hpp"
#include "net/operator_listener.hpp"
#include "net/options.hpp"
#include "net/scheduler.hpp"
#include "net/services.hpp"
#include "net/token.hpp"
#include "net/token_refusals.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace beckon::net {

class server {
public:
  server(const configured& conf, actors::behaviours known, logger& log);
  ~server();

  /// Binds everything. @returns the one line that says what could not be bound, or nothing
  std::optional<std::string> bind();
  /// From now on SIGTERM and SIGINT end it, a second one at once, and SIGHUP calls `hang_up` on the
  /// thread that runs it.
  void heed_signals(std::function<void()> hang_up);
  /// Serves on the calling thread until it is ended, then drains (protocol.md section 6). `ready`
  /// is called in between, once it serves.
  /// @returns nothing, or why it ended by itself
  std::optional<std::string> run(const std::function<void()>& ready);
  /// Ends `run`. Any thread.
  void end();
  /// Calls `f` on the thread that runs it. Any thread.
  void post(std::function<void()> f);

  /// Other behaviours for the groups, also for those that live. On the thread that runs it.
  void choose_behaviours(actors::behaviour_settings chosen);

  /// What is said on stdout once it serves, one line each.
  std::vector<std::string> listening() const;
  std::uint16_t port() const { return endpoints_.front().port(); }
  /// 0: off.
  std::uint16_t admin_port() const { return operator_ ? operator_->where().port() : 0; }
  std::uint16_t cluster_port() const { return cluster_ ? cluster_->where().port() : 0; }
  caf::actor_system& system() { return *system_; }
  actors::node_state& node() { return node_; }

private:
  void make_node(const configured& conf);
  void spawn_actors();
  void spawn_hub();
  thread_unit::listeners listeners_of(std::size_t thread);
  void tell(const actors::cluster_event& e);
  void leave_cluster();
  std::optional<std::string> bind_public();
  std::optional<std::string> bind_operator();
  operator_services offered_to_operators();
  std::optional<std::string> bind_cluster();
  void leave(std::string why);
  void await_signal();
  void heed(int number);
  void start_threads();
  void run_main_loop();
  void drain();
  void stop_threads();
  std::size_t connections() const;
  std::size_t linked_peers() const;
  template <class F>
  void on_each_thread(F f);
  void ask_group(std::string group, std::optional<std::string> behaviour, behaviour_told told);
  void tell_of_behaviour(const actors::behaviour_event& e);
  void tell_of_bot(std::string_view uid, std::string_view why);
  std::string metrics() const;
  std::string cluster() const;

  const options& values_;
  std::string admin_key_;
  logger& log_;
  actors::node_state node_;
  gatekeeper gate_;
  std::optional<token_verifier> verifier_;
  token_refusals refusals_;
  boost::asio::io_context main_loop_{1}; ///< signals, the operator's listener, delayed messages
  thread_units units_;
  boost::asio::io_context cluster_loop_{1}; ///< of the gate and CAF's broker; the gate runs it
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::optional<memory_watermark> memory_; ///< once there are threads to look at it
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
  std::optional<boost::asio::signal_set> signals_;
  std::function<void()> hang_up_;
  bool ends_ = false; ///< somebody asked for it
};

} // namespace beckon::net
