#include "net/metrics.hpp"

#include "actors/memory_reserve.hpp"
#include "net/allocator.hpp"
#include "net/outbox.hpp"
#include "protocol/large_frames.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <limits>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>
#include <vector>

namespace beckon::net {

namespace {

using actors::counter;
using actors::counters;
using actors::gauge;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

/// Resident memory in bytes (proc(5), statm: the second number counts pages); 0 where /proc is not.
double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  statm >> pages >> resident;
  return statm ? resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) : 0;
}

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily result;
  result.name = "beckon_" + std::move(name);
  result.help = std::move(help);
  result.type = type;
  return result;
}

void add(MetricFamily& target, double value, labels names = {}) {
  ClientMetric metric;
  metric.label = std::move(names);
  (target.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  target.metric.push_back(std::move(metric));
}

std::string text_of(std::string_view name) {
  return std::string(name);
}

/// Adds up at scrape time what the threads have counted; they are not stopped for it, so that
/// numbers of one scrape may be an event apart.
class thread_sums : public prometheus::Collectable {
public:
  explicit thread_sums(const metric_sources& from) : from_(from) {}

  std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> families;
    collect_process(families);
    collect_gauges(families);
    collect_totals(families);
    families.push_back(messages());
    families.push_back(refused());
    families.push_back(rejects());
    families.push_back(closes());
    families.push_back(handed());
    if (from_.cluster)
      collect_cluster(families);
    if (from_.behaviours && !from_.behaviours->all().empty())
      collect_behaviours(families);
    if (from_.peers)
      collect_peers(families);
    return families;
  }

private:
  /// `cell` names a counter or gauge of a thread: a member, or a function that finds it.
  template <class Cell>
  double sum(Cell cell) const {
    double total = 0;
    for (const auto* thread : from_.threads)
      total += static_cast<double>(std::invoke(cell, *thread).value());
    return total;
  }

  void collect_process(std::vector<MetricFamily>& families) const {
    auto build = family("build_info", "Always 1; the version that runs.", MetricType::Gauge);
    add(build, 1, {{"version", BECKON_VERSION}});
    auto memory = family("resident_memory_bytes", "Memory of the process.", MetricType::Gauge);
    add(memory, resident_bytes());
    auto dropped = family("log_lines_dropped_total", "Log lines that nobody read in time.",
                          MetricType::Counter);
    add(dropped, static_cast<double>(from_.log_lines_dropped));
    families.insert(families.end(), {build, memory, dropped});
    if (from_.memory)
      collect_memory(families);
  }

  void collect_memory(std::vector<MetricFamily>& families) const {
    auto& m = *from_.memory;
    auto single = [&](const char* name, const char* help, MetricType type, std::uint64_t value,
                      labels with = {}) {
      families.push_back(family(name, help, type));
      add(families.back(), static_cast<double>(value), std::move(with));
    };
    single("memory_limit_bytes",
           "What the node may take beside what it held when it began to serve.", MetricType::Gauge,
           m.may_take, {{"bound", text_of(net::name(m.bound))}});
    single("memory_taken_bytes", "What it has taken of that.", MetricType::Gauge, m.taken);
    single("memory_level", "0: enough; 1: nobody new is let in; 2: sessions are closed.",
           MetricType::Gauge, static_cast<std::uint64_t>(m.level));
    single("memory_allocated_bytes", "In use, as the allocator counts.", MetricType::Gauge,
           allocated_bytes());
    single("memory_free_bytes", "Pages that the allocator keeps for what comes.", MetricType::Gauge,
           m.free);
    single("memory_reserve_bytes", "Kept back for clean-up.", MetricType::Gauge,
           actors::memory_reserve::held_bytes());
    single("memory_given_back_bytes_total", "Free pages that the system has back.",
           MetricType::Counter, m.given_back);
  }

  void collect_gauges(std::vector<MetricFamily>& families) const {
    struct row {
      const char* name;
      const char* help;
      gauge counters::*cell;
    };
    constexpr row rows[] = {
        {"connections", "Open connections.", &counters::connections},
        {"handshakes_in_progress", "Connections that are not yet upgraded or refused.",
         &counters::handshakes},
        {"listeners_waiting",
         "Listening sockets that accept nobody now: over the rate or the limit of handshakes, or "
         "out of descriptors.",
         &counters::not_accepting},
        {"sessions", "Sessions.", &counters::sessions},
        {"bots", "Sessions that are actors, without a connection.", &counters::bots},
        {"groups", "Groups with a member.", &counters::groups},
        {"members", "Members, summed over the groups.", &counters::members},
        {"queued_bytes", "Bytes that wait to be sent.", &counters::queued_bytes},
    };
    for (const auto& metric : rows) {
      families.push_back(family(metric.name, metric.help, MetricType::Gauge));
      // Below zero only if one thread was read before it counted up, another after it counted down.
      add(families.back(), std::max(0.0, sum(metric.cell)));
    }
    auto held = family("queue_memory_bytes",
                       "Memory of what waits to be sent; frames of 4 KiB and more, which queues "
                       "share, also while they are on their way to them.",
                       MetricType::Gauge);
    add(held, static_cast<double>(outbox::all_held() + protocol::large_frames_bytes()));
    families.push_back(std::move(held));
  }

  void collect_totals(std::vector<MetricFamily>& families) const {
    struct row {
      const char* name;
      const char* help;
      counter counters::*cell;
    };
    constexpr row rows[] = {
        {"received_frames_total", "WebSocket messages from clients.", &counters::frames_in},
        {"sent_frames_total", "WebSocket messages to clients.", &counters::frames_out},
        {"received_bytes_total", "Bytes read from clients' sockets.", &counters::bytes_in},
        {"sent_bytes_total", "Bytes written to clients' sockets.", &counters::bytes_out},
        {"slow_consumers_total", "Times that a session's queue became full.",
         &counters::slow_consumers},
        {"out_of_memory_total", "Messages and connections that there was no memory for.",
         &counters::out_of_memory},
        {"gap_frames_total", "Frames that sessions missed because their queue was full.",
         &counters::gap_frames},
        {"turns_slow_total", "Turns of a thread that took over 50 ms.", &counters::turns_slow},
    };
    for (const auto& metric : rows) {
      families.push_back(family(metric.name, metric.help, MetricType::Counter));
      add(families.back(), sum(metric.cell));
    }
  }

  void collect_behaviours(std::vector<MetricFamily>& families) const {
    auto counts = [&](const char* name, const char* help,
                      std::atomic<std::uint64_t> actors::behaviour_counters::*cell) {
      families.push_back(family(name, help, MetricType::Counter));
      for (auto& [own, kind] : from_.behaviours->all())
        add(families.back(), static_cast<double>(((*kind.count).*cell).load()),
            {{"behaviour", own}});
    };
    using of = actors::behaviour_counters;
    counts("behaviour_failures_total", "Times that a behaviour threw.", &of::failures);
    counts("behaviour_given_up_total", "Groups closed as theirs threw too often.", &of::given_up);
    counts("behaviour_swaps_total", "Living groups that were given it.", &of::swaps);
    families.push_back(family("behaviour_slow_total", "Runs of more than 100 ms, by what ran.",
                              MetricType::Counter));
    for (auto& [own, kind] : from_.behaviours->all())
      for (std::size_t i = 0; i < actors::hook_count; ++i)
        add(families.back(), static_cast<double>(kind.count->slow[i].load()),
            {{"behaviour", own}, {"hook", text_of(actors::hook_names[i])}});
  }

  void collect_cluster(std::vector<MetricFamily>& families) const {
    auto gauges = [&](const char* name, const char* help, const gauge& cell) {
      families.push_back(family(name, help, MetricType::Gauge));
      add(families.back(), static_cast<double>(cell.value()));
    };
    auto counts = [&](const char* name, const char* help, const counter& cell) {
      families.push_back(family(name, help, MetricType::Counter));
      add(families.back(), static_cast<double>(cell.value()));
    };
    gauges("cluster_links", "Links to other nodes.", from_.cluster->links);
    gauges("cluster_handshakes_in_progress", "Half-done handshakes with other nodes.",
           from_.cluster->handshakes);
    counts("cluster_accepted_total", "Links that the other node dialled.", from_.cluster->accepted);
    counts("cluster_dialled_total", "Links that this node dialled.", from_.cluster->dialled);
    counts("cluster_lost_total", "Links that ended.", from_.cluster->lost);
    counts("cluster_dials_failed_total", "Dials that reached nobody.", from_.cluster->dials_failed);
    counts("cluster_received_bytes_total", "Bytes from other nodes.", from_.cluster->bytes_in);
    counts("cluster_sent_bytes_total", "Bytes to other nodes.", from_.cluster->bytes_out);
    auto refused =
        family("cluster_refused_total", "Handshakes refused and links cut by the gate, by reason.",
               MetricType::Counter);
    for (std::size_t why = 1; why < cluster_refusal_count; ++why)
      add(refused, static_cast<double>(from_.cluster->refused[why].value()),
          {{"reason", text_of(cluster_refusal_names[why])}});
    families.push_back(std::move(refused));
  }

  /// Of each other node, as the hub has shown it last: with its heartbeat and each change.
  void collect_peers(std::vector<MetricFamily>& families) const {
    using actors::peer_view;
    struct row {
      const char* name;
      const char* help;
      MetricType type;
      double (*value)(const peer_view& p);
    };
    constexpr auto is = MetricType::Gauge;
    constexpr auto counts = MetricType::Counter;
    constexpr row rows[] = {
        {"up", "1: linked, and all its members are known.", is,
         [](const peer_view& p) { return p.state == peer_view::link::up ? 1.0 : 0.0; }},
        {"members", "Members of that node.", is,
         [](const peer_view& p) { return static_cast<double>(p.members); }},
        {"lag_seconds", "Round trip of the last ping.", is,
         [](const peer_view& p) { return std::chrono::duration<double>(p.lag).count(); }},
        {"credit_bytes", "What is left of the window of bytes on their way.", is,
         [](const peer_view& p) { return static_cast<double>(p.credit_bytes); }},
        {"received_records_total", "Records from that node.", counts,
         [](const peer_view& p) { return static_cast<double>(p.traffic.records_in); }},
        {"sent_records_total", "Records to that node.", counts,
         [](const peer_view& p) { return static_cast<double>(p.traffic.records_out); }},
        {"received_bytes_total", "Bytes of these records' batches.", counts,
         [](const peer_view& p) { return static_cast<double>(p.traffic.bytes_in); }},
        {"sent_bytes_total", "Bytes of these records' batches.", counts,
         [](const peer_view& p) { return static_cast<double>(p.traffic.bytes_out); }},
    };
    for (const auto& metric : rows) {
      families.push_back(
          family(std::string("cluster_peer_") + metric.name, metric.help, metric.type));
      for (const auto& p : from_.peers->peers)
        add(families.back(), metric.value(p), {{"peer", p.name}});
    }
  }

  MetricFamily messages() const {
    auto result = family("messages_total", "Messages by kind and outcome, one per recipient.",
                         MetricType::Counter);
    constexpr auto other = static_cast<std::size_t>(actors::message_kind::other); // is no message
    for (std::size_t kind = 0; kind < other; ++kind)
      for (std::size_t what = 0; what < protocol::outcome_count; ++what)
        add(result, sum([&](auto& c) -> auto& { return c.messages[kind][what]; }),
            {{"kind", text_of(actors::message_kind_names[kind])},
             {"outcome", text_of(name(static_cast<protocol::outcome>(what)))}});
    return result;
  }

  MetricFamily refused() const {
    auto result = family("frames_refused_total", "Clients' frames refused, by kind and code.",
                         MetricType::Counter);
    for (std::size_t kind = 0; kind < actors::message_kind_count; ++kind)
      for (std::size_t why = 0; why < protocol::code_count; ++why)
        add(result, sum([&](auto& c) -> auto& { return c.refused[kind][why]; }),
            {{"kind", text_of(actors::message_kind_names[kind])},
             {"code", text_of(name(static_cast<protocol::code>(why)))}});
    return result;
  }

  /// Everything refused by its reason alone: frames by code, connections by HTTP status.
  MetricFamily rejects() const {
    auto result =
        family("rejects_total", "Frames and connections refused, by reason.", MetricType::Counter);
    for (std::size_t why = 0; why < protocol::code_count; ++why) {
      double total = 0;
      for (std::size_t kind = 0; kind < actors::message_kind_count; ++kind)
        total += sum([&](auto& c) -> auto& { return c.refused[kind][why]; });
      add(result, total, {{"reason", text_of(name(static_cast<protocol::code>(why)))}});
    }
    for (std::size_t why = 0; why < actors::refusal_count; ++why)
      add(result, sum([&](auto& c) -> auto& { return c.refusals[why]; }),
          {{"reason", text_of(actors::refusal_names[why])}});
    return result;
  }

  MetricFamily closes() const {
    auto result = family(
        "closes_total",
        "Ended connections by our close code; client: it closed first; lost: without a close.",
        MetricType::Counter);
    auto add_cell = [&](std::size_t cell, std::string code) {
      add(result, sum([&](auto& c) -> auto& { return c.closes[cell]; }),
          {{"code", std::move(code)}});
    };
    for (auto code : protocol::close_codes)
      add_cell(actors::close_index(code), std::to_string(static_cast<unsigned>(code)));
    add_cell(actors::close_client, "client");
    add_cell(actors::close_lost, "lost");
    return result;
  }

  MetricFamily handed() const {
    auto result =
        family("request_to_handed_seconds",
               "From a frame's arrival to the queue of its last recipient.", MetricType::Histogram);
    ClientMetric metric;
    auto& histogram = metric.histogram;
    const auto& bounds = actors::duration_histogram::bounds;
    for (std::size_t i = 0; i <= bounds.size(); ++i) {
      for (const auto* thread : from_.threads)
        histogram.sample_count += thread->handed.bucket(i);
      auto bound = i < bounds.size() ? std::chrono::duration<double>(bounds[i]).count()
                                     : std::numeric_limits<double>::infinity();
      histogram.bucket.push_back({histogram.sample_count, bound});
    }
    for (const auto* thread : from_.threads)
      histogram.sample_sum += static_cast<double>(thread->handed.sum_ns()) / 1e9;
    result.metric.push_back(std::move(metric));
    return result;
  }

  metric_sources from_;
};

} // namespace

std::string metrics_text(const metric_sources& from) {
  return prometheus::TextSerializer().Serialize(thread_sums(from).Collect());
}

} // namespace beckon::net
