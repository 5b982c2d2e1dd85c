#include "protocol/record.hpp"

#include "protocol/limits.hpp"

namespace beckon::protocol {
namespace {

static constexpr std::size_t length_bytes = 4;

/// Writes one record to the end of a batch; its length is filled in at the end of its life.
class record_writer {
public:
  record_writer(std::string& batch, record_kind kind) : batch_(batch), start_(batch.size()) {
    batch_.append(length_bytes, '\0');
    batch_ += static_cast<char>(record_version);
    batch_ += static_cast<char>(kind);
  }
  record_writer(const record_writer&) = delete;
  record_writer& operator=(const record_writer&) = delete;
  ~record_writer() {
#ifdef BECKON_RECORD_OF_TOMORROW // what a later version may say: a field more, and a kind more
    add(std::uint64_t{42}).add(std::string_view("tomorrow"));
#endif
    finish();
#ifdef BECKON_RECORD_OF_TOMORROW
    start_ = batch_.size();
    batch_.append(length_bytes, '\0');
    batch_ += static_cast<char>(record_version + 1);
    batch_ += static_cast<char>(200);
    add(std::string_view("tomorrow"));
    finish();
#endif
  }

  record_writer& add(std::uint64_t number) {
    for (; number >= 0x80; number >>= 7)
      batch_ += static_cast<char>(0x80 | (number & 0x7F));
    batch_ += static_cast<char>(number);
    return *this;
  }
  record_writer& add(std::string_view text) {
    add(std::uint64_t{text.size()});
    batch_.append(text);
    return *this;
  }
  record_writer& add(const std::vector<std::string_view>& list) {
    add(std::uint64_t{list.size()});
    for (auto text : list)
      add(text);
    return *this;
  }
  record_writer& flag(bool set) {
    return add(std::uint64_t{set});
  }

private:
  void finish() {
    auto length = batch_.size() - start_ - length_bytes;
    for (std::size_t i = 0; i < length_bytes; ++i)
      batch_[start_ + i] = static_cast<char>(length >> (8 * (length_bytes - 1 - i)));
  }
  std::string& batch_;
  std::size_t start_;
};

/// Reads fields from the front; once one is missing, all that follow are, and `good` says no.
class record_reader {
public:
  explicit record_reader(std::string_view fields) : rest_(fields) {}

  record_reader& take(std::uint64_t& out) {
    out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty())
        break;
      auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80)
        return *this;
    }
    good_ = false;
    return *this;
  }
  record_reader& take(std::string_view& out) {
    std::uint64_t size = 0;
    take(size);
    if (size > rest_.size())
      good_ = false;
    out = good_ ? rest_.substr(0, size) : std::string_view{};
    rest_.remove_prefix(out.size());
    return *this;
  }
  record_reader& take(std::vector<std::string_view>& out) {
    for (auto left = count(); left > 0 && good_; --left)
      take(out.emplace_back());
    return *this;
  }
  record_reader& flag(bool& out) {
    std::uint64_t number = 0;
    take(number);
    out = number != 0;
    return *this;
  }
  /// How many entries follow: each takes a byte at least, so no count can ask for much memory.
  std::uint64_t count() {
    std::uint64_t entries = 0;
    take(entries);
    if (entries > rest_.size())
      good_ = false;
    return good_ ? entries : 0;
  }
  bool good() const noexcept { return good_; }
  /// Whether fields follow that an earlier version does not have.
  bool more() const noexcept { return good_ && !rest_.empty(); }

private:
  std::string_view rest_;
  bool good_ = true;
};

outcome outcome_of(std::uint64_t number) {
  return number < outcome_count ? static_cast<outcome>(number) : outcome::unknown;
}

} // namespace

void start_batch(std::string& batch, std::uint64_t epoch) {
  for (int shift = 56; shift >= 0; shift -= 8)
    batch += static_cast<char>(epoch >> shift);
}

std::uint64_t take_epoch(std::string_view& batch) {
  if (batch.size() < sizeof(std::uint64_t))
    return 0;
  std::uint64_t epoch = 0;
  for (std::size_t i = 0; i < sizeof epoch; ++i)
    epoch = (epoch << 8) | static_cast<unsigned char>(batch[i]);
  batch.remove_prefix(sizeof epoch);
  return epoch;
}

void append(std::string& batch, const member_record& r) {
  record_writer(batch, r.kind)
      .add(r.group)
      .add(r.uid)
      .add(r.sessions)
      .add(r.stamp)
      .add(r.meta)
      .add(r.meta_stamp)
      .flag(r.is_bot);
}

void append(std::string& batch, const user_record& r) {
  record_writer(batch, r.kind).add(r.user).add(r.sessions);
}

void append(std::string& batch, const synced_record& r) {
  record_writer(batch, r.kind);
}

void append(std::string& batch, const route_record& r) {
  record_writer(batch, r.kind)
      .add(r.id)
      .add(r.by)
      .add(r.group)
      .add(r.to)
      .flag(r.is_request)
      .add(r.confirm)
      .add(r.number)
      .add(r.ttl_ms)
      .add(r.text)
      .add(r.binary);
}

