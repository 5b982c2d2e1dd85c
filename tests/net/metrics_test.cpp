#include "net/metrics.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <charconv>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace beckon;
using namespace std::chrono_literals;
using actors::counters;

namespace {

/// What a strict reader of Prometheus' text format 0.0.4 finds.
struct exposition {
  std::map<std::string, double> samples; ///< by name and labels as they are written
  std::map<std::string, std::string> types;
  std::vector<std::string> complaints;
};

class reader {
public:
  exposition read(const std::string& text) {
    if (text.empty() || text.back() != '\n')
      complain("the text does not end with a line's end");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      line.starts_with("# ") ? comment(line) : sample(line);
    return std::move(result_);
  }

private:
  void complain(std::string what) { result_.complaints.push_back(std::move(what)); }

  void comment(const std::string& line) {
    static const std::regex shape(R"(# (HELP|TYPE) ([a-z_]+) (.+))");
    std::smatch parts;
    if (!std::regex_match(line, parts, shape))
      return complain(line);
    if (parts[1] == "HELP") {
      helped_ = parts[2];
      return;
    }
    family_ = parts[2];
    if (helped_ != family_)
      complain(family_ + " has no help in front of its type");
    if (!result_.types.emplace(family_, parts[3]).second)
      complain(family_ + " stands twice");
  }

  void sample(const std::string& line) {
    static const std::regex shape(
        R"re(([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,(?!\}))?)+)\})? (\S+))re");
    std::smatch parts;
    if (!std::regex_match(line, parts, shape))
      return complain(line);
    auto type = result_.types[family_];
    auto suffix = parts[1].str().substr(std::min(family_.size(), parts[1].str().size()));
    auto is_suffix = type == "histogram"
                         ? suffix == "_bucket" || suffix == "_sum" || suffix == "_count"
                         : suffix.empty();
    if (!parts[1].str().starts_with(family_) || !is_suffix)
      complain(line + " does not belong to " + family_);
    if (type == "counter" && !family_.ends_with("_total"))
      complain(family_ + " is a counter without _total");
    auto value = parts[3].str();
    double number = 0;
    auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (ec != std::errc{} || end != value.data() + value.size())
      complain(line + " has no number");
    if (!result_.samples.emplace(line.substr(0, line.rfind(' ')), number).second)
      complain(line + " stands twice");
  }

