#include "net/token.hpp"

#include "scratch_file.hpp"

#include <boost/test/unit_test.hpp>
#include <openssl/evp.h>
#include <set>

using namespace beckon;
using namespace beckon::net;
using namespace std::chrono_literals;
using std::chrono::system_clock;

namespace {

const std::string key(32, 'k');
constexpr std::int64_t now_s = 1'700'000'000;
const system_clock::time_point now{std::chrono::seconds{now_s}};
const char* const hs256 = R"({"alg":"HS256","typ":"JWT"})";

/// Not the encoder under test: OpenSSL's, with the two other characters and without padding.
std::string base64url(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  auto length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  while (text.ends_with('='))
    text.pop_back();
  for (auto& c : text)
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string hmac(const std::string& with, const std::string& text, const char* digest = "SHA256") {
  std::string mac(64, '\0');
  std::size_t length = 0;
  BOOST_REQUIRE(EVP_Q_mac(nullptr, "HMAC", nullptr, digest, nullptr, with.data(), with.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(mac.data()), mac.size(), &length));
  mac.resize(length);
  return mac;
}

std::string signed_token(const std::string& header, const std::string& payload,
                         const std::string& with = key) {
  auto text = base64url(header) + '.' + base64url(payload);
  return text + '.' + base64url(hmac(with, text));
}

/// A token that is good but for `claims`.
std::string says(const std::string& claims) {
  return signed_token(hs256, claims);
}

const std::string good_payload = R"({"sub":"alice","exp":1700003600})";
const std::string good = says(good_payload);

boost::system::result<claims, token_errc> verify(const std::string& token,
                                                 std::chrono::milliseconds leeway = 30s) {
  return token_verifier(key, leeway, protocol::limits{}).verify(token, now);
}

/// What became of a token, in words: "alice", or why it was refused.
std::string verdict(const std::string& token, std::chrono::milliseconds leeway = 30s) {
  auto result = verify(token, leeway);
  return result ? result->sub : std::string(text(result.error()));
}

std::string words(token_errc why) {
  return std::string(text(why));
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_token)

BOOST_AUTO_TEST_CASE(a_good_token_says_who_and_until_when) {
  auto result = verify(good);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->sub == "alice");
  BOOST_TEST((result->expires_at == now + 1h));
  BOOST_TEST(result->as.empty());
}

BOOST_AUTO_TEST_CASE(the_example_of_rfc_7515_is_signed_right_but_names_nobody) {
  // Appendix A.1: key and token as printed there. It has an exp of 2011 and no sub.
  const unsigned char bytes[] = {0x03, 0x23, 0x35, 0x4b, 0x2b, 0x0f, 0xa5, 0xbc, 0x83, 0x7e, 0x06,
                                 0x65, 0x77, 0x7b, 0xa6, 0x8f, 0x5a, 0xb3, 0x28, 0xe6, 0xf0, 0x54,
                                 0xc9, 0x28, 0xa9, 0x0f, 0x84, 0xb2, 0xd2, 0x50, 0x2e, 0xbf, 0xd3,
                                 0xfb, 0x5a, 0x92, 0xd2, 0x06, 0x47, 0xef, 0x96, 0x8a, 0xb4, 0xc3,
                                 0x77, 0x62, 0x3d, 0x22, 0x3d, 0x2e, 0x21, 0x72, 0x05, 0x2e, 0x4f,
                                 0x08, 0xc0, 0xcd, 0x9a, 0xf5, 0x67, 0xd0, 0x80, 0xa3};
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1"
      "9yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  token_verifier verifier(std::string(bytes, bytes + sizeof bytes), 0s, protocol::limits{});
  BOOST_TEST((verifier.verify(token, now).error() == token_errc::bad_subject));
  token_verifier other(key, 0s, protocol::limits{});
  BOOST_TEST((other.verify(token, now).error() == token_errc::bad_signature));
}

BOOST_AUTO_TEST_CASE(hostile_and_broken_tokens_are_refused_each_for_its_reason) {
  struct row {
    const char* what;
    std::string token;
    token_errc why;
  };
  auto with_header = [](const std::string& header) { return signed_token(header, good_payload); };
  auto unsigned_with = [](const std::string& header) {
    return base64url(header) + '.' + base64url(good_payload) + '.';
  };
  const auto dot = good.rfind('.');
  const auto signature = good.substr(dot + 1);
  auto signed_as = [&](const std::string& text) { return good.substr(0, dot + 1) + text; };
  auto last_bit_flipped = good;
  // 43 characters carry 258 bits for 256: the last character has two bits that decoders ignore.
  last_bit_flipped.back() = static_cast<char>(last_bit_flipped.back() + 1);
  auto flipped = signature;
  flipped[0] = flipped[0] == 'A' ? 'B' : 'A';
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  auto rs256_text = base64url(R"({"alg":"RS256"})") + '.' + base64url(good_payload);

  const row rows[] = {
      // 71 to 73: the key fixes the algorithm.
      {"alg none, unsigned", unsigned_with(R"({"alg":"none"})"), token_errc::wrong_algorithm},
      {"alg None", unsigned_with(R"({"alg":"None"})"), token_errc::wrong_algorithm},
      {"alg nOnE", unsigned_with(R"({"alg":"nOnE"})"), token_errc::wrong_algorithm},
      {"alg none, signed", with_header(R"({"alg":"none"})"), token_errc::wrong_algorithm},
      {"alg empty", with_header(R"({"alg":""})"), token_errc::wrong_algorithm},
      {"alg null", with_header(R"({"alg":null})"), token_errc::wrong_algorithm},
      {"alg a list", with_header(R"({"alg":["HS256"]})"), token_errc::wrong_algorithm},
      {"no alg", with_header(R"({"typ":"JWT"})"), token_errc::wrong_algorithm},
      {"alg in lower case", with_header(R"({"alg":"hs256"})"), token_errc::wrong_algorithm},
      {"alg with a blank", with_header(R"({"alg":"HS256 "})"), token_errc::wrong_algorithm},
      {"alg RS256 over our key", with_header(R"({"alg":"RS256"})"), token_errc::wrong_algorithm},
      {"alg RS256 over another key",
       rs256_text + '.' + base64url(hmac("-----BEGIN PUBLIC KEY-----", rs256_text)),
       token_errc::wrong_algorithm},
      {"alg HS512, signed so", rs256_text + '.' + base64url(hmac(key, rs256_text, "SHA512")),
       token_errc::wrong_algorithm},
      {"alg ES256", with_header(R"({"alg":"ES256"})"), token_errc::wrong_algorithm},
      {"alg twice", with_header(R"({"alg":"HS256","alg":"none"})"), token_errc::bad_header},
      {"alg twice, escaped", with_header(R"({"alg":"HS256","\u0061lg":"HS256"})"),
       token_errc::bad_header},

      // 74: signature and base64url.
      {"another key", signed_token(hs256, good_payload, std::string(32, 'x')),
       token_errc::bad_signature},
      {"our key and a newline", signed_token(hs256, good_payload, key + '\n'),
       token_errc::bad_signature},
      {"no signature", signed_as(""), token_errc::bad_signature},
      {"half a signature", signed_as(signature.substr(0, 20)), token_errc::bad_signature},
      {"a signature less one byte",
       signed_as(base64url(hmac(key, good.substr(0, dot)).substr(0, 31))),
       token_errc::bad_signature},
      {"a signature and a byte more", signed_as(base64url(hmac(key, good.substr(0, dot)) + 'x')),
       token_errc::bad_signature},
      {"one bit changed", signed_as(flipped), token_errc::bad_signature},
      {"HMAC-SHA512", signed_as(base64url(hmac(key, good.substr(0, dot), "SHA512"))),
       token_errc::bad_signature},
      {"SHA512 cut to 32 bytes",
       signed_as(base64url(hmac(key, good.substr(0, dot), "SHA512").substr(0, 32))),
       token_errc::bad_signature},
      {"bits behind the last byte", last_bit_flipped, token_errc::malformed},
      {"padding", good + '=', token_errc::malformed},
      {"base64 instead of base64url", signed_as("+/" + signature.substr(2)), token_errc::malformed},
      {"a blank behind it", good + ' ', token_errc::malformed},
      {"a newline behind it", good + '\n', token_errc::malformed},
      {"a signature of 1 more than 4n", signed_as(signature + "AA"), token_errc::malformed},
      {"a NUL in it", signed_as(signature + '\0'), token_errc::malformed},
      {"payload of another token",
       good.substr(0, good.find('.') + 1) + base64url(R"({"sub":"root","exp":1700003600})") +
           good.substr(dot),
       token_errc::bad_signature},

      // The compact form.
      {"nothing", "", token_errc::malformed},
      {"one dot", "a.b", token_errc::malformed},
      {"only dots", "..", token_errc::bad_header},
      {"three dots", good + ".", token_errc::malformed},
      {"five parts, as encrypted tokens have", "a.b.c.d.e", token_errc::malformed},
      {"Bearer in front", "Bearer " + good, token_errc::bad_header},
      {"the JSON form", R"({"payload":"x","signatures":[]})", token_errc::malformed},

      // 75 and other headers.
      {"kid a number", with_header(R"({"alg":"HS256","kid":7})"), token_errc::bad_header},
      {"kid null", with_header(R"({"alg":"HS256","kid":null})"), token_errc::bad_header},
      {"kid an object", with_header(R"({"alg":"HS256","kid":{}})"), token_errc::bad_header},
      {"crit", with_header(R"({"alg":"HS256","crit":["exp"],"exp":1})"),
       token_errc::critical_extension},
      {"crit empty", with_header(R"({"alg":"HS256","crit":[]})"), token_errc::critical_extension},
      {"crit null", with_header(R"({"alg":"HS256","crit":null})"), token_errc::critical_extension},
      {"header a list", with_header(R"(["HS256"])"), token_errc::bad_header},
      {"header a string", with_header(R"("HS256")"), token_errc::bad_header},
      {"header empty", with_header(""), token_errc::bad_header},
      {"header no JSON", with_header("{alg:HS256}"), token_errc::bad_header},
      {"two headers", with_header(R"({"alg":"HS256"}{"alg":"HS256"})"), token_errc::bad_header},
      {"header too deep", with_header(R"({"alg":"HS256","x":)" + deep + "}"),
       token_errc::bad_header},
      {"header not UTF-8", with_header("{\"alg\":\"HS256\",\"x\":\"\xff\"}"),
       token_errc::bad_header},

      // 76: times.
      {"no exp", says(R"({"sub":"alice"})"), token_errc::no_expiry},
      {"exp null", says(R"({"sub":"alice","exp":null})"), token_errc::bad_time},
      {"exp a string", says(R"({"sub":"alice","exp":"1700003600"})"), token_errc::bad_time},
      {"exp true", says(R"({"sub":"alice","exp":true})"), token_errc::bad_time},
      {"exp a list", says(R"({"sub":"alice","exp":[1700003600]})"), token_errc::bad_time},
      {"exp negative", says(R"({"sub":"alice","exp":-1})"), token_errc::bad_time},
      {"exp 1e300", says(R"({"sub":"alice","exp":1e300})"), token_errc::bad_time},
      {"exp 2^64", says(R"({"sub":"alice","exp":18446744073709551616})"), token_errc::bad_time},
      {"exp in the year 10000", says(R"({"sub":"alice","exp":253402300800})"),
       token_errc::bad_time},
      {"exp in milliseconds", says(R"({"sub":"alice","exp":1700003600000})"), token_errc::bad_time},
      {"exp 0", says(R"({"sub":"alice","exp":0})"), token_errc::expired},
      {"expired long ago", says(R"({"sub":"alice","exp":1600000000})"), token_errc::expired},
      {"expired by the leeway", says(R"({"sub":"alice","exp":1699999970})"), token_errc::expired},
      {"nbf in the future", says(R"({"sub":"alice","exp":1700003600,"nbf":1700000031})"),
       token_errc::not_yet_valid},
      {"nbf in the year 3000", says(R"({"sub":"alice","exp":253402300799,"nbf":32503680000})"),
       token_errc::not_yet_valid},
      {"nbf a string", says(R"({"sub":"alice","exp":1700003600,"nbf":"0"})"), token_errc::bad_time},
      {"iat in the future", says(R"({"sub":"alice","exp":1700003600,"iat":1700000031})"),
       token_errc::not_yet_valid},
      {"iat an object", says(R"({"sub":"alice","exp":1700003600,"iat":{}})"), token_errc::bad_time},

      // 79: size and shape.
      {"8 KiB and a byte", std::string(8 * 1024 + 1, 'a'), token_errc::too_large},
      {"a million bytes of claims",
       says(R"({"sub":"alice","exp":1700003600,"x":")" + std::string(1'000'000, 'x') + "\"}"),
       token_errc::too_large},
      {"claims too deep", says(R"({"sub":"alice","exp":1700003600,"x":)" + deep + "}"),
       token_errc::bad_claims},
      {"claims a list", says(R"(["alice"])"), token_errc::bad_claims},
      {"claims empty", says(""), token_errc::bad_claims},
      {"claims with something behind", says(good_payload + "x"), token_errc::bad_claims},
      {"claims not UTF-8", says("{\"sub\":\"al\xc3\",\"exp\":1700003600}"), token_errc::bad_claims},
      {"claims with a lone surrogate", says(R"({"sub":"\ud800","exp":1700003600})"),
       token_errc::bad_claims},
      {"sub twice", says(R"({"sub":"alice","sub":"root","exp":1700003600})"),
       token_errc::duplicate_claim},
      {"exp twice", says(R"({"sub":"alice","exp":1,"exp":1700003600})"),
       token_errc::duplicate_claim},
      {"sub twice, once escaped", says(R"({"sub":"alice","\u0073ub":"root","exp":1700003600})"),
       token_errc::duplicate_claim},
      {"the same claim twice alike", says(R"({"sub":"alice","sub":"alice","exp":1700003600})"),
       token_errc::duplicate_claim},

      // 81: who.
      {"no sub", says(R"({"exp":1700003600})"), token_errc::bad_subject},
      {"sub empty", says(R"({"sub":"","exp":1700003600})"), token_errc::bad_subject},
      {"sub a number", says(R"({"sub":42,"exp":1700003600})"), token_errc::bad_subject},
      {"sub null", says(R"({"sub":null,"exp":1700003600})"), token_errc::bad_subject},
      {"sub a list", says(R"({"sub":["alice"],"exp":1700003600})"), token_errc::bad_subject},
      {"sub of 129 bytes", says(R"({"sub":")" + std::string(129, 'a') + R"(","exp":1700003600})"),
       token_errc::bad_subject},
      {"sub with a control character", says(R"({"sub":"a\u0000b","exp":1700003600})"),
       token_errc::bad_subject},
      {"sub reserved", says(R"({"sub":"$sys","exp":1700003600})"), token_errc::bad_subject},
      {"sub everybody", says(R"({"sub":"*","exp":1700003600})"), token_errc::bad_subject},
      {"as a number", says(R"({"sub":"alice","exp":1700003600,"as":1})"), token_errc::bad_members},
      {"as null", says(R"({"sub":"alice","exp":1700003600,"as":null})"), token_errc::bad_members},
      {"as an object", says(R"({"sub":"alice","exp":1700003600,"as":{}})"),
       token_errc::bad_members},
      {"as empty", says(R"({"sub":"alice","exp":1700003600,"as":""})"), token_errc::bad_members},
      {"as with a number in it", says(R"({"sub":"alice","exp":1700003600,"as":["bot",1]})"),
       token_errc::bad_members},
      {"as with a list in it", says(R"({"sub":"alice","exp":1700003600,"as":[["bot"]]})"),
       token_errc::bad_members},
      {"as with a reserved name", says(R"({"sub":"alice","exp":1700003600,"as":["$sys"]})"),
       token_errc::bad_members},
  };
  std::set<token_errc> seen;
  for (const auto& r : rows) {
    BOOST_TEST(verdict(r.token) == words(r.why), r.what << ": " << verdict(r.token));
    seen.insert(r.why);
  }
  BOOST_TEST(seen.size() == static_cast<std::size_t>(token_errc_count));
}

