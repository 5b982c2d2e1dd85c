#pragma once
// A link's bytes as CAF's broker sees them: a scribe without a socket. Owns: what the broker has
// not taken yet, and what it has written and the link not sent. Gate's thread only.

#include "net/basp_loop.hpp"

#include <caf/intrusive_ptr.hpp>
#include <caf/io/all.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

class basp_stream final : public caf::io::scribe {
public:
  /// @param number of no other stream of the process
  basp_stream(basp_loop& unit, std::int64_t number);
  ~basp_stream() override;

  // ---- by the link ----

  /// Called when there is something to send, or the broker has closed.
  std::function<void()> on_change;
  /// Bytes of the peer's: the broker takes them now, as far as they are whole.
  void take(std::string_view bytes);
  bool closed() const noexcept { return closed_; }
  bool has_output() const noexcept { return !output_.empty(); }
  /// What the broker has written since the last call, in `into`'s place.
  void take_output(std::vector<char>& into);
  /// Nothing is taken or sent any more.
  void close();

  // ---- by the broker ----

  void configure_read(caf::io::receive_policy::config wanted) override;
  void ack_writes(bool) override {} // nobody asks
  std::vector<char>& wr_buf() override { return output_; }
  std::vector<char>& rd_buf() override { return chunk_; }
  void flush() override;
  void graceful_shutdown() override;
  void add_to_loop() override {} // it reads whenever something comes
  void remove_from_loop() override {}
  std::string addr() const override { return {}; }
  std::uint16_t port() const override { return 0; }

private:
  basp_loop& unit_;
  std::string input_;      ///< that is not a whole chunk
  std::size_t wanted_ = 0; ///< bytes of the next chunk; 0: the broker is not ready yet
  std::vector<char> chunk_;
  std::vector<char> output_;
  bool closed_ = false;
};

using basp_stream_ptr = caf::intrusive_ptr<basp_stream>;

} // namespace beckon::net
