#pragma once
// Publications: in every group `window` of them are under way; the next goes, from the next member,
// when one has reached all others. Owns: what each group has in flight, and how many each member
// sent and got.

#include "traffic.hpp"

#include <string>

namespace load {

class publish final : public traffic {
public:
  /// Each publication under way carries its own mark in the data.
  static constexpr std::size_t window_max = 32;

  publish(fleet& clients, const plan& what);

  void start() override;
  void audit() override;
  void on_delivery(std::size_t receiver, std::string_view text) override;
  void on_ok(std::size_t sender, std::string_view text) override;

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
  };

  void send(std::size_t room_index, std::size_t slot, time_point at);

  std::size_t group_size_;
  std::vector<room> rooms_;
  std::vector<member> members_;
};

} // namespace load
