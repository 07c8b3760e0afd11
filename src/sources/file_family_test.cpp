#include "sources/file_family.h"

#include <gtest/gtest.h>

#include "sources/file_token.h"

namespace leat {
namespace {

struct Case {
  const char* path;
  const char* family;
  Rotation rotation;
};

TEST(FileFamily, recognises_rotation_suffixes) {
  const Case cases[] = {
      {"/l/access.log", "/l/access.log", Rotation::live},
      {"/l/access.log.1", "/l/access.log", Rotation::numbered},
      {"/l/access.log.999", "/l/access.log", Rotation::numbered},
      {"/l/access.log.1000", "/l/access.log.1000", Rotation::live},
      {"/l/access.log-20260101", "/l/access.log", Rotation::dated},
      {"/l/access.log.20260101", "/l/access.log", Rotation::dated},
      {"/l/access.log-2026-01-01", "/l/access.log", Rotation::dated},
      {"/l/access.log-20260101-1", "/l/access.log", Rotation::dated},
      {"/l/access.log-20260101T235959", "/l/access.log", Rotation::dated},
      {"/l/access_log.1716249600", "/l/access_log", Rotation::dated},
      {"/l/service-1", "/l/service-1", Rotation::live},
      {"/l/service-2", "/l/service-2", Rotation::live},
      {"/l/access-20260101.log", "/l/access-20260101.log", Rotation::live},
      {"/d.1/log", "/d.1/log", Rotation::live},
      {"/l/.1", "/l/.1", Rotation::live},
      {"/l/20260101", "/l/20260101", Rotation::live},
  };
  for (const Case& c : cases) {
    const Member member = member_of(c.path);
    EXPECT_EQ(member.family, c.family) << c.path;
    EXPECT_EQ(member.rotation, c.rotation) << c.path;
  }
}

TEST(FileFamily, orders_by_age) {
  const auto older = [](const char* a, const char* b) { return is_older(member_of(a), 1, member_of(b), 2); };
  EXPECT_TRUE(older("a.log.2", "a.log.1"));
  EXPECT_FALSE(older("a.log.1", "a.log.2"));
  EXPECT_TRUE(older("a.log.10", "a.log.9"));
  EXPECT_TRUE(older("a.log.1", "a.log"));
  EXPECT_FALSE(older("a.log", "a.log.1"));
  EXPECT_FALSE(older("a.log", "a.log"));
  EXPECT_TRUE(older("a.log-20260101", "a.log-20260102"));
  EXPECT_TRUE(older("a.log-20260101", "a.log.1"));  // by time of last change
  EXPECT_TRUE(older("a.log.1", "a.log-20260101"));  // the same
}

TEST(FileToken, round_trip) {
  FileToken token;
  token.line = 12;
  token.head = fingerprint_of("head");
  token.tail = fingerprint_of("tail");
  token.info.device = 1;
  token.info.inode = 2;
  token.info.size = 3;
  token.info.mtime_ns = -4;
  token.done = true;
  token.held = fingerprint_of("held");
  token.cutter = "format=nginx_combined more words";
  const auto parsed = FileToken::parse(token.text());
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(parsed->text(), token.text());
  EXPECT_EQ(parsed->head, token.head);
  EXPECT_EQ(parsed->held, token.held);
  EXPECT_EQ(parsed->info.mtime_ns, -4);
  EXPECT_EQ(parsed->cutter, token.cutter);
}

TEST(FileToken, damaged_ones_are_refused) {
  const std::string good = FileToken().text();
  ASSERT_TRUE(FileToken::parse(good).ok());
  for (const std::string& bad : {std::string(), std::string("v=2"), std::string("line=1"), "x=1 " + good,
                                 std::string("v=1 line=abc"), std::string("v=1 head=3:xyz"), std::string("nonsense")}) {
    const auto parsed = FileToken::parse(bad);
    EXPECT_FALSE(parsed.ok()) << bad;
    EXPECT_EQ(parsed.status().kind(), Kind::bug);
  }
}

TEST(PartName, parses) {
  EXPECT_EQ(parse_part("/a#b.log#12")->family, "/a#b.log");
  EXPECT_EQ(parse_part("/a#b.log#12")->number, 12U);
  EXPECT_FALSE(parse_part("/a.log"));
  EXPECT_FALSE(parse_part("/a.log#x"));
}

}  // namespace
}  // namespace leat
