#include "net/basp_loop.hpp"

#include <boost/asio/post.hpp>
#include <caf/io/all.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <utility>

namespace beckon::net {

/// Messages that the broker takes before the sockets get their turn.
static constexpr std::size_t messages_per_activation = 64;

namespace {

/// CAF's part for remoting, on our loop.
class middleman final : public caf::io::middleman {
public:
  middleman(caf::actor_system& system, boost::asio::io_context& loop)
      : caf::io::middleman(system), unit_(system, loop) {}
  basp_loop& backend() override { return unit_; }

private:
  basp_loop unit_;
};

} // namespace

basp_loop::~basp_loop() = default;

void use_basp_loop(caf::actor_system_config& config, boost::asio::io_context& loop) {
  config.module_factories.emplace_back(
      [&loop](caf::actor_system& system) -> caf::actor_system::module* {
        return new middleman(system, loop);
      });
  config.set("middleman.manual-multiplexing", true); // no thread of CAF's: the gate has one
  config.set("middleman.workers", std::uint64_t{0});
}

basp_loop& basp_loop::of(caf::actor_system& system) {
  return dynamic_cast<basp_loop&>(system.middleman().backend());
}

void basp_loop::run() {
  thread_id(std::this_thread::get_id());
  loop_.run();
}

bool basp_loop::try_run_once() {
  loop_.restart();
  return loop_.poll_one() > 0;
}

void basp_loop::run_once() {
  loop_.restart();
  loop_.run_one();
}

void basp_loop::exec_later(caf::resumable* job) {
  switch (job->subtype()) {
  case caf::resumable::io_actor:
  case caf::resumable::function_object:
    return resume_later({job, false});
  default:
    system().scheduler().enqueue(job);
  }
}

void basp_loop::resume_later(caf::intrusive_ptr<caf::resumable> job) {
  boost::asio::post(loop_, [this, job = std::move(job)]() mutable { resume(std::move(job)); });
}

void basp_loop::resume(caf::intrusive_ptr<caf::resumable> job) {
  switch (job->resume(this, messages_per_activation)) {
  case caf::resumable::resume_later:
    return resume_later(std::move(job));
  case caf::resumable::shutdown_execution_unit:
    job.release();
    return;
  default:
    return;
  }
}

// ---- sockets of CAF's own, which there are none of
// --------------------------------------------------------------------------------------------------

using caf::io::datagram_servant_ptr, caf::io::doorman_ptr, caf::io::scribe_ptr;
static constexpr auto refused = caf::sec::bad_function_call;

scribe_ptr basp_loop::new_scribe(native_socket) {
  return nullptr;
}
caf::expected<scribe_ptr> basp_loop::new_tcp_scribe(const std::string&, std::uint16_t) {
  return refused;
}
doorman_ptr basp_loop::new_doorman(native_socket) {
  return nullptr;
}
caf::expected<doorman_ptr> basp_loop::new_tcp_doorman(std::uint16_t, const char*, bool) {
  return refused;
}
datagram_servant_ptr basp_loop::new_datagram_servant(native_socket) {
  return nullptr;
}
datagram_servant_ptr basp_loop::new_datagram_servant_for_endpoint(native_socket, const endpoint&) {
  return nullptr;
}
caf::expected<datagram_servant_ptr> basp_loop::new_remote_udp_endpoint(const std::string&,
                                                                       std::uint16_t) {
  return refused;
}
caf::expected<datagram_servant_ptr> basp_loop::new_local_udp_endpoint(std::uint16_t, const char*,
                                                                      bool) {
  return refused;
}

} // namespace beckon::net
