// A group and those who watch it: what its answers show them, and how they are told of changes.

#include "actors/group.hpp"
#include "actors/home.hpp"
#include "actors/memory_reserve.hpp"
#include "actors/presence.hpp"
#include "protocol/json.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

// ---- what they are shown ----

std::string group::joined_body(const seat& s) {
  std::string body = "\"as\":";
  protocol::append_quoted(body, s.of->uid);
  body.append(",\"epoch\":\"").append(epoch_).append("\",\"offset\":0,\"version\":");
  body += std::to_string(version_);
  append_view(body, s);
  return body;
}

/// What the session's presence mode shows it: the roster at this version, itself included, or a
/// count.
void group::append_view(std::string& body, const seat& s) {
  if (s.presence == protocol::presence_mode::full) {
    auto page = roster_.page({}, shared_.bounds.roster_page_members_max, s.of->uid);
    roster_.shown(*s.of);
    body.append(",\"members\":").append(page.members);
    if (!page.next.empty())
      protocol::append_quoted(body += ",\"next\":", page.next);
  } else if (s.presence == protocol::presence_mode::count) {
    body.append(",\"count\":").append(std::to_string(roster_.members()));
    if (count_told_ != roster_.members())
      count_told_.reset(); // not all watchers have heard the same: the flush tells them again
  }
}

void group::read(const read_roster& r) {
  auto* s = roster_.find(r.session);
  if (!s)
    return refuse(r.where, r.question, protocol::code::not_member);
  if (!roster_.pending().empty()) {
    // Answered behind the flush that is due, so that who has just come is in it, and its version is
    // what watchers have.
    reads_.push_back(r);
    return;
  }
  auto limit = shared_.bounds.roster_page_members_max;
  if (r.limit)
    limit = std::min(limit, r.limit);
  auto page = roster_.page(r.after, limit);
  auto answer = reply_to(r.where, r.question, group_reply::kind::roster);
  answer.body = "\"version\":" + std::to_string(version_) + ",\"members\":" + page.members;
  if (!page.next.empty())
    protocol::append_quoted(answer.body += ",\"next\":", page.next);
  reply(std::move(answer));
}

// ---- what they are told ----

/// Whoever makes a change pending calls it: what is pending leaves with the window's end.
void group::schedule_flush() {
  if (roster_.pending().empty())
    return;
  if (!window_open_) {
    delayed_send(this, presence_window(audiences_.watchers()), flush_presence{++window_});
    window_open_ = true; // only where that had the memory that it takes
  }
  if (!window_full_ && presence_is_full(roster_) && audiences_.watched_in_full()) {
    // Not at once: who changes fast enough would fill window after window.
    delayed_send(this, presence_window_if_full(audiences_.watchers()), flush_presence{window_});
    window_full_ = true;
  }
}

void group::flush_due(const flush_presence& f) {
  if (window_open_ && f.window == window_) // else it was full before its time
    flush();
}

void group::flush() {
  window_open_ = window_full_ = false;
  auto frames = presence_frames(roster_, *name_json_, version_);
  must_not_fail between_two_of_them;
  for (auto& frame : frames) {
    ++version_;
    fan_out(audience_kind::full_watchers, frame);
  }
  roster_.flushed();
  if (count_told_ != roster_.members()) {
    count_told_ = roster_.members();
    fan_out(audience_kind::count_watchers, count_frame(*name_json_, *count_told_));
  }
  for (auto& r : std::exchange(reads_, {}))
    read_or_refuse(r);
}

void group::fan_out(audience_kind to, const protocol::shared_frame& frame) {
  auto& lists = audiences_.of(to);
  // A version tells of a dropped frame by itself; a count has none.
  auto gap_group = to == audience_kind::count_watchers ? name_json_ : nullptr;
  for (std::size_t i = 0; i < lists.size(); ++i)
    if (lists[i])
      send(shared_.homes[i]->relay_handle,
           fanout{.what = {frame, {}}, .to = lists[i], .skip = {}, .group = gap_group, .from = {}});
}

} // namespace beckon::actors
