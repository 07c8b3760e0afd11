#include "sinks/sqlite_scan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sinks/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

std::string text_of(const ResultCell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&cell))
    return fmt::format("{:.15g}{}", *real, *real == static_cast<double>(static_cast<int64_t>(*real)) ? ".0" : "");
  if (const auto* text = std::get_if<std::string_view>(&cell)) return std::string(*text);
  return "NULL";
}

class SqliteScanTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto sink = make_sqlite_sink({.path = path_, .vfs = "", .cache_bytes = 1 << 20, .busy_timeout_ms = 50},
                                       os::clock(), nullptr);
    const Status fed = run_feed(*sink, feed_plan(), {"b", "a"}, 120, 10);
    ASSERT_TRUE(fed.ok()) << fed.message();
    auto store = open_sqlite_store(path_);
    ASSERT_TRUE(store.ok()) << store.status().message();
    store_ = *std::move(store);
  }
  void change(const std::string& sql) { ASSERT_EQ(sql_change(path_, sql), ""); }

  // All rows, read in pieces of so many; or the message of a failure.
  std::vector<std::string> scan(const ScanQuery& query, size_t at_once) {
    std::vector<std::string> rows;
    std::optional<ScanKey> after;
    for (;;) {
      size_t taken = 0;
      const auto piece = store_->scan(query, after, [&](std::span<const ResultCell> row) {
        std::string text;
        for (const ResultCell& cell : row) text += (text.empty() ? "" : "|") + text_of(cell);
        rows.push_back(text);
        return ++taken < at_once;
      });
      if (!piece.ok()) return {piece.status().message()};
      if (piece->ended) return rows;
      EXPECT_TRUE(piece->at);
      after = piece->at;
    }
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  std::unique_ptr<Store> store_;
};

constexpr int64_t kAll = INT64_MAX;

TEST_F(SqliteScanTest, TablesWithTheirColumns) {
  const auto tables = store_->tables();
  ASSERT_TRUE(tables.ok()) << tables.status().message();
  std::string text;
  for (const StoredTable& table : *tables) {
    text += table.name + ":";
    for (const TableColumn& column : table.columns) {
      text += fmt::format(" {} {}{}", column.field.name, name_of(column.field.type), column.shown ? "" : " (hidden)");
    }
    text += "\n";
  }
  EXPECT_EQ(text,
            "access_log: time time addr text status integer seconds real raw text (hidden) _part integer (hidden) "
            "_offset integer (hidden) _row integer (hidden)\n"
            "per_day: day text hits integer visitors integer total integer fastest real last time\n"
            "per_status: status integer addr text hits integer seconds real\n");
}

