#include "net/cluster_hello.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace beckon::net;

namespace {

cluster_hello example() {
  cluster_hello hello;
  hello.version_min = 1;
  hello.version_max = 3;
  hello.cluster = "beckon";
  hello.node = "n1";
  hello.incarnation = 0x0102030405060708;
  hello.nonce = 0xFFFFFFFFFFFFFFFF;
  hello.caf_node = std::string("\0\x01\xFF", 3);
  hello.hub = 42;
  hello.linked = true;
  hello.advertised = ":4700";
  hello.known = {"a:4700", "[::1]:4701"};
  return hello;
}

/// Without its length, which must be right.
std::string message_of(const std::string& wire) {
  auto length = gate_message_length(std::string_view(wire).substr(0, gate_prefix_bytes));
  BOOST_REQUIRE(length.has_value());
  BOOST_REQUIRE(*length == wire.size() - gate_prefix_bytes);
  return wire.substr(gate_prefix_bytes);
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_cluster_hello)

BOOST_AUTO_TEST_CASE(a_hello_is_read_as_it_was_written) {
  auto sent = example();
  auto read = parse_hello(message_of(encode(sent)));
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->version_min == 1);
  BOOST_TEST(read->version_max == 3);
  BOOST_TEST(read->cluster == "beckon");
  BOOST_TEST(read->node == "n1");
  BOOST_TEST(read->incarnation == sent.incarnation);
  BOOST_TEST(read->nonce == sent.nonce);
  BOOST_TEST(read->caf_node == sent.caf_node);
  BOOST_TEST(read->hub == 42U);
  BOOST_TEST(read->linked);
  BOOST_TEST(read->advertised == ":4700");
  BOOST_TEST(read->known == sent.known, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_verdict_is_read_as_it_was_written) {
  for (auto why : {cluster_refusal::none, cluster_refusal::name_taken, cluster_refusal::replay}) {
    auto read = parse_verdict(message_of(encode(cluster_verdict{why, 7, {"a:1"}})));
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((read->why == why));
    BOOST_TEST(read->nonce == 7U);
    BOOST_TEST(read->known.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(what_a_later_version_appends_is_ignored) {
  BOOST_TEST(parse_hello(message_of(encode(example())) + "more of it").has_value());
  BOOST_TEST(parse_verdict(message_of(encode(cluster_verdict{})) + "more").has_value());
}

BOOST_AUTO_TEST_CASE(a_reason_of_a_later_version_is_still_a_refusal) {
  auto message = message_of(encode(cluster_verdict{}));
  for (int why = 11; why < 256; ++why) {
    message[1] = static_cast<char>(why);
    auto read = parse_verdict(message);
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((read->why == cluster_refusal::bad_hello), why);
  }
}

BOOST_AUTO_TEST_CASE(a_message_that_was_cut_is_none) {
  auto hello = message_of(encode(example()));
  for (std::size_t n = 0; n < hello.size(); ++n)
    BOOST_TEST(!parse_hello(hello.substr(0, n)).has_value(), n);
  auto verdict = message_of(encode(cluster_verdict{cluster_refusal::none, 1, {"a:1"}}));
  for (std::size_t n = 0; n < verdict.size(); ++n)
    BOOST_TEST(!parse_verdict(verdict.substr(0, n)).has_value(), n);
}

BOOST_AUTO_TEST_CASE(one_is_not_the_other) {
  BOOST_TEST(!parse_verdict(message_of(encode(example()))).has_value());
  BOOST_TEST(!parse_hello(message_of(encode(cluster_verdict{}))).has_value());
  auto wrong_magic = message_of(encode(example()));
  wrong_magic[1] = 'B';
  BOOST_TEST(!parse_hello(wrong_magic).has_value());
}

BOOST_AUTO_TEST_CASE(a_node_has_a_name_and_a_hub) {
  auto nobody = example();
  nobody.node.clear();
  BOOST_TEST(!parse_hello(message_of(encode(nobody))).has_value());
  auto nowhere = example();
  nowhere.hub = 0;
  BOOST_TEST(!parse_hello(message_of(encode(nowhere))).has_value());
}

BOOST_AUTO_TEST_CASE(names_are_bounded) {
  auto hello = example();
  hello.node.assign(255, 'n');
  BOOST_TEST(parse_hello(message_of(encode(hello))).has_value());
  hello.node += 'n';
  BOOST_TEST(!parse_hello(message_of(encode(hello))).has_value());
  hello = example();
  hello.caf_node.assign(64, 'c');
  BOOST_TEST(parse_hello(message_of(encode(hello))).has_value());
  hello.caf_node += 'c';
  BOOST_TEST(!parse_hello(message_of(encode(hello))).has_value());
}

BOOST_AUTO_TEST_CASE(addresses_are_bounded_and_the_longest_fit) {
  auto hello = example();
  hello.known.assign(known_addresses_max + 1, std::string(263, 'a'));
  auto read = parse_hello(message_of(encode(hello)));
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->known.size() == known_addresses_max); // one more is not told
  hello.known = {std::string(264, 'a')};
  BOOST_TEST(!parse_hello(message_of(encode(hello))).has_value());
  auto message = message_of(encode(cluster_verdict{}));
  message[message.size() - 2] = 4; // 1024 are announced, none comes
  BOOST_TEST(!parse_verdict(message).has_value());
}

BOOST_AUTO_TEST_CASE(a_length_is_bounded) {
  auto prefix = [](std::uint32_t n) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>(n >> shift);
    return bytes;
  };
  constexpr auto most = static_cast<std::uint32_t>(gate_message_bytes_max);
  BOOST_TEST(!gate_message_length(prefix(0)).has_value());
  BOOST_TEST(gate_message_length(prefix(1)).value() == 1U);
  BOOST_TEST(gate_message_length(prefix(most)).value() == most);
  BOOST_TEST(!gate_message_length(prefix(most + 1)).has_value());
  BOOST_TEST(!gate_message_length(prefix(0xFFFFFFFF)).has_value());
  BOOST_TEST(!gate_message_length("\0\0\1").has_value());
  BOOST_TEST(!gate_message_length("GET ").has_value());
}

BOOST_AUTO_TEST_CASE(no_bytes_make_the_reader_stumble) {
  std::minstd_rand random(1);
  auto good = message_of(encode(example()));
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = good;
    for (int n = 0; n < 3; ++n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (auto read = parse_hello(bytes))
      BOOST_TEST(read->known.size() <= known_addresses_max);
    (void)parse_verdict(bytes);
  }
}

BOOST_AUTO_TEST_CASE(versions_overlap_or_not) {
  auto speaks = [](std::uint8_t min, std::uint8_t max) {
    cluster_hello hello;
    hello.version_min = min;
    hello.version_max = max;
    return hello;
  };
  BOOST_TEST(have_common_version(speaks(1, 1), speaks(1, 1)));
  BOOST_TEST(have_common_version(speaks(1, 2), speaks(2, 3)));
  BOOST_TEST(have_common_version(speaks(2, 3), speaks(1, 2)));
  BOOST_TEST(!have_common_version(speaks(1, 1), speaks(2, 3)));
  BOOST_TEST(!have_common_version(speaks(2, 3), speaks(1, 1)));
}

BOOST_AUTO_TEST_SUITE_END()
