// Files of which nothing is delivered yet: they have a position all the same, and are sought after a restart.

#include <filesystem>

#include "tests/support/file_source.h"

namespace leat {
namespace {

using testing::FileSourceTest;

const std::string kLong(100, '7');  // enough first bytes to tell a file by

TEST_F(FileSourceTest, a_file_that_was_empty_is_found_when_it_was_renamed_while_away) {
  for (const std::string& begun : {std::string(), std::string("unfi"), kLong}) {
    content_.clear();
    positions_.clear();
    notes_.clear();
    dir_.write("a.log", begun);
    start();
    ASSERT_TRUE(drain().ok());
    EXPECT_EQ(positions_[part("a.log", 1)].offset, 0U) << begun;
    dir_.append("a.log", "one\n");
    dir_.rename("a.log", "a.log.1");
    dir_.write("a.log", "two\n");
    start();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    EXPECT_EQ(content_[part("a.log", 1)], begun + "one\n");
    EXPECT_EQ(content_[part("a.log", 2)], "two\n") << begun;
    EXPECT_TRUE(notes_.empty()) << notes_.front();
  }
}

// Its writer lets go late: when it goes on, a newer file has a position already.
TEST_F(FileSourceTest, a_file_of_which_nothing_was_delivered_is_older_than_one_that_was_begun) {
  for (const std::string& begun : {std::string(), std::string("unfi"), kLong}) {
    content_.clear();
    positions_.clear();
    dir_.write("a.log", begun);
    start();
    ASSERT_TRUE(drain().ok());
    dir_.rename("a.log", "a.log.1");
    dir_.write("a.log", "two\n");
    ASSERT_TRUE(drain().ok());
    EXPECT_EQ(content_[part("a.log", 2)], "two\n") << begun;
    source_.reset();
    dir_.append("a.log.1", "one\n");
    dir_.rename("a.log.1", "a.log.2");
    dir_.rename("a.log", "a.log.1");
    dir_.write("a.log", "three\n");
    start();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    EXPECT_EQ(content_[part("a.log", 1)], begun + "one\n");
    EXPECT_EQ(all(), begun + "one\ntwo\nthree\n");
    dir_.remove("a.log.1");
    dir_.remove("a.log.2");
  }
}

TEST_F(FileSourceTest, the_position_of_a_file_without_a_record_grows_with_it) {
  dir_.write("a.log", "");
  start();
  ASSERT_TRUE(drain().ok());
  EXPECT_NE(positions_[part("a.log", 1)].token.find(" seen=0:"), std::string::npos);
  dir_.append("a.log", kLong);
  ASSERT_TRUE(drain().ok());
  EXPECT_NE(positions_[part("a.log", 1)].token.find(" seen=100:"), std::string::npos);
  const size_t deliveries = order_.size();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(order_.size(), deliveries) << "nothing is new";
  start();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(order_.size(), deliveries) << "nothing is new";
  dir_.append("a.log", "\n");
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(positions_[part("a.log", 1)].token.find(" seen="), std::string::npos);
  EXPECT_EQ(all(), kLong + "\n");
}

// Enough bytes tell a file by themselves; few are those of many a log, which nobody has asked for.
TEST_F(FileSourceTest, a_few_first_bytes_tell_a_file_only_with_its_inode) {
  for (const bool telling : {false, true}) {
    content_.clear();
    positions_.clear();
    notes_.clear();
    const std::string begun = telling ? kLong : "1";
    dir_.write("a.log.2", "10.0.0.1 is old\n");
    dir_.write("a.log", begun);
    start();
    ASSERT_TRUE(drain().ok());
    dir_.append("a.log", "one\n");
    std::filesystem::copy_file(dir_.path("a.log"), dir_.path("a.log.1"));
    dir_.rename("a.log", "away");
    dir_.write("a.log", "two\n");
    std::filesystem::last_write_time(dir_.path("a.log.1"),
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    start();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
    EXPECT_EQ(all(), telling ? begun + "one\ntwo\n" : "-two\n") << "older siblings are not asked for";
    EXPECT_EQ(noted("a gap of 1 bytes"), !telling);
    dir_.remove("a.log.1");
    dir_.remove("a.log.2");
  }
}

// Of a token; `name` with the space before and the '=' behind it.
std::string value_of(const std::string& token, const std::string& name) {
  const size_t at = token.find(name) + name.size();
  return token.substr(at, token.find(' ', at) - at);
}
void replace_value(std::string& token, const std::string& name, const std::string& value) {
  token.replace(token.find(name) + name.size(), value_of(token, name).size(), value);
}

// The inode of an empty file that is gone may be that of any other by now: bytes that were delivered tell more.
TEST_F(FileSourceTest, a_file_that_was_begun_is_never_taken_for_one_that_was_empty) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "");
  ASSERT_TRUE(drain().ok());
  ASSERT_EQ(positions_.count(part("a.log", 2)), 1U);
  // As if they were the same file.
  const std::string& begun = positions_[part("a.log", 1)].token;
  std::string& empty = positions_[part("a.log", 2)].token;
  for (const char* name : {" ino=", " born="}) replace_value(empty, name, value_of(begun, name));
  source_.reset();
  dir_.remove("a.log");
  start();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\n");
}

// … as it tells more when the other file was made.
TEST_F(FileSourceTest, a_file_made_later_is_never_taken_for_one_that_was_empty) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "");
  ASSERT_TRUE(drain().ok());
  ASSERT_EQ(positions_.count(part("a.log", 2)), 1U);
  source_.reset();
  dir_.append("a.log", "two\n");
  dir_.rename("a.log.1", "a.log.3");
  dir_.rename("a.log", "a.log.2");
  ASSERT_EQ(std::system(("gzip -n " + dir_.path("a.log.2")).c_str()), 0);
  dir_.tick();
  dir_.write("a.log.1", "three\n");
  dir_.write("a.log", "four\n");
  // As if a.log.1 had the inode that a.log.2 had.
  const auto info = os::file_system().info(dir_.path("a.log.1"), os::Links::follow);
  replace_value(positions_[part("a.log", 2)].token, " ino=", std::to_string((*info)->inode));
  start();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\nthree\nfour\n");
}

