#define BOOST_TEST_MODULE beckon_protocol
#include <boost/test/unit_test.hpp>
