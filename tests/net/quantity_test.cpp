#include "net/quantity.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace beckon::net;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(net_quantity)

constexpr auto largest = std::numeric_limits<std::uint64_t>::max();

BOOST_AUTO_TEST_CASE(counts_are_decimal_digits) {
  BOOST_TEST(*parse_count("0") == 0U);
  BOOST_TEST(*parse_count("007") == 7U);
  BOOST_TEST(*parse_count("18446744073709551615") == largest);
  for (auto text : {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "ten", "1k"})
    BOOST_TEST(!parse_count(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(sizes_are_bytes_or_have_a_unit) {
  BOOST_TEST(*parse_size("100") == 100U);
  BOOST_TEST(*parse_size("64KiB") == 65'536U);
  BOOST_TEST(*parse_size("1MiB") == 1'048'576U);
  BOOST_TEST(*parse_size("2GiB") == 2'147'483'648U);
  for (auto text : {"", "KiB", "1KB", "1kib", "1K", "1 KiB", "1KiB ", "-1KiB", "1.5MiB", "1TiB"})
    BOOST_TEST(!parse_size(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(durations_need_a_unit) {
  BOOST_TEST((*parse_duration("500ms") == 500ms));
  BOOST_TEST((*parse_duration("10s") == 10s));
  BOOST_TEST((*parse_duration("2m") == 2min));
  BOOST_TEST((*parse_duration("1h") == 1h));
  BOOST_TEST((*parse_duration("0s") == 0ms));
  for (auto text : {"", "10", "s", "10 s", "10S", "-1s", "1.5s", "1d", "10sec", "1h30m"})
    BOOST_TEST(!parse_duration(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(what_overflows_is_the_largest_value) {
  BOOST_TEST(*parse_count("18446744073709551616") == largest);
  BOOST_TEST(*parse_size("18446744073709551615KiB") == largest);
  BOOST_TEST(*parse_size("17179869184GiB") == largest);
  BOOST_TEST((*parse_duration("18446744073709551615h") == std::chrono::milliseconds::max()));
  BOOST_TEST((*parse_duration("9223372036854775808ms") == std::chrono::milliseconds::max()));
}

BOOST_AUTO_TEST_CASE(what_is_printed_is_the_shortest_and_reads_back) {
  BOOST_TEST(print_size(0) == "0");
  BOOST_TEST(print_size(1000) == "1000");
  BOOST_TEST(print_size(1024) == "1KiB");
  BOOST_TEST(print_size(1536) == "1536");
  BOOST_TEST(print_size(3 * 1024 * 1024) == "3MiB");
  BOOST_TEST(print_duration(0ms) == "0ms");
  BOOST_TEST(print_duration(1500ms) == "1500ms");
  BOOST_TEST(print_duration(90s) == "90s");
  BOOST_TEST(print_duration(120s) == "2m");
  BOOST_TEST(print_duration(2h) == "2h");
}

BOOST_AUTO_TEST_SUITE_END()
