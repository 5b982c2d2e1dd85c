#include "net/cluster_hello.hpp"

#include <algorithm>
#include <limits>

namespace beckon::net {

namespace {

constexpr std::string_view magic = "beckon-gate";
enum class kind : std::uint8_t { hello = 1, verdict = 2 };

constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t caf_node_bytes_max = 64;
/// A host name of the longest kind, brackets, colon and port.
constexpr std::size_t address_bytes_max = 255 + 8;

class writer {
public:
  explicit writer(kind what) : bytes_(gate_prefix_bytes, '\0') { number(what); }

  template <class T>
  void number(T value) {
    for (auto shift = sizeof(T) * 8; shift > 0; shift -= 8)
      bytes_ += static_cast<char>(static_cast<std::uint64_t>(value) >> (shift - 8));
  }
  void text(std::string_view value) {
    number(static_cast<std::uint16_t>(value.size()));
    bytes_ += value;
  }
  void texts(const std::vector<std::string>& values) {
    auto count = std::min(values.size(), known_addresses_max);
    number(static_cast<std::uint16_t>(count));
    for (std::size_t i = 0; i < count; ++i)
      text(values[i]);
  }
  std::string done() && {
    auto length = bytes_.size() - gate_prefix_bytes;
    for (std::size_t i = 0; i < gate_prefix_bytes; ++i)
      bytes_[i] = static_cast<char>(length >> (8 * (gate_prefix_bytes - 1 - i)));
    return std::move(bytes_);
  }

private:
  std::string bytes_;
};

/// After the first field that does not fit, every further one is empty and `good` is false.
class reader {
public:
  explicit reader(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  T number() {
    std::uint64_t value = 0;
    for (auto c : take(sizeof(T)))
      value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<T>(value);
  }
  std::string text(std::size_t bytes_max) {
    auto length = number<std::uint16_t>();
    good_ = good_ && length <= bytes_max;
    return std::string(take(length));
  }
  std::vector<std::string> texts() {
    auto count = number<std::uint16_t>();
    good_ = good_ && count <= known_addresses_max;
    std::vector<std::string> values;
    for (std::size_t i = 0; good_ && i < count; ++i)
      values.push_back(text(address_bytes_max));
    return values;
  }
  std::string_view take(std::size_t length) {
    good_ = good_ && length <= rest_.size();
    if (!good_)
      return {};
    auto taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }
  bool good() const { return good_; }

private:
  std::string_view rest_;
  bool good_ = true;
};

} // namespace

std::string encode(const cluster_hello& hello) {
  writer out(kind::hello);
  for (auto c : magic)
    out.number(c);
  out.number(hello.version_min);
  out.number(hello.version_max);
  out.text(hello.cluster);
  out.text(hello.node);
  out.number(hello.incarnation);
  out.number(hello.nonce);
  out.text(hello.caf_node);
  out.number(hello.hub);
  out.number(hello.linked);
  out.text(hello.advertised);
  out.texts(hello.known);
  return std::move(out).done();
}

std::string encode(const cluster_verdict& verdict) {
  writer out(kind::verdict);
  out.number(verdict.why);
  out.number(verdict.nonce);
  out.texts(verdict.known);
  return std::move(out).done();
}

std::optional<std::size_t> gate_message_length(std::string_view prefix) {
  auto length = reader(prefix).number<std::uint32_t>();
  if (prefix.size() < gate_prefix_bytes || length == 0 || length > gate_message_bytes_max)
    return {};
  return length;
}

std::optional<cluster_hello> parse_hello(std::string_view message) {
  reader in(message);
  auto is_hello = in.number<std::uint8_t>() == static_cast<std::uint8_t>(kind::hello);
  if (!is_hello || in.take(magic.size()) != magic)
    return {};
  cluster_hello hello;
  hello.version_min = in.number<std::uint8_t>();
  hello.version_max = in.number<std::uint8_t>();
  hello.cluster = in.text(name_bytes_max);
  hello.node = in.text(name_bytes_max);
  hello.incarnation = in.number<std::uint64_t>();
  hello.nonce = in.number<std::uint64_t>();
  hello.caf_node = in.text(caf_node_bytes_max);
  hello.hub = in.number<std::uint64_t>();
  hello.linked = in.number<std::uint8_t>() != 0;
  hello.advertised = in.text(address_bytes_max);
  hello.known = in.texts();
  if (!in.good() || hello.node.empty() || hello.hub == 0)
    return {};
  return hello;
}

std::optional<cluster_verdict> parse_verdict(std::string_view message) {
  reader in(message);
  if (in.number<std::uint8_t>() != static_cast<std::uint8_t>(kind::verdict))
    return {};
  cluster_verdict verdict;
  auto why = in.number<std::uint8_t>();
  constexpr auto told_max = static_cast<std::uint8_t>(cluster_refusal::replay);
  verdict.why = why <= told_max ? static_cast<cluster_refusal>(why) : cluster_refusal::bad_hello;
  verdict.nonce = in.number<std::uint64_t>();
  verdict.known = in.texts();
  if (!in.good())
    return {};
  return verdict;
}

bool have_common_version(const cluster_hello& one, const cluster_hello& other) {
  return std::max(one.version_min, other.version_min) <=
         std::min(one.version_max, other.version_max);
}

} // namespace beckon::net
