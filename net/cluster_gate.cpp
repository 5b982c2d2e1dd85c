#include "net/cluster_gate.hpp"

#include "actors/memory_reserve.hpp"
#include "net/cluster_identity.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <caf/logger.hpp>
#include <csignal>
#include <exception>
#include <random>
#include <tuple>

namespace beckon::net {

namespace {

using boost::asio::ip::tcp;
using std::chrono::steady_clock;

constexpr auto use_tuple = cluster_wire::use_tuple;

/// Pause after an accept that the system refused.
constexpr std::chrono::milliseconds back_off{50};

/// Nothing is thrown out of a story of the gate but what must end the process.
void rethrow(std::exception_ptr trouble) {
  if (trouble)
    std::rethrow_exception(trouble);
}

std::string text_of(const tcp::endpoint& where) {
  return in_url(where.address()) + ':' + std::to_string(where.port());
}

std::uint64_t nanoseconds_of_the_clock() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

} // namespace

cluster_gate::cluster_gate(caf::actor_system& system, const options& values, logger& log,
                           std::function<void(std::string)> leave)
    : values_(values), log_(log), leave_(std::move(leave)), system_(system),
      unit_(basp_loop::of(system)), loop_(unit_.loop()), work_(loop_.get_executor()),
      acceptor_(loop_), dialler_(loop_), names_(loop_), incarnation_(nanoseconds_of_the_clock()),
      addresses_(std::random_device{}()) {}

cluster_gate::~cluster_gate() {
  stop();
}

/// One dial, until it is connected.
struct cluster_gate::attempt {
  explicit attempt(boost::asio::io_context& loop) : deadline(loop), way(loop) {}
  void cancel() {
    boost::system::error_code ignored;
    late = true;
    deadline.cancel();
    way.close(ignored);
  }

