#include "tests/simulation/script.hpp"

#include <algorithm>

namespace beckon::testing {

using protocol::frame_type;

namespace {

void add(sent_frame& f, const std::string& field) {
  f.json += "," + field;
}

std::string in_quotes(const std::string& name) {
  std::string json(1, '"');
  json.append(name) += '"';
  return json;
}

std::string list(const std::vector<std::string>& names) {
  std::string all(1, '[');
  for (auto& name : names)
    all.append(all.size() > 1 ? "," : "").append(in_quotes(name));
  return all += ']';
}

} // namespace

script::script(dice& chance, ledger& book, bool metered)
    : dice_(chance), ledger_(book), questions_with_id_(metered ? 100 : 85) {
  for (std::size_t i = 0, n = 2 + dice_.below(3); i < n; ++i)
    users.push_back(std::string(1, 'u').append(std::to_string(i)));
  const std::string pool[] = {"g", "g", "g2", "r", "r2", "x"};
  for (std::size_t i = 0, n = 1 + dice_.below(3); i < n; ++i)
    if (auto group = dice_.one_of(pool);
        std::find(groups.begin(), groups.end(), group) == groups.end())
      groups.push_back(group);
}

std::vector<sent_frame> script::next(peer& p) {
  std::vector<sent_frame> frames;
  auto count = dice_.chance(80) ? 1 : 2 + dice_.below(4);
  for (std::size_t i = 0; i < count; ++i) {
    frames.push_back(any_frame(p));
    frames.back().json += '}';
  }
  return frames;
}

sent_frame script::any_frame(peer& p) {
  auto kind = dice_.below(100);
  if (kind < 18)
    return join(p);
  if (kind < 25)
    return update(p);
  if (kind < 31)
    return leave(p);
  if (kind < 35)
    return read_roster(p);
  if (kind < 65)
    return send(p, false);
  if (kind < 75)
    return send(p, true);
  if (kind < 97)
    return publish(p);
  if (kind < 99)
    return begin(p, frame_type::ping, 0);
  sent_frame f;
  f.unparsable = true;
  f.json = R"({"type":"nonsense")";
  return f;
}

sent_frame script::begin(peer& p, frame_type type, std::size_t percent_with_id) {
  sent_frame f;
  f.type = type;
  f.json = R"({"type":)" + in_quotes(std::string(protocol::name(type)));
  if (dice_.chance(percent_with_id)) {
    f.id = ++p.last_id;
    add(f, "\"id\":" + std::to_string(f.id));
  }
  return f;
}

/// Mostly one that it is in.
void script::name_group(sent_frame& f, peer& p) {
  f.group = dice_.one_of(groups);
  for (int i = 0; i < 3 && dice_.chance(80) && p.groups[f.group].in == peer::belief::no; ++i)
    f.group = dice_.one_of(groups);
  auto is_default = p.url_groups.size() == 1 && p.url_groups[0] == f.group;
  if (!is_default || dice_.chance(50))
    add(f, "\"group\":" + in_quotes(f.group));
}

void script::change_member(sent_frame& f) {
  using protocol::interest_level;
  using protocol::presence_mode;
  if (dice_.chance(40))
    add(f, "\"meta\":" + std::to_string(dice_.below(4)));
  if (dice_.chance(50)) {
    f.presence = dice_.one_of(
        {presence_mode::none, presence_mode::count, presence_mode::full, presence_mode::full});
    const char* const names[] = {"none", "count", "full"};
    add(f, "\"presence\":" + in_quotes(names[static_cast<std::size_t>(*f.presence)]));
  }
  if (dice_.chance(25)) {
    f.interest = dice_.one_of({interest_level::full, interest_level::direct});
    add(f, "\"interest\":" + in_quotes(f.interest == interest_level::full ? "full" : "direct"));
  }
}

sent_frame script::join(peer& p) {
  auto f = begin(p, frame_type::join, questions_with_id_);
  f.group = dice_.one_of(groups);
  add(f, "\"group\":" + in_quotes(f.group));
  f.as = p.user;
  f.as_given = !f.id || dice_.chance(25); // without an id it would not be known under which name
  if (f.id && f.as_given)
    f.as = dice_.one_of(users);
  if (f.as_given)
    add(f, "\"as\":" + in_quotes(f.as));
  change_member(f);
  return f;
}

sent_frame script::update(peer& p) {
  auto f = begin(p, frame_type::update, questions_with_id_);
  name_group(f, p);
  change_member(f);
  return f;
}

sent_frame script::leave(peer& p) {
  auto f = begin(p, frame_type::leave, questions_with_id_);
  name_group(f, p);
  return f;
}

sent_frame script::read_roster(peer& p) {
  auto f = begin(p, frame_type::roster, 100);
  name_group(f, p);
  f.whole_roster = dice_.chance(70);
  if (!f.whole_roster)
    add(f, dice_.chance(50) ? "\"limit\":1" : "\"after\":" + in_quotes(dice_.one_of(users)));
  return f;
}

std::vector<sent_frame> script::ask_roster(peer& p, const std::string& group) {
  auto f = begin(p, frame_type::roster, 100);
  f.group = group;
  f.whole_roster = true;
  add(f, "\"group\":" + in_quotes(group));
  f.json += '}';
  return {f};
}

std::vector<std::string> script::some_users(std::size_t most) {
  std::vector<std::string> names;
  for (std::size_t i = 0, n = 1 + dice_.below(most); i < n; ++i) {
    auto name = dice_.chance(90) ? dice_.one_of(users) : std::string("nobody");
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
  return names;
}

/// To members, to a user, or to a session.
void script::name_recipient(sent_frame& f, peer& p, message& m) {
  auto kind = dice_.below(10);
  if (kind < 8) {
    name_group(f, p);
    m.group = f.group;
    m.to = some_users(f.type == frame_type::request ? 1 : 3);
    add(f, "\"to\":" + (m.to.size() == 1 ? in_quotes(m.to[0]) : list(m.to)));
    return;
  }
  auto& other = *dice_.one_of(ledger_.peers);
  m.by = kind == 8 || other.name.empty() ? actors::addressing::user : actors::addressing::session;
  m.to = {m.by == actors::addressing::user ? other.user : other.name};
  add(f, (m.by == actors::addressing::user ? "\"user\":" : "\"session\":") + in_quotes(m.to[0]));
}

sent_frame script::send(peer& p, bool is_request) {
  using protocol::confirm_level;
  auto f = begin(p, is_request ? frame_type::request : frame_type::send, is_request ? 100 : 65);
  message m;
  name_recipient(f, p, m);
  if (is_request) {
    m.wait = std::chrono::milliseconds(50 + dice_.below(2000));
    add(f, "\"timeout_ms\":" + std::to_string(m.wait.count()));
  } else if (f.id && dice_.chance(50)) {
    m.confirm =
        dice_.one_of({confirm_level::queued, confirm_level::written, confirm_level::received});
    const char* const names[] = {"queued", "written", "received"};
    add(f, "\"confirm\":" + in_quotes(names[static_cast<std::size_t>(m.confirm)]));
    auto ttl = 1 + dice_.below(3);
    m.wait = std::chrono::seconds(ttl);
    add(f, "\"ttl\":" + std::to_string(ttl));
  }
  carry(f, p, std::move(m));
  return f;
}

sent_frame script::publish(peer& p) {
  auto f = begin(p, frame_type::publish, 60);
  message m;
  name_group(f, p);
  m.group = f.group;
  if (dice_.chance(20)) {
    m.except = some_users(2);
    add(f, "\"except\":" + list(m.except));
  }
  if (dice_.chance(30)) {
    m.echo = true;
    add(f, "\"echo\":true");
  }
  carry(f, p, std::move(m));
  return f;
}

/// The data tells which message it is; its size differs, so that queues fill.
void script::carry(sent_frame& f, peer& p, message m) {
  m.type = f.type;
  m.sender = p.number;
  f.message = ledger_.messages.size();
  auto pad = std::string(
      dice_.one_of({std::size_t{0}, std::size_t{0}, std::size_t{60}, std::size_t{400}}), 'x');
  add(f, "\"data\":{\"n\":" + std::to_string(f.message) + ",\"pad\":" + in_quotes(pad) + '}');
  ledger_.messages.push_back(std::move(m));
}

std::vector<sent_frame> script::answer(const peer::due& asked) {
  sent_frame f;
  f.message = asked.message;
  if (dice_.chance(20))
    return {};
  if (!asked.is_request) {
    f.type = frame_type::received;
    f.json = R"({"type":"received","message":)" + std::to_string(asked.number) + '}';
    return {f};
  }
  f.type = frame_type::reply;
  f.json = R"({"type":"reply","request":)" + std::to_string(asked.number);
  f.says_no = dice_.chance(20);
  f.reply_data = ++last_reply_;
  f.json += f.says_no ? R"(,"error":{"code":"busy","message":""}})"
                      : ",\"data\":{\"r\":" + std::to_string(f.reply_data) + "}}";
  return {f};
}

} // namespace beckon::testing
