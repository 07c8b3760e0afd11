// Files that are renamed.

#include <functional>

#include "tests/support/file_source.h"

namespace leat {
namespace {

using testing::FileSourceTest;

TEST_F(FileSourceTest, drains_the_old_descriptor_after_a_rename) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.append("a.log.1", "two\n");  // the writer has not let go
  dir_.write("a.log", "three\n");
  ASSERT_TRUE(drain().ok());
  dir_.append("a.log.1", "late\n");
  dir_.append("a.log", "four\n");
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 1)], "one\ntwo\nlate\n");
  EXPECT_EQ(content_[part("a.log", 2)], "three\nfour\n");
  EXPECT_EQ(content_.size(), 2U);
}

TEST_F(FileSourceTest, finds_the_renamed_file_after_a_restart) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.append("a.log", "two\n");
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "three\n");
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 1)], "one\ntwo\n");
  EXPECT_EQ(content_[part("a.log", 2)], "three\n");
  EXPECT_EQ(order_.back(), part("a.log", 2));
}

// Something is done just before a file is opened or looked at.
class RotatedMeanwhile final : public os::FileSystem {
 public:
  using Rotate = std::function<void(const std::string& path)>;
  Rotate before_open = [](const std::string&) {};
  Rotate before_info = [](const std::string&) {};
  std::string unlisted;  // the next list lacks it

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::Links links) override {
    before_open(path);
    return os::file_system().open(path, links);
  }
  Result<std::optional<os::FileInfo>> info(const std::string& path, os::Links links) override {
    before_info(path);
    return os::file_system().info(path, links);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    LEAT_ASSIGN(std::vector<std::string> names, os::file_system().list(directory));
    std::erase(names, std::exchange(unlisted, {}));
    return names;
  }
  Result<std::vector<std::string>> glob(const std::string& pattern) override { return os::file_system().glob(pattern); }
};

TEST_F(FileSourceTest, a_rotation_in_the_middle_of_a_look_hides_nothing) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "two\n");
  RotatedMeanwhile files;
  bool rotated = false;
  files.before_open = [&](const std::string& path) {
    if (rotated || path != dir_.path("a.log")) return;  // a.log.1 is open already
    rotated = true;
    dir_.rename("a.log.1", "a.log.2");
    dir_.rename("a.log", "a.log.1");
    dir_.write("a.log", "three\n");
  };
  system_ = &files;
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_TRUE(rotated);
  EXPECT_EQ(all(), "one\ntwo\nthree\n");
  source_.reset();
  system_ = &files_;
}

TEST_F(FileSourceTest, a_rotation_in_the_middle_of_a_list_of_the_folder_hides_nothing) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.3");
  dir_.write("a.log.2", "two\n");
  dir_.write("a.log.1", "three\n");
  dir_.write("a.log", "four\n");
  RotatedMeanwhile files;
  files.unlisted = "a.log.2";
  system_ = &files;
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(files.unlisted, "");
  EXPECT_EQ(all(), "one\ntwo\nthree\nfour\n");
  source_.reset();
  system_ = &files_;
}

TEST_F(FileSourceTest, files_that_are_renamed_all_the_time_are_looked_at_later) {
  dir_.write("a.log", "one\n");
  int turns = 0;
  RotatedMeanwhile files;
  files.before_info = [&](const std::string& path) {
    if (path != dir_.path("a.log")) return;
    ++turns;
    dir_.rename("a.log", "a.log.1");
    dir_.write("a.log", "another\n");
  };
  system_ = &files;
  start();
  const Status outcome = drain();
  EXPECT_EQ(outcome.kind(), Kind::retry);
  EXPECT_EQ(outcome.message(), dir_.path("a.log") + ": its files are renamed faster than they can be looked at");
  EXPECT_GT(turns, 10);
  source_.reset();
  system_ = &files_;
}

TEST_F(FileSourceTest, takes_generations_born_and_renamed_while_away) {
  dir_.write("a.log.3", "older than us\n");
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log.3", "a.log.5");
  dir_.rename("a.log", "a.log.3");
  dir_.write("a.log.2", "two\n");
  dir_.write("a.log.1", "three\n");
  dir_.write("a.log", "four\n");
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\nthree\nfour\n");
}

