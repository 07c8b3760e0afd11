#include "os/output_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace leat::os {
namespace {

class OutputFileTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("leat-output-" + std::to_string(::getpid()));
};

TEST_F(OutputFileTest, writes_on_through_a_rename_and_begins_anew_after_a_truncation) {
  ASSERT_TRUE(make_directory(path("a/b")).ok());
  ASSERT_TRUE(make_directory(path("a/b")).ok()) << "is there already";
  auto file = OutputFile::append_to(path("a/b/log"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->write("one\n").ok());
  ASSERT_TRUE(rename_file(path("a/b/log"), path("a/b/log.1")).ok());
  ASSERT_TRUE((*file)->write("two\n").ok());
  EXPECT_EQ(read("a/b/log.1"), "one\ntwo\n");
  ASSERT_TRUE((*file)->truncate().ok());
  ASSERT_TRUE((*file)->write("three\n").ok());
  EXPECT_EQ(read("a/b/log.1"), "three\n");
  ASSERT_TRUE(OutputFile::append_to(path("a/b/log.1")).ok());
  EXPECT_EQ(read("a/b/log.1"), "three\n") << "opening does not empty it";
  ASSERT_TRUE(remove_file(path("a/b/log.1")).ok());
  EXPECT_FALSE(std::filesystem::exists(path("a/b/log.1")));
}

TEST_F(OutputFileTest, replaces_a_file_whole) {
  ASSERT_TRUE(make_directory(folder_.string()).ok());
  std::ofstream(path("j.part")) << "left behind";
  ASSERT_TRUE(replace_file(path("j"), "old").ok());
  ASSERT_TRUE(replace_file(path("j"), "new").ok());
  EXPECT_EQ(read("j"), "new");
  EXPECT_FALSE(std::filesystem::exists(path("j.part")));
}

TEST_F(OutputFileTest, says_what_went_wrong) {
  ASSERT_TRUE(make_directory(folder_.string()).ok());
  std::ofstream(path("file")) << "x";
  EXPECT_EQ(make_directory(path("file/folder")).kind(), Kind::bad_config);
  EXPECT_EQ(make_directory(path("file/folder")).message(),
            path("file/folder") + ": cannot make this folder: Not a directory");
  EXPECT_EQ(OutputFile::append_to(folder_.string()).status().message(),
            folder_.string() + ": cannot open it for writing: Is a directory");
  EXPECT_EQ(rename_file(path("none"), path("other")).message(),
            path("none") + ": cannot rename it: No such file or directory (to " + path("other") + ")");
  EXPECT_EQ(remove_file(path("none")).message(), path("none") + ": cannot remove: No such file or directory");
}

}  // namespace
}  // namespace leat::os
