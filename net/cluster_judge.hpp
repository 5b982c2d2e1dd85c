#pragma once
// Whether a node is let in: the rules by which two nodes that meet, maybe twice at once, maybe
// under one name, come to the same end. Owns: the rules. Pure functions; the gate knows the facts
// and carries out the decision.

#include "net/cluster_hello.hpp"

namespace beckon::net {

enum class gate_role : std::uint8_t { dialler, acceptor };

/// What became of the question whether a link's process still lives (see cluster_book).
enum class probe : std::uint8_t { none, waits, answered, silent };

/// What this node knows of the peer at this moment.
struct acquaintance {
  bool linked = false;
  std::uint64_t incarnation = 0; ///< these three: of the link
  bool silent = false;           ///< nothing came within two heartbeats
  probe probed = probe::none;
  bool dialled = false;  ///< we dial it, and have its hello, on another connection than this one
  bool accepted = false; ///< it dials us, and we let it in; its verdict has not come
};

struct decision {
  cluster_refusal why = cluster_refusal::none; ///< none: let in
  bool drop_link = false;                      ///< the old one is dead
  bool drop_accepted = false;                  ///< those that we let in and that wait
  bool probe_link = false;                     ///< ask whether the old one lives
  bool leave = false; ///< this process is the younger one of its name: it ends
};

/// Judges the peer's hello, as acceptor before our verdict, as dialler after the peer let us in.
decision judge(const cluster_hello& ours, const cluster_hello& theirs, const acquaintance& known,
               gate_role role);

/// Whether a dialler that was refused must end, as another process has its name.
bool must_leave(const cluster_hello& ours, const cluster_hello& theirs, cluster_refusal why);

} // namespace beckon::net
