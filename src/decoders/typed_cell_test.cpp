#include "decoders/typed_cell.h"

#include <gtest/gtest.h>

#include <bit>

#include "base/time.h"
#include "decoders/json_check.h"
#include "decoders/time_text.h"

namespace leat {
namespace {

// The cell as text; the reason when there is none.
std::string parsed(Type type, std::string_view text) {
  uint64_t cell = 0;
  if (!parse_cell(type, text, &cell)) return cell_mismatch(type, text);
  if (type == Type::real) return std::to_string(std::bit_cast<double>(cell));
  if (type == Type::time) return format_time(static_cast<int64_t>(cell));
  if (type == Type::text || type == Type::json) return std::string(text);
  return std::to_string(static_cast<int64_t>(cell));
}

TEST(TypedCell, Integers) {
  EXPECT_EQ(parsed(Type::integer, "0"), "0");
  EXPECT_EQ(parsed(Type::integer, "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(parsed(Type::integer, "+007"), "7");
  EXPECT_EQ(parsed(Type::integer, " 12 "), "12");
  EXPECT_EQ(parsed(Type::integer, "abc"), "expected an integer, found 'abc'");
  EXPECT_EQ(parsed(Type::integer, "1.0"), "expected an integer, found '1.0'");
  EXPECT_EQ(parsed(Type::integer, "+-1"), "expected an integer, found '+-1'");
  EXPECT_EQ(parsed(Type::integer, ""), "expected an integer, found an empty text");
  EXPECT_EQ(parsed(Type::integer, "9223372036854775808"),
            "'9223372036854775808' is beyond what an integer can be (64 bits)");
  EXPECT_EQ(parsed(Type::integer, "9223372036854775808x"), "expected an integer, found '9223372036854775808x'");
}

TEST(TypedCell, RealsAreFinite) {
  EXPECT_EQ(parsed(Type::real, "1"), "1.000000");
  EXPECT_EQ(parsed(Type::real, "-1.5e3"), "-1500.000000");
  EXPECT_EQ(parsed(Type::real, "+.5"), "0.500000");
  for (const char* bad : {"nan", "inf", "-Infinity", "1,5", "0x1p3", "1e", "."}) {
    EXPECT_EQ(parsed(Type::real, bad), std::string("expected a number, found '") + bad + "'");
  }
  EXPECT_EQ(parsed(Type::real, "1e999"), "'1e999' is beyond what a real can be (64 bits)");
}

TEST(TypedCell, BooleansTextAndJson) {
  for (const char* truth : {"true", "TRUE", "t", "1", "yes", "On"}) EXPECT_EQ(parsed(Type::boolean, truth), "1");
  for (const char* lie : {"false", "F", "0", "no", "off"}) EXPECT_EQ(parsed(Type::boolean, lie), "0");
  EXPECT_EQ(parsed(Type::boolean, "2"), "expected true or false, found '2'");
  EXPECT_EQ(parsed(Type::text, "ä b"), "ä b");
  EXPECT_EQ(parsed(Type::text, "a\xE4z"), "expected UTF-8 without NUL, found '\\xE4' at byte 2");
  EXPECT_EQ(parsed(Type::text, std::string_view("a\0b", 3)), "expected UTF-8 without NUL, found '\\x00' at byte 2");
  EXPECT_EQ(parsed(Type::json, "{\"a\": 1}"), "{\"a\": 1}");
  EXPECT_EQ(parsed(Type::json, "{\"a\": x}"), "expected JSON: a value at byte 7, found 'x}'");
  EXPECT_EQ(parsed(Type::json, "[1"), "expected JSON: ',' or ']' is missing at the end");
}

TEST(TypedCell, Times) {
  const std::string noon = "2026-11-22 13:39:28";
  for (const char* text : {"2026-11-22 13:39:28", "2026-11-22T13:39:28", "2026-11-22T13:39:28Z", "2026-11-22t13:39:28z",
                           "2026/11/22 13:39:28", "2026-11-22 13:39:28 UTC", "2026-11-22T14:39:28+01:00",
                           "2026-11-22 13:39:28+00", "2026-11-22 12:09:28 -0130", "20261122T133928Z", "20261122133928",
                           "Sun, 22 Nov 2026 13:39:28 GMT", "22 Nov 2026 14:39:28 +0100", "22/Nov/2026:15:39:28 +0200",
                           "1795354768", "1795354768000", "1795354768000000", " 2026-11-22 13:39:28 "}) {
    EXPECT_EQ(parsed(Type::time, text), noon) << text;
  }
  EXPECT_EQ(parsed(Type::time, "2026-11-22"), "2026-11-22 00:00:00");
  EXPECT_EQ(parsed(Type::time, "20261122"), "2026-11-22 00:00:00");
  EXPECT_EQ(parsed(Type::time, "2026-11-22 13:39"), "2026-11-22 13:39:00");
  EXPECT_EQ(parsed(Type::time, "2026-11-22 13:39:28.1234567"), noon + ".123456");
  EXPECT_EQ(parsed(Type::time, "2026-11-22 13:39:28,5Z"), noon + ".500000");
  EXPECT_EQ(parsed(Type::time, "1795354768.25"), noon + ".250000");
  EXPECT_EQ(parsed(Type::time, "1795354768123.5"), noon + ".123500");
  EXPECT_EQ(parsed(Type::time, "1795354768123456"), noon + ".123456");
  EXPECT_EQ(parsed(Type::time, "1 Feb 2026 00:00 GMT"), "2026-02-01 00:00:00");
  EXPECT_EQ(parsed(Type::time, "2016-12-31T23:59:60Z"), "2017-01-01 00:00:00");
  for (const char* bad : {"",
                          "abc",
                          "2026",
                          "2026-11",
                          "2026-13-01",
                          "2026-02-29",
                          "2026-11-22T",
                          "2026-11-22 24:00:00",
                          "2026-11-22 13:60",
                          "2026-11-22 13:39:28.",
                          "2026-11-22 13:39:28 CET",
                          "2026-11-22T13:39:28+1",
                          "22.11.2026",
                          "2026-11-22T13:39:28+01:",
                          "11/22/2026",
                          "2026-11/22",
                          "12345678901",
                          "0000-01-01",
                          "9999-12-31T23:59:59-01",
                          "22 Nov 26 13:39 GMT",
                          "Sun,",
                          "1795354768.",
                          "20261122T",
                          "2026-11-22 13:39:28ZZ"}) {
    int64_t micros = 0;
    EXPECT_FALSE(read_time_text(bad, &micros)) << bad;
  }
  EXPECT_EQ(parsed(Type::time, "now"), "expected a time such as 2026-11-22T13:39:28Z, found 'now'");
}

TEST(TypedCell, GuessesAreNarrowAndLoseNothing) {
  const auto guess = [](std::initializer_list<std::string_view> texts) {
    TypeGuess type;
    for (const std::string_view text : texts) type.see(text);
    return type.type();
  };
  EXPECT_EQ(guess({}), Type::text);
  EXPECT_EQ(guess({"1", "-20", "0"}), Type::integer);
  EXPECT_EQ(guess({"1", "2.5", "-0.1", "1e-05"}), Type::real);
  EXPECT_EQ(guess({"true", "False"}), Type::boolean);
  EXPECT_EQ(guess({"0", "1"}), Type::integer);
  EXPECT_EQ(guess({"true", "1"}), Type::text);
  EXPECT_EQ(guess({"2026-11-22", "2026-11-22 13:39:28"}), Type::time);
  EXPECT_EQ(guess({"22/Nov/2026:15:39:28 +0200"}), Type::time);
  EXPECT_EQ(guess({"1", "00123"}), Type::text) << "a code";
  EXPECT_EQ(guess({"+49123"}), Type::text) << "a telephone number";
  EXPECT_EQ(guess({"12E34"}), Type::text) << "a code";
  EXPECT_EQ(guess({"9223372036854775808"}), Type::text) << "digits would be lost";
  EXPECT_EQ(guess({"9007199254740993"}), Type::integer);
  EXPECT_EQ(guess({"9007199254740993", "0.5"}), Type::text) << "digits would be lost";
  EXPECT_EQ(guess({"20261122"}), Type::integer);
  EXPECT_EQ(guess({"nan"}), Type::text);
  EXPECT_EQ(guess({" 1"}), Type::text);
  EXPECT_EQ(guess({"1", "x"}), Type::text);
}

TEST(JsonCheck, OneValueOfRfc8259) {
  for (const char* good : {"null", " true ", "-0", "1.5E+10", "\"a\\u00e4\\n\"", "[]", "{}", "[1, [2, {\"a\": []}]]",
                           "{\"a\":1,\"b\":{\"c\":null}}", "\"ä\""}) {
    EXPECT_TRUE(check_json(good).ok) << good;
  }
  for (const char* bad : {"",           " ",     "nul",     "01",          "1.",     "-",    "+1",    ".5",
                          "1e",         "\"a",   "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "[1,]", "[1 2]", "{\"a\"}",
                          "{\"a\":1,}", "{a:1}", "[}",      "1 2",         "[]]",    "NaN",  "'a'",   "\"\xE4\""}) {
    EXPECT_FALSE(check_json(bad).ok) << bad;
  }
  EXPECT_FALSE(check_json(std::string_view("\0", 1)).ok);
  EXPECT_FALSE(check_json(std::string_view("[1\0]", 4)).ok);
  EXPECT_FALSE(check_json(std::string_view("\"\\\0\"", 4)).ok);
  EXPECT_TRUE(check_json(std::string(1000, '[') + std::string(1000, ']')).ok);
  EXPECT_EQ(check_json(std::string(1001, '[') + std::string(1001, ']')).expected, "fewer brackets");
}

}  // namespace
}  // namespace leat
