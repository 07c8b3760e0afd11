#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "os/clock.h"
#include "os/file_system.h"
#include "os/process.h"
#include "tests/support/temp_dir.h"

namespace leat::os {
namespace {

using leat::testing::TempDir;

TEST(FileSystem, opens_reads_and_looks) {
  const TempDir dir;
  dir.write("a", "0123456789");
  auto file = file_system().open(dir.path("a"), Links::follow);
  ASSERT_TRUE(file.ok() && *file != nullptr);
  char bytes[8] = {};
  EXPECT_EQ(*(*file)->read_at(4, bytes, 3), 3U);
  EXPECT_EQ(std::string_view(bytes, 3), "456");
  EXPECT_EQ(*(*file)->read_at(8, bytes, 8), 2U) << "fewer only at the end";
  EXPECT_EQ(*(*file)->read_at(99, bytes, 8), 0U);
  const FileInfo info = *(*file)->info();
  EXPECT_EQ(info.size, 10U);
  EXPECT_TRUE(info.regular);
  EXPECT_EQ(info, **file_system().info(dir.path("a"), Links::follow));
}

TEST(FileSystem, missing_is_not_an_error) {
  const TempDir dir;
  EXPECT_EQ(*file_system().open(dir.path("none"), Links::follow), nullptr);
  EXPECT_FALSE(*file_system().info(dir.path("none"), Links::follow));
  EXPECT_FALSE(*file_system().info(dir.path("none/deeper"), Links::follow));
  EXPECT_TRUE(file_system().list(dir.path("none"))->empty());
  EXPECT_TRUE(file_system().glob(dir.path("none*"))->empty());
}

TEST(FileSystem, a_fifo_does_not_hold_us_and_links_can_be_refused) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo(dir.path("fifo").c_str(), 0600), 0);
  auto fifo = file_system().open(dir.path("fifo"), Links::follow);
  ASSERT_TRUE(fifo.ok());
  EXPECT_FALSE((*fifo)->info()->regular);
  dir.write("a", "x");
  ASSERT_EQ(::symlink("a", dir.path("link").c_str()), 0);
  EXPECT_TRUE(file_system().open(dir.path("link"), Links::follow).ok());
  auto refused = file_system().open(dir.path("link"), Links::refuse);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().kind(), Kind::retry);
  EXPECT_FALSE((*file_system().info(dir.path("link"), Links::refuse))->regular);
}

TEST(FileSystem, lists_and_globs_sorted) {
  const TempDir dir;
  for (const char* name : {"b.log", "a.log", "a.log.1"}) dir.write(name, "");
  EXPECT_EQ(*file_system().list(dir.root()), (std::vector<std::string>{"a.log", "a.log.1", "b.log"}));
  EXPECT_EQ(*file_system().glob(dir.path("*.log")), (std::vector<std::string>{dir.path("a.log"), dir.path("b.log")}));
}

TEST(ReadFile, whole_or_a_reason) {
  const TempDir dir;
  dir.write("a", "abc");
  EXPECT_EQ(*read_file(file_system(), dir.path("a"), 3), "abc");
  EXPECT_EQ(read_file(file_system(), dir.path("a"), 2).status().message(), dir.path("a") + ": is larger than 2 B");
  EXPECT_EQ(read_file(file_system(), dir.path("none"), 2).status().message(),
            dir.path("none") + ": there is no such file");
  EXPECT_EQ(read_file(file_system(), dir.root(), 2).status().message(), dir.root() + ": is not a file");
}

TEST(Clock, a_stop_ends_a_wait) {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop.request_stop();
  });
  EXPECT_FALSE(clock().wait_ms(60'000, stop.get_token()));
  EXPECT_TRUE(clock().wait_ms(1, std::stop_token()));
}

TEST(Process, a_later_process_with_the_same_number_is_not_taken_for_it) {
  const std::string self = self_name();
  EXPECT_TRUE(is_alive(self));
  EXPECT_FALSE(is_alive(""));
  EXPECT_FALSE(is_alive("pid 999999999 on nowhere (started 1 boot x)"));
  std::string other = self;
  char& digit = other[other.find("started ") + 8];
  digit = digit == '9' ? '8' : '9';
  EXPECT_FALSE(is_alive(other));
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string name = self_name();
    (void)!::write(pipe_ends[1], name.data(), name.size());
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  char name[256];
  const ssize_t size = ::read(pipe_ends[0], name, sizeof name);
  ASSERT_GT(size, 0);
  EXPECT_FALSE(is_alive(std::string(name, static_cast<size_t>(size))));
}

}  // namespace
}  // namespace leat::os
