#include "db/sqlite.h"

#include <gtest/gtest.h>

#include "tests/support/sink_feed.h"

namespace leat {
namespace {

TEST(Sqlite, PlainTextIsUtf8WithoutNul) {
  EXPECT_TRUE(is_plain_text(""));
  EXPECT_TRUE(is_plain_text("a"));
  // Each place of a text longer than any of the strides.
  for (size_t at = 0; at < 100; ++at) {
    std::string text(100, 'x');
    text[at] = '\x01';
    EXPECT_TRUE(is_plain_text(text)) << at;
    text[at] = '\0';
    EXPECT_FALSE(is_plain_text(text)) << at;
    text[at] = '\x80';
    EXPECT_FALSE(is_plain_text(text)) << at;
    if (at == 99) continue;
    text[at] = '\xC3';
    text[at + 1] = '\xA4';
    EXPECT_TRUE(is_plain_text(text)) << at;
    text[(at + 50) % 98] = '\0';
    EXPECT_FALSE(is_plain_text(text)) << at;
  }
}

TEST(Sqlite, NamesAndTextsCannotEndTheStatement) {
  EXPECT_EQ(sql_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(sql_text("it's"), "'it''s'");
}

TEST(Sqlite, ValuesComeBack) {
  const TemporaryFolder folder;
  auto db = SqliteDatabase::open({.path = folder.file("x.db"), .vfs = ""});
  ASSERT_TRUE(db.ok()) << db.status().message();
  ASSERT_TRUE((*db)->execute("CREATE TABLE t(a, b, c, d)").ok());
  EXPECT_TRUE(*(*db)->has_table("T")) << "SQLite ignores case";
  EXPECT_FALSE(*(*db)->has_table("u"));
  auto insert = (*db)->prepare("INSERT INTO t VALUES(?, ?, ?, ?)");
  ASSERT_TRUE(insert.ok());
  ASSERT_TRUE(insert->with(int64_t{-5}, 2.5, std::string_view(), nullptr).run().ok());
  EXPECT_EQ((*db)->changes(), 1U);
  insert->with(UINT64_MAX, 0.0, std::string_view("x"), nullptr);
  insert->bind_bytes(4, std::string_view("a\0b", 3));
  ASSERT_TRUE(insert->run().ok());
  EXPECT_EQ(sql_rows(folder.file("x.db"), "SELECT a, b, c, d, typeof(c), typeof(d) FROM t"),
            (std::vector<std::string>{"-5|2.5||NULL|text|null", std::string("-1|0.0|x|a\0b|text|blob", 22)}));
  EXPECT_EQ(*(*db)->query_integer("SELECT a FROM t"), -5);
  EXPECT_EQ(*(*db)->query_integer("SELECT d FROM t", 7), 7);
  EXPECT_EQ((*db)->execute("SELECT nothing").kind(), Kind::fatal);
}

TEST(Sqlite, ReadOnlyMakesNothing) {
  const TemporaryFolder folder;
  const auto db = SqliteDatabase::open({.path = folder.file("x.db"), .vfs = "", .read_only = true});
  EXPECT_EQ(db.status().kind(), Kind::bad_config);
}

TEST(Sqlite, APathIsAPath) {
  const TemporaryFolder folder;
  const std::string path = folder.file("file:x?mode=memory");
  auto db = SqliteDatabase::open({.path = path, .vfs = ""});
  ASSERT_TRUE(db.ok()) << db.status().message();
  ASSERT_TRUE((*db)->execute("CREATE TABLE t(a)").ok());
  EXPECT_EQ(sql_value(path, "SELECT count(*) FROM t"), "0");
}

}  // namespace
}  // namespace leat
