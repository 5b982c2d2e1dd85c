#pragma once
// The only way to other nodes. Owns: the thread that runs CAF's loop, the port for other nodes, who
// is being dialled, who is linked, and how two connections become one link (cluster_judge). Tells
// the hub of each link, up and down, once. Made and stopped by the server; its thread ends in
// `stop`, before the actor system.

#include "actors/links.hpp"
#include "net/address_book.hpp"
#include "net/basp_loop.hpp"
#include "net/basp_port.hpp"
#include "net/cluster_counters.hpp"
#include "net/cluster_link.hpp"
#include "net/cluster_meeting.hpp"
#include "net/log.hpp"
#include "net/name_lookup.hpp"
#include "net/options.hpp"

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/actor_system.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace beckon::net {

class cluster_gate final : public actors::links {
public:
  using endpoint = boost::asio::ip::tcp::endpoint;
  using time = std::chrono::steady_clock::time_point;

  /// For a name to be resolved and a connection to stand.
  static constexpr std::chrono::milliseconds connect_max{1'000};
  /// For the handshake of BASP.
  static constexpr std::chrono::milliseconds basp_handshake_max{1'000};
  /// Half-done handshakes with those who dialled us; when there is one more, the oldest goes.
  static constexpr std::size_t meetings_max = 64;

  /// @param system was made with `use_basp_loop`
  /// @param leave is told once, on the gate's thread, why this process must end: its name is taken
  cluster_gate(caf::actor_system& system, const options& values, logger& log,
               std::function<void(std::string)> leave);
  ~cluster_gate() override;

  /// @throws boost::system::system_error when the address cannot be bound or a file not be read
  void bind();
  endpoint where() const { return acceptor_.local_endpoint(); }
  /// Loads `hub` with links from now on. @pre `bind`
  void start(caf::actor hub);
  /// Lets nobody in any more and dials nobody; the links that stand stay. Any thread.
  void close();
  /// Ends all links and the thread. The actor system must still run.
  void stop();

  void drop(actors::link_id link, std::string_view why) override;
  const cluster_counters& count() const noexcept { return count_; }

private:
  using executor = cluster_wire::executor;
  using socket = cluster_wire::socket;
  template <class T>
  using task = cluster_wire::task<T>;
  using meeting = std::shared_ptr<cluster_meeting>;
  using link = std::shared_ptr<cluster_link>;
  struct attempt;

  /// What is known of one node, by name.
  struct peer {
    link linked;
    std::vector<meeting> accepted; ///< let in by us; its verdict has not come
    std::size_t dialled = 0;       ///< dials by us that have its hello
    std::optional<node_address> address;
    std::optional<time> probed; ///< when another process of that name made us doubt the link
  };

  // cluster_gate.cpp: the port and the dials
  void run();
  task<void> accept();
  task<void> welcome(socket client, endpoint from);
  void admit(const meeting& with);
  task<void> dial_all();
  task<void> dial(node_address where);
  task<std::optional<socket>> connect(const node_address& where);
  void wake_dialler();
  void close_port();
  void close_everything();

  // cluster_introductions.cpp: from a connection to a link
  task<void> converse_as_acceptor(meeting with);
  task<void> let_in(meeting with, cluster_hello ours, cluster_hello theirs);
  task<void> converse_as_dialler(meeting with, node_address where);
  task<void> confirm(meeting with, cluster_hello ours, cluster_hello theirs);
  decision judge_and_act(const cluster_hello& ours, const cluster_hello& theirs,
                         const cluster_meeting& with);
  bool fits_in(const cluster_hello& theirs) const;
  cluster_hello own_hello(std::uint64_t nonce) const;
  std::vector<std::string> known_addresses() const;
  void learn(const cluster_hello& theirs, const boost::asio::ip::address& from);
  void learn(const std::vector<std::string>& known);
  acquaintance acquainted(const std::string& name) const;
  probe probed(const peer& p) const;
  void carry_out(const decision& judged, const std::string& name);
  void leave_cluster(std::string_view address);
  void tidy(const std::string& name);

  // cluster_links.cpp: links and what is said of them
  void join(const meeting& with, const cluster_hello& theirs, std::string first_words);
  void await_hub(const link& l);
  void greet(const link& l, caf::actor hub);
  void end(const link& l, cluster_refusal why, const std::string& text);
  void refuse(const cluster_meeting& with);
  void report(cluster_refusal why, std::string_view address, std::string_view who,
              std::string_view detail);

  const options& values_;
  logger& log_;
  std::function<void(std::string)> leave_;
  caf::actor_system& system_;
  basp_loop& unit_;
  boost::asio::io_context& loop_;
  boost::asio::executor_work_guard<executor> work_;
  std::optional<boost::asio::ssl::context> tls_;
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, executor> acceptor_;
  boost::asio::steady_timer dialler_;
  name_lookup names_;
  std::unique_ptr<basp_port> basp_;
  std::uint64_t incarnation_;
  cluster_counters count_;
  std::thread thread_;
  bool closing_ = false;
  bool left_ = false;

  address_book addresses_;
  std::list<meeting> waiting_; ///< half-done handshakes of acceptors, the oldest first
  std::list<meeting> dialling_;
  std::set<std::shared_ptr<attempt>> connecting_;
  std::map<std::string, peer, std::less<>> peers_;
  std::unordered_map<actors::link_id, link> links_;
  actors::link_id last_link_ = 0;

  struct told {
    time at{};
    std::uint64_t untold = 0;
  };
  std::array<told, cluster_refusal_count> told_;
};

} // namespace beckon::net
