// beckon_load: the load generator. One scenario against one running server, then one JSON line on
// stdout and a readable one on stderr. Exit code 0: a clean run; 1: a failed one (its figures are
// printed, and marked); 2: it could not run at all.

#include "direct.hpp"
#include "publish.hpp"
#include "report.hpp"
#include "run.hpp"

#include <boost/program_options.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>

namespace load {

namespace {

namespace po = boost::program_options;

/// What a scenario is made of when the command line does not say otherwise.
struct scenario {
  std::string_view name;
  std::size_t clients, group_size;
  plan planned;
};

constexpr scenario scenarios[] = {
    {"direct", 1000, 20, {.window = 1}},
    {"direct-id", 1000, 20, {.window = 1, .with_id = true}},
    {"publish", 1000, 100, {.window = 4}},
    {"paced", 1000, 20, {.window = 1, .rate = 200, .senders = 1}},
    {"idle", 5000, 20, {}},
};

struct settings {
  report described; ///< scenario, server, shape and plan; the rest is what the run will find
  pid_t pid = 0;
  phases times;
};

nanoseconds from_seconds(double s) {
  return nanoseconds(static_cast<std::int64_t>(s * 1e9));
}

void check(const report& r) {
  if (r.shape.clients == 0 || r.shape.group_size < 2 || r.shape.clients % r.shape.group_size != 0)
    throw std::invalid_argument("--clients must be a multiple of --group-size, which is 2 or more");
  if (r.planned.window == 0)
    throw std::invalid_argument("--window must be 1 or more");
  if (r.planned.rate < 0 || (r.planned.rate > 0 && (r.planned.with_id || r.scenario == "publish")))
    throw std::invalid_argument("--rate is for direct messages without id");
  if (r.planned.senders > r.shape.clients)
    throw std::invalid_argument("--senders must not exceed --clients");
}

/// Nothing when only help was asked for.
std::optional<settings> parse(int argc, char** argv) {
  settings s;
  auto& r = s.described;
  double warm_up = 1, measured = 3;
  po::options_description options("beckon_load SCENARIO --port PORT --pid PID [options]\n"
                                  "Scenarios: direct, direct-id, publish, paced, idle. Options");
  auto add = options.add_options();
  add("help", "print this");
  add("scenario", po::value(&r.scenario)->required(), "what to run (the first argument)");
  add("port", po::value(&r.shape.port)->required(), "of the server on 127.0.0.1");
  add("pid", po::value(&s.pid)->required(), "process whose CPU time and memory are counted");
  add("label", po::value(&r.server)->default_value("server"), "name of the server in the output");
  add("clients", po::value<std::size_t>(), "connections");
  add("group-size", po::value<std::size_t>(), "members of each group");
  add("window", po::value<std::size_t>(),
      "closed loop: in flight per client, or per group with publish");
  add("rate", po::value<double>(), "open loop: direct messages per second in all; 0: closed loop");
  add("senders", po::value<std::size_t>(), "open loop: so many clients send in turn; 0: all");
  add("bytes", po::value(&r.planned.message_bytes)->default_value(100), "JSON text of a message");
  add("warm-up", po::value(&warm_up)->default_value(1), "seconds before measuring");
  add("seconds", po::value(&measured)->default_value(3), "seconds measured");
  add("messages", po::value<std::uint64_t>()->default_value(0),
      "end after so many messages instead; no warm-up");
  po::positional_options_description positions;
  positions.add("scenario", 1);

  po::variables_map given;
  po::store(po::command_line_parser(argc, argv).options(options).positional(positions).run(),
            given);
  if (given.count("help") != 0) {
    std::cout << options;
    return std::nullopt;
  }
  po::notify(given);

  const auto* chosen = std::find_if(std::begin(scenarios), std::end(scenarios),
                                    [&](const auto& known) { return known.name == r.scenario; });
  if (chosen == std::end(scenarios))
    throw std::invalid_argument("no such scenario: " + r.scenario);
  const auto or_default = [&]<class T>(const char* name, T otherwise) {
    return given.count(name) != 0 ? given[name].as<T>() : otherwise;
  };
  const auto bytes = r.planned.message_bytes;
  r.planned = chosen->planned;
  r.planned.message_bytes = bytes;
  r.planned.messages_max = given["messages"].as<std::uint64_t>();
  r.planned.window = or_default("window", chosen->planned.window);
  r.planned.rate = or_default("rate", chosen->planned.rate);
  r.planned.senders = or_default("senders", chosen->planned.senders);
  r.shape.clients = or_default("clients", chosen->clients);
  r.shape.group_size = or_default("group-size", chosen->group_size);
  s.times = {.warm_up = from_seconds(warm_up), .measured = from_seconds(measured)};
  check(r);
  return s;
}

void allow_many_sockets() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

void run(settings& s) {
  constexpr std::chrono::seconds connect_limit{60};
  auto& r = s.described;
  const server_process server(s.pid);
  r.found.before_clients = server.resident();
  fleet clients(beckon_v1, r.shape);
  clients.connect_all(connect_limit);
  if (r.scenario == "idle") {
    run_idle(clients, server, s.times, r.found);
  } else {
    r.found.with_clients = server.resident();
    std::unique_ptr<traffic> what;
    if (r.scenario == "publish")
      what = std::make_unique<publish>(clients, r.planned);
    else
      what = std::make_unique<direct>(clients, r.planned);
    run_traffic(clients, *what, server, s.times, r.found);
  }
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
