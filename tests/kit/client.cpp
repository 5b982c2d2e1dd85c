#include "tests/kit/client.hpp"

#include "protocol/json.hpp"
#include "tests/kit/group.hpp"

#include <boost/json.hpp>
#include <utility>

namespace beckon::testing {

namespace json = boost::json;

namespace {

std::string text_at(const json::object& fields, std::string_view name) {
  auto* found = fields.if_contains(name);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// The bytes as they are, which a parsed value no longer has.
std::string raw_at(std::string_view text, std::string_view name) {
  static thread_local protocol::json_splitter splitter;
  protocol::json_splitter::object frame;
  if (!splitter.split(text, frame))
    for (std::size_t i = 0; i < frame.size; ++i)
      if (frame.fields[i].key == name)
        return std::string(frame.fields[i].raw);
  return {};
}

} // namespace

std::string json_string(std::string_view text) {
  return json::serialize(json::string(text));
}

std::string answer::outcome(const std::string& recipient) const {
  auto found = told_->outcomes.find(recipient);
  if (found != told_->outcomes.end())
    return found->second;
  return ok() ? "delivered" : "";
}

client::client(group& place, std::string user)
    : group_(place), wire_(std::make_unique<recorder>(place.node(), 0, std::move(user))) {}

client::~client() = default;

// ---- what it does ----

answer client::write(std::string_view type, std::string_view fields) {
  auto id = ++ids_;
  auto frame = "{\"type\":" + json_string(type) + ",\"id\":" + std::to_string(id);
  frame.append(",\"group\":").append(json_string(group_.name()));
  if (!fields.empty())
    frame.append(",").append(fields);
  frame += '}';
  auto result = waiting_[id];
  wire_->write(std::move(frame));
  group_.settle();
  return result;
}

answer client::join(std::string_view meta) {
  return write("join", meta.empty() ? "" : "\"meta\":" + std::string(meta));
}

answer client::leave() {
  return write("leave");
}

answer client::send(std::initializer_list<std::string_view> to, std::string_view json) {
  std::string names;
  for (auto name : to)
    names.append(names.empty() ? "" : ",").append(json_string(name));
  return write("send", "\"to\":[" + names + "],\"data\":" + std::string(json));
}

answer client::publish(std::string_view json) {
  return write("publish", "\"data\":" + std::string(json));
}

answer client::request(std::string_view to, std::string_view json) {
  return write("request", "\"to\":" + json_string(to) + ",\"data\":" + std::string(json));
}

answer client::call(std::string_view name, std::string_view json) {
  return write("call", "\"name\":" + json_string(name) + ",\"data\":" + std::string(json));
}

void client::reply(const received& asked, std::string_view json) {
  wire_->write("{\"type\":\"reply\",\"request\":" + raw_at(asked.json, "request") +
               ",\"data\":" + std::string(json) + "}");
  group_.settle();
}

void client::disconnect() {
  wire_->end();
  group_.settle();
}

// ---- what it got ----

bool client::read() {
  auto any = !wire_->frames.empty();
  wire_->take_all();
  while (!wire_->frames.empty()) {
    auto next = std::move(wire_->frames.front());
    wire_->frames.pop_front();
    take(std::move(next.json));
  }
  return any;
}

void client::take(std::string text) {
  boost::system::error_code no_json; // a binary frame, whose head says what it is
  auto parsed = json::parse(text, no_json);
  if (no_json || !parsed.is_object())
    return got_.push_back({"binary", {}, {}, std::move(text)});
  auto& fields = parsed.as_object();
  auto type = text_at(fields, "type");
  if (type == "welcome")
    return;
  auto* id = fields.if_contains("id");
  auto waits = id ? waiting_.find(id->to_number<std::uint64_t>()) : waiting_.end();
  if (waits == waiting_.end()) {
    auto data = raw_at(text, "data");
    return got_.push_back(
        {std::move(type), text_at(fields, "from"), std::move(data), std::move(text)});
  }
  auto& told = *waits->second.told_;
  told.ok = type == "ok";
  told.code = text_at(fields, "code");
  told.data = raw_at(text, fields.contains("count") ? "count" : "data");
  if (auto* outcomes = fields.if_contains("outcomes"))
    for (auto& [name, outcome] : outcomes->as_object())
      told.outcomes[name] = outcome.as_string();
  told.json = std::move(text);
  waiting_.erase(waits);
}

std::vector<received> client::got() {
  return std::exchange(got_, {});
}

std::vector<std::string> client::got(std::string_view type) {
  std::vector<std::string> result;
  for (auto& frame : got())
    if (frame.type == type)
      result.push_back(std::move(frame.data));
  return result;
}

} // namespace beckon::testing
