#include "app/written_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "app/web_log_lines.h"
#include "base/text.h"
#include "os/file_system.h"
#include "sources/compressed_file.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace leat::app {
namespace {

using leat::testing::FakeClock;
using leat::testing::TempDir;

class WrittenLogTest : public ::testing::Test {
 protected:
  WrittenLogTest() {
    settings_.directory = dir_.path("logs");
    settings_.copy = dir_.path("all");
    settings_.every = 100;
    clock_.set_now_micros(1'767'225'600'000'000);
  }

  // Writes so many lines, in batches of 1 to 60.
  void write(uint64_t lines) {
    auto made = WrittenLog::make(settings_, clock_);
    ASSERT_TRUE(made.ok()) << made.status().message();
    log_ = *std::move(made);
    WebLogLines source(settings_.seed, 1'767'225'600'000'000, 1'000'000);
    Random random(9);
    while (log_->lines() < lines) {
      const auto room = log_->room();
      ASSERT_TRUE(room.ok()) << room.status().message();
      ASSERT_GE(*room, 1U);
      const uint64_t count = std::min({*room, 1 + random.below(60), lines - log_->lines()});
      std::string text;
      for (uint64_t i = 0; i < count; ++i) source.add(text);
      clock_.advance_ms(count);
      ASSERT_TRUE(log_->write(text, count, source.clock()).ok());
    }
    ASSERT_TRUE(log_->end().ok());
  }

  [[nodiscard]] std::vector<std::string> names() const {
    auto found = os::file_system().list(settings_.directory);
    std::erase(*found, "journal.json");
    return *found;
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::string bytes = dir_.read("logs/" + name);
    if (compression_of_name(name) != Compression::gzip) return bytes;
    auto file = os::file_system().open(settings_.directory + "/" + name, os::Links::follow);
    auto gzip = open_compressed(*std::move(file), Compression::gzip, name);
    EXPECT_TRUE(*gzip->is_whole()) << name;
    std::string text(gzip->info()->size, '\0');
    EXPECT_EQ(*gzip->read_at(0, text.data(), text.size()), text.size());
    return text;
  }
  // The lines of all files, sorted.
  [[nodiscard]] std::vector<std::string> found() const {
    std::string text;
    for (const std::string& name : names()) text += content(name);
    return sorted(text);
  }
  static std::vector<std::string> sorted(const std::string& text) {
    std::vector<std::string> lines;
    for (const std::string_view line : split(text, '\n')) lines.emplace_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  [[nodiscard]] std::string journal() const { return dir_.read("logs/journal.json"); }

  TempDir dir_;
  FakeClock clock_;
  WrittenLogSettings settings_;
  std::unique_ptr<WrittenLog> log_;
};

TEST_F(WrittenLogTest, no_rotation_is_one_file_and_the_journal_has_its_hash) {
  settings_.in_pieces = true;
  write(250);
  EXPECT_EQ(names(), std::vector<std::string>{"access.log"});
  EXPECT_EQ(content("access.log"), dir_.read("all"));
  Sha256 hash;
  hash.add(dir_.read("all"));
  EXPECT_EQ(journal(), "{\"lines\":250,\"bytes\":" + std::to_string(dir_.read("all").size()) + ",\"sha256\":\"" +
                           hash.hex() + "\",\"rotations\":0,\"ended\":true,\"present\":[],\"truncated\":[]}\n");
}

TEST_F(WrittenLogTest, rename_keeps_every_line_and_writes_on_to_the_old_file_for_a_moment) {
  for (const bool in_pieces : {false, true}) {
    settings_.rotation = RotationKind::rename;
    settings_.in_pieces = in_pieces;
    write(1000);
    EXPECT_EQ(names().size(), 10U);
    EXPECT_EQ(names().front(), "access.log");
    EXPECT_EQ(names().back(), "access.log.9");
    EXPECT_EQ(found(), sorted(dir_.read("all")));
    size_t longer = 0;
    for (const std::string& name : names()) {
      const std::string text = content(name);
      EXPECT_TRUE(text.ends_with('\n')) << name;
      if (std::count(text.begin(), text.end(), '\n') > 100) ++longer;
    }
    EXPECT_GT(longer, 2U) << "it should write to some of the renamed files";
    std::filesystem::remove_all(settings_.directory);
    dir_.remove("all");
  }
}

TEST_F(WrittenLogTest, dates_and_gzip) {
  struct Case {
    bool dateext, delay;
    std::vector<std::string> names;
  };
  for (const Case& each : {Case{false, false, {"access.log", "access.log.1.gz", "access.log.2.gz", "access.log.3.gz"}},
                           Case{false, true, {"access.log", "access.log.1", "access.log.2.gz", "access.log.3.gz"}},
                           Case{true,
                                true,
                                {"access.log", "access.log-20260101-1767225704.gz", "access.log-20260101-1767225792.gz",
                                 "access.log-20260101-1767225883"}}}) {
    settings_.rotation = RotationKind::rename;
    settings_.dateext = each.dateext;
    settings_.compress = true;
    settings_.delaycompress = each.delay;
    write(400);
    EXPECT_EQ(names().size(), 4U);
    if (!each.dateext) {
      EXPECT_EQ(names(), each.names);
    } else {
      EXPECT_TRUE(names()[1].starts_with("access.log-20260101-1767225")) << names()[1];
      EXPECT_TRUE(names()[1].ends_with(".gz")) << names()[1];
      EXPECT_FALSE(names()[3].ends_with(".gz")) << names()[3];
    }
    EXPECT_EQ(found(), sorted(dir_.read("all")));
    std::filesystem::remove_all(settings_.directory);
    dir_.remove("all");
  }
}

TEST_F(WrittenLogTest, keeps_so_many) {
  settings_.rotation = RotationKind::rename;
  settings_.keep = 2;
  write(1000);
  EXPECT_EQ(names(), (std::vector<std::string>{"access.log", "access.log.1", "access.log.2"}));
}

// "first_line":N… of each entry of the journal.
std::vector<int64_t> numbers(const std::string& json, const std::string& key) {
  std::vector<int64_t> found;
  for (size_t at = json.find("\"" + key + "\":"); at != std::string::npos; at = json.find("\"" + key + "\":", at + 1)) {
    found.push_back(std::stoll(json.substr(at + key.size() + 3)));
  }
  return found;
}

TEST_F(WrittenLogTest, truncate_tells_what_is_gone_and_when_it_was_written) {
  settings_.rotation = RotationKind::truncate;
  write(250);
  const std::string all = dir_.read("all");
  EXPECT_TRUE(all.ends_with(content("access.log")));
  EXPECT_EQ(sorted(content("access.log")).size(), 51U);
  const std::string cut = journal().substr(journal().find("truncated"));
  EXPECT_EQ(numbers(cut, "first_line"), (std::vector<int64_t>{1, 101}));
  EXPECT_EQ(numbers(cut, "last_line"), (std::vector<int64_t>{100, 200}));
  EXPECT_EQ(numbers(journal(), "first_line"), (std::vector<int64_t>{201, 1, 101}));
  const auto bytes = numbers(cut, "bytes");
  EXPECT_EQ(static_cast<size_t>(bytes[0] + bytes[1]) + content("access.log").size(), all.size());
  EXPECT_EQ(numbers(cut, "at_us"), (std::vector<int64_t>{1'767'225'600'100'000, 1'767'225'600'200'000}));
  EXPECT_NE(cut.find("\"written\":[[1,"), std::string::npos);
}

TEST_F(WrittenLogTest, copytruncate_loses_only_what_comes_after_the_copy) {
  settings_.rotation = RotationKind::copytruncate;
  settings_.every = 200;
  write(2000);
  const auto first = numbers(journal(), "first_line");
  const auto last = numbers(journal(), "last_line");
  const auto copied = numbers(journal(), "copied_lines");
  ASSERT_EQ(copied.size(), 9U);
  ASSERT_EQ(first.size(), 10U);  // and what is present
  int64_t lost = 0;
  for (size_t i = 0; i < copied.size(); ++i) {
    const std::string copy = content("access.log." + std::to_string(copied.size() - i));
    EXPECT_EQ(std::count(copy.begin(), copy.end(), '\n'), copied[i]);
    lost += last[i + 1] - first[i + 1] + 1 - copied[i];
  }
  EXPECT_GT(lost, 0) << "some lines should fall between copy and truncation";
  EXPECT_EQ(found().size() + static_cast<size_t>(lost), sorted(dir_.read("all")).size());
}

TEST_F(WrittenLogTest, alternate_truncates_the_file_that_it_begins) {
  settings_.rotation = RotationKind::alternate;
  write(350);
  EXPECT_EQ(names(), (std::vector<std::string>{"log_a.txt", "log_b.txt"}));
  EXPECT_TRUE(dir_.read("all").ends_with(content("log_a.txt") + content("log_b.txt")));
  EXPECT_EQ(sorted(content("log_a.txt")).size(), 101U);
  EXPECT_EQ(sorted(content("log_b.txt")).size(), 51U);
  EXPECT_EQ(numbers(journal().substr(journal().find("truncated")), "first_line"), (std::vector<int64_t>{1, 101}));
}

TEST_F(WrittenLogTest, the_same_settings_give_the_same_files) {
  settings_.rotation = RotationKind::copytruncate;
  settings_.delaycompress = settings_.compress = true;
  write(1500);
  std::vector<std::string> before;
  for (const std::string& name : names()) before.push_back(name + content(name));
  std::filesystem::remove_all(settings_.directory);
  dir_.remove("all");
  write(1500);
  std::vector<std::string> after;
  for (const std::string& name : names()) after.push_back(name + content(name));
  EXPECT_EQ(before, after);
}

TEST_F(WrittenLogTest, every_one_line_is_rotated_if_so_asked) {
  for (const RotationKind kind :
       {RotationKind::rename, RotationKind::copytruncate, RotationKind::truncate, RotationKind::alternate}) {
    settings_.rotation = kind;
    settings_.every = 1;
    settings_.compress = kind == RotationKind::rename;
    write(20);
    EXPECT_EQ(log_->rotations(), 19U);
    std::filesystem::remove_all(settings_.directory);
    dir_.remove("all");
  }
}

TEST_F(WrittenLogTest, the_journal_is_there_while_it_writes) {
  settings_.rotation = RotationKind::truncate;
  auto log = WrittenLog::make(settings_, clock_);
  ASSERT_TRUE(log.ok());
  EXPECT_TRUE(journal().starts_with("{\"lines\":0,")) << journal();
  ASSERT_TRUE((*log)->write("one\n", 1, 0).ok());
  ASSERT_TRUE((*log)->save_journal_if_due().ok());
  EXPECT_TRUE(journal().starts_with("{\"lines\":0,")) << "too early";
  clock_.advance_ms(1001);
  ASSERT_TRUE((*log)->save_journal_if_due().ok());
  EXPECT_TRUE(journal().starts_with("{\"lines\":1,\"bytes\":4,")) << journal();
  EXPECT_NE(journal().find("\"ended\":false"), std::string::npos);
}

TEST_F(WrittenLogTest, does_not_write_over_a_log) {
  settings_.copy.clear();
  std::filesystem::create_directory(settings_.directory);
  dir_.write("logs/access.log", "");
  EXPECT_TRUE(WrittenLog::make(settings_, clock_).ok()) << "an empty one waits to be filled";
  EXPECT_EQ(WrittenLog::make(settings_, clock_).status().message(),
            settings_.directory + "/journal.json: is there already; name an empty folder with --out, or remove it");
  dir_.remove("logs/journal.json");
  dir_.write("logs/access.log.1", "old\n");
  EXPECT_EQ(WrittenLog::make(settings_, clock_).status().message(),
            settings_.directory + "/access.log.1: is there already; name an empty folder with --out, or remove it");
  dir_.remove("logs/access.log.1");
  settings_.copy = dir_.path("logs/other.txt");
  dir_.write("logs/other.txt", "old\n");
  EXPECT_EQ(WrittenLog::make(settings_, clock_).status().message(),
            settings_.copy + ": is there already; name another file with --copy");
  EXPECT_EQ(dir_.read("logs/other.txt"), "old\n");
}

}  // namespace
}  // namespace leat::app
