// Files that are compressed once they are rotated.

#include <cstdlib>

#include "tests/support/file_source.h"

namespace leat {
namespace {

using testing::FileSourceTest;

TEST_F(FileSourceTest, a_copy_that_ends_before_what_was_read_is_not_read_when_it_is_compressed) {
  options_.include = {dir_.path("b.log*")};
  const std::string old = "one " + std::string(1500, '1') + "\ntwo " + std::string(1500, '2') + "\n";
  for (const bool restarts : {false, true}) {
    content_.clear();
    positions_.clear();
    dir_.write("b.log", old);
    start();
    ASSERT_TRUE(drain().ok());
    dir_.write("b.log.1", old);
    dir_.append("b.log", "in no copy\n");
    ASSERT_TRUE(drain().ok());
    dir_.write("b.log", "three\n");
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    if (restarts) start();
    ASSERT_EQ(std::system(("gzip -f " + dir_.path("b.log.1")).c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    dir_.rename("b.log.1.gz", "b.log.2.gz");
    start();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    EXPECT_EQ(all(), old + "in no copy\nthree\n") << restarts;
    dir_.remove("b.log");
    dir_.remove("b.log.2.gz");
  }
}

TEST_F(FileSourceTest, compressed_siblings_are_not_read_twice_and_hold_the_rest) {
  for (const bool long_lines : {false, true}) {
    options_.include = {dir_.path("a.log*")};
    content_.clear();
    positions_.clear();
    const std::string x = long_lines ? std::string(3000, 'x') : "x";
    const auto gzip = [&](const char* name) {
      ASSERT_EQ(std::system(("gzip -f " + dir_.path(name)).c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
    };
    dir_.write("a.log", "1" + x + "\n");
    start();
    ASSERT_TRUE(drain().ok());
    dir_.append("a.log", "2" + x + "\n");
    dir_.rename("a.log", "a.log.1");
    dir_.write("a.log", "3" + x + "\n");
    gzip("a.log.1");
    start();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    EXPECT_EQ(all(), "1" + x + "\n2" + x + "\n3" + x + "\n");
    dir_.rename("a.log.1.gz", "a.log.2.gz");
    dir_.rename("a.log", "a.log.1");
    dir_.write("a.log", "4" + x + "\n");
    gzip("a.log.1");
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    start();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    start(true);
    ASSERT_TRUE(drain().ok());
    EXPECT_EQ(all(), "1" + x + "\n2" + x + "\n3" + x + "\n4" + x + "\n");
    EXPECT_EQ(content_.size(), 3U);
    for (const char* name : {"a.log", "a.log.1.gz", "a.log.2.gz"}) dir_.remove(name);
  }
}

TEST_F(FileSourceTest, an_incomplete_gz_is_not_ready) {
  dir_.write("a.log", "1\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.append("a.log", "2\n");
  dir_.rename("a.log", "a.log.1");
  ASSERT_EQ(std::system(("gzip -f " + dir_.path("a.log.1")).c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
  const std::string gz = dir_.read("a.log.1.gz");
  dir_.write("a.log", "3\n");
  for (size_t cut = 0; cut < gz.size(); ++cut) {
    dir_.write("a.log.1.gz", gz.substr(0, cut));
    start();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(drain().ok()) << cut;
    EXPECT_EQ(content_[part("a.log", 1)], "1\n") << cut;
  }
  dir_.write("a.log.1.gz", gz);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "1\n2\n3\n");
}

}  // namespace
}  // namespace leat
