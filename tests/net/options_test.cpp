#include "net/options.hpp"

#include "net/limit_options.hpp"
#include "net/option_table.hpp"
#include "net/quantity.hpp"
#include "scratch_file.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <set>
#include <vector>

using namespace beckon;
using namespace beckon::net;
using namespace std::chrono_literals;
using protocol::session_policy;
using wish = configured::wish;

namespace {

const std::string key(32, 'k');

using result = boost::system::result<configured, std::string>;
using texts = std::vector<std::string>;

result configure_with(const texts& arguments, const texts& environment = {}) {
  std::vector<const char*> argv{"serve"};
  for (const auto& argument : arguments)
    argv.push_back(argument.c_str());
  std::vector<const char*> envp{"PATH=/bin", "HOME=/root"};
  for (const auto& variable : environment)
    envp.push_back(variable.c_str());
  envp.push_back(nullptr);
  return configure(static_cast<int>(argv.size()), argv.data(), envp.data());
}

/// For configurations that must be good.
configured good(const texts& arguments, const texts& environment = {}) {
  auto read = configure_with(arguments, environment);
  BOOST_REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error()));
  return *read;
}

/// The same with a file.
configured good_file(const std::string& file, texts arguments = {}, const texts& environment = {}) {
  scratch_file written(file);
  arguments.insert(arguments.end(), {"--config", written.path()});
  return good(arguments, environment);
}

/// The line about a configuration that must be bad; `{FILE}` stands for the file's path.
std::string line_of(texts arguments, const texts& environment, const std::string& file) {
  scratch_file written(file);
  if (!file.empty())
    arguments.insert(arguments.end(), {"--config", written.path()});
  auto read = configure_with(arguments, environment);
  if (read)
    return "(accepted)";
  auto line = read.error();
  if (auto at = line.find(written.path()); at != line.npos)
    line.replace(at, written.path().size(), "{FILE}");
  return line;
}

bool mentions(const std::vector<std::string>& lines, std::string_view words) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const auto& line) { return line.find(words) != std::string::npos; });
}

/// How --help introduces an option.
std::string first_line_of_help(const option_row& row) {
  auto line = "--" + std::string(row.name);
  if (row.arity == option_arity::flag)
    line += "[=" + std::string(row.unit) + "]";
  else if (!row.unit.empty())
    line += " " + std::string(row.unit);
  if (row.arity == option_arity::many)
    line += " (repeatable)";
  if (row.print)
    for (const auto& value : row.print(options{}))
      line += " (default " + value + ")";
  return line;
}

constexpr std::size_t limit_count = sizeof(protocol::limits) / sizeof(std::size_t);

/// Which of the limits, counted in words, an option writes.
std::set<std::size_t> places_changed_by(const option_row& row) {
  const options defaults;
  options changed;
  for (auto text : {"100", "1024", "2048", "65536", "131072", "700s"})
    if (row.print(changed) == row.print(defaults))
      row.read(changed, text);
  const auto* before = reinterpret_cast<const std::size_t*>(&defaults.bounds);
  const auto* after = reinterpret_cast<const std::size_t*>(&changed.bounds);
  std::set<std::size_t> places;
  for (std::size_t i = 0; i < limit_count; ++i)
    if (before[i] != after[i])
      places.insert(i);
  return places;
}

/// Below, at and above both ends of a number's range, which its refusal tells: "is not within A and
/// B".
void check_range(const option_row& row) {
  auto is_duration = row.unit == "DURATION";
  auto text = [&](std::uint64_t n) { return std::to_string(n) + (is_duration ? "ms" : ""); };
  auto number = [&](const std::string& n) {
    return is_duration ? static_cast<std::uint64_t>(parse_duration(n)->count()) : *parse_size(n);
  };
  options values;
  auto refusal = *row.read(values, is_duration ? "9223372036854775807ms" : "18446744073709551615");
  auto separator = refusal.find(" and ");
  auto least = refusal.substr(14, separator - 14);
  auto most = refusal.substr(separator + 5);
  BOOST_TEST(!row.read(values, least).has_value(), row.name);
  BOOST_TEST(row.print(values).front() == least);
  BOOST_TEST(!row.read(values, most).has_value(), row.name);
  BOOST_TEST(row.print(values).front() == most);
  BOOST_TEST(row.read(values, text(number(most) + 1)).has_value(), row.name);
  BOOST_TEST((number(least) == 0 || row.read(values, text(number(least) - 1)).has_value()),
             row.name);
  BOOST_TEST(row.print(values).front() == most); // the refused ones left no trace
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_options)

