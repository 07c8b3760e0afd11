// Write modes against a model: random batches of few keys, from two parts, with rejects, provisional records,
// rollbacks and restarts. After each commit rows, counts and aggregates are what the model says.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "base/hash.h"
#include "base/time.h"
#include "os/clock.h"
#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

constexpr uint64_t kRecord = 10;

struct Record {
  int64_t id = 0;
  std::optional<int64_t> at;  // seconds
  std::optional<std::string> addr;
  int64_t n = 0;
  int64_t eighths = 0;  // of the real column
  std::string part;
  uint64_t offset = 0;
  [[nodiscard]] std::string text() const {
    return fmt::format("{}|{}|{}|{}|{}|{}|{}", id, at ? format_time(*at * 1'000'000) : "NULL", addr.value_or("NULL"), n,
                       eighths, part, offset);
  }
};

SchemaPtr schema() {
  static const SchemaPtr made = std::make_shared<const Schema>(Schema{
      {{"id", Type::integer}, {"at", Type::time}, {"addr", Type::text}, {"n", Type::integer}, {"x", Type::real}}});
  return made;
}

SinkPlan plan_of(WriteMode mode, const std::string& newest) {
  SinkPlan plan;
  plan.pipeline = "p";
  plan.table = "t";
  plan.schema = schema();
  plan.mode = mode;
  if (mode == WriteMode::ignore || mode == WriteMode::merge) plan.key = {"id"};
  plan.newest = newest;
  plan.aggregates = {{"per_hour",
                      "p",
                      "UTC",
                      {{"hour", "hour(at)"}},
                      {{"hits", "count()"},
                       {"addrs", "count_distinct(addr)"},
                       {"total", "sum(n)"},
                       {"reals", "sum(x)"},
                       {"first", "min(addr)"},
                       {"last", "max(at)"},
                       {"least", "min(x)"}}},
                     {"per_net",
                      "p",
                      "UTC",
                      {{"net", "coalesce(upper(substr(addr, 1, 8)), 'None')"}, {"odd", "id % 2"}},
                      {{"hits", "count()"},
                       {"ids", "sum(id * 2)"},
                       {"addrs", "count_distinct('ip ' || addr)"},
                       {"least", "min('ip ' || addr)"},
                       {"most", "max(id + 1)"}}}};
  return plan;
}

// Rows by key, or all of them; a part's provisional record stands above them and gives way.
class Model {
 public:
  Model(WriteMode mode, bool newest) : mode_(mode), newest_(newest) {}

  void undo_provisional(const std::string& part) { provisional_.erase(part); }
  // What becomes of a record: 'i'nserted, 'u'pdated, or i'g'nored.
  char take(const Record& record, bool provisional) {
    std::erase_if(provisional_, [&](const auto& each) { return keyed() && each.second.id == record.id; });
    const auto at = by_key_.find(record.id);
    char fate = 'i';
    if (keyed() && at != by_key_.end()) {
      const bool older = newest_ && at->second.at && (!record.at || *record.at < *at->second.at);
      if (mode_ == WriteMode::ignore || older) return 'g';
      fate = 'u';
    }
    if (provisional) {
      provisional_[record.part] = record;
    } else if (keyed()) {
      by_key_[record.id] = record;
    } else {
      all_.push_back(record);
    }
    return fate;
  }
  [[nodiscard]] std::vector<Record> rows() const {
    std::vector<Record> rows = all_;
    std::map<int64_t, Record> by_key = by_key_;
    for (const auto& [part, record] : provisional_) {
      if (keyed()) {
        by_key[record.id] = record;
      } else {
        rows.push_back(record);
      }
    }
    for (const auto& [key, record] : by_key) rows.push_back(record);
    return rows;
  }
  [[nodiscard]] std::vector<std::string> aggregate() const;

 private:
  [[nodiscard]] bool keyed() const { return mode_ == WriteMode::ignore || mode_ == WriteMode::merge; }
  WriteMode mode_;
  bool newest_;
  std::vector<Record> all_;
  std::map<int64_t, Record> by_key_;
  std::map<std::string, Record> provisional_;
};

