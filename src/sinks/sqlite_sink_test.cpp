#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "os/process.h"
#include "sinks/sqlite.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

using Rows = std::vector<std::string>;

class SqliteSinkTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Sink> make(uint64_t busy_timeout_ms = 100, const std::string& vfs = "") {
    return make_sqlite_sink({.path = path_, .vfs = vfs, .cache_bytes = 1 << 20, .busy_timeout_ms = busy_timeout_ms},
                            os::clock(), [this](NoteLevel, const std::string& text) { notes_ += text + "\n"; });
  }
  Status feed(uint64_t records, const std::string& tail = "") {
    const auto sink = make();
    return run_feed(*sink, plan_, {"a", "b"}, records, 5, tail);
  }
  void expect_proven(uint64_t rows, uint64_t rejects) {
    const auto store = open_sqlite_store(path_);
    ASSERT_TRUE(store.ok()) << store.status().message();
    const auto report = (*store)->verify(nullptr);
    ASSERT_TRUE(report.ok()) << report.status().message();
    for (const std::string& problem : report->problems) ADD_FAILURE() << problem;
    EXPECT_EQ(report->rows, rows);
    EXPECT_EQ(report->rejects, rejects);
    EXPECT_EQ(report->records, rows + rejects);
  }
  [[nodiscard]] Rows rows(const std::string& sql) const { return sql_rows(path_, sql); }
  [[nodiscard]] std::string value(const std::string& sql) const { return sql_value(path_, sql); }
  void change(const std::string& sql) const { ASSERT_EQ(sql_change(path_, sql), ""); }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  SinkPlan plan_ = feed_plan();
  std::string notes_;
};

TEST_F(SqliteSinkTest, KeepsRowsRejectsPositionsAndCounts) {
  ASSERT_TRUE(feed(21).ok());
  expect_proven(36, 6);
  EXPECT_EQ(value("SELECT count(*) FROM access_log"), "36");
  EXPECT_EQ(value("SELECT sum(hits) FROM per_day"), "36");
  EXPECT_EQ(rows("SELECT part, pipeline, name, origin FROM _leat_parts"),
            (Rows{"1|logs|a|/logs/a", "2|logs|b|/logs/b"}));
  EXPECT_EQ(rows("SELECT part, \"offset\", token FROM _leat_positions"), (Rows{"1|210|token 21", "2|210|token 21"}));
  EXPECT_EQ(rows("SELECT part, start, \"end\", inserted, rejected, gap FROM _leat_ranges"),
            (Rows{"1|0|210|18|3|0", "2|0|210|18|3|0"}))
      << "adjacent ranges are one";
  EXPECT_EQ(value("SELECT group_concat(name) FROM pragma_table_info('access_log')"),
            "time,addr,status,seconds,raw,_part,_offset,_row");
  EXPECT_EQ(rows("SELECT time, _part, _offset, _row FROM access_log WHERE _row IN (1, 2)"),
            (Rows{"2026-01-01 00:00:00|1|0|1", "2026-01-01 01:00:00.500000|1|10|2"}));
  EXPECT_EQ(rows("SELECT DISTINCT typeof(raw), instr(CAST(raw AS BLOB), x'D9') > 0 FROM access_log ORDER BY 1"),
            (Rows{"blob|1", "text|0"}));
  EXPECT_EQ(rows("SELECT typeof(raw), byte_offset, line, column_name, reason, raw_length, length(raw_hash) FROM "
                 "_leat_rejects WHERE part = 1"),
            (Rows{"text|60|7|status|not a number|12|32", "blob|130|14|status|not a number|14|32",
                  "text|200|21|status|not a number|13|32"}));
  EXPECT_EQ(value("SELECT version FROM _leat_meta"), "2");
  EXPECT_EQ(value("PRAGMA journal_mode"), "wal");
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(SqliteSinkTest, GoesOnWhereItStood) {
  ASSERT_TRUE(feed(12).ok());
  {
    const auto sink = make();
    const auto positions = sink->open(plan_);
    ASSERT_TRUE(positions.ok());
    ASSERT_EQ(positions->size(), 2U);
    EXPECT_EQ((*positions)[0], (Position{"a", "/logs/a", 120, "token 12"}));
  }
  ASSERT_TRUE(feed(30).ok());
  expect_proven(52, 8);
  EXPECT_EQ(value("SELECT count(*) FROM _leat_ranges"), "2");
  EXPECT_EQ(value("SELECT count(DISTINCT _row) = max(_row) FROM access_log"), "1");
}

TEST_F(SqliteSinkTest, WhatIsNotCommittedIsGone) {
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("a", 0, 10)).ok());
  ASSERT_TRUE(line.commit().ok());
  ASSERT_TRUE(line.write(feed_batch("a", 10, 10)).ok());
  EXPECT_EQ(value("SELECT count(*) FROM access_log"), "9") << "readers see what is committed";
  sink->rollback();
  EXPECT_EQ(value("SELECT count(*) FROM access_log"), "9");
  const auto positions = sink->open(plan_);
  ASSERT_TRUE(positions.ok());
  EXPECT_EQ((*positions)[0].offset, 100U);
  expect_proven(9, 1);
}

