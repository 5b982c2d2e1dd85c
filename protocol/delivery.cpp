#include "protocol/delivery.hpp"

#include "protocol/base64.hpp"
#include "protocol/large_frames.hpp"
#include "protocol/pieces.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <vector>

namespace beckon::protocol {
namespace {

constexpr char final_frame = static_cast<char>(0x80);
constexpr std::size_t small_length_max = 125;    // RFC 6455, 5.2: longer ones say 126 or 127
constexpr std::size_t medium_length_max = 65535; // and two or eight bytes of length follow
/// The length of a binary frame's JSON header takes two bytes (protocol.md section 7).
constexpr std::size_t binary_header_bytes_max = 65535;

char* write_big_endian(char* out, std::size_t value, int bytes) noexcept {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    *out++ = static_cast<char>(value >> shift & 0xFF);
  return out;
}

char* write(char* out, std::string_view text) noexcept {
  return out + text.copy(out, text.size());
}

std::size_t header_bytes(std::size_t payload_bytes) noexcept {
  return payload_bytes <= small_length_max ? 2 : payload_bytes <= medium_length_max ? 4 : 10;
}

} // namespace

std::size_t write_header(char* out, opcode op, std::size_t payload_bytes) noexcept {
  out[0] = static_cast<char>(final_frame | static_cast<char>(op));
  auto bytes = header_bytes(payload_bytes);
  if (bytes == 2) {
    out[1] = static_cast<char>(payload_bytes);
  } else {
    out[1] = bytes == 4 ? 126 : 127;
    write_big_endian(out + 2, payload_bytes, bytes == 4 ? 2 : 8);
  }
  return bytes;
}

namespace {

/// Memory of small frames that were let go of on this thread, for its next ones: most frames are
/// small and live for one turn.
class frame_pool {
public:
  static constexpr std::size_t slot_bytes = 512;
  static constexpr std::size_t kept_max = 256;

  ~frame_pool() {
    for (auto* slot : kept_)
      ::operator delete(slot);
  }
  void* take(std::size_t bytes) {
    if (bytes > slot_bytes || kept_.empty())
      return ::operator new(std::max(bytes, slot_bytes));
    auto* slot = kept_.back();
    kept_.pop_back();
    return slot;
  }
  void give(void* memory, std::size_t bytes) noexcept {
    if (bytes > slot_bytes || kept_.size() == kept_max)
      return ::operator delete(memory);
    kept_.push_back(memory);
  }

private:
  std::vector<void*> kept_ = reserved();
  static std::vector<void*> reserved() {
    std::vector<void*> room;
    room.reserve(kept_max);
    return room;
  }
};
thread_local frame_pool spare;

std::atomic<std::size_t> large_bytes{0};

} // namespace

std::size_t large_frames_bytes() noexcept {
  return large_bytes.load(std::memory_order_relaxed);
}

shared_frame::block* shared_frame::allocate(opcode op, std::size_t payload_bytes) {
  auto wire_bytes = header_bytes(payload_bytes) + payload_bytes;
  auto* b = new (spare.take(sizeof(block) + wire_bytes)) block;
  b->header_bytes = static_cast<std::uint32_t>(write_header(b->bytes(), op, payload_bytes));
  b->wire_bytes = wire_bytes;
  if (wire_bytes >= large_frame_bytes_min)
    large_bytes.fetch_add(wire_bytes, std::memory_order_relaxed);
  return b;
}

void shared_frame::release() noexcept {
  if (!block_)
    return;
  // The last owner is alone: nobody is left who could copy the handle, so it need not count down.
  if (block_->references.load(std::memory_order_acquire) != 1 &&
      block_->references.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  if (block_->wire_bytes >= large_frame_bytes_min)
    large_bytes.fetch_sub(block_->wire_bytes, std::memory_order_relaxed);
  auto bytes = sizeof(block) + block_->wire_bytes;
  block_->~block();
  spare.give(block_, bytes);
}

std::string_view shared_frame::wire() const noexcept {
  return block_ ? std::string_view(block_->bytes(), block_->wire_bytes) : std::string_view();
}

std::string_view shared_frame::payload() const noexcept {
  return block_ ? wire().substr(block_->header_bytes) : std::string_view();
}

char* pieces::copy_to(char* out) const noexcept {
  for (std::size_t i = 0; i < size_; ++i)
    out = write(out, slices_[i]);
  return out;
}

namespace {

shared_frame finish_json(const pieces& head, std::string_view data) {
  constexpr std::string_view name = R"(,"data":)";
  return shared_frame::make(opcode::text, head.bytes() + name.size() + data.size() + 1,
                            [&](char* out) {
                              out = write(head.copy_to(out), name);
                              *write(out, data) = '}';
                            });
}

shared_frame finish_base64(const pieces& head, std::string_view data) {
  constexpr std::string_view name = R"(,"base64":")";
  return shared_frame::make(
      opcode::text, head.bytes() + name.size() + base64_bytes(data.size()) + 2, [&](char* out) {
        out = write(head.copy_to(out), name);
        write(write_base64(out, data), R"("})");
      });
}

shared_frame finish_binary(const pieces& head, std::string_view data) {
  auto header_bytes = head.bytes() + 1;
  assert(header_bytes <= binary_header_bytes_max);
  return shared_frame::make(opcode::binary, 2 + header_bytes + data.size(), [&](char* out) {
    out = head.copy_to(write_big_endian(out, header_bytes, 2));
    *out++ = '}';
    write(out, data);
  });
}

std::string_view opening(frame_type kind) {
  switch (kind) {
  case frame_type::publish:
    return R"({"type":"message")";
  case frame_type::request:
    return R"({"type":"request")";
  default:
    return R"({"type":"direct")";
  }
}

} // namespace

delivery finish(const pieces& head, const payload& data) {
  if (!data.opaque)
    return {finish_json(head, data.bytes), {}};
  return {finish_base64(head, data.bytes), finish_binary(head, data.bytes)};
}

delivery encode(const delivery_head& head, const payload& data) {
  pieces front;
  front.add(opening(head.kind));
  if (!head.group.empty()) {
    front.add(R"(,"group":)");
    front.add(head.group);
  }
  front.add(R"(,"from":)");
  front.add(head.from);
  front.add(R"(,"at":)", static_cast<std::uint64_t>(head.at));
  if (head.number != 0)
    front.add(head.kind == frame_type::request ? R"(,"request":)" : R"(,"message":)", head.number);
  if (head.timeout.count() > 0)
    front.add(R"(,"timeout_ms":)", static_cast<std::uint64_t>(head.timeout.count()));
  return finish(front, data);
}

std::string_view binary_header(std::string_view binary) noexcept {
  if (binary.size() < 2)
    return {};
  auto high = static_cast<unsigned char>(binary[0]), low = static_cast<unsigned char>(binary[1]);
  auto length = std::size_t{high} << 8 | low;
  return length <= binary.size() - 2 ? binary.substr(2, length) : std::string_view{};
}

shared_frame text_of(std::string_view binary) {
  auto head = binary_header(binary);
  assert(!head.empty());
  pieces front;
  front.add(head.substr(0, head.size() - 1)); // as in finish_binary, without what closes it
  return finish_base64(front, binary.substr(2 + head.size()));
}

shared_frame encode_text(std::string_view json) {
  return shared_frame::make(opcode::text, json.size(), [&](char* out) { write(out, json); });
}

} // namespace beckon::protocol
