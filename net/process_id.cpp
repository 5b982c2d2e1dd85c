// CAF makes a node's id of the MAC addresses and the process id. In two containers both may be
// equal, and a node would take the other for itself. So this program gives CAF a random number in
// place of the process id: linked into the executable it comes before the library's own.

#include <caf/detail/get_process_id.hpp>
#include <random>

namespace caf::detail {

unsigned get_process_id() {
  return std::random_device{}(); // asked once by each actor system
}

} // namespace caf::detail
