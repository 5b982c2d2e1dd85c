#include "net/router.hpp"

#include <boost/test/unit_test.hpp>

using namespace beckon::net;
using http::verb;

namespace {

http_task<http_response> nothing(const http_call&) {
  return at_once(plain_answer(200));
}

router a_router() {
  return router({{verb::get, "/healthz", false, nothing, true},
                 {verb::get, "/groups/{group}/behaviour", false, nothing},
                 {verb::post, "/groups/{group}/behaviour", true, nothing},
                 {verb::get, "/groups/query", false, nothing},
                 {verb::get, "/groups/{group}", false, nothing},
                 {verb::delete_, "/groups/{group}/members/{uid}", true, nothing},
                 {verb::get, "/", false, nothing}});
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_router)

BOOST_AUTO_TEST_CASE(a_path_finds_its_route_and_its_query_is_not_looked_at) {
  auto routes = a_router();
  for (auto target : {"/healthz", "/healthz?", "/healthz?a=%&b", "/%68ealthz"}) {
    auto found = routes.find(verb::get, target);
    BOOST_TEST(found.status == 200U, target);
    BOOST_REQUIRE(found.to);
    BOOST_TEST(found.to->is_health);
    BOOST_TEST(found.names.empty());
  }
  BOOST_TEST(routes.find(verb::get, "/").status == 200U);
}

BOOST_AUTO_TEST_CASE(names_are_decoded_once_and_whole) {
  auto routes = a_router();
  struct {
    const char* target;
    const char* name;
  } cases[] = {{"/groups/a/behaviour", "a"},
               {"/groups/a%2Fb/behaviour", "a/b"},
               {"/groups/%2561/behaviour", "%61"},
               {"/groups/a+b/behaviour?x=/y", "a+b"},
               {"/groups/caf%C3%A9/behaviour", "caf\xc3\xa9"},
               {"/groups/caf\xc3\xa9/behaviour", "caf\xc3\xa9"},

               {"/groups/../behaviour", ".."},
               {"/groups/{group}/behaviour", "{group}"}};
  for (auto& c : cases) {
    auto found = routes.find(verb::get, c.target);
    BOOST_TEST(found.status == 200U, c.target);
    BOOST_REQUIRE(found.names.size() == 1U);
    BOOST_TEST(found.names.front() == c.name);
  }
  auto two = routes.find(verb::delete_, "/groups/g/members/%40u");
  BOOST_REQUIRE(two.names.size() == 2U);
  BOOST_TEST(two.names[0] == "g");
  BOOST_TEST(two.names[1] == "@u");
}

BOOST_AUTO_TEST_CASE(a_path_that_is_none_is_told_from_one_that_is_unknown) {
  auto routes = a_router();
  for (auto target : {"/groups/%/behaviour", "/groups/%4/behaviour", "/groups/%zz/behaviour", "/%"})
    BOOST_TEST(routes.find(verb::get, target).status == 400U, target);
  for (auto target :
       {"", "*", "healthz", "/health", "/healthz/", "//healthz", "/groups", "/groups//behaviour",
        "/groups/a/b/behaviour", "/groups/a/behaviour/", "http://localhost/healthz", "?x=/healthz"})
    BOOST_TEST(routes.find(verb::get, target).status == 404U, target);
}

BOOST_AUTO_TEST_CASE(another_method_is_told_which_there_are) {
  auto routes = a_router();
  auto found = routes.find(verb::put, "/groups/a/behaviour");
  BOOST_TEST(found.status == 405U);
  BOOST_TEST(found.allow == "GET, HEAD, POST");
  BOOST_TEST(!found.to);
  BOOST_TEST(routes.find(verb::post, "/healthz").allow == "GET, HEAD");
  BOOST_TEST(routes.find(verb::get, "/groups/g/members/u").allow == "DELETE");
  BOOST_TEST(routes.find(verb::unknown, "/healthz").status == 405U);
  BOOST_TEST(routes.find(verb::unknown, "/nowhere").status == 404U);
}

BOOST_AUTO_TEST_CASE(head_is_answered_as_get_is_and_post_as_post) {
  auto routes = a_router();
  BOOST_TEST(routes.find(verb::head, "/healthz").status == 200U);
  auto found = routes.find(verb::head, "/groups/a/behaviour");
  BOOST_REQUIRE(found.to);
  BOOST_TEST((found.to->method == verb::get));
  auto post = routes.find(verb::post, "/groups/a/behaviour");
  BOOST_REQUIRE(post.to);
  BOOST_TEST(post.to->needs_key);
}

BOOST_AUTO_TEST_CASE(the_first_of_two_routes_that_fit_is_taken) {
  auto routes = a_router();
  BOOST_TEST(routes.find(verb::get, "/groups/query").to->path == "/groups/query");
  BOOST_TEST(routes.find(verb::get, "/groups/other").to->path == "/groups/{group}");
}

BOOST_AUTO_TEST_CASE(a_path_may_have_so_many_segments) {
  std::string path;
  for (std::size_t i = 0; i < router::segments_max; ++i)
    path += "/a";
  router routes({{verb::get, path, false, nothing}});
  BOOST_TEST(routes.find(verb::get, path).status == 200U);
  BOOST_TEST(routes.find(verb::get, path + "/a").status == 404U);
  BOOST_TEST(routes.find(verb::get, std::string(16 * 1024, '/')).status == 404U);
}

BOOST_AUTO_TEST_SUITE_END()