TEST_F(FileSourceTest, takes_generations_renamed_twice_between_two_looks) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "two\n");
  dir_.rename("a.log.1", "a.log.2");
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "three\n");
  ASSERT_TRUE(drain().ok());
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\nthree\n");
}

TEST_F(FileSourceTest, the_same_first_line_in_old_and_new_file) {
  dir_.write("a.log", "twin\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "twin\ntwin\n");
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 1)], "twin\n");
  EXPECT_EQ(content_[part("a.log", 2)], "twin\ntwin\n");
}

TEST_F(FileSourceTest, dated_siblings_and_a_glob) {
  options_.include = {dir_.path("a.log*")};
  dir_.write("a.log-20260102", "two\n");
  dir_.write("a.log-20260101", "one\n");
  dir_.write("a.log", "three\n");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\nthree\n");
  dir_.rename("a.log", "a.log-20260103");
  dir_.write("a.log", "four\n");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\nthree\nfour\n");
  EXPECT_EQ(content_.size(), 4U);
}

TEST_F(FileSourceTest, a_copy_of_a_finished_sibling_is_not_read_twice) {
  options_.include = {dir_.path("a.log*")};
  const std::string bytes = std::string(2000, 'x') + "\n";
  dir_.write("a.log.1", bytes);
  dir_.write("a.log.2", bytes);
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), bytes);
  EXPECT_TRUE(noted("same bytes"));
}

TEST_F(FileSourceTest, first_lines_that_fit_nothing_are_taken_as_the_older_files_were) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "?\n");  // LineCutter knows it only when it was told the format
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\n?\n");
}

TEST_F(FileSourceTest, a_last_line_of_a_finished_file_is_a_record) {
  options_.linger_ms = 1000;
  dir_.write("a.log", "one\ntwo");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "three\n");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 1)], "one\ntwo");
  EXPECT_NE(positions_[part("a.log", 1)].token.find("done=1"), std::string::npos);
  EXPECT_EQ(content_[part("a.log", 2)], "three\n");
  dir_.remove("a.log.1");
  notes_.clear();
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_TRUE(notes_.empty()) << notes_.front();
}

// A log of one line, rotated, and a new one that begins with the same line.
TEST_F(FileSourceTest, a_short_log_that_the_next_one_begins_like_is_no_copy) {
  for (const bool killed : {false, true}) {
    content_.clear();
    positions_.clear();
    for (const char* old : {"a.log", "a.log.1", "a.log.2"}) dir_.remove(old);
    dir_.write("a.log", "one\n");
    start();
    ASSERT_TRUE(drain().ok());
    source_.reset();
    dir_.rename("a.log", "a.log.2");
    dir_.write("a.log.1", "two\n");
    dir_.write("a.log", "two\ntwo\nthree\n");
    start();
    if (killed) {
      ASSERT_TRUE(source_->read(std::stop_token()).ok());
      start();
    }
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    EXPECT_EQ(all(), "one\ntwo\ntwo\ntwo\nthree\n");
  }
}

// Not ready when it should have been read, and older than what is known when it is.
TEST_F(FileSourceTest, a_generation_that_was_missed_is_read_after_a_restart) {
  dir_.write("a.log.4", "older than us\n");
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  source_.reset();
  dir_.rename("a.log", "a.log.3");
  dir_.tick();
  dir_.write("away", "two\n");
  dir_.tick();
  dir_.write("a.log.1", "three\n");
  dir_.write("a.log", "four\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("away", "a.log.2");
  start();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\nthree\nfour\ntwo\n");
}

TEST_F(FileSourceTest, a_reused_inode_is_not_the_old_file) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  source_.reset();
  dir_.remove("a.log");
  dir_.write("a.log", "two\nthree\n");  // ext4 hands out the same inode at once
  start();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 2)], "two\nthree\n");
}

}  // namespace
}  // namespace leat
