#include "dialect.hpp"

#include <charconv>

namespace load {

namespace {

constexpr dialect::beginning beckon_beginnings[] = {
    {R"({"type":"direct")", heard::delivery}, {R"({"type":"message")", heard::delivery},
    {R"({"type":"ok")", heard::ok},           {R"({"type":"welcome")", heard::welcome},
    {R"({"type":"error")", heard::refusal},   {R"({"type":"gap")", heard::refusal},
    {R"({"type":"bye")", heard::refusal},
};

void replace(std::string& text, std::string_view name, std::string_view value) {
  for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
}

} // namespace

constexpr dialect beckon_v1{
    .target = "/ws?uid={uid}&group={group}",
    .sub_protocol = "beckon.v1",
    .send = R"({"type":"send","to":"{to}","data":"{data}"})",
    .send_with_id = R"({"type":"send","id":{id},"to":"{to}","data":"{data}"})",
    .publish = R"({"type":"publish","group":"{group}","data":"{data}"})",
    .id_field = R"("id":)",
    .beginnings = beckon_beginnings,
};

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
  const auto at = text.find(words.id_field);
  std::uint64_t id = 0;
  if (at != std::string_view::npos)
    std::from_chars(text.data() + at + words.id_field.size(), text.data() + text.size(), id);
  return id;
}

bool ends_with_data(std::string_view text, std::string_view data) {
  constexpr std::string_view data_begin = R"("data":")";
  if (!text.ends_with(data_end))
    return false;
  text.remove_suffix(data_end.size());
  if (!text.ends_with(data))
    return false;
  text.remove_suffix(data.size());
  return text.ends_with(data_begin);
}

} // namespace load
