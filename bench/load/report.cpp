#include "report.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <cmath>
#include <cstdio>

namespace load {

namespace {

double seconds(nanoseconds t) {
  return static_cast<double>(t.count()) / 1e9;
}

double micros(nanoseconds t) {
  return static_cast<double>(t.count()) / 1e3;
}

/// 0 where there is nothing to divide by.
double ratio(double a, double b) {
  return b > 0 ? a / b : 0;
}

/// Boost.JSON writes doubles with an exponent; whole numbers of a small unit read better.
std::int64_t whole(double value) {
  return std::llround(value);
}

struct derived {
  double delivered_per_second, delivered_per_cpu_second, cpu_us_per_delivery, server_share,
      own_share;
  double resident_per_client, anonymous_per_client, growth;
};

derived derive(const report& r) {
  const auto& f = r.found;
  const auto delivered = static_cast<double>(f.counted.delivered);
  const auto clients = static_cast<double>(r.shape.clients);
  return {
      .delivered_per_second = ratio(delivered, seconds(f.elapsed)),
      .delivered_per_cpu_second = ratio(delivered, seconds(f.server_cpu)),
      .cpu_us_per_delivery = ratio(micros(f.server_cpu), delivered),
      .server_share = ratio(seconds(f.server_cpu), seconds(f.elapsed)),
      .own_share = ratio(seconds(f.own_cpu), seconds(f.elapsed)),
      .resident_per_client =
          static_cast<double>(f.with_clients.resident_bytes - f.before_clients.resident_bytes) /
          clients,
      .anonymous_per_client =
          static_cast<double>(f.with_clients.anonymous_bytes - f.before_clients.anonymous_bytes) /
          clients,
      .growth = static_cast<double>(f.after_traffic.resident_bytes - f.with_clients.resident_bytes),
  };
}

boost::json::object percentiles(const histogram& h) {
  return {{"p50", h.at(0.5).count()},
          {"p90", h.at(0.9).count()},
          {"p99", h.at(0.99).count()},
          {"p999", h.at(0.999).count()},
          {"max", h.max().count()}};
}

template <class... Values>
std::string format(const char* form, Values... values) {
  char line[400];
  std::snprintf(line, sizeof line, form, values...);
  return line;
}

} // namespace

std::string to_json(const report& r) {
  const auto& counted = r.found.counted;
  const auto d = derive(r);
  boost::json::object o{
      {"scenario", r.scenario},
      {"server", r.server},
      {"failed", r.wrong.total() != 0},
      {"clients", r.shape.clients},
      {"group_size", r.shape.group_size},
      {"window", r.planned.window},
      {"rate", r.planned.rate},
      {"message_bytes", r.planned.message_bytes},
      {"elapsed_ns", r.found.elapsed.count()},
      {"server_cpu_ns", r.found.server_cpu.count()},
      {"load_cpu_ns", r.found.own_cpu.count()},
      {"sent", counted.sent},
      {"delivered", counted.delivered},
      {"acknowledged", counted.acknowledged},
      {"delivered_per_second", whole(d.delivered_per_second)},
      {"delivered_per_cpu_second", whole(d.delivered_per_cpu_second)},
      {"cpu_ns_per_delivery", whole(1000 * d.cpu_us_per_delivery)},
      {"latency_ns", percentiles(counted.latency)},
      {"resident_bytes_per_client", whole(d.resident_per_client)},
      {"anonymous_bytes_per_client", whole(d.anonymous_per_client)},
      {"growth_bytes", whole(d.growth)},
      {"pings", r.found.pings},
      {"drain",
       {{"elapsed_ns", r.found.drained.elapsed.count()},
        {"server_cpu_ns", r.found.drained.server_cpu.count()},
        {"delivered", r.found.drained.delivered}}},
  };
  if (r.planned.rate > 0)
    o["send_delay_ns"] = percentiles(counted.delay);
  if (r.planned.slow != 0)
    o["slow_per_group"] = r.planned.slow;
  if (r.wrong.total() != 0)
    o["faults"] = boost::json::object{{"refusals", r.wrong.refusals},
                                      {"closes", r.wrong.closes},
                                      {"unexpected", r.wrong.unexpected},
                                      {"lost", r.wrong.lost},
                                      {"first", r.wrong.first}};
  return boost::json::serialize(o);
}

std::string to_sentence(const report& r) {
  const auto& counted = r.found.counted;
  const auto d = derive(r);
  std::string line = format("%s %s, %zu clients in groups of %zu", r.server.c_str(),
                            r.scenario.c_str(), r.shape.clients, r.shape.group_size);
  if (counted.sent == 0) {
    line += format(": %.0f B resident each (%.0f B anonymous)", d.resident_per_client,
                   d.anonymous_per_client);
  } else {
    line += r.planned.rate > 0 ? format(", %g messages/s", r.planned.rate)
                               : format(", %zu in flight", r.planned.window);
    line += ": ";
    line +=
        format("%.0f deliveries per CPU-second (%.2f us each), %.0f/s; p50 %.0f us, p99 %.0f us",
               d.delivered_per_cpu_second, d.cpu_us_per_delivery, d.delivered_per_second,
               micros(counted.latency.at(0.5)), micros(counted.latency.at(0.99)));
  }
  line +=
      format("; CPU: server %.1f %%, generator %.1f %%", 100 * d.server_share, 100 * d.own_share);
  if (r.found.drained.elapsed.count() != 0)
    line += format("; %zu more within %.0f ms of its end",
                   static_cast<std::size_t>(r.found.drained.delivered),
                   micros(r.found.drained.elapsed) / 1e3);
  if (r.wrong.total() != 0)
    line +=
        format("; FAILED: %zu refusals, %zu closes, %zu unexpected, %zu lost, first: %.150s",
               static_cast<std::size_t>(r.wrong.refusals), static_cast<std::size_t>(r.wrong.closes),
               static_cast<std::size_t>(r.wrong.unexpected), static_cast<std::size_t>(r.wrong.lost),
               r.wrong.first.c_str());
  return line;
}

} // namespace load
