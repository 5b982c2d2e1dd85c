#include "actors/node.hpp"

#include "actors/home.hpp"

#include <algorithm>
#include <random>

namespace beckon::actors {
namespace {

std::size_t shard_of(std::string_view name) {
  return std::hash<std::string_view>{}(name) % node_state::shards;
}

constexpr char hex[] = "0123456789abcdef";

} // namespace

node_state::node_state() = default;
node_state::~node_state() = default;

void node_state::let_go() {
  for (auto& home : homes)
    home->relay_handle = nullptr;
  hub = clerk = nullptr;
  directories.clear();
  users.clear();
}

const caf::actor& node_state::directory_of(std::string_view group) const {
  return directories[shard_of(group)];
}

const caf::actor& node_state::users_of(std::string_view user) const {
  return users[shard_of(user)];
}

const caf::actor& node_state::door_of(std::uint16_t home) const {
  if (home < homes.size())
    return homes[home]->relay_handle;
  return home == homes.size() ? hub : clerk;
}

std::string_view node_state::node_of_session(std::string_view session) noexcept {
  auto dot = session.size() - std::min(session.size(), session_digits + 1);
  return session.substr(dot).starts_with('.') ? session.substr(0, dot) : std::string_view{};
}

const caf::actor* node_state::users_of_session(std::string_view session) const {
  auto of = node_of_session(session);
  if (of.empty() || (of != name && !hub))
    return nullptr;
  auto shard = std::string_view(hex, shards).find(session.back());
  return shard == std::string_view::npos ? nullptr : &users[shard];
}

std::string node_state::new_session_name(std::string_view user) const {
  // The id is known to its own client alone, so it must not be guessable: 60 bits from the system.
  std::random_device random;
  auto bits = (std::uint64_t{random()} << 32) | random();
  auto id = name + '.';
  for (std::size_t i = 1; i < session_digits; ++i, bits >>= 4)
    id += hex[bits & 15];
  return id + hex[shard_of(user)];
}

} // namespace beckon::actors
