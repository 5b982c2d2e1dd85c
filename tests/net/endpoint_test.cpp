#include "net/endpoint.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::net;

BOOST_AUTO_TEST_SUITE(net_endpoint)

BOOST_AUTO_TEST_CASE(localhost_is_both_loopbacks_and_can_do_without_the_second) {
  auto both = parse_listen("localhost");
  BOOST_REQUIRE(both.size() == 2U);
  BOOST_TEST(both[0].address.to_string() == "127.0.0.1");
  BOOST_TEST(!both[0].optional);
  BOOST_TEST(both[1].address.to_string() == "::1");
  BOOST_TEST(both[1].optional);
}

BOOST_AUTO_TEST_CASE(an_address_stands_for_itself) {
  struct row {
    const char* text;
    const char* address;
  };
  for (auto [text, address] :
       {row{"127.0.0.1", "127.0.0.1"}, row{"::1", "::1"}, row{"[::1]", "::1"},
        row{"0.0.0.0", "0.0.0.0"}, row{"[2001:DB8::1]", "2001:db8::1"}}) {
    auto parsed = parse_listen(text);
    BOOST_REQUIRE(parsed.size() == 1U);
    BOOST_TEST(parsed[0].address.to_string() == address);
    BOOST_TEST(!parsed[0].optional);
  }
}

BOOST_AUTO_TEST_CASE(names_ports_and_half_addresses_are_refused) {
  for (auto text :
       {"", "example.com", "LOCALHOST", "127.0.0.1:80", "[::1]:80", "127.1", "1.2.3.4.5",
        "0x7f.0.0.1", "[127.0.0.1]", "[::1", "::1]", "[]", "256.0.0.1", "*"})
    BOOST_TEST(parse_listen(text).empty(), text);
}

BOOST_AUTO_TEST_CASE(what_is_printed_reads_back) {
  auto addresses = parse_listen("127.0.0.2");
  for (const auto& address : localhost())
    addresses.push_back(address);
  addresses.push_back(parse_listen("::2").front());
  const std::vector<std::string> expected{"127.0.0.2", "localhost", "::2"};
  BOOST_TEST(print_listen(addresses) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_operators_address_has_a_port) {
  for (auto text : {"127.0.0.1:8701", "[::1]:0", "0.0.0.0:65535"}) {
    auto parsed = parse_admin(text);
    BOOST_REQUIRE(parsed.has_value());
    BOOST_TEST(print_admin(*parsed) == text);
  }
  BOOST_TEST(print_admin(*parse_admin("localhost:1")) == "127.0.0.1:1");
  for (auto text : {"", "off", "127.0.0.1", "8701", ":8701", "127.0.0.1:", "127.0.0.1:65536",
                    "127.0.0.1:-1", "127.0.0.1:http", "::1:8701", "[::1]", "host:8701"})
    BOOST_TEST(!parse_admin(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(a_node_is_named_or_has_an_address_and_always_a_port) {
  for (auto text : {"node-1.example:4700", "a:1", "127.0.0.1:65535", "[::1]:4700", "n_1:2"}) {
    auto parsed = parse_node_address(text);
    BOOST_REQUIRE(parsed.has_value());
    BOOST_TEST(print_node_address(*parsed) == text);
  }
  BOOST_TEST(print_node_address(*parse_node_address("[2001:DB8::1]:1")) == "[2001:db8::1]:1");
  BOOST_TEST(parse_node_address(std::string(host_bytes_max, 'h') + ":1").has_value());
  BOOST_TEST(!parse_node_address(std::string(host_bytes_max + 1, 'h') + ":1").has_value());
  for (auto text : {"", "a", "a:", ":1", "a:0", "a:65536", "a:x", "::1:1", "a b:1", "a/b:1",
                    "[127.0.0.1]:1", "[::1]", "[::1:1", "a:-1"})
    BOOST_TEST(!parse_node_address(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(only_what_is_surely_this_machine_is_loopback) {
  for (auto text : {"localhost:1", "127.9.9.9:1", "[::1]:1"})
    BOOST_TEST(is_loopback(*parse_node_address(text)), text);
  for (auto text : {"localhost.example:1", "0.0.0.0:1", "192.0.2.1:1", "[::]:1", "a:1"})
    BOOST_TEST(!is_loopback(*parse_node_address(text)), text);
}

BOOST_AUTO_TEST_SUITE_END()
