#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/json_writer.h"
#include "base/status.h"
#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

TEST(Time, http_dates) {
  constexpr int64_t kThen = 784111777 * kMicrosPerSecond;
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "Sun, 6 Nov 1994 08:49:37 UTC"}) {
    EXPECT_EQ(parse_http_date(text), kThen) << text;
  }
  EXPECT_EQ(parse_http_date("Sunday, 01-Jan-26 00:00:00 GMT"), parse_http_date("Thu, 01 Jan 2026 00:00:00 GMT"));
  for (const char* text :
       {"", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 PST", "Sun, 06 anF 1994 08:49:37 GMT",
        "2026-01-01T00:00:00Z", "Sun, 006 Nov 1994 08:49:37 GMT", ",,,,,", "a b c d e f"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

TEST(Status, carries_what_to_do_next) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().kind(), Kind::ok);
  Status status = Status::retry("the disk is full").with_part("a#1").with_retry_after_ms(5);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.kind(), Kind::retry);
  EXPECT_EQ(status.part(), "a#1");
  EXPECT_EQ(status.retry_after_ms(), 5U);
  const Status copy = status.clone();
  const Status within = std::move(status).within("web.db");
  EXPECT_EQ(within.message(), "web.db: the disk is full");
  EXPECT_EQ(copy.message(), "the disk is full");
  EXPECT_EQ(copy.part(), "a#1");
}

TEST(Result, is_a_value_or_a_failure) {
  const auto half = [](int n) -> Result<int> {
    if (n % 2 != 0) return Status::bad_data("odd");
    return n / 2;
  };
  const auto quarter = [&](int n) -> Result<int> {
    LEAT_ASSIGN(const int h, half(n));
    return half(h);
  };
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).status().message(), "odd");
  EXPECT_EQ(Result<int>(Status()).status().kind(), Kind::bug);
}

TEST(Text, visible_shows_every_byte_safely) {
  EXPECT_EQ(visible("plain é 水"), "plain é 水");
  EXPECT_EQ(visible("a\nb\tc\x1B[31m\x7F"), "a\\nb\\tc\\x1B[31m\\x7F");
  EXPECT_EQ(visible(std::string_view("\0x", 2)), "\\x00x");
  EXPECT_EQ(visible("\xFF\xC3"), "\\xFF\\xC3");
  EXPECT_EQ(visible("\xC2\x9B"
                    "31m"),
            "\\xC2\\x9B31m")
      << "a C1 control starts an escape sequence on some terminals";
  EXPECT_EQ(visible("abcdef", 3), "abc…");
  EXPECT_EQ(quoted("a'b"), "'a'b'");
}

TEST(Text, utf8) {
  EXPECT_TRUE(is_utf8("é水\xF0\x9F\x92\xA7"));
  for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80",
                          "\x80", "\xE6\xB0", "\xC3("}) {
    EXPECT_FALSE(is_utf8(bad)) << visible(bad);
  }
}

TEST(Text, numbers_for_people) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(5ULL << 30), "5.0 GiB");
  EXPECT_EQ(human_seconds(59), "59s");
  EXPECT_EQ(human_seconds(73), "1m 13s");
  EXPECT_EQ(human_seconds(3700), "1h 01m");
  EXPECT_EQ(human_seconds(200000), "2d 07h");
}

TEST(Text, numbers_from_people) {
  EXPECT_EQ(parse_integer("-12"), -12);
  EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
  for (const char* bad : {"", "+1", "1 ", " 1", "1.0", "9223372036854775808", "abc"})
    EXPECT_FALSE(parse_integer(bad)) << bad;
  EXPECT_EQ(parse_bytes("64MiB"), 64U << 20);
  EXPECT_EQ(parse_bytes("64 MiB"), 64U << 20);
  EXPECT_EQ(parse_bytes("100"), 100U);
  EXPECT_FALSE(parse_bytes("64M"));
  EXPECT_FALSE(parse_bytes("99999999999TiB"));
  EXPECT_EQ(parse_duration_ms("250ms"), 250U);
  EXPECT_EQ(parse_duration_ms("3h"), 10'800'000U);
  EXPECT_FALSE(parse_duration_ms("3"));
  EXPECT_FALSE(parse_duration_ms("h"));
}

TEST(Text, suggestions) {
  const std::string_view words[] = {"include", "format", "table", "type"};
  EXPECT_EQ(did_you_mean("tabel", words), "table");
  EXPECT_EQ(did_you_mean("inlcude", words), "include");
  EXPECT_EQ(did_you_mean("formats", words), "format");
  EXPECT_EQ(did_you_mean("zzz", words), "");
  EXPECT_EQ(did_you_mean("", words), "");
}

TEST(Text, split_trim_join) {
  EXPECT_EQ(split("a,,b", ',').size(), 3U);
  EXPECT_EQ(split("", ',').size(), 1U);
  EXPECT_EQ(trim(" \ta b\r\n"), "a b");
  const std::string parts[] = {"", "a", "b"};
  EXPECT_EQ(join(parts, ","), ",a,b");
}