TEST_F(SqliteSinkTest, ARefusedBatchLeavesNothing) {
  ASSERT_TRUE(feed(3).ok());
  change("CREATE TRIGGER no BEFORE INSERT ON access_log WHEN NEW._offset = 80 BEGIN SELECT raise(ABORT, 'no 80'); END");
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("a", 3, 3)).ok());
  const FeedBatch refused = feed_batch("a", 6, 4);
  const Status status = line.write(refused);
  EXPECT_EQ(status.kind(), Kind::bad_data);
  EXPECT_EQ(status.message(), path_ +
                                  ": the database refuses the row (no 80); look at the constraints, unique indexes "
                                  "and triggers that were added to the table");
  // What the engine then does: half by half, and the row that stays refused becomes a reject.
  Range range = refused.range;
  for (const size_t row : {0U, 2U}) {
    const auto written = sink->write(refused.batch, row, 1, row == 0 ? refused.rejects : Rejects());
    ASSERT_TRUE(written.ok());
    range.counts.inserted += written->inserted;
    range.counts.digest += written->digest;
  }
  EXPECT_EQ(sink->write(refused.batch, 1, 1, {}).status().kind(), Kind::bad_data);
  const Rejects own = {make_reject("a", "/logs/a", 80, 9, "", status.message(), "raw")};
  ASSERT_TRUE(sink->write(refused.batch, 1, 0, own).ok());
  ++range.counts.rejected;
  range.counts.digest += mix64(80);
  FeedBatch three = feed_batch("a", 3, 3);
  three.range.counts.inserted = 3;
  for (const uint64_t offset : {30U, 40U, 50U}) three.range.counts.digest += mix64(offset);
  ASSERT_TRUE(sink->commit({refused.end}, {three.range, range}).ok());
  expect_proven(3 + 3 + 3 + 2, 2);
}

TEST_F(SqliteSinkTest, RangesMustFitTogether) {
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedBatch feed = feed_batch("a", 2, 3);
  ASSERT_TRUE(sink->write(feed.batch, 0, 3, {}).ok());
  const Status status = sink->commit({feed.end}, {feed.range});
  EXPECT_EQ(status.kind(), Kind::bug);
  EXPECT_EQ(status.message(), path_ + ": part 1 'a' (/logs/a) stands at 0, but a range begins at 20");
  sink->rollback();
  EXPECT_EQ(value("SELECT count(*) FROM access_log"), "0");
}

TEST_F(SqliteSinkTest, AGapIsARangeOfItsOwn) {
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("a", 0, 3)).ok());
  ASSERT_TRUE(line.commit().ok());
  ASSERT_TRUE(sink->commit({{"a", "/logs/a", 50, "t"}}, {{"a", 30, 50, {}, false, true}}).ok());
  ASSERT_TRUE(line.write(feed_batch("a", 5, 1)).ok());
  ASSERT_TRUE(line.commit().ok());
  EXPECT_EQ(rows("SELECT start, \"end\", inserted, gap FROM _leat_ranges"),
            (Rows{"0|30|3|0", "30|50|0|1", "50|60|1|0"}));
  expect_proven(4, 0);
  const auto store = open_sqlite_store(path_);
  EXPECT_EQ((*store)->verify(nullptr)->gap_bytes, 20U);
  EXPECT_EQ((*(*store)->pipelines())[0].parts[0].gap_bytes, 20U);
}

