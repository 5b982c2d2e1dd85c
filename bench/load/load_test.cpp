// The generator's own instruments: a benchmark is worth what its histogram and its framing are.
#define BOOST_TEST_MODULE load
#include "dialect.hpp"
#include "frame.hpp"
#include "handshake.hpp"
#include "histogram.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace load;

namespace {

/// A frame as a server writes it: final text, no mask.
std::string from_server(std::string_view text) {
  std::string bytes = "\x81";
  if (text.size() < 126) {
    bytes += static_cast<char>(text.size());
  } else if (text.size() < 65536) {
    bytes += '\x7e';
    bytes += static_cast<char>(text.size() >> 8);
    bytes += static_cast<char>(text.size() & 0xff);
  } else {
    bytes += '\x7f';
    for (int shift = 56; shift >= 0; shift -= 8)
      bytes += static_cast<char>(text.size() >> shift & 0xff);
  }
  bytes += text;
  return bytes;
}

/// The last `size` bytes without the mask, whose key stands in front of them.
std::string unmasked(std::string_view frame, std::size_t size) {
  const auto key = frame.substr(frame.size() - size - 4, 4);
  std::string payload(frame.substr(frame.size() - size));
  for (std::size_t i = 0; i != size; ++i)
    payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
  return payload;
}

std::size_t header_bytes(std::size_t size) {
  if (size < 126)
    return 2;
  return size < 65536 ? 4 : 10;
}

} // namespace

BOOST_AUTO_TEST_SUITE(load_histogram)

BOOST_AUTO_TEST_CASE(an_empty_one_answers_zero) {
  BOOST_TEST(histogram().at(0.5).count() == 0);
}

BOOST_AUTO_TEST_CASE(small_values_are_exact) {
  histogram h;
  for (int value = 1; value <= 200; ++value)
    h.add(nanoseconds(value));
  BOOST_TEST(h.at(0.5).count() == 100);
  BOOST_TEST(h.at(0.99).count() == 198);
  BOOST_TEST(h.at(1).count() == 200);
}

BOOST_AUTO_TEST_CASE(any_value_is_known_to_within_one_part_in_128) {
  for (std::int64_t value = 1; value < std::int64_t{1} << 60; value += value / 3 + 1) {
    histogram h;
    h.add(nanoseconds(value));
    h.add(
        nanoseconds(std::int64_t{1} << 61)); // So that the maximum does not hide the bucket's end.
    BOOST_TEST(h.at(0.5).count() >= value);
    BOOST_TEST(h.at(0.5).count() - value <= value / 128);
  }
}

BOOST_AUTO_TEST_CASE(percentiles_count_values_not_buckets) {
  histogram h;
  for (int i = 0; i != 99; ++i)
    h.add(nanoseconds(1000));
  h.add(nanoseconds(1'000'000));
  BOOST_TEST(h.at(0.99).count() < 1010);
  BOOST_TEST(h.at(0.999).count() == 1'000'000);
  BOOST_TEST(h.max().count() == 1'000'000);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(load_frame)

BOOST_AUTO_TEST_CASE(a_frame_is_read_only_when_its_last_byte_is_there) {
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536}) {
    const std::string text(size, 'x');
    const std::string bytes = from_server(text);
    server_frame frame;
    for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + cut / 7)
      BOOST_TEST((parse_frame(std::string_view(bytes).substr(0, cut), frame) == parsed::partial));
    BOOST_TEST((parse_frame(std::string_view(bytes).substr(0, bytes.size() - 1), frame) ==
                parsed::partial));
    const std::string and_more = bytes + "more";
    BOOST_TEST((parse_frame(and_more, frame) == parsed::whole));
    BOOST_TEST(frame.payload == text);
    BOOST_TEST(frame.wire_bytes == bytes.size());
  }
}

BOOST_AUTO_TEST_CASE(what_a_server_must_not_send_is_broken) {
  server_frame frame;
  BOOST_TEST((parse_frame("\x01\x01x", frame) == parsed::broken));     // A fragment.
  BOOST_TEST((parse_frame("\xc1\x01x", frame) == parsed::broken));     // A reserved bit.
  BOOST_TEST((parse_frame("\x81\x81keysx", frame) == parsed::broken)); // A mask.
}