TEST(Time, calendar_round_trip) {
  for (int64_t day = -800'000; day < 800'000; day += 97) {
    const Civil civil = civil_from_days(day);
    ASSERT_EQ(days_from_civil(civil.year, civil.month, civil.day), day);
  }
  EXPECT_EQ(format_day(0), "1970-01-01");
  EXPECT_EQ(format_day(-1), "1969-12-31");
  EXPECT_EQ(days_in_month(2024, 2), 29U);
  EXPECT_EQ(days_in_month(2100, 2), 28U);
  EXPECT_EQ(days_in_month(2025, 12), 31U);
}

TEST(Time, iso_texts_of_others) {
  const auto seconds = [](std::string_view text) {
    const auto micros = parse_iso_time(text);
    return micros ? *micros / kMicrosPerSecond : -1;
  };
  EXPECT_EQ(seconds("2026-01-31"), 1769817600);
  EXPECT_EQ(seconds("2026-01-31 12:30:00"), 1769817600 + 45000);
  EXPECT_EQ(seconds("2026-01-31T12:30:00Z"), 1769817600 + 45000);
  EXPECT_EQ(seconds("2026-01-31T12:30:00+01:00"), 1769817600 + 45000 - 3600);
  EXPECT_EQ(seconds("2026-01-31T12:30:00.25-0530"), 1769817600 + 45000 + 19800);
  EXPECT_EQ(seconds("2026-01-31 12:30:00+01"), 1769817600 + 45000 - 3600);
  EXPECT_EQ(parse_iso_time("2026-01-31 12:30:00.25"), (1769817600 + 45000) * kMicrosPerSecond + 250'000);
  for (const char* text : {"", "2026", "2026-02-30", "31.1.2026", "2026-01-31 12:30", "2026-01-31 12:30:00+1",
                           "2026-01-31 12:30:00Z+01:00", "2026-01-31 12:30:00+24:00", "2026-01-31+01:00",
                           "2026-01-31 12:30:00+01:60", "2026-01-31 12:30:00 +01:00", "2026-01-31 12:30:00+-1:00"}) {
    EXPECT_FALSE(parse_iso_time(text)) << text;
  }
}

TEST(Time, text_round_trip) {
  EXPECT_EQ(format_time(1431857103 * kMicrosPerSecond), "2015-05-17 10:05:03");
  EXPECT_EQ(format_time(1), "1970-01-01 00:00:00.000001");
  EXPECT_EQ(format_time(-1), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(format_time(-62'135'596'800 * kMicrosPerSecond), "0001-01-01 00:00:00");
  EXPECT_EQ(format_time(253'402'300'800 * kMicrosPerSecond - 1), "9999-12-31 23:59:59.999999");
  for (int64_t i = 0; i < 20'000; ++i) {
    int64_t micros =
        static_cast<int64_t>(mix64(static_cast<uint64_t>(i)) % 300'000'000'000'000'000) - 60'000'000'000'000'000;
    if (i % 2 == 0) micros = floor_div(micros, kMicrosPerSecond) * kMicrosPerSecond;
    const std::string text = format_time(micros);
    EXPECT_EQ(text.size(), micros % kMicrosPerSecond == 0 ? 19U : 26U) << text;
    int64_t back = 0;
    ASSERT_TRUE(parse_time(text.data(), text.size(), &back)) << text;
    ASSERT_EQ(back, micros);
  }
  for (const std::string_view bad : {"2015-05-17", "2015-13-17 10:05:03", "2015-02-29 10:05:03", "2015-05-17 24:05:03",
                                     "2015-05-17 10:05:03.", "2015-05-17 10:05:03+01", "2015/05/17 10:05:03"}) {
    int64_t micros = 0;
    EXPECT_FALSE(parse_time(bad.data(), bad.size(), &micros)) << bad;
  }
}

TEST(Hash, does_not_change) {
  EXPECT_EQ(hex(hash128("leat")), hex(hash128("leat", 0)));
  EXPECT_EQ(hex(hash128("")), "99aa06d3014798d86001c324468d497f") << "XXH3-128 of nothing, as its authors give it";
  EXPECT_NE(mix64(0), mix64(1));
}

TEST(JsonWriter, writes_valid_documents) {
  JsonWriter json;
  json.begin_object()
      .field("a", int64_t{-1})
      .key("list")
      .begin_array()
      .value("x\"\\\n\x01")
      .value(true)
      .null()
      .end_array();
  json.field("bad", "\xFF").field("number", 0.5).field("big", uint64_t{18446744073709551615ULL}).end_object();
  EXPECT_EQ(json.text(),
            R"({"a":-1,"list":["x\"\\\n\u0001",true,null],"bad":"\\xFF","number":0.5,"big":18446744073709551615})");
}

}  // namespace
}  // namespace leat
