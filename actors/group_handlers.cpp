// A group's table of contents, and what becomes of a message that there is no memory for.

#include "actors/group.hpp"
#include "actors/handovers.hpp"
#include "actors/home.hpp"
#include "actors/surviving.hpp"

#include <new>
#include <utility>

namespace beckon::actors {

caf::behavior group::own_handlers() {
  caf::message_handler own{
      surviving(
          [this](route& r) { return deliver(r), unanswered{}; },
          [this](route& r) { handovers(shared_, r).settle_all(protocol::outcome::overloaded); }),
      surviving([this](publication& p) { return publish(p), unanswered{}; },
                [this](publication& p) { miss(p); }),
      surviving([this](call_group& c) { return call(c), unanswered{}; },
                [this](call_group& c) { fail_call(c); }),
      surviving([this](join_group& j) { join(j); }, [this](join_group& j) { refuse_join(j); }),
      surviving(
          [this](update_member& u) { update(u); },
          [this](update_member& u) { refuse(u.where, u.question, protocol::code::unavailable); }),
      surviving([this](leave_group& l) { leave(l); }),
      surviving([this](read_roster& r) { read_or_refuse(r); }),
      surviving([this](const far_member& f) { set_far(f); }),
      surviving([this](const far_members& all) { opened(all); }),
      surviving([this](const peer_lost& lost) { lose(lost); }),
      surviving([this](const far_gap& g) { tell_gap(g); }),
      surviving([this](const far_checkpoint& c) { pass_on(*this, shared_, c); }),
      surviving([this](tell_missed) { tell_gap({std::exchange(missed_, 0)}); }),
      surviving([this](const flush_presence& f) { flush_due(f); },
                [this](const flush_presence&) { schedule_flush(); }),
      surviving([this](const settlements& list) {
        if (host_)
          host_->settle(list);
      }),
      surviving([this](const far_removal& f) { remove_far(f); }),
      surviving([this](const far_unban& f) { bans_.remove(f.uid), retire_if_empty(); }),
      surviving([this](const swap_behaviour& s) { swap(s); }),
      surviving([this](const choose_behaviours& c) { choose_again(c); }),
      surviving([this](retired) { retire(); }),
  };
  if (auto more = host_ ? host_->handlers() : caf::behavior{})
    return own.or_else(std::move(more));
  return own;
}

// ---- no memory ----

/// Its members hear that they have missed one, once there is memory for that.
void group::miss(const publication& p) {
  if (p.ticket)
    home::current().settle({.to = p.from, .ticket = p.ticket, .what = settlement::kind::counted});
  if (missed_++ == 0)
    delayed_send(this, missed_told_after, tell_missed{});
}

void group::fail_call(const call_group& c) {
  if (c.ticket == 0)
    return;
  answer a;
  a.to = c.from;
  a.ticket = c.ticket;
  a.error_code = protocol::name(protocol::code::unavailable);
  a.error_message = protocol::text(protocol::code::unavailable);
  send(shared_.door_of(c.from.home), std::move(a));
}

void group::refuse_join(const join_group& j) {
  refuse(j.where, j.question, protocol::code::unavailable);
  retire_if_empty();
}

void group::read_or_refuse(const read_roster& r) {
  auto was_read = survives([&] {
    may_fail here;
    read(r);
  });
  if (!was_read)
    refuse(r.where, r.question, protocol::code::unavailable);
}

// ---- end ----

void group::on_exit() {
  alarm_.reset();
  // Nobody is left after a polite end, which may come on a thread that is no home (the clock's);
  // after a failure the gauge must not keep those who were.
  if (!roster_.empty())
    home::current().count.members.sub(static_cast<std::int64_t>(roster_.near_members()));
}

/// The last handle is gone. Here, and not by CAF, which would allocate the reason for its end in a
/// destructor.
void group::on_destroy() {
  if (!getf(is_cleaned_up_flag)) {
    must_not_fail in_a_destructor; // in a cluster the hub is told by a message
    on_exit();
    cleanup(caf::error{}, nullptr);
  }
  caf::event_based_actor::on_destroy();
}

/// An exception in a handler, most likely for want of memory, ends the group and nothing else. What
/// that takes (telling who monitors it, CAF's line on the console) is freed first; what an
/// exception handler of CAF's throws would end the process.
caf::error group::fail(std::exception_ptr& trouble) {
  home::current().count.members.sub(static_cast<std::int64_t>(roster_.near_members()));
  roster_ = roster(policy_);
  host_.reset();
  try {
    return default_exception_handler(this, trouble);
  } catch (const std::bad_alloc&) {
    return caf::exit_reason::unhandled_exception;
  }
}

} // namespace beckon::actors
