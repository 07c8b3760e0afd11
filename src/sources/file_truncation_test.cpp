// Files that are cut, and the copies that were made of them before.

#include <chrono>
#include <filesystem>

#include "tests/support/file_source.h"

namespace leat {
namespace {

using testing::FileSourceTest;

TEST_F(FileSourceTest, a_truncated_file_is_a_new_generation) {
  dir_.write("a.log", "one\ntwo\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.write("a.log", "3\n");
  ASSERT_TRUE(drain().ok());
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 1)], "one\ntwo\n");
  EXPECT_EQ(content_[part("a.log", 2)], "3\n");
  EXPECT_TRUE(noted("was truncated after 8 bytes of it had been read"));
}

TEST_F(FileSourceTest, truncated_and_grown_beyond_the_old_offset) {
  dir_.write("a.log", "one 1111\ntwo 2222\n");
  start();
  ASSERT_TRUE(drain().ok());
  const std::string anew = "one 1111\nthree\nfour and more than before\n";  // even the first line is the same
  dir_.write("a.log", anew);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 1)], "one 1111\ntwo 2222\n");
  EXPECT_EQ(content_[part("a.log", 2)], anew);
}

TEST_F(FileSourceTest, truncated_and_grown_while_away) {
  dir_.write("a.log", "one 1111\ntwo 2222\n");
  start();
  ASSERT_TRUE(drain().ok());
  const std::string anew = "one 1111\nthree\nfour and more than before\n";
  dir_.write("a.log", anew);
  start();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 1)], "one 1111\ntwo 2222\n");
  EXPECT_EQ(content_[part("a.log", 2)], anew);
  EXPECT_NE(positions_[part("a.log", 1)].token.find("done=1"), std::string::npos);
}

TEST_F(FileSourceTest, the_tail_that_a_copytruncate_moved_is_read_from_the_copy) {
  dir_.write("a.log", "one\ntwo\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.append("a.log", "three\n");
  std::filesystem::copy_file(dir_.path("a.log"), dir_.path("a.log.1"));
  dir_.write("a.log", "");
  dir_.append("a.log", "four\n");
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(content_[part("a.log", 1)], "one\ntwo\nthree\n");
  EXPECT_EQ(content_[part("a.log", 2)], "four\n");
  EXPECT_EQ(content_.size(), 2U);
}

TEST_F(FileSourceTest, a_copytruncate_seen_at_each_step_with_the_copy_in_the_glob) {
  for (const bool restarts : {false, true}) {
    content_.clear();
    positions_.clear();
    options_.include = {dir_.path("b.log*")};
    const std::string old = "one " + std::string(1500, '1') + "\ntwo " + std::string(1500, '2') + "\n";
    dir_.write("b.log", old);
    const auto step = [&] {
      if (restarts) start();
      for (int i = 0; i < 10; ++i) ASSERT_TRUE(drain().ok());
    };
    start();
    step();
    for (const size_t copied : {1U, 100U, 1024U, 2000U, 3000U}) {
      dir_.write("b.log.1", old.substr(0, copied));
      clock_.set_now_micros(
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count());
      step();
    }
    dir_.append("b.log", "three\n");
    dir_.write("b.log.1", old + "three\n");
    step();
    dir_.write("b.log", "");
    step();
    dir_.append("b.log", "four\n");
    step();
    EXPECT_EQ(all(), old + "three\nfour\n") << restarts;
    EXPECT_EQ(content_.size(), 2U) << restarts;
    dir_.remove("b.log");
    dir_.remove("b.log.1");
  }
}

// Neither the log nor its copy is known when leat starts: the copy must not be taken for a log of its own.
TEST_F(FileSourceTest, a_start_in_the_middle_of_a_copytruncate) {
  options_.include = {dir_.path("b.log*")};
  const std::string old = "one " + std::string(1500, '1') + "\ntwo " + std::string(1500, '2') + "\n";
  const auto set_clock = [&](int64_t later_s) {
    clock_.set_now_micros(std::chrono::duration_cast<std::chrono::microseconds>(
                              (std::chrono::system_clock::now() + std::chrono::seconds(later_s)).time_since_epoch())
                              .count());
  };
  for (const bool restarts : {false, true}) {
    for (const bool copied_long_ago : {false, true}) {
      for (const size_t copied : {size_t{0}, size_t{1}, size_t{100}, size_t{1024}, size_t{2000}, old.size()}) {
        const std::string about =
            std::to_string(copied) + (restarts ? " restarts" : "") + (copied_long_ago ? " old" : "");
        content_.clear();
        positions_.clear();
        dir_.write("b.log", old);
        dir_.tick();
        dir_.write("b.log.1", old.substr(0, copied));
        set_clock(copied_long_ago ? 60 : 0);
        start();
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(drain().ok());
        EXPECT_EQ(all(), old) << about;
        dir_.append("b.log", "three\n");
        dir_.write("b.log.1", old + "three\n");
        dir_.write("b.log", "");
        dir_.append("b.log", "four\n");
        set_clock(copied_long_ago ? 60 : 0);
        if (restarts) start();
        for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
        EXPECT_EQ(all(), old + "three\nfour\n") << about;
        EXPECT_EQ(content_.size(), 2U) << about;
        dir_.remove("b.log");
        dir_.remove("b.log.1");
      }
    }
  }
}

TEST_F(FileSourceTest, a_truncation_declares_what_was_seen_and_never_read) {
  options_.chunk_bytes = 1;
  dir_.write("a.log", "one\ntwo\nthree\n");
  start();
  auto reading = source_->read(std::stop_token());
  ASSERT_TRUE(reading.ok());
  take(reading->chunk);
  const uint64_t taken = content_[part("a.log", 1)].size();
  dir_.write("a.log", "4\n");
  uint64_t gap = 0;
  for (int i = 0; i < 40; ++i) {
    reading = source_->read(std::stop_token());
    ASSERT_TRUE(reading.ok());
    if (reading->what != Reading::What::chunk) continue;
    gap += reading->chunk.gap_bytes;
    if (reading->chunk.gap_bytes == 0) take(reading->chunk);
  }
  EXPECT_EQ(gap, 14 - taken);
  EXPECT_EQ(content_[part("a.log", 2)], "4\n");
}

TEST_F(FileSourceTest, two_files_written_and_truncated_in_turn) {
  options_.include = {dir_.path("log_a.txt"), dir_.path("log_b.txt")};
  dir_.write("log_a.txt", "");
  dir_.write("log_b.txt", "");
  start();
  std::string truth;
  for (int turn = 0; turn < 12; ++turn) {
    const std::string name = turn % 2 == 0 ? "log_a.txt" : "log_b.txt";
    dir_.write(name, "");
    for (int i = 0; i < 5; ++i) {
      const std::string line = "same length " + std::to_string(100 + turn * 5 + i) + "\n";
      dir_.append(name, line);
      truth += line;
      if (i == turn % 5) {
        if (turn % 3 == 0) start();
        ASSERT_TRUE(drain().ok());
      }
    }
  }
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  std::vector<std::string> lines;
  for (const auto& [part, bytes] : content_) {
    for (size_t at = 0; at < bytes.size(); at += 16) lines.push_back(bytes.substr(at, 16));
  }
  std::sort(lines.begin(), lines.end());
  std::string taken;
  for (const std::string& line : lines) taken += line;
  EXPECT_EQ(taken, truth);
}

}  // namespace
}  // namespace leat
