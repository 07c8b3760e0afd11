#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "sinks/sqlite.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

class SqliteErrorsTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Sink> make(const std::string& vfs = "") const {
    return make_sqlite_sink({.path = path_, .vfs = vfs, .cache_bytes = 1 << 20, .busy_timeout_ms = 50}, os::clock(),
                            nullptr);
  }
  // What open() says, with its kind.
  [[nodiscard]] std::string refusal(const std::string& vfs = "") const {
    const auto sink = make(vfs);
    const auto opened = sink->open(plan_);
    return opened.ok() ? "ok" : fmt::format("{}: {}", name_of(opened.status().kind()), opened.status().message());
  }
  static std::string said(const Status& status) {
    return status.ok() ? "ok" : fmt::format("{}: {}", name_of(status.kind()), status.message());
  }
  void feed(uint64_t records) const {
    const auto sink = make();
    const Status fed = run_feed(*sink, plan_, {"a"}, records, 5);
    ASSERT_TRUE(fed.ok()) << fed.message();
  }
  void change(const std::string& sql) const { ASSERT_EQ(sql_change(path_, sql), ""); }
  void expect_proven(uint64_t rows, uint64_t rejects) const {
    const auto store = open_sqlite_store(path_);
    ASSERT_TRUE(store.ok()) << store.status().message();
    const auto report = (*store)->verify(nullptr);
    ASSERT_TRUE(report.ok()) << report.status().message();
    for (const std::string& problem : report->problems) ADD_FAILURE() << problem;
    EXPECT_EQ(report->rows, rows);
    EXPECT_EQ(report->rejects, rejects);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("web.db");
  SinkPlan plan_ = feed_plan();
};

TEST_F(SqliteErrorsTest, AnOlderLayoutIsBroughtUpToDate) {
  feed(3);
  change(
      "DROP TABLE _leat_taken; ALTER TABLE _leat_provisional DROP COLUMN updated; UPDATE _leat_meta SET version = 1");
  EXPECT_EQ(open_sqlite_store(path_).status().message(),
            path_ +
                ": made by an older leat (layout 1, this one knows 2); run its pipeline once, which brings it up to "
                "date");
  feed(6);
  const auto store = open_sqlite_store(path_);
  ASSERT_TRUE(store.ok()) << store.status().message();
  const auto report = (*store)->verify(nullptr);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->problems, std::vector<std::string>());
}

TEST_F(SqliteErrorsTest, ANewerLayoutIsRefused) {
  feed(3);
  change("UPDATE _leat_meta SET version = 3");
  const std::string text = path_ + ": made by a newer leat (layout 3, this one knows 2); use that version";
  EXPECT_EQ(refusal(), "bad_config: " + text);
  EXPECT_EQ(open_sqlite_store(path_).status().message(), text);
}

TEST_F(SqliteErrorsTest, WhatIsNoDatabase) {
  std::ofstream(path_) << std::string(8192, 'x');
  const std::string text = path_ + ": is not a SQLite database; name another file";
  EXPECT_EQ(refusal(), "bad_config: " + text);
  EXPECT_EQ(open_sqlite_store(path_).status().message(), text);
  EXPECT_EQ(std::filesystem::file_size(path_), 8192U) << "it is left as it was";
  path_ = folder_.path();
  EXPECT_EQ(refusal(), "bad_config: " + path_ + ": is a folder; name a file in it");
  path_ = folder_.file("none/web.db");
  EXPECT_EQ(refusal(), "bad_config: " + path_ + ": there is no folder '" + folder_.file("none") + "'; make it first");
  path_ = "/dev/null";
  EXPECT_EQ(refusal(), "bad_config: /dev/null: is not a regular file; name another one");
  EXPECT_EQ(open_sqlite_store(folder_.file("no.db")).status().message(),
            folder_.file("no.db") + ": no such file; name a database that leat has made");
}

