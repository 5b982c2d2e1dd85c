// The life of a behaviour: it is started, asked, discarded when it throws, replaced.

#include "actors/behaviour_host.hpp"

#include "actors/group.hpp"
#include "actors/memory_reserve.hpp"

#include <exception>
#include <typeinfo>

namespace beckon::actors {

using std::chrono::microseconds;
using std::chrono::steady_clock;

static constexpr const char* no_exception =
    "something that is no exception of the standard library";

/// Runs user code. What it throws costs the instance, and nothing else: it may throw anything.
bool behaviour_host::run(hook what, void (*user_code)(void*), void* in) {
  auto began = steady_clock::now();
  std::optional<std::string> trouble;
  running_ = true;
  try {
    may_fail alone;
    user_code(in);
  } catch (const std::exception& thrown) {
    trouble = thrown.what();
  } catch (...) {
    trouble = no_exception;
  }
  running_ = false;
  auto took = steady_clock::now() - began;
  if (took > slow_min)
    tell_slow(what, took);
  if (trouble)
    restart(what, *trouble);
  return !trouble;
}

void behaviour_host::tell_slow(hook what, std::chrono::nanoseconds took) {
  if (!now_.kind)
    return;
  now_.kind->count->slow[static_cast<std::size_t>(what)].fetch_add(1);
  tell({.what = behaviour_event::kind::slow,
        .hook = hook_names[static_cast<std::size_t>(what)],
        .took = std::chrono::duration_cast<microseconds>(took)});
}

/// The user's handlers of foreign messages and answers, for as long as their instance lives.
class guarded_behavior final : public caf::detail::behavior_impl {
public:
  guarded_behavior(behaviour_host& host, caf::behavior unsafe)
      : host_(host), generation_(host.now_.generation), unsafe_(std::move(unsafe)) {}

  using behavior_impl::invoke;
  caf::match_case::result invoke(caf::detail::invoke_result_visitor& f,
                                 caf::type_erased_tuple& xs) override {
    return guard([&] { return unsafe_(f, xs); });
  }
  caf::match_case::result invoke_empty(caf::detail::invoke_result_visitor& f) override {
    return guard([&] { return unsafe_.as_behavior_impl()->invoke_empty(f); });
  }

private:
  template <class F>
  caf::match_case::result guard(F f) {
    if (!unsafe_ || generation_ != host_.now_.generation)
      return caf::match_case::no_match;
    caf::intrusive_ptr<behavior_impl> self(this); // a swap within lets go of it
    auto result = caf::match_case::match;         // a message that made it throw was taken
    host_.run(hook::handler, [&] { result = f(); });
    host_.tell_changes();
    return result;
  }