BOOST_AUTO_TEST_CASE(a_wrong_configuration_gets_one_line_that_names_what_is_wrong) {
  struct row {
    texts arguments;
    texts environment;
    std::string file;
    const char* starts_with; ///< behind "beckon: "
  };
  scratch_file short_key(std::string(31, 'k'));
  scratch_file blank_key(std::string(31, 'k') + " k");
  const row rows[] = {
      // The command line's own grammar.
      {{"--prot", "80"}, {}, "", "unrecognised option '--prot'"},
      {{"--por", "80"}, {}, "", "unrecognised option '--por'"},
      {{"--PORT", "80"}, {}, "", "unrecognised option '--PORT'"},
      {{"--port"}, {}, "", "the required argument for option '--port' is missing"},
      {{"--port="}, {}, "", "the argument for option '--port' should follow"},
      {{"--port", "1", "--port", "2"}, {}, "", "--port: given twice"},
      {{"--insecure", "--insecure"}, {}, "", "--insecure: given twice"},
      {{"--insecure", "no"}, {}, "", "--insecure: 'no' is neither true nor false"},
      {{"80"}, {}, "", "unexpected argument '80'"},
      {{"-h"}, {}, "", "unexpected argument '-h'"},
      {{"--help=1"}, {}, "", "option '--help' does not take any arguments"},
      {{"--bad\noption"}, {}, "", "unrecognised option '--bad?option'"},

      // Numbers.
      {{"--port", ""}, {}, "", "--port: the value is empty"},
      {{"--port", "65536"}, {}, "", "--port: '65536' is not within 0 and 65535"},
      {{"--port", "-1"}, {}, "", "--port: '-1' is not a whole number"},
      {{"--port", "80x"}, {}, "", "--port: '80x' is not a whole number"},
      {{"--port", "0x50"}, {}, "", "--port: '0x50' is not"},
      {{"--port", "99999999999999999999999"},
       {},
       "",
       "--port: '99999999999999999999999' is not within"},
      {{"--port", " 80"}, {}, "", "--port: ' 80' starts or ends with a blank"},
      {{"--port", "8\n0"}, {}, "", "--port: '8?0' contains a control character"},
      {{"--threads", "65"}, {}, "", "--threads: '65' is not within 0 and 64"},
      {{"--max-groups-per-session", "0"}, {}, "", "--max-groups-per-session: '0' is not within 1"},
      {{"--rate-frames", "1.5"}, {}, "", "--rate-frames: '1.5' is not"},
      {{"--rate-frames-burst", "0"}, {}, "", "--rate-frames-burst: '0' is not within"},
      {{"--max-frame", "64KB"}, {}, "", "--max-frame: '64KB' is not a size"},
      {{"--max-frame", "1023"}, {}, "", "--max-frame: '1023' is not within 1KiB and 16MiB"},
      {{"--max-frame", "17179869185GiB"}, {}, "", "--max-frame: '17179869185GiB' is not within"},
      {{"--max-uid", "1025"}, {}, "", "--max-uid: '1025' is not within"},
      {{"--ping", "10"}, {}, "", "--ping: '10' is not a duration"},
      {{"--ping", "0s"}, {}, "", "--ping: '0s' is not within 100ms and 1h"},
      {{"--pong", "2h"}, {}, "", "--pong: '2h' is not within"},
      {{"--auth-timeout", "-5s"}, {}, "", "--auth-timeout: '-5s' is not"},
      {{"--token-leeway", "301s"}, {}, "", "--token-leeway: '301s' is not within 0ms and 5m"},
      {{"--drain-timeout", "9223372036854775807h"},
       {},
       "",
       "--drain-timeout: '9223372036854775807h' is not within"},

      // Words.
      {{"--listen", "example.com"}, {}, "", "--listen: 'example.com' is neither"},
      {{"--listen", "127.0.0.1:80"}, {}, "", "--listen: '127.0.0.1:80' is neither"},
      {{"--listen", "::1", "--listen", "[::1]"},
       {},
       "",
       "--listen: '[::1]' is listened on already"},
      {{"--path", "ws"}, {}, "", "--path: 'ws' is not a path"},
      {{"--path", "/ws?x"}, {}, "", "--path: '/ws?x' is not a path"},
      {{"--path", "/readyz"}, {}, "", "--path: '/readyz' is taken"},
      {{"--admin-listen", "8701"}, {}, "", "--admin-listen: '8701' is neither"},
      {{"--admin-listen", "OFF"}, {}, "", "--admin-listen: 'OFF' is neither"},
      {{"--admin-host", "a:8701"}, {}, "", "--admin-host: 'a:8701' is not a host name"},
      {{"--admin-host", "http://a"}, {}, "", "--admin-host: 'http://a' is not a host name"},
      {{"--node", "a.b"}, {}, "", "--node: 'a.b' is not a name"},
      {{"--node", std::string(65, 'n')}, {}, "", "--node: 'nnnn"},
      {{"--origin", "*"}, {}, "", "--origin: '*' is not an origin"},
      {{"--origin", "https://a.example/"}, {}, "", "--origin: 'https://a.example/' is not"},
      {{"--policy", "room-*"}, {}, "", "--policy: 'room-*' is not PATTERN="},
      {{"--policy", "room-*=many"}, {}, "", "--policy: 'room-*=many' is not"},
      {{"--policy", "=multi"}, {}, "", "--policy: '=multi' is not"},
      {{"--behaviour", "auction"}, {}, "", "--behaviour: 'auction' is not NAME @ PATTERN"},
      {{"--behaviour", "Auction @ *"}, {}, "", "--behaviour: 'Auction @ *' is not NAME @ PATTERN"},
      {{"--behaviour", "auction @"}, {}, "", "--behaviour: 'auction @' is not NAME @ PATTERN"},
      {{"--behaviour", "@ *"}, {}, "", "--behaviour: '@ *' is not NAME @ PATTERN"},
      {{"--behaviour", std::string(65, 'a') + " @ *"}, {}, "", "--behaviour: 'aaaa"},
      {{"--behaviour-library", "a", "--behaviour-library", "a"},
       {},
       "",
       "--behaviour-library: 'a' is loaded already"},
      {{"--behaviour-option", "a.b"}, {}, "", "--behaviour-option: 'a.b' is not NAME.KEY=VALUE"},
      {{"--behaviour-option", "a=b"}, {}, "", "--behaviour-option: 'a=b' is not NAME.KEY=VALUE"},
      {{"--behaviour-option", "a.b=1", "--behaviour-option", "a.b=1"},
       {},
       "",
       "--behaviour-option: 'a.b=1' is given twice"},
      {{"--log-level", "trace"}, {}, "", "--log-level: 'trace' is none of debug|info"},
      {{"--log-format", "JSON"}, {}, "", "--log-format: 'JSON' is none of text|json"},
      {{"--insecure=yes"}, {}, "", "--insecure: 'yes' is neither true nor false"},

      // The cluster.
      {{"--cluster.listen", "4700"}, {}, "", "--cluster.listen: '4700' is not ADDRESS:PORT"},
      {{"--cluster.listen", "a:4700"}, {}, "", "--cluster.listen: 'a:4700' is not"},
      {{"--cluster.seeds", "a"}, {}, "", "--cluster.seeds: 'a' is not HOST:PORT"},
      {{"--cluster.seeds", "a:1,,b:2"}, {}, "", "--cluster.seeds: 'a:1,,b:2' is not"},
      {{"--cluster.advertise", "a:0"}, {}, "", "--cluster.advertise: 'a:0' is not HOST:PORT"},
      {{"--cluster.name", "a.b"}, {}, "", "--cluster.name: 'a.b' is not a name"},
      {{"--cluster.id", "a b"}, {}, "", "--cluster.id: 'a b' is not a name"},
      {{"--cluster.heartbeat", "0ms"}, {}, "", "--cluster.heartbeat: '0ms' is not within"},
      {{"--cluster.timeout", "0ms"}, {}, "", "--cluster.timeout: '0ms' is not within"},
      {{"--cluster.insecure=1"}, {}, "", "--cluster.insecure: '1' is neither true nor false"},
      {{}, {"BECKON_CLUSTER_SEEDS=a:1,b"}, "", "BECKON_CLUSTER_SEEDS: 'b' is not HOST:PORT"},
      {{}, {}, "cluster.listen = x\n", "{FILE}:1: cluster.listen: 'x' is not ADDRESS:PORT"},
      {{"--insecure", "--node", "a", "--cluster.name", "b"},
       {},
       "",
       "--cluster.name: differs from --node"},
      {{"--insecure", "--cluster.timeout", "999ms"}, {}, "", "--cluster.timeout: is less than"},
      {{"--insecure", "--cluster.heartbeat", "2s"}, {}, "", "--cluster.timeout: is less than"},
      {{"--insecure", "--cluster.listen", "127.0.0.1:0"}, {}, "", "--cluster.cert: is not given"},
      {{"--insecure", "--cluster.listen", "127.0.0.1:0", "--cluster.cert", "/nowhere"},
       {},
       "",
       "--cluster.cert: '/nowhere' cannot be read"},
      {{"--insecure", "--cluster.listen", "127.0.0.1:0", "--cluster.insecure", "--max-frame",
        "1048577", "--max-outbound", "4MiB"},
       {},
       "",
       "--max-frame: is more than 1MiB, which is the most that can be with --cluster.listen"},
      {{"--insecure", "--cluster.listen", "0.0.0.0:0", "--cluster.insecure"},
       {},
       "",
       "--cluster.insecure: --cluster.listen and --cluster.seeds must be loopback"},
      {{"--insecure", "--cluster.listen", "127.0.0.1:0", "--cluster.insecure", "--cluster.seeds",
        "a:1"},
       {},
       "",
       "--cluster.insecure: --cluster.listen and --cluster.seeds must be loopback"},

      // The environment.
      {{}, {"BECKON_PORT=x"}, "", "BECKON_PORT: 'x' is not a whole number"},
      {{}, {"BECKON_PORT="}, "", "BECKON_PORT: the value is empty"},
      {{}, {"BECKON_PROT=80"}, "", "BECKON_PROT: unknown variable"},
      {{}, {"BECKON_=1"}, "", "BECKON_: unknown variable"},
      {{}, {"BECKON_port=80"}, "", "BECKON_port: unknown variable"},
      {{}, {"BECKON_HELP=1"}, "", "BECKON_HELP: unknown variable"},
      {{}, {"BECKON_PORT=1", "BECKON_PORT=2"}, "", "BECKON_PORT: given twice"},
      {{}, {"BECKON_LISTEN=127.0.0.1,"}, "", "BECKON_LISTEN: the value is empty"},
      {{}, {"BECKON_LISTEN=127.0.0.1 ::1"}, "", "BECKON_LISTEN: '127.0.0.1 ::1' is neither"},
      {{}, {"BECKON_INSECURE=1"}, "", "BECKON_INSECURE: '1' is neither true nor false"},
      {{"--port", "80"}, {"BECKON_PORT=x"}, "", "BECKON_PORT: 'x' is not"},
      {{},
       {"BECKON_CONFIG=/nowhere"},
       "",
       "BECKON_CONFIG: '/nowhere' cannot be read: No such file"},

      // The file.
      {{"--config", "/nowhere/at/all"},
       {},
       "",
       "--config: '/nowhere/at/all' cannot be read: No such file"},
      {{"--config", "/tmp"}, {}, "", "--config: '/tmp' cannot be read: Is a directory"},
      {{"--config", "/dev/zero"}, {}, "", "--config: '/dev/zero' cannot be read: File too large"},
      {{}, {}, "port = 80\n\nprot = 80\n", "{FILE}:3: 'prot' is not an option"},
      {{}, {}, "# a comment\nport 80\n", "{FILE}:2: 'port 80' is not NAME = VALUE"},
      {{}, {}, "[server]\nport = 80\n", "{FILE}:1: '[server]' is no section"},
      {{}, {}, "[behaviour.A]\n", "{FILE}:1: '[behaviour.A]' is no section"},
      {{}, {}, "[behaviour.]\n", "{FILE}:1: '[behaviour.]' is no section"},
      {{}, {}, "\n[behaviour.a]\nb\n", "{FILE}:3: 'b' is not NAME = VALUE"},
      {{}, {}, "[behaviour.a]\nb c = 1\n", "{FILE}:2: b c: 'a.b c=1' is not NAME.KEY=VALUE"},
      {{}, {}, "[behaviour.a]\nb =\n", "{FILE}:2: b: 'a.b=' is not NAME.KEY=VALUE"},
      {{}, {}, "[behaviour.a]\nb = 1\nb = 2\n", "{FILE}:3: b: 'a.b=2' is given twice"},
      {{}, {}, "[behaviour.a]\n[]\nb = 1\n", "{FILE}:3: 'b' is not an option"},
      {{}, {}, "[behaviour.a]\n[beckon]\nb = 1\n", "{FILE}:3: 'b' is not an option"},
      {{}, {}, "[behaviour.a\n", "{FILE}:1: '[behaviour.a' is not NAME = VALUE"},
      {{}, {}, "port = 80\nport = 81", "{FILE}:2: port: given twice"},
      {{}, {}, "port =\n", "{FILE}:1: port: the value is empty"},
      {{}, {}, "port = 80 # the usual\n", "{FILE}:1: port: '80 # the usual' is not a whole number"},
      {{}, {}, "\n\n\nping = fast\n", "{FILE}:4: ping: 'fast' is not a duration"},
      {{}, {}, "PORT = 80\n", "{FILE}:1: 'PORT' is not an option"},
      {{}, {}, "--port = 80\n", "{FILE}:1: '--port' is not an option"},
      {{}, {}, "config = other.ini\n", "{FILE}:1: 'config' cannot stand in a file"},
      {{}, {}, "help = true\n", "{FILE}:1: 'help' cannot stand in a file"},
      {{}, {}, "insecure\n", "{FILE}:1: 'insecure' is not NAME = VALUE"},
      {{}, {}, "= 80\n", "{FILE}:1: '' is not an option"},
      {{},
       {},
       std::string("path = /w\0s\n", 12),
       "{FILE}:1: path: '/w?s' contains a control character"},
      {{}, {}, "\xEF\xBB\xBFport = 80\n", "{FILE}:1: '\xEF\xBB\xBFport' is not an option"},
      {{"--port", "80"}, {}, "port = x\n", "{FILE}:1: port: 'x' is not a whole number"},
      {{},
       {},
       "insecure = true\nmax-outbound = 32KiB\n",
       "{FILE}:2: max-outbound: is less than --max-frame"},
      {{},
       {},
       "listen = 0.0.0.0\ntoken-key-file = /nowhere\n",
       "{FILE}:2: token-key-file: '/nowhere' cannot be read"},

      // What does not go together.
      {{}, {}, "", "--token-key-file: is not given"},
      {{"--insecure=false"}, {}, "", "--token-key-file: is not given"},
      {{"--insecure", "--token-key-file", "/nowhere"},
       {},
       "",
       "--token-key-file: '/nowhere' cannot be read"},
      {{"--token-key-file", "/tmp"},
       {},
       "",
       "--token-key-file: '/tmp' cannot be read: Is a directory"},
      {{"--token-key-file", short_key.path()}, {}, "", "--token-key-file: '/tmp/"},
      {{"--insecure", "--admin-key-file", "/nowhere"},
       {},
       "",
       "--admin-key-file: '/nowhere' cannot be read"},
      {{"--insecure", "--admin-key-file", short_key.path()}, {}, "", "--admin-key-file: '/tmp/"},
      {{"--insecure", "--admin-key-file", blank_key.path()}, {}, "", "--admin-key-file: '/tmp/"},
      {{"--insecure", "--max-frame", "8KiB"},
       {},
       "",
       "--max-frame-before-auth: is more than --max-frame"},
      {{"--insecure", "--max-frame", "1MiB"}, {}, "", "--max-outbound: is less than --max-frame"},
      // 65,536 bytes as base64, the names of group and sender, and the rest of the head.
      {{"--insecure", "--max-outbound", "88295"},
       {},
       "",
       "--max-outbound: is less than --max-frame needs, 88296 bytes"},
  };
  for (const auto& r : rows) {
    auto line = line_of(r.arguments, r.environment, r.file);
    BOOST_TEST(line.starts_with(std::string("beckon: ") + r.starts_with),
               line << " does not start with " << r.starts_with);
    BOOST_TEST(line.find('\n') == line.npos, line);
  }
}

