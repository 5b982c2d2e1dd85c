// What a server says of itself: on stdout, to its operators, in its log.

#include "net/cluster_text.hpp"
#include "net/metrics.hpp"
#include "net/server.hpp"

namespace beckon::net {
namespace {

std::string text_of(const endpoint& where) {
  return print_admin({where.address(), where.port()});
}

} // namespace

std::vector<std::string> server::listening() const {
  std::vector<std::string> lines{"listening on ws://" + text_of(endpoints_.front()) + values_.path};
  if (operator_)
    lines.push_back("admin on http://" + text_of(operator_->where()));
  if (cluster_)
    lines.push_back("cluster on " + text_of(cluster_->where()));
  return lines;
}

std::string server::metrics() const {
  std::vector<const actors::counters*> threads;
  for (auto& home : node_.homes)
    threads.push_back(&home->count);
  auto peers = node_.cluster.load();
  auto memory = memory_->view();
  return metrics_text({.threads = threads,
                       .log_lines_dropped = log_.dropped(),
                       .memory = &memory,
                       .cluster = cluster_ ? &cluster_->count() : nullptr,
                       .peers = peers.get(),
                       .behaviours = &node_.known_behaviours});
}

std::string server::cluster() const {
  return cluster_ ? cluster_text(node_) : std::string{};
}

thread_unit::listeners server::listeners_of(std::size_t thread) {
  using ms = std::chrono::duration<double, std::milli>;
  return {.slow =
              [this, thread](const slow_turn& t) {
                log_.warn("turn_slow",
                          {{"thread", thread},
                           {"took_ms", ms(t.took).count()},
                           {"cpu_ms", ms(t.cpu).count()},
                           {"doing", turn_part_names[static_cast<std::size_t>(t.longest)]},
                           {"doing_ms", ms(t.longest_took).count()},
                           {"actors", t.actors},
                           {"untold", t.untold}});
              },
          .stood_still =
              [this, thread](std::chrono::nanoseconds away) {
                log_.warn(
                    "thread_stood_still",
                    {{"thread", thread}, {"seconds", std::chrono::duration<double>(away).count()}});
              },
          .failed =
              [this, thread](const char* why) {
                log_.error("turn_failed", {{"thread", thread}, {"why", why}});
              }};
}

void server::tell(const actors::cluster_event& e) {
  using kind = actors::cluster_event::kind;
  if (e.what == kind::synced)
    log_.info("cluster_synced", {{"peer", e.peer}, {"members", e.members}});
  else if (e.what == kind::ahead)
    log_.warn("cluster_clock_ahead", {{"peer", e.peer}});
  else
    log_.warn("cluster_peer_lost", {{"peer", e.peer}, {"members", e.members}, {"why", e.why}});
}

} // namespace beckon::net
