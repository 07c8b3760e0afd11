#include "sources/file.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/fake_clock.h"
#include "tests/support/fault_files.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_cutter.h"

namespace leat {
namespace {

using testing::FakeClock;
using testing::FaultFiles;
using testing::TempDir;
using testing::TestCutter;

// A source and what a sink would keep of it: the bytes of every part, and the positions of the last commit.
class FileSourceTest : public ::testing::Test {
 protected:
  FileSourceTest() { options_.include = {dir_.path("a.log")}; }

  void start(bool once = false) {
    source_ = make_file_source(options_, files_, clock_,
                               [this](NoteLevel, const std::string& text) { notes_.push_back(text); });
    SourceRequest request;
    for (const auto& [part, position] : positions_) request.resume.push_back(position);
    request.once = once;
    request.make_cutter = [](const std::string&) { return std::make_unique<TestCutter>(); };
    const Status opened = source_->open(std::move(request));
    ASSERT_TRUE(opened.ok()) << opened.message();
  }

  // Reads until nothing is new (or the end); everything counts as committed.
  Status drain() {
    for (;;) {
      auto reading = source_->read(std::stop_token());
      if (!reading.ok()) return std::move(reading).status();
      if (reading->what != Reading::What::chunk) return {};
      take(reading->chunk);
    }
  }

  void take(const Chunk& chunk) {
    const std::string& part = chunk.end.part;
    EXPECT_EQ(chunk.start, content_[part].size()) << part;
    if (!chunk.bytes.empty()) provisional_.erase(part);  // else only the position moves
    if (chunk.provisional) {
      EXPECT_EQ(chunk.end.offset, chunk.start);
      provisional_[part] = chunk.bytes;
    } else {
      content_[part] += chunk.bytes;
      if (chunk.truncated) content_[part].resize(chunk.end.offset, '~');
      EXPECT_EQ(chunk.end.offset, content_[part].size());
    }
    positions_[part] = chunk.end;
    order_.push_back(part);
  }

  // Everything that was taken, part by part in order of their names; provisional records last.
  std::string all() {
    std::string text;
    for (const auto& [part, bytes] : content_) text += bytes;
    for (const auto& [part, bytes] : provisional_) text += "(" + bytes + ")";
    return text;
  }
  std::string part(std::string_view name, int number) { return dir_.path(name) + "#" + std::to_string(number); }
  bool noted(std::string_view text) {
    return std::any_of(notes_.begin(), notes_.end(),
                       [&](const std::string& note) { return note.find(text) != std::string::npos; });
  }

  TempDir dir_;
  FakeClock clock_;
  FaultFiles files_;
  FileOptions options_;
  std::unique_ptr<Source> source_;
  std::map<std::string, std::string> content_;
  std::map<std::string, std::string> provisional_;
  std::map<std::string, Position> positions_;
  std::vector<std::string> order_;
  std::vector<std::string> notes_;
};

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

TEST_F(FileSourceTest, a_refused_file_is_let_go_and_the_next_one_is_read) {
  dir_.write("a.log", "!refuse\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.remove("a.log");
  dir_.write("a.log", "ok\n");  // the same inode, as ext4 hands it out
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "ok\n");
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