// A log that was empty when it was last seen is copied and truncated while nobody looks: it has the same inode still,
// but what had been written to it is in the copy.
TEST_F(FileSourceTest, a_copy_of_what_was_written_to_an_empty_file_while_away_is_read) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.2");
  dir_.write("a.log", "");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(drain().ok());
  source_.reset();
  dir_.append("a.log", "two\n");
  std::filesystem::copy_file(dir_.path("a.log"), dir_.path("a.log.1"));
  dir_.write("a.log", "");
  dir_.append("a.log", "three\n");
  start();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\nthree\ntwo\n");
  EXPECT_EQ(content_.size(), 3U);
}

TEST_F(FileSourceTest, lines_that_fit_nothing_yet_are_taken_as_the_older_files_were_after_a_restart_too) {
  dir_.write("a.log", "one\n");
  start();
  ASSERT_TRUE(drain().ok());
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "");
  ASSERT_TRUE(drain().ok());
  ASSERT_EQ(positions_.count(part("a.log", 2)), 1U);
  dir_.append("a.log", "?\n");  // the cutter knows it only when it was told the format
  start();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\n?\n");
}

TEST_F(FileSourceTest, a_run_that_ends_keeps_the_position_of_an_empty_file) {
  dir_.write("a.log", "");
  start(true);
  ASSERT_TRUE(drain().ok());
  dir_.append("a.log", "one\n");
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "two\n");
  start(true);
  ASSERT_TRUE(drain().ok());
  EXPECT_EQ(all(), "one\ntwo\n");
}

// A log that waits behind an older sibling, of which the first chunk is read: each chunk is one record.
class WaitingLog : public FileSourceTest {
 protected:
  WaitingLog() {
    options_.chunk_bytes = 1;
    for (int i = 0; i < 40; ++i) backlog_ += "a line to read first " + std::to_string(i) + "\n";
    dir_.write("a.log", "zero\n");
  }

