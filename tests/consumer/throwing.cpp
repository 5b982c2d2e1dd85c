// A plug-in that throws while it registers.

#include <stdexcept>

extern "C" const char* beckon_register_behaviours(const char*, void*) {
  throw std::runtime_error("no database");
}
