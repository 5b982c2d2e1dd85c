#include "net/operator_access.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::net;

namespace {

const std::string key(32, 'k');

http_request asked(std::vector<std::pair<std::string, std::string>> fields, unsigned version = 11) {
  http_request request;
  request.version(version);
  for (auto& [name, value] : fields)
    request.insert(name, value);
  return request;
}

unsigned status(const operator_access& access, const http_request& request, bool any_host = false) {
  auto refused = access.refuse_page(request, any_host);
  return refused ? refused->result_int() : 200;
}

const operator_access on_loopback({"beckon.example", "other"}, true, key);
const operator_access elsewhere({}, false, key);

} // namespace

BOOST_AUTO_TEST_SUITE(net_operator_access)

BOOST_AUTO_TEST_CASE(it_is_asked_by_an_address_localhost_or_a_name_of_its_own) {
  for (auto host : {"127.0.0.1", "127.0.0.1:8701", "10.1.2.3:1", "[::1]", "[::1]:8701",
                    "[fe80::1]:65535", "[::ffff:127.0.0.1]", "localhost", "localhost:8701",
                    "LOCALHOST", "beckon.example", "Beckon.Example:80", "other:9"})
    BOOST_TEST(status(on_loopback, asked({{"Host", host}})) == 200U, host);
  for (auto host : {"evil.example",
                    "evil.example:8701",
                    "localhost.evil.example",
                    "127.0.0.1.evil.example",
                    "127.1",
                    "2130706433",
                    "0x7f.0.0.1",
                    "::1",
                    "[::1",
                    "[127.0.0.1]",
                    "[localhost]",
                    "localhost:",
                    "localhost:0",
                    "localhost:65536",
                    "localhost:x",
                    "localhost:80:80",
                    "user@localhost",
                    "localhost, evil.example",
                    "beckon.example.",
                    "a.beckon.example",
                    "",
                    " "})
    BOOST_TEST(status(on_loopback, asked({{"Host", host}})) == 403U, host);
}

BOOST_AUTO_TEST_CASE(there_is_one_host_in_http_1_1) {
  BOOST_TEST(status(on_loopback, asked({})) == 400U);
  BOOST_TEST(status(on_loopback, asked({}, 10)) == 200U);
  BOOST_TEST(status(on_loopback, asked({{"Host", "localhost"}, {"Host", "localhost"}})) == 400U);
  BOOST_TEST(status(on_loopback, asked({{"Host", "localhost"}, {"Host", "localhost"}}, 10)) ==
             400U);
}

BOOST_AUTO_TEST_CASE(health_is_told_by_whatever_name) {
  for (auto& request :
       {asked({{"Host", "evil.example"}}), asked({}), asked({{"Host", "a"}, {"Host", "b"}})})
    BOOST_TEST(status(on_loopback, request, true) == 200U);
  // But not to a page.
  BOOST_TEST(status(on_loopback, asked({{"Host", "a"}, {"Origin", "http://a"}}), true) == 403U);
}

BOOST_AUTO_TEST_CASE(where_no_names_are_given_any_will_do) {
  BOOST_TEST(status(elsewhere, asked({{"Host", "node-1.internal:8701"}})) == 200U);
  operator_access named({"node-1.internal"}, true, key);
  BOOST_TEST(status(named, asked({{"Host", "node-1.internal:8701"}})) == 200U);
  BOOST_TEST(status(named, asked({{"Host", "evil.example:8701"}})) == 403U);
}

BOOST_AUTO_TEST_CASE(a_page_of_another_site_is_refused) {
  for (auto site : {"none", "same-origin"})
    BOOST_TEST(status(on_loopback, asked({{"Host", "localhost"}, {"Sec-Fetch-Site", site}})) ==
               200U);
  for (auto site : {"cross-site", "same-site", "", "None", "none, none"})
    BOOST_TEST(status(on_loopback, asked({{"Host", "localhost"}, {"Sec-Fetch-Site", site}})) ==
                   403U,
               site);
  BOOST_TEST(status(on_loopback, asked({{"Host", "localhost"},
                                        {"Sec-Fetch-Site", "none"},
                                        {"Sec-Fetch-Site", "cross-site"}})) == 403U);
}

BOOST_AUTO_TEST_CASE(an_origin_is_only_its_own) {
  auto with = [](const char* host, const char* origin) {
    return status(on_loopback, asked({{"Host", host}, {"Origin", origin}}));
  };
  BOOST_TEST(with("localhost:8701", "http://localhost:8701") == 200U);
  BOOST_TEST(with("LocalHost:8701", "http://localhost:8701") == 200U);
  BOOST_TEST(with("127.0.0.1:8701", "http://127.0.0.1:8701") == 200U);
  BOOST_TEST(with("[::1]:8701", "http://[::1]:8701") == 200U);
  BOOST_TEST(with("beckon.example", "http://beckon.example") == 200U);
  for (auto origin :
       {"http://localhost", "http://localhost:3000", "https://localhost:8701",
        "http://127.0.0.1:8701", "null", "", "http://localhost:8701/", "http://evil.example",
        "localhost:8701", "http://localhost:8701, http://evil.example", "file://"})
    BOOST_TEST(with("localhost:8701", origin) == 403U, origin);
  BOOST_TEST(status(on_loopback, asked({{"Host", "localhost"},
                                        {"Origin", "http://localhost"},
                                        {"Origin", "http://localhost"}})) == 403U);
  // By a name that nobody gave a page may have been led here.
  BOOST_TEST(status(elsewhere,
                    asked({{"Host", "evil.example"}, {"Origin", "http://evil.example"}})) == 403U);
  BOOST_TEST(status(elsewhere, asked({{"Host", "10.0.0.1:1"}, {"Origin", "http://10.0.0.1:1"}})) ==
             200U);
  BOOST_TEST(status(on_loopback, asked({{"Origin", "http://localhost"}}, 10)) == 403U);
}

BOOST_AUTO_TEST_CASE(what_changes_something_wants_the_key) {
  auto refusal = [](const operator_access& access, const char* shown) {
    auto refused = access.refuse_key(shown ? asked({{"Authorization", shown}}) : asked({}));
    return refused ? refused->result_int() : 200;
  };
  BOOST_TEST(refusal(on_loopback, ("Bearer " + key).c_str()) == 200U);
  for (auto shown : {"", "Bearer ", "Bearer kk", "Basic kk", "bearer"})
    BOOST_TEST(refusal(on_loopback, shown) == 401U, shown);
  BOOST_TEST(refusal(on_loopback, ("Bearer " + key + "k").c_str()) == 401U);
  BOOST_TEST(refusal(on_loopback, ("Bearer " + std::string(32, 'x')).c_str()) == 401U);
  BOOST_TEST(refusal(on_loopback, key.c_str()) == 401U);
  BOOST_TEST(refusal(on_loopback, nullptr) == 401U);
  BOOST_TEST((*on_loopback.refuse_key(asked({})))[http::field::www_authenticate] == "Bearer");
  operator_access keyless({}, true, "");
  BOOST_TEST(refusal(keyless, "Bearer ") == 403U);
  BOOST_TEST(refusal(keyless, nullptr) == 403U);
}

BOOST_AUTO_TEST_SUITE_END()
