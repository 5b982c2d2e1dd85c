// A plug-in.

#include "doorman.hpp"

BECKON_BEHAVIOURS(all) {
  all.add<doorman>("doorman");
}
