// beckon_load: the load generator. One scenario against one running server, then one JSON line on
// stdout and a readable one on stderr. Exit code 0: a clean run; 1: a failed one (its figures are
// printed, and marked); 2: it could not run at all.

#include "churn.hpp"
#include "direct.hpp"
#include "multicast.hpp"
#include "publish.hpp"
#include "report.hpp"
#include "run.hpp"
#include "settings.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <iostream>
#include <memory>
#include <thread>

namespace load {

namespace {

void allow_many_sockets() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

/// Nothing when the job is no traffic.
std::unique_ptr<traffic> traffic_of(const settings& s, fleet& clients) {
  const auto& planned = s.described.planned;
  switch (s.what) {
  case job::direct:
    return std::make_unique<direct>(clients, planned);
  case job::multicast:
    return std::make_unique<multicast>(clients, planned, false);
  case job::multicast_split:
    return std::make_unique<multicast>(clients, planned, true);
  case job::publish:
    return std::make_unique<publish>(clients, planned);
  case job::churn:
    return std::make_unique<churn>(clients, planned);
  case job::storm:
  case job::idle:
    break;
  }
  return nullptr;
}

void run(settings& s) {
  constexpr std::chrono::seconds connect_limit{60};
  constexpr std::chrono::seconds nodes_settle{1};
  auto& r = s.described;
  const server_process server(s.pids);
  r.found.before_clients = server.resident();
  fleet clients(*s.words, r.shape);
  if (s.what != job::churn) // Its clients come by themselves.
    clients.connect_all(connect_limit);
  if (r.shape.ports.size() >
      1) // No frame says when the nodes have told each other of the last one.
    std::this_thread::sleep_for(nodes_settle);
  if (const auto what = traffic_of(s, clients))
    run_traffic(clients, *what, server, s.times, r.found);
  else if (s.what == job::storm)
    run_storm(clients, server, r.found);
  else
    run_idle(clients, server, s.times, r.found);
  r.wrong = clients.found();
}

} // namespace

} // namespace load

int main(int argc, char** argv) {
  try {
    auto settings = load::parse(argc, argv);
    if (!settings)
      return 0;
    load::allow_many_sockets();
    ::prctl(PR_SET_TIMERSLACK, 1UL); // An open loop wants to be woken when it asked to be.
    load::run(*settings);
    const auto& report = settings->described;
    std::cout << load::to_json(report) << std::endl;
    std::cerr << load::to_sentence(report) << std::endl;
    return report.wrong.total() == 0 ? 0 : 1;
  } catch (const std::exception& problem) {
    std::cerr << "beckon_load: " << problem.what() << '\n';
    return 2;
  }
}