BOOST_AUTO_TEST_CASE(tokens_are_not_offered_to_other_machines_in_plain_text) {
  scratch_file file(key);
  for (auto address : {"0.0.0.0", "::", "192.0.2.1"}) {
    auto line = line_of({"--token-key-file", file.path(), "--listen", address}, {}, "");
    BOOST_TEST(line.starts_with("beckon: --listen: '" + std::string(address) + "' can be reached"),
               line);
    auto allowed = good({"--token-key-file", file.path(), "--listen", address, "--insecure"});
    BOOST_TEST(mentions(allowed.warnings, address));
  }
  good({"--token-key-file", file.path(), "--listen", "127.0.0.2", "--listen", "[::1]"});
}

BOOST_AUTO_TEST_CASE(behind_a_proxy_tokens_may_be_offered_to_other_machines) {
  scratch_file file(key);
  auto read = good({"--token-key-file", file.path(), "--listen", "0.0.0.0", "--behind-proxy"});
  BOOST_TEST(read.values.behind_proxy);
  BOOST_TEST(read.warnings.empty());
}

BOOST_AUTO_TEST_CASE(a_cluster_is_configured_by_every_source) {
  const std::string file = "insecure = true\ncluster.listen = [::1]:4700\n"
                           "cluster.insecure = true\ncluster.seeds = localhost:1\n";
  auto read = good_file(
      file,
      {"--cluster.seeds", "127.0.0.1:1,[::1]:2", "--cluster.seeds", "localhost:3,127.0.0.1:1"},
      {"BECKON_CLUSTER_SEEDS=localhost:9", "BECKON_CLUSTER_NAME=n1",
       "BECKON_CLUSTER_HEARTBEAT=100ms"});
  const auto& cluster = read.values.cluster;
  BOOST_TEST(print_admin(*cluster.listen) == "[::1]:4700");
  BOOST_REQUIRE(cluster.seeds.size() == 3U);
  BOOST_TEST(print_node_address(cluster.seeds[1]) == "[::1]:2");
  BOOST_TEST(read.values.node == "n1");
  BOOST_TEST(cluster.id == "beckon");
  BOOST_TEST((cluster.heartbeat == 100ms));
  BOOST_TEST((cluster.timeout == 2s));
  BOOST_TEST(mentions(read.warnings, "cluster.insecure"));
  auto listed = good({"--insecure"}, {"BECKON_CLUSTER_SEEDS=localhost:9, b:1"});
  BOOST_TEST(listed.values.cluster.seeds.size() == 2U);
  BOOST_TEST(mentions(listed.warnings, "this node is alone"));
  BOOST_TEST(good({"--insecure", "--node", "n", "--cluster.name", "n"}).values.node == "n");
}

