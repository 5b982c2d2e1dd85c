// Reads downwards: how one is attached, what comes in, what goes out.

#include "actors/bot.hpp"

#include "actors/home.hpp"
#include "protocol/base64.hpp"
#include "protocol/fields.hpp"

#include <exception>
#include <stdexcept>
#include <utility>

namespace beckon::actors {

namespace {

using object = protocol::json_splitter::object;

/// The words of an enum, in its order.
template <class Table, class Enum>
std::string_view word(const Table& words, Enum value) {
  return words[static_cast<std::size_t>(value)];
}

/// A checked JSON string without quotes and escapes; `store` keeps it where that needs room.
std::string_view plain(std::string_view raw, std::string& store) {
  if (raw.size() < 2)
    return {};
  if (raw.find('\\') == std::string_view::npos)
    return raw.substr(1, raw.size() - 2);
  store.clear();
  protocol::unescape(raw, store);
  return store;
}

std::uint64_t number(std::string_view raw) {
  auto n = protocol::integer(raw, 0, static_cast<std::int64_t>(protocol::id_max));
  return static_cast<std::uint64_t>(n.value_or(0));
}

void append_field(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  protocol::append_quoted(out, text);
}

void append_raw(std::string& out, std::string_view name, std::string_view json) {
  out.append(",\"").append(name).append("\":").append(json);
}

/// What a bot says may come from elsewhere: text that is no value would be fields of its frame.
void append_json(std::string& out, std::string_view name, std::string_view json) {
  if (!protocol::is_json(json))
    throw std::invalid_argument("a bot's " + std::string(name) + " is no JSON value");
  std::string store;
  append_raw(out, name, protocol::on_one_line(json, store));
}

void append_payload(std::string& out, const protocol::payload& data) {
  if (!data.opaque)
    return append_json(out, "data", data.bytes);
  out += ",\"base64\":\"";
  protocol::append_base64(out, data.bytes);
  out += '"';
}

} // namespace

// ---- how one is attached ----

caf::actor attach_bot(node_state& node, caf::actor_system& system, const caf::actor& whom,
                      bot_options options) {
  if (node.draining.load()) {
    caf::anon_send(whom, caf::exit_msg{whom.address(), closed_for(protocol::close_code::draining)});
    return {};
  }
  auto next = options.home ? *options.home : node.bots_placed.fetch_add(1);
  identity who;
  who.user = std::move(options.uid);
  who.as_anyone = true; // who starts it trusts it
  who.is_bot = true;
  return system.spawn<bot_port, caf::hidden>(*node.homes[next % node.homes.size()], whom,
                                             greeting{std::move(who), std::move(options.groups)});
}

// ---- what comes in ----

/// The fields of a frame of the server's.
struct bot::frame {
  std::string_view whole;
  object fields;
  std::string_view operator[](std::string_view name) const {
    for (std::size_t i = 0; i < fields.size; ++i)
      if (fields.fields[i].key == name)
        return fields.fields[i].raw;
    return {};
  }
};

bot::bot(caf::actor_config& config) : caf::event_based_actor(config) {
  set_exception_handler([](std::exception_ptr& trouble) -> caf::error {
    try {
      std::rethrow_exception(trouble);
    } catch (const std::exception& what) {
      return caf::make_error(caf::sec::runtime_error, std::string(what.what()));
    } catch (...) {
      return caf::sec::runtime_error;
    }
  });
}

bot::~bot() = default;

caf::behavior bot::make_behavior() {
  caf::message_handler own{[this](const bot_frame& f) { take(f); }};
  return own.or_else(handlers());
}

void bot::take(const bot_frame& f) {
  static thread_local protocol::json_splitter splitter; // no handler can come back to it
  frame in{f.frame.payload(), {}};
  if (!port_)
    port_ = caf::actor_cast<caf::actor>(current_sender());
  if (splitter.split(in.whole, in.fields))
    return;
  std::string store, more;
  auto type = plain(in["type"], store);
  if (type == "direct" || type == "message" || type == "request")
    return take_delivery(in, type);
  if (type == "ok" || type == "error")
    return take_answer(in, type == "ok");
  if (type == "welcome")
    return ready();
  if (type == "presence")
    return on_presence(in.whole);
  if (type == "left")
    return on_left(plain(in["group"], store), plain(in["why"], more));
  if (type == "gap")
    return on_gap(plain(in["group"], store), number(in["lost"]));
}

void bot::ready() {
  for (auto& text : std::exchange(early_, {}))
    caf::event_based_actor::send(port_, bot_text{std::move(text)});
  on_ready();
}

void bot::take_delivery(const frame& f, std::string_view type) {
  bot_delivery d;
  d.group = plain(f["group"], group_);
  d.from = plain(f["from"], from_);
  d.at = static_cast<std::int64_t>(number(f["at"]));
  d.data = payload_of(f);
  if (type == "message")
    return on_message(d);
  if (type == "request") {
    d.number = number(f["request"]);
    return on_request(d);
  }
  on_direct(d);
  if (auto wanted = f["message"]; !wanted.empty()) {
    std::string confirm = R"({"type":"received","message":)";
    write(confirm.append(wanted) += '}');
  }
}

void bot::take_answer(const frame& f, bool ok) {
  auto waits = waiting_.extract(number(f["id"]));
  if (waits.empty())
    return;
  bot_answer a;
  std::string code;
  a.ok = ok;
  a.code = plain(f["code"], code);
  a.body = f.whole;
  a.from = plain(f["from"], from_);
  a.data = payload_of(f);
  a.count = number(f["count"]);
  a.outcomes = f["outcomes"];
  waits.mapped()(a);
}

protocol::payload bot::payload_of(const frame& f) {
  auto encoded = f["base64"];
  if (encoded.empty())
    return {f["data"], false};
  std::string store;
  data_.clear();
  protocol::decode_base64(plain(encoded, store), data_);
  return {data_, true};
}

protocol::outcome bot_answer::of(std::string_view recipient) const {
  // The server's own JSON: no blanks, and a quote within a name has a backslash before it.
  std::string key;
  protocol::append_quoted(key, recipient);
  key += ":\"";
  for (auto at = outcomes.find(key); at != std::string_view::npos;
       at = outcomes.find(key, at + 1)) {
    if (outcomes[at - 1] != '{' && outcomes[at - 1] != ',')
      continue;
    auto rest = outcomes.substr(at + key.size());
    for (std::size_t i = 0; i < protocol::outcome_count; ++i)
      if (auto o = static_cast<protocol::outcome>(i); rest.substr(0, rest.find('"')) == name(o))
        return o;
  }
  return ok ? protocol::outcome::delivered : protocol::outcome::unknown;
}

// ---- what goes out ----

void bot::write(std::string text) {
  if (!port_)
    return early_.push_back(std::move(text));
  caf::event_based_actor::send(port_, bot_text{std::move(text)});
}

/// The beginning of a frame, with an id where somebody waits for its answer.
std::string bot::start(std::string_view type, answered told) {
  std::string out = R"({"type":")";
  out.append(type) += '"';
  if (told) {
    append_raw(out, "id", std::to_string(++ids_));
    waiting_.emplace(ids_, std::move(told));
  }
  return out;
}

