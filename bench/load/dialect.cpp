#include "dialect.hpp"

#include <algorithm>
#include <charconv>

namespace load {

namespace {

constexpr dialect::beginning beckon_beginnings[] = {
    {R"({"type":"direct")", heard::delivery}, {R"({"type":"message")", heard::delivery},
    {R"({"type":"ok")", heard::ok},           {R"({"type":"welcome")", heard::welcome},
    {R"({"type":"error")", heard::refusal},   {R"({"type":"gap")", heard::gap},
    {R"({"type":"bye")", heard::refusal},
};

constexpr dialect::beginning socket_io_beginnings[] = {
    {R"(42["direct",)", heard::delivery},
    {R"(42["message",)", heard::delivery},
    {"43", heard::ok},
    {"40", heard::welcome},
    {"2", heard::ping},
    {"0{", heard::hello},
};

constexpr dialect::beginning nchan_beginnings[] = {{R"({"from":)", heard::delivery}};

/// Socket.IO 4 over Engine.IO 4, its WebSocket transport from the beginning: packets are texts that
/// begin with their types.
constexpr dialect socket_io{
    .name = "socket.io",
    .target = "/socket.io/?EIO=4&transport=websocket&uid={uid}&group={group}",
    .sub_protocol = {},
    .greeting = "40",
    .pong = "3",
    .send = R"(42["send",{"to":"{to}","data":"{data}"}])",
    .send_with_id = R"(42{id}["send",{"to":"{to}","data":"{data}"}])",
    .send_to_all = {},
    .publish = R"(42["publish",{"data":"{data}"}])",
    .data_end = R"("}])",
    .id_field = "43",
    .lost_field = {},
    .is_welcome_when_upgraded = false,
    .echoes_publications = false,
    .beginnings = socket_io_beginnings,
};

/// nginx nchan: what one subscriber of a channel sends goes to all of them as it is.
constexpr dialect nchan{
    .name = "nchan",
    .target = "/ws?uid={uid}&group={group}",
    .sub_protocol = {},
    .greeting = {},
    .pong = {},
    .send = {},
    .send_with_id = {},
    .send_to_all = {},
    .publish = R"({"from":"{uid}","data":"{data}"})",
    .data_end = R"("})",
    .id_field = {},
    .lost_field = {},
    .is_welcome_when_upgraded = true,
    .echoes_publications = true,
    .beginnings = nchan_beginnings,
};

void replace(std::string& text, std::string_view name, std::string_view value) {
  for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
}

/// The number behind `field`; 0 when there is none.
std::uint64_t number_behind(std::string_view field, std::string_view text) {
  const auto at = text.find(field);
  std::uint64_t number = 0;
  if (at != std::string_view::npos)
    std::from_chars(text.data() + at + field.size(), text.data() + text.size(), number);
  return number;
}

} // namespace

constexpr dialect beckon_v1{
    .name = "beckon.v1",
    .target = "/ws?uid={uid}&group={group}",
    .sub_protocol = "beckon.v1",
    .greeting = {},
    .pong = {},
    .send = R"({"type":"send","to":"{to}","data":"{data}"})",
    .send_with_id = R"({"type":"send","id":{id},"to":"{to}","data":"{data}"})",
    .send_to_all = R"({"type":"send","to":[{to}],"data":"{data}"})",
    .publish = R"({"type":"publish","group":"{group}","data":"{data}"})",
    .data_end = R"("})",
    .id_field = R"("id":)",
    .lost_field = R"("lost":)",
    .is_welcome_when_upgraded = false,
    .echoes_publications = false,
    .beginnings = beckon_beginnings,
};

const dialect* find_dialect(std::string_view name) {
  constexpr const dialect* all[] = {&beckon_v1, &socket_io, &nchan};
  const auto* found = std::find_if(std::begin(all), std::end(all),
                                   [&](const dialect* one) { return one->name == name; });
  return found == std::end(all) ? nullptr : *found;
}

std::string fill(std::string_view form, const values& with) {
  std::string text(form);
  replace(text, "{uid}", with.uid);
  replace(text, "{group}", with.group);
  replace(text, "{to}", with.to);
  replace(text, "{id}", with.id);
  replace(text, "{data}", with.data);
  return text;
}

message fill_to(std::string_view form, values with, char mark, std::size_t bytes) {
  std::string data(1, mark);
  with.data = data;
  const std::size_t least = fill(form, with).size();
  if (least < bytes)
    data.append(bytes - least, 'x');
  with.data = data;
  return {fill(form, with), data};
}

heard classify(const dialect& words, std::string_view text) {
  for (const auto& [beginning, what] : words.beginnings)
    if (text.starts_with(beginning))
      return what;
  return heard::other;
}

std::uint64_t id_of(const dialect& words, std::string_view text) {
  return number_behind(words.id_field, text);
}

std::uint64_t lost_of(const dialect& words, std::string_view text) {
  return number_behind(words.lost_field, text);
}

bool ends_with_data(const dialect& words, std::string_view text, std::string_view data) {
  constexpr std::string_view data_begin = R"("data":")";
  if (!text.ends_with(words.data_end))
    return false;
  text.remove_suffix(words.data_end.size());
  if (!text.ends_with(data))
    return false;
  text.remove_suffix(data.size());
  return text.ends_with(data_begin);
}

char mark_of(const dialect& words, std::string_view text, std::size_t data_bytes) {
  const std::size_t end_bytes = words.data_end.size() + data_bytes;
  return text.size() < end_bytes ? '\0' : text[text.size() - end_bytes];
}

} // namespace load
