// Hundreds of files, and few that may be open.

#include <sys/resource.h>

#include <filesystem>

#include "tests/support/file_source.h"

namespace leat {
namespace {

using testing::FileSourceTest;

constexpr int kFiles = 300;

size_t open_files() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class LowLimit {
 public:
  LowLimit() {
    ::getrlimit(RLIMIT_NOFILE, &was_);
    const rlimit low{64, was_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  LowLimit(const LowLimit&) = delete;
  LowLimit& operator=(const LowLimit&) = delete;
  ~LowLimit() { ::setrlimit(RLIMIT_NOFILE, &was_); }

 private:
  rlimit was_{};
};

class ManyFilesTest : public FileSourceTest {
 protected:
  static std::string log(int number) { return "s" + std::to_string(number) + ".log"; }
  // What was taken of all lives of a log, the oldest first.
  std::string taken(int number) {
    std::string text;
    for (int life = 1; life < 9; ++life) text += content_[part(log(number), life)];
    return text;
  }
  // Counts the descriptors after each read as well.
  void drain_and_count() {
    for (;;) {
      auto reading = source_->read(std::stop_token());
      ASSERT_TRUE(reading.ok()) << reading.status().message();
      most_ = std::max(most_, open_files());
      if (reading->what != Reading::What::chunk) return;
      take(reading->chunk);
    }
  }
  size_t most_ = 0;
};

TEST_F(ManyFilesTest, all_are_read_and_followed_with_few_open) {
  const LowLimit low;
  const size_t before = open_files();
  options_.include = {dir_.path("s*.log")};
  for (int i = 0; i < kFiles; ++i) dir_.write(log(i), log(i) + " one\n");
  start();
  drain_and_count();
  for (int i = 0; i < kFiles; ++i) dir_.append(log(i), "two\n");
  drain_and_count();
  // Rotated, all at once and partly while they are closed; every third one is truncated, every third one as it was.
  for (int i = 0; i < kFiles; ++i) {
    dir_.append(log(i), "three\n");
    if (i % 3 == 0) dir_.rename(log(i), log(i) + ".1");
    if (i % 3 == 1) drain_and_count();
    if (i % 3 != 2) dir_.write(log(i), "four\n");
  }
  for (int i = 0; i < 30; ++i) drain_and_count();
  for (int i = 0; i < kFiles; ++i) {
    EXPECT_EQ(taken(i), log(i) + " one\ntwo\nthree\n" + (i % 3 != 2 ? "four\n" : "")) << i;
  }
  EXPECT_LE(most_, before + 64 / 4 + 3) << "files, and a few more while a folder is listed";
}

TEST_F(ManyFilesTest, a_whole_family_with_few_open) {
  const LowLimit low;
  const size_t before = open_files();
  options_.include = {dir_.path("a.log*")};
  std::string truth;
  for (int i = kFiles; i > 0; --i) {
    const std::string line = "number " + std::to_string(i) + "\n";
    dir_.write("a.log." + std::to_string(i), line);
    truth += line;
  }
  dir_.write("a.log", "live\n");
  start(true);
  drain_and_count();
  start(true);
  drain_and_count();
  std::string text;
  for (int i = 1; i <= kFiles + 1; ++i) text += content_[part("a.log", i)];
  EXPECT_EQ(text, truth + "live\n");
  EXPECT_LE(most_, before + 64 / 4 + 3);
}

}  // namespace
}  // namespace leat
