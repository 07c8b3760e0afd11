#include "db/duckdb_stream.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace leat {
namespace {

class DuckDbStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto db = DuckDb::open({.path = ""});
    ASSERT_TRUE(db.ok()) << db.status().message();
    db_ = *std::move(db);
    ASSERT_TRUE(DuckDbStream::prepare(*db_).ok());
  }
  std::unique_ptr<DuckDbStream> begin(const std::string& before, const std::string& behind = "") {
    auto stream = DuckDbStream::begin(*db_, {{"n", Type::integer}, {"t", Type::text}, {"b", Type::text, true}},
                                      [&](const std::string& rows) { return before + rows + behind; });
    EXPECT_TRUE(stream.ok()) << stream.status().message();
    return stream.ok() ? *std::move(stream) : nullptr;
  }
  // Rows from, from + 1, …; each third text is NULL.
  static Status add(DuckDbStream& stream, int64_t from, int64_t count) {
    for (int64_t n = from; n < from + count; ++n) {
      LEAT_TRY(stream.make_room());
      stream.cells<int64_t>(0)[0] = n;
      n % 3 == 0 ? stream.set_null(1, 0) : stream.set_text(1, 0, "a text of number " + std::to_string(n));
      stream.set_text(2, 0, std::string_view("\xFF\0", 2));
      stream.add_rows(1);
    }
    return {};
  }
  testing::TempDir dir_;
  std::unique_ptr<DuckDb> db_;
};

TEST_F(DuckDbStreamTest, AStatementReadsRowsWhileTheyCome) {
  const auto first = begin("CREATE TABLE t AS FROM ");
  const auto second = begin("CREATE TABLE u AS FROM ");  // beside the first one
  ASSERT_TRUE(add(*first, 0, 3000).ok());
  ASSERT_TRUE(add(*second, 5, 1).ok());
  ASSERT_TRUE(add(*first, 3000, 7000).ok());
  ASSERT_TRUE(first->finish().ok());
  ASSERT_TRUE(second->finish().ok());
  EXPECT_EQ(*db_->query_integer("SELECT count(*) FROM t WHERE n = rowid AND b = '\\xFF\\x00'::BLOB AND t IS NOT "
                                "DISTINCT FROM if(n % 3 = 0, NULL, 'a text of number ' || n)"),
            10'000);
  EXPECT_EQ(*db_->query_integer("SELECT sum(n) FROM u"), 5);
}

TEST_F(DuckDbStreamTest, WithoutRowsItEnds) {
  const auto stream = begin("CREATE TABLE t AS FROM ");
  ASSERT_TRUE(stream->finish().ok());
  EXPECT_EQ(*db_->query_integer("SELECT count(*) FROM t"), 0);
}

TEST_F(DuckDbStreamTest, AFailureIsSaidWhereRowsAreGiven) {
  const auto late = begin("CREATE TABLE t AS SELECT 1 // (n - 5000), error('no more') FROM ", " WHERE n >= 5000");
  const Status added = add(*late, 0, 100'000);
  EXPECT_FALSE(added.ok());
  EXPECT_NE(added.message().find("no more"), std::string::npos) << added.message();
  const auto never = begin("COPY (FROM ", ") TO '" + dir_.path("none/x.csv") + "'");
  const Status ended = never->finish();
  EXPECT_EQ(ended.kind(), Kind::retry) << ended.message();
}

TEST_F(DuckDbStreamTest, OneThatIsLeftLeavesNothing) {
  {
    const auto stream = begin("CREATE TABLE t AS FROM ");
    ASSERT_TRUE(add(*stream, 0, 5000).ok());
  }
  EXPECT_FALSE(*db_->has_table("t"));
  { const auto stream = begin("CREATE TABLE t AS FROM "); }
  EXPECT_FALSE(*db_->has_table("t"));
}

}  // namespace
}  // namespace leat
