#include <gtest/gtest.h>

#include "sources/file.h"
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

class FileOutlineTest : public ::testing::Test {
 protected:
  std::unique_ptr<Source> open() {
    auto source = make_file_source(options_, files_, clock_, [](NoteLevel, const std::string&) {});
    SourceRequest request;
    request.resume = positions_;
    request.once = true;
    request.make_cutter = [](const std::string&) { return std::make_unique<TestCutter>(); };
    EXPECT_TRUE(source->open(std::move(request)).ok());
    return source;
  }

  // A run as the engine makes it; the positions are kept.
  void run() {
    const auto source = open();
    for (;;) {
      auto reading = source->read({});
      if (!reading.ok() || reading->what == Reading::What::end) return;
      const Position& end = reading->chunk.end;
      std::erase_if(positions_, [&](const Position& position) { return position.part == end.part; });
      positions_.push_back(end);
    }
  }

  // "NAME state offset left", a line each.
  std::string outline() {
    const auto parts = open()->outline();
    if (!parts.ok()) return parts.status().message();
    std::string text;
    for (const PartOutline& part : *parts) {
      constexpr const char* kNames[] = {"fresh", "begun", "finished", "copy", "gone", "trouble"};
      const std::string name = part.place.substr(part.place.rfind('/') + 1);
      text += (part.why.empty() ? name : part.why.substr(part.why.rfind('/') + 1)) + " " +
              kNames[static_cast<size_t>(part.state)] + " " + std::to_string(part.offset) + " " +
              std::to_string(part.left) + "\n";
    }
    return text;
  }

  TempDir dir_;
  FakeClock clock_;
  FaultFiles files_;
  FileOptions options_{.include = {dir_.path("*.log*")}};
  Positions positions_;
};

TEST_F(FileOutlineTest, NewFilesOldestFirst) {
  dir_.write("a.log.1", "one\n");
  dir_.write("a.log", "two\nthree");
  EXPECT_EQ(outline(), "a.log.1 fresh 0 4\na.log fresh 0 9\n");
  EXPECT_EQ(outline(), "a.log.1 fresh 0 4\na.log fresh 0 9\n");  // looking changes nothing
}

TEST_F(FileOutlineTest, WhatWasBegunGoesOn) {
  dir_.write("a.log", "one\n");
  run();
  EXPECT_EQ(outline(), "a.log begun 4 0\n");
  dir_.append("a.log", "two\n");
  EXPECT_EQ(outline(), "a.log begun 4 4\n");
}

TEST_F(FileOutlineTest, ARenamedFileIsTheSameGeneration) {
  dir_.write("a.log", "one\n");
  run();
  dir_.append("a.log", "two\n");
  dir_.rename("a.log", "a.log.1");
  dir_.write("a.log", "three\n");
  EXPECT_EQ(outline(), "a.log.1 begun 4 4\na.log fresh 0 6\n");
}

TEST_F(FileOutlineTest, AFileThatIsGone) {
  dir_.write("a.log", "one\n");
  run();
  dir_.remove("a.log");
  dir_.write("b.log", "two\n");
  EXPECT_EQ(outline(), "b.log fresh 0 4\na.log gone 4 0\n");
}

TEST_F(FileOutlineTest, ACopyIsPassedOver) {
  const std::string text(2000, 'x');
  dir_.write("a.log", text + "\n");
  run();
  dir_.write("a.log.1", text + "\n");
  const std::string found = outline();
  EXPECT_NE(found.find("a.log begun 2001 0"), std::string::npos) << found;
  EXPECT_EQ(found.find("fresh"), std::string::npos) << found;
}

TEST_F(FileOutlineTest, WhatIsMissing) {
  options_.include = {dir_.path("none.log")};
  EXPECT_EQ(outline(), "none.log: there is no such file trouble 0 0\n");
}

}  // namespace
}  // namespace leat
