// Fuzzes the check of the upgrade. Whatever comes, it is judged without a crash; what is let pass
// is a request that Beast's stream accepts as well, and names only what the checks of names let
// pass.

#include "net/upgrade.hpp"
#include "protocol/names.hpp"
#include "tests/fuzz/check.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>

using namespace beckon;
using beckon::test::check;

namespace {

constexpr unsigned statuses[] = {101, 200, 400, 401, 403, 404, 405, 414, 426, 431};

struct nobody final : net::message_sink {
  void on_message(std::string_view, bool) override {}
  void on_control(std::size_t) override {}
  bool wants_more() const override { return true; }
};

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
  boost::asio::io_context loop;
  nobody sink;
  net::websocket accepted(loop.get_executor(), values.bounds, sink);
  accepted.accept(v.request);
  check(accepted.now() == net::websocket::state::open);
  check(accepted.output().starts_with("HTTP/1.1 101 "));
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
