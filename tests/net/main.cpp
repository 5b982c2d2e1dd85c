#define BOOST_TEST_MODULE beckon_net
#include <boost/test/unit_test.hpp>