// Every way of reading gives what one SELECT gives, however small the pieces are.
TEST_F(SqliteScanTest, PiecesAreWhatOneSelectGives) {
  change(
      "CREATE INDEX i1 ON access_log(addr); CREATE INDEX i2 ON access_log(status, seconds); "
      "CREATE INDEX i3 ON access_log(time); CREATE INDEX no1 ON access_log(seconds DESC); "
      "CREATE INDEX no2 ON access_log(seconds COLLATE NOCASE); CREATE INDEX no3 ON access_log(seconds) WHERE status = "
      "1");
  const std::string time = sql_value(path_, "SELECT time FROM access_log WHERE _row = 100");
  const std::string later = sql_value(path_, "SELECT max(time) FROM access_log WHERE _row < 150");
  struct Case {
    ScanQuery query;
    std::string where;
    std::string order;
  };
  const auto is = [](const char* column, Compare compare, StoredValue value) {
    return ScanFilter{column, compare, std::move(value)};
  };
  const std::vector<std::string> all = {"time", "addr", "status", "seconds", "_row"};
  std::vector<Case> cases;
  const auto add = [&](std::vector<ScanFilter> filters, const std::string& order, const std::string& where,
                       const std::string& by, const std::string& back) {
    for (const int64_t last : {kAll, int64_t{140}}) {
      const std::string bound =
          last == kAll ? where : fmt::format("{}{}_row <= {}", where, where.empty() ? "" : " AND ", last);
      cases.push_back({{"access_log", all, filters, order, false, last}, bound, by});
      cases.push_back({{"access_log", all, filters, order, true, last}, bound, back});
    }
  };
  add({}, "", "", "_row", "_row DESC");
  add({}, "_row", "", "_row", "_row DESC");
  add({}, "addr", "", "addr, _row", "addr DESC, _row DESC");
  add({}, "status", "", "status, seconds, _row", "status DESC, seconds DESC, _row DESC");
  add({is("addr", Compare::equal, "10.0.0.3")}, "", "addr = '10.0.0.3'", "_row", "_row DESC");
  add({is("status", Compare::equal, int64_t{201})}, "", "status = 201", "seconds, _row", "seconds DESC, _row DESC");
  add({is("status", Compare::equal, int64_t{201}), is("addr", Compare::equal, "10.0.0.1")}, "status",
      "status = 201 AND addr = '10.0.0.1'", "seconds, _row", "seconds DESC, _row DESC");
  add({is("time", Compare::greater, time), is("time", Compare::less_or_equal, later)}, "",
      fmt::format("time > '{}' AND time <= '{}'", time, later), "time, _row", "time DESC, _row DESC");
  add({is("time", Compare::greater_or_equal, time), is("status", Compare::less, int64_t{202})}, "time",
      fmt::format("time >= '{}' AND status < 202", time), "time, _row", "time DESC, _row DESC");
  add({is("addr", Compare::less, "10.0.0.4")}, "", "addr < '10.0.0.4'", "addr, _row", "addr DESC, _row DESC");
  add({is("_row", Compare::greater, int64_t{50}), is("_row", Compare::less, int64_t{60})}, "",
      "_row > 50 AND _row < 60", "_row", "_row DESC");
  add({is("_row", Compare::equal, int64_t{55})}, "", "_row = 55", "_row", "_row");
  add({is("status", Compare::equal, int64_t{201}), is("seconds", Compare::greater, 0.3)}, "seconds",
      "status = 201 AND seconds > 0.3", "seconds, _row", "seconds DESC, _row DESC");
  add({is("addr", Compare::equal, "'; DROP TABLE access_log; --")}, "", "0", "_row", "_row");
  size_t found = 0;
  for (const Case& one : cases) {
    const std::string sql = fmt::format("SELECT time, addr, status, seconds, _row FROM access_log{} ORDER BY {}",
                                        one.where.empty() ? "" : " WHERE " + one.where, one.order);
    const auto expected = sql_rows(path_, sql);
    found += expected.size();
    for (const size_t at_once : {1, 2, 7, 1000})
      EXPECT_EQ(scan(one.query, at_once), expected) << sql << " by " << at_once;
  }
  EXPECT_GT(found, 3000U);
}

TEST_F(SqliteScanTest, AnAggregateComesInTheOrderOfItsKeys) {
  const ScanQuery query{"per_status", {"status", "addr", "hits"}, {}, "", false, kAll};
  const auto expected = sql_rows(path_, "SELECT status, addr, hits FROM per_status ORDER BY status, addr");
  ASSERT_GT(expected.size(), 5U);
  EXPECT_EQ(scan(query, 2), expected);
  ScanQuery back = query;
  back.descending = true;
  EXPECT_EQ(scan(back, 2),
            sql_rows(path_, "SELECT status, addr, hits FROM per_status ORDER BY status DESC, addr DESC"));
  ScanQuery one = query;
  one.filters = {{"status", Compare::equal, int64_t{201}}};
  EXPECT_EQ(scan(one, 1),
            sql_rows(path_, "SELECT status, addr, hits FROM per_status WHERE status = 201 ORDER BY addr"));
}

TEST_F(SqliteScanTest, WithoutAnIndexItSaysHowToMakeOne) {
  ScanQuery query{"access_log", {"addr"}, {{"status", Compare::equal, int64_t{200}}}, "", false, kAll};
  EXPECT_EQ(
      scan(query, 1)[0],
      "table 'access_log' has no index over 'status', without which all rows would have to be read; declare it in the "
      "pipeline file, [serve.tables.access_log] index = [\"status\"], and start the pipeline again, or make it: "
      "CREATE INDEX \"access_log_by_status\" ON \"access_log\"(\"status\")");
  change("CREATE INDEX \"access_log_by_status\" ON \"access_log\"(\"status\")");
  EXPECT_NE(scan(query, 100).size(), 1U);
  query.order = "time";
  EXPECT_NE(scan(query, 1)[0].find("CREATE INDEX \"access_log_by_status\" ON \"access_log\"(\"status\", \"time\")"),
            std::string::npos);
  query.filters[0].compare = Compare::less;
  EXPECT_EQ(scan(query, 1)[0],
            "a range of 'status' cannot come in the order of 'time'; order it by 'status', or leave the order away");
}

