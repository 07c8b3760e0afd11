#include "os/limited_files.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace leat::os {
namespace {

std::string text_of(File& file) {
  std::string text(100, '\0');
  const auto size = file.read_at(0, text.data(), text.size());
  if (!size.ok()) return size.status().message();
  text.resize(*size);
  return text;
}

class LimitedFilesTest : public ::testing::Test {
 protected:
  std::unique_ptr<File> open(const char* name) {
    auto file = files_.open(dir_.path(name), Links::follow);
    return file.ok() ? *std::move(file) : nullptr;
  }
  testing::TempDir dir_;
  LimitedFiles files_{file_system(), 2};
};

TEST_F(LimitedFilesTest, a_closed_file_is_opened_again) {
  std::vector<std::unique_ptr<File>> opened;
  for (const char* name : {"a", "b", "c", "d"}) {
    dir_.write(name, name);
    opened.push_back(open(name));
  }
  EXPECT_EQ(open("missing"), nullptr);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(text_of(*opened[0]), "a");
    EXPECT_EQ(text_of(*opened[3]), "d");
    EXPECT_EQ(text_of(*opened[1]), "b");
    EXPECT_EQ(opened[2]->info()->size, 1U);
    opened[2] = open("c");
  }
}

TEST_F(LimitedFilesTest, a_renamed_file_stays_open) {
  dir_.write("a", "a");
  const auto a = open("a");
  dir_.rename("a", "a.1");
  dir_.write("a", "anew");
  dir_.write("b", "b");
  const auto b = open("b");
  const auto other = open("a");
  const auto another = open("b");
  EXPECT_EQ(text_of(*a), "a");
  EXPECT_EQ(text_of(*other), "anew");
}

TEST_F(LimitedFilesTest, a_file_that_is_renamed_when_it_is_closed_has_to_be_found_again) {
  for (const char* name : {"a", "b", "c"}) dir_.write(name, name);
  const auto a = open("a");
  const uint64_t inode = a->info()->inode;
  const auto b = open("b");
  const auto c = open("c");
  dir_.rename("a", "a.1");
  EXPECT_EQ(a->info()->inode, 0U);
  EXPECT_EQ(text_of(*a), dir_.path("a") + ": was renamed or removed just now; looking for it");
  dir_.write("a", "anew");
  EXPECT_NE(a->info()->inode, inode);
  EXPECT_EQ(text_of(*a), dir_.path("a") + ": was renamed or removed just now; looking for it");
}

}  // namespace
}  // namespace leat::os
