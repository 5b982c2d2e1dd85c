#pragma once
// What of another node's BASP stream reaches CAF. Owns: the rules, and at most one message's head
// that has not come whole. CAF trusts its peers: a header without payload ends the process, a long
// one allocates GiBs, and anybody may end any actor. So only what two hubs need passes, byte by
// byte as CAF itself would have written it.

#include "net/cluster_judge.hpp"
#include "protocol/record.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::net {

/// Largest BASP payload: a batch of records, and what CAF writes in front of its bytes.
inline constexpr std::size_t basp_batch_head_bytes_max = 1024;
inline constexpr std::size_t basp_payload_bytes_max =
    protocol::batch_bytes_max + basp_batch_head_bytes_max;
/// Length of a header (caf/io/basp/header.hpp).
inline constexpr std::size_t basp_header_bytes = 32;

/// How the peer's messages must look; made by basp_port for the peer's hello.
struct basp_expectations {
  gate_role ours = gate_role::dialler;
  std::uint64_t our_hub = 0;
  std::uint64_t its_hub = 0;
  std::uint64_t version = 0;      ///< of BASP
  std::uint64_t asynchronous = 0; ///< the message id of what is no request
  std::uint64_t spawn_server = 0; ///< whom CAF asks unasked; it gets no answer
  std::string server_handshake;   ///< these three: whole payloads
  std::string client_handshake;
  std::string monitor;
  std::string batch_head; ///< how the payload of a message with one string starts
};

class basp_filter {
public:
  explicit basp_filter(basp_expectations wanted);

  /// Takes what came and appends what CAF may see to `passed`: at most as many bytes, and one
  /// message's head held back before.
  /// @returns none, or why the link must end; then nothing of the offending message is passed
  cluster_refusal take(std::string_view bytes, std::string& passed);

  /// Of batches of records, whose messages have been let through.
  std::uint64_t batch_bytes() const { return batch_bytes_; }

  /// The peer's hub has ended: no record will come any more.
  bool hub_ended() const { return hub_ended_; }

private:
  enum class stage { header, head, rest };
  struct header;
  cluster_refusal take_header(std::string_view raw);
  cluster_refusal judge_handshake(const header& h);
  cluster_refusal judge_message(const header& h);
  cluster_refusal judge_selection(const header& h);
  cluster_refusal judge_other(const header& h);
  /// What the next payload must be (`whole`) or start with.
  cluster_refusal expect(const header& h, std::string_view start, bool whole,
                         cluster_refusal otherwise);
  void next_message();

  basp_expectations wanted_;
  stage stage_ = stage::header;
  std::string held_;        ///< header, and payload as far as it must be looked at
  std::size_t held_wanted_; ///< how much of both
  std::size_t rest_ = 0;    ///< of the payload, which passes as it comes
  std::string_view start_;  ///< of `wanted_`: how the payload must start
  cluster_refusal otherwise_ = cluster_refusal::none;
  bool swallow_ = false;  ///< the message is not for CAF
  bool shaken_ = false;   ///< the handshake has come
  bool selected_ = false; ///< and its repetition
  bool asked_ = false;    ///< the spawn server was asked for
  bool hub_ended_ = false;
  std::uint64_t batch_bytes_ = 0;
};

} // namespace beckon::net
