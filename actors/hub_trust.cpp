// What another node may say, and how much it may make this one keep. It is trusted with its own
// members, and with what its groups' behaviours may do; no further (docs/cluster.md).

#include "actors/home.hpp"
#include "actors/hub.hpp"
#include "protocol/relayed.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

// ---- whose words ----

hub::standing hub::judge(const peer& p, const protocol::route_record& r) {
  auto to_members = r.by == static_cast<std::uint64_t>(addressing::member);
  auto to_one = r.is_request || !to_members;
  if (r.by > static_cast<std::uint64_t>(addressing::session) || r.number > protocol::id_max ||
      (to_one && r.to.size() != 1))
    return standing::bad;
  auto said = protocol::read_relayed(json_, r.text, r.binary);
  auto kind = r.is_request ? protocol::frame_type::request : protocol::frame_type::send;
  auto group = to_members ? r.group : std::string_view{};
  if (!said || said->kind != kind || said->group != group)
    return standing::bad;
  return may_speak(p, group, said->from) ? standing::good : standing::forged;
}

hub::standing hub::judge(const peer& p, const protocol::publication_record& r) {
  auto said = protocol::read_relayed(json_, r.text, r.binary);
  if (!said || said->kind != protocol::frame_type::publish || said->group != r.group)
    return standing::bad;
  return may_speak(p, r.group, said->from) ? standing::good : standing::forged;
}

/// In the name of who is a member (or, without a group, a user) here or on a third node, and not
/// there, only a group's behaviour may: it delivers later what others said.
bool hub::may_speak(const peer& p, std::string_view group, std::string_view from) const {
  auto is_its = [&](const auto& places) {
    return std::any_of(places.begin(), places.end(), [&](auto& v) { return v.peer == p.id; });
  };
  if (group.empty()) {
    auto far = far_users_.find(from);
    return far == far_users_.end() ? !users_.contains(from) : is_its(far->second);
  }
  auto entry = groups_.find(group);
  if (entry == groups_.end())
    return true; // nobody here hears it
  auto far = entry->second.far.find(from);
  if (far == entry->second.far.end() ? !entry->second.near.contains(from) : is_its(far->second))
    return true;
  auto who = std::pair(std::string(group), std::string(from));
  if (p.gone.contains(who) || p.long_gone.contains(who))
    return true;
  auto chosen = shared_.chosen_behaviours.load();
  return chosen && !chosen->name_for(group).empty();
}

/// Of what is said in the name of somebody who is not known to be there. Before it has told all its
/// roster nobody can say whether it lies.
protocol::outcome hub::refusal_of(const peer& p) const {
  return p.synced ? protocol::outcome::denied : protocol::outcome::overloaded;
}

/// Tells it so, where it asked.
void hub::refuse(peer& p, const protocol::route_record& r, protocol::outcome why) {
  auto kind = r.is_request ? message_kind::request : message_kind::send;
  protocol::receipt_record answer{.id = r.id, .gone = false, .others = {}};
  for (std::size_t i = 0; i < r.to.size(); ++i) {
    home::current().count.message(kind, why);
    answer.others.push_back({i, why});
  }
  if (r.id)
    say(p, answer);
}

std::uint64_t hub::credible(peer& p, std::uint64_t stamp) {
  auto believed = hybrid_clock::credible(stamp, home::current().wall_ms);
  if (believed != stamp && !std::exchange(p.is_ahead, true))
    report(cluster_event::kind::ahead, p);
  return believed;
}

// ---- how much ----

bool hub::has_much_to_answer(const peer& p) const {
  return p.serves.waiting_bytes() >= options_.served_bytes_max;
}

void hub::cut_unread() {
  std::vector<peer_id> unread;
  for (auto& [id, p] : peers_)
    if (p.is_unread())
      unread.push_back(id);
  for (auto id : unread) {
    ways_.drop(find(id)->link, "reads nothing");
    lose(id, "reads nothing");
  }
}

} // namespace beckon::actors
