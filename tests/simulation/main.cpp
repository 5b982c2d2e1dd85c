#define BOOST_TEST_MODULE beckon_simulation
#include <boost/test/unit_test.hpp>
