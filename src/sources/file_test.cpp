// Files that are whole, that grow, and their last lines.

#include <chrono>
#include <filesystem>

#include "tests/support/file_source.h"

namespace leat {
namespace {

using testing::FileSourceTest;

TEST_F(FileSourceTest, reads_a_finished_file_once) {
  dir_.write("a.log", "one\ntwo\n");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\n");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\n");
  EXPECT_EQ(content_.size(), 1U);
}

TEST_F(FileSourceTest, follows_a_growing_file) {
  dir_.write("a.log", "one\ntw");
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\n");
  dir_.append("a.log", "o\nthree");
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\n");
  dir_.append("a.log", "\n");
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\nthree\n");
}

// The clock stands still unless the source waits by it: only what the system tells makes it look at the file again.
TEST_F(FileSourceTest, a_change_that_the_system_tells_of_is_read_at_once) {
  if (os::make_file_changes() == nullptr) GTEST_SKIP() << "no inotify";
  system_ = &os::file_system();
  options_.include = {dir_.path("a*.log")};
  dir_.write("a1.log", "one\n");
  dir_.write("a2.log", "uno\n");
  start();
  const auto take_next = [&] {
    auto reading = source_->read(std::stop_token());
    ASSERT_TRUE(reading.ok());
    ASSERT_EQ(reading->what, Reading::What::chunk);
    take(reading->chunk);
  };
  take_next();
  take_next();
  for (int i = 0; i < 20; ++i) {
    dir_.append(i % 2 == 0 ? "a1.log" : "a2.log", "more\n");
    take_next();
  }
  dir_.rename("a1.log", "a1.log.1");
  dir_.append("a1.log.1", "late\n");
  take_next();
  dir_.write("a2.log", "anew\n");
  while (content_.count(part("a2.log", 2)) == 0 || content_[part("a2.log", 2)].empty()) take_next();
  EXPECT_TRUE(content_[part("a1.log", 1)].ends_with("more\nlate\n"));
  EXPECT_EQ(content_[part("a2.log", 2)], "anew\n");
  EXPECT_EQ(clock_.waits(), 0U);
}

TEST_F(FileSourceTest, resumes_at_the_position) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.append("a.log", "two\n");
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\n");
  EXPECT_EQ(content_.size(), 1U);
}

TEST_F(FileSourceTest, a_last_line_without_newline_is_provisional_at_the_end_of_a_run) {
  dir_.write("a.log", "one\ntwo");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\n(two)");
  const size_t deliveries = order_.size();
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(order_.size(), deliveries) << "nothing is new";
  dir_.append("a.log", " and more");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\n(two and more)");
  dir_.append("a.log", "\nthree\n");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo and more\nthree\n");
}

TEST_F(FileSourceTest, a_provisional_line_at_the_very_beginning_is_the_same_generation) {
  dir_.write("a.log", "one");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "(one)");
  const size_t deliveries = order_.size();
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(order_.size(), deliveries) << "nothing is new";
  dir_.append("a.log", " more");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "(one more)");
  dir_.append("a.log", "\n");
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "two\n");
  start();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one more\ntwo\n");
  EXPECT_EQ(content_.size(), 2U);
  EXPECT_FALSE(noted("gone"));
}

TEST_F(FileSourceTest, a_provisional_line_that_was_replaced_is_another_generation) {
  dir_.write("a.log", "one");
  start(true);
  ASSERT_TRUE(drain().ok());
  dir_.write("a.log", "two and more\n");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "two and more\n(one)");
}

TEST_F(FileSourceTest, a_chunk_holds_no_more_than_so_many_lines) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "x\n";
  dir_.write("a.log", text);
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), text);
  EXPECT_GE(order_.size(), 5U);
}

TEST_F(FileSourceTest, over_long_lines_are_cut_whatever_the_chunk) {
  const std::string text = "one\n" + std::string(500, 'L') + "\ntwo\n" + std::string(3000, 'M') + "\n";
  for (const uint64_t chunk_bytes : {1U, 64U, 1000U, 100000U}) {
    content_.clear();
    positions_.clear();
    options_.chunk_bytes = chunk_bytes;
    options_.max_record_bytes = 400;
    dir_.write("a.log", text);
    start(true);
    ASSERT_TRUE(drain().ok());
    std::string expected = "one\n" + std::string(400, 'L') + std::string(101, '~') + "two\n";
    expected += std::string(400, 'M') + std::string(2601, '~');
    EXPECT_EQ(all(), expected) << chunk_bytes;
    dir_.append("a.log", "three\n");
    start(true);
    ASSERT_TRUE(drain().ok());
    EXPECT_EQ(all(), expected + "three\n") << chunk_bytes;
  }
}

TEST_F(FileSourceTest, several_families_take_turns_oldest_first) {
  options_.include = {dir_.path("b.log"), dir_.path("a.log")};
  dir_.write("b.log", "b\n");
  dir_.write("a.log", "a\n");
  std::filesystem::last_write_time(dir_.path("b.log"),
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(order_, (std::vector<std::string>{part("b.log", 1), part("a.log", 1)}));
}

TEST_F(FileSourceTest, says_how_much_is_left) {
  dir_.write("a.log", "one\ntwo\n");
  options_.chunk_bytes = 1;
  start();
  EXPECT_FALSE(source_->backlog_bytes());
  auto reading = source_->read(std::stop_token());
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ(*source_->backlog_bytes(), 8U - reading->chunk.bytes.size());
}

}  // namespace
}  // namespace leat
