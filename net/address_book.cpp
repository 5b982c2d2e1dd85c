#include "net/address_book.hpp"

#include <algorithm>

namespace beckon::net {

address_book::entry* address_book::find_or_add(const node_address& where, time now) {
  auto found = entries_.find(where);
  if (found != entries_.end())
    return &found->second;
  if (entries_.size() >= addresses_max)
    return nullptr;
  auto& added = entries_[where];
  added.next = now;
  added.last_good = now;
  return &added;
}

void address_book::add_seed(const node_address& where, time now) {
  if (auto* e = find_or_add(where, now))
    e->seed = true;
}

void address_book::learn(const node_address& where, time now) {
  if (auto* e = find_or_add(where, now))
    e->last_good = now;
}

void address_book::leads_to(const node_address& where, std::string_view node, time now) {
  if (auto* e = find_or_add(where, now)) {
    e->node = node;
    e->last_good = now;
  }
}

void address_book::leads_here(const node_address& where, time now) {
  if (auto* e = find_or_add(where, now)) {
    e->node.clear();
    e->pause = pause_self;
    e->last_good = now;
  }
}

std::vector<node_address> address_book::take_due(time now) {
  std::erase_if(entries_, [&](const auto& known) {
    const auto& e = known.second;
    return !e.seed && !e.dialling && !rests(e) && now - e.last_good > kept;
  });
  std::vector<node_address> due;
  for (auto& [where, e] : entries_) {
    if (e.dialling || rests(e) || e.next > now)
      continue;
    e.dialling = true;
    due.push_back(where);
  }
  return due;
}

void address_book::ended(const node_address& where, time now) {
  auto found = entries_.find(where);
  if (found == entries_.end())
    return;
  found->second.dialling = false;
  wait(found->second, now);
}

void address_book::wait(entry& e, time now) {
  // Up to a quarter more, so that two nodes that refused each other do not meet again.
  std::uniform_int_distribution<duration::rep> jitter(0, e.pause.count() / 4);
  e.next = now + e.pause + duration(jitter(random_));
  if (e.pause < pause_max)
    e.pause = std::min<duration>(2 * e.pause, pause_max);
}

std::optional<address_book::time> address_book::next_due() const {
  std::optional<time> next;
  for (const auto& [where, e] : entries_)
    if (!e.dialling && !rests(e) && (!next || e.next < *next))
      next = e.next;
  return next;
}

void address_book::linked(std::string_view node, time now) {
  linked_.emplace(node);
  for (auto& [where, e] : entries_)
    if (e.node == node)
      e.last_good = now;
}

void address_book::unlinked(std::string_view node, time now, bool lasted) {
  if (auto found = linked_.find(node); found != linked_.end())
    linked_.erase(found);
  for (auto& [where, e] : entries_) {
    if (e.node != node)
      continue;
    e.last_good = now;
    if (lasted) {
      e.pause = pause_min;
      e.next = now;
    } else {
      wait(e, now);
    }
  }
}

} // namespace beckon::net
