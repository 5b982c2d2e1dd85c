#include "run.hpp"

#include "direct.hpp"

#include <algorithm>
#include <cstdlib>

namespace load {

namespace {

/// What is in flight when the time is over has this long to arrive. Much longer than any queue here
/// takes to drain.
constexpr std::chrono::seconds drain_limit{20};
/// A run that counts messages is for profilers, which slow the server down fifty times.
constexpr std::chrono::minutes counted_run_limit{10};

class stopwatch {
public:
  stopwatch(const server_process& server, const fleet& clients)
      : server_(server), clients_(clients) {}
  void read_into(figures& into) const {
    into.server_cpu = server_.cpu() - server_cpu_;
    into.own_cpu = own_cpu() - own_cpu_;
    into.elapsed = clock::now() - began_;
    into.pings = clients_.pings() - pings_;
  }

private:
  const server_process& server_;
  const fleet& clients_;
  std::uint64_t pings_ = clients_.pings();
  time_point began_ = clock::now();
  nanoseconds server_cpu_ = server_.cpu();
  nanoseconds own_cpu_ = own_cpu();
};

template <class Done>
void turn_until(fleet& clients, traffic& what, time_point deadline, Done done) {
  for (auto now = clock::now(); now < deadline && !done(); now = clock::now()) {
    const auto wait = std::min<nanoseconds>(what.tick(now), deadline - now);
    clients.flush();
    clients.turn(wait, what);
  }
}

void rest(fleet& clients, nanoseconds length) {
  listener nobody;
  const auto deadline = clock::now() + length;
  for (auto now = clock::now(); now < deadline; now = clock::now())
    clients.turn(deadline - now, nobody);
}

} // namespace

server_process::memory settle(fleet& clients, const server_process& server) {
  constexpr std::int64_t page_noise = 64 * 1024;
  auto last = server.resident();
  for (int second = 0; second != 10; ++second) {
    rest(clients, std::chrono::seconds(1));
    const auto now = server.resident();
    if (std::abs(now.resident_bytes - last.resident_bytes) <= page_noise)
      return now;
    last = now;
  }
  return last;
}

void run_idle(fleet& clients, const server_process& server, const phases& times, figures& into) {
  into.with_clients = settle(clients, server);
  const stopwatch watch(server, clients);
  rest(clients, times.measured);
  watch.read_into(into);
  into.after_traffic = server.resident();
}

void run_storm(fleet& clients, const server_process& server, figures& into) {
  constexpr std::chrono::seconds storm_limit{60};
  into.with_clients = settle(clients, server);
  const stopwatch watch(server, clients);
  clients.drop_all();
  clients.connect_all(storm_limit, clients.form().clients);
  watch.read_into(into);
  into.counted.sent = into.counted.delivered = clients.form().clients;
  into.after_traffic = server.resident();

  direct all(clients, {.messages_max = clients.form().clients});
  all.start();
  turn_until(clients, all, clock::now() + drain_limit, [&] { return all.is_done(); });
  all.audit();
}

void run_traffic(fleet& clients, traffic& what, const server_process& server, const phases& times,
                 figures& into) {
  const bool is_counted = what.messages_max() != 0;
  const auto never = [] { return false; };
  const auto is_over = [&] { return what.is_done() || clients.found().total() != 0; };

  into.with_clients = server.resident();
  what.start();
  clients.flush();
  if (!is_counted)
    turn_until(clients, what, clock::now() + times.warm_up, never);

  const stopwatch watch(server, clients);
  if (is_counted) {
    turn_until(clients, what, clock::now() + counted_run_limit, is_over);
  } else {
    what.measure_from_now();
    turn_until(clients, what, clock::now() + times.measured, never);
  }
  watch.read_into(into);
  into.counted = what.counted();
  into.after_traffic = server.resident();

  what.stop();
  const stopwatch behind(server, clients);
  turn_until(clients, what, clock::now() + drain_limit, [&] { return what.outstanding() == 0; });
  figures rest;
  behind.read_into(rest);
  into.drained = {rest.elapsed, rest.server_cpu, what.counted().delivered - into.counted.delivered};
  what.audit();
}

} // namespace load
