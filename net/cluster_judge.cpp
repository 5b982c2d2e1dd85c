#include "net/cluster_judge.hpp"

namespace beckon::net {

namespace {

/// Of two processes of one name the one leaves that nobody knows, else the younger one: a newcomer
/// gives way to a living process, a process that was long frozen to its successor.
bool is_first_to_leave(const cluster_hello& ours, const cluster_hello& theirs) {
  return ours.linked == theirs.linked ? ours.incarnation > theirs.incarnation : !ours.linked;
}

/// The peer has our name. Its certificate says so, too.
decision judge_namesake(const cluster_hello& ours, const cluster_hello& theirs) {
  if (ours.incarnation == theirs.incarnation)
    return {.why = cluster_refusal::self};
  return {.why = cluster_refusal::name_taken, .leave = is_first_to_leave(ours, theirs)};
}

/// There is a link to that name.
decision judge_linked(const cluster_hello& theirs, const acquaintance& known) {
  if (known.incarnation == theirs.incarnation) // it dials, so it has lost the link that we have
    return known.silent ? decision{.drop_link = true} : decision{.why = cluster_refusal::duplicate};
  switch (known.probed) {
  case probe::none:
    return {.why = cluster_refusal::busy, .probe_link = true};
  case probe::waits:
    return {.why = cluster_refusal::busy};
  case probe::answered:
    return {.why = cluster_refusal::name_taken};
  case probe::silent:
    break;
  }
  return {.drop_link = true};
}

} // namespace

decision judge(const cluster_hello& ours, const cluster_hello& theirs, const acquaintance& known,
               gate_role role) {
  if (!have_common_version(ours, theirs))
    return {.why = cluster_refusal::version};
  if (ours.cluster != theirs.cluster)
    return {.why = cluster_refusal::cluster};
  if (ours.node == theirs.node)
    return judge_namesake(ours, theirs);
  if (known.linked)
    return judge_linked(theirs, known);
  // Of two connections the one that the smaller name dialled survives. The larger name decides
  // which came first: it lets the other in, or has confirmed its own.
  auto smaller = ours.node < theirs.node;
  if (role == gate_role::acceptor)
    return {.why = smaller && known.dialled ? cluster_refusal::crossed : cluster_refusal::none};
  if (known.accepted && !smaller)
    return {.why = cluster_refusal::crossed};
  return {.drop_accepted = known.accepted};
}

bool must_leave(const cluster_hello& ours, const cluster_hello& theirs, cluster_refusal why) {
  return why == cluster_refusal::name_taken &&
         (ours.node != theirs.node || is_first_to_leave(ours, theirs));
}

} // namespace beckon::net