  boost::asio::steady_timer deadline;
  socket way;
  name_lookup::endpoints found;
  bool answered = false;
  bool late = false;
};

// ---- start and stop
// -----------------------------------------------------------------------------------------------

void cluster_gate::bind() {
  endpoint at(values_.cluster.listen->address, values_.cluster.listen->port);
  if (!values_.cluster.insecure)
    tls_.emplace(make_tls(values_.cluster));
  acceptor_.open(at.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.bind(at);
  acceptor_.listen();
}

void cluster_gate::start(caf::actor hub) {
  basp_ = std::make_unique<basp_port>(system_, std::move(hub));
  for (const auto& seed : values_.cluster.seeds)
    addresses_.add_seed(seed, steady_clock::now());
  boost::asio::co_spawn(loop_, accept(), rethrow);
  boost::asio::co_spawn(loop_, dial_all(), rethrow);
  thread_ = std::thread([this] { run(); });
  log_.info("cluster_started", {{"node", values_.node},
                                {"cluster", values_.cluster.id},
                                {"address", text_of(where())},
                                {"incarnation", incarnation_},
                                {"caf_node", caf::to_string(system_.node())}});
}

void cluster_gate::run() {
  sigset_t all; // signals are for the main thread
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  actors::must_not_fail here; // CAF ends a broker whose handler throws
  unit_.run();
  // The system would wait for ever for this thread's reference to its logger.
  caf::logger::set_current_actor_system(nullptr);
}

void cluster_gate::stop() {
  if (!thread_.joinable())
    return;
  boost::asio::post(loop_, [this] { close_everything(); });
  thread_.join(); // it runs out of work: the broker has answered, all stories have ended
  basp_.reset();
}

void cluster_gate::close() {
  boost::asio::post(loop_, [this] { close_port(); });
}

void cluster_gate::close_port() {
  closing_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  dialler_.cancel();
}

void cluster_gate::close_everything() {
  close_port();
  for (auto& trial : connecting_)
    trial->cancel();
  for (auto* meetings : {&waiting_, &dialling_})
    for (auto& m : *meetings)
      m->fail(cluster_refusal::slow, "this node stops");
  auto all = links_; // ending one takes it out
  for (auto& [id, l] : all)
    end(l, cluster_refusal::none, "this node stops");
  work_.reset();
}

void cluster_gate::drop(actors::link_id which, std::string_view why) {
  boost::asio::post(loop_, [this, which, text = std::string(why)] {
    if (auto found = links_.find(which); found != links_.end())
      end(link(found->second), cluster_refusal::none, text);
  });
}

// ---- who dials us
// -------------------------------------------------------------------------------------------------

cluster_gate::task<void> cluster_gate::accept() {
  boost::asio::steady_timer pause(loop_);
  while (!closing_) {
    endpoint from;
    auto [ec, client] = co_await acceptor_.async_accept(from, use_tuple);
    if (ec == boost::asio::error::operation_aborted)
      co_return;
    if (ec) { // no descriptor left
      pause.expires_after(back_off);
      co_await pause.async_wait(use_tuple);
      continue;
    }
    boost::asio::co_spawn(loop_, welcome(std::move(client), from), rethrow);
  }
}

/// The oldest of too many goes: a flood of silent ones must not keep a node out.
void cluster_gate::admit(const meeting& with) {
  if (waiting_.size() >= meetings_max) {
    waiting_.front()->fail(cluster_refusal::crowded);
    waiting_.pop_front();
  }
  waiting_.push_back(with);
  count_.handshakes.add();
}

cluster_gate::task<void> cluster_gate::welcome(socket client, endpoint from) {
  auto with = std::make_shared<cluster_meeting>(loop_, std::move(client), tls_ ? &*tls_ : nullptr,
                                                gate_role::acceptor, text_of(from), from.address());
  admit(with);
  co_await converse_as_acceptor(with);
  waiting_.remove(with);
  count_.handshakes.sub();
}

// ---- whom we dial
// -------------------------------------------------------------------------------------------------

/// Asleep until an address is due, or somebody changed when.
cluster_gate::task<void> cluster_gate::dial_all() {
  while (!closing_) {
    for (auto& where : addresses_.take_due(steady_clock::now()))
      boost::asio::co_spawn(loop_, dial(where), rethrow);
    auto next = addresses_.next_due();
    dialler_.expires_at(next ? *next : steady_clock::now() + std::chrono::hours(1));
    co_await dialler_.async_wait(use_tuple);
  }
}

void cluster_gate::wake_dialler() {
  dialler_.cancel();
}

cluster_gate::task<void> cluster_gate::dial(node_address where) {
  auto connected = co_await connect(where);
  if (connected && !closing_) {
    boost::system::error_code ignored;
    auto to = connected->remote_endpoint(ignored).address();
    auto with =
        std::make_shared<cluster_meeting>(loop_, std::move(*connected), tls_ ? &*tls_ : nullptr,
                                          gate_role::dialler, print_node_address(where), to);
    dialling_.push_back(with);
    count_.handshakes.add();
    co_await converse_as_dialler(with, where);
    dialling_.remove(with);
    count_.handshakes.sub();
  } else {
    count_.dials_failed.add();
  }
  addresses_.ended(where, steady_clock::now());
  wake_dialler();
}

/// Tries each address of the name in turn. Nothing: no one is there.
cluster_gate::task<std::optional<cluster_gate::socket>>
cluster_gate::connect(const node_address& where) {
  auto trial = std::make_shared<attempt>(loop_);
  trial->deadline.expires_after(connect_max);
  connecting_.insert(trial);
  names_.ask(where, [trial](name_lookup::endpoints found) {
    trial->found = std::move(found);
    trial->answered = true;
    trial->deadline.cancel(); // wakes who waits for the answer or for the deadline
  });
  if (!trial->answered)
    co_await trial->deadline.async_wait(use_tuple);
  trial->deadline.async_wait([trial](boost::system::error_code ec) {
    if (!ec)
      trial->cancel();
  });
  auto why = boost::asio::error::make_error_code(boost::asio::error::host_not_found);
  auto connected = false;
  for (const auto& candidate : trial->found) {
    if (trial->late)
      break;
    trial->way = socket(loop_);
    std::tie(why) = co_await trial->way.async_connect(candidate, use_tuple);
    connected = !why && !trial->late;
    if (connected)
      break;
  }
  trial->deadline.cancel();
  connecting_.erase(trial);
  if (connected)
    co_return std::move(trial->way);
  log_.debug("cluster_dial_failed",
             {{"address", print_node_address(where)}, {"why", why.message()}});
  co_return std::nullopt;
}

} // namespace beckon::net
