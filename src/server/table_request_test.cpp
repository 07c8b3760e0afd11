#include "server/table_request.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace leat {
namespace {

const StoredTable kTable = {"flows",
                            "p",
                            {{{"time", Type::integer}, true},
                             {{"at", Type::time}, true},
                             {{"name", Type::text}, true},
                             {{"ok", Type::boolean}, true},
                             {{"seconds", Type::real}, true},
                             {{"limit", Type::integer}, true},
                             {{"a.gt", Type::integer}, true},
                             {{"raw_log", Type::text, true}, false},
                             {{"_row", Type::integer}, false}}};
const std::optional<ApiRange> kRange = ApiRange{"time", "scanned_after", "scanned_before"};

Result<TableRequest> read(const std::string& query, bool page = true) {
  LEAT_ASSIGN(const Url url, parse_url("/x?" + query));
  return read_table_request(kTable, kRange, url.parameters, page);
}

std::string error(const std::string& query, bool page = true) {
  return read(query, page).status().message();
}

// "column sign value" of each filter.
std::string filters(const std::string& query) {
  const auto request = read(query);
  if (!request.ok()) return request.status().message();
  std::string out;
  for (const ScanFilter& filter : request->query.filters) {
    constexpr const char* kSigns[] = {"=", "<", "<=", ">", ">="};
    std::string value;
    if (const auto* integer = std::get_if<int64_t>(&filter.value)) value = std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&filter.value)) value = fmt::format("{}", *real);
    if (const auto* text = std::get_if<std::string>(&filter.value)) value = "'" + *text + "'";
    out += fmt::format("{}{} {} {}", out.empty() ? "" : ", ", filter.column,
                       kSigns[static_cast<size_t>(filter.compare)], value);
  }
  return out;
}

TEST(TableRequest, WithoutParametersAllThatIsShown) {
  const auto request = read("");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->query.columns, (std::vector<std::string>{"time", "at", "name", "ok", "seconds", "limit", "a.gt"}));
  EXPECT_FALSE(request->format || request->limit || request->after);
  EXPECT_EQ(request->query.last_row, INT64_MAX);
}

TEST(TableRequest, FieldsOrderFormatLimit) {
  const auto request = read("fields=raw_log,time,_row&order=-at&format=xml&limit=5");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->query.columns, (std::vector<std::string>{"raw_log", "time", "_row"}));
  EXPECT_EQ(request->fields[0].bytes, true);
  EXPECT_EQ(request->query.order, "at");
  EXPECT_TRUE(request->query.descending);
  EXPECT_EQ(request->format, RowFormat::xml);
  EXPECT_EQ(request->limit, 5U);
}

TEST(TableRequest, Filters) {
  EXPECT_EQ(filters("scanned_after=86400&scanned_before=86401"), "time > 86400, time <= 86401");
  EXPECT_EQ(filters("time.gte=-5&time.lt=9223372036854775807&time=3"),
            "time >= -5, time < 9223372036854775807, time = 3");
  EXPECT_EQ(filters("at=2026-01-31&at.lte=2026-01-31T12:00:00.5Z"),
            "at = '2026-01-31 00:00:00', at <= '2026-01-31 12:00:00.500000'");
  EXPECT_EQ(filters("name=a%20b%2Bc+d%C3%BC%27%3B--&ok=true&ok.eq=0&seconds.gt=1e-3"),
            "name = 'a b+c d\xC3\xBC';--', ok = 1, ok = 0, seconds > 0.001");
  EXPECT_EQ(filters("name="), "name = ''");
  EXPECT_EQ(filters("limit=3&limit.eq=4&a.gt=5&a.gt.gt=6"), "limit = 4, a.gt = 5, a.gt > 6");
}

TEST(TableRequest, WhatIsWrong) {
  EXPECT_EQ(
      error("nme=1"),
      "unknown parameter 'nme'; there are: format, limit, after, fields, order, scanned_after, scanned_before, and "
      "each column, also with .gt, .gte, .lt, .lte behind it: time, at, name, ok, seconds, limit, a.gt, raw_log, "
      "_row");
  EXPECT_NE(error("after=x", false).find("unknown parameter 'after'"), std::string::npos);
  EXPECT_NE(error("name.foo=1").find("unknown parameter 'name.foo'"), std::string::npos);
  EXPECT_EQ(error("time=abc"), "'time' must be an integer, not 'abc'");
  EXPECT_EQ(error("time=9223372036854775808"), "'time' must be an integer, not '9223372036854775808'");
  EXPECT_EQ(error("scanned_after=1.5"), "'scanned_after' must be an integer, not '1.5'");
  EXPECT_EQ(error("seconds=nan"), "'seconds' must be a number, not 'nan'");
  EXPECT_EQ(error("ok=maybe"), "'ok' must be true or false, not 'maybe'");
  EXPECT_EQ(error("at=yesterday"),
            "'at' must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z (UTC), not 'yesterday'");
  EXPECT_EQ(error("limit=0"), "'limit' must be a whole number from 1 on, not '0'");
  EXPECT_EQ(error("format=yaml"), "there is no format 'yaml'; there are: json, ndjson, xml, csv");
  EXPECT_EQ(
      error("fields=time,,at"),
      "'fields': table 'flows' has no column ''; there are: time, at, name, ok, seconds, limit, a.gt, raw_log, _row");
  EXPECT_EQ(error("fields=time,time"), "'fields' names 'time' twice");
  EXPECT_NE(error("order=rowid").find("'order': table 'flows' has no column 'rowid'"), std::string::npos);
  EXPECT_EQ(error("time=1&time=2"), "the parameter 'time' is there twice");
  EXPECT_EQ(error("name=%4"), "'name=%4' has a '%' that no two hexadecimal digits follow");
  EXPECT_EQ(error("name=%zz"), "'name=%zz' has a '%' that no two hexadecimal digits follow");
  EXPECT_EQ(error("name=%+1"), "'name=%+1' has a '%' that no two hexadecimal digits follow");
}

TEST(TableRequest, CursorsFitTheirQueryOnly) {
  const ScanKey key = {int64_t{-3}, std::monostate(), 0.1, std::string("a;\0b\xFF", 5), int64_t{INT64_MIN}};
  const auto request = read("name=x&order=at");
  ASSERT_TRUE(request.ok());
  const std::string cursor = cursor_of(request->query, key);
  EXPECT_EQ(cursor, encode_url(cursor));
  const auto next = read("order=at&name=x&limit=7&fields=at&format=csv&after=" + cursor);
  ASSERT_TRUE(next.ok()) << next.status().message();
  EXPECT_EQ(next->after, key);
  const std::string refusal =
      "'after' is not a cursor of this query; take the whole link to the next page, or begin without 'after'";
  EXPECT_EQ(error("name=y&order=at&after=" + cursor), refusal);
  EXPECT_EQ(error("name=x&order=-at&after=" + cursor), refusal);
  // However it is cut or changed: a key or a refusal, never anything else.
  for (size_t i = 0; i < cursor.size(); ++i) {
    const auto cut = read("name=x&order=at&after=" + cursor.substr(0, i));
    EXPECT_TRUE(cut.ok() || i == 0 || cut.status().message() == refusal);
    std::string changed = cursor;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto other = read("name=x&order=at&after=" + changed);
    EXPECT_TRUE(other.ok() || other.status().message() == refusal);
  }
  EXPECT_EQ(error("after=%00%ff"), refusal);
  EXPECT_EQ(error("after="), "'after' must be the cursor of a page, not ''");
}

}  // namespace
}  // namespace leat