TEST_F(SqliteScanTest, DeclaredIndexesAreMadeOnce) {
  SinkPlan plan = feed_plan();
  plan.indexes = {{"access_log", {"status"}},
                  {"access_log", {"addr", "time"}},
                  {"access_log", {"addr"}},
                  {"per_day", {"hits"}},
                  {"per_status", {"status"}}};
  std::string notes;
  const auto open = [&] {
    const auto sink = make_sqlite_sink({.path = path_, .vfs = "", .cache_bytes = 1 << 20, .busy_timeout_ms = 50},
                                       os::clock(), [&](NoteLevel, const std::string& text) { notes += text + "\n"; });
    return sink->open(plan).status().message();
  };
  EXPECT_EQ(open(), "");
  EXPECT_EQ(notes, fmt::format("{0}: makes the index 'access_log_by_status'\n"
                               "{0}: makes the index 'access_log_by_addr_time'\n"
                               "{0}: makes the index 'per_day_by_hits'\n",
                               path_));
  EXPECT_EQ(sql_value(path_,
                      "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'index' AND "
                      "name LIKE '%\\_by\\_%' ESCAPE '\\' ORDER BY 1)"),
            "access_log_by_addr_time,access_log_by_status,per_day_by_hits");
  EXPECT_EQ(scan({"per_day", {"day"}, {}, "hits", true, kAll}, 1),
            sql_rows(path_, "SELECT day FROM per_day ORDER BY hits DESC, rowid DESC"));
  notes.clear();
  EXPECT_EQ(open(), "");
  EXPECT_EQ(notes, "");
  plan.indexes = {{"access_log", {"dya"}}};
  EXPECT_EQ(open(), path_ + ": no index can be made for [serve]: table 'access_log' has no column 'dya'");
}

TEST_F(SqliteScanTest, WhatIsNotThere) {
  EXPECT_EQ(scan({"nothing", {"a"}, {}, "", false, kAll}, 1)[0], path_ + ": there is no table 'nothing' of leat's");
  EXPECT_EQ(scan({"_leat_parts", {"part"}, {}, "", false, kAll}, 1)[0],
            path_ + ": there is no table '_leat_parts' of leat's");
  EXPECT_EQ(scan({"per_day", {"dya"}, {}, "", false, kAll}, 1)[0], "table 'per_day' has no column 'dya'");
  EXPECT_EQ(scan({"per_day", {"day"}, {}, "dya", false, kAll}, 1)[0], "table 'per_day' has no column 'dya'");
  const auto wrong_key = store_->scan({"per_day", {"day"}, {}, "", false, kAll}, ScanKey{int64_t{1}},
                                      [](std::span<const ResultCell>) { return true; });
  EXPECT_EQ(wrong_key.status().kind(), Kind::bad_data);
}

TEST_F(SqliteScanTest, NothingStaysOpen) {
  const auto piece = store_->scan({"access_log", {"addr"}, {}, "", false, kAll}, std::nullopt,
                                  [](std::span<const ResultCell>) { return false; });
  ASSERT_TRUE(piece.ok());
  // A reader that were still there would keep the log from being emptied.
  change("UPDATE access_log SET addr = addr");
  EXPECT_EQ(sql_value(path_, "PRAGMA wal_checkpoint(TRUNCATE)"), "0|0|0");
}

TEST_F(SqliteScanTest, LastRow) {
  EXPECT_EQ(std::to_string(*store_->last_row("access_log")), sql_value(path_, "SELECT max(_row) FROM access_log"));
  EXPECT_GT(*store_->last_row("per_day"), 0);
  EXPECT_FALSE(store_->last_row("nothing").ok());
}

TEST(SqliteScanOfMerged, ChangesAreReadByTheirRevision) {
  const TemporaryFolder folder;
  const std::string path = folder.file("merged.db");
  SinkPlan plan = feed_plan();
  plan.mode = WriteMode::merge;
  plan.key = {"status"};
  const auto sink = make_feed_sink(path);
  ASSERT_TRUE(run_feed(*sink, plan, {"a"}, 60, 10).ok());
  const auto store = open_sqlite_store(path);
  ASSERT_TRUE(store.ok()) << store.status().message();
  const auto tables = (*store)->tables();
  ASSERT_TRUE(tables.ok());
  const std::vector<TableColumn>& columns = (*tables)[0].columns;
  EXPECT_EQ(columns.back().field.name, "_revision");
  EXPECT_FALSE(columns.back().shown);
  ScanQuery query;
  query.table = "access_log";
  query.columns = {"_revision"};
  query.order = "_revision";
  query.filters = {{"_revision", Compare::greater, int64_t{30}}};
  std::vector<std::string> found;
  const auto piece = (*store)->scan(query, std::nullopt, [&](std::span<const ResultCell> row) {
    found.push_back(text_of(row[0]));
    return true;
  });
  ASSERT_TRUE(piece.ok()) << piece.status().message();
  EXPECT_FALSE(found.empty());
  EXPECT_EQ(found, sql_rows(path, "SELECT _revision FROM access_log WHERE _revision > 30 ORDER BY 1"));
}

}  // namespace
}  // namespace leat
