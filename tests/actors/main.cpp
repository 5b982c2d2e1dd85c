#define BOOST_TEST_MODULE beckon_actors
#include <boost/test/unit_test.hpp>
