// Fuzzes the check of the upgrade. Whatever comes, it is judged without a crash; what is let pass
// is a request that Beast's stream accepts as well, and names only what the checks of names let
// pass.

#include "net/upgrade.hpp"
#include "protocol/names.hpp"
#include "tests/fuzz/beast_reader.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <iterator>
#include <set>

using namespace beckon;
using beckon::test::check;

namespace {

constexpr unsigned statuses[] = {101, 200, 400, 401, 403, 404, 405, 414, 426, 431};

/// The line that proves that the key was read.
std::string_view accept_line(std::string_view answer) {
  auto start = answer.find("Sec-WebSocket-Accept: ");
  check(start != answer.npos);
  return answer.substr(start, answer.find('\r', start) - start);
}

net::options insecure() {
  net::options values;
  values.insecure = true;
  values.origins = {"https://good.example"};
  return values;
}

void judge(std::string_view block, const net::options& values) {
  auto v = net::check_upgrade(block, {values, {}, true});
  check(std::find(std::begin(statuses), std::end(statuses), v.status) != std::end(statuses));
  check(net::http_answer(v.status == 101 ? 200 : v.status, v.header).ends_with('\n'));
  if (v.status != 101)
    return;
  check(!v.greet.who || protocol::is_uid(v.greet.who->user, values.bounds));
  boost::beast::http::request_parser<boost::beast::http::empty_body> parser;
  boost::system::error_code ec;
  parser.put(boost::asio::const_buffer(block.data(), block.size()), ec);
  check(!ec && parser.is_header_done());
  auto answer = net::upgrade_answer(v);
  check(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"));
  check(accept_line(answer) == accept_line(test::answer_by_beast(parser.get())));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const net::options values = insecure();
  (void)net::looks_like_http(bytes);
  (void)net::has_bare_newline(bytes);
  if (auto block = net::header_block(bytes))
    judge(bytes.substr(0, block), values);
  return 0;
}
