#pragma once
// To test a behaviour or a bot without a server, every run the same:
//
//     beckon::testing::group room("auction", {.options = {{"seconds", "60"}}});
//     room["alice"].call("bid", "5");
//     room.advance(60s);
//     room["bob"].got("message");
//
// The words are explained where they are defined, in tests/kit/group.hpp and tests/kit/client.hpp.

#include "tests/kit/group.hpp"