TEST_F(SqliteErrorsTest, ADatabaseOfSomeoneElse) {
  change("CREATE TABLE access_log(x)");
  EXPECT_EQ(refusal(), "bad_config: " + path_ +
                           ": there is a table 'access_log' that leat has not made; name another one (--table)");
  EXPECT_EQ(sql_value(path_, "SELECT count(*) FROM sqlite_schema"), "1") << "nothing is half done";
  EXPECT_EQ(open_sqlite_store(path_).status().message(),
            path_ + ": a database, but not one that leat has written to; name one that is");
  plan_.table = "mine";
  EXPECT_EQ(refusal(), "ok") << "a database may hold other tables as well";
}

TEST_F(SqliteErrorsTest, NamesThatAreTaken) {
  change("CREATE TABLE per_day(x)");
  EXPECT_EQ(refusal(), "bad_config: " + path_ +
                           ": there is a table 'per_day' that is not this pipeline's aggregate; rename the aggregate");
  change("DROP TABLE per_day");
  feed(3);
  plan_.pipeline = "other";
  EXPECT_EQ(refusal(), "bad_config: " + path_ +
                           ": table 'access_log' is filled by pipeline 'logs', not by 'other'; name another table "
                           "(--table)");
  plan_.table = "other_log";
  EXPECT_EQ(refusal(), "bad_config: " + path_ +
                           ": there is a table 'per_day' that is not this pipeline's aggregate; rename the aggregate");
  plan_.pipeline = "logs";
  EXPECT_EQ(refusal(), "bad_config: " + path_ +
                           ": pipeline 'logs' fills table 'access_log', not 'other_log'; name that table (--table), or "
                           "another database");
  plan_.pipeline = "third";
  plan_.table = "_leat_x";
  EXPECT_EQ(refusal(), "bad_config: " + path_ + ": a table cannot be named '_leat_x'; name another one (--table)");
}

TEST_F(SqliteErrorsTest, ColumnsThatCannotBe) {
  feed(3);
  Schema schema = *feed_schema();
  schema.fields[2].type = Type::text;
  plan_.schema = std::make_shared<const Schema>(schema);
  plan_.aggregates.clear();
  EXPECT_EQ(refusal(), "bad_config: " + path_ +
                           ": table 'access_log': column 'status' holds integer, now it would be text; name another "
                           "table (--table)");
  schema.fields[2].name = "Time";
  plan_.schema = std::make_shared<const Schema>(schema);
  EXPECT_EQ(refusal(), "bad_config: " + path_ +
                           ": table 'access_log': two columns are named 'Time' (SQLite ignores case); rename one");
  schema.fields[2].name = "_ROW";
  plan_.schema = std::make_shared<const Schema>(schema);
  EXPECT_EQ(refusal(), "bad_config: " + path_ +
                           ": table 'access_log': column '_ROW' has a name that leat keeps for itself; rename it");
}

TEST_F(SqliteErrorsTest, RowsOfSomeoneElse) {
  feed(3);
  change("INSERT INTO access_log(_part, _offset, _row) VALUES(1, 1000, 99)");
  EXPECT_EQ(refusal(),
            "fatal: " + path_ +
                ": table 'access_log' has a row with _row 99 that leat has not written; delete it, see `leat "
                "verify`");
  change("DROP TABLE access_log");
  EXPECT_EQ(refusal(), "fatal: " + path_ +
                           ": table 'access_log' is gone, though pipeline 'logs' has filled it; put it back, or have "
                           "it made and filled anew: leat state rewind FILE.toml logs --all (after leat load: name "
                           "another --table)");
}

TEST_F(SqliteErrorsTest, LockedByAnother) {
  feed(3);
  const std::string text =
      "retry: " + path_ + ": locked by another program; end that program or its transaction, leat goes on by itself";
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(refusal(), text);
  FeedLine line(*sink);
  EXPECT_EQ(said(line.write(feed_batch("a", 3, 3))), text);
  sqlite3_close(other);
  sink->rollback();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine again(*sink);
  ASSERT_TRUE(again.write(feed_batch("a", 3, 3)).ok());
  ASSERT_TRUE(again.commit().ok());
  expect_proven(6, 0);
}

