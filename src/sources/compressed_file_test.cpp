#include "sources/compressed_file.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/temp_dir.h"

namespace leat {
namespace {

using testing::TempDir;

class CompressedFileTest : public ::testing::Test {
 protected:
  CompressedFileTest() {
    for (int i = 0; text_.size() < 1'000'000; ++i) text_ += "line " + std::to_string(i * 7919) + "\n";
    dir_.write("a", text_);
    EXPECT_EQ(std::system(("gzip -k " + dir_.path("a")).c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
    gz_ = dir_.read("a.gz");
  }
  Result<std::unique_ptr<os::File>> open(const std::string& bytes) {
    dir_.write("b.gz", bytes);
    LEAT_ASSIGN(auto file, os::file_system().open(dir_.path("b.gz"), os::Links::follow));
    auto gzip = open_compressed(std::move(file), Compression::gzip, "b.gz");
    LEAT_ASSIGN(const bool whole, gzip->is_whole());
    if (!whole) gzip.reset();
    return std::unique_ptr<os::File>(std::move(gzip));
  }
  static std::string read(os::File& file, uint64_t offset, size_t size) {
    std::string bytes(size, '\0');
    auto n = file.read_at(offset, bytes.data(), size);
    EXPECT_TRUE(n.ok());
    bytes.resize(*n);
    return bytes;
  }
  TempDir dir_;
  std::string text_;
  std::string gz_;
};

TEST_F(CompressedFileTest, reads_forwards_and_back) {
  auto file = open(gz_);
  ASSERT_TRUE(file.ok() && *file != nullptr);
  EXPECT_EQ((*file)->info()->size, text_.size());
  EXPECT_EQ(read(**file, 0, 10), text_.substr(0, 10));
  EXPECT_EQ(read(**file, 500'000, 300'000), text_.substr(500'000, 300'000));
  EXPECT_EQ(read(**file, 7, 100), text_.substr(7, 100));
  EXPECT_EQ(read(**file, text_.size() - 5, 100), text_.substr(text_.size() - 5));
  EXPECT_EQ(read(**file, text_.size(), 100), "");
  EXPECT_EQ(read(**file, text_.size() + 1000, 100), "");
}

TEST_F(CompressedFileTest, members_one_after_the_other) {
  auto file = open(gz_ + gz_ + std::string(512, '\0'));
  ASSERT_TRUE(file.ok() && *file != nullptr);
  EXPECT_EQ((*file)->info()->size, 2 * text_.size());
  EXPECT_EQ(read(**file, text_.size() - 3, 6), text_.substr(text_.size() - 3) + text_.substr(0, 3));
}

TEST_F(CompressedFileTest, cut_at_any_byte_is_not_ready) {
  for (size_t cut = 0; cut < gz_.size(); cut += cut < 40 || cut + 40 > gz_.size() ? 1 : 4999) {
    auto file = open(gz_.substr(0, cut));
    ASSERT_TRUE(file.ok()) << cut << ": " << file.status().message();
    EXPECT_EQ(*file, nullptr) << cut;
  }
}

TEST_F(CompressedFileTest, damage_is_an_error) {
  std::string bad = gz_;
  bad[bad.size() - 6] = static_cast<char>(bad[bad.size() - 6] ^ 1);  // in the checksum
  EXPECT_FALSE(open(bad).ok());
  const auto no_gzip = open("this is plain text, not gzip");
  ASSERT_FALSE(no_gzip.ok());
  EXPECT_EQ(no_gzip.status().message().substr(0, 32), "b.gz: its gzip data is damaged n");
}

TEST_F(CompressedFileTest, nothing_inside) {
  dir_.write("empty", "");
  ASSERT_EQ(std::system(("gzip -k " + dir_.path("empty")).c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
  auto file = open(dir_.read("empty.gz"));
  ASSERT_TRUE(file.ok() && *file != nullptr);
  EXPECT_EQ((*file)->info()->size, 0U);
  EXPECT_EQ(read(**file, 0, 10), "");
}

}  // namespace
}  // namespace leat
