#pragma once
// To write a member that is an actor. docs/extending.md teaches it; the words are explained where
// they are defined, in actors/bot.hpp.

#include "actors/bot.hpp"

namespace beckon {

using actors::attach_bot;
using actors::bot;
using actors::bot_answer;
using actors::bot_delivery;
using actors::bot_frame;
using actors::bot_options;
using actors::bot_text;
using actors::spawn_bot;
using protocol::confirm_level;
using protocol::interest_level;
using protocol::is_json;
using protocol::outcome;
using protocol::payload;
using protocol::presence_mode;

} // namespace beckon
