#pragma once
// To run the whole server in a program of one's own:
//
//     int main(int argc, char** argv) {
//       beckon::server server(argc, argv);
//       server.behaviours().add<auction>("auction");
//       return server.run();
//     }
//
// net/application.hpp explains the words.

#include "net/application.hpp"

namespace beckon {

using server = net::application;
using net::listening_on;

} // namespace beckon
