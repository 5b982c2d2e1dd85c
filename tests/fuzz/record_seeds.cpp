// Writes the seeds of the record fuzz target, one batch a file, by the functions that hubs write
// with: cmake --build --preset fuzz --target record_seeds, then
//   build/fuzz/tests/fuzz/record_seeds tests/fuzz/corpus/record
// With `--check` before the directory it writes nothing and tells what is not there as it would be.

#include "protocol/record.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

using namespace beckon::protocol;

namespace {

class seeds {
public:
  seeds(std::filesystem::path directory, bool checks)
      : directory_(std::move(directory)), checks_(checks) {
    std::filesystem::create_directories(directory_);
  }

  void write(const std::string& name, const std::string& bytes) {
    if (checks_)
      return check(name, bytes);
    std::ofstream out(directory_ / name, std::ios::binary);
    out.exceptions(std::ios::failbit | std::ios::badbit);
    out << bytes;
  }
  /// Whether all that was written, or is to be written, stands there.
  bool good() const { return good_; }

private:
  void check(const std::string& name, const std::string& bytes) {
    std::ifstream in(directory_ / name, std::ios::binary);
    const std::string found{std::istreambuf_iterator<char>(in), {}};
    if (in.is_open() && found == bytes)
      return;
    good_ = false;
    std::cerr << directory_ / name << ": not what record_seeds writes\n";
  }

  std::filesystem::path directory_;
  bool checks_;
  bool good_ = true;
};

template <class... Records>
std::string batch(const Records&... records) {
  std::string bytes;
  start_batch(bytes, 0x0123456789abcdef);
  (append(bytes, records), ...);
  return bytes;
}

void write_good(seeds& out) {
  const member_record alice{"room-42", "alice", 2, 1'795'524'587'396, R"({"name":"Alice"})", 7};
  const route_record route{.id = 300,
                           .group = "room-42",
                           .to = {"bob", "carol"},
                           .confirm = 1,
                           .number = 65,
                           .ttl_ms = 5000,
                           .text = R"({"type":"direct","data":1})",
                           .binary = std::string_view("\0\2{}\xff", 5)};
  out.write("empty_batch", batch());
  out.write("members", batch(alice, member_record{"room-42", "bob", 0, 0, {}, 0},
                             user_record{"alice", 2}, synced_record{}));
  auto binary_alone = route;
  binary_alone.text = {};
  out.write("route", batch(route));
  out.write("route_binary_alone", batch(binary_alone));
  out.write("receipt", batch(receipt_record{300, false, {{1, outcome::overloaded}}},
                             receipt_record{301, true, {}}));
  out.write("answer", batch(answer_record{1, "\"bob\"", "{\"a\":2}", false, {}, {}},
                            answer_record{2, {}, {}, false, "out_of_tea", "Sorry."}));
  out.write("publication", batch(publication_record{9, "g", {"bob"}, "{}", {}},
                                 count_record{9, 1'000}, gap_record{"g", 3}));
  out.write("bans", batch(removal_record{"room-42", "alice", 1'795'524'587'396},
                          unban_record{"room-42", "alice"}));
  out.write("heartbeat", batch(credit_record{262'144}, ping_record{~0ull}, pong_record{1}));
  out.write("goodbye", batch(goodbye_record{}));
}

void write_bad(seeds& out) {
  const auto good = batch(user_record{"alice", 1}, ping_record{1});
  constexpr std::size_t first = 8; // behind the epoch: length, version, kind, fields
  auto changed = [&](std::size_t at, char to) {
    auto bytes = good;
    bytes[at] = to;
    return bytes;
  };
  out.write("bad_epoch_cut", good.substr(0, first - 1));
  out.write("bad_record_cut", good.substr(0, good.size() - 1));
  out.write("bad_length", changed(first, '\x7f'));
  out.write("bad_length_zero", changed(first + 3, '\0'));
  out.write("bad_text_length", changed(first + 6, '\x7f'));
  out.write("unknown_kind", changed(first + 5, '\x7f'));
  out.write("later_version", changed(first + 4, '\x02'));
  out.write("bad_number", batch(ping_record{1}).substr(0, first) +
                              std::string("\0\0\0\x0d\1\x0b", 6) + std::string(11, '\xff'));
}

} // namespace

int main(int count, char** arguments) {
  const auto checks = count == 3 && std::string(arguments[1]) == "--check";
  if (count != 2 && !checks) {
    std::cerr << "usage: record_seeds [--check] DIRECTORY\n";
    return 2;
  }
  seeds out(arguments[count - 1], checks);
  write_good(out);
  write_bad(out);
  return out.good() ? 0 : 1;
}