TEST_F(SqliteErrorsTest, FullDiskReadOnlyAndBroken) {
  FaultVfs vfs;
  const struct {
    int code;
    std::string text;
  } cases[] = {
      {SQLITE_FULL, "retry: " + path_ + ": the disk is full; free space, leat goes on by itself"},
      {SQLITE_READONLY, "bad_config: " + path_ +
                            ": may not be written (the file, its folder or the file system is read-only for this "
                            "user); change that, or name another file"},
      {SQLITE_CORRUPT,
       "fatal: " + path_ +
           ": the database is damaged; keep a copy, try `sqlite3 FILE .recover`, or let leat make a new "
           "one under another name"},
  };
  feed(3);
  uint64_t next = 3;
  for (const auto& fault : cases) {
    const auto sink = make(vfs.name());
    ASSERT_TRUE(sink->open(plan_).ok());
    vfs.arm(0, FaultVfs::Mode::forever, fault.code);
    FeedLine line(*sink);
    Status status = line.write(feed_batch("a", next, 3));
    if (status.ok()) status = line.commit();
    EXPECT_EQ(said(status), fault.text);
    vfs.disarm();
    sink->rollback();
    ASSERT_TRUE(sink->open(plan_).ok()) << "it goes on when that is mended";
    FeedLine again(*sink);
    ASSERT_TRUE(again.write(feed_batch("a", next, 3)).ok());
    ASSERT_TRUE(again.commit().ok());
    next += 3;
  }
  expect_proven(11, 1);
}

TEST_F(SqliteErrorsTest, FailedReadsNameTheCause) {
  FaultVfs vfs;
  feed(3);
  vfs.arm(0, FaultVfs::Mode::forever, SQLITE_IOERR);
  EXPECT_TRUE(refusal(vfs.name()).starts_with("retry: " + path_ + ": reading or writing it failed ("));
  vfs.arm(0, FaultVfs::Mode::forever, SQLITE_CANTOPEN);
  EXPECT_TRUE(refusal(vfs.name()).starts_with("bad_config: " + path_ + ": cannot be opened as a database ("));
}

TEST_F(SqliteErrorsTest, ADamagedFile) {
  feed(300);
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 1; page < 20; ++page) {
      file.seekp(page * 4096);
      file << std::string(2000, '\xEE');
    }
  }
  EXPECT_EQ(refusal(),
            "fatal: " + path_ +
                ": the database is damaged; keep a copy, try `sqlite3 FILE .recover`, or let leat make a new "
                "one under another name");
}

TEST_F(SqliteErrorsTest, AFileThatIsTakenAway) {
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  ASSERT_TRUE(line.write(feed_batch("a", 0, 3)).ok());
  ASSERT_TRUE(line.commit().ok());
  std::filesystem::rename(path_, path_ + ".old");
  EXPECT_EQ(said(line.write(feed_batch("a", 3, 3))),
            "fatal: " + path_ + ": was moved, deleted or replaced while leat wrote to it; put it back and start again");
}

TEST_F(SqliteErrorsTest, ATriggerThatUndoesEverything) {
  feed(3);
  change("CREATE TRIGGER no BEFORE INSERT ON access_log BEGIN SELECT raise(ROLLBACK, 'gone'); END");
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  FeedLine line(*sink);
  const Status status = line.write(feed_batch("a", 3, 3));
  EXPECT_EQ(status.kind(), Kind::fatal);
  EXPECT_TRUE(status.message().ends_with("undoes the whole transaction, which leat cannot work with: remove it"))
      << status.message();
}

}  // namespace
}  // namespace leat