BOOST_AUTO_TEST_CASE(unusual_but_good_tokens_are_accepted) {
  struct row {
    const char* what;
    std::string token;
  };
  const row rows[] = {
      {"no typ", signed_token(R"({"alg":"HS256"})", good_payload)},
      {"alg written with an escape", signed_token(R"({"alg":"\u0048S256"})", good_payload)},
      {"kid is looked at by nobody",
       signed_token(R"({"alg":"HS256","kid":"../../dev/null"})", good_payload)},
      {"kid of SQL", signed_token(R"({"alg":"HS256","kid":"' OR 1=1 --"})", good_payload)},
      {"kid of 4 KiB",
       signed_token(R"({"alg":"HS256","kid":")" + std::string(4096, 'k') + "\"}", good_payload)},
      {"jku is not fetched",
       signed_token(R"({"alg":"HS256","jku":"http://127.0.0.1:1/"})", good_payload)},
      {"jwk is not used",
       signed_token(R"({"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}})", good_payload)},
      {"x5u is not fetched",
       signed_token(R"({"alg":"HS256","x5u":"http://127.0.0.1:1/"})", good_payload)},
      {"exp with a fraction", says(R"({"sub":"alice","exp":1700000000.5})")},
      {"exp with an exponent", says(R"({"sub":"alice","exp":1.7000036e9})")},
      {"exp in the year 9999", says(R"({"sub":"alice","exp":253402300799})")},
      {"exp a moment ago", says(R"({"sub":"alice","exp":1699999971})")},
      {"nbf within the leeway", says(R"({"sub":"alice","exp":1700003600,"nbf":1700000030})")},
      {"iat within the leeway", says(R"({"sub":"alice","exp":1700003600,"iat":1700000030})")},
      {"blanks around", says(" {\n\t\"sub\" : \"alice\" , \"exp\" : 1700003600 }\r\n")},
      {"claims that we do not know",
       says(R"({"sub":"alice","exp":1700003600,"aud":["x"],"iss":"y","jti":"z"})")},
      {"sub written with an escape", says(R"({"sub":"\u0061lice","exp":1700003600})")},
      {"as an empty list", says(R"({"sub":"alice","exp":1700003600,"as":[]})")},
  };
  for (const auto& r : rows)
    BOOST_TEST(verdict(r.token) == "alice", r.what << ": " << verdict(r.token));
}

BOOST_AUTO_TEST_CASE(the_leeway_is_counted_to_the_millisecond) {
  auto token = says(R"({"sub":"alice","exp":1699999999})"); // a second ago
  BOOST_TEST(verdict(token, 1001ms) == "alice");
  BOOST_TEST(verdict(token, 1000ms) == words(token_errc::expired));
  BOOST_TEST(verdict(token, 0ms) == words(token_errc::expired));
  auto from = says(R"({"sub":"alice","exp":1700003600,"nbf":1700000001})");
  BOOST_TEST(verdict(from, 1000ms) == "alice");
  BOOST_TEST(verdict(from, 999ms) == words(token_errc::not_yet_valid));
}

BOOST_AUTO_TEST_CASE(a_session_ends_at_exp_or_with_the_leeway_that_let_it_in) {
  BOOST_TEST((verify(says(R"({"sub":"alice","exp":1700000001})"))->expires_at == now + 1s));
  BOOST_TEST((verify(says(R"({"sub":"alice","exp":1700000000})"))->expires_at == now + 30s));
  BOOST_TEST((verify(says(R"({"sub":"alice","exp":1699999990})"))->expires_at == now + 20s));
}

BOOST_AUTO_TEST_CASE(a_token_of_the_largest_size_is_read_and_one_byte_more_is_not) {
  protocol::limits bounds;
  bounds.token_bytes_max = good.size();
  BOOST_TEST(token_verifier(key, 30s, bounds).verify(good, now).has_value());
  --bounds.token_bytes_max;
  BOOST_TEST((token_verifier(key, 30s, bounds).verify(good, now).error() == token_errc::too_large));
}

BOOST_AUTO_TEST_CASE(as_names_the_members_that_a_user_may_be) {
  auto one = verify(says(R"({"sub":"alice","exp":1700003600,"as":"bot"})"));
  BOOST_TEST(one->may_be("alice"));
  BOOST_TEST(one->may_be("bot"));
  BOOST_TEST(!one->may_be("bob"));
  auto list = verify(says(R"({"sub":"alice","exp":1700003600,"as":[ "bot" ,"\u00e4"]})"));
  BOOST_TEST(list->may_be("bot"));
  BOOST_TEST(list->may_be("\xC3\xA4"));
  BOOST_TEST(!list->may_be("bo"));
  auto any = verify(says(R"({"sub":"alice","exp":1700003600,"as":"*"})"));
  BOOST_TEST(any->may_be("bob"));
  auto any_of_list = verify(says(R"({"sub":"alice","exp":1700003600,"as":["bot","*"]})"));
  BOOST_TEST(any_of_list->may_be("bob"));
  BOOST_TEST(!verify(good)->may_be("bob"));
  BOOST_TEST(!verify(good)->may_be("*"));
}

BOOST_AUTO_TEST_CASE(a_made_token_is_what_others_make) {
  // Computed with Python's hmac and base64.
  const std::string expected = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
                               "eyJzdWIiOiJhbGljZSIsImV4cCI6MjAwMDAwMDAwMCwiYXMiOlsiYm90IiwiKiJdfQ."
                               "PBSV7dPYQKOrCmKnzk4uBO8W48yE7dpZzobe08Z0Euc";
  claims who{"alice", system_clock::time_point{2'000'000'000s + 999ms}, {"bot", "*"}};
  BOOST_TEST(make_token(key, who) == expected);
  auto read = verify(expected);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->sub == "alice");
  BOOST_TEST((read->expires_at == system_clock::time_point{2'000'000'000s}));
  BOOST_TEST(read->as == who.as, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_made_token_escapes_what_it_says) {
  claims who{"a\"b\\c \xE2\x82\xAC", now + 1h, {}};
  BOOST_TEST(verify(make_token(key, who))->sub == who.sub);
}

BOOST_AUTO_TEST_CASE(every_refusal_has_a_sentence_of_its_own) {
  std::set<std::string_view> sentences;
  for (int i = 1; i <= token_errc_count; ++i)
    sentences.insert(text(static_cast<token_errc>(i)));
  BOOST_TEST(sentences.size() == static_cast<std::size_t>(token_errc_count));
  BOOST_TEST(!sentences.contains(""));
}

BOOST_AUTO_TEST_CASE(a_key_file_is_its_bytes_less_one_newline) {
  const std::string bytes = std::string(30, 'k') + "\n\n";
  scratch_file with_newlines(bytes + '\n');
  BOOST_TEST(read_token_key(with_newlines.path())->bytes == bytes);
  scratch_file without(key);
  BOOST_TEST(read_token_key(without.path())->bytes == key);
  BOOST_TEST(!read_token_key(without.path())->world_readable);
}

BOOST_AUTO_TEST_CASE(a_key_of_31_bytes_is_too_short) {
  scratch_file file(std::string(31, 'k') + '\n');
  BOOST_TEST(read_token_key(file.path()).error() == "is shorter than 32 bytes");
  BOOST_TEST(read_token_key("/nowhere").error() == "cannot be read: No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
