#include "os/file_changes.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/temp_dir.h"

namespace leat::os {
namespace {

constexpr uint64_t kForever = 600'000;

TEST(FileChanges, tells_what_was_written_made_and_renamed) {
  const testing::TempDir dir;
  const auto changes = make_file_changes();
  if (changes == nullptr) GTEST_SKIP() << "no inotify";
  dir.write("old", "1");
  changes->watch(dir.root());
  changes->watch(dir.root());
  using Paths = std::vector<std::string>;
  dir.append("old", "2");
  EXPECT_EQ(changes->wait_ms(kForever, {}), Paths{dir.path("old")});
  dir.rename("old", "new");
  EXPECT_EQ(changes->wait_ms(kForever, {}), (Paths{dir.path("old"), dir.path("new")}));
  dir.remove("new");
  EXPECT_EQ(changes->wait_ms(kForever, {}), Paths{dir.path("new")});
  EXPECT_EQ(changes->wait_ms(1, {}), Paths());
}

TEST(FileChanges, a_folder_that_is_not_there_is_not_told_of) {
  const testing::TempDir dir;
  const auto changes = make_file_changes();
  if (changes == nullptr) GTEST_SKIP() << "no inotify";
  changes->watch(dir.path("missing"));
  std::filesystem::create_directory(dir.path("missing"));
  dir.write("missing/a", "1");
  EXPECT_TRUE(changes->wait_ms(1, {}).empty());
  changes->watch(dir.path("missing"));
  dir.append("missing/a", "2");
  EXPECT_EQ(changes->wait_ms(kForever, {}), std::vector<std::string>{dir.path("missing/a")});
}

TEST(FileChanges, a_stop_ends_the_wait_and_the_next_one_is_another_matter) {
  const testing::TempDir dir;
  const auto changes = make_file_changes();
  if (changes == nullptr) GTEST_SKIP() << "no inotify";
  changes->watch(dir.root());
  for (int i = 0; i < 3; ++i) {
    std::stop_source stop;
    std::jthread later([&stop] { stop.request_stop(); });
    EXPECT_TRUE(changes->wait_ms(kForever, stop.get_token()).empty());
    dir.append("a", "1");
    EXPECT_FALSE(changes->wait_ms(kForever, {}).empty());
  }
}

}  // namespace
}  // namespace leat::os
