#pragma once

// For tests of aggregates: random rows, and the simplest recount of them that could be right. Local time comes from the
// C library here, from the date library in what is tested. One thread.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "aggregates/aggregate.h"
#include "base/time.h"
#include "lookup/browser.h"

namespace leat {

// NULL, 'i…', 'r…' or 't…'
using Shown = std::string;

inline Shown shown(const AggregateValue& value) {
  switch (value.kind) {
    case AggregateValue::Kind::null:
      return "NULL";
    case AggregateValue::Kind::integer:
      return "i" + std::to_string(value.integer);
    case AggregateValue::Kind::real: {
      char text[64];
      std::snprintf(text, sizeof(text), "r%.17g", value.real);
      return text;
    }
    case AggregateValue::Kind::text:
      return "t" + std::string(value.text);
  }
  return "?";
}

constexpr size_t kTime = 0;
constexpr size_t kAddress = 1;
constexpr size_t kStatus = 2;
constexpr size_t kBytes = 3;
constexpr size_t kRatio = 4;
constexpr size_t kFlag = 5;
constexpr size_t kTarget = 6;
constexpr size_t kDocument = 7;

inline SchemaPtr make_schema() {
  auto schema = std::make_shared<Schema>();
  schema->fields = {{"time", Type::time},     {"address", Type::text}, {"status", Type::integer},
                    {"bytes", Type::integer}, {"ratio", Type::real},   {"flag", Type::boolean},
                    {"target", Type::text},   {"document", Type::json}};
  return schema;
}

struct Row {
  std::optional<int64_t> time;
  std::optional<std::string> address;
  std::optional<int64_t> status;
  std::optional<int64_t> bytes;
  std::optional<double> ratio;
  std::optional<bool> flag;
  std::optional<std::string> target;
  std::optional<std::string> document;
};

inline RecordBatch make_batch(const SchemaPtr& schema, const std::vector<Row>& rows) {
  RecordBatch batch(schema);
  batch.arena = "the chunk's own bytes";
  for (const Row& row : rows) {
    const size_t at = batch.add_row({});
    if (row.time) batch.set_integer(kTime, at, *row.time);
    if (row.address) batch.set_new_text(kAddress, at, *row.address);
    if (row.status) batch.set_integer(kStatus, at, *row.status);
    if (row.bytes) batch.set_integer(kBytes, at, *row.bytes);
    if (row.ratio) batch.set_real(kRatio, at, *row.ratio);
    if (row.flag) batch.set(kFlag, at, *row.flag ? 1 : 0);
    if (row.target) batch.set_new_text(kTarget, at, *row.target);
    if (row.document) batch.set_new_text(kDocument, at, *row.document);
  }
  return batch;
}

inline Shown real(double value) {
  AggregateValue as;
  as.kind = AggregateValue::Kind::real;
  as.real = value;
  return shown(as);
}

inline Shown local(const std::optional<int64_t>& micros, const char* format) {
  if (!micros) return "NULL";
  const time_t seconds = floor_div(*micros, kMicrosPerSecond);
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[64];
  return "t" + std::string(text, strftime(text, sizeof(text), format, &parts));
}

using Get = std::function<Shown(const Row&)>;

// What stands behind each column of the aggregate under test.
struct Declared {
  NamedExpression named;
  Get get;  // of a key: the key; of a measure: its argument
  Measure measure = Measure::count;
};

inline Shown of(const std::optional<std::string>& text) {
  return text ? "t" + *text : "NULL";
}
inline Shown of(const std::optional<int64_t>& number) {
  return number ? "i" + std::to_string(*number) : "NULL";
}
inline Shown of(const std::optional<bool>& truth) {
  return truth ? (*truth ? "i1" : "i0") : "NULL";
}
inline Shown of(const std::optional<double>& number) {
  if (!number || std::isnan(*number)) return "NULL";
  return real(*number == 0 ? 0.0 : *number);
}

inline Shown slow_path(const std::optional<std::string>& target) {
  if (!target) return "NULL";
  std::string path;
  for (const char c : *target) {
    if (c == '?' || c == '#') break;
    path += c;
  }
  for (const std::string scheme : {"http://", "HTTPS://"}) {
    if (!path.starts_with(scheme)) continue;
    const size_t slash = path.find('/', scheme.size());
    path = slash == std::string::npos ? "/" : path.substr(slash);
  }
  return "t" + path;
}

// For the referers that Rows makes: no bare "www.", no brackets.
inline Shown slow_site(const std::optional<std::string>& referer) {
  if (!referer) return "NULL";
  const size_t colon = referer->find(':');
  if (colon == std::string::npos || colon == 0 || referer->substr(colon, 3) != "://") return "NULL";
  std::string site;
  for (size_t at = colon + 3; at < referer->size() && std::string("/?#").find((*referer)[at]) == std::string::npos;
       ++at) {
    site += static_cast<char>(std::tolower((*referer)[at]));
    if (site.back() == '@' || site == "www.") site.clear();
  }
  site = site.substr(0, site.find(':'));
  return site.empty() ? "NULL" : "t" + site;
}

inline Shown slow_browser(const std::optional<std::string>& agent) {
  return "t" + std::string(browser_name(browser_of(agent.value_or(""))));
}

inline std::optional<int64_t> status_class(const Row& row) {
  return row.status ? std::optional(*row.status / 100) : std::nullopt;
}

inline std::optional<bool> failed(const Row& row) {
  return row.status ? std::optional(*row.status >= 404) : std::nullopt;
}

inline std::optional<std::string> upper(const Row& row) {
  std::optional<std::string> text = row.address;
  if (text) std::transform(text->begin(), text->end(), text->begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

// Without a value where it cannot be computed: when the status is 0.
inline std::optional<int64_t> bytes_by_status(const Row& row) {
  if (!row.bytes || !row.status || *row.status == 0) return std::nullopt;
  return *row.bytes / *row.status;
}

inline std::map<std::string, Declared> all_keys() {
  return {
      {"day", {{"day", "day(time)"}, [](const Row& r) { return local(r.time, "%Y-%m-%d"); }}},
      {"hour", {{"hour", "hour(time)"}, [](const Row& r) { return local(r.time, "%Y-%m-%d %H"); }}},
      {"minute", {{"minute", "minute( time )"}, [](const Row& r) { return local(r.time, "%Y-%m-%d %H:%M"); }}},
      {"month", {{"month", "month(time)"}, [](const Row& r) { return local(r.time, "%Y-%m"); }}},
      {"page", {{"page", "path(target)"}, [](const Row& r) { return slow_path(r.target); }}},
      {"site", {{"site", "referrer(target)"}, [](const Row& r) { return slow_site(r.target); }}},
      {"browser", {{"browser", "browser(target)"}, [](const Row& r) { return slow_browser(r.target); }}},
      {"address", {{"address", "address"}, [](const Row& r) { return of(r.address); }}},
      {"status", {{"status", "\"status\""}, [](const Row& r) { return of(r.status); }}},
      {"ratio", {{"ratio", "ratio"}, [](const Row& r) { return of(r.ratio); }}},
      {"flag", {{"flag", "flag"}, [](const Row& r) { return of(r.flag); }}},
      {"document", {{"document", "document"}, [](const Row& r) { return of(r.document); }}},
      {"time", {{"time", "time"}, [](const Row& r) { return of(r.time); }}},
      {"class", {{"class", "status / 100"}, [](const Row& r) { return of(status_class(r)); }}},
      {"upper", {{"upper", "upper(address)"}, [](const Row& r) { return of(upper(r)); }}},
      {"site_or_page",
       {{"site_or_page", "coalesce(referrer(target), path(target))"},
        [](const Row& r) {
          const Shown site = slow_site(r.target);
          return site == "NULL" ? slow_path(r.target) : site;
        }}},
      {"failed", {{"failed", "status >= 404"}, [](const Row& r) { return of(failed(r)); }}},
  };
}

inline std::vector<Declared> all_measures() {
  return {
      {{"hits", "count()"}, [](const Row&) { return "i1"; }, Measure::count},
      {{"bytes_sum", "sum(bytes)"}, [](const Row& r) { return of(r.bytes); }, Measure::sum},
      {{"ratio_sum", "sum(ratio)"}, [](const Row& r) { return of(r.ratio); }, Measure::sum},
      {{"first_address", "min(address)"}, [](const Row& r) { return of(r.address); }, Measure::min},
      {{"last_address", "max(address)"}, [](const Row& r) { return of(r.address); }, Measure::max},
      {{"first_time", "min(time)"}, [](const Row& r) { return of(r.time); }, Measure::min},
      {{"most_bytes", "max(bytes)"}, [](const Row& r) { return of(r.bytes); }, Measure::max},
      {{"least_ratio", "min(ratio)"}, [](const Row& r) { return of(r.ratio); }, Measure::min},
      {{"addresses", "count_distinct(address)"}, [](const Row& r) { return of(r.address); }, Measure::count_distinct},
      {{"statuses", "count_distinct(status)"}, [](const Row& r) { return of(r.status); }, Measure::count_distinct},
      {{"ratios", "count_distinct(ratio)"}, [](const Row& r) { return of(r.ratio); }, Measure::count_distinct},
      {{"times", "count_distinct(time)"}, [](const Row& r) { return of(r.time); }, Measure::count_distinct},
      {{"documents", "count_distinct(document)"}, [](const Row& r) { return of(r.document); }, Measure::count_distinct},
      {{"failures", "sum(CASE WHEN status >= 404 THEN 1 ELSE 0 END)"},
       [](const Row& r) { return failed(r).value_or(false) ? "i1" : "i0"; },
       Measure::sum},
      {{"most_by_status", "max(bytes / status)"}, [](const Row& r) { return of(bytes_by_status(r)); }, Measure::max},
      {{"least_upper", "min(upper(address))"}, [](const Row& r) { return of(upper(r)); }, Measure::min},
      {{"uppers", "count_distinct(upper(address))"},
       [](const Row& r) { return of(upper(r)); },
       Measure::count_distinct},
  };
}

inline bool less(const Shown& a, const Shown& b) {
  if (a.front() == 'i') return std::stoll(a.substr(1)) < std::stoll(b.substr(1));
  if (a.front() == 'r') return std::stod(a.substr(1)) < std::stod(b.substr(1));
  return a < b;  // bytes: std::string compares them as unsigned
}

inline Shown add(const Shown& a, const Shown& b) {
  if (a == "NULL") return b;
  if (b == "NULL") return a;
  if (a.front() == 'i') return "i" + std::to_string(std::stoll(a.substr(1)) + std::stoll(b.substr(1)));
  return real(std::stod(a.substr(1)) + std::stod(b.substr(1)));
}

inline Shown merged(Measure measure, const Shown& a, const Shown& b) {
  if (measure == Measure::count || measure == Measure::sum) return add(a, b);
  if (a == "NULL") return b;
  if (b == "NULL") return a;
  return less(a, b) == (measure == Measure::min) ? a : b;
}

using Keys = std::vector<Shown>;
using Table = std::map<Keys, std::vector<Shown>>;

inline Table recount(const std::vector<Row>& rows, const std::vector<Declared>& keys,
                     const std::vector<Declared>& measures) {
  std::map<Keys, std::vector<const Row*>> groups;
  for (const Row& row : rows) {
    Keys of_row;
    for (const Declared& key : keys) of_row.push_back(key.get(row));
    groups[of_row].push_back(&row);
  }
  Table table;
  for (const auto& [group, members] : groups) {
    std::vector<Shown>& values = table[group];
    for (const Declared& measure : measures) {
      Shown value = "NULL";
      std::set<Shown> distinct;
      for (const Row* row : members) {
        value = merged(measure.measure, value, measure.get(*row));
        distinct.insert(measure.get(*row));
      }
      distinct.erase("NULL");
      values.push_back(measure.measure == Measure::count_distinct ? "i" + std::to_string(distinct.size()) : value);
    }
  }
  return table;
}

class Rows {
 public:
  explicit Rows(unsigned seed) : random_(seed) {}

  size_t below(size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random_); }

  std::vector<Row> some() {
    std::vector<Row> rows(below(120));
    for (Row& row : rows) {
      row.time = time();
      row.address = pick({"10.0.0.1", "10.0.0.2", "10.0.0.10", "2001:db8::1", "", "müller", "日本", "\xF0\x9F\x98\x80",
                          "10.0.0.1234567890", "10.0.0.1234567891"});
      if (row.address && below(2) == 0) *row.address += std::to_string(below(40));
      if (below(8) != 0) row.status = std::vector<int64_t>{200, 404, 500, -1, 0}[below(5)];
      if (below(8) != 0) row.bytes = static_cast<int64_t>(below(1'000'000)) - 500'000;
      if (below(8) != 0) row.ratio = std::vector<double>{0.0, -0.0, NAN, -2.5, 1.25, 1024.0, -1e6}[below(7)];
      if (below(3) != 0) row.flag = below(2) == 0;
      row.target = pick({"/",
                         "/a",
                         "/a?q=1",
                         "/a#x",
                         "/b/ü?",
                         "?x",
                         "",
                         "*",
                         "http://h",
                         "http://h/a?b",
                         "HTTPS://h?x/y",
                         "https:/x",
                         "example.com:443",
                         "//double/x",
                         "http://WWW.Example.org/x",
                         "http://example.org",
                         "HTTPS://me@News.Example.com:8443?q",
                         "http://www.example.com",
                         "Opera/9.80",
                         "curl/8.1"});
      row.document = pick({"{}", "[1]", "null"});
    }
    return rows;
  }

 private:
  std::optional<int64_t> time() {
    if (below(20) == 0) return std::nullopt;
    const std::vector<const char*> around{"2025-03-30 01:00:00", "2025-10-26 01:00:00", "1969-12-31 23:59:59",
                                          "1951-02-28 12:00:00", "2024-02-29 23:30:00", "2025-12-31 23:15:00",
                                          "2011-12-30 10:00:00", "2025-04-05 15:00:00"};
    int64_t micros = 0;
    EXPECT_TRUE(parse_time(around[below(around.size())], 19, &micros));
    return micros + static_cast<int64_t>(below(4 * 3600)) * kMicrosPerSecond - 2 * 3600 * kMicrosPerSecond +
           static_cast<int64_t>(below(3)) * 499'999;
  }
  std::optional<std::string> pick(const std::vector<std::string>& from) {
    if (below(10) == 0) return std::nullopt;
    return from[below(from.size())];
  }
  std::mt19937 random_;
};

}  // namespace leat