BOOST_AUTO_TEST_CASE(without_options_it_is_as_the_structs_say) {
  scratch_file file(key);
  auto read = good({"--token-key-file", file.path()});
  const auto& values = read.values;
  BOOST_TEST((read.what == wish::serve));
  BOOST_TEST(read.text == "");
  BOOST_TEST(read.warnings.empty());
  BOOST_TEST(read.token_key == key);
  BOOST_TEST(read.given.size() == 1U);
  BOOST_TEST(read.given.contains("token-key-file"));
  BOOST_TEST(print_listen(values.listen).front() == "localhost");
  BOOST_TEST(values.port == 8080);
  BOOST_TEST(print_admin(*values.admin_listen) == "127.0.0.1:8701");
  BOOST_TEST((values.ping == 10s));
  const protocol::limits defaults;
  BOOST_TEST(std::memcmp(&values.bounds, &defaults, sizeof defaults) == 0);
}

BOOST_AUTO_TEST_CASE(command_line_wins_over_environment_over_file_over_default) {
  const std::string file = "insecure = true\nport = 1\nping = 1s\npong = 1s\nnode = from-file\n";
  auto read =
      good_file(file, {"--port", "3", "--ping", "3s"}, {"BECKON_PORT=2", "BECKON_NODE=from-env"});
  BOOST_TEST(read.values.port == 3);
  BOOST_TEST((read.values.ping == 3s));
  BOOST_TEST(read.values.node == "from-env");
  BOOST_TEST((read.values.pong == 1s));
  BOOST_TEST((read.values.auth_timeout == 5s));
  const std::set<std::string> expected{"insecure", "port", "ping", "pong", "node"};
  BOOST_TEST((std::set<std::string>(read.given.begin(), read.given.end()) == expected));
}

