#include "db/duckdb.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "tests/support/temp_dir.h"

namespace leat {
namespace {

class DuckDbTest : public ::testing::Test {
 protected:
  std::unique_ptr<DuckDb> open() {
    auto db = DuckDb::open({.path = dir_.path("a.duckdb")});
    EXPECT_TRUE(db.ok()) << db.status().message();
    return db.ok() ? *std::move(db) : nullptr;
  }
  leat::testing::TempDir dir_;
};

TEST_F(DuckDbTest, ValuesComeBackAsTheyWere) {
  const auto db = open();
  auto rows = db->query("SELECT $1::BIGINT, $2::DOUBLE, $3::VARCHAR, $4::BLOB, $5::TIMESTAMP, $6::VARCHAR", INT64_MIN,
                        -0.5, std::string_view("a\0b", 3), DuckDbBytes{std::string_view("\xFF\0", 2)},
                        DuckDbTime{-62135596800000001}, nullptr);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->integer(0), INT64_MIN);
  EXPECT_EQ(rows->real(1), -0.5);
  EXPECT_EQ(rows->text(2), std::string_view("a\0b", 3));
  EXPECT_EQ(rows->text(3), std::string_view("\xFF\0", 2));
  EXPECT_EQ(rows->integer(4), -62135596800000001);
  EXPECT_TRUE(rows->is_null(5));
  EXPECT_FALSE(*rows->step());
}

TEST_F(DuckDbTest, WhereNoDatabaseCanBeIsSaid) {
  const auto refusal = [&](const std::string& name) {
    const auto db = DuckDb::open({.path = dir_.path(name)});
    return db.ok() ? "" : db.status().message();
  };
  EXPECT_EQ(refusal("none/a.duckdb"),
            dir_.path("none/a.duckdb") + ": there is no folder '" + dir_.path("none") + "'; make it first");
  EXPECT_EQ(refusal(""), dir_.path("") + ": is a folder; name a file in it");
  std::string sqlite = "SQLite format 3";
  sqlite.resize(4096);
  dir_.write("s.duckdb", sqlite);
  EXPECT_EQ(refusal("s.duckdb"), dir_.path("s.duckdb") + ": is not a DuckDB database; name another file");
}

TEST_F(DuckDbTest, AppendedRowsAreInTheTableInTheirOrder) {
  const auto db = open();
  ASSERT_TRUE(db->execute("CREATE TABLE t(n BIGINT, text VARCHAR, moment TIMESTAMP)").ok());
  auto appender = DuckDbAppender::into(*db, "t");
  ASSERT_TRUE(appender.ok()) << appender.status().message();
  for (int64_t i = 0; i < 5000; ++i) {
    const std::string text = "text " + std::to_string(i);
    const std::array<DuckDbValue, 3> row = {i, std::string_view(text), nullptr};
    ASSERT_TRUE((*appender)->add(row).ok());
  }
  ASSERT_TRUE((*appender)->flush().ok());
  EXPECT_EQ(*db->query_integer("SELECT count(*) FROM t WHERE text = 'text ' || n AND moment IS NULL AND rowid = n"),
            5000);
}

TEST_F(DuckDbTest, AStatementReadsAppendedRows) {
  const auto db = open();
  ASSERT_TRUE(db->execute("CREATE TABLE t(n BIGINT, hits BIGINT); INSERT INTO t VALUES(1, 10)").ok());
  auto appender =
      DuckDbAppender::query(*db,
                            "MERGE INTO t AS a USING rows AS b ON a.n IS NOT DISTINCT FROM b.n WHEN MATCHED "
                            "THEN UPDATE SET hits = a.hits + b.hits WHEN NOT MATCHED THEN INSERT",
                            {{"n", Type::integer}, {"hits", Type::integer}});
  ASSERT_TRUE(appender.ok()) << appender.status().message();
  ASSERT_TRUE((*appender)->add(std::array<DuckDbValue, 2>{int64_t{1}, int64_t{5}}).ok());
  ASSERT_TRUE((*appender)->add(std::array<DuckDbValue, 2>{nullptr, int64_t{7}}).ok());
  const Status flushed = (*appender)->flush();
  ASSERT_TRUE(flushed.ok()) << flushed.message();
  EXPECT_EQ(*db->query_integer("SELECT sum(hits) FROM t WHERE n = 1"), 15);
  EXPECT_EQ(*db->query_integer("SELECT sum(hits) FROM t WHERE n IS NULL"), 7);
}

TEST_F(DuckDbTest, AppendedRowsBelongToTheTransaction) {
  const auto db = open();
  ASSERT_TRUE(db->execute("CREATE TABLE t(n BIGINT)").ok());
  ASSERT_TRUE(db->execute("BEGIN").ok());
  {
    auto appender = DuckDbAppender::into(*db, "t");
    ASSERT_TRUE((*appender)->add(std::array<DuckDbValue, 1>{int64_t{1}}).ok());
    ASSERT_TRUE((*appender)->flush().ok());
  }
  ASSERT_TRUE(db->execute("ROLLBACK").ok());
  EXPECT_EQ(*db->query_integer("SELECT count(*) FROM t"), 0);
}

TEST_F(DuckDbTest, AConstraintRefusesRows) {
  const auto db = open();
  ASSERT_TRUE(db->execute("CREATE TABLE t(n BIGINT PRIMARY KEY)").ok());
  auto appender = DuckDbAppender::into(*db, "t");
  ASSERT_TRUE((*appender)->add(std::array<DuckDbValue, 1>{int64_t{1}}).ok());
  ASSERT_TRUE((*appender)->add(std::array<DuckDbValue, 1>{int64_t{1}}).ok());
  const Status refused = (*appender)->flush();
  EXPECT_EQ(refused.kind(), Kind::bad_data);
  EXPECT_NE(refused.message().find("a.duckdb: the database refuses the row (Failed to append: PRIMARY KEY"),
            std::string::npos)
      << refused.message();
}

TEST_F(DuckDbTest, FilesOfItsOwnTakeZstd) {
  {
    const auto db = open();
    EXPECT_TRUE(db->has_zstd());
    ASSERT_TRUE(
        db->execute("CREATE TABLE t(line VARCHAR USING COMPRESSION zstd); INSERT INTO t SELECT repeat('line ' || "
                    "i, 9) FROM range(10000) AS r(i); CHECKPOINT")
            .ok());
    EXPECT_GT(*db->query_integer("SELECT count(*) FROM pragma_storage_info('t') WHERE compression = 'ZSTD'"), 0);
  }
  {
    const auto db = open();
    EXPECT_TRUE(db->has_zstd());
    ASSERT_TRUE(db->execute("ATTACH '" + dir_.path("b.duckdb") + "' AS b (STORAGE_VERSION 'v1.0.0'); DETACH b").ok());
  }
  const auto db = DuckDb::open({.path = dir_.path("b.duckdb")});
  ASSERT_TRUE(db.ok()) << db.status().message();
  EXPECT_FALSE((*db)->has_zstd());
}

TEST_F(DuckDbTest, NobodyElseMayReadTheFiles) {
  const auto db = open();
  ASSERT_TRUE(db->execute("CREATE TABLE t(n BIGINT); INSERT INTO t VALUES(1)").ok());
  for (const char* name : {"a.duckdb", "a.duckdb.wal"}) {
    struct stat info {};
    ASSERT_EQ(::stat(dir_.path(name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(DuckDbTest, AnotherProcessThatHasItOpenIsNamed) {
  const auto db = open();
  const pid_t child = ::fork();
  if (child == 0) {
    // A copy of this process: the lock is the parent's, and the file has another name.
    ::symlink("a.duckdb", dir_.path("b.duckdb").c_str());
    const auto again = DuckDb::open({.path = dir_.path("b.duckdb")});
    const std::string wanted = "another process has it open (process " + std::to_string(::getppid()) + ")";
    ::_exit(!again.ok() && again.status().kind() == Kind::retry &&
                    again.status().message().find(wanted) != std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(DuckDbTest, WhatIsNoDatabaseIsSaid) {
  dir_.write("a.duckdb", std::string(8192, 'x'));
  const auto db = DuckDb::open({.path = dir_.path("a.duckdb")});
  ASSERT_FALSE(db.ok());
  EXPECT_EQ(db.status().kind(), Kind::bad_config);
  EXPECT_NE(db.status().message().find("a.duckdb: is not a DuckDB database; name another file"), std::string::npos)
      << db.status().message();
}

}  // namespace
}  // namespace leat
