// A node with a good certificate that means ill: what it can make this one do, and what not
// (docs/cluster.md, what a node is trusted with).

#include "actors/hub.hpp"
#include "protocol/delivery.hpp"
#include "tests/actors/wire.hpp"
#include "tests/kit/recorder.hpp"
#include "tests/simulation/cluster.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::testing;
using namespace std::chrono_literals;
using protocol::code;
using protocol::session_policy;

namespace {

constexpr auto u64_max = std::numeric_limits<std::uint64_t>::max();

/// Stands on the honest node for the other one's hub: what is said to it is kept.
class far_end final : public caf::event_based_actor {
public:
  far_end(caf::actor_config& config, std::string& heard)
      : caf::event_based_actor(config), heard_(heard) {}
  caf::behavior make_behavior() override {
    return {[this](const std::string& batch) { heard_ += batch.substr(sizeof(std::uint64_t)); }};
  }

private:
  std::string& heard_;
};

/// One honest node, and another that is linked with it and says what it likes.
struct mallory {
  explicit mallory(actors::hub_options options = {}, session_policy policy = session_policy::multi)
      : nodes(1, {{"g", policy}}, false, options), here(nodes[0]) {
    here.enter(0);
    hub = here.system().spawn<far_end, caf::hidden>(heard);
    link("mallory", 77);
  }
  ~mallory() { caf::anon_send_exit(hub, caf::exit_reason::kill); }

  void link(const std::string& name, std::uint64_t epoch) {
    here.enter(0);
    caf::anon_send(here.node.hub, actors::link_up{.link = epoch,
                                                  .peer = name,
                                                  .incarnation = 1,
                                                  .epoch = epoch,
                                                  .hub = hub,
                                                  .dealt_with = dealt_with});
    settle();
  }
  template <class... Records>
  void say(const Records&... records) {
    std::string batch;
    protocol::start_batch(batch, 77);
    (protocol::append(batch, records), ...);
    here.arrive(hub, here.node.hub, std::move(batch));
    settle();
  }
  void settle() { here.settle(); }
  void pass(std::chrono::milliseconds time) { nodes.settle_for(time); }

  /// Empty: the link stands.
  std::string lost() {
    for (auto& p : here.node.cluster.load()->peers)
      if (p.name == "mallory")
        return p.state == actors::peer_view::link::lost ? p.last_error : std::string{};
    return "unknown";
  }
  std::size_t in_flight() {
    caf::anon_send(here.node.hub, actors::beat{}); // shows how things are
    settle();
    return here.node.cluster.load()->peers.at(0).in_flight_bytes;
  }
  /// The records of this kind that came since the last look.
  template <class Record>
  std::vector<Record> came() {
    taken = std::exchange(heard, {});
    std::vector<Record> found;
    std::string_view rest = taken;
    for (protocol::raw_record r; protocol::take_record(rest, r);)
      if (r.kind == static_cast<std::uint8_t>(Record::kind))
        BOOST_TEST_REQUIRE(protocol::read(r.fields, found.emplace_back()));
    return found;
  }

  std::string heard, taken;
  std::shared_ptr<std::atomic<std::uint64_t>> dealt_with =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  cluster nodes;
  stage& here;
  caf::actor hub;
};

struct client : recorder {
  client(mallory& of, std::string user)
      : recorder(of.here, 0, std::move(user), std::vector<std::string>{"g"}), of_(of) {
    of_.settle();
    said();
  }
  ~client() override {
    end();
    of_.settle();
  }
  std::string tell(std::string line) {
    write(std::move(line));
    of_.settle();
    return said();
  }

private:
  mallory& of_;
};

protocol::member_record member(std::string_view uid, std::uint64_t stamp = 1) {
  return {.group = "g", .uid = uid, .sessions = 1, .stamp = stamp, .meta = {}};
}

protocol::route_record to_alice(std::string_view text, std::uint64_t id = 5) {
  return {.id = id, .group = "g", .to = {"alice"}, .ttl_ms = 5000, .text = text, .binary = {}};
}

const std::string good_text = R"({"type":"direct","group":"g","from":"eve","at":1,"data":1})";

const std::string send_to_bob = R"({"type":"send","id":1,"group":"g","to":"bob","data":1})";

} // namespace

BOOST_AUTO_TEST_SUITE(actors_hub_trust)

// ---- what it says ----