BOOST_AUTO_TEST_CASE(the_file_may_be_named_by_the_environment_unless_the_command_line_names_one) {
  scratch_file one("insecure = true\nport = 1\n");
  scratch_file other("insecure = true\nport = 2\n");
  BOOST_TEST(good({}, {"BECKON_CONFIG=" + one.path()}).values.port == 1);
  BOOST_TEST(good({"--config", other.path()}, {"BECKON_CONFIG=" + one.path()}).values.port == 2);
}

BOOST_AUTO_TEST_CASE(the_list_of_the_strongest_source_replaces_the_others) {
  const std::string file = "insecure = true\nlisten = 127.0.0.1\nlisten = 127.0.0.2\n"
                           "origin = https://a.example\npolicy = a=reject\npolicy = b=replace\n";
  auto read = good_file(file, {"--policy", "c=multi"},
                        {"BECKON_ORIGIN=https://b.example, https://c.example"});
  BOOST_TEST(read.values.listen.size() == 2U);
  const texts origins{"https://b.example", "https://c.example"};
  BOOST_TEST(read.values.origins == origins, boost::test_tools::per_element());
  BOOST_REQUIRE(read.values.policies.size() == 1U);
  BOOST_TEST(read.values.policies[0].pattern == "c");
}

BOOST_AUTO_TEST_CASE(a_number_sign_inside_a_value_survives) {
  auto read = good_file("  # a comment\n\t; another\r\ninsecure=true\r\n\r\n"
                        "policy = room#1; x-* = y=replace\nport\t=\t90\t\npolicy=#=reject");
  BOOST_TEST(read.values.port == 90);
  BOOST_REQUIRE(read.values.policies.size() == 2U);
  BOOST_TEST(read.values.policies[0].pattern == "room#1; x-* = y");
  BOOST_TEST((read.values.policies[0].policy == session_policy::replace));
  BOOST_TEST(read.values.policies[1].pattern == "#");
  BOOST_TEST((read.values.policies[1].policy == session_policy::reject));
}

