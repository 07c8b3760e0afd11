#include "db/wal_vfs.h"

#include <gtest/gtest.h>

#include "db/sqlite.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

class WalVfsTest : public testing::Test {
 protected:
  // In WAL mode, with a table t.
  std::unique_ptr<SqliteDatabase> writer(const std::string& pragmas) const {
    auto db = SqliteDatabase::open({.path = path_, .vfs = ""});
    if (!db.ok()) return nullptr;
    for (const std::string& sql : {std::string("PRAGMA journal_mode = WAL"), pragmas,
                                   std::string("CREATE TABLE t(number INTEGER PRIMARY KEY, text)")}) {
      const Status done = (*db)->execute(sql);
      EXPECT_TRUE(done.ok()) << done.message();
    }
    return *std::move(db);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("x.db");
};

TEST_F(WalVfsTest, OthersSeeACommitAtOnceAlsoWithoutASync) {
  const auto db = writer("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0");
  ASSERT_NE(db, nullptr);
  for (int64_t rows = 1; rows <= 20; ++rows) {
    ASSERT_TRUE(db->execute("INSERT INTO t VALUES(NULL, 'some text')").ok());
    EXPECT_EQ(sql_value(path_, "SELECT count(*) FROM t"), std::to_string(rows));
  }
}

TEST_F(WalVfsTest, ATransactionLargerThanTheCacheReadsWhatItHasWritten) {
  const auto db = writer("PRAGMA cache_size = 10; PRAGMA cache_spill = 10");
  ASSERT_NE(db, nullptr);
  ASSERT_TRUE(db->execute("BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                          "INSERT INTO t SELECT i, printf('%0100d', i) FROM n")
                  .ok());
  EXPECT_EQ(*db->query_integer("SELECT sum(CAST(text AS INTEGER)) FROM t"), 20000LL * 20001 / 2);
  EXPECT_EQ(sql_value(path_, "SELECT count(*) FROM t"), "0") << "not committed yet";
  ASSERT_TRUE(db->execute("UPDATE t SET text = text || 'x' WHERE number % 3 = 0; COMMIT").ok());
  EXPECT_EQ(sql_value(path_, "SELECT count(*) || ' ' || sum(length(text)) FROM t"), "20000 2006666");
  EXPECT_EQ(sql_value(path_, "PRAGMA integrity_check"), "ok");
}

TEST(WalVfs, ThereIsNoneOverAnUnknownOne) {
  EXPECT_EQ(WalVfs::make("no such vfs"), nullptr);
}

}  // namespace
}  // namespace leat
