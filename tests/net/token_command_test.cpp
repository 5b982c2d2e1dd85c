#include "net/options.hpp"
#include "net/token.hpp"

#include "scratch_file.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

using namespace beckon::net;
using namespace std::chrono_literals;
using std::chrono::system_clock;

namespace {

const std::string key(32, 'k');

/// Sends a standard stream to a file for as long as it lives.
class captured {
public:
  explicit captured(std::FILE* stream)
      : stream_(stream), kept_(::dup(::fileno(stream))), file_("") {
    std::fflush(stream_);
    auto fd = ::open(file_.path().c_str(), O_WRONLY | O_CLOEXEC);
    BOOST_REQUIRE(::dup2(fd, ::fileno(stream_)) >= 0);
    ::close(fd);
  }
  ~captured() { end(); }
  captured(const captured&) = delete;
  captured& operator=(const captured&) = delete;
  std::string end() {
    if (kept_ >= 0) {
      std::fflush(stream_);
      ::dup2(kept_, ::fileno(stream_));
      ::close(std::exchange(kept_, -1));
    }
    std::string text(10'000, '\0');
    auto fd = ::open(file_.path().c_str(), O_RDONLY | O_CLOEXEC);
    text.resize(static_cast<std::size_t>(::read(fd, text.data(), text.size())));
    ::close(fd);
    return text;
  }

private:
  std::FILE* stream_;
  int kept_;
  scratch_file file_;
};

struct ending {
  int status;
  std::string out, err;
};

ending run(std::vector<std::string> arguments, const std::string& variable = "X=") {
  arguments.insert(arguments.begin(), "token");
  std::vector<const char*> argv(arguments.size());
  std::transform(arguments.begin(), arguments.end(), argv.begin(),
                 [](auto& a) { return a.c_str(); });
  const char* envp[] = {"PATH=/bin", variable.c_str(), nullptr};
  captured out(stdout);
  captured err(stderr);
  auto status = token_command(static_cast<int>(argv.size()), argv.data(), envp);
  return {status, out.end(), err.end()};
}

boost::system::result<claims, token_errc> read(std::string line) {
  BOOST_REQUIRE(line.ends_with('\n'));
  line.pop_back();
  return token_verifier(key, 0s, beckon::protocol::limits{}).verify(line, system_clock::now());
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_token_command)

BOOST_AUTO_TEST_CASE(a_token_stands_alone_on_stdout) {
  scratch_file file(key + '\n');
  auto before = system_clock::now();
  auto made = run({"--user", "alice", "--for", "1h", "--token-key-file", file.path()});
  BOOST_TEST(made.status == 0);
  BOOST_TEST(made.err == "");
  auto says = read(made.out);
  BOOST_REQUIRE(says.has_value());
  BOOST_TEST(says->sub == "alice");
  BOOST_TEST(says->as.empty());
  BOOST_TEST((says->expires_at > before + 1h - 1s));
  BOOST_TEST((says->expires_at <= system_clock::now() + 1h));
}

BOOST_AUTO_TEST_CASE(the_key_file_may_come_from_the_environment) {
  scratch_file file(key);
  auto made = run({"--user=alice", "--for=2m", "--as=bot", "--as", "bot-2"},
                  "BECKON_TOKEN_KEY_FILE=" + file.path());
  BOOST_TEST(made.status == 0);
  auto says = read(made.out);
  BOOST_REQUIRE(says.has_value());
  BOOST_TEST(says->may_be("bot-2"));
  BOOST_TEST(!says->may_be("bot-3"));
}

BOOST_AUTO_TEST_CASE(the_command_line_wins_over_the_environment) {
  scratch_file file(key);
  auto made = run({"--user", "alice", "--for", "1h", "--token-key-file", file.path()},
                  "BECKON_TOKEN_KEY_FILE=/nowhere");
  BOOST_TEST(made.status == 0);
}

BOOST_AUTO_TEST_CASE(wrong_command_lines_get_one_line_that_names_what_is_wrong) {
  scratch_file file(key);
  scratch_file short_key("short");
  struct row {
    std::vector<std::string> arguments;
    const char* named;
  };
  const row rows[] = {
      {{}, "'--for'"},
      {{"--for", "1h"}, "'--user'"},
      {{"--user", "alice"}, "'--for'"},
      {{"--user", "alice", "--for"}, "'--for'"},
      {{"--user", "alice", "--for", "1"}, "--for: '1'"},
      {{"--user", "alice", "--for", "0s"}, "--for: '0s'"},
      {{"--user", "alice", "--for", "999ms"}, "--for: '999ms'"},
      {{"--user", "alice", "--for", "100000h"}, "--for: '100000h'"},
      {{"--user", "alice", "--for", "-1h"}, "--for: '-1h'"},
      {{"--user", "alice", "--user", "bob", "--for", "1h"}, "'--user'"},
      {{"--user", "", "--for", "1h"}, "--user"},
      {{"--user", "$sys", "--for", "1h"}, "--user: '$sys'"},
      {{"--user", "\xff", "--for", "1h"}, "--user"},
      {{"--user", "*", "--for", "1h"}, "--user: '*'"},
      {{"--user", std::string(129, 'a'), "--for", "1h"}, "--user"},
      {{"--user", "alice", "--for", "1h", "--as", "$sys"}, "--as"},
      {{"--user", "alice", "--for", "1h", "--usr", "x"}, "'--usr'"},
      {{"--us", "alice", "--for", "1h"}, "'--us'"},
      {{"--user", "alice", "--for", "1h", "bob"}, "positional"},
      {{"--user", "alice", "--for", "1h", "--token-key-file", "/nowhere"},
       "--token-key-file: '/nowhere'"},
      {{"--user", "alice", "--for", "1h", "--token-key-file", short_key.path()},
       "--token-key-file: "},
  };
  for (const auto& r : rows) {
    auto arguments = r.arguments;
    auto made = run(arguments, "BECKON_TOKEN_KEY_FILE=" + file.path());
    BOOST_TEST(made.status == exit_config, r.named);
    BOOST_TEST(made.out == "");
    BOOST_TEST(made.err.starts_with("beckon: "), made.err);
    BOOST_TEST(made.err.find(r.named) != std::string::npos,
               made.err << " does not say " << r.named);
    BOOST_TEST(made.err.find('\n') == made.err.size() - 1, made.err);
  }
  BOOST_TEST(run({"--user", "alice", "--for", "1h"}).err ==
             "beckon: --token-key-file: is not given\n");
}

BOOST_AUTO_TEST_CASE(help_is_printed_without_the_rest) {
  auto help = run({"--help"});
  BOOST_TEST(help.status == 0);
  for (auto option : {"--user", "--for", "--as", "--token-key-file", "Usage: beckon token"})
    BOOST_TEST(help.out.find(option) != std::string::npos, option);
}

BOOST_AUTO_TEST_SUITE_END()
