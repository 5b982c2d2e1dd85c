#include "net/option_sources.hpp"
#include "net/quantity.hpp"
#include "net/token.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <sstream>
#include <stdexcept>

namespace beckon::net {

namespace {

namespace po = boost::program_options;
using std::chrono::system_clock;

/// What is wrong with the command line, for the one line on stderr.
struct usage_error : std::runtime_error {
  using runtime_error::runtime_error;
};

struct wanted_token {
  claims says;
  std::string key_file;
};

po::options_description describe_options() {
  po::options_description description(
      "Usage: beckon token --user UID --for DURATION [OPTION]...\n\n"
      "Prints a token that a server with the same key accepts");
  auto add = description.add_options();
  add("user", po::value<std::string>()->value_name("UID")->required(), "who shows the token");
  add("for", po::value<std::string>()->value_name("DURATION")->required(),
      "how long: 30m, 1h, 720h");
  add("as", po::value<std::vector<std::string>>()->value_name("UID"),
      "who else the user may be in a group; * is anyone (repeatable)");
  add("token-key-file", po::value<std::string>()->value_name("FILE"),
      "the key, at least 32 bytes (else BECKON_TOKEN_KEY_FILE)");
  add("help", "print this, and end");
  return description;
}

std::string variable(const char* const* envp, std::string_view name) {
  for (; envp && *envp; ++envp) {
    std::string_view entry = *envp;
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('='))
      return std::string(entry.substr(name.size() + 1));
  }
  return {};
}

system_clock::time_point end_of(const std::string& period) {
  constexpr auto longest = std::chrono::hours{24 * 366 * 10};
  auto duration = parse_duration(period);
  if (!duration || *duration < std::chrono::seconds{1} || *duration > longest)
    throw usage_error("--for: " + in_quotes(period) + " is not a duration from 1s to " +
                      print_duration(longest));
  return system_clock::now() + *duration;
}

wanted_token read_options(const po::variables_map& given, const char* const* envp) {
  wanted_token wanted;
  wanted.says.sub = given["user"].as<std::string>();
  wanted.says.expires_at = end_of(given["for"].as<std::string>());
  if (given.contains("as"))
    wanted.says.as = given["as"].as<std::vector<std::string>>();
  wanted.key_file = given.contains("token-key-file") ? given["token-key-file"].as<std::string>()
                                                     : variable(envp, "BECKON_TOKEN_KEY_FILE");
  if (wanted.key_file.empty())
    throw usage_error("--token-key-file: is not given");
  return wanted;
}

/// The token, which a server with the default limits accepts.
std::string make_checked_token(const wanted_token& wanted) {
  auto key = read_token_key(wanted.key_file);
  if (!key)
    throw usage_error("--token-key-file: " + in_quotes(wanted.key_file) + ' ' + key.error());
  auto token = make_token(key->bytes, wanted.says);
  token_verifier verifier(key->bytes, std::chrono::seconds{0}, protocol::limits{});
  auto accepted = verifier.verify(token, system_clock::now());
  if (accepted)
    return token;
  if (accepted.error() == token_errc::bad_members)
    throw usage_error("--as: not a uid");
  if (accepted.error() == token_errc::too_large)
    throw usage_error("--as: too many, " + std::string(text(accepted.error())));
  throw usage_error("--user: " + in_quotes(wanted.says.sub) + " is not a uid");
}

} // namespace

int token_command(int argc, const char* const* argv, const char* const* envp) {
  try {
    using namespace po::command_line_style;
    auto description = describe_options();
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    po::variables_map given;
    po::positional_options_description none;
    po::store(po::command_line_parser(words)
                  .options(description)
                  .positional(none)
                  .style(allow_long | long_allow_adjacent | long_allow_next)
                  .run(),
              given);
    std::string output;
    if (given.contains("help")) {
      std::ostringstream help;
      help << description;
      output = help.str();
    } else {
      po::notify(given);
      output = make_checked_token(read_options(given, envp)) + '\n';
    }
    std::fwrite(output.data(), 1, output.size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
  } catch (const usage_error& e) {
    std::fprintf(stderr, "beckon: %s\n", e.what());
  } catch (const po::error& e) {
    std::fprintf(stderr, "beckon: %s\n", e.what());
  }
  return exit_config;
}

} // namespace beckon::net