  exposition result_;
  std::string helped_, family_;
};

exposition scrape(const std::vector<const counters*>& threads, std::uint64_t dropped = 0) {
  auto read = reader().read(net::metrics_text({.threads = threads, .log_lines_dropped = dropped}));
  for (const auto& complaint : read.complaints)
    BOOST_ERROR(complaint);
  return read;
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_metrics)

BOOST_AUTO_TEST_CASE(the_text_is_what_prometheus_reads) {
  counters c;
  auto read = scrape({&c});
  BOOST_TEST(read.types.size() == 25U);
  for (const auto& [name, type] : read.types)
    BOOST_TEST(name.starts_with("beckon_"), name);
  BOOST_TEST(read.samples.at("beckon_build_info{version=\"" BECKON_VERSION "\"}") == 1);
}

BOOST_AUTO_TEST_CASE(the_checker_of_this_test_notices_broken_texts) {
  for (auto text :
       {"beckon_x 1", "# HELP beckon_x x\n# TYPE beckon_x gauge\nbeckon_x{a=b} 1\n",
        "# HELP beckon_x x\n# TYPE beckon_x gauge\nbeckon_x one\n",
        "# HELP beckon_x x\n# TYPE beckon_x gauge\nbeckon_x 1\nbeckon_x 2\n",
        "# HELP beckon_x x\n# TYPE beckon_x counter\nbeckon_x 1\n",
        "# HELP beckon_x x\n# TYPE beckon_x gauge\nbeckon_y 1\n", "# TYPE beckon_x gauge\n"})
    BOOST_TEST(!reader().read(text).complaints.empty(), text);
}

BOOST_AUTO_TEST_CASE(the_process_has_a_size) {
  auto bytes = scrape({}).samples.at("beckon_resident_memory_bytes");
  BOOST_TEST(bytes > 1e6);
  BOOST_TEST(bytes < 1e12);
}

BOOST_AUTO_TEST_CASE(a_node_of_a_cluster_says_more) {
  counters c;
  net::cluster_counters cluster;
  cluster.links.add(2);
  cluster.handshakes.add(3);
  cluster.accepted.add(4);
  cluster.dialled.add(5);
  cluster.lost.add(6);
  cluster.dials_failed.add(7);
  cluster.bytes_in.add(8);
  cluster.bytes_out.add(9);
  cluster.refuse(net::cluster_refusal::name_taken);
  const counters* threads[] = {&c};
  auto read = reader().read(net::metrics_text({.threads = threads, .cluster = &cluster}));
  BOOST_TEST(read.complaints.empty());
  double expected = 1;
  for (auto name : {"links", "handshakes_in_progress", "accepted_total", "dialled_total",
                    "lost_total", "dials_failed_total", "received_bytes_total", "sent_bytes_total"})
    BOOST_TEST(read.samples.at(std::string("beckon_cluster_") + name) == ++expected, name);
  for (std::size_t i = 1; i < net::cluster_refusal_count; ++i) {
    auto word = std::string(net::cluster_refusal_names[i]);
    BOOST_TEST(read.samples.at("beckon_cluster_refused_total{reason=\"" + word + "\"}") ==
               (word == "name_taken" ? 1 : 0));
  }
}

BOOST_AUTO_TEST_CASE(each_other_node_has_its_own_line) {
  actors::cluster_view view;
  view.peers.push_back(
      {.name = "n2",
       .state = actors::peer_view::link::up,
       .members = 2,
       .lag = 3s,
       .credit_bytes = 4,
       .traffic = {.records_out = 6, .bytes_out = 8, .records_in = 5, .bytes_in = 7},
       .last_error = {}});
  view.peers.push_back({.name = "n3", .state = actors::peer_view::link::syncing, .last_error = {}});
  view.peers.push_back({.name = "n4", .traffic = {.records_out = 9}, .last_error = "silent"});
  net::cluster_counters cluster;
  auto read = reader().read(net::metrics_text({.cluster = &cluster, .peers = &view}));
  BOOST_TEST(read.complaints.empty());
  auto of = [&](const std::string& name, const std::string& peer) {
    return read.samples.at("beckon_cluster_peer_" + name + "{peer=\"" + peer + "\"}");
  };
  double expected = 0;
  for (auto name : {"up", "members", "lag_seconds", "credit_bytes", "received_records_total",
                    "sent_records_total", "received_bytes_total", "sent_bytes_total"})
    BOOST_TEST(of(name, "n2") == ++expected, name);
  BOOST_TEST(of("up", "n3") == 0);
  BOOST_TEST(of("up", "n4") == 0);
  BOOST_TEST(of("sent_records_total", "n4") == 9);
}

BOOST_AUTO_TEST_CASE(the_losses_of_the_log_are_told) {
  BOOST_TEST(scrape({}, 42).samples.at("beckon_log_lines_dropped_total") == 42);
}

BOOST_AUTO_TEST_CASE(threads_are_summed) {
  constexpr std::size_t thread_count = 4;
  constexpr std::uint64_t rounds = 50'000;
  std::vector<counters> cells(thread_count);
  std::vector<const counters*> all(thread_count);
  for (std::size_t i = 0; i < thread_count; ++i)
    all[i] = &cells[i];
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (std::size_t i = 0; i < thread_count; ++i)
    threads.emplace_back([&own = cells[i]] {
      for (std::uint64_t n = 0; n < rounds; ++n) {
        own.sessions.add();
        own.frames_in.add();
        own.bytes_out.add(100);
        own.message(actors::message_kind::send, protocol::outcome::delivered);
        own.refuse(actors::message_kind::send, protocol::code::overloaded);
        own.refuse(actors::message_kind::other, protocol::code::overloaded);
        own.closed(protocol::close_code::slow_consumer);
        own.handed.observe(20us);
      }
    });
  for (int i = 0; i < 20; ++i)
    scrape(all); // while they count: it must be well-formed, whatever it sums up to
  for (auto& thread : threads)
    thread.join();
  auto samples = scrape(all).samples;
  constexpr double total = thread_count * rounds;
  BOOST_TEST(samples.at("beckon_sessions") == total);
  BOOST_TEST(samples.at("beckon_received_frames_total") == total);
  BOOST_TEST(samples.at("beckon_sent_bytes_total") == 100 * total);
  BOOST_TEST(samples.at(R"(beckon_messages_total{kind="send",outcome="delivered"})") == total);
  BOOST_TEST(samples.at(R"(beckon_frames_refused_total{kind="send",code="overloaded"})") == total);
  BOOST_TEST(samples.at(R"(beckon_rejects_total{reason="overloaded"})") == 2 * total);
  BOOST_TEST(samples.at(R"(beckon_closes_total{code="4103"})") == total);
  BOOST_TEST(samples.at("beckon_request_to_handed_seconds_count") == total);
}

BOOST_AUTO_TEST_CASE(what_rises_on_one_thread_may_fall_on_another) {
  counters one;
  counters other;
  one.groups.add(5);
  other.groups.sub(3);
  BOOST_TEST(scrape({&one, &other}).samples.at("beckon_groups") == 2);
  BOOST_TEST(scrape({&other}).samples.at("beckon_groups") == 0);
}

BOOST_AUTO_TEST_CASE(every_cell_has_a_sample) {
  counters c;
  c.connections.add(1);
  c.handshakes.add(2);
  c.sessions.add(3);
  c.groups.add(4);
  c.members.add(5);
  c.queued_bytes.add(6);
  c.frames_in.add(7);
  c.frames_out.add(8);
  c.bytes_in.add(9);
  c.bytes_out.add(10);
  c.slow_consumers.add(11);
  c.gap_frames.add(12);
  c.not_accepting.add(13);
  c.bots.add(14);
  c.turns_slow.add(15);
  auto samples = scrape({&c}).samples;
  const char* names[] = {"connections",
                         "handshakes_in_progress",
                         "sessions",
                         "groups",
                         "members",
                         "queued_bytes",
                         "received_frames_total",
                         "sent_frames_total",
                         "received_bytes_total",
                         "sent_bytes_total",
                         "slow_consumers_total",
                         "gap_frames_total",
                         "listeners_waiting",
                         "bots",
                         "turns_slow_total"};
  double expected = 0;
  for (auto name : names)
    BOOST_TEST(samples.at(std::string("beckon_") + name) == ++expected, name);
}

BOOST_AUTO_TEST_CASE(every_code_outcome_close_and_refusal_has_a_label) {
  counters c;
  auto samples = scrape({&c}).samples;
  auto with = [&](const std::string& family) {
    return std::count_if(samples.begin(), samples.end(),
                         [&](const auto& s) { return s.first.starts_with(family + '{'); });
  };
  BOOST_TEST(with("beckon_messages_total") == 5 * static_cast<int>(protocol::outcome_count));
  BOOST_TEST(with("beckon_frames_refused_total") == 6 * static_cast<int>(protocol::code_count));
  BOOST_TEST(with("beckon_rejects_total") ==
             static_cast<int>(protocol::code_count + actors::refusal_count));
  BOOST_TEST(with("beckon_closes_total") == static_cast<int>(actors::close_count));
  for (std::size_t i = 0; i < protocol::code_count; ++i)
    BOOST_TEST(samples.contains("beckon_rejects_total{reason=\"" +
                                std::string(name(static_cast<protocol::code>(i))) + "\"}"));
}

BOOST_AUTO_TEST_CASE(no_label_names_a_user_or_group) {
  counters c;
  const std::set<std::string> allowed{"version", "kind", "outcome", "code", "reason", "le"};
  const std::regex label(R"(([a-z_]+)=")");
  for (const auto& [sample, value] : scrape({&c}).samples)
    for (std::sregex_iterator it(sample.begin(), sample.end(), label), end; it != end; ++it)
      BOOST_TEST(allowed.contains((*it)[1]), sample);
}

BOOST_AUTO_TEST_CASE(the_histogram_is_cumulative) {
  counters fast;
  counters slow;
  fast.handed.observe(10us);
  fast.handed.observe(10001ns);
  slow.handed.observe(1s);
  slow.handed.observe(3s);
  auto samples = scrape({&fast, &slow}).samples;
  auto up_to = [&](const std::string& le) {
    return samples.at("beckon_request_to_handed_seconds_bucket{le=\"" + le + "\"}");
  };
  BOOST_TEST(up_to("1e-05") == 1);
  BOOST_TEST(up_to("2.5e-05") == 2);
  BOOST_TEST(up_to("0.5") == 2);
  BOOST_TEST(up_to("1") == 3);
  BOOST_TEST(up_to("+Inf") == 4);
  BOOST_TEST(samples.at("beckon_request_to_handed_seconds_count") == 4);
  BOOST_TEST(samples.at("beckon_request_to_handed_seconds_sum") == 4.000020001,
             boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_SUITE_END()
