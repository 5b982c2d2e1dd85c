#include "net/file.hpp"

#include "scratch_file.hpp"

#include <boost/system/errc.hpp>
#include <boost/test/unit_test.hpp>

using namespace beckon::net;
namespace errc = boost::system::errc;

BOOST_AUTO_TEST_SUITE(net_file)

BOOST_AUTO_TEST_CASE(a_file_is_read_whole) {
  std::string bytes(10'000, 'x');
  bytes[5000] = '\0';
  scratch_file file(bytes);
  auto read = read_small_file(file.path(), 10'000);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->bytes == bytes);
  BOOST_TEST(!read->world_readable);
}

BOOST_AUTO_TEST_CASE(a_file_of_one_byte_too_many_is_refused) {
  scratch_file file(std::string(101, 'x'));
  BOOST_TEST(read_small_file(file.path(), 101).has_value());
  auto read = read_small_file(file.path(), 100);
  BOOST_TEST((read.error() == errc::file_too_large));
}

BOOST_AUTO_TEST_CASE(a_file_without_end_is_refused) {
  BOOST_TEST((read_small_file("/dev/zero", 100'000).error() == errc::file_too_large));
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused_with_the_reason) {
  BOOST_TEST((read_small_file("/nowhere/at/all", 100).error() == errc::no_such_file_or_directory));
  BOOST_TEST((read_small_file("/tmp", 100).error() == errc::is_a_directory));
}

BOOST_AUTO_TEST_CASE(a_file_that_everybody_may_read_says_so) {
  scratch_file file("x", 0604);
  BOOST_TEST(read_small_file(file.path(), 100)->world_readable);
}

BOOST_AUTO_TEST_SUITE_END()
