// What the generator makes of what it hears: that everything sent is accounted for, once. The
// clients of these fleets are not connected; what they send goes nowhere.
#include "multicast.hpp"
#include "publish.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace load;

namespace {

const fleet::shape one_group_of_4{.ports = {}, .clients = 4, .group_size = 4};

/// The delivery of a direct message of 100 bytes, or of what carries the same data.
std::string direct_from(std::size_t sender) {
  const auto data =
      fill_to(beckon_v1.send, {.uid = {}, .group = {}, .to = "u1", .id = {}, .data = {}}, 'm', 100)
          .data;
  return R"({"type":"direct","group":"g0","from":")" + fleet::uid(sender) + R"(","at":1,"data":")" +
         data + R"("})";
}

std::string publication_from(std::size_t sender) {
  const auto data = fill_to(beckon_v1.publish,
                            {.uid = {}, .group = "g0", .to = {}, .id = {}, .data = {}}, '0', 100)
                        .data;
  return R"({"type":"message","group":"g0","from":")" + fleet::uid(sender) +
         R"(","at":1,"data":")" + data + R"("})";
}

} // namespace

BOOST_AUTO_TEST_SUITE(load_multicast)

BOOST_AUTO_TEST_CASE(the_next_request_goes_when_all_have_got_the_one_before) {
  fleet clients(beckon_v1, one_group_of_4);
  multicast what(clients, {.messages_max = 5, .recipients = 2}, false);
  what.start(); // The four clients send one each; one is left of five.
  what.on_delivery(1, direct_from(0));
  BOOST_TEST(what.counted().sent == 4u);
  what.on_delivery(2, direct_from(0));
  BOOST_TEST(what.counted().sent == 5u);
  BOOST_TEST(what.counted().delivered == 2u);
  BOOST_TEST(clients.found().total() == 0u);
  what.audit(); // Four requests under way, of two deliveries each.
  BOOST_TEST(clients.found().lost == 8u);
}

BOOST_AUTO_TEST_CASE(a_delivery_that_comes_twice_or_to_another_is_noticed) {
  fleet clients(beckon_v1, one_group_of_4);
  multicast what(clients, {.recipients = 2}, false);
  what.start();
  what.on_delivery(1, direct_from(0));
  what.on_delivery(1, direct_from(0));
  BOOST_TEST(clients.found().unexpected == 1u);
  what.on_delivery(3, direct_from(0)); // Not one of the two after it.
  BOOST_TEST(clients.found().unexpected == 2u);
  what.on_delivery(0, direct_from(0));
  BOOST_TEST(clients.found().unexpected == 3u);
  what.on_delivery(1, R"({"type":"direct"})");
  BOOST_TEST(clients.found().unexpected == 4u);
}

BOOST_AUTO_TEST_CASE(a_delivery_to_another_group_is_noticed) {
  fleet clients(beckon_v1, {.ports = {}, .clients = 8, .group_size = 4});
  multicast what(clients, {.recipients = 2}, false);
  what.start();
  what.on_delivery(5, direct_from(0)); // The first after the sender, but of the next group.
  BOOST_TEST(clients.found().unexpected == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(load_publish)

BOOST_AUTO_TEST_CASE(the_next_publication_does_not_wait_for_the_slow) {
  fleet clients(beckon_v1, one_group_of_4);
  publish what(clients, {.window = 1, .messages_max = 2, .slow = 1});
  what.start();
  what.on_delivery(1, publication_from(0));
  BOOST_TEST(what.counted().sent == 1u);
  what.on_delivery(2, publication_from(0));
  BOOST_TEST(what.counted().sent == 2u);
  BOOST_TEST(what.outstanding() == 1u + 3u); // The slow one's first, and all of the second.
}

BOOST_AUTO_TEST_CASE(what_a_slow_reader_was_told_to_have_missed_is_not_lost) {
  fleet clients(beckon_v1, one_group_of_4);
  publish what(clients, {.window = 1, .messages_max = 1, .slow = 1});
  what.start();
  what.on_delivery(1, publication_from(0));
  what.on_delivery(2, publication_from(0));
  what.audit();
  BOOST_TEST(clients.found().lost == 1u);
  BOOST_TEST(what.on_gap(3, 1));
  BOOST_TEST(what.outstanding() == 0u);
  what.audit();
  BOOST_TEST(clients.found().total() == 1u); // As before.
}

BOOST_AUTO_TEST_CASE(one_that_reads_must_not_miss_anything) {
  fleet clients(beckon_v1, one_group_of_4);
  publish what(clients, {.window = 1, .messages_max = 1, .slow = 1});
  BOOST_TEST(!what.on_gap(1, 1));
}

BOOST_AUTO_TEST_CASE(a_server_that_echoes_owes_the_publisher_its_own) {
  const auto& words = *find_dialect("nchan");
  fleet clients(words, one_group_of_4);
  publish what(clients, {.window = 1, .messages_max = 1});
  what.start();
  const auto text =
      fill_to(words.publish, {.uid = "u0", .group = "g0", .to = {}, .id = {}, .data = {}}, '0', 100)
          .text;
  for (const std::size_t receiver : {1U, 2U, 3U})
    what.on_delivery(receiver, text);
  BOOST_TEST(what.outstanding() == 1u);
  what.on_delivery(0, text);
  BOOST_TEST(what.is_done());
  what.audit();
  BOOST_TEST(clients.found().total() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
