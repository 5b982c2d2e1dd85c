#include "protocol/base64.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <rapidcheck.h>

using namespace beckon::protocol;

namespace {

std::string encoded(std::string_view bytes) {
  std::string out = "kept:";
  append_base64(out, bytes);
  return out.substr(5);
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out = "kept:";
  if (!decode_base64(text, out)) {
    BOOST_TEST(out == "kept:", "a refused text leaves something behind: " << text);
    return {};
  }
  return out.substr(5);
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_base64)

BOOST_AUTO_TEST_CASE(the_vectors_of_rfc_4648_hold) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff\xfe", "+//+"},
  };
  for (auto [bytes, text] : table) {
    BOOST_TEST(encoded(bytes) == text);
    BOOST_TEST(base64_bytes(bytes.size()) == text.size());
    BOOST_TEST((decoded(text) == bytes), text);
  }
}

BOOST_AUTO_TEST_CASE(any_other_text_is_refused) {
  for (std::string_view text : {"Z",      "Zg",   "Zg=",      "Zg===",    "Zm8",    "=",
                                "====",   "Z===", "Zg==Zg==", "Zm8=Zm9v", "Zm9v=",  "Zm9vYg=a",
                                "Zg=v",   "Zh==", "Zm9=",     "Zm9-",     "Zm9_",   "Zm 9",
                                "Zm9v\n", " Zm9", "Zm9\xff",  "-m9v",     "Zm\x80v"})
    BOOST_TEST(!decoded(text), text);
}

BOOST_AUTO_TEST_CASE(decoding_gives_the_bytes_back) {
  BOOST_TEST(rc::check("decode(encode(bytes)) == bytes", [](const std::string& bytes) {
    RC_ASSERT(decoded(encoded(bytes)) == bytes);
  }));
}

BOOST_AUTO_TEST_SUITE_END()
