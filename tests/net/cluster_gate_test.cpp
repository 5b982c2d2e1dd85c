// Two gates with two actor systems in one process, over a loopback port: the seam to the hub. What
// needs real processes, certificates and strangers is in tests/system/cluster_gate_test.py.

#include "net/cluster_gate.hpp"

#include "actors/messages.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/all.hpp>
#include <condition_variable>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

using namespace beckon;
using namespace beckon::net;
using namespace std::chrono_literals;

namespace {

/// What a hub was told; it answers nothing, and sends what the test says.
struct told {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<actors::link_up> ups;
  std::vector<actors::link_down> downs;
  std::vector<std::string> batches;

  template <class F>
  void note(F f) {
    std::lock_guard guard(mutex);
    f();
    changed.notify_all();
  }
  template <class F>
  void await(F f) {
    std::unique_lock guard(mutex);
    BOOST_REQUIRE(changed.wait_for(guard, 10s, f));
  }
};

caf::behavior hub_of(caf::event_based_actor* self, told* log) {
  return {[=](const actors::link_up& link) { log->note([&] { log->ups.push_back(link); }); },
          [=](const actors::link_down& link) { log->note([&] { log->downs.push_back(link); }); },
          [=](const std::string& batch) { log->note([&] { log->batches.push_back(batch); }); },
          [=](const caf::actor& to, const std::string& batch) { self->send(to, batch); }};
}

struct configuration : caf::actor_system_config {
  configuration() {
    use_basp_loop(*this, loop);
    add_message_types<caf::id_block::beckon>();
  }
  boost::asio::io_context loop{1};
};

options options_of(const std::string& name, std::vector<node_address> seeds) {
  options values;
  values.node = name;
  values.cluster.listen = admin_address{boost::asio::ip::address_v4::loopback(), 0};
  values.cluster.insecure = true;
  values.cluster.seeds = std::move(seeds);
  return values;
}

/// A gate and a hub behind it. The members end in the order that this needs: the hub tells `log`
/// until its system has ended.
struct node {
  explicit node(const std::string& name, std::vector<node_address> seeds = {})
      : values(options_of(name, std::move(seeds))), system(configured),
        gate(system, values, quiet,
             [this](const std::string& why) { log.note([&] { left = why; }); }) {
    gate.bind();
    hub = system.spawn(hub_of, &log);
    gate.start(hub);
  }
  ~node() { stop(); }

  void stop() {
    gate.stop();
    if (hub)
      caf::anon_send_exit(hub, caf::exit_reason::kill);
    hub = nullptr;
  }
  node_address where() const { return {"127.0.0.1", gate.where().port()}; }
  void await_links(std::size_t n) {
    log.await([&] { return log.ups.size() == n; });
  }
  /// From this hub to the one of its last link.
  void say(const std::string& batch) { caf::anon_send(hub, log.ups.back().hub, batch); }

  told log;
  std::string left;
  options values;
  logger quiet{std::getenv("GATE_LOG") ? log_level::debug : log_level::off, log_format::text};
  configuration configured;
  caf::actor_system system;
  cluster_gate gate;
  caf::actor hub;
};

} // namespace

BOOST_AUTO_TEST_SUITE(net_cluster_gate)

BOOST_AUTO_TEST_CASE(both_hubs_get_a_handle_of_the_other_whoever_dialled) {
  for (auto name : {"a", "z"}) {
    node first("m");
    node second(name, {first.where()});
    first.await_links(1);
    second.await_links(1);
    BOOST_TEST(first.log.ups[0].peer == name);
    BOOST_TEST(second.log.ups[0].peer == "m");
    BOOST_TEST(first.log.ups[0].incarnation < second.log.ups[0].incarnation + 1'000'000'000'000);
    constexpr int batches = 500;
    const std::string large(300'000, 'x');
    for (auto [from, to] : {std::pair{&first, &second}, std::pair{&second, &first}}) {
      from->say(large);
      for (int i = 0; i < batches; ++i)
        from->say(std::to_string(i));
      to->log.await([&, to = to] { return to->log.batches.size() == batches + 1; });
      BOOST_TEST((to->log.batches[0] == large));
      for (int i = 0; i < batches; ++i)
        BOOST_TEST(to->log.batches[static_cast<std::size_t>(i) + 1] == std::to_string(i));
    }
    BOOST_TEST(first.gate.count().links.value() == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_dropped_link_is_told_once_and_made_anew) {
  node first("a");
  node second("b", {first.where()});
  constexpr std::size_t rounds = 3;
  for (std::size_t round = 1; round <= rounds; ++round) {
    first.await_links(round);
    second.await_links(round);
    auto& dropping = round % 2 ? first : second;
    auto last = dropping.log.ups.back().link;
    dropping.gate.drop(last, "the test says so");
    dropping.gate.drop(last, "the test says so again");
    for (auto* n : {&first, &second})
      n->log.await([&] { return n->log.downs.size() == round; });
    BOOST_TEST(dropping.log.downs.back().link == last);
    BOOST_TEST(dropping.log.downs.back().why == "the test says so");
  }
  first.await_links(rounds + 1);
  second.await_links(rounds + 1);
  second.say("over a link made anew");
  first.log.await([&] { return first.log.batches.size() == 1U; });
  first.say("and back");
  second.log.await([&] { return second.log.batches.size() == 1U; });
  for (auto* n : {&first, &second}) { // a link has one up, and a down before the next one's up
    BOOST_TEST(n->log.downs.size() == rounds);
    for (std::size_t i = 0; i < rounds; ++i)
      BOOST_TEST(n->log.ups[i].link == n->log.downs[i].link);
  }
}

BOOST_AUTO_TEST_CASE(one_seed_leads_to_all) {
  node first("a");
  node second("b", {first.where()});
  node third("c", {first.where()});
  node fourth("d", {second.where()});
  for (auto* n : {&first, &second, &third, &fourth})
    n->await_links(3);
}

BOOST_AUTO_TEST_CASE(stopping_ends_all_links_and_is_seen_at_once) {
  node first("a");
  node second("b", {first.where()});
  first.await_links(1);
  second.await_links(1);
  auto began = std::chrono::steady_clock::now();
  second.stop();
  second.log.await([&] { return second.log.downs.size() == 1U; });
  first.log.await([&] { return first.log.downs.size() == 1U; });
  BOOST_TEST((std::chrono::steady_clock::now() - began < 1s));
  BOOST_TEST(first.gate.count().links.value() == 0);
}

BOOST_AUTO_TEST_CASE(a_gate_stops_while_it_dials_nobody) {
  node alone("a", {{"127.0.0.1", 1}, {"192.0.2.1", 1}});
  std::this_thread::sleep_for(20ms); // in the middle of a dial or of a pause
  auto began = std::chrono::steady_clock::now();
  alone.stop();
  BOOST_TEST((std::chrono::steady_clock::now() - began < 1s));
}

BOOST_AUTO_TEST_CASE(the_younger_process_of_a_name_is_told_to_leave) {
  node first("a");
  node second("a", {first.where()});
  second.log.await([&] { return !second.left.empty(); });
  BOOST_TEST(second.left.find("'a' is taken") != std::string::npos);
  BOOST_TEST(first.left.empty());
}

BOOST_AUTO_TEST_SUITE_END()