TEST_F(SqliteSinkTest, OnlyOneWriter) {
  const auto first = make();
  ASSERT_TRUE(first->open(plan_).ok());
  FeedLine line(*first);
  ASSERT_TRUE(line.write(feed_batch("a", 0, 5)).ok());
  ASSERT_TRUE(line.commit().ok());
  {
    // The same process may take it over: it has the same name.
    const auto second = make();
    ASSERT_TRUE(second->open(plan_).ok());
    const Status lost = line.write(feed_batch("a", 5, 5));
    EXPECT_EQ(lost.kind(), Kind::fatal);
    EXPECT_NE(lost.message().find("pipeline 'logs' of " + path_ + " has been taken over by pid "), std::string::npos)
        << lost.message();
    EXPECT_EQ(line.commit().kind(), Kind::bug) << "it is not open any more";
    FeedLine other(*second);
    ASSERT_TRUE(other.write(feed_batch("a", 5, 5)).ok());
    ASSERT_TRUE(other.commit().ok());
  }
  expect_proven(9, 1);
}

TEST_F(SqliteSinkTest, AnotherLiveProcessKeepsThePipeline) {
  ASSERT_TRUE(feed(3).ok());
  // The parent of this test is alive.
  const std::string pid = std::to_string(::getppid());
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string line;
  std::getline(stat, line);
  std::istringstream rest(line.substr(line.rfind(')') + 1));
  std::string ticks;
  for (int i = 3; i <= 22; ++i) rest >> ticks;
  std::string name = os::self_name();
  name.replace(0, name.find(" on "), "pid " + pid);
  const size_t started = name.find("started ") + 8;
  name.replace(started, name.find(" boot") - started, ticks);
  ASSERT_TRUE(os::is_alive(name)) << name;
  change("UPDATE _leat_pipelines SET ended_at = NULL, writer = '" + name + "'");
  const auto sink = make();
  const auto refused = sink->open(plan_);
  EXPECT_EQ(refused.status().kind(), Kind::fatal);
  const std::string shown = name.substr(0, name.find(" ("));
  EXPECT_EQ(refused.status().message(),
            "pipeline 'logs' of " + path_ + " is being run by " + shown + "; stop it first");
  EXPECT_TRUE((*(*open_sqlite_store(path_))->pipelines())[0].running);
  change("UPDATE _leat_pipelines SET writer = 'pid 1 on elsewhere (started 1 boot 1)'");
  EXPECT_TRUE(sink->open(plan_).ok()) << "whoever is not alive here does not hold it";
}

TEST_F(SqliteSinkTest, AnEndIsWrittenDown) {
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  EXPECT_EQ(value("SELECT ended_at IS NULL FROM _leat_pipelines"), "1");
  ASSERT_TRUE(sink->finish().ok());
  EXPECT_EQ(value("SELECT ended_at IS NULL FROM _leat_pipelines"), "0");
}

TEST_F(SqliteSinkTest, ProvisionalRecordThatGrew) {
  ASSERT_TRUE(feed(10, "half a li").ok());
  expect_proven(2 * 10, 2);
  EXPECT_EQ(value("SELECT count(*) FROM _leat_provisional"), "2");
  EXPECT_EQ(value("SELECT \"offset\" FROM _leat_positions"), "100");
  ASSERT_TRUE(feed(10, "half a line").ok());
  expect_proven(2 * 10, 2);
  EXPECT_EQ(value("SELECT count(*) FROM access_log WHERE CAST(raw AS TEXT) LIKE 'half a line%'"), "2");
  EXPECT_EQ(value("SELECT max(_row) FROM access_log"), "22") << "a number is never used twice";
  ASSERT_TRUE(feed(15).ok());
  expect_proven(2 * 13, 4);
  EXPECT_EQ(value("SELECT count(*) FROM _leat_provisional"), "0");
  EXPECT_EQ(value("SELECT count(*) FROM access_log WHERE CAST(raw AS TEXT) LIKE 'half%'"), "0");
}