std::vector<std::string> Model::aggregate() const {
  __extension__ using int128 = __int128;
  struct Bucket {
    int64_t hits = 0;
    std::set<std::string> addrs;
    int128 total = 0;
    int128 eighths = 0;
    std::optional<int64_t> last;
    int64_t least = INT64_MAX;
  };
  std::map<std::string, Bucket> buckets;
  for (const Record& record : rows()) {
    Bucket& bucket = buckets[record.at ? format_time(*record.at * 1'000'000).substr(0, 13) : "NULL"];
    ++bucket.hits;
    if (record.addr) bucket.addrs.insert(*record.addr);
    bucket.total += record.n;
    bucket.eighths += record.eighths;
    bucket.last = std::max(bucket.last, record.at);
    bucket.least = std::min(bucket.least, record.eighths);
  }
  std::vector<std::string> out;
  for (const auto& [hour, bucket] : buckets) {
    const int128 total = std::clamp<int128>(bucket.total, INT64_MIN, INT64_MAX);
    out.push_back(fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", hour, bucket.hits, bucket.addrs.size(),
                              static_cast<int64_t>(total), static_cast<int64_t>(static_cast<double>(bucket.eighths)),
                              bucket.addrs.empty() ? "NULL" : *bucket.addrs.begin(),
                              bucket.last ? format_time(*bucket.last * 1'000'000) : "NULL", bucket.least));
  }
  std::sort(out.begin(), out.end());
  return out;
}

class SqliteModes : public testing::TestWithParam<std::tuple<WriteMode, bool, int>> {
 protected:
  std::unique_ptr<Sink> make() { return make_sqlite_sink({.path = path_, .vfs = ""}, os::clock(), nullptr); }

  Record random_record(const std::string& part, uint64_t number) {
    Record record;
    record.id = pick(40);
    if (pick(8) != 0) record.at = 1'767'225'600 + static_cast<int64_t>(pick(5 * 3600));
    if (pick(5) != 0) record.addr = fmt::format("10.0.{}.{}", pick(2), pick(9));
    // Where rows change, a sum comes back from its limits.
    const uint64_t kind = plan_.mode == WriteMode::merge ? pick(20) : 20;
    record.n = kind == 0 ? INT64_MAX : kind == 1 ? INT64_MIN : static_cast<int64_t>(pick(2000)) - 1000;
    record.eighths = kind == 2 ? 1'000'000'000'000'000'000 / 64 : static_cast<int64_t>(pick(2000)) - 1000;
    record.part = part;
    record.offset = number * kRecord;
    return record;
  }
  uint64_t pick(uint64_t below) { return random_() % below; }

  // A batch of records of `part` from `number` on, as a decoder gives it. Some are rejects, some have no key.
  struct Batch {
    RecordBatch batch{schema()};
    Rejects rejects;
    std::vector<Record> records;
    uint64_t without_key = 0;
    Position end;
    Range range;
  };
  Batch make_batch(const std::string& part, uint64_t number, uint64_t count, bool provisional) {
    Batch made;
    made.batch.part = part;
    made.batch.origin = "/" + part;
    made.batch.provisional = provisional;
    for (uint64_t i = number; i < number + count; ++i) {
      if (pick(15) == 0) {
        made.rejects.push_back(make_reject(part, "/" + part, i * kRecord, i + 1, "n", "not a number", "bad"));
        continue;
      }
      const Record record = random_record(part, i);
      const size_t row = made.batch.add_row({.offset = record.offset, .line = i + 1, .raw = 0});
      const bool no_key = pick(25) == 0 && keyed();
      if (!no_key) made.batch.set_integer(0, row, record.id);
      if (record.at) made.batch.set_integer(1, row, *record.at * 1'000'000);
      if (record.addr) made.batch.set_new_text(2, row, *record.addr);
      made.batch.set_integer(3, row, record.n);
      made.batch.set_real(4, row, static_cast<double>(record.eighths) / 8);
      if (no_key) {
        ++made.without_key;
      } else {
        made.records.push_back(record);
      }
    }
    made.range.part = part;
    made.range.start = number * kRecord;
    made.range.end = provisional ? number * kRecord + 4 : (number + count) * kRecord;
    made.range.provisional = provisional;
    made.end = {part, "/" + part, provisional ? number * kRecord : (number + count) * kRecord, "token"};
    return made;
  }

