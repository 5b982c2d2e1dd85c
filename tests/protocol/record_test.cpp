#include "protocol/record.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace beckon::protocol;

namespace {

/// The only record of a batch.
raw_record only(std::string_view batch) {
  raw_record r;
  BOOST_REQUIRE(take_record(batch, r));
  BOOST_TEST(batch.empty());
  return r;
}

template <class Record>
std::string encoded(const Record& r) {
  std::string batch;
  append(batch, r);
  return batch;
}

template <class Record>
Record again(const Record& r, std::string& batch) {
  append(batch, r);
  auto raw = only(batch);
  BOOST_TEST(raw.version == record_version);
  BOOST_TEST(raw.kind == static_cast<std::uint8_t>(Record::kind));
  Record out;
  BOOST_REQUIRE(read(raw.fields, out));
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_record)

BOOST_AUTO_TEST_CASE(a_member_comes_back_as_it_was) {
  std::string batch;
  auto r = again(member_record{"room", "bob", 3, UINT64_MAX, "{\"a\":1}", 7, true}, batch);
  BOOST_TEST(r.group == "room");
  BOOST_TEST(r.uid == "bob");
  BOOST_TEST(r.sessions == 3U);
  BOOST_TEST(r.stamp == UINT64_MAX);
  BOOST_TEST(r.meta == "{\"a\":1}");
  BOOST_TEST(r.meta_stamp == 7U);
  BOOST_TEST(r.is_bot);
}

BOOST_AUTO_TEST_CASE(a_member_of_an_earlier_version_is_no_bot) {
  auto batch = encoded(member_record{"room", "bob", 3, 4, "5", 6, true});
  auto fields = only(batch).fields;
  fields.remove_suffix(1); // it ended here before members were told apart
  member_record r;
  BOOST_REQUIRE(read(fields, r));
  BOOST_TEST(r.meta_stamp == 6U);
  BOOST_TEST(!r.is_bot);
}

BOOST_AUTO_TEST_CASE(a_route_comes_back_as_it_was) {
  std::string batch;
  route_record sent{.id = 300,
                    .by = 1,
                    .group = "g",
                    .to = {"a", "b"},
                    .is_request = true,
                    .confirm = 2,
                    .number = 9'007'199'254'740'991,
                    .ttl_ms = 5000,
                    .text = "{\"type\":\"direct\"}",
                    .binary = {}};
  auto r = again(sent, batch);
  BOOST_TEST(r.id == 300U);
  BOOST_TEST(r.by == 1U);
  BOOST_TEST(r.to == sent.to, boost::test_tools::per_element());
  BOOST_TEST(r.is_request);
  BOOST_TEST(r.confirm == 2U);
  BOOST_TEST(r.number == sent.number);
  BOOST_TEST(r.ttl_ms == 5000U);
  BOOST_TEST(r.text == sent.text);
  BOOST_TEST(r.binary.empty());
}

BOOST_AUTO_TEST_CASE(a_receipt_comes_back_as_it_was) {
  std::string batch;
  auto r = again(receipt_record{1, true, {{0, outcome::offline}, {7, outcome::overloaded}}}, batch);
  BOOST_TEST(r.gone);
  BOOST_REQUIRE(r.others.size() == 2U);
  BOOST_TEST(r.others[1].recipient == 7U);
  BOOST_TEST((r.others[1].what == outcome::overloaded));
}

BOOST_AUTO_TEST_CASE(the_others_come_back_as_they_were) {
  std::string batch;
  auto a = again(answer_record{5, "\"bob\"", "[1]", true, "no", "not today"}, batch);
  BOOST_TEST(a.from == "\"bob\"");
  BOOST_TEST(a.data == "[1]");
  BOOST_TEST(a.opaque);
  BOOST_TEST(a.error_code == "no");
  BOOST_TEST(a.error_message == "not today");
  batch.clear();
  auto p = again(publication_record{6, "g", {"x"}, "text", "binary"}, batch);
  BOOST_TEST(p.except.size() == 1U);
  BOOST_TEST(p.binary == "binary");
  batch.clear();
  BOOST_TEST(again(count_record{1, 1000}, batch).count == 1000U);
  batch.clear();
  BOOST_TEST(again(gap_record{"g", 4}, batch).lost == 4U);
  batch.clear();
  BOOST_TEST(again(credit_record{65'536}, batch).bytes == 65'536U);
  batch.clear();
  BOOST_TEST(again(user_record{"alice", 2}, batch).user == "alice");
  batch.clear();
  BOOST_TEST(again(ping_record{12}, batch).at == 12U);
  batch.clear();
  BOOST_TEST(again(pong_record{13}, batch).at == 13U);
}

BOOST_AUTO_TEST_CASE(a_batch_tells_its_link_and_its_records_in_order) {
  std::string batch;
  start_batch(batch, 0xFEDCBA9876543210);
  append(batch, ping_record{1});
  append(batch, synced_record{});
  append(batch, goodbye_record{});
  std::string_view rest = batch;
  BOOST_TEST(take_epoch(rest) == 0xFEDCBA9876543210U);
  std::vector<int> kinds;
  for (raw_record r; take_record(rest, r);)
    kinds.push_back(r.kind);
  BOOST_TEST(kinds == (std::vector<int>{11, 3, 13}), boost::test_tools::per_element());
  BOOST_TEST(rest.empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_batch_has_no_epoch) {
  std::string_view rest = "1234567";
  BOOST_TEST(take_epoch(rest) == 0U);
}

BOOST_AUTO_TEST_CASE(a_record_that_is_cut_off_is_none) {
  auto whole = encoded(member_record{"room", "bob", 1, 2, "3", 4, false});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    auto rest = std::string_view(whole).substr(0, length);
    raw_record r;
    BOOST_TEST(!take_record(rest, r));
    BOOST_TEST(rest.size() == length);
  }
}

BOOST_AUTO_TEST_CASE(fields_that_are_cut_off_are_refused) {
  auto whole = encoded(route_record{1, 0, "g", {"a", "b"}, false, 0, 0, 5, "text", "binary"});
  auto fields = only(whole).fields;
  for (std::size_t length = 0; length < fields.size(); ++length) {
    route_record r;
    BOOST_TEST(!read(fields.substr(0, length), r));
  }
}

BOOST_AUTO_TEST_CASE(a_list_cannot_ask_for_more_entries_than_it_has_bytes) {
  receipt_record r;
  std::string fields{"\x01\x00\xFF\xFF\xFF\xFF\x0F", 7}; // four thousand million entries
  BOOST_TEST(!read(fields, r));
  BOOST_TEST(r.others.capacity() == 0U);
}

BOOST_AUTO_TEST_CASE(recipients_of_a_route_are_bounded) {
  auto reads = [](std::size_t recipients) {
    route_record sent{.group = "g", .to = {}, .text = "{}", .binary = {}};
    sent.to.assign(recipients, "a");
    auto batch = encoded(sent);
    route_record r;
    return read(only(batch).fields, r);
  };
  BOOST_TEST(!reads(0));
  BOOST_TEST(reads(recipients_of_a_record_max));
  BOOST_TEST(!reads(recipients_of_a_record_max + 1));
}

BOOST_AUTO_TEST_CASE(a_number_of_more_than_64_bits_is_refused) {
  credit_record r;
  BOOST_TEST(!read(std::string(11, '\xFF'), r));
}

BOOST_AUTO_TEST_CASE(fields_of_a_later_version_are_ignored) {
  auto fields = std::string(only(encoded(gap_record{"g", 4})).fields) + "later";
  gap_record r;
  BOOST_REQUIRE(read(fields, r));
  BOOST_TEST(r.lost == 4U);
}

BOOST_AUTO_TEST_CASE(an_outcome_of_a_later_version_is_unknown) {
  receipt_record r;
  BOOST_REQUIRE(read(std::string_view("\x01\x00\x01\x00\x63", 5), r));
  BOOST_TEST((r.others.at(0).what == outcome::unknown));
}

BOOST_AUTO_TEST_SUITE_END()
