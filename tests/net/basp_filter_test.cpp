#include "net/basp_filter.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace beckon::net;
using enum cluster_refusal;

namespace {

constexpr std::uint64_t asynchronous = 0x1000000000000000;

basp_expectations wanted(gate_role ours = gate_role::dialler) {
  return {.ours = ours,
          .our_hub = 40,
          .its_hub = 50,
          .version = 3,
          .asynchronous = asynchronous,
          .spawn_server = 99,
          .server_handshake = "server",
          .client_handshake = "client",
          .monitor = "monitor",
          .batch_head = "head:"};
}

struct header {
  unsigned operation = 0;
  unsigned flags = 0;
  std::uint32_t length = 0;
  std::uint64_t data = 0;
  std::uint64_t source = 0;
  std::uint64_t destination = 0;
};

template <class T>
void put(std::string& out, T value) {
  for (auto shift = sizeof(T) * 8; shift > 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> (shift - 8));
}

std::string bytes(const header& h, const std::string& payload) {
  std::string out;
  out += static_cast<char>(h.operation);
  out += std::string(2, '\0');
  out += static_cast<char>(h.flags);
  put(out, h.length);
  put(out, h.data);
  put(out, h.source);
  put(out, h.destination);
  return out + payload;
}

std::string message(header h, const std::string& payload) {
  h.length = static_cast<std::uint32_t>(payload.size());
  return bytes(h, payload);
}

std::string batch(const std::string& text, header h = {}) {
  h.operation = 2;
  h.data = asynchronous;
  h.destination = 40;
  h.source = 50;
  return message(h, "head:" + text);
}

const std::string server_handshake = message({.data = 3}, "server");
const std::string client_handshake = message({.operation = 1}, "client");

/// One that has shaken hands.
basp_filter shaken() {
  basp_filter filter(wanted());
  std::string passed;
  BOOST_REQUIRE((filter.take(server_handshake, passed) == none));
  return filter;
}

cluster_refusal after_handshake(const std::string& stream) {
  auto filter = shaken();
  std::string passed;
  return filter.take(stream, passed);
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_basp_filter)

BOOST_AUTO_TEST_CASE(what_two_hubs_need_passes_unchanged_however_it_is_cut) {
  auto stream = server_handshake + batch("") + batch(std::string(100'000, 'x')) +
                message({.operation = 4, .destination = 40}, "monitor") +
                bytes({.operation = 6}, "") + batch("last");
  std::minstd_rand random(1);
  for (std::size_t most : {1UL, 2UL, 31UL, 33UL, 1000UL, 1'000'000UL}) {
    basp_filter filter(wanted());
    std::string passed;
    for (std::size_t at = 0; at < stream.size();) {
      auto n = std::min<std::size_t>(1 + random() % most, stream.size() - at);
      BOOST_REQUIRE((filter.take(std::string_view(stream).substr(at, n), passed) == none));
      at += n;
    }
    BOOST_TEST((passed == stream), most);
  }
}

BOOST_AUTO_TEST_CASE(the_handshake_comes_first_and_once) {
  std::string passed;
  for (auto& first : {batch("x"), bytes({.operation = 6}, ""), client_handshake})
    BOOST_TEST((basp_filter(wanted()).take(first, passed) == basp_header));
  BOOST_TEST(
      (basp_filter(wanted(gate_role::acceptor)).take(server_handshake, passed) == basp_header));
  BOOST_TEST(passed.empty());
  BOOST_TEST((after_handshake(server_handshake) == basp_header));
  BOOST_TEST((after_handshake(client_handshake) == basp_header));
}

BOOST_AUTO_TEST_CASE(a_dialler_s_broker_selects_its_connection_once_and_ours_need_not_know) {
  auto selection = message({.operation = 1, .flags = 2}, "client");
  basp_filter filter(wanted(gate_role::acceptor));
  std::string passed;
  BOOST_TEST((filter.take(client_handshake + selection, passed) == none));
  BOOST_TEST((passed == client_handshake));
  BOOST_TEST((filter.take(selection, passed) == basp_header));
  BOOST_TEST((basp_filter(wanted(gate_role::acceptor)).take(selection, passed) == basp_header));
  BOOST_TEST((after_handshake(selection) == basp_header));
}

BOOST_AUTO_TEST_CASE(the_handshake_is_that_of_the_hello) {
  std::string passed;
  auto take = [&](const std::string& stream) { return basp_filter(wanted()).take(stream, passed); };
  BOOST_TEST((take(message({.data = 3}, "sErver")) == basp_identity));
  BOOST_TEST((take(message({.data = 3}, "serverr")) == basp_length));
  BOOST_TEST((take(message({.data = 3}, "serve")) == basp_length));
  BOOST_TEST((take(bytes({.data = 3}, "")) == basp_length));
  BOOST_TEST((take(message({.data = 2}, "server")) == basp_header));
  BOOST_TEST((take(message({.data = 3, .source = 1}, "server")) == basp_address));
  BOOST_TEST(passed.empty());
}

BOOST_AUTO_TEST_CASE(a_payload_is_neither_missing_nor_too_long) {
  header h{.operation = 2, .data = asynchronous, .source = 50, .destination = 40};
  BOOST_TEST((after_handshake(bytes(h, "")) == basp_length));
  h.length = 0xFFFFFFFF;
  BOOST_TEST((after_handshake(bytes(h, "")) == basp_length));
  h.length = basp_payload_bytes_max + 1;
  BOOST_TEST((after_handshake(bytes(h, "")) == basp_length));
  h.length = basp_payload_bytes_max;
  BOOST_TEST((after_handshake(bytes(h, "head:")) == none));
  h.length = 4; // shorter than any message with a string
  BOOST_TEST((after_handshake(bytes(h, "head")) == basp_length));
  BOOST_TEST((after_handshake(bytes({.operation = 6, .length = 1}, "x")) == basp_length));
  BOOST_TEST((after_handshake(bytes({.operation = 4, .destination = 40}, "")) == basp_length));
  BOOST_TEST((after_handshake(bytes({.operation = 5, .source = 50}, "")) == basp_length));
}

BOOST_AUTO_TEST_CASE(only_the_hubs_talk) {
  auto as = [](header h) {
    h.operation = 2;
    return after_handshake(message(h, "head:x"));
  };
  BOOST_TEST((as({.data = asynchronous, .source = 0, .destination = 40}) == none));
  BOOST_TEST((as({.data = asynchronous, .source = 51, .destination = 40}) == basp_address));
  BOOST_TEST((as({.data = asynchronous, .source = 50, .destination = 41}) == basp_address));
  BOOST_TEST((as({.data = asynchronous + 1, .source = 50, .destination = 40}) == basp_header));
  BOOST_TEST((as({.data = 0, .source = 50, .destination = 40}) == basp_header));
  BOOST_TEST((as({.flags = 1, .data = asynchronous, .destination = 40}) == basp_header));
  BOOST_TEST((as({.flags = 4, .data = asynchronous, .destination = 40}) == basp_header));
}

BOOST_AUTO_TEST_CASE(only_batches_are_said) {
  header h{.operation = 2, .data = asynchronous, .source = 50, .destination = 40};
  BOOST_TEST((after_handshake(message(h, "heab:x")) == basp_content));
  BOOST_TEST((after_handshake(message(h, "other content")) == basp_content));
}

BOOST_AUTO_TEST_CASE(the_spawn_server_is_asked_for_once_and_does_not_hear_it) {
  auto question =
      message({.operation = 2, .flags = 1, .data = asynchronous, .destination = 99}, "q");
  auto filter = shaken();
  std::string passed;
  BOOST_TEST((filter.take(question + batch("x"), passed) == none));
  BOOST_TEST((passed == batch("x")));
  BOOST_TEST((filter.take(question, passed) == basp_header));
}

BOOST_AUTO_TEST_CASE(a_hub_s_end_is_told_to_the_gate_alone) {
  auto down = message({.operation = 5, .source = 50}, "why");
  auto filter = shaken();
  std::string passed;
  BOOST_TEST(!filter.hub_ended());
  BOOST_TEST((filter.take(down, passed) == none));
  BOOST_TEST(filter.hub_ended());
  BOOST_TEST(passed.empty());
  BOOST_TEST((after_handshake(message({.operation = 5, .source = 51}, "why")) == basp_address));
  BOOST_TEST((after_handshake(message({.operation = 5, .source = 50}, std::string(4097, 'x'))) ==
              basp_length));
}

BOOST_AUTO_TEST_CASE(a_monitor_speaks_for_its_node) {
  BOOST_TEST(
      (after_handshake(message({.operation = 4, .destination = 40}, "mOnitor")) == basp_identity));
  BOOST_TEST(
      (after_handshake(message({.operation = 4, .destination = 41}, "monitor")) == basp_address));
}

BOOST_AUTO_TEST_CASE(other_operations_and_padding_are_refused) {
  for (unsigned operation = 7; operation < 256; ++operation)
    BOOST_TEST((after_handshake(message({.operation = operation}, "x")) == basp_header));
  BOOST_TEST(
      (after_handshake(message({.operation = 3, .destination = 40}, "routed")) == basp_header));
  auto padded = bytes({.operation = 6}, "");
  padded[1] = 1;
  BOOST_TEST((after_handshake(padded) == basp_header));
}

BOOST_AUTO_TEST_CASE(nothing_of_a_refused_message_passes_but_what_came_before_does) {
  auto filter = shaken();
  std::string passed;
  auto why = filter.take(batch("good") + message({.operation = 3}, "bad"), passed);
  BOOST_TEST((why == basp_header));
  BOOST_TEST((passed == batch("good")));
}

BOOST_AUTO_TEST_SUITE_END()
