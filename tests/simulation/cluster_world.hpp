#pragma once
// One seed of several nodes: clients come, talk and go, links break and heal, batches arrive when
// the dice say so. Owns: the nodes, the clients, and what must hold. Ends once all links stand
// again and nothing is on its way, or at the first promise that is broken.

#include "tests/kit/recorder.hpp"
#include "tests/simulation/cluster.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/trace.hpp"

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace beckon::testing {

class cluster_world {
public:
  cluster_world(std::uint64_t seed, bool in_words);
  ~cluster_world();

  void run();
  const trace& events() const noexcept { return trace_; }

private:
  /// A message of a client's, by its number, which is its data.
  struct message {
    std::size_t from = 0;
    std::string group;                          ///< empty: to a user
    std::vector<std::string> to;                ///< empty: a publication
    std::map<std::string, std::string> outcome; ///< once it was answered
    bool answered = false;
    std::size_t count = 0;                        ///< of a publication
    std::map<std::string, std::size_t> delivered; ///< member -> sessions that got it
  };
  class client final : public recorder {
  public:
    client(cluster_world& world, std::size_t number, std::size_t node, const std::string& user);
    ~client() override { recorder::end(); }
    void on_queued(const frame& f) override;

    cluster_world& world;
    const std::size_t number, node;
    const std::string user;
    bool welcome = false;
    std::set<std::string> in; ///< its groups, as it was told
    std::map<std::uint64_t, std::pair<std::string, std::string>> asked; ///< id -> type, group
    std::map<std::uint64_t, std::size_t> sent;                          ///< id -> message
    std::map<std::pair<std::size_t, std::string>, std::size_t> last; ///< (sender, group) -> message
    std::set<std::size_t> got;
    std::uint64_t last_id = 0;
    std::map<std::string, std::uint64_t> version;                     ///< of full watchers
    std::map<std::string, std::map<std::string, std::uint64_t>> view; ///< uid -> sessions

  private:
    void take_ok(const boost::json::object& told);
    void take_error(const boost::json::object& told);
    void take_delivery(const boost::json::object& told);
    void take_presence(const boost::json::object& told);
  };

  void act();
  void run_some_job();
  void carry_some();
  void connect_client();
  void talk(client& c);
  void send(client& c, const std::string& group);
  void break_or_heal();
  void calm();
  client* somebody();
  void check_messages();
  void check_answered();
  void check_rosters();

  dice dice_;
  trace trace_;
  cluster nodes_;
  const std::size_t steps_;
  const bool breaks_; ///< links break in this seed
  std::vector<std::unique_ptr<client>> clients_;
  std::map<std::size_t, message> messages_;
  std::size_t last_message_ = 0;
};

} // namespace beckon::testing