TEST_F(SqliteSinkTest, ProvisionalRecordThatStayedIsNotTouched) {
  ASSERT_TRUE(feed(10, "record 10").ok());
  const Rows before = rows("SELECT _row, _offset FROM access_log");
  ASSERT_TRUE(feed(10, "record 10").ok());
  EXPECT_EQ(rows("SELECT _row, _offset FROM access_log"), before);
  EXPECT_EQ(value("SELECT count(*) FROM _leat_provisional"), "2");
  ASSERT_TRUE(feed(12).ok());
  expect_proven(2 * 11, 2);
  EXPECT_EQ(value("SELECT _row FROM access_log WHERE _offset = 100 AND _part = 1"), "21")
      << "final, it has a number behind those that were there";
  EXPECT_EQ(value("SELECT count(*) FROM _leat_provisional"), "0");
}

TEST_F(SqliteSinkTest, ProvisionalRejects) {
  ASSERT_TRUE(feed(13, "x").ok());
  expect_proven(2 * 12, 2 * 2);
  ASSERT_TRUE(feed(13, "x").ok());
  expect_proven(2 * 12, 2 * 2);
  EXPECT_EQ(value("SELECT max(reject) FROM _leat_rejects"), "4");
  ASSERT_TRUE(feed(14).ok());
  expect_proven(2 * 12, 2 * 2);
  EXPECT_EQ(value("SELECT count(*) FROM _leat_rejects WHERE instr(raw, 'x')"), "0");
}

TEST_F(SqliteSinkTest, ProvisionalAndFinalInOneCommit) {
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("a", 0, 4)).ok());
  ASSERT_TRUE(line.write(feed_provisional("a", 4, "rec")).ok());
  ASSERT_TRUE(line.write(feed_provisional("a", 4, "record")).ok());
  ASSERT_TRUE(line.write(feed_batch("a", 4, 4)).ok());
  ASSERT_TRUE(line.commit().ok());
  expect_proven(7, 1);
  EXPECT_EQ(value("SELECT count(*) FROM _leat_provisional"), "0");
}

TEST_F(SqliteSinkTest, ARefusedBatchKeepsTheProvisionalRecord) {
  ASSERT_TRUE(feed(10, "half").ok());
  change("CREATE TRIGGER no BEFORE INSERT ON access_log WHEN NEW._offset = 110 BEGIN SELECT raise(ABORT, 'no'); END");
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  EXPECT_EQ(line.write(feed_batch("a", 10, 2)).kind(), Kind::bad_data);
  ASSERT_TRUE(line.write(feed_batch("a", 10, 1)).ok());
  ASSERT_TRUE(line.commit().ok());
  expect_proven(20, 2);
}

TEST_F(SqliteSinkTest, ANewColumnIsAdded) {
  ASSERT_TRUE(feed(5).ok());
  Schema wider = *feed_schema();
  wider.fields.insert(wider.fields.begin() + 1, {"host", Type::text});
  plan_.schema = std::make_shared<const Schema>(wider);
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  RecordBatch batch(plan_.schema);
  batch.part = "a";
  batch.origin = "/logs/a";
  batch.add_row({.offset = 50});
  batch.set_new_text(1, 0, "example.org");
  batch.set_integer(3, 0, 404);
  ASSERT_TRUE(sink->write(batch, 0, 1, {}).ok());
  const Counts counts = {.inserted = 1, .digest = mix64(50)};
  ASSERT_TRUE(sink->commit({{"a", "/logs/a", 60, ""}}, {{"a", 50, 60, counts}}).ok());
  EXPECT_EQ(value("SELECT host || status FROM access_log WHERE _offset = 50"), "example.org404");
  EXPECT_EQ(value("SELECT group_concat(name) FROM pragma_table_info('access_log')"),
            "time,addr,status,seconds,raw,_part,_offset,_row,host");
  expect_proven(11, 0);
}

