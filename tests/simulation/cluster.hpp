#pragma once
// Several nodes and the wires between their hubs; nothing arrives before the test says so. Owns:
// the nodes, what is on its way, and which links stand.

#include "actors/hub.hpp"
#include "tests/kit/stage.hpp"

#include <caf/all.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace beckon::testing {

class cluster {
public:
  /// @param nodes are named n0, n1, …; all are linked with each other where `linked`
  explicit cluster(std::size_t nodes, std::vector<protocol::policy_rule> policies = {},
                   bool linked = true, actors::hub_options options = {});
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  stage& operator[](std::size_t i) { return *nodes_[i].place; }
  std::size_t size() const noexcept { return nodes_.size(); }

  // ---- links ----

  /// The two nodes' hubs hear of a new link. @pre none stands between them
  void connect(std::size_t a, std::size_t b);
  /// The link ends: both hear of it, and what is on its way is lost.
  void cut(std::size_t a, std::size_t b);
  bool connected(std::size_t a, std::size_t b) const { return wires_.contains({a, b}); }
  /// Nothing arrives at `to` from `from` any more, and nobody hears of it.
  void freeze(std::size_t from, std::size_t to, bool frozen = true);
  /// How many batches are on their way.
  std::size_t on_the_way(std::size_t from, std::size_t to) const;
  /// The next batch arrives. @returns whether there was one
  bool carry(std::size_t from, std::size_t to);

  // ---- all at once ----

  /// Until nothing is on its way anywhere.
  void settle();
  void settle_for(std::chrono::milliseconds time);

private:
  /// The links of one node, as its hub sees them.
  struct ways final : actors::links {
    void drop(actors::link_id link, std::string_view) override { dropped.push_back(link); }
    std::vector<actors::link_id> dropped;
  };
  /// Stands on one node for another node's hub: keeps what is sent to it.
  class far_hub final : public caf::event_based_actor {
  public:
    far_hub(caf::actor_config& config, std::deque<std::string>& sent)
        : caf::event_based_actor(config), sent_(sent) {}
    caf::behavior make_behavior() override {
      return {[this](std::string& batch) { sent_.push_back(std::move(batch)); }};
    }

  private:
    std::deque<std::string>& sent_;
  };
  /// One direction of a link: from the node where `door` stands.
  struct wire {
    actors::link_id link = 0;
    caf::actor door;
    std::unique_ptr<std::deque<std::string>> sent = std::make_unique<std::deque<std::string>>();
    bool frozen = false;
  };
  struct member_node {
    std::unique_ptr<ways> links;
    std::unique_ptr<stage> place;
  };

  void end_wire(std::size_t from, std::size_t to);
  void carry_out_drops();

  std::vector<member_node> nodes_;
  std::map<std::pair<std::size_t, std::size_t>, wire> wires_;
  std::vector<std::unique_ptr<std::deque<std::string>>> ended_; ///< their doors may still be told
  std::uint64_t last_link_ = 0;
};

} // namespace beckon::testing