BOOST_AUTO_TEST_CASE(its_own_members_speak) {
  mallory of;
  client alice(of, "alice");
  of.say(member("eve"), to_alice(good_text));
  BOOST_TEST(alice.said() == good_text + "\n");
  BOOST_TEST(of.came<protocol::receipt_record>().at(0).others.empty());
  BOOST_TEST(of.lost() == "");
}

BOOST_AUTO_TEST_CASE(a_text_that_is_no_delivery_reaches_nobody_and_ends_the_link) {
  const std::string bad[] = {
      "{\"type\":\"direct\",\"group\":\"g\",\"from\":\"eve\",\"data\":\"\xff\"}",
      "{\"type\":\"direct\",\"group\":\"g\",\"from\":\"eve\",\n\"data\":1}",
      good_text + "\n" + good_text,
      R"({"type":"bye","code":"draining","reconnect":false})",
      R"({"type":"message","group":"g","from":"eve","data":1})",
      R"({"type":"request","group":"g","from":"eve","request":1,"data":1})",
      R"({"type":"direct","group":"other","from":"eve","data":1})",
      R"({"type":"direct","from":"eve","data":1})",
      R"({"type":"direct","group":"g","from":"eve","data":)",
      "x",
  };
  for (auto& text : bad)
    BOOST_TEST_CONTEXT(text) {
      mallory of;
      client alice(of, "alice");
      of.say(member("eve"), to_alice(text));
      BOOST_TEST(alice.said() == "");
      BOOST_TEST(of.lost() == "bad record");
      mallory again;
      client watcher(again, "alice");
      again.say(member("eve"),
                protocol::publication_record{
                    .id = 5, .group = "g", .except = {}, .text = text, .binary = {}});
      auto is_message = text.starts_with(R"({"type":"message")");
      BOOST_TEST((watcher.said() == "") != is_message);
      BOOST_TEST(again.lost() == (is_message ? "" : "bad record"));
    }
}

BOOST_AUTO_TEST_CASE(a_binary_form_is_checked_as_well) {
  auto with = [](std::string header) {
    return std::string{static_cast<char>(header.size() >> 8), static_cast<char>(header.size())} +
           header + "payload";
  };
  const std::string good = R"({"type":"direct","group":"g","from":"eve","at":1})";
  const std::string texts[] = {with(R"({"type":"bye"})"), with("{\"x\":\"\xff\"}"), with(""),
                               "\x7f\x7f{}", "x"};
  for (auto& binary : texts) {
    mallory of;
    client alice(of, "alice");
    auto r = to_alice({});
    r.binary = binary;
    of.say(member("eve"), r);
    BOOST_TEST(alice.said() == "");
    BOOST_TEST(of.lost() == "bad record");
  }
  mallory of;
  client alice(of, "alice");
  auto r = to_alice({});
  auto binary = with(good);
  r.binary = binary;
  of.say(member("eve"), r);
  BOOST_TEST(alice.said() ==
             R"({"type":"direct","group":"g","from":"eve","at":1,"base64":"cGF5bG9hZA=="})"
             "\n");
}

BOOST_AUTO_TEST_CASE(nobody_speaks_in_the_name_of_another_nodes_member) {
  mallory of;
  client alice(of, "alice"), carol(of, "carol");
  auto forged = R"({"type":"direct","group":"g","from":"carol","at":1,"data":1})";
  of.say(protocol::synced_record{}, to_alice(forged));
  BOOST_TEST(alice.said() == "");
  auto receipt = of.came<protocol::receipt_record>();
  BOOST_TEST_REQUIRE(receipt.size() == 1U);
  BOOST_TEST((receipt[0].others.at(0).what == protocol::outcome::denied));
  of.say(protocol::publication_record{
      .id = 6,
      .group = "g",
      .except = {},
      .text = R"({"type":"message","group":"g","from":"carol","at":1,"data":1})",
      .binary = {}});
  BOOST_TEST(alice.said() == gap("g", 1)); // she learns that there was something
  BOOST_TEST(of.came<protocol::count_record>().at(0).count == 0U);
  protocol::route_record to_user{.id = 7,
                                 .by = 1,
                                 .group = {},
                                 .to = {"alice"},
                                 .ttl_ms = 5000,
                                 .text = R"({"type":"direct","from":"carol","at":1,"data":1})",
                                 .binary = {}};
  of.say(to_user);
  BOOST_TEST(alice.said() == "");
  BOOST_TEST(
      (of.came<protocol::receipt_record>().at(0).others.at(0).what == protocol::outcome::denied));
  // Who has sessions on both may speak from both.
  of.say(member("carol"), protocol::user_record{"carol", 1}, to_alice(forged), to_user);
  auto said = alice.said(); // by two ways
  BOOST_TEST(said.find(forged) != std::string::npos);
  BOOST_TEST(said.find(to_user.text) != std::string::npos);
  BOOST_TEST(of.lost() == "");
}