  behaviour_host& host_;
  const std::uint64_t generation_;
  caf::behavior unsafe_;
};

caf::behavior behaviour_host::guarded(caf::behavior unsafe) {
  return caf::behavior{
      caf::behavior::impl_ptr{new guarded_behavior(*this, std::move(unsafe)), false}};
}

// ---- begin, again, another, end ----

void behaviour_host::start(const behaviour_kind* kind, settings given) {
  now_.kind = kind;
  now_.given = std::move(given);
  if (kind)
    make_again_while_it_throws();
}

void behaviour_host::install(living in) {
  now_ = std::move(in);
  hooks_ = now_.instance ? now_.kind->hooks : 0;
  wake_for_time(); // one that goes on brings its timers
}

/// Makes an instance, whose hooks are asked from here on.
/// @returns what it threw; nothing: it lives
std::optional<std::string> behaviour_host::make(living fresh, const std::any& state) {
  running_ = true;
  std::optional<std::string> trouble;
  fresh.generation = ++generations_;
  try {
    if (fresh.kind)
      fresh.instance = fresh.kind->make(fresh.given);
    install(std::move(fresh));
    if (state.has_value())
      now_.instance->take_over(*this, state);
    if (now_.instance)
      now_.instance->started(*this);
    of_.renew_handlers();
  } catch (const std::exception& thrown) {
    trouble = thrown.what();
  } catch (...) {
    trouble = no_exception;
  }
  running_ = false;
  return trouble;
}

/// The instance has thrown: another one in its place, unless that has happened too often.
void behaviour_host::restart(hook what, std::string_view why) {
  if (!now_.kind)
    return;
  note_failure(what, why);
  make_again_while_it_throws();
}

void behaviour_host::make_again_while_it_throws() {
  while (failures_.size() <= restarts_max) {
    auto trouble = make({.kind = now_.kind, .given = now_.given}, {});
    if (!trouble)
      return;
    note_failure(hook::started, *trouble);
  }
  give_up();
}

/// What is left of the instance goes at once.
void behaviour_host::note_failure(hook what, std::string_view why) {
  now_.kind->count->failures.fetch_add(1);
  tell({.what = behaviour_event::kind::failed,
        .hook = hook_names[static_cast<std::size_t>(what)],
        .text = why});
  install({.kind = now_.kind, .given = now_.given, .generation = ++generations_});
  auto now = home::current().now;
  failures_.push_back(now);
  while (now - failures_.front() > restarts_within)
    failures_.pop_front();
}

void behaviour_host::give_up() {
  failed_ = true;
  now_.kind->count->given_up.fetch_add(1);
  tell({.what = behaviour_event::kind::given_up});
  changes_.clear();
  of_.renew_handlers();
  of_.remove_all(protocol::left_reason::group_failed);
}

swapped behaviour_host::swap(const behaviour_kind* kind, settings given) {
  swapped result{
      .what = swapped::kind::done, .behaviour = {}, .was = std::string(behaviour()), .why = {}};
  auto began = steady_clock::now();
  std::any state;
  auto trouble = take_state(state);
  if (!trouble)
    trouble = why_not(state, kind);
  if (!trouble) {
    auto before = std::exchange(now_, {});
    trouble = make({.kind = kind, .given = std::move(given)}, kind ? state : std::any{});
    if (trouble) {
      go_on(std::move(before));
    } else if (kind) {
      kind->count->swaps.fetch_add(1);
    }
  }
  if (trouble) {
    result.what = swapped::kind::rolled_back;
    result.why = *trouble;
  }
  result.pause = std::chrono::duration_cast<microseconds>(steady_clock::now() - began);
  result.behaviour = std::string(behaviour());
  tell({.what = behaviour_event::kind::swapped, .text = result.why, .took = result.pause});
  tell_changes();
  return result;
}

/// The one before, whose successor could not begin.
void behaviour_host::go_on(living before) {
  install(std::move(before));
  run(hook::handler, [this] { of_.renew_handlers(); });
}

/// Another library may have another class of that name, which no cast can tell from its own.
/// @returns what speaks against handing the state on
std::optional<std::string> behaviour_host::why_not(const std::any& state,
                                                   const behaviour_kind* next) const {
  if (!state.has_value() || !next || !next->takes_over || next->library == now_.kind->library ||
      state.type() == typeid(std::string))
    return {};
  return "its state is of another library, from which only a std::string can be taken over";
}

std::optional<std::string> behaviour_host::take_state(std::any& state) const {
  try {
    if (now_.instance)
      state = now_.instance->hand_over();
    return {};
  } catch (const std::exception& thrown) {
    return thrown.what();
  } catch (...) {
    return no_exception;
  }
}

void behaviour_host::stop() {
  install({.generation = ++generations_});
  of_.renew_handlers();
  changes_.clear();
}

caf::behavior behaviour_host::handlers() {
  if (!now_.instance)
    return {};
  auto unsafe = now_.instance->handlers(*this);
  return unsafe ? guarded(std::move(unsafe)) : caf::behavior{};
}

void behaviour_host::tell(behaviour_event e) const {
  if (!of_.shared_.behaviour_told)
    return;
  e.group = of_.name_;
  e.behaviour = behaviour();
  of_.shared_.behaviour_told(e);
}

void behaviour_host::log(std::string_view text) {
  tell({.what = behaviour_event::kind::said, .text = text});
}

} // namespace beckon::actors
