#pragma once
// Something on its way to many sessions: encoded once, immutable, shared by reference count.
// Owns: the WebSocket header in front of the bytes (RFC 6455, 5.2). Made by the sender's session or
// by a group; freed when the last queue has let go of it.

#include "protocol/frame.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace beckon::protocol {

enum class opcode : std::uint8_t { text = 1, binary = 2 };

/// Longest header of a frame that a server sends: two bytes and a length of eight.
inline constexpr std::size_t header_bytes_max = 10;
/// Writes the header of an unmasked final frame to `out`. @returns its length, 2 to 10.
std::size_t write_header(char* out, opcode op, std::size_t payload_bytes) noexcept;

/// A handle to immutable bytes: WebSocket header and payload in one block. Copies share it, on any
/// thread.
class shared_frame {
public:
  shared_frame() = default;
  /// Room for a frame of `payload_bytes`; `fill(char*)` writes exactly that many. One allocation.
  template <class F>
  static shared_frame make(opcode op, std::size_t payload_bytes, F fill);

  shared_frame(const shared_frame& other) noexcept : block_(other.block_) { add_ref(); }
  shared_frame(shared_frame&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  shared_frame& operator=(shared_frame other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~shared_frame() { release(); }

  explicit operator bool() const noexcept { return block_ != nullptr; }
  /// Header and payload: what goes to the socket.
  std::string_view wire() const noexcept;
  /// The payload alone.
  std::string_view payload() const noexcept;

private:
  struct block {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t header_bytes;
    std::size_t wire_bytes;
    char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
  };
  explicit shared_frame(block* b) noexcept : block_(b) {}
  static block* allocate(opcode op, std::size_t payload_bytes);
  void add_ref() const noexcept {
    if (block_)
      block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept;
  block* block_ = nullptr;
};

/// The two forms of one delivery. Receivers that did not say `binary:true` get `text`.
struct delivery {
  shared_frame text;
  shared_frame binary; ///< set when the payload is opaque
};

/// What stands in front of the data of a `message`, `direct` or `request` frame.
struct delivery_head {
  frame_type kind = frame_type::send;   ///< send: `direct`, publish: `message`, request: `request`
  std::string_view group = {};          ///< JSON string with its quotes; empty: none
  std::string_view from = {};           ///< JSON string with its quotes
  std::int64_t at = 0;                  ///< ms since 1970
  std::uint64_t number = 0;             ///< `message` or `request`; 0: none
  std::chrono::milliseconds timeout{0}; ///< of a request
};

/// Encodes both forms as needed. The payload's bytes are copied once each, never rewritten.
delivery encode(const delivery_head& head, const payload& data);

/// The text form of one whose binary form is known. @pre it has a header
shared_frame text_of(std::string_view binary);
/// A binary frame's JSON header (protocol.md section 7), nothing when it is none.
std::string_view binary_header(std::string_view binary) noexcept;

/// A frame of JSON text, for presence and the like.
shared_frame encode_text(std::string_view json);

template <class F>
shared_frame shared_frame::make(opcode op, std::size_t payload_bytes, F fill) {
  auto* b = allocate(op, payload_bytes);
  shared_frame frame(b);
  fill(b->bytes() + b->header_bytes);
  return frame;
}

} // namespace beckon::protocol