TEST_F(SqliteSinkTest, AggregatesComeChangeAndGo) {
  plan_.aggregates.clear();
  ASSERT_TRUE(feed(20).ok());
  EXPECT_EQ(notes_, "");
  plan_.aggregates = feed_aggregates();
  ASSERT_TRUE(feed(20).ok());
  EXPECT_EQ(notes_, path_ + ": aggregate 'per_day' was built from 36 rows\n" + path_ +
                        ": aggregate 'per_status' was built from 36 rows\n");
  expect_proven(36, 4);
  EXPECT_EQ(value("SELECT sum(hits) FROM per_day"), "36");
  plan_.aggregates[0].timezone = "Asia/Tokyo";
  plan_.aggregates.pop_back();
  notes_.clear();
  ASSERT_TRUE(feed(20).ok());
  EXPECT_EQ(notes_, path_ +
                        ": aggregate 'per_status' of pipeline 'logs' is not declared any more: its table is dropped; "
                        "declare it again to have it built from the rows\n" +
                        path_ + ": aggregate 'per_day' was built from 36 rows\n");
  EXPECT_EQ(rows("SELECT name FROM sqlite_schema WHERE name LIKE '%per_status%'"), Rows());
  expect_proven(36, 4);
  const auto state = (*open_sqlite_store(path_))->pipelines();
  ASSERT_TRUE(state.ok());
  EXPECT_EQ((*state)[0].aggregates, Rows{"per_day"});
  EXPECT_EQ((*state)[0].timezones, Rows{"Asia/Tokyo"});
}

TEST_F(SqliteSinkTest, AggregatesSurviveVacuum) {
  ASSERT_TRUE(feed(30).ok());
  change("DELETE FROM _leat_meta WHERE 0; VACUUM");
  ASSERT_TRUE(feed(60, "tail").ok());
  ASSERT_TRUE(feed(70).ok());
  expect_proven(120, 20);
}

TEST_F(SqliteSinkTest, VerifyBesideAWriter) {
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  const auto store = open_sqlite_store(path_);
  ASSERT_TRUE(store.ok()) << store.status().message();
  for (uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(line.write(feed_batch("a", i * 7, 7)).ok());
    const auto report = (*store)->verify([&](uint64_t done, uint64_t total) { EXPECT_LE(done, total); });
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->problems, Rows());
    EXPECT_EQ(report->records, i * 7) << "only what is committed";
    ASSERT_TRUE(line.commit().ok()) << "a reader keeps no writer waiting";
  }
}

TEST_F(SqliteSinkTest, TheStoreKnowsWhatStatusShows) {
  ASSERT_TRUE(feed(10, "half").ok());
  const auto sink = make();
  sink->rollback();
  ASSERT_TRUE(sink->open(plan_).ok());
  sink->note_trouble("the disk is full");
  const auto store = open_sqlite_store(path_);
  ASSERT_TRUE(store.ok());
  const auto states = (*store)->pipelines();
  ASSERT_TRUE(states.ok()) << states.status().message();
  ASSERT_EQ(states->size(), 1U);
  const PipelineState& state = (*states)[0];
  EXPECT_EQ(state.pipeline, "logs");
  EXPECT_EQ(state.table, "access_log");
  EXPECT_TRUE(state.running);
  EXPECT_TRUE(state.writer.starts_with("pid ")) << state.writer;
  EXPECT_TRUE(state.committed_micros.has_value());
  EXPECT_EQ(state.last_error, "the disk is full");
  EXPECT_TRUE(state.error_micros.has_value());
  ASSERT_EQ(state.parts.size(), 2U);
  EXPECT_EQ(state.parts[1].position, (Position{"b", "/logs/b", 100, "token 10"}));
  EXPECT_EQ(state.parts[1].counts.inserted, 10U);
  EXPECT_EQ(state.parts[1].counts.rejected, 1U);
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("b", 10, 1)).ok());
  ASSERT_TRUE(line.commit().ok());
  EXPECT_EQ((*(*store)->pipelines())[0].last_error, "") << "a commit mends it";
}

}  // namespace
}  // namespace leat