BOOST_AUTO_TEST_CASE(a_masked_frame_hides_its_payload_and_yields_it_again) {
  const mask_key key{'\x12', '\x34', '\x56', '\x78'};
  for (const std::size_t size : {5, 125, 126, 65535, 65536}) {
    const std::string text(size, 'x');
    std::string bytes;
    append_masked(bytes, opcode::text, text, key);
    BOOST_TEST((static_cast<unsigned char>(bytes[1]) & 0x80) != 0);
    BOOST_TEST(bytes.find("xxxx") == std::string::npos);
    BOOST_TEST(unmasked(bytes, size) == text);
    BOOST_TEST(bytes.size() == header_bytes(size) + key.size() + size);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(load_dialect)

BOOST_AUTO_TEST_CASE(a_message_has_the_size_asked_for) {
  const values who{.uid = "u1", .group = "g1", .to = "u2", .id = "7", .data = {}};
  for (const auto name : {"beckon.v1", "socket.io", "nchan"}) {
    const auto& words = *find_dialect(name);
    for (const auto form : {words.send, words.send_with_id, words.publish}) {
      if (form.empty())
        continue;
      const auto made = fill_to(form, who, 'm', 100);
      BOOST_TEST(made.text.size() == 100u);
      BOOST_TEST(made.text.find("{d") == std::string::npos);
      BOOST_TEST(ends_with_data(words, made.text, made.data));
      BOOST_TEST(mark_of(words, made.text, made.data.size()) == 'm');
    }
  }
}

BOOST_AUTO_TEST_CASE(a_message_too_small_for_its_fields_carries_the_mark_alone) {
  BOOST_TEST(fill_to(beckon_v1.send, {.uid = "u1", .group = "g1", .to = "u2", .id = {}, .data = {}},
                     'm', 5)
                 .data == "m");
}

BOOST_AUTO_TEST_CASE(other_data_is_noticed) {
  BOOST_TEST(ends_with_data(beckon_v1, R"({"data":"mxx"})", "mxx"));
  BOOST_TEST(!ends_with_data(beckon_v1, R"({"data":"mxy"})", "mxx"));
  BOOST_TEST(!ends_with_data(beckon_v1, R"({"data":"mmxx"})", "mxx"));
  BOOST_TEST(!ends_with_data(beckon_v1, R"({"data":"mxx","more":1})", "mxx"));
}

BOOST_AUTO_TEST_CASE(a_refusal_is_never_taken_for_a_delivery) {
  BOOST_TEST((classify(beckon_v1, R"({"type":"direct","from":"u1"})") == heard::delivery));
  BOOST_TEST((classify(beckon_v1, R"({"type":"message","from":"u1"})") == heard::delivery));
  for (const auto* text :
       {R"({"type":"error","code":"overloaded"})", R"({"type":"bye","code":"draining"})"})
    BOOST_TEST((classify(beckon_v1, text) == heard::refusal));
  BOOST_TEST((classify(beckon_v1, R"({"type":"presence"})") == heard::other));
  BOOST_TEST((classify(beckon_v1, "") == heard::other));
}

BOOST_AUTO_TEST_CASE(the_id_of_an_acknowledgement_is_read) {
  BOOST_TEST(id_of(beckon_v1, R"({"type":"ok","id":17})") == 17u);
  BOOST_TEST(id_of(beckon_v1, R"({"type":"ok"})") == 0u);
}

BOOST_AUTO_TEST_CASE(a_gap_says_how_many_were_lost) {
  constexpr auto text = R"({"type":"gap","group":"g1","why":"slow","lost":31})";
  BOOST_TEST((classify(beckon_v1, text) == heard::gap));
  BOOST_TEST(lost_of(beckon_v1, text) == 31u);
}

BOOST_AUTO_TEST_CASE(packets_of_socket_io_are_told_apart) {
  const auto& words = *find_dialect("socket.io");
  BOOST_TEST((classify(words, R"(0{"sid":"x","pingInterval":25000})") == heard::hello));
  BOOST_TEST((classify(words, R"(40{"sid":"x"})") == heard::welcome));
  BOOST_TEST((classify(words, R"(42["direct",{"from":"u1"}])") == heard::delivery));
  BOOST_TEST((classify(words, "437[]") == heard::ok));
  BOOST_TEST(id_of(words, "437[]") == 7u);
  BOOST_TEST((classify(words, "2") == heard::ping));
  BOOST_TEST((classify(words, R"(44{"message":"no"})") == heard::other));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(load_handshake)

BOOST_AUTO_TEST_CASE(an_answer_is_taken_only_whole_and_only_with_the_right_key) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  BOOST_TEST(parse_upgrade_answer(head.substr(0, head.size() - 1)).bytes == 0u);
  const auto answer = parse_upgrade_answer(head + "more");
  BOOST_TEST(answer.bytes == head.size());
  BOOST_TEST(answer.is_upgraded);
  auto other = head;
  other[other.find("s3pP")] = 'x';
  BOOST_TEST(!parse_upgrade_answer(other).is_upgraded);
  const auto refused = parse_upgrade_answer("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  BOOST_TEST(!refused.is_upgraded);
  BOOST_TEST(refused.status == "HTTP/1.1 503 Service Unavailable");
}

BOOST_AUTO_TEST_CASE(a_server_without_a_sub_protocol_is_not_asked_for_one) {
  const values who{.uid = "u1", .group = "g1", .to = {}, .id = {}, .data = {}};
  BOOST_TEST(upgrade_request(beckon_v1, who, 80).find("beckon.v1") != std::string::npos);
  const auto request = upgrade_request(*find_dialect("nchan"), who, 80);
  BOOST_TEST(request.find("Sec-WebSocket-Protocol") == std::string::npos);
  BOOST_TEST(request.find("group=g1") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