BOOST_AUTO_TEST_CASE(a_section_of_the_file_has_the_options_of_one_behaviour) {
  auto read = good_file("behaviour = auction @ auction:*\n[behaviour.auction]\nstep = 5\n"
                        "words = a b=c # d\n[]\nbehaviour-option = echo.x=1\n"
                        "[ behaviour.auction ]\nport = 1\n[beckon]\nbehaviour = echo@*\n"
                        "insecure = true\n");
  const auto& rules = read.values.behaviours;
  BOOST_REQUIRE(rules.size() == 2U);
  BOOST_TEST((rules[0] == actors::behaviour_rule{"auction", "auction:*"}));
  BOOST_TEST((rules[1] == actors::behaviour_rule{"echo", "*"}));
  const auto& told = read.values.behaviour_settings;
  BOOST_REQUIRE(told.size() == 2U);
  const actors::settings auction{{"port", "1"}, {"step", "5"}, {"words", "a b=c # d"}};
  BOOST_TEST((told.find("auction")->second == auction));
  BOOST_TEST((told.find("echo")->second == actors::settings{{"x", "1"}}));
  BOOST_TEST(read.values.port == 8080);
}

BOOST_AUTO_TEST_CASE(behaviours_are_configured_by_every_source) {
  const std::string file = "insecure = true\nbehaviour = a @ *\nbehaviour-library = a.so\n"
                           "[behaviour.a]\nx = 1\ny = 2\n";
  auto from_file = good_file(file).values;
  BOOST_TEST(from_file.behaviours.size() == 1U);
  BOOST_TEST(from_file.behaviour_libraries.size() == 1U);
  auto read = good_file(file, {"--behaviour-option", "a.x=3"},
                        {"BECKON_BEHAVIOUR=b @ b:*, c @ c:*", "BECKON_BEHAVIOUR_LIBRARY=b.so,c.so",
                         "BECKON_BEHAVIOUR_OPTION=a.z=1"})
                  .values;
  BOOST_REQUIRE(read.behaviours.size() == 2U);
  BOOST_TEST(read.behaviours[1].behaviour == "c");
  BOOST_TEST(read.behaviours[1].pattern == "c:*");
  BOOST_TEST(read.behaviour_libraries.size() == 2U);
  BOOST_TEST((read.behaviour_settings.find("a")->second == actors::settings{{"x", "3"}}));
}