  // The record that had no end yet, now whole.
  static Batch completed(Batch made) {
    made.batch.provisional = false;
    made.range.provisional = false;
    made.range.counts = {};
    made.range.end = made.range.start + kRecord;
    made.end.offset = made.range.end;
    return made;
  }

  // Writes it and checks that the sink counts what the model does.
  void write(Sink& sink, Batch& made) {
    if (pick(3) != 0) sink.prepare(made.batch);
    const Result<Written> written = sink.write(made.batch, 0, made.batch.rows(), made.rejects);
    ASSERT_TRUE(written.ok()) << written.status().message();
    if (!made.batch.provisional || !made.records.empty() || !made.rejects.empty())
      model_.undo_provisional(made.range.part);
    std::map<char, uint64_t> counts;
    for (const Record& record : made.records) ++counts[model_.take(record, made.batch.provisional)];
    ASSERT_EQ(written->inserted, counts['i']);
    ASSERT_EQ(written->updated, counts['u']);
    ASSERT_EQ(written->ignored, counts['g']);
    ASSERT_EQ(written->rejected, made.without_key);
    made.range.counts.add({.inserted = written->inserted,
                           .updated = written->updated,
                           .ignored = written->ignored,
                           .rejected = written->rejected + made.rejects.size(),
                           .digest = written->digest});
    for (const Reject& reject : made.rejects) made.range.counts.digest += mix64(reject.byte_offset);
    ranges_.push_back(made.range);
    std::erase_if(moved_, [&](const Position& position) { return position.part == made.end.part; });
    moved_.push_back(made.end);
    next_[made.end.part] = made.end.offset / kRecord;
  }

  void open(Sink& sink) {
    const auto positions = sink.open(plan_);
    ASSERT_TRUE(positions.ok()) << positions.status().message();
    next_.clear();
    for (const Position& position : *positions) next_[position.part] = position.offset / kRecord;
    model_ = committed_;
    ranges_.clear();
    moved_.clear();
  }
  void commit(Sink& sink) {
    const Status status = sink.commit(moved_, ranges_);
    ASSERT_TRUE(status.ok()) << status.message();
    ranges_.clear();
    moved_.clear();
    committed_ = model_;
  }

  void expect_committed() {
    std::vector<std::string> rows;
    for (const Record& record : committed_.rows()) rows.push_back(record.text());
    std::sort(rows.begin(), rows.end());
    std::vector<std::string> found =
        sql_rows(path_,
                 "SELECT id, at, addr, n, CAST(x * 8 AS INTEGER), p.name, _offset FROM t JOIN _leat_parts AS p ON "
                 "part = _part");
    std::sort(found.begin(), found.end());
    ASSERT_EQ(found, rows);
    std::vector<std::string> buckets =
        sql_rows(path_,
                 "SELECT hour, hits, addrs, total, CAST(reals * 8 AS INTEGER), first, last, CAST(least * 8 AS "
                 "INTEGER) FROM per_hour");
    std::sort(buckets.begin(), buckets.end());
    ASSERT_EQ(buckets, committed_.aggregate());
    ASSERT_EQ(sql_rows(path_, "SELECT net, odd, hits, ids, addrs, least, most FROM per_net ORDER BY 1, 2"),
              sql_rows(path_,
                       "SELECT coalesce(upper(substr(addr, 1, 8)), 'None'), id % 2, count(*), sum(id * 2), "
                       "count(DISTINCT addr), min('ip ' || addr), max(id + 1) FROM t GROUP BY 1, 2 ORDER BY 1, 2"));
    const auto store = open_sqlite_store(path_);
    ASSERT_TRUE(store.ok()) << store.status().message();
    const auto report = (*store)->verify(nullptr);
    ASSERT_TRUE(report.ok()) << report.status().message();
    ASSERT_EQ(report->problems, std::vector<std::string>());
    ASSERT_EQ(report->records, report->rows + report->rejects + report->ignored + report->updated);
    expect_read_by_number();
  }

