#include "os/spool_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace leat::os {
namespace {

using testing::TempDir;

TEST(SpoolFile, GrowsAndIsCutBackToWhatIsKnown) {
  const TempDir folder;
  const std::string path = folder.path("file");
  {
    const auto file = SpoolFile::open(path, 0);
    ASSERT_TRUE(file.ok()) << file.status().message();
    ASSERT_TRUE((*file)->append("known").ok());
    ASSERT_TRUE((*file)->sync().ok());
    ASSERT_TRUE((*file)->append(" and more").ok());
    EXPECT_EQ((*file)->size(), 14);
  }
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600);
  const auto again = SpoolFile::open(path, 5);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(folder.read("file"), "known");
  ASSERT_TRUE((*again)->append(", then").ok());
  EXPECT_EQ(folder.read("file"), "known, then");
}

TEST(SpoolFile, SaysThatTheDiskHasLostSomething) {
  const TempDir folder;
  folder.write("file", "abc");
  for (const auto& [name, has] : {std::pair("file", 3), {"gone", 0}}) {
    const auto file = SpoolFile::open(folder.path(name), 4);
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.status().kind(), Kind::fatal);
    EXPECT_EQ(file.status().message(),
              folder.path(name) + ": has " + std::to_string(has) +
                  " bytes, where 4 were written and synced: rows are lost that were taken from their source; put the "
                  "file back, or go back with `leat state rewind`");
  }
  EXPECT_EQ(SpoolFile::open(folder.path("no/folder"), 0).status().kind(), Kind::bad_config);
}

}  // namespace
}  // namespace leat::os
