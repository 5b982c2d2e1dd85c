#include "net/basp_filter.hpp"

#include <algorithm>

namespace beckon::net {

/// caf/io/basp/header.hpp, in the order of the wire; numbers are big endian.
struct basp_filter::header {
  std::uint8_t operation;
  std::uint8_t flags;
  std::uint32_t payload_bytes;
  std::uint64_t data;
  std::uint64_t source;
  std::uint64_t destination;
};

namespace {

/// caf/io/basp/message_type.hpp
enum operation : std::uint8_t {
  server_handshake = 0,
  client_handshake = 1,
  direct_message = 2,
  monitor_message = 4,
  down_message = 5,
  heartbeat = 6,
};
constexpr std::uint8_t named_receiver = 1;
constexpr std::uint8_t select_connection = 2;
/// Longest answer to a monitor: two node ids and an error.
constexpr std::uint32_t down_bytes_max = 4096;

/// Of a string that CAF has written with its length in front, seven bits a byte.
std::size_t string_bytes(std::size_t written) {
  std::size_t length_bytes = 1;
  while (length_bytes < written && (written - length_bytes) >> (7 * length_bytes) != 0)
    ++length_bytes;
  return written - std::min(written, length_bytes);
}

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (auto c : bytes.substr(at, sizeof(T)))
    value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<T>(value);
}

} // namespace

basp_filter::basp_filter(basp_expectations wanted)
    : wanted_(std::move(wanted)), held_wanted_(basp_header_bytes) {}

void basp_filter::next_message() {
  stage_ = stage::header;
  held_.clear();
  held_wanted_ = basp_header_bytes;
  swallow_ = false;
}

cluster_refusal basp_filter::take(std::string_view bytes, std::string& passed) {
  while (!bytes.empty()) {
    if (stage_ == stage::rest) {
      auto part = bytes.substr(0, rest_);
      if (!swallow_)
        passed += part;
      bytes.remove_prefix(part.size());
      rest_ -= part.size();
      if (rest_ == 0)
        next_message();
      continue;
    }
    auto part = bytes.substr(0, held_wanted_ - held_.size());
    held_ += part;
    bytes.remove_prefix(part.size());
    if (held_.size() < held_wanted_)
      break;
    if (stage_ == stage::header) {
      if (auto why = take_header(held_); why != cluster_refusal::none)
        return why;
      stage_ = stage::head;
      held_wanted_ += start_.size();
    }
    if (held_.size() < held_wanted_)
      continue;
    if (!held_.ends_with(start_))
      return otherwise_;
    if (!swallow_)
      passed += held_;
    stage_ = stage::rest;
    if (rest_ == 0)
      next_message();
  }
  return cluster_refusal::none;
}

cluster_refusal basp_filter::take_header(std::string_view raw) {
  header h{number_at<std::uint8_t>(raw, 0),   number_at<std::uint8_t>(raw, 3),
           number_at<std::uint32_t>(raw, 4),  number_at<std::uint64_t>(raw, 8),
           number_at<std::uint64_t>(raw, 16), number_at<std::uint64_t>(raw, 24)};
  if (raw[1] != 0 || raw[2] != 0)
    return cluster_refusal::basp_header;
  if (h.payload_bytes > basp_payload_bytes_max)
    return cluster_refusal::basp_length;
  if (!shaken_)
    return judge_handshake(h);
  return h.operation == direct_message ? judge_message(h) : judge_other(h);
}

cluster_refusal basp_filter::expect(const header& h, std::string_view start, bool whole,
                                    cluster_refusal otherwise) {
  if (h.payload_bytes < start.size() || (whole && h.payload_bytes > start.size()))
    return cluster_refusal::basp_length;
  start_ = start;
  otherwise_ = otherwise;
  rest_ = h.payload_bytes - start.size();
  return cluster_refusal::none;
}

cluster_refusal basp_filter::judge_handshake(const header& h) {
  auto from_server = wanted_.ours == gate_role::dialler;
  auto operation = from_server ? server_handshake : client_handshake;
  auto version = from_server ? wanted_.version : 0;
  if (h.operation != operation || h.flags != 0 || h.data != version)
    return cluster_refusal::basp_header;
  if (h.source != 0 || h.destination != 0)
    return cluster_refusal::basp_address;
  shaken_ = true;
  return expect(h, from_server ? wanted_.server_handshake : wanted_.client_handshake, true,
                cluster_refusal::basp_identity);
}

cluster_refusal basp_filter::judge_message(const header& h) {
  if (h.payload_bytes == 0)
    return cluster_refusal::basp_length;
  // CAF asks every node that it meets for its spawn server, once. Nobody spawns here.
  if (h.flags == named_receiver && h.destination == wanted_.spawn_server && !asked_) {
    asked_ = true;
    swallow_ = true;
    return expect(h, {}, false, cluster_refusal::none);
  }
  if (h.flags != 0 || h.data != wanted_.asynchronous)
    return cluster_refusal::basp_header;
  if (h.destination != wanted_.our_hub || (h.source != 0 && h.source != wanted_.its_hub))
    return cluster_refusal::basp_address;
  auto why = expect(h, wanted_.batch_head, false, cluster_refusal::basp_content);
  if (why == cluster_refusal::none)
    batch_bytes_ += string_bytes(rest_);
  return why;
}

/// A dialler's broker says a second time that it is there: of many connections to a node this is
/// the one to use. There never are many, so that ours need not know.
cluster_refusal basp_filter::judge_selection(const header& h) {
  auto expected = wanted_.ours == gate_role::acceptor && h.flags == select_connection;
  if (!expected || selected_ || h.data != 0)
    return cluster_refusal::basp_header;
  if (h.source != 0 || h.destination != 0)
    return cluster_refusal::basp_address;
  selected_ = true;
  swallow_ = true;
  return expect(h, wanted_.client_handshake, true, cluster_refusal::basp_identity);
}

cluster_refusal basp_filter::judge_other(const header& h) {
  if (h.operation == client_handshake)
    return judge_selection(h);
  if (h.flags != 0 || h.data != 0)
    return cluster_refusal::basp_header;
  switch (h.operation) {
  case monitor_message:
    if (h.source != 0 || h.destination != wanted_.our_hub)
      return cluster_refusal::basp_address;
    return expect(h, wanted_.monitor, true, cluster_refusal::basp_identity);
  case down_message:
    if (h.source != wanted_.its_hub || h.destination != 0)
      return cluster_refusal::basp_address;
    if (h.payload_bytes == 0 || h.payload_bytes > down_bytes_max)
      return cluster_refusal::basp_length;
    hub_ended_ = true; // told to the gate, which ends the link: CAF need not read the error
    swallow_ = true;
    return expect(h, {}, false, cluster_refusal::none);
  case heartbeat:
    if (h.source != 0 || h.destination != 0)
      return cluster_refusal::basp_address;
    return expect(h, {}, true, cluster_refusal::none);
  default:
    return cluster_refusal::basp_header;
  }
}

} // namespace beckon::net
