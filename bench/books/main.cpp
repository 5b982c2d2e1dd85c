// usage: beckon_books NAME ENTRIES...   (without arguments: the names, one a line)
// Fills the book with so many entries, again for each number, and does the same thing to it each
// time. Under callgrind each number leaves a dump of what that cost; bench/growth reads them.

#include "bench/books/book.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <valgrind/callgrind.h>

using namespace beckon::bench;

namespace {

constexpr int first_runs = 20; // which touch what is touched for the first time
constexpr int counted_runs = 100;

std::vector<book> all() {
  auto books = value_books();
  for (auto& b : actor_books())
    books.push_back(std::move(b));
  return books;
}

void measure(const book& which, std::size_t entries) {
  auto full = which.fill(entries);
  for (int i = 0; i < first_runs; ++i)
    full->operate();
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  for (int i = 0; i < counted_runs; ++i)
    full->operate();
  auto label = std::to_string(entries) + ' ' + std::to_string(counted_runs);
  CALLGRIND_DUMP_STATS_AT(label.c_str());
  CALLGRIND_STOP_INSTRUMENTATION;
}

} // namespace

int main(int argc, char** argv) {
  auto books = all();
  if (argc < 2) {
    for (auto& b : books)
      std::printf("%s\n", b.name.c_str());
    return EXIT_SUCCESS;
  }
  auto which = std::find_if(books.begin(), books.end(), [&](auto& b) { return b.name == argv[1]; });
  if (which == books.end()) {
    std::fprintf(stderr, "beckon_books: there is no '%s'\n", argv[1]);
    return EXIT_FAILURE;
  }
  std::size_t before = 0;
  for (int i = 2; i < argc; ++i) {
    auto entries = std::min<std::size_t>(std::strtoul(argv[i], nullptr, 10), which->most);
    if (entries > before)
      measure(*which, before = entries);
  }
  return EXIT_SUCCESS;
}
