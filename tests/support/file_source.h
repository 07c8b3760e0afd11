#pragma once

// A file source on a folder of its own, and what a sink would keep of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sources/file.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fault_files.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_cutter.h"

namespace leat::testing {

// A source and what a sink would keep of it: the bytes of every part, and the positions of the last commit.
class FileSourceTest : public ::testing::Test {
 protected:
  FileSourceTest() { options_.include = {dir_.path("a.log")}; }

  void start(bool once = false) {
    source_ = make_file_source(options_, *system_, clock_,
                               [this](NoteLevel, const std::string& text) { notes_.push_back(text); });
    SourceRequest request;
    for (const auto& [part, position] : positions_) request.resume.push_back(position);
    request.once = once;
    request.make_cutter = [](const std::string&) { return std::make_unique<TestCutter>(); };
    const Status opened = source_->open(std::move(request));
    ASSERT_TRUE(opened.ok()) << opened.message();
  }

  // Reads until nothing is new (or the end); everything counts as committed.
  Status drain() {
    for (;;) {
      auto reading = source_->read(std::stop_token());
      if (!reading.ok()) return std::move(reading).status();
      if (reading->what != Reading::What::chunk) return {};
      take(reading->chunk);
    }
  }

  void take(const Chunk& chunk) {
    const std::string& part = chunk.end.part;
    EXPECT_EQ(chunk.start, content_[part].size()) << part;
    if (!chunk.bytes.empty()) provisional_.erase(part);  // else only the position moves
    if (chunk.provisional) {
      EXPECT_EQ(chunk.end.offset, chunk.start);
      provisional_[part] = chunk.bytes;
    } else {
      content_[part] += chunk.bytes + std::string(chunk.gap_bytes, '-');
      if (chunk.truncated) content_[part].resize(chunk.end.offset, '~');
      EXPECT_EQ(chunk.end.offset, content_[part].size());
    }
    positions_[part] = chunk.end;
    order_.push_back(part);
  }

  // Everything that was taken, part by part in order of their names; provisional records last.
  std::string all() {
    std::string text;
    for (const auto& [part, bytes] : content_) text += bytes;
    for (const auto& [part, bytes] : provisional_) text += "(" + bytes + ")";
    return text;
  }
  std::string part(std::string_view name, int number) { return dir_.path(name) + "#" + std::to_string(number); }
  bool noted(std::string_view text) {
    return std::any_of(notes_.begin(), notes_.end(),
                       [&](const std::string& note) { return note.find(text) != std::string::npos; });
  }

  TempDir dir_;
  FakeClock clock_;
  FaultFiles files_;
  os::FileSystem* system_ = &files_;
  FileOptions options_;
  std::unique_ptr<Source> source_;
  std::map<std::string, std::string> content_;
  std::map<std::string, std::string> provisional_;
  std::map<std::string, Position> positions_;
  std::vector<std::string> order_;
  std::vector<std::string> notes_;
};

}  // namespace leat::testing