void append(std::string& batch, const receipt_record& r) {
  record_writer out(batch, r.kind);
  out.add(r.id).flag(r.gone).add(std::uint64_t{r.others.size()});
  for (auto& other : r.others)
    out.add(other.recipient).add(static_cast<std::uint64_t>(other.what));
}

void append(std::string& batch, const answer_record& r) {
  record_writer(batch, r.kind)
      .add(r.id)
      .add(r.from)
      .add(r.data)
      .flag(r.opaque)
      .add(r.error_code)
      .add(r.error_message);
}

void append(std::string& batch, const publication_record& r) {
  record_writer(batch, r.kind).add(r.id).add(r.group).add(r.except).add(r.text).add(r.binary);
}

void append(std::string& batch, const count_record& r) {
  record_writer(batch, r.kind).add(r.id).add(r.count);
}

void append(std::string& batch, const gap_record& r) {
  record_writer(batch, r.kind).add(r.group).add(r.lost);
}

void append(std::string& batch, const removal_record& r) {
  record_writer(batch, r.kind).add(r.group).add(r.uid).add(r.banned_until);
}

void append(std::string& batch, const unban_record& r) {
  record_writer(batch, r.kind).add(r.group).add(r.uid);
}

void append(std::string& batch, const credit_record& r) {
  record_writer(batch, r.kind).add(r.bytes);
}

void append(std::string& batch, const ping_record& r) {
  record_writer(batch, r.kind).add(r.at);
}

void append(std::string& batch, const pong_record& r) {
  record_writer(batch, r.kind).add(r.at);
}

void append(std::string& batch, const goodbye_record& r) {
  record_writer(batch, r.kind);
}

bool take_record(std::string_view& batch, raw_record& out) {
  static constexpr std::size_t head_bytes = 2;
  if (batch.size() < length_bytes + head_bytes)
    return false;
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length = (length << 8) | static_cast<unsigned char>(batch[i]);
  if (length < head_bytes || length > batch.size() - length_bytes)
    return false;
  auto record = batch.substr(length_bytes, length);
  batch.remove_prefix(length_bytes + length);
  out = {static_cast<std::uint8_t>(record[0]), static_cast<std::uint8_t>(record[1]),
         record.substr(head_bytes)};
  return true;
}

bool read(std::string_view fields, member_record& out) {
  record_reader in(fields);
  in.take(out.group).take(out.uid).take(out.sessions).take(out.stamp);
  in.take(out.meta).take(out.meta_stamp);
  if (in.more())
    in.flag(out.is_bot);
  return in.good();
}

bool read(std::string_view fields, user_record& out) {
  return record_reader(fields).take(out.user).take(out.sessions).good();
}

bool read(std::string_view fields, route_record& out) {
  record_reader in(fields);
  in.take(out.id).take(out.by).take(out.group).take(out.to).flag(out.is_request);
  in.take(out.confirm).take(out.number).take(out.ttl_ms).take(out.text).take(out.binary);
  return in.good() && !out.to.empty() && out.to.size() <= recipients_of_a_record_max &&
         !(out.text.empty() && out.binary.empty());
}

bool read(std::string_view fields, receipt_record& out) {
  record_reader in(fields);
  in.take(out.id).flag(out.gone);
  for (auto left = in.count(); left > 0 && in.good(); --left) {
    std::uint64_t what = 0;
    auto& other = out.others.emplace_back();
    in.take(other.recipient).take(what);
    other.what = outcome_of(what);
  }
  return in.good();
}

bool read(std::string_view fields, answer_record& out) {
  record_reader in(fields);
  in.take(out.id).take(out.from).take(out.data).flag(out.opaque);
  in.take(out.error_code).take(out.error_message);
  return in.good();
}

bool read(std::string_view fields, publication_record& out) {
  record_reader in(fields);
  in.take(out.id).take(out.group).take(out.except).take(out.text).take(out.binary);
  return in.good() && !(out.text.empty() && out.binary.empty());
}

bool read(std::string_view fields, count_record& out) {
  return record_reader(fields).take(out.id).take(out.count).good();
}

bool read(std::string_view fields, gap_record& out) {
  return record_reader(fields).take(out.group).take(out.lost).good();
}

bool read(std::string_view fields, removal_record& out) {
  record_reader in(fields);
  in.take(out.group).take(out.uid).take(out.banned_until);
  return in.good() && !out.group.empty() && !out.uid.empty();
}

bool read(std::string_view fields, unban_record& out) {
  record_reader in(fields);
  in.take(out.group).take(out.uid);
  return in.good() && !out.group.empty() && !out.uid.empty();
}

bool read(std::string_view fields, credit_record& out) {
  return record_reader(fields).take(out.bytes).good();
}

bool read(std::string_view fields, ping_record& out) {
  return record_reader(fields).take(out.at).good();
}

bool read(std::string_view fields, pong_record& out) {
  return record_reader(fields).take(out.at).good();
}

} // namespace beckon::protocol
