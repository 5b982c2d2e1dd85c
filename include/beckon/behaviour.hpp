#pragma once
// To write a behaviour: what a group does, changed. docs/extending.md teaches it; the words are
// explained where they are defined, in actors/behaviour.hpp and actors/group_api.hpp.

#include "actors/behaviours.hpp"
#include "protocol/json.hpp"

namespace beckon {

using actors::behaviour;
using actors::behaviours;
using actors::caller;
using actors::deliver_options;
using actors::publish_options;
using actors::settings;
using actors::timer_id;
using actors::verdict;
using protocol::confirm_level;
using protocol::frame_type;
using protocol::is_json;
using protocol::outcome;
using protocol::payload;
using group = actors::group_api;
using member = actors::member_view;
using joining = actors::joining_event;
using message = actors::message_event;
using call = actors::call_event;

using actors::answer_with;
using actors::deny;
using actors::later;
using actors::pass;

} // namespace beckon
