// The aggregates against the simplest recount that could be right: random rows in random pieces, with commits,
// rollbacks and undone rows in between; after each commit the sink's tables must equal the recount over its rows.
// Local time comes from the C library here, from the date library there.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "aggregates/aggregate.h"
#include "aggregates/aggregate_limits.h"
#include "base/time.h"
#include "lookup/browser.h"

namespace leat {
namespace {

constexpr size_t kEnough = 1 << 20;

// NULL, 'i…', 'r…' or 't…'
using Shown = std::string;

Shown shown(const AggregateValue& value) {
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

SchemaPtr make_schema() {
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

RecordBatch make_batch(const SchemaPtr& schema, const std::vector<Row>& rows) {
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

Shown real(double value) {
  AggregateValue as;
  as.kind = AggregateValue::Kind::real;
  as.real = value;
  return shown(as);
}

Shown local(const std::optional<int64_t>& micros, const char* format) {
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

Shown of(const std::optional<std::string>& text) {
  return text ? "t" + *text : "NULL";
}
Shown of(const std::optional<int64_t>& number) {
  return number ? "i" + std::to_string(*number) : "NULL";
}
Shown of(const std::optional<bool>& truth) {
  return truth ? (*truth ? "i1" : "i0") : "NULL";
}
Shown of(const std::optional<double>& number) {
  if (!number || std::isnan(*number)) return "NULL";
  return real(*number == 0 ? 0.0 : *number);
}

Shown slow_path(const std::optional<std::string>& target) {
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
Shown slow_site(const std::optional<std::string>& referer) {
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

Shown slow_browser(const std::optional<std::string>& agent) {
  return "t" + std::string(browser_name(browser_of(agent.value_or(""))));
}

std::optional<int64_t> status_class(const Row& row) {
  return row.status ? std::optional(*row.status / 100) : std::nullopt;
}

std::optional<bool> failed(const Row& row) {
  return row.status ? std::optional(*row.status >= 404) : std::nullopt;
}

std::optional<std::string> upper(const Row& row) {
  std::optional<std::string> text = row.address;
  if (text) std::transform(text->begin(), text->end(), text->begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

// Without a value where it cannot be computed: when the status is 0.
std::optional<int64_t> bytes_by_status(const Row& row) {
  if (!row.bytes || !row.status || *row.status == 0) return std::nullopt;
  return *row.bytes / *row.status;
}

std::map<std::string, Declared> all_keys() {
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

std::vector<Declared> all_measures() {
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

bool less(const Shown& a, const Shown& b) {
  if (a.front() == 'i') return std::stoll(a.substr(1)) < std::stoll(b.substr(1));
  if (a.front() == 'r') return std::stod(a.substr(1)) < std::stod(b.substr(1));
  return a < b;  // bytes: std::string compares them as unsigned
}

Shown add(const Shown& a, const Shown& b) {
  if (a == "NULL") return b;
  if (b == "NULL") return a;
  if (a.front() == 'i') return "i" + std::to_string(std::stoll(a.substr(1)) + std::stoll(b.substr(1)));
  return real(std::stod(a.substr(1)) + std::stod(b.substr(1)));
}

Shown merged(Measure measure, const Shown& a, const Shown& b) {
  if (measure == Measure::count || measure == Measure::sum) return add(a, b);
  if (a == "NULL") return b;
  if (b == "NULL") return a;
  return less(a, b) == (measure == Measure::min) ? a : b;
}

using Keys = std::vector<Shown>;
using Table = std::map<Keys, std::vector<Shown>>;

Table recount(const std::vector<Row>& rows, const std::vector<Declared>& keys, const std::vector<Declared>& measures) {
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

// What a sink does with an aggregate, in maps.
class Target {
 public:
  Target(const std::vector<Declared>& keys, const std::vector<Declared>& measures) : keys_(keys), measures_(measures) {}

  // `replace`: the values are of whole buckets, not deltas.
  void take(Aggregate& aggregate, bool replace) {
    std::vector<Keys> of_bucket;
    for (size_t bucket = 0; bucket < aggregate.buckets(); ++bucket) {
      of_bucket.emplace_back();
      for (size_t k = 0; k < keys_.size(); ++k) of_bucket.back().push_back(shown(aggregate.value(bucket, k)));
      auto [entry, added] = table_.try_emplace(of_bucket.back(), measures_.size(), "NULL");
      for (size_t m = 0; m < measures_.size(); ++m) {
        Shown& total = entry->second[m];
        if (measures_[m].measure == Measure::count_distinct) {
          EXPECT_EQ(shown(aggregate.value(bucket, keys_.size() + m)), "NULL");
          if (replace) sets_[m][entry->first].clear();
        } else {
          const Shown delta = shown(aggregate.value(bucket, keys_.size() + m));
          total = replace ? delta : merged(measures_[m].measure, total, delta);
        }
      }
    }
    EXPECT_EQ(std::set<Keys>(of_bucket.begin(), of_bucket.end()).size(), of_bucket.size()) << "a bucket is there twice";
    for (size_t bucket = 0; bucket < of_bucket.size(); ++bucket) {
      const Keys& keys = places_.try_emplace(aggregate.place(bucket), of_bucket[bucket]).first->second;
      EXPECT_EQ(keys, of_bucket[bucket]) << "its place is another bucket's";
    }
    for (size_t m = 0; m < measures_.size(); ++m) {
      if (measures_[m].measure == Measure::count_distinct) take_candidates(aggregate, m, of_bucket);
    }
  }

  void drop(Aggregate& touched) {
    for (size_t bucket = 0; bucket < touched.buckets(); ++bucket) {
      Keys keys;
      for (size_t k = 0; k < keys_.size(); ++k) keys.push_back(shown(touched.value(bucket, k)));
      table_.erase(keys);
      for (auto& [m, sets] : sets_) sets.erase(keys);
    }
  }

  void forget_places() { places_.clear(); }

  [[nodiscard]] const Table& table() const { return table_; }
  size_t candidates = 0;

 private:
  void take_candidates(Aggregate& aggregate, size_t m, const std::vector<Keys>& of_bucket) {
    Status outcome;
    std::map<size_t, Shown> last;  // of the buckets so far
    size_t last_bucket = SIZE_MAX;
    aggregate.for_each_candidate(
        keys_.size() + m,
        [&](size_t bucket, AggregateValue value) {
          const Shown text = shown(value);
          const auto [before, first] = last.try_emplace(bucket, text);
          EXPECT_TRUE(first || (last_bucket == bucket && less(before->second, text)))
              << before->second << " then " << text;
          last_bucket = bucket;
          before->second = text;
          sets_[m][of_bucket[bucket]].insert(text);
          ++candidates;
          return Status();
        },
        &outcome);
    EXPECT_TRUE(outcome.ok());
    for (const Keys& keys : of_bucket) table_[keys][m] = "i" + std::to_string(sets_[m][keys].size());
  }

  const std::vector<Declared>& keys_;
  const std::vector<Declared>& measures_;
  Table table_;
  std::map<size_t, Keys> places_;
  std::map<size_t, std::map<Keys, std::set<Shown>>> sets_;
};

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

struct Setting {
  std::vector<std::string> keys;
  const char* zone;
  size_t known_bytes;
};

class Model : public testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    setenv("TZ", GetParam().zone, 1);
    tzset();
    for (const std::string& name : GetParam().keys) {
      keys_.push_back(all_keys().at(name));
      spec_.by.push_back(keys_.back().named);
    }
    for (const Declared& measure : measures_) spec_.value.push_back(measure.named);
    spec_.name = "under_test";
    spec_.timezone = GetParam().zone;
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
  }

  std::unique_ptr<Aggregate> bind() {
    auto bound = bind_with_known_bytes(spec_, *schema_, GetParam().known_bytes);
    EXPECT_TRUE(bound.ok()) << bound.status().message();
    return bound.ok() ? *std::move(bound) : nullptr;
  }

  // The rows are gone from the table: their buckets are computed anew.
  void undo(Aggregate& live, Target& target, std::vector<Row>& rows, size_t first) {
    const std::vector<Row> gone(rows.begin() + static_cast<ptrdiff_t>(first), rows.end());
    rows.resize(first);
    auto touched = bind();
    touched->add(make_batch(schema_, gone), 0, gone.size());
    target.drop(*touched);
    live.rolled_back();
    target.forget_places();
    for (size_t at = 0; at < rows.size(); at += 50) {
      const size_t count = std::min<size_t>(50, rows.size() - at);
      const auto begin = rows.begin() + static_cast<ptrdiff_t>(at);
      live.add_where_in(*touched, make_batch(schema_, {begin, begin + static_cast<ptrdiff_t>(count)}), 0, count);
    }
    target.take(live, true);
    if (!live.committed()) target.forget_places();
  }

  std::vector<Declared> keys_;
  std::vector<Declared> measures_ = all_measures();
  SchemaPtr schema_ = make_schema();
  AggregateSpec spec_;
};

TEST_P(Model, EqualsTheRecountAfterEachCommit) {
  for (unsigned seed = 0; seed < 3; ++seed) {
    SCOPED_TRACE(seed);
    Rows source(seed);
    auto live = bind();
    ASSERT_NE(live, nullptr);
    Target target(keys_, measures_);
    std::vector<Row> kept;
    std::vector<Row> pending;
    for (int step = 0; step < 36; ++step) {
      const std::vector<Row> rows = source.some();
      const RecordBatch batch = make_batch(schema_, rows);
      const size_t cut = source.below(rows.size() + 1);
      if (cut == rows.size()) {
        live->add(batch, live->count(batch));
      } else {
        live->add(batch, 0, cut);
      }
      if (source.below(4) != 0) {  // else the sink refused the second half
        live->add(batch, cut, rows.size() - cut);
        pending.insert(pending.end(), rows.begin(), rows.end());
      } else {
        pending.insert(pending.end(), rows.begin(), rows.begin() + static_cast<ptrdiff_t>(cut));
      }
      switch (source.below(6)) {
        case 0:
          live->rolled_back();
          target.forget_places();
          pending.clear();
          EXPECT_EQ(live->buckets(), 0U);
          break;
        case 1:
        case 2:
          target.take(*live, false);
          if (!live->committed()) target.forget_places();
          kept.insert(kept.end(), pending.begin(), pending.end());
          pending.clear();
          EXPECT_EQ(live->buckets(), 0U);
          ASSERT_EQ(target.table(), recount(kept, keys_, measures_));
          break;
        case 3:
          if (!pending.empty() || kept.empty()) break;
          undo(*live, target, kept, source.below(kept.size()));
          ASSERT_EQ(target.table(), recount(kept, keys_, measures_));
          break;
        default:
          break;
      }
    }
  }
}

// Without a sink: nothing is committed, and everything is there at the end.
TEST_P(Model, HoldsAllEqualsTheRecount) {
  Rows source(99);
  auto bound = Aggregate::bind(spec_, *schema_, Keeping::all);
  ASSERT_TRUE(bound.ok()) << bound.status().message();
  std::vector<Row> all;
  for (int step = 0; step < 60; ++step) {
    const std::vector<Row> rows = source.some();
    const RecordBatch batch = make_batch(schema_, rows);
    const size_t cut = source.below(rows.size() + 1);
    (*bound)->add(batch, 0, cut);
    (*bound)->add(batch, cut, rows.size() - cut);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  Table found;
  for (size_t bucket = 0; bucket < (*bound)->buckets(); ++bucket) {
    Keys keys;
    for (size_t k = 0; k < keys_.size(); ++k) keys.push_back(shown((*bound)->value(bucket, k)));
    std::vector<Shown>& values = found[keys];
    for (size_t m = 0; m < measures_.size(); ++m) values.push_back(shown((*bound)->value(bucket, keys_.size() + m)));
  }
  EXPECT_EQ(found.size(), (*bound)->buckets());
  EXPECT_EQ(found, recount(all, keys_, measures_));
}

INSTANTIATE_TEST_SUITE_P(
    All, Model,
    testing::Values(Setting{{"day"}, "UTC", kEnough}, Setting{{"day"}, "Europe/Berlin", 1},
                    Setting{{"hour"}, "Europe/Berlin", kEnough}, Setting{{"minute", "flag"}, "Asia/Kathmandu", kEnough},
                    Setting{{"day", "page"}, "Asia/Kolkata", 1}, Setting{{"month", "status"}, "America/St_Johns", 4096},
                    Setting{{"day", "hour"}, "Australia/Lord_Howe", kEnough},
                    Setting{{"day", "address"}, "Pacific/Apia", 1},
                    Setting{{"address", "document", "ratio"}, "UTC", kEnough}, Setting{{"time"}, "UTC", 1},
                    Setting{{"day", "site"}, "UTC", kEnough}, Setting{{"site", "address"}, "UTC", 1},
                    Setting{{"browser", "page", "site"}, "UTC", 4096}, Setting{{"browser"}, "UTC", kEnough},
                    Setting{{"ratio"}, "UTC", 4096}, Setting{{"status"}, "UTC", kEnough},
                    Setting{{"class", "failed"}, "UTC", kEnough}, Setting{{"upper", "page", "class"}, "UTC", 4096},
                    Setting{{"site_or_page"}, "UTC", 1}));

}  // namespace
}  // namespace leat
