#include "settings.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <string>

namespace load {

namespace {

namespace po = boost::program_options;

struct scenario {
  std::string_view name;
  job what;
  std::size_t clients, group_size;
  plan planned;
};

constexpr scenario scenarios[] = {
    {"direct", job::direct, 1000, 20, {.window = 1}},
    {"direct-id", job::direct, 1000, 20, {.window = 1, .with_id = true}},
    {"ten", job::multicast, 1000, 20, {}},
    {"ten-singly", job::multicast_split, 1000, 20, {}},
    {"publish", job::publish, 1000, 100, {.window = 4}},
    {"slow", job::publish, 1000, 100, {.window = 4, .slow = 10}},
    {"paced", job::direct, 1000, 20, {.window = 1, .rate = 200, .senders = 1}},
    {"churn", job::churn, 64, 16, {}},
    {"storm", job::storm, 5000, 20, {}},
    {"idle", job::idle, 5000, 20, {}},
};

std::string names_of_scenarios() {
  std::string names;
  for (const auto& known : scenarios)
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  return names;
}

nanoseconds from_seconds(double s) {
  return nanoseconds(static_cast<std::int64_t>(s * 1e9));
}

void check_shape(const report& r) {
  if (r.shape.clients == 0 || r.shape.group_size < 2 || r.shape.clients % r.shape.group_size != 0)
    throw std::invalid_argument("--clients must be a multiple of --group-size, which is 2 or more");
  if (r.planned.window == 0)
    throw std::invalid_argument("--window must be 1 or more");
  if (r.planned.senders > r.shape.clients)
    throw std::invalid_argument("--senders must not exceed --clients");
  if (r.planned.slow + 2 > r.shape.group_size)
    throw std::invalid_argument("--slow must leave two members of a group that read");
}

void check(const settings& s) {
  const auto& planned = s.described.planned;
  check_shape(s.described);
  if (planned.rate < 0 || (planned.rate > 0 && (planned.with_id || s.what != job::direct)))
    throw std::invalid_argument("--rate is for direct messages without id");
  if (planned.slow != 0 && s.what != job::publish)
    throw std::invalid_argument("--slow is for publications");
  const bool has_words = s.what == job::publish || s.what == job::churn || s.what == job::idle ||
                         !(planned.with_id ? s.words->send_with_id : s.words->send).empty();
  if (!has_words || (s.what == job::multicast && s.words->send_to_all.empty()))
    throw std::invalid_argument("this server has no such job");
}

po::options_description describe(settings& s) {
  auto& r = s.described;
  po::options_description options("beckon_load SCENARIO --port PORT --pid PID [options]\n"
                                  "Scenarios: " +
                                  names_of_scenarios() + ". Options");
  auto add = options.add_options();
  add("help", "print this");
  add("scenario", po::value(&r.scenario)->required(), "what to run (the first argument)");
  add("port", po::value(&r.shape.ports)->required(),
      "of the server on 127.0.0.1 (repeatable: of the nodes of a cluster, clients in turns)");
  add("pid", po::value(&s.pids)->required(),
      "process whose CPU time and memory are counted (repeatable)");
  add("label", po::value(&r.server)->default_value("server"), "name of the server in the output");
  add("dialect", po::value<std::string>()->default_value(std::string(beckon_v1.name)),
      "the server's words: beckon.v1, socket.io or nchan");
  add("clients", po::value<std::size_t>(), "connections");
  add("group-size", po::value<std::size_t>(), "members of each group");
  add("window", po::value<std::size_t>(),
      "closed loop: in flight per client, or per group with publish");
  add("rate", po::value<double>(), "open loop: direct messages per second in all; 0: closed loop");
  add("senders", po::value<std::size_t>(), "open loop: so many clients send in turn; 0: all");
  add("recipients", po::value<std::size_t>(), "ten: members that each request goes to");
  add("slow", po::value<std::size_t>(), "publish: members of each group that do not read");
  add("bytes", po::value<std::size_t>(), "JSON text of a message");
  add("warm-up", po::value<double>()->default_value(1), "seconds before measuring");
  add("seconds", po::value<double>()->default_value(3), "seconds measured");
  add("messages", po::value<std::uint64_t>(), "end after so many messages instead; no warm-up");
  return options;
}

template <class T>
void take(const po::variables_map& given, const char* name, T& into) {
  if (given.count(name) != 0)
    into = given[name].as<T>();
}

void take_all(const po::variables_map& given, settings& s) {
  auto& r = s.described;
  const auto* chosen = std::find_if(std::begin(scenarios), std::end(scenarios),
                                    [&](const auto& known) { return known.name == r.scenario; });
  if (chosen == std::end(scenarios))
    throw std::invalid_argument("no such scenario: " + r.scenario);
  s.what = chosen->what;
  r.planned = chosen->planned;
  r.shape.clients = chosen->clients;
  r.shape.group_size = chosen->group_size;
  take(given, "clients", r.shape.clients);
  take(given, "group-size", r.shape.group_size);
  take(given, "window", r.planned.window);
  take(given, "rate", r.planned.rate);
  take(given, "senders", r.planned.senders);
  take(given, "recipients", r.planned.recipients);
  take(given, "slow", r.planned.slow);
  take(given, "bytes", r.planned.message_bytes);
  take(given, "messages", r.planned.messages_max);
  s.times = {.warm_up = from_seconds(given["warm-up"].as<double>()),
             .measured = from_seconds(given["seconds"].as<double>())};
  s.words = find_dialect(given["dialect"].as<std::string>());
  if (s.words == nullptr)
    throw std::invalid_argument("no such dialect: " + given["dialect"].as<std::string>());
}

} // namespace

std::optional<settings> parse(int argc, const char* const* argv) {
  settings s;
  const auto options = describe(s);
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
  take_all(given, s);
  check(s);
  return s;
}

} // namespace load
