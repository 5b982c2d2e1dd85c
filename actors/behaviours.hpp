#pragma once
// Which behaviours there are, and which group gets which. Owns: their names, how one is made, the
// rules by group name, the options of each. Filled before the server starts, by the program or by
// plug-ins; the rules may be exchanged while it runs.

#include "actors/behaviour.hpp"

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// Names what a plug-in was built against; another one is refused.
#define BECKON_BEHAVIOUR_ABI "beckon-behaviour-2/" BECKON_VERSION

namespace beckon::actors {

/// 1 to 64 of [a-z0-9_].
bool is_behaviour_name(std::string_view name);

/// The options of one behaviour, as the configuration gives them (`[behaviour.NAME]`).
class settings {
public:
  settings() = default;
  settings(std::initializer_list<std::pair<const std::string, std::string>> values)
      : values_(values) {}

  void set(std::string name, std::string value) {
    values_.insert_or_assign(std::move(name), std::move(value));
  }
  bool has(std::string_view name) const { return values_.find(name) != values_.end(); }
  /// The value, or `otherwise` where none is given. T: std::string, bool, or a number.
  /// @throws std::invalid_argument where the value is no T
  template <class T>
  T get(std::string_view name, T otherwise) const {
    auto found = values_.find(name);
    if (found == values_.end())
      return otherwise;
    const auto& text = found->second;
    if constexpr (std::is_same_v<T, std::string>) {
      return text;
    } else if constexpr (std::is_same_v<T, bool>) {
      if (text != "true" && text != "false")
        wrong(name, text);
      return text == "true";
    } else {
      T value{};
      auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (ec != std::errc{} || end != text.data() + text.size())
        wrong(name, text);
      return value;
    }
  }
  std::string get(std::string_view name, const char* otherwise) const {
    return get(name, std::string(otherwise));
  }
  const std::map<std::string, std::string, std::less<>>& all() const noexcept { return values_; }
  friend bool operator==(const settings&, const settings&) = default;

private:
  [[noreturn]] static void wrong(std::string_view name, std::string_view value) {
    throw std::invalid_argument(std::string(name) + ": '" + std::string(value) +
                                "' is not a value of its kind");
  }
  std::map<std::string, std::string, std::less<>> values_;
};

/// What has happened to the behaviours of one name, in all groups. Any thread adds.
struct behaviour_counters {
  std::atomic<std::uint64_t> failures{0}; ///< it threw, and was made anew or given up
  std::atomic<std::uint64_t> given_up{0}; ///< of these, groups that were closed for it
  std::atomic<std::uint64_t> swaps{0};    ///< living groups that it was given
  std::array<std::atomic<std::uint64_t>, hook_count> slow{}; ///< runs over behaviour_host::slow_min
};

/// One that can be chosen by name.
struct behaviour_kind {
  std::string name;
  hook_set hooks = 0;
  bool takes_over = false;  ///< it has a `take_over` of its own
  std::string library = {}; ///< the plug-in that it is of; empty: the program itself
  std::function<std::unique_ptr<behaviour>(const settings&)> make;
  std::shared_ptr<behaviour_counters> count = std::make_shared<behaviour_counters>();
};

/// Something that the log tells.
struct behaviour_event {
  enum class kind : std::uint8_t { failed, given_up, slow, swapped, said };
  kind what = kind::said;
  std::string_view group = {}, behaviour = {};
  std::string_view hook = {};        ///< failed, slow
  std::string_view text = {};        ///< failed: what was thrown; said: what it said
  std::chrono::microseconds took{0}; ///< slow, swapped
};

class behaviours {
public:
  /// T is made with the settings, or with nothing where it takes none.
  /// @param name 1 to 64 of [a-z0-9_]
  /// @throws std::invalid_argument when the name is none, or taken
  template <class T>
  void add(std::string name) {
    static_assert(std::is_base_of_v<behaviour, T>);
    behaviour_kind kind;
    kind.name = std::move(name);
    kind.hooks = hooks_of<T>();
    kind.takes_over = !std::is_same_v<decltype(&T::take_over), decltype(&behaviour::take_over)>;
    kind.make = [](const settings& given) -> std::unique_ptr<behaviour> {
      if constexpr (std::is_constructible_v<T, const settings&>)
        return std::make_unique<T>(given);
      else
        return std::make_unique<T>();
    };
    add(std::move(kind));
  }
  void add(behaviour_kind kind);
  /// What is added from here on is of that plug-in; empty: of the program itself.
  void adding_from(std::string library) { library_ = std::move(library); }
  /// @returns nullptr when there is none of that name
  const behaviour_kind* find(std::string_view name) const;
  const std::map<std::string, behaviour_kind, std::less<>>& all() const noexcept { return kinds_; }

private:
  std::map<std::string, behaviour_kind, std::less<>> kinds_;
  std::string library_; ///< of those that are added
};

/// Groups whose name matches get this behaviour; the first rule that matches holds.
struct behaviour_rule {
  std::string behaviour; ///< its name
  std::string pattern;   ///< as of protocol::matches
  friend bool operator==(const behaviour_rule&, const behaviour_rule&) = default;
};

/// What the configuration says of behaviours.
struct behaviour_settings {
  std::vector<behaviour_rule> rules;
  std::map<std::string, settings, std::less<>> options; ///< by the behaviour's name
  /// The name of the behaviour of this group; empty: none.
  std::string_view name_for(std::string_view group) const;
  settings options_for(std::string_view behaviour) const;
};

} // namespace beckon::actors

/// In a plug-in, once: `BECKON_BEHAVIOURS(registry) { registry.add<auction>("auction"); }`. Exports
/// the one function that the server looks for.
#define BECKON_BEHAVIOURS(registry)                                                                \
  static void beckon_fill_behaviours(beckon::actors::behaviours& registry);                        \
  extern "C" __attribute__((visibility("default"))) const char* beckon_register_behaviours(        \
      const char* abi, beckon::actors::behaviours* into) {                                         \
    if (std::string_view(abi) == BECKON_BEHAVIOUR_ABI)                                             \
      beckon_fill_behaviours(*into);                                                               \
    return BECKON_BEHAVIOUR_ABI;                                                                   \
  }                                                                                                \
  static void beckon_fill_behaviours(beckon::actors::behaviours& registry)
