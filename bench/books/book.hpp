#pragma once
// A book or an index of the server's, and one operation on it. Owns: nothing; main.cpp fills each
// with more and more entries and counts what the operation costs.

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace beckon::bench {

/// One that holds so many entries. It holds as many after the operation.
class filled_book {
public:
  virtual ~filled_book() = default;
  virtual void operate() = 0;
};

struct book {
  std::string name; ///< the book, and what is done
  std::function<std::unique_ptr<filled_book>(std::size_t entries)> fill;
  std::size_t most = std::numeric_limits<std::size_t>::max(); ///< entries that it may have
};

/// A filled book made of its state and a function on it.
template <class State, class Operation>
std::unique_ptr<filled_book> filled(std::unique_ptr<State> state, Operation operation) {
  struct made final : filled_book {
    made(std::unique_ptr<State> s, Operation o) : state_(std::move(s)), operation_(std::move(o)) {}
    void operate() override { operation_(*state_); }
    std::unique_ptr<State> state_;
    Operation operation_;
  };
  return std::make_unique<made>(std::move(state), std::move(operation));
}

/// Those that are plain values.
std::vector<book> value_books();
/// Those of actors, in a node without threads and sockets.
std::vector<book> actor_books();

} // namespace beckon::bench
