#pragma once
// A fixed set of words, found by a hash that has no collision among them. Owns: the search for such
// a hash, at compile time. Used for the names of fields and types, which are looked up for every
// field of every frame.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace beckon::protocol {

template <std::size_t N>
class name_table {
public:
  consteval name_table(const std::string_view (&names)[N]) {
    for (std::size_t i = 0; i < N; ++i)
      names_[i] = names[i];
    while (!fill())
      ++factor_; // No such factor: the compiler stops here, and one of another slot_count is to be
                 // tried.
  }

  /// @returns the word's index in the order given; N when it is none of them.
  constexpr std::size_t find(std::string_view word) const noexcept {
    if (word.empty())
      return N;
    auto index = slots_[slot_of(word)];
    return index < N && names_[index] == word ? index : N;
  }

  static constexpr std::size_t size() noexcept { return N; }
  constexpr std::string_view operator[](std::size_t index) const noexcept { return names_[index]; }

private:
  static constexpr std::size_t slot_count = 128;
  static_assert(N < slot_count / 2);

  constexpr std::size_t slot_of(std::string_view word) const noexcept {
    auto byte = [](char c) { return std::size_t{static_cast<unsigned char>(c)}; };
    return (byte(word.front()) * factor_ + byte(word.back()) * (factor_ >> 4) + word.size()) %
           slot_count;
  }

  /// @returns whether every word has a slot of its own with this factor.
  constexpr bool fill() {
    slots_.fill(N);
    for (std::size_t i = 0; i < N; ++i) {
      auto& slot = slots_[slot_of(names_[i])];
      if (slot != N)
        return false;
      slot = static_cast<std::uint8_t>(i);
    }
    return true;
  }

  std::array<std::string_view, N> names_;
  std::array<std::uint8_t, slot_count> slots_{};
  std::size_t factor_ = 1;
};

} // namespace beckon::protocol