BOOST_AUTO_TEST_CASE(the_key_of_the_operator_is_read) {
  scratch_file file(key + "\n");
  auto read = good({"--insecure", "--admin-key-file", file.path()});
  BOOST_TEST(read.admin_key == key);
  BOOST_TEST(good({"--insecure"}).admin_key.empty());
  scratch_file open(key, 0644);
  BOOST_TEST(mentions(good({"--insecure", "--admin-key-file", open.path()}).warnings,
                      "the admin key file"));
}

BOOST_AUTO_TEST_CASE(what_is_printed_reads_back_as_the_same) {
  scratch_file key_file(key);
  const texts examples[] = {
      {"--insecure"},
      {"--token-key-file", key_file.path(), "--admin-listen", "off"},
      {"--insecure",
       "--listen",
       "0.0.0.0",
       "--listen",
       "[::1]",
       "--port",
       "0",
       "--policy",
       "a#b=c*=replace",
       "--policy",
       "*=reject",
       "--origin",
       "null",
       "--origin",
       "https://a.example",
       "--ping",
       "1500ms",
       "--max-frame",
       "100000",
       "--log-format",
       "json",
       "--log-level",
       "off",
       "--rate-frames",
       "17",
       "--admin-listen",
       "[::1]:0",
       "--admin-host",
       "Beckon.Example",
       "--admin-host",
       "n_1",
       "--node",
       "n_1",
       "--threads",
       "3",
       "--token-key-file",
       key_file.path(),
       "--token-leeway",
       "0s",
       "--behind-proxy",
       "--admin-key-file",
       key_file.path(),
       "--behaviour",
       "auction@a @ b,*",
       "--behaviour",
       "x @ #",
       "--behaviour-library",
       "a.so",
       "--behaviour-library",
       "b c.so",
       "--behaviour-option",
       "auction.words= a = b",
       "--behaviour-option",
       "x.y.z=,",
       "--cluster.listen",
       "[::1]:0",
       "--cluster.seeds",
       "localhost:1,[::1]:2",
       "--cluster.insecure",
       "--cluster.id",
       "x",
       "--cluster.advertise",
       "a:1"},
  };
  for (auto arguments : examples) {
    arguments.push_back("--print-config");
    auto printed = good(arguments);
    BOOST_TEST((printed.what == wish::print));
    auto again = good_file(printed.text, {"--print-config"});
    BOOST_TEST(again.text == printed.text);
    BOOST_TEST(
        std::memcmp(&again.values.bounds, &printed.values.bounds, sizeof(protocol::limits)) == 0);
    BOOST_TEST(printed.text.find(key) == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(what_is_printed_names_every_option_that_has_a_value) {
  scratch_file file(key);
  auto text = good({"--insecure",
                    "--print-config",
                    "--origin",
                    "null",
                    "--policy",
                    "a=multi",
                    "--admin-host",
                    "beckon.example",
                    "--token-key-file",
                    file.path(),
                    "--admin-key-file",
                    file.path(),
                    "--behaviour",
                    "a @ *",
                    "--behaviour-library",
                    "a.so",
                    "--behaviour-option",
                    "a.b=c",
                    "--cluster.listen",
                    "127.0.0.1:0",
                    "--cluster.seeds",
                    "localhost:1",
                    "--cluster.advertise",
                    "a:1",
                    "--cluster.name",
                    "n",
                    "--cluster.cert",
                    "c",
                    "--cluster.key",
                    "k",
                    "--cluster.ca",
                    "a",
                    "--cluster.insecure"})
                  .text;
  for (const auto& row : option_table())
    if (row.print)
      BOOST_TEST(text.find("\n" + std::string(row.name) + " = ") != std::string::npos, row.name);
}

BOOST_AUTO_TEST_CASE(insecure_lifts_rates_and_the_connections_of_one) {
  auto bounds = good({"--insecure"}).values.bounds;
  const protocol::limits defaults;
  BOOST_TEST(bounds.frames_per_second == 0U);
  BOOST_TEST(bounds.bytes_per_second == 0U);
  BOOST_TEST(bounds.joins_per_second == 0U);
  BOOST_TEST(bounds.handshakes_per_second == 0U);
  BOOST_TEST(bounds.connections_per_address_max == 0U);
  BOOST_TEST(bounds.connections_per_user_max == 0U);
  BOOST_TEST(bounds.connections_max == defaults.connections_max);
  BOOST_TEST(bounds.handshakes_in_progress_max == defaults.handshakes_in_progress_max);
}

BOOST_AUTO_TEST_CASE(what_is_given_wins_over_insecure_whatever_gave_it) {
  auto read = good_file("rate-frames = 1\nmax-connections-per-user = 2\n",
                        {"--insecure", "--rate-joins", "3", "--rate-handshakes", "500"},
                        {"BECKON_RATE_BYTES=4KiB"});
  const auto& bounds = read.values.bounds;
  BOOST_TEST(bounds.frames_per_second == 1U);
  BOOST_TEST(bounds.connections_per_user_max == 2U);
  BOOST_TEST(bounds.joins_per_second == 3U);
  BOOST_TEST(bounds.bytes_per_second == 4096U);
  BOOST_TEST(bounds.handshakes_per_second == 500U); // though it is the default
  BOOST_TEST(bounds.connections_per_address_max == 0U);
}

BOOST_AUTO_TEST_CASE(what_an_operator_should_know_is_a_warning) {
  BOOST_TEST(mentions(good({"--insecure"}).warnings, "insecure"));
  scratch_file open_key(key, 0644);
  auto warnings =
      good({"--token-key-file", open_key.path(), "--admin-listen", "0.0.0.0:8701"}).warnings;
  BOOST_TEST(warnings.size() == 2U);
  BOOST_TEST(mentions(warnings, "every user"));
  BOOST_TEST(mentions(warnings, "0.0.0.0:8701"));
}

BOOST_AUTO_TEST_CASE(help_tells_name_unit_default_and_reason_of_every_option) {
  auto help = good({"--help"});
  BOOST_TEST((help.what == wish::help));
  for (const auto& row : option_table()) {
    auto described = "\n  " + first_line_of_help(row) + "\n      " + std::string(row.reason) + "\n";
    auto start = help.text.find(described);
    BOOST_TEST(start != std::string::npos, described << " is missing");
    BOOST_TEST(help.text.find("\n" + std::string(row.group) + ":\n") < start, row.name);
    BOOST_TEST(!row.reason.empty(), row.name);
  }
}

BOOST_AUTO_TEST_CASE(commands_are_answered_with_text) {
  BOOST_TEST((good({"--version", "--config", "/nowhere"}).what == wish::version));
  BOOST_TEST(good({"--version"}).text == "beckon " BECKON_VERSION "\n");
  auto checked = good({"--check-config", "--insecure"});
  BOOST_TEST((checked.what == wish::check));
  BOOST_TEST(checked.text == "the configuration is good\n");
  BOOST_TEST(line_of({"--check-config"}, {}, "").starts_with("beckon: --token-key-file"));
}

BOOST_AUTO_TEST_CASE(a_node_without_a_name_has_the_hosts) {
  auto node = good({"--insecure"}).values.node;
  BOOST_TEST(!node.empty());
  BOOST_TEST(good({"--insecure", "--node", node}).values.node == node);
}

BOOST_AUTO_TEST_CASE(every_limit_has_one_option_of_its_own) {
  auto rows = limit_options();
  rows.push_back(*find_option("assembly-timeout"));
  std::set<std::size_t> places;
  for (const auto& row : rows) {
    auto changed = places_changed_by(row);
    BOOST_TEST(changed.size() == 1U, row.name);
    places.insert(changed.begin(), changed.end());
  }
  BOOST_TEST(places.size() == rows.size());
  BOOST_TEST(places.size() == limit_count);
}

BOOST_AUTO_TEST_CASE(every_number_is_taken_up_to_both_ends_of_its_range) {
  int numbers = 0;
  for (const auto& row : option_table())
    if (row.unit == "NUMBER" || row.unit == "SIZE" || row.unit == "DURATION") {
      check_range(row);
      ++numbers;
    }
  BOOST_TEST(numbers > 40);
}

BOOST_AUTO_TEST_CASE(variables_are_named_after_the_options) {
  BOOST_TEST(variable_of("max-groups-per-session") == "BECKON_MAX_GROUPS_PER_SESSION");
  BOOST_TEST(variable_of("a.b") == "BECKON_A_B");
  BOOST_TEST(good({}, {"BECKON_INSECURE=true", "BECKON_MAX_GROUPS_PER_SESSION=5"})
                 .values.bounds.groups_per_session_max == 5U);
}

BOOST_AUTO_TEST_CASE(only_pages_of_allowed_origins_may_connect) {
  scratch_file file(key);
  auto values = good({"--token-key-file", file.path(), "--origin", "https://good.example"}).values;
  BOOST_TEST(is_allowed_origin(values, "https://good.example"));
  for (auto origin :
       {"null", "http://good.example", "https://good.example:8443", "https://good.example.",
        "https://GOOD.example", "https://good.example.evil", "http://localhost", ""})
    BOOST_TEST(!is_allowed_origin(values, origin), origin);
  auto trial = good({"--insecure", "--origin", "null"}).values;
  BOOST_TEST(is_allowed_origin(trial, "null"));
  BOOST_TEST(is_allowed_origin(trial, "http://localhost:3000"));
  BOOST_TEST(!is_allowed_origin(trial, "http://localhost.evil.example"));
  BOOST_TEST(!is_allowed_origin(good({"--insecure"}).values, "null"));
}

BOOST_AUTO_TEST_SUITE_END()
