#include "net/origin.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::net;

BOOST_AUTO_TEST_SUITE(net_origin)

BOOST_AUTO_TEST_CASE(origins_are_written_as_browsers_write_them) {
  for (auto text :
       {"https://good.example", "http://localhost:3000", "https://good.example:8443",
        "http://[::1]:3000", "https://xn--bcher-kva.example", "null", "https://good.example.",
        "app+x://host", "http://127.0.0.1", "http://a:443", "https://a:80"})
    BOOST_TEST(is_origin(text), text);
  for (auto text : {"",
                    "*",
                    "good.example",
                    "https://",
                    "https:///",
                    "https://good.example/",
                    "https://good.example/x",
                    "HTTPS://good.example",
                    "https://Good.example",
                    "https://good.example:443",
                    "http://good.example:80",
                    "https://good.example:",
                    "https://good.example:0",
                    "https://good.example:080",
                    "https://good.example:65536",
                    "https://good.example:99999999999999999999",
                    "https://a:1:2",
                    "https://user@good.example",
                    "https://good.example?",
                    "https://good.example#",
                    "https://good example",
                    "https://[::1",
                    "https://::1",
                    "https://*.example",
                    "://x",
                    "1http://x",
                    "NULL",
                    "https://b\xC3\xBC"})
    BOOST_TEST(!is_origin(text), text);
}

BOOST_AUTO_TEST_CASE(pages_of_this_machine_are_told_from_those_that_look_like_them) {
  for (auto text : {"http://localhost", "http://localhost:3000", "https://localhost:8443",
                    "http://127.0.0.1:80", "http://127.8.9.10", "http://[::1]:3000"})
    BOOST_TEST(is_loopback_origin(text) == is_origin(text), text);
  for (auto text :
       {"null", "", "http://localhost.evil.example", "http://127.0.0.1.evil.example",
        "http://evil.example", "http://localhost@evil.example", "http://localhost:80@evil",
        "http://[::2]", "http://128.0.0.1", "http://127.1", "http://127.0.0.1/", "ftp://localhost",
        "http://LOCALHOST", "http://localhost."})
    BOOST_TEST(!is_loopback_origin(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