BOOST_AUTO_TEST_CASE(before_it_has_told_its_roster_nobody_is_called_a_forger) {
  mallory of;
  client alice(of, "alice"), carol(of, "carol");
  auto unheard = R"({"type":"direct","group":"g","from":"carol","at":1,"data":1})";
  for (auto is_synced : {false, true}) {
    if (is_synced)
      of.say(protocol::synced_record{});
    of.say(to_alice(unheard));
    BOOST_TEST(alice.said() == "");
    auto told = of.came<protocol::receipt_record>();
    BOOST_TEST_REQUIRE(told.size() == 1U);
    BOOST_TEST((told[0].others.at(0).what ==
                (is_synced ? protocol::outcome::denied : protocol::outcome::overloaded)));
  }
}

BOOST_AUTO_TEST_CASE(no_message_overtakes_what_its_sender_is) {
  actors::hub_options small;
  small.window_bytes = 16 * 1024;
  small.heartbeat = 1h, small.timeout = 2h;
  mallory of(small);
  of.say(member("eve"));
  std::vector<std::unique_ptr<recorder>> many; // told before the members of "g"
  for (int i = 0; i < 60; ++i) {
    many.push_back(std::make_unique<recorder>(of.here, 0, "m" + std::to_string(i),
                                              std::vector<std::string>{"a"}));
    of.settle();
    many.back()->write(R"({"type":"update","group":"a","meta":")" + std::string(900, 'x') + "\"}");
    of.settle();
  }
  client alice(of, "alice");
  of.came<protocol::member_record>();
  std::string batch; // credit comes, and alice's message before the roster goes on
  protocol::start_batch(batch, 77);
  protocol::append(batch, protocol::credit_record{20'000});
  of.here.arrive(of.hub, of.here.node.hub, std::move(batch));
  alice.write(send_to_bob.substr(0, send_to_bob.find("bob")) + "eve\",\"data\":1}");
  of.here.settle_without(of.here.node.hub);
  of.settle();
  BOOST_TEST(alice.said() == error(1, code::not_delivered, R"("outcomes":{"eve":"overloaded"})"));
  BOOST_TEST(of.came<protocol::route_record>().empty());
  for (auto& m : many)
    m->end();
  of.settle();
}

BOOST_AUTO_TEST_CASE(a_user_that_has_just_gone_may_have_spoken_before) {
  mallory of;
  client alice(of, "alice"), carol(of, "carol");
  const protocol::route_record to_user{.id = 7,
                                       .by = 1,
                                       .group = {},
                                       .to = {"alice"},
                                       .ttl_ms = 5000,
                                       .text =
                                           R"({"type":"direct","from":"carol","at":1,"data":1})",
                                       .binary = {}};
  of.say(protocol::user_record{"carol", 1});
  of.say(protocol::user_record{"carol", 0}, to_user);
  BOOST_TEST(alice.said() == std::string(to_user.text) + "\n");
  of.pass(1100ms);
  of.say(to_user);
  BOOST_TEST(alice.said() == "");
}

BOOST_AUTO_TEST_CASE(a_member_that_was_just_replaced_may_have_spoken_before) {
  mallory of({}, session_policy::replace);
  client alice(of, "alice");
  of.say(member("carol"));
  client carol(of, "carol");
  const auto text = R"({"type":"direct","group":"g","from":"carol","at":1,"data":1})";
  of.say(protocol::member_record{.group = "g", .uid = "carol", .meta = {}}, to_alice(text));
  BOOST_TEST(alice.said() == std::string(text) + "\n");
  of.pass(1100ms);
  of.say(to_alice(text));
  BOOST_TEST(alice.said() == "");
}

BOOST_AUTO_TEST_CASE(a_meta_that_is_no_json_ends_the_link_and_a_long_one_is_left_out) {
  auto show = [](mallory& of) {
    client alice(of, "alice");
    return alice.tell(R"({"type":"update","id":1,"group":"g","presence":"full"})");
  };
  for (std::string_view meta : {"{", "\"\xff\"", "1\n", "1,\"x\":2"}) {
    mallory of;
    auto eve = member("eve");
    eve.meta = meta, eve.meta_stamp = 1;
    of.say(eve);
    BOOST_TEST(of.lost() == "bad record");
    BOOST_TEST(show(of).find("eve") == std::string::npos);
  }
  mallory of;
  auto eve = member("eve");
  auto longer = '"' + std::string(of.here.node.bounds.meta_bytes_max, 'x') + '"';
  eve.meta = longer, eve.meta_stamp = 1;
  of.say(eve);
  BOOST_TEST(show(of).find(R"("eve":{"sessions":1})") != std::string::npos);
}

// ---- numbers and times ----

BOOST_AUTO_TEST_CASE(a_clock_of_a_far_future_does_not_win_for_ever) {
  mallory of({}, session_policy::replace);
  of.say(member("alice", u64_max));
  client alice(of, "alice"); // newer than what the other node claims
  auto update = R"({"type":"update","id":1,"group":"g","meta":7,"presence":"full"})";
  BOOST_TEST(alice.tell(update).find(R"("alice":{"meta":7,"sessions":1})") != std::string::npos);
  auto told = of.came<protocol::member_record>();
  BOOST_TEST_REQUIRE(!told.empty());
  auto hour = static_cast<std::uint64_t>(60 * 60 * 1000) << 16;
  BOOST_TEST(told.back().stamp <
             (static_cast<std::uint64_t>(stage::wall_ms_at_start) << 16) + 2 * hour);
  BOOST_TEST(told.back().stamp > (static_cast<std::uint64_t>(stage::wall_ms_at_start) << 16));
  auto meta = member("alice", 1);
  meta.meta = "8", meta.meta_stamp = u64_max;
  of.say(meta);
  BOOST_TEST(alice.tell(update).find(R"("meta":7)") != std::string::npos);
  BOOST_TEST(of.lost() == "");
}

BOOST_AUTO_TEST_CASE(sessions_without_number_are_some) {
  mallory of;
  client alice(of, "alice");
  auto eve = member("eve"), more = member("alice");
  eve.sessions = more.sessions = u64_max;
  of.say(eve, more);
  auto shown = alice.tell(R"({"type":"update","id":1,"group":"g","presence":"full"})");
  of.pass(100ms);
  shown = alice.tell(R"({"type":"roster","id":2,"group":"g"})");
  BOOST_TEST(shown.find(R"("eve":{"sessions":65535})") != std::string::npos, shown);
  BOOST_TEST(shown.find(R"("alice":{"sessions":65536})") != std::string::npos, shown);
}

BOOST_AUTO_TEST_CASE(a_ban_to_the_end_of_time_is_a_long_one) {
  for (auto until : {u64_max, u64_max / 2, u64_max / 2 + 1}) {
    mallory of;
    client alice(of, "alice");
    of.say(protocol::removal_record{"g", "alice", until});
    BOOST_TEST(alice.said() == left("g", "kicked"));
    of.pass(100ms);
    BOOST_TEST(alice.tell(R"({"type":"join","id":1,"group":"g"})") == error(1, code::denied));
    of.say(protocol::unban_record{"g", "alice"});
    BOOST_TEST(alice.tell(R"({"type":"join","id":2,"group":"g"})").find("ok") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_gap_and_a_count_are_numbers_that_clients_can_read) {
  mallory of;
  of.say(member("eve"));
  client alice(of, "alice");
  of.say(protocol::gap_record{"g", u64_max}, protocol::gap_record{"g", u64_max});
  auto said = alice.said();
  BOOST_TEST(said.find(gap("g", 0xFFFFFFFF)) != std::string::npos, said);
  alice.write(R"({"type":"publish","id":1,"group":"g","data":1})");
  of.settle();
  of.say(protocol::count_record{of.came<protocol::publication_record>().at(0).id, u64_max});
  BOOST_TEST(alice.said() == ok(1, "\"count\":4294967295"));
}

BOOST_AUTO_TEST_CASE(a_number_that_no_client_can_repeat_ends_the_link) {
  mallory of;
  client alice(of, "alice");
  auto r = to_alice(good_text);
  r.number = protocol::id_max + 1;
  of.say(member("eve"), r);
  BOOST_TEST(of.lost() == "bad record");
  BOOST_TEST(alice.said() == "");
}

BOOST_AUTO_TEST_CASE(only_the_last_ping_has_a_pong) {
  mallory of;
  of.pass(600ms); // a ping has left
  of.say(protocol::pong_record{0});
  of.in_flight();
  BOOST_TEST(of.here.node.cluster.load()->peers.at(0).lag.count() == 0);
}

// ---- answers ----

BOOST_AUTO_TEST_CASE(only_what_was_asked_is_answered_as_it_was_asked) {
  mallory of;
  of.say(member("bob"));
  client alice(of, "alice");
  BOOST_TEST(alice.tell(send_to_bob) == "");
  auto id = of.came<protocol::route_record>().at(0).id;
  of.say(protocol::answer_record{id, "\"bob\"", "1", false, {}, {}});
  BOOST_TEST(alice.said() == error(1, code::not_delivered, R"("outcomes":{"bob":"unknown"})"));
  BOOST_TEST(of.lost() == "bad record");
  std::uint64_t unknown = 0;
  for (auto& home : of.here.node.homes)
    unknown += home->count
                   .messages[static_cast<std::size_t>(actors::message_kind::send)]
                            [static_cast<std::size_t>(protocol::outcome::unknown)]
                   .value();
  BOOST_TEST(unknown == 1U);
}

BOOST_AUTO_TEST_CASE(a_receipt_does_not_end_a_publication_and_a_count_no_message) {
  for (auto counts : {false, true}) {
    mallory of;
    of.say(member("bob"));
    client alice(of, "alice");
    alice.write(counts ? send_to_bob : R"({"type":"publish","id":1,"group":"g","data":1})");
    of.settle();
    if (counts)
      of.say(protocol::count_record{of.came<protocol::route_record>().at(0).id, 3});
    else
      of.say(protocol::receipt_record{of.came<protocol::publication_record>().at(0).id, true, {}});
    BOOST_TEST(of.lost() == "bad record");
    BOOST_TEST(alice.said() ==
               (counts ? error(1, code::not_delivered, R"("outcomes":{"bob":"unknown"})")
                       : ok(1, "\"count\":0")));
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_none_reaches_nobody) {
  const protocol::answer_record bad[] = {
      {0, "bob", "1", false, {}, {}},
      {0, "\"bob\"", "{", false, {}, {}},
      {0, "\"bob\"", "1\n2", false, {}, {}},
      {0, "\"\xff\"", "1", false, {}, {}},
      {0, "1", "1", false, {}, {}},
      {0, "\"bob\"\n", "1", false, {}, {}},
      {0, {}, {}, false, "Not a code", "x"},
      {0, {}, {}, false, "denied", "\xff"},
      {0, "\"b\",\"x\":1", "1", true, {}, {}},
  };
  for (auto r : bad) {
    mallory of;
    of.say(member("bob"));
    client alice(of, "alice");
    alice.tell(R"({"type":"request","id":3,"group":"g","to":"bob","data":1})");
    r.id = of.came<protocol::route_record>().at(0).id;
    of.say(r);
    BOOST_TEST(alice.said() == error(3, code::callee_gone));
    BOOST_TEST(of.lost() == "bad record");
  }
}

BOOST_AUTO_TEST_CASE(an_answer_beyond_the_limit_of_messages_is_too_large) {
  mallory of;
  of.say(member("bob"));
  client alice(of, "alice");
  alice.tell(R"({"type":"request","id":3,"group":"g","to":"bob","data":1})");
  auto data = '"' + std::string(of.here.node.bounds.frame_bytes_max, 'x') + '"';
  of.say(protocol::answer_record{
      of.came<protocol::route_record>().at(0).id, "\"bob\"", data, false, {}, {}});
  BOOST_TEST(alice.said() == error(3, code::too_large));
  BOOST_TEST(of.lost() == "");
}

// ---- what it makes this node hold ----

BOOST_AUTO_TEST_CASE(a_peer_that_asks_and_does_not_read_is_cut_off) {
  actors::hub_options small;
  small.window_bytes = 16 * 1024;
  small.heartbeat = 1h, small.timeout = 2h;
  mallory of(small);
  std::size_t most = 0, asked = 0;
  for (; asked < 100'000 && of.lost().empty(); ++asked) {
    of.say(protocol::ping_record{asked});
    most = std::max(most, of.heard.size());
  }
  BOOST_TEST(of.lost() == "reads nothing");
  BOOST_TEST(most < 4 * small.window_bytes);
  BOOST_TEST(asked > 1000U);
}

BOOST_AUTO_TEST_CASE(replies_go_no_further_than_the_reserve) {
  actors::hub_options small;
  small.window_bytes = 16 * 1024;
  mallory of(small);
  of.say(member("eve"));
  client alice(of, "alice");
  auto text = R"({"type":"request","group":"g","from":"eve","at":1,"request":9,"data":1})";
  std::size_t replied = 0, refused = 0;
  for (std::uint64_t id = 1; id <= 30; ++id) {
    auto r = to_alice(text, id);
    r.is_request = true, r.number = id;
    of.say(r);
    alice.said();
    alice.tell(R"({"type":"reply","request":)" + std::to_string(id) + ",\"data\":\"" +
               std::string(1000, 'x') + "\"}");
  }
  for (auto& a : of.came<protocol::answer_record>()) {
    replied += a.error_code.empty();
    refused += a.error_code == "overloaded";
  }
  BOOST_TEST(replied >= 15U);
  BOOST_TEST(replied <= 18U); // 16 KiB and an eighth
  BOOST_TEST(refused == 30 - replied);
}

BOOST_AUTO_TEST_CASE(credit_is_given_for_what_groups_and_relays_have_dealt_with) {
  actors::hub_options patient;
  patient.timeout = 2h;
  mallory of(patient);
  client alice(of, "alice");
  of.say(member("eve"));
  of.pass(1100ms); // the heartbeats acknowledge what was said so far
  of.came<protocol::credit_record>();
  auto credit = [&] {
    std::uint64_t sum = 0;
    for (auto& r : of.came<protocol::credit_record>())
      sum += r.bytes;
    return sum;
  };
  auto text = R"({"type":"message","group":"g","from":"eve","at":1,"data":")" +
              std::string(10'000, 'x') + "\"}";
  auto base = of.dealt_with->load();
  std::uint64_t said = 0;
  for (int i = 0; i < 100; ++i) {
    std::string batch;
    protocol::start_batch(batch, 77);
    protocol::append(batch, protocol::publication_record{
                                .id = 0, .group = "g", .except = {}, .text = text, .binary = {}});
    said += batch.size();
    of.here.arrive(of.hub, of.here.node.hub, std::move(batch));
    of.here.settle_without(of.here.group_named("g"));
  }
  BOOST_TEST(said > 1'000'000U);
  BOOST_TEST(credit() < 10'000U);
  BOOST_TEST(of.dealt_with->load() - base < 10'000U);
  of.settle();
  of.pass(1s);
  BOOST_TEST(credit() == said);
  BOOST_TEST(of.dealt_with->load() - base == said);
}

BOOST_AUTO_TEST_CASE(a_group_that_fails_holds_no_credit) {
  actors::hub_options patient;
  patient.timeout = 2h;
  mallory of(patient);
  client alice(of, "alice");
  of.say(member("eve"));
  of.pass(600ms);
  auto base = of.dealt_with->load();
  auto text = R"({"type":"message","group":"g","from":"eve","at":1,"data":")" +
              std::string(900'000, 'x') + "\"}";
  std::uint64_t said = 0;
  for (int i = 0; i < 2; ++i) { // more than a MiB: behind it stands a checkpoint
    std::string batch;
    protocol::start_batch(batch, 77);
    protocol::append(batch, protocol::publication_record{
                                .id = 0, .group = "g", .except = {}, .text = text, .binary = {}});
    said += batch.size();
    of.here.arrive(of.hub, of.here.node.hub, std::move(batch));
    of.here.settle_without(of.here.group_named("g"));
  }
  BOOST_TEST(of.dealt_with->load() - base < 100U);
  of.here.kill_group("g");
  of.settle();
  BOOST_TEST(of.dealt_with->load() - base == said);
}

BOOST_AUTO_TEST_CASE(a_group_that_fails_before_its_checkpoint_holds_no_credit) {
  actors::hub_options patient;
  patient.timeout = 2h;
  mallory of(patient);
  client alice(of, "alice");
  of.say(member("eve"));
  of.pass(600ms);
  auto base = of.dealt_with->load();
  auto text = R"({"type":"message","group":"g","from":"eve","at":1,"data":")" +
              std::string(500'000, 'x') + "\"}";
  std::string batch;
  protocol::start_batch(batch, 77);
  protocol::append(batch, protocol::publication_record{
                              .id = 0, .group = "g", .except = {}, .text = text, .binary = {}});
  auto said = batch.size();
  of.here.arrive(of.hub, of.here.node.hub, std::move(batch));
  auto held = of.here.group_named("g"); // as whoever sends to it does for a moment
  of.here.settle_without(held);
  of.here.kill_group("g");
  of.settle();
  of.pass(1s);
  BOOST_TEST(of.dealt_with->load() - base == said);
}

BOOST_AUTO_TEST_CASE(what_it_waits_for_is_bounded) {
  actors::hub_options small;
  small.served_bytes_max = 10'000;
  small.timeout = 2h; // it is silent
  mallory of(small);
  of.say(member("eve"));
  client alice(of, "alice");
  for (std::uint64_t id = 1; id <= 200; ++id) {
    auto r = to_alice(good_text, id);
    r.confirm = 2, r.number = id, r.ttl_ms = u64_max;
    of.say(r);
  }
  std::size_t overloaded = 0;
  for (auto& r : of.came<protocol::receipt_record>())
    overloaded += r.others.at(0).what == protocol::outcome::overloaded;
  BOOST_TEST(overloaded > 50U);
  BOOST_TEST(overloaded < 150U);
  of.say(protocol::publication_record{
      .id = 999,
      .group = "g",
      .except = {},
      .text = R"({"type":"message","group":"g","from":"eve","at":1,"data":1})",
      .binary = {}});
  BOOST_TEST(of.came<protocol::count_record>().at(0).count == 1U);
  of.pass(61s); // no wait is longer than a client's
  BOOST_TEST(of.came<protocol::receipt_record>().size() == 200 - overloaded);
}

BOOST_AUTO_TEST_CASE(what_waits_for_nothing_is_not_refused_for_what_others_wait_for) {
  actors::hub_options small;
  small.served_bytes_max = 10'000;
  small.timeout = 2h;
  mallory of(small);
  of.say(member("eve"));
  client alice(of, "alice");
  for (std::uint64_t id = 1; id <= 200; ++id) {
    auto r = to_alice(good_text, id);
    r.confirm = 2, r.number = id;
    of.say(r);
  }
  alice.said();
  of.came<protocol::receipt_record>();
  of.say(to_alice(good_text, 999)); // a sender's checkpoint looks the same
  BOOST_TEST(alice.said() == good_text + "\n");
  auto told = of.came<protocol::receipt_record>();
  BOOST_TEST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].id == 999U);
  BOOST_TEST(told[0].others.empty());
}

BOOST_AUTO_TEST_CASE(the_members_and_users_that_it_tells_of_are_bounded) {
  actors::hub_options small;
  small.told_bytes_max = 100'000;
  mallory of(small);
  std::size_t told = 0;
  for (; told < 1000 && of.lost().empty(); ++told) {
    auto uid = "u" + std::to_string(told);
    of.say(member(uid), protocol::user_record{uid, 1});
    if (told == 50)
      for (int i = 0; i < 1000; ++i) // told again, and gone, they cost nothing
        of.say(member(uid), protocol::user_record{uid, 1},
               protocol::member_record{.group = "g", .uid = uid, .meta = {}},
               protocol::user_record{uid, 0}, member(uid), protocol::user_record{uid, 1});
  }
  BOOST_TEST(of.lost() == "told of too many");
  BOOST_TEST(told > 100U);
  BOOST_TEST(told < 400U);
}

BOOST_AUTO_TEST_CASE(names_that_are_none_are_not_kept) {
  mallory of;
  client alice(of, "alice");
  of.say(member("\xff"), protocol::user_record{"\xff", 1}, member(std::string(129, 'x')),
         protocol::user_record{std::string(129, 'x'), 1},
         protocol::member_record{.group = "\n", .uid = "eve", .sessions = 1, .meta = {}});
  BOOST_TEST(of.here.node.cluster.load()->peers.at(0).members == 0U);
  BOOST_TEST(alice.tell(R"({"type":"send","id":1,"user":")" + std::string(129, 'x') +
                        R"(","data":1})") != "");
  BOOST_TEST(of.came<protocol::route_record>().empty());
}

BOOST_AUTO_TEST_SUITE_END()
