#include "net/server.hpp"

#include "actors/clerk.hpp"
#include "actors/directory.hpp"
#include "actors/hub.hpp"
#include "actors/memory_reserve.hpp"
#include "actors/relay.hpp"
#include "actors/users.hpp"
#include "net/connection.hpp"
#include "net/retry_spread.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <future>
#include <random>
#include <sys/resource.h>
#include <unistd.h>

namespace beckon::net {
namespace {

using std::chrono::milliseconds;

/// Descriptors for as many connections as the system allows: the soft limit is only a default.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

server::server(const configured& conf, actors::behaviours known, logger& log)
    : values_(conf.values), admin_key_(conf.admin_key), log_(log), gate_(conf.values.bounds) {
  raise_descriptor_limit();
  make_node(conf);
  node_.known_behaviours = std::move(known);
  node_.behaviour_told = [this](const actors::behaviour_event& e) { tell_of_behaviour(e); };
  node_.bot_ended = [this](std::string_view uid, std::string_view why) { tell_of_bot(uid, why); };
  auto cores = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, actors::homes_max);
  auto threads = values_.threads ? values_.threads : cores;
  for (std::size_t i = 0; i < threads; ++i) {
    units_.push_back(std::make_unique<thread_unit>());
    node_.homes.push_back(std::make_unique<actors::home>(node_, static_cast<std::uint16_t>(i),
                                                         std::chrono::steady_clock::now()));
  }
  for (std::size_t i = 0; i < threads; ++i) {
    node_.homes[i]->know_homes(threads);
    node_.homes[i]->unit = units_[i].get();
    units_[i]->place = node_.homes[i].get();
    units_[i]->tell = listeners_of(i);
  }
  actors::memory_reserve::hold();
  memory_.emplace(values_.memory_max, units_, node_, log_, main_loop_);
  for (auto& unit : units_)
    unit->memory = &*memory_;
  use_scheduler(config_, units_, main_loop_);
  config_.add_message_types<caf::id_block::beckon>();
  if (values_.cluster.listen)
    use_basp_loop(config_, cluster_loop_);
  system_ = std::make_unique<caf::actor_system>(config_);
  system_->await_actors_before_shutdown(false); // ours are told to end; nothing waits for the rest
  services_.emplace(services{values_, log_, node_, gate_, *system_});
}

server::~server() {
  stop_threads();
}

void server::make_node(const configured& conf) {
  node_.name = values_.node;
  node_.bounds = values_.bounds;
  node_.policies = values_.policies;
  node_.ping = values_.ping;
  node_.auth_timeout = values_.auth_timeout;
  node_.chosen_behaviours = std::make_shared<const actors::behaviour_settings>(
      actors::behaviour_settings{values_.behaviours, values_.behaviour_settings});
  if (conf.token_key.empty())
    return;
  verifier_.emplace(conf.token_key, values_.token_leeway, values_.bounds);
  node_.verify = [this](std::string_view token) -> std::optional<actors::identity> {
    auto shown = verifier_->verify(token, std::chrono::system_clock::now());
    if (!shown) {
      if (auto line = refusals_.count(shown.error(), std::chrono::steady_clock::now()))
        log_.info("token_refused", {{"why", text(line->why)}, {"times", line->times}});
      return std::nullopt;
    }
    auto anyone = std::find(shown->as.begin(), shown->as.end(), "*") != shown->as.end();
    return actors::identity{shown->sub, shown->as, anyone, shown->expires_at};
  };
}

void server::spawn_actors() {
  for (auto& home : node_.homes) {
    home->relay_handle = system_->spawn<actors::relay, caf::hidden>(*home);
    home->relay_actor =
        static_cast<actors::relay*>(caf::actor_cast<caf::abstract_actor*>(home->relay_handle));
  }
  for (std::size_t i = 0; i < actors::node_state::shards; ++i) {
    node_.directories.push_back(system_->spawn<actors::directory, caf::hidden>(node_));
    node_.users.push_back(system_->spawn<actors::users, caf::hidden>(node_));
  }
  node_.clerk = system_->spawn<actors::clerk, caf::hidden>();
  if (cluster_)
    spawn_hub();
}

/// Before any session: from the first one on, groups and users tell it who is here.
void server::spawn_hub() {
  std::random_device random;
  for (auto& home : node_.homes) // 46 bits: as far from other nodes' numbers as chance allows
    home->number_from(((std::uint64_t{random()} << 32) | random()) >> 18);
  actors::hub_options options;
  options.heartbeat = values_.cluster.heartbeat;
  options.timeout = values_.cluster.timeout;
  node_.hub = system_->spawn<actors::hub, caf::hidden>(
      node_, *cluster_, options, [this](const actors::cluster_event& e) { tell(e); });
}

// ---- start
// --------------------------------------------------------------------------------------------------------

std::optional<std::string> server::bind() {
  if (auto wrong = memory_->refuse_too_little())
    return wrong;
  if (auto wrong = bind_public())
    return wrong;
  if (auto wrong = bind_operator())
    return wrong;
  return bind_cluster();
}

std::optional<std::string> server::bind_cluster() {
  if (!values_.cluster.listen)
    return std::nullopt;
  if (to_string(system_->node()).ends_with('#' + std::to_string(::getpid())))
    return "cluster.listen: CAF's own library stands before beckon's in this program's link line "
           "(net/process_id.cpp)";
  cluster_ = std::make_unique<cluster_gate>(*system_, values_, log_, [this](std::string why) {
    boost::asio::post(main_loop_, [this, why] { leave(why); });
  });
  try {
    cluster_->bind();
  } catch (const boost::system::system_error& trouble) {
    return "cluster.listen: " + print_admin(*values_.cluster.listen) + ": " +
           trouble.code().message();
  }
  return std::nullopt;
}

std::optional<std::string> server::bind_public() {
  auto port = values_.port;
  for (auto& listen : values_.listen) {
    endpoint where(listen.address, port);
    for (std::size_t i = 0; i < units_.size(); ++i) {
      auto socket = bind_listener(where, i == 0);
      if (!socket && i == 0 && listen.optional)
        break;
      if (!socket)
        return "listen: " + print_admin({where.address(), where.port()}) + ": " +
               socket.error().message();
      if (i == 0) {
        where = bound_to(*socket);
        port = where.port(); // one for all addresses, also where the kernel chose it
        endpoints_.push_back(where);
      }
      listeners_.push_back(
          {i, std::make_unique<listener>(*services_, *units_[i], std::move(*socket))});
    }
  }
  if (endpoints_.empty())
    return "listen: none of the addresses exists here";
  return std::nullopt;
}

std::optional<std::string> server::bind_operator() {
  if (!values_.admin_listen)
    return std::nullopt;
  endpoint where(values_.admin_listen->address, values_.admin_listen->port);
  try {
    operator_ = std::make_unique<operator_listener>(main_loop_, where, offered_to_operators());
  } catch (const boost::system::system_error& trouble) {
    return "admin-listen: " + print_admin({where.address(), where.port()}) + ": " +
           trouble.code().message();
  }
  return std::nullopt;
}

void server::start_threads() {
  spawn_actors();
  for (auto& unit : units_)
    threads_.emplace_back([u = unit.get()] { u->run(); });
  if (cluster_)
    cluster_->start(node_.hub);
  memory_->begin(); // what is there by now is its own, with the threads' stacks
  for (auto& l : listeners_)
    units_[l.unit]->post([&l] { l.listening->start(); });
  if (operator_)
    operator_->start();
}

/// Another live node has this one's name: as little can be done as with a wrong configuration.
void server::leave(std::string why) {
  if (ends_)
    return; // it ends anyway
  must_end_ = std::move(why);
  main_loop_.stop();
}

// ---- run and drain
// ------------------------------------------------------------------------------------------------

void server::heed_signals(std::function<void()> hang_up) {
  hang_up_ = std::move(hang_up);
  signals_.emplace(main_loop_, SIGTERM, SIGINT, SIGHUP);
  await_signal();
}

void server::await_signal() {
  signals_->async_wait([this](boost::system::error_code ec, int number) {
    if (!ec)
      heed(number);
  });
}

void server::heed(int number) {
  await_signal();
  if (number == SIGHUP) {
    if (!ends_)
      hang_up_();
    return;
  }
  if (std::exchange(ends_, true))
    ::_exit(128 + number); // asked twice: nothing is waited for
  log_.info("draining", {{"signal", number}});
  main_loop_.stop();
}

void server::end() {
  post([this] {
    if (std::exchange(ends_, true))
      return;
    log_.info("draining");
    main_loop_.stop();
  });
}

void server::post(std::function<void()> f) {
  boost::asio::post(main_loop_, std::move(f));
}

std::optional<std::string> server::run(const std::function<void()>& ready) {
  auto until_ended = boost::asio::make_work_guard(main_loop_); // also where nothing else is awaited
  start_threads();
  ready();
  run_main_loop();
  main_loop_.restart();
  if (must_end_.empty())
    drain();
  signals_.reset();
  stop_threads();
  if (!must_end_.empty())
    return must_end_;
  log_.info("stopped");
  return std::nullopt;
}

/// Runs `f(home)` on every thread and waits for all.
template <class F>
void server::on_each_thread(F f) {
  std::vector<std::future<void>> done;
  for (auto& unit : units_) {
    auto told = std::make_shared<std::promise<void>>();
    done.push_back(told->get_future());
    unit->post([f, told, u = unit.get()] {
      f(*u);
      told->set_value();
    });
  }
  for (auto& d : done)
    d.wait();
}

/// Until it is stopped. What one of its handlers has no memory for is lost, and nothing else.
void server::run_main_loop() {
  while (!main_loop_.stopped())
    try {
      main_loop_.run();
    } catch (const std::bad_alloc&) {
      log_.error("main_loop", {{"why", "no memory"}});
    }
}

void server::drain() {
  static constexpr milliseconds confirmations_max{2000}; // protocol.md section 6
  static constexpr milliseconds goodbyes_over{500};
  static constexpr std::size_t slices = 10;
  static constexpr milliseconds step{20};
  auto started = std::chrono::steady_clock::now();
  auto since = [&] { return std::chrono::steady_clock::now() - started; };
  auto wait = [&](milliseconds time) {
    main_loop_.run_for(time);
  }; // a second signal is heard meanwhile

  node_.draining.store(true);
  on_each_thread([this](thread_unit& u) {
    for (auto& l : listeners_)
      if (units_[l.unit].get() == &u)
        l.listening->stop();
  });
  while (since() < confirmations_max) {
    std::atomic<bool> waiting{false};
    on_each_thread([&](thread_unit& u) {
      u.place->for_each_session([&](actors::session& s) {
        if (s.waits() && !s.is_bot())
          waiting = true;
      });
    });
    if (!waiting)
      break;
    wait(step);
  }
  auto spread = retry_spread(connections(), linked_peers(), values_.bounds.handshakes_per_second);
  for (std::size_t slice = 0; slice < slices; ++slice) {
    on_each_thread([&](thread_unit& u) {
      std::minstd_rand random(std::random_device{}());
      std::uniform_int_distribution<milliseconds::rep> retry(0, spread.count());
      std::size_t n = 0;
      u.place->for_each_session([&](actors::session& s) {
        auto last = slice + 1 == slices; // bots: whom they serve has gone by then
        if (last || (!s.is_bot() && n++ % slices == slice))
          s.drain(milliseconds(retry(random)));
      });
    });
    wait(goodbyes_over / slices);
  }
  while (connections() > 0 && since() < values_.drain_timeout)
    wait(step);
  on_each_thread([](thread_unit& u) { u.cut_all(); });
  if (node_.hub)
    leave_cluster();
  log_.info("drained", {{"seconds", std::chrono::duration<double>(since()).count()}});
}

/// Says goodbye to the other nodes, and waits a little until they have heard it.
void server::leave_cluster() {
  static constexpr milliseconds goodbye_max{200};
  static constexpr milliseconds step{10};
  cluster_->close(); // or those who heard the goodbye would dial again
  caf::anon_send(node_.hub, actors::leave_cluster{});
  auto started = std::chrono::steady_clock::now();
  while (cluster_->count().links.value() > 0 &&
         std::chrono::steady_clock::now() - started < goodbye_max)
    main_loop_.run_for(step);
}

std::size_t server::linked_peers() const {
  auto view = node_.cluster.load();
  if (!view)
    return 0;
  return static_cast<std::size_t>(
      std::count_if(view->peers.begin(), view->peers.end(), [](const actors::peer_view& p) {
        return p.state == actors::peer_view::link::up;
      }));
}

std::size_t server::connections() const {
  std::int64_t sum = 0;
  for (auto& home : node_.homes)
    sum += home->count.connections.value();
  return static_cast<std::size_t>(std::max<std::int64_t>(0, sum));
}

/// Loops end before anything goes that they touch: first the gate's, which tells the hub of its
/// links' end, then the threads'. What is left afterwards has one owner and is seen by one thread.
void server::stop_threads() {
  if (threads_.empty())
    return;
  memory_->end();
  if (operator_)
    operator_->stop();
  if (cluster_)
    cluster_->stop();
  for (auto& unit : units_)
    unit->stop();
  for (auto& thread : threads_)
    thread.join();
  threads_.clear();
  node_.homes.front()->enter(); // actors that end with their last handle end here
  node_.let_go();
  services_.reset();
  system_.reset();
  actors::home::leave();
}

} // namespace beckon::net