void bot::join(std::string_view group, const join_options& how, answered told) {
  auto out = start("join", std::move(told));
  append_field(out, "group", group);
  if (!how.as.empty())
    append_field(out, "as", how.as);
  if (!how.meta.empty())
    append_json(out, "meta", how.meta);
  append_field(out, "presence", word(protocol::presence_words, how.presence));
  append_field(out, "interest", word(protocol::interest_words, how.interest));
  write(out += '}');
}

void bot::leave(std::string_view group, answered told) {
  auto out = start("leave", std::move(told));
  append_field(out, "group", group);
  write(out += '}');
}

void bot::send(std::string_view group, std::span<const std::string_view> to,
               const protocol::payload& data, answered told, const send_options& how) {
  auto out = start("send", std::move(told));
  append_field(out, "group", group);
  out += ",\"to\":";
  auto between = '[';
  for (auto uid : to) {
    out += std::exchange(between, ',');
    protocol::append_quoted(out, uid);
  }
  out += ']';
  append_field(out, "confirm", word(protocol::confirm_words, how.confirm));
  append_raw(out, "ttl", std::to_string(how.ttl.count()));
  append_payload(out, data);
  write(out += '}');
}

void bot::publish(std::string_view group, const protocol::payload& data, answered told) {
  auto out = start("publish", std::move(told));
  append_field(out, "group", group);
  append_payload(out, data);
  write(out += '}');
}

void bot::ask_for(std::string_view type, std::string_view group, std::string_view key,
                  std::string_view whom, const protocol::payload& data, answered told,
                  std::chrono::milliseconds timeout) {
  auto out = start(type, std::move(told));
  append_field(out, "group", group);
  append_field(out, key, whom);
  append_raw(out, "timeout_ms", std::to_string(timeout.count()));
  append_payload(out, data);
  write(out += '}');
}

void bot::ask(std::string_view group, std::string_view to, const protocol::payload& data,
              answered told, std::chrono::milliseconds timeout) {
  ask_for("request", group, "to", to, data, std::move(told), timeout);
}

void bot::call(std::string_view group, std::string_view what, const protocol::payload& data,
               answered told, std::chrono::milliseconds timeout) {
  ask_for("call", group, "name", what, data, std::move(told), timeout);
}

void bot::reply(std::uint64_t request, const protocol::payload& data) {
  auto out = start("reply", {});
  append_raw(out, "request", std::to_string(request));
  append_payload(out, data);
  write(out += '}');
}

void bot::refuse(std::uint64_t request, std::string_view code, std::string_view message) {
  auto out = start("reply", {});
  append_raw(out, "request", std::to_string(request));
  out += ",\"error\":{\"code\":";
  protocol::append_quoted(out, code);
  append_field(out, "message", message);
  write(out += "}}");
}

} // namespace beckon::actors
