// Fuzzes the records between nodes with any bytes: what can be read lies in the batch, and reads
// the same once it was written again.

#include "protocol/delivery.hpp"
#include "protocol/record.hpp"
#include "protocol/relayed.hpp"
#include "tests/fuzz/check.hpp"

#include <cstdint>
#include <string>

using namespace beckon::protocol;
using beckon::test::check;

namespace {

template <class Record>
void read_twice(std::string_view fields) {
  Record r;
  if (!read(fields, r))
    return;
  std::string once, twice;
  append(once, r);
  std::string_view rest = once;
  raw_record raw;
  check(take_record(rest, raw) && rest.empty() && raw.kind == static_cast<std::uint8_t>(r.kind));
  Record same;
  check(read(raw.fields, same));
  append(twice, same);
  check(once == twice);
}

/// What clients would be shown is a frame of ours, in both forms.
void relay(std::string_view fields) {
  static json_splitter json;
  route_record r;
  if (!read(fields, r))
    return;
  auto said = read_relayed(json, r.text, r.binary);
  if (!said || !r.text.empty())
    return;
  auto text = text_of(r.binary);
  check(read_relayed(json, text.payload(), r.binary) == said);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view batch(reinterpret_cast<const char*>(bytes), size);
  take_epoch(batch);
  for (raw_record r; take_record(batch, r);) {
    read_twice<member_record>(r.fields);
    read_twice<user_record>(r.fields);
    read_twice<route_record>(r.fields);
    relay(r.fields);
    read_twice<receipt_record>(r.fields);
    read_twice<answer_record>(r.fields);
    read_twice<publication_record>(r.fields);
    read_twice<count_record>(r.fields);
    read_twice<gap_record>(r.fields);
    read_twice<credit_record>(r.fields);
    read_twice<ping_record>(r.fields);
    read_twice<pong_record>(r.fields);
    read_twice<removal_record>(r.fields);
    read_twice<unban_record>(r.fields);
  }
  return 0;
}
