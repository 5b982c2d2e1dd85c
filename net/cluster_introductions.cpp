// How the gate and another get to know each other, from a connection to a link or a refusal.

#include "net/cluster_gate.hpp"

#include <algorithm>
#include <utility>

namespace beckon::net {

namespace {

using std::chrono::steady_clock;

/// How long the answer to a probe counts: the one that was told to come again does so within
/// address_book::pause_max.
constexpr std::chrono::seconds probe_counts{3};

} // namespace

// ---- what is said
// -------------------------------------------------------------------------------------------------

cluster_hello cluster_gate::own_hello(std::uint64_t nonce) const {
  const auto& cluster = values_.cluster;
  auto here = where();
  cluster_hello hello;
  hello.cluster = cluster.id;
  hello.node = values_.node;
  hello.incarnation = incarnation_;
  hello.nonce = nonce;
  hello.caf_node = basp_->own_node();
  hello.hub = basp_->hub().id();
  hello.linked = std::any_of(links_.begin(), links_.end(), [](const auto& known) {
    return known.second->up && !known.second->is_silent(steady_clock::now());
  });
  if (cluster.advertise)
    hello.advertised = print_node_address(*cluster.advertise);
  else if (here.address().is_unspecified())
    hello.advertised = ':' + std::to_string(here.port());
  else
    hello.advertised = print_node_address({here.address().to_string(), here.port()});
  hello.known = known_addresses();
  return hello;
}

/// Of those that we have a hello of, linked or not yet: whoever talks to us next learns of them, so
/// that of two that meet us at the same time one finds the other.
std::vector<std::string> cluster_gate::known_addresses() const {
  std::vector<std::string> known;
  for (const auto& [name, p] : peers_)
    if (p.address && known.size() < known_addresses_max)
      known.push_back(print_node_address(*p.address));
  return known;
}

void cluster_gate::learn(const std::vector<std::string>& known) {
  for (const auto& text : known)
    if (auto where = parse_node_address(text))
      addresses_.learn(*where, steady_clock::now());
  wake_dialler();
}

void cluster_gate::learn(const cluster_hello& theirs, const boost::asio::ip::address& from) {
  auto text = theirs.advertised;
  if (text.starts_with(':'))
    text = in_url(from) + text;
  if (auto where = parse_node_address(text)) {
    peers_[theirs.node].address = where;
    addresses_.leads_to(*where, theirs.node, steady_clock::now());
  }
  learn(theirs.known);
}

// ---- what is known
// ------------------------------------------------------------------------------------------------

acquaintance cluster_gate::acquainted(const std::string& name) const {
  acquaintance known;
  auto found = peers_.find(name);
  if (found == peers_.end())
    return known;
  const auto& p = found->second;
  known.dialled = p.dialled > 0;
  known.accepted = !p.accepted.empty();
  if (p.linked) {
    known.linked = true;
    known.incarnation = p.linked->peer.incarnation;
    known.silent = p.linked->is_silent(steady_clock::now());
    known.probed = probed(p);
  }
  return known;
}

/// The hub at the other end says something at every heartbeat. What was on its way when the
/// question came is no answer, hence the first one is let pass.
probe cluster_gate::probed(const peer& p) const {
  auto beat = values_.cluster.heartbeat;
  auto now = steady_clock::now();
  if (!p.probed || now - *p.probed > 3 * beat + probe_counts)
    return probe::none;
  if (p.linked->last_byte >= *p.probed + beat)
    return probe::answered;
  return now - *p.probed >= 3 * beat ? probe::silent : probe::waits;
}

void cluster_gate::carry_out(const decision& judged, const std::string& name) {
  auto found = peers_.find(name);
  if (found == peers_.end())
    return;
  if (judged.probe_link)
    found->second.probed = steady_clock::now();
  if (judged.drop_accepted)
    for (auto& other : std::vector<meeting>(found->second.accepted))
      other->fail(cluster_refusal::crossed);
  if (judged.drop_link && found->second.linked)
    end(link(found->second.linked), cluster_refusal::none, "silent, and its node has come again");
}

/// Forgets a node that nothing connects us with.
void cluster_gate::tidy(const std::string& name) {
  auto found = peers_.find(name);
  if (found == peers_.end())
    return;
  const auto& p = found->second;
  if (!p.linked && p.accepted.empty() && p.dialled == 0)
    peers_.erase(found);
}

void cluster_gate::leave_cluster(std::string_view address) {
  if (std::exchange(left_, true))
    return;
  auto line =
      "cluster.name: '" + values_.node + "' is taken by a live node (" + std::string(address) + ")";
  log_.error("cluster_name_taken", {{"node", values_.node}, {"address", address}});
  leave_(line);
}

// ---- the two stories
// ----------------------------------------------------------------------------------------------

/// Whether the peer is what CAF can be linked with, beside all who are linked.
bool cluster_gate::fits_in(const cluster_hello& theirs) const {
  auto is_its = [&](const auto& known) {
    return known.second->peer.caf_node == theirs.caf_node && known.second->peer.node != theirs.node;
  };
  return basp_->node_of(theirs) && std::none_of(links_.begin(), links_.end(), is_its);
}

decision cluster_gate::judge_and_act(const cluster_hello& ours, const cluster_hello& theirs,
                                     const cluster_meeting& with) {
  auto judged = judge(ours, theirs, acquainted(theirs.node), with.role());
  if (judged.why == cluster_refusal::none && !fits_in(theirs))
    judged = {.why = cluster_refusal::bad_hello};
  carry_out(judged, theirs.node);
  if (judged.leave)
    leave_cluster(with.address());
  return judged;
}

cluster_gate::task<void> cluster_gate::converse_as_acceptor(meeting with) {
  std::optional<cluster_hello> theirs;
  if (co_await with->secure())
    theirs = co_await with->hear_hello();
  if (!theirs)
    co_return refuse(*with);
  auto ours = own_hello(with->nonce());
  auto judged = judge_and_act(ours, *theirs, *with);
  if (judged.why == cluster_refusal::none) {
    peers_[theirs->node].accepted.push_back(with);
    learn(*theirs, with->from());
    co_await let_in(with, ours, *theirs);
    std::erase(peers_[theirs->node].accepted, with);
  } else {
    cluster_verdict verdict{judged.why, theirs->nonce, known_addresses()};
    co_await with->say(encode(ours) + encode(verdict));
    with->fail(judged.why);
  }
  if (with->trouble() != cluster_refusal::none)
    refuse(*with);
  tidy(theirs->node);
}

/// It is for the dialler to say whether the link is made.
cluster_gate::task<void> cluster_gate::let_in(meeting with, cluster_hello ours,
                                              cluster_hello theirs) {
  cluster_verdict verdict{cluster_refusal::none, theirs.nonce, known_addresses()};
  if (!co_await with->say(encode(ours) + encode(verdict)))
    co_return;
  auto answer = co_await with->hear_verdict();
  if (!answer)
    co_return;
  if (answer->why != cluster_refusal::none) {
    with->fail(answer->why, "the dialler withdrew");
    if (must_leave(ours, theirs, answer->why))
      leave_cluster(with->address());
  } else if (acquainted(theirs.node).linked) {
    with->fail(cluster_refusal::duplicate);
  } else if (!fits_in(theirs)) { // another has come meanwhile, whose id it claims
    with->fail(cluster_refusal::bad_hello);
  } else {
    learn(answer->known);
    join(with, theirs, {});
  }
}

cluster_gate::task<void> cluster_gate::converse_as_dialler(meeting with, node_address where) {
  if (!co_await with->secure())
    co_return refuse(*with);
  auto ours = own_hello(with->nonce()); // as it is now: the other end may have been frozen
  std::optional<cluster_hello> theirs;
  if (co_await with->say(encode(ours)))
    theirs = co_await with->hear_hello();
  if (!theirs)
    co_return refuse(*with);
  if (theirs->node != ours.node) {
    learn(*theirs, with->from());
    addresses_.leads_to(where, theirs->node, steady_clock::now());
  }
  ++peers_[theirs->node].dialled;
  auto verdict = co_await with->hear_verdict();
  --peers_[theirs->node].dialled;
  if (verdict && verdict->why == cluster_refusal::none) {
    learn(verdict->known);
    co_await confirm(with, ours, *theirs);
  } else if (verdict) {
    with->fail(verdict->why, "by the node that was dialled");
    if (must_leave(ours, *theirs, verdict->why))
      leave_cluster(with->address());
  }
  if (with->trouble() == cluster_refusal::self)
    addresses_.leads_here(where, steady_clock::now());
  if (with->trouble() != cluster_refusal::none)
    refuse(*with);
  tidy(theirs->node);
}

/// The acceptor has let us in. Nothing may come between judging and joining, so that our verdict is
/// the first that the link sends.
cluster_gate::task<void> cluster_gate::confirm(meeting with, cluster_hello ours,
                                               cluster_hello theirs) {
  auto judged = judge_and_act(ours, theirs, *with);
  auto words = encode(cluster_verdict{judged.why, theirs.nonce, known_addresses()});
  if (judged.why == cluster_refusal::none)
    co_return join(with, theirs, std::move(words));
  co_await with->say(std::move(words));
  with->fail(judged.why);
}

} // namespace beckon::net
