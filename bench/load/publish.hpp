#pragma once
// Publications: in every group `window` of them are under way; the next goes, from the next member,
// when one has reached all others. The last `slow` members of a group do not read, and nobody waits
// for them; at the end they read what there is. Owns: what each group has in flight, and how many
// each member sent, got and was told to have missed.

#include "traffic.hpp"

#include <string>

namespace load {

class publish final : public traffic {
public:
  /// Each publication under way carries its own mark in the data.
  static constexpr std::size_t window_max = 32;

  publish(fleet& clients, const plan& what);

  void start() override;
  void stop() override;
  void audit() override;
  void on_delivery(std::size_t receiver, std::string_view text) override;
  void on_ok(std::size_t sender, std::string_view text) override;
  bool on_gap(std::size_t receiver, std::uint64_t lost) override;

private:
  struct publication {
    std::size_t missing = 0; ///< members that it has not reached
    std::size_t publisher = 0;
    time_point sent{};
    std::string data;
  };
  struct room {
    std::vector<publication> under_way;
    std::size_t next_publisher = 0; ///< within the group
    std::uint64_t published = 0;
  };
  struct member {
    std::vector<std::string> frames; ///< one per mark
    std::uint64_t published = 0;
    std::uint64_t received = 0;
    std::uint64_t missed = 0; ///< by the server's own account
  };

  void prepare(std::size_t room_index);
  void send(std::size_t room_index, std::size_t slot, time_point at);
  bool is_slow(std::size_t index) const { return index % group_size_ >= healthy_; }
  void set_slow_reading(bool on);

  std::size_t group_size_;
  std::size_t healthy_; ///< members of each group that read
  std::size_t own_;     ///< how many of its publications reach the publisher itself: 0 or 1
  std::vector<room> rooms_;
  std::vector<member> members_;
};

} // namespace load