  // What the table source relies on: who goes on behind the last number seen, and leaves out what is provisional, has
  // each final row once; with `merge`, the last content of each.
  void expect_read_by_number() {
    const bool merge = plan_.mode == WriteMode::merge;
    const std::string cells = "id, at, addr, n, CAST(x * 8 AS INTEGER), _part, _offset";
    const std::string select = fmt::format("SELECT {} AS number, {} FROM ", merge ? "_revision" : "_row", cells);
    std::string view =
        select + "t WHERE _row NOT IN (SELECT first_row FROM _leat_provisional WHERE inserted + updated > 0)";
    if (merge) view += " UNION ALL " + select + "_leat_before_t";
    const auto without_number = [](const std::string& row) { return row.substr(row.find('|') + 1); };
    for (const std::string& row :
         sql_rows(path_, fmt::format("SELECT * FROM ({}) WHERE number > {} ORDER BY 1", view, number_))) {
      number_ = std::stoll(row);
      if (merge)
        std::erase_if(read_, [&](const auto& other) { return std::stoll(other) == std::stoll(without_number(row)); });
      read_.push_back(without_number(row));
    }
    std::vector<std::string> final_rows;
    for (const std::string& row : sql_rows(path_, view)) final_rows.push_back(without_number(row));
    std::sort(final_rows.begin(), final_rows.end());
    std::sort(read_.begin(), read_.end());
    ASSERT_EQ(read_, final_rows);
  }

  bool keyed() const {
    return std::get<0>(GetParam()) == WriteMode::ignore || std::get<0>(GetParam()) == WriteMode::merge;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("modes.db");
  std::mt19937_64 random_{static_cast<uint64_t>(std::get<2>(GetParam()))};
  SinkPlan plan_ = plan_of(std::get<0>(GetParam()), std::get<1>(GetParam()) ? "at" : "");
  Model model_{std::get<0>(GetParam()), std::get<1>(GetParam())};
  Model committed_ = model_;
  Ranges ranges_;
  Positions moved_;
  std::map<std::string, uint64_t> next_;  // record of each part
  std::vector<std::string> read_;         // rows, by number up to:
  int64_t number_ = 0;
};

TEST_P(SqliteModes, EqualTheModel) {
  auto sink = make();
  open(*sink);
  std::map<std::string, Batch> unended;
  for (int step = 0; step < 120; ++step) {
    SCOPED_TRACE(fmt::format("step {}", step));
    const std::string part = pick(2) == 0 ? "a" : "b";
    const uint64_t what = pick(12);
    if (what == 0) {
      sink->rollback();
      if (pick(2) == 0) sink = make();
      open(*sink);
      unended.clear();
    } else if (what <= 2 && !unended.contains(part)) {
      Batch made = make_batch(part, next_[part], 1, true);
      write(*sink, made);
      unended.insert_or_assign(part, made);
    } else if (what <= 4) {
      commit(*sink);
      expect_committed();
    } else {
      const auto at = unended.find(part);
      Batch made = at != unended.end() && pick(2) == 0 ? completed(at->second)
                                                       : make_batch(part, next_[part], 1 + pick(30), false);
      unended.erase(part);
      write(*sink, made);
    }
    if (HasFatalFailure()) return;
  }
  commit(*sink);
  expect_committed();
  ASSERT_TRUE(sink->finish().ok());
}

INSTANTIATE_TEST_SUITE_P(Modes, SqliteModes,
                         testing::Combine(testing::Values(WriteMode::append, WriteMode::ignore, WriteMode::merge),
                                          testing::Values(false, true), testing::Range(1, 6)));

}  // namespace
}  // namespace leat
