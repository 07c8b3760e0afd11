// What is missing, cannot be read, or fails.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "tests/support/file_source.h"

namespace leat {
namespace {

using testing::FileSourceTest;

// Files that were made unreadable are so for root only when it is somebody else for the moment.
class SomebodyElse {
 public:
  SomebodyElse() : was_(::geteuid()) {
    if (was_ == 0 && ::seteuid(65534) != 0) throw std::runtime_error("seteuid failed");
  }
  SomebodyElse(const SomebodyElse&) = delete;
  SomebodyElse& operator=(const SomebodyElse&) = delete;
  ~SomebodyElse() {
    if (::seteuid(was_) != 0) std::abort();
  }

 private:
  uid_t was_;
};

TEST_F(FileSourceTest, a_refused_file_is_let_go_and_the_next_one_is_read) {
  dir_.write("a.log", "!refuse\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.remove("a.log");
  dir_.write("a.log", "ok\n");  // the same inode, as ext4 hands it out
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "ok\n");
}

TEST_F(FileSourceTest, a_missing_file_is_waited_for_or_an_error) {
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_TRUE(noted("there is no such file yet"));
  dir_.write("a.log", "one\n");
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\n");

  options_.include.push_back(dir_.path("missing.log"));
  options_.include.push_back(dir_.path("no*match"));
  positions_.clear();
  content_.clear();
  start(true);
  const Status outcome = drain();
  EXPECT_EQ(all(), "one\n") << "what is there is taken in";
  EXPECT_EQ(outcome.kind(), Kind::fatal);
  EXPECT_EQ(outcome.message(),
            dir_.path("missing.log") + ": there is no such file\n" + dir_.path("no*match") + ": no file matches");
}

TEST_F(FileSourceTest, what_is_not_a_plain_file_is_said) {
  options_.include = {dir_.path("a.log.xz"), dir_.path("a.log.1.gz"), dir_.path("a.log.2.gz"), dir_.path("folder"),
                      dir_.path("fol*")};
  std::filesystem::create_directory(dir_.path("folder"));
  std::filesystem::create_directory(dir_.path("folder2"));
  dir_.write("a.log.xz", "zzz");
  dir_.write("a.log.1.gz", "\x1f\x8b");
  dir_.write("a.log.2.gz", "no gzip at all");
  start(true);
  const Status outcome = drain();
  for (const std::string& text :
       {dir_.path("a.log.1.gz") + ": is cut off; it is read when it is whole",
        dir_.path("a.log.2.gz") + ": its gzip data is damaged near byte 10",
        dir_.path("a.log.xz") +
            ": is compressed in a way that cannot be read; decompress it first, or use gzip or zstd",
        dir_.path("folder") + ": is a directory; name the files in it, or a glob"}) {
    EXPECT_NE(outcome.message().find(text), std::string::npos) << text << "\nin\n" << outcome.message();
  }
  EXPECT_EQ(std::count(outcome.message().begin(), outcome.message().end(), '\n'), 3) << "a glob skips folders";
}

TEST_F(FileSourceTest, a_refused_file_does_not_stop_the_others) {
  options_.include = {dir_.path("b.log"), dir_.path("a.log")};
  dir_.write("b.log", "!refuse\n");
  dir_.write("a.log", "one\n");
  start(true);
  const Status outcome = drain();
  EXPECT_EQ(outcome.kind(), Kind::bad_config);
  EXPECT_EQ(all(), "one\n");
}

TEST_F(FileSourceTest, a_file_of_an_earlier_run_that_cannot_be_read_is_left) {
  options_.include = {dir_.path("b.log"), dir_.path("c.log")};
  dir_.write("b.log", "!refuse\n");
  dir_.write("c.log", "c1\n");
  start(true);
  EXPECT_EQ(drain().kind(), Kind::bad_config);

  std::filesystem::rename(dir_.path("c.log"), dir_.path("c.log.1"));  // its rest is behind a name that may not be read
  std::filesystem::permissions(dir_.path("c.log.1"), std::filesystem::perms::none);
  dir_.write("a.log", "a1\n");
  options_.include = {dir_.path("a.log")};
  std::filesystem::permissions(dir_.root(), std::filesystem::perms(0755));
  const SomebodyElse somebody;
  start(true);
  const Status outcome = drain();
  EXPECT_TRUE(outcome.ok()) << outcome.message();
  EXPECT_EQ(all(), "a1\nc1\n");
  EXPECT_TRUE(noted("this run does not name it"));
}

TEST_F(FileSourceTest, an_unreadable_sibling_that_may_be_newer_is_not_passed_over) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.2");
  dir_.write("a.log.1", "two\n");
  dir_.write("a.log", "three\n");
  start();
  // Each of the first calls fails in turn, whatever it is.
  for (uint64_t call = 1; call < 25; ++call) {
    files_.fail_at(call, false);
    start();
    (void)drain();
  }
  files_.fail_at(0, false);
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\nthree\n");
}

TEST_F(FileSourceTest, any_failing_call_is_recovered_from_by_starting_again) {
  const std::map<std::string, std::string> truth = {{"a.log.2", "1\n2\n3\n"}, {"a.log.1", "4\n5\n"}, {"a.log", "6\n"}};
  uint64_t places = 0;
  for (uint64_t call = 1;; ++call) {
    content_.clear();
    positions_.clear();
    options_.chunk_bytes = 1;
    dir_.write("a.log", "1\n2\n");
    files_.fail_at(0, false);
    start();
    ASSERT_TRUE(drain().ok());
    dir_.append("a.log", "3\n");
    dir_.rename("a.log", "a.log.2");
    dir_.write("a.log.1", "4\n5\n");
    dir_.write("a.log", "6\n");
    files_.fail_at(call, false);
    start(true);
    const Status outcome = drain();
    const bool clean = files_.calls() < call;
    if (clean) {
      EXPECT_TRUE(outcome.ok()) << outcome.message();
    }
    files_.fail_at(0, false);
    start(true);
    ASSERT_TRUE(drain().ok());
    EXPECT_EQ(content_[part("a.log", 1)], truth.at("a.log.2")) << call;
    EXPECT_EQ(content_[part("a.log", 2)], truth.at("a.log.1")) << call;
    EXPECT_EQ(content_[part("a.log", 3)], truth.at("a.log")) << call;
    EXPECT_EQ(content_.size(), 3U) << call;
    dir_.remove("a.log");
    dir_.remove("a.log.1");
    dir_.remove("a.log.2");
    if (clean) break;
    ++places;
  }
  EXPECT_GT(places, 20U);
  std::printf("failed each of %lu calls in turn\n", static_cast<unsigned long>(places));
}

// A log, then a sibling that may hold the rest of one: each is denied, and granted later.
TEST_F(FileSourceTest, what_was_denied_is_read_when_it_is_granted) {
  using std::filesystem::perms;
  const auto allow = [&](const char* name, perms mode) { std::filesystem::permissions(dir_.path(name), mode); };
  const auto drain_as_somebody_else = [&] {
    const SomebodyElse somebody_else;
    Status outcome;
    for (int i = 0; i < 30 && outcome.ok(); ++i) outcome = drain();
    return outcome;
  };
  std::filesystem::permissions(dir_.root(), perms(0755));
  dir_.write("a.log", "one\n");
  allow("a.log", perms::none);
  {
    const SomebodyElse somebody_else;
    start(true);
    const Status outcome = drain();
    EXPECT_EQ(outcome.kind(), Kind::fatal);
    EXPECT_EQ(outcome.message(), dir_.path("a.log") + ": cannot open: Permission denied");
    start();
  }
  ASSERT_TRUE(drain_as_somebody_else().ok());
  EXPECT_EQ(all(), "");
  EXPECT_EQ(notes_, (std::vector<std::string>{dir_.path("a.log") + ": cannot open: Permission denied; trying again"}))
      << "it is said once";
  allow("a.log", perms(0644));
  ASSERT_TRUE(drain_as_somebody_else().ok());
  EXPECT_EQ(all(), "one\n");

  source_.reset();
  dir_.append("a.log", "two\n");
  dir_.rename("a.log", "a.log.1");
  allow("a.log.1", perms::none);
  dir_.write("a.log", "three\n");
  start();
  const Status outcome = drain_as_somebody_else();
  EXPECT_EQ(outcome.kind(), Kind::retry);
  EXPECT_EQ(outcome.message(), "looking for the rest of " + dir_.path("a.log") + ": " + dir_.path("a.log.1") +
                                   ": cannot open: Permission denied");
  EXPECT_EQ(all(), "one\n") << "nothing newer is read before it";
  allow("a.log.1", perms(0644));
  start();
  ASSERT_TRUE(drain_as_somebody_else().ok());
  EXPECT_EQ(all(), "one\ntwo\nthree\n");
}

}  // namespace
}  // namespace leat