  void start_on_the_backlog(const std::string& live) {
    start();
    ASSERT_TRUE(drain().ok());
    source_.reset();
    dir_.append("a.log", backlog_);
    dir_.rename("a.log", "a.log.2");
    dir_.write("a.log", live);
  }
  void copy_and_truncate() {
    copy();
    dir_.write("a.log", "");
  }
  void copy() { std::filesystem::copy_file(dir_.path("a.log"), dir_.path("a.log.1")); }
  void set_clock(int later_s) {
    clock_.set_now_micros(std::chrono::duration_cast<std::chrono::microseconds>(
                              (std::chrono::system_clock::now() + std::chrono::seconds(later_s)).time_since_epoch())
                              .count());
  }
  void read_chunks(int count) {
    for (int i = 0; i < count; ++i) {
      auto reading = source_->read(std::stop_token());
      ASSERT_TRUE(reading.ok()) << reading.status().message();
      ASSERT_EQ(reading->what, Reading::What::chunk);
      take(reading->chunk);
    }
  }
  void read_all() {
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(drain().ok());
  }
  std::string truth(const std::string& rest) { return "zero\n" + backlog_ + rest; }

  std::string backlog_;
  const std::string old_ = "one " + std::string(1500, '1') + "\ntwo " + std::string(1500, '2') + "\n";
};

// leat starts in the middle of a copytruncate and is killed before the copy is old enough to be told from a log.
TEST_F(WaitingLog, is_found_in_its_copy_when_it_was_truncated_before_its_turn) {
  start_on_the_backlog(old_);
  copy();
  set_clock(0);
  start();
  read_chunks(5);
  dir_.write("a.log", "three\n");
  while (content_[part("a.log", 1)] != truth("")) read_chunks(1);
  const std::string three = "three\n";
  for (int i = 0; i < 5 && all() != truth(old_ + three) && all() != truth(three); ++i) ASSERT_TRUE(drain().ok());
  set_clock(60);
  start();
  read_all();
  EXPECT_EQ(all(), truth(old_ + three));
  EXPECT_EQ(content_.size(), 3U);
}

TEST_F(WaitingLog, is_found_in_its_copy_when_it_was_truncated_while_away) {
  start_on_the_backlog(old_);
  set_clock(0);
  start();
  read_chunks(5);
  source_.reset();
  copy_and_truncate();
  dir_.append("a.log", "three\n");
  set_clock(60);
  start();
  read_all();
  EXPECT_EQ(all(), truth(old_ + "three\n"));
  EXPECT_EQ(content_.size(), 3U);
}

// Empty when it was found: what is written to it is seen while the older one is still read.
TEST_F(WaitingLog, is_looked_at_while_it_waits) {
  start_on_the_backlog("");
  set_clock(0);
  start();
  read_chunks(5);
  dir_.append("a.log", old_);
  clock_.advance_ms(options_.poll_ms);
  read_chunks(5);
  copy_and_truncate();
  dir_.append("a.log", "three\n");
  read_all();
  EXPECT_EQ(all(), truth(old_ + "three\n"));
  EXPECT_EQ(content_.size(), 3U);
}

TEST_F(WaitingLog, is_not_read_twice_when_its_copy_is_in_the_glob) {
  options_.include = {dir_.path("a.log*")};
  for (const int copied_s_ago : {0, 60}) {
    content_.clear();
    positions_.clear();
    dir_.write("a.log", "zero\n");
    start_on_the_backlog(old_);
    set_clock(0);
    start();
    read_chunks(5);
    copy();
    dir_.append("a.log", "three\n");  // not in the copy
    set_clock(copied_s_ago);
    clock_.advance_ms(1000);  // a scan
    read_all();
    dir_.write("a.log", "");
    dir_.append("a.log", "four\n");
    set_clock(60);
    read_all();
    EXPECT_EQ(all(), truth(old_ + "three\nfour\n")) << copied_s_ago;
    dir_.remove("a.log.1");
    dir_.remove("a.log.2");
  }
}

TEST_F(WaitingLog, that_was_truncated_without_a_copy_is_a_gap) {
  start_on_the_backlog(old_);
  start();
  read_chunks(5);
  dir_.write("a.log", "three\n");
  read_all();
  EXPECT_EQ(all(), truth(std::string(old_.size(), '-') + "three\n"));
  EXPECT_TRUE(noted("was truncated after 0 bytes of it had been read (3010 more were seen)"));
  EXPECT_TRUE(noted("a gap of 3010 bytes"));
}

// Its format may be told to leat later: then it is a new file, and nobody is asked for it when it is not.
TEST_F(FileSourceTest, a_file_that_is_refused_has_no_position) {
  dir_.write("a.log", "!refuse\n");
  start();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(drain().ok());
  EXPECT_TRUE(positions_.empty());
}

}  // namespace
}  // namespace leat
