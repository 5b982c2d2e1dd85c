// The gate's links, from the verdict to their end, and what is logged and counted of them.

#include "actors/messages.hpp"
#include "net/cluster_gate.hpp"

#include <caf/send.hpp>
#include <utility>

namespace beckon::net {

namespace {

using std::chrono::steady_clock;

/// Between two questions whether the broker has finished its handshake.
constexpr std::chrono::milliseconds hub_question_pause{1};
/// A reason for a refusal is logged so often at most.
constexpr std::chrono::seconds report_pause{1};
/// A link that lasted less is not dialled again at once.
constexpr std::chrono::seconds lasting_link{1};

std::string_view name(gate_role role) {
  return role == gate_role::dialler ? "dialler" : "acceptor";
}

} // namespace

void cluster_gate::join(const meeting& with, const cluster_hello& theirs, std::string first_words) {
  if (closing_)
    return with->fail(cluster_refusal::slow, "this node stops");
  auto l =
      std::make_shared<cluster_link>(loop_, ++last_link_, theirs, *with, values_.cluster.heartbeat);
  l->start(*basp_, *basp_->node_of(theirs), with->part(), std::move(first_words), count_,
           [this, l = l.get()](cluster_refusal why, std::string text) {
             end(l->shared_from_this(), why, text);
           });
  links_[l->id] = l;
  auto& p = peers_[theirs.node];
  p.linked = l;
  p.probed.reset();
  addresses_.linked(theirs.node, steady_clock::now());
  await_hub(l);
}

/// The broker tells nobody that it has accepted a node, so it is asked until it has: once, mostly.
void cluster_gate::await_hub(const link& l) {
  if (steady_clock::now() - l->begun > basp_handshake_max)
    return end(l, cluster_refusal::basp_silent, "");
  basp_->ask_for_hub(l->stream, l->node, l->peer.hub, [this, l](caf::actor hub) {
    if (l->ended)
      return;
    if (hub)
      return greet(l, hub);
    l->pause.expires_after(hub_question_pause);
    l->pause.async_wait([this, l](boost::system::error_code ec) {
      if (!ec && !l->ended)
        await_hub(l);
    });
  });
}

void cluster_gate::greet(const link& l, caf::actor hub) {
  l->up = true;
  (l->role == gate_role::dialler ? count_.dialled : count_.accepted).add();
  count_.links.add();
  log_.info("cluster_link_up", {{"peer", l->peer.node},
                                {"link", l->id},
                                {"address", l->address},
                                {"role", name(l->role)},
                                {"incarnation", l->peer.incarnation}});
  caf::anon_send(basp_->hub(), actors::link_up{l->id, l->peer.node, l->peer.incarnation, l->epoch,
                                               hub, l->dealt_with});
}

void cluster_gate::end(const link& l, cluster_refusal why, const std::string& text) {
  if (std::exchange(l->ended, true))
    return;
  auto now = steady_clock::now();
  auto words = why == cluster_refusal::none ? text : std::string(net::name(why));
  l->close();
  links_.erase(l->id);
  peers_[l->peer.node].linked.reset();
  addresses_.unlinked(l->peer.node, now, now - l->begun > lasting_link);
  basp_->close(l->stream, l->node);
  if (why != cluster_refusal::none)
    report(why, l->address, l->peer.node, text);
  if (l->up) {
    count_.links.sub();
    count_.lost.add();
    log_.write(closing_ ? log_level::info : log_level::warn, "cluster_link_down",
               {{"peer", l->peer.node}, {"link", l->id}, {"why", words}});
    caf::anon_send(basp_->hub(), actors::link_down{l->id, words});
  }
  tidy(l->peer.node);
  wake_dialler();
}

void cluster_gate::refuse(const cluster_meeting& with) {
  report(with.trouble(), with.address(), with.peer, with.detail());
}

/// One line a second for each reason: those who knock are not to fill the disk.
void cluster_gate::report(cluster_refusal why, std::string_view address, std::string_view who,
                          std::string_view detail) {
  count_.refuse(why);
  if (closing_)
    return;
  auto& last = told_[static_cast<std::size_t>(why)];
  auto now = steady_clock::now();
  if (last.at != time{} && now - last.at < report_pause) {
    ++last.untold;
    return;
  }
  auto times = std::exchange(last.untold, 0) + 1;
  last.at = now;
  log_.write(is_usual(why) ? log_level::debug : log_level::warn, "cluster_refused",
             {{"reason", net::name(why)},
              {"address", address},
              {"peer", who},
              {"detail", detail},
              {"times", times}});
}

} // namespace beckon::net
