#pragma once
// The front of a server's frame, gathered as slices so that the frame itself is allocated once and
// exactly. Owns: the digits of its numbers, nothing else; the slices must outlive it. Lives within
// one encode.

#include "protocol/delivery.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace beckon::protocol {

class pieces {
public:
  void add(std::string_view text) {
    slices_[size_++] = text;
    bytes_ += text.size();
  }
  /// Adds `name`, which brings its comma and colon, and the digits of `number`.
  void add(std::string_view name, std::uint64_t number) {
    add(name);
    auto* end = std::to_chars(digits_.data() + used_, digits_.data() + digits_.size(), number).ptr;
    auto start = std::exchange(used_, static_cast<std::size_t>(end - digits_.data()));
    add(std::string_view(digits_.data() + start, used_ - start));
  }

  std::size_t bytes() const noexcept { return bytes_; }
  /// Writes all of it to `out`. @returns the end.
  char* copy_to(char* out) const noexcept;

private:
  std::array<std::string_view, 12> slices_; ///< a `request` delivery takes most: ten
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  std::array<char, 60> digits_; ///< of three numbers, twenty each
  std::size_t used_ = 0;
};

/// Both forms of a frame: `head` is an object without its closing brace, the payload comes last.
delivery finish(const pieces& head, const payload& data);

} // namespace beckon::protocol
