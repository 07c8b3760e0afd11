#include "sinks/files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "sinks/files_path.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

namespace fs = std::filesystem;

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class FilesSinkTest : public testing::Test {
 protected:
  FilesSinkTest() {
    plan_.aggregates.clear();
    options_.path = folder_.file("lake/status={status}");
  }
  std::unique_ptr<Sink> make() { return make_files_sink(options_, os::clock(), nullptr); }
  [[nodiscard]] std::string root() const { return folder_.file("lake"); }
  // Paths below the root, sorted; without the books.
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root())) {
      const std::string path = fs::relative(entry.path(), root()).string();
      if (entry.is_regular_file() && !path.starts_with("_leat")) found.push_back(path);
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  // The lines of all complete files, without the headers, sorted.
  [[nodiscard]] std::vector<std::string> rows() const {
    std::vector<std::string> found;
    for (const std::string& path : files()) {
      if (path.ends_with(".part")) continue;
      std::ifstream in(root() + "/" + path);
      std::string line;
      bool head = options_.format == &kCsvFiles;
      while (std::getline(in, line)) {
        if (!head) found.push_back(line);
        head = false;
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  [[nodiscard]] VerifyReport verified() const {
    auto store = open_files_store(options_.path);
    EXPECT_TRUE(store.ok()) << store.status().message();
    auto report = (*store)->verify(nullptr);
    EXPECT_TRUE(report.ok()) << report.status().message();
    return *report;
  }
  [[nodiscard]] std::string refusal(const SinkPlan& plan) {
    const auto positions = make()->open(plan);
    EXPECT_EQ(positions.status().kind(), Kind::bad_config);
    std::string message = positions.status().message();
    for (size_t at; (at = message.find(folder_.path())) != std::string::npos;)
      message.replace(at, folder_.path().size(), "DIR");
    return message;
  }

  TemporaryFolder folder_;
  FilesOptions options_;
  SinkPlan plan_ = feed_plan();
};

TEST_F(FilesSinkTest, EachRowIsInOneFileOnce) {
  options_.max_rows = 40;
  ASSERT_TRUE(run_feed(*make(), plan_, {"a", "b"}, 700, 5).ok());
  const VerifyReport report = verified();
  EXPECT_EQ(report.problems, std::vector<std::string>());
  EXPECT_EQ(report.rows, 1200U);
  EXPECT_EQ(report.rejects, 200U);
  EXPECT_EQ(rows().size(), 1200U);
  for (const std::string& path : files()) {
    EXPECT_TRUE(path.ends_with(".csv")) << path << ": all are complete at the end";
    const std::string text = content(root() + "/" + path);
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 41 + 5) << path;
    EXPECT_TRUE(text.starts_with("time,addr,status,seconds,")) << path;
  }
  EXPECT_GT(files().size(), 1200U / 45);
}

TEST_F(FilesSinkTest, WhatWasNotCommittedIsGoneAfterACrash) {
  for (const char* compression : {"none", "gzip", "zstd"}) {
    const TemporaryFolder folder;
    options_.path = folder.file("lake/status={status}");
    options_.compression = compression;
    for (uint64_t record = 0; record < 60; record += 20) {
      const auto sink = make();
      const auto positions = sink->open(plan_);
      ASSERT_TRUE(positions.ok()) << positions.status().message();
      EXPECT_EQ(positions->empty() ? 0 : positions->front().offset, record * 10);
      FeedLine line(*sink);
      ASSERT_TRUE(line.write(feed_batch("a", record, 20)).ok());
      ASSERT_TRUE(line.commit().ok());
      ASSERT_TRUE(line.write(feed_batch("a", record + 20, 9)).ok());
      sink->rollback();  // as a kill would have it: nothing more is written
    }
    ASSERT_TRUE(run_feed(*make(), plan_, {"a"}, 70, 5).ok());
    EXPECT_EQ(verified().problems, std::vector<std::string>()) << compression;
    EXPECT_EQ(verified().rows, 60U);
  }
}

TEST_F(FilesSinkTest, AContinuedFileIsTheFileOfOneRun) {
  options_.path = folder_.file("lake");
  std::string parts;
  for (uint64_t record = 0; record < 60; record += 20) {
    const auto sink = make();
    ASSERT_TRUE(sink->open(plan_).ok());
    FeedLine line(*sink);
    ASSERT_TRUE(line.write(feed_batch("a", record, 20)).ok());
    ASSERT_TRUE(line.commit().ok());
    ASSERT_EQ(files(), std::vector<std::string>{plan_.table + "-00000001.csv.part"});
    parts = content(root() + "/" + files().at(0));
    ASSERT_TRUE(line.write(feed_batch("a", record + 20, 9)).ok());
    sink->rollback();
  }
  options_.path = folder_.file("other");
  ASSERT_TRUE(run_feed(*make(), plan_, {"a"}, 60, 5).ok());
  EXPECT_EQ(content(folder_.file("other/" + plan_.table + "-00000001.csv")), parts);
}

TEST_F(FilesSinkTest, LeftoversOfACrashAreSettled) {
  options_.path = folder_.file("lake");
  ASSERT_TRUE(run_feed(*make(), plan_, {"a"}, 20, 5).ok());
  const std::string name = root() + "/" + files().at(0);
  const std::string before = content(name);
  // It was killed between the commit and the new name; another one before the commit.
  fs::rename(name, name + ".part");
  std::ofstream(root() + "/" + plan_.table + "-00000009.csv.part") << "x";
  std::ofstream(root() + "/" + plan_.table + "-00000008.csv") << "x";
  std::ofstream(root() + "/mine.csv") << "x";
  EXPECT_EQ(verified().problems, std::vector<std::string>());
  ASSERT_TRUE(make()->open(plan_).ok());
  EXPECT_EQ(files(), (std::vector<std::string>{plan_.table + "-00000001.csv", "mine.csv"}));
  EXPECT_EQ(content(name), before);
}

TEST_F(FilesSinkTest, AProvisionalRowIsAFileOfItsOwn) {
  options_.path = folder_.file("lake");
  ASSERT_TRUE(run_feed(*make(), plan_, {"a"}, 5, 5, "begun").ok());
  EXPECT_EQ(files().size(), 2U);
  EXPECT_EQ(verified().problems, std::vector<std::string>());
  const size_t rows_before = rows().size();
  ASSERT_TRUE(run_feed(*make(), plan_, {"a"}, 5, 5, "begun and more").ok());
  EXPECT_EQ(files().size(), 2U);
  EXPECT_EQ(rows().size(), rows_before);
  ASSERT_TRUE(run_feed(*make(), plan_, {"a"}, 10, 5).ok());
  EXPECT_EQ(verified().problems, std::vector<std::string>());
  EXPECT_EQ(verified().rows, rows().size());
}

TEST_F(FilesSinkTest, VerifyFindsWhatWasDoneToFiles) {
  options_.path = folder_.file("lake");
  ASSERT_TRUE(run_feed(*make(), plan_, {"a"}, 50, 5).ok());
  const std::string name = root() + "/" + files().at(0);
  const std::string before = content(name);
  const auto problem = [&](const std::string& now) {
    std::ofstream(name) << now;
    const VerifyReport report = verified();
    EXPECT_EQ(report.problems.size(), 1U);
    std::string text = report.problems.empty() ? "" : report.problems[0];
    return text.substr(std::min(text.find("': ") + 3, text.size()));
  };
  std::string changed = before;
  changed[changed.size() / 2] ^= 1;
  EXPECT_EQ(problem(changed), "was changed: its bytes have another hash than those written");
  EXPECT_TRUE(problem(before + "x").ends_with(" were written"));
  fs::remove(name);
  EXPECT_EQ(verified().problems.size(), 1U);
  EXPECT_GT(verified().lost, 0U);
  const auto positions = make()->open(plan_);
  EXPECT_EQ(positions.status().kind(), Kind::fatal);
  EXPECT_NE(positions.status().message().find("is gone, though"), std::string::npos);
}

TEST_F(FilesSinkTest, WhatItRefuses) {
  SinkPlan plan = plan_;
  plan.aggregates = feed_aggregates();
  EXPECT_EQ(
      refusal(plan),
      "pipeline 'logs': a sink of type 'files' keeps no aggregates; count in a database, or with type = \"null\"");
  options_.path = folder_.file("lake/{country}");
  EXPECT_EQ(
      refusal(plan_),
      "path 'DIR/lake/{country}' of a sink of type 'files': there is no column 'country'; there are {table}, {year}, "
      "{month}, {day}, {hour} and the columns time, addr, status, seconds, raw");
  options_.path = folder_.file("lake/{country");
  EXPECT_EQ(refusal(plan_), "path 'DIR/lake/{country' of a sink of type 'files': a '{' without its '}'");
  options_.path = folder_.file("lake/{day}");
  options_.time = "addr";
  EXPECT_EQ(
      refusal(plan_),
      "path 'DIR/lake/{day}' of a sink of type 'files': {day} needs a column of type time; 'addr' is none (option "
      "'time')");
}

// Whatever a cell holds, its file stands below the root, and a clean-up of one table or sink does not touch another.
TEST_F(FilesSinkTest, NoCellLeadsElsewhere) {
  options_.path = folder_.file("lake/{addr}{raw}");
  const SchemaPtr schema = plan_.schema;
  RecordBatch batch(schema);
  batch.part = "a";
  batch.origin = "a";
  const std::string longest(150, 'x');
  const std::vector<std::string> cells = {"..", "/", "../../up", "_leat", "", longest};
  for (size_t i = 0; i < cells.size(); ++i) {
    const size_t row = batch.add_row({.offset = i, .line = i + 1, .raw = 0});
    batch.set_new_text(*schema->find("addr"), row, cells[i]);
    if (cells[i] == longest) batch.set_new_text(*schema->find("raw"), row, longest);
  }
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  const auto refused = sink->write(batch, 5, 1, {});
  EXPECT_EQ(refused.status().kind(), Kind::bad_data);
  EXPECT_TRUE(refused.status().message().starts_with("the name of its folder would have 300 bytes, 255 are possible"))
      << refused.status().message();
  ASSERT_TRUE(sink->write(batch, 0, 5, {}).ok());
  sink->rollback();
  const std::string hive = "__HIVE_DEFAULT_PARTITION__";
  std::vector<std::string> found;
  for (const std::string& path : files()) found.push_back(path.substr(0, path.find('/')));
  EXPECT_EQ(found, (std::vector<std::string>{"%2E.%2F..%2Fup" + hive, "%2E." + hive, "%2F" + hive, "%5Fleat" + hive,
                                             hive + hive}));
  for (const auto& entry : fs::directory_iterator(folder_.path())) EXPECT_EQ(entry.path().filename(), "lake");
}

TEST_F(FilesSinkTest, OfOthersNothingIsDeleted) {
  options_.path = folder_.file("lake");
  ASSERT_TRUE(run_feed(*make(), plan_, {"a"}, 20, 5).ok());
  const std::string own = plan_.table + "-00000001.csv";
  const std::string longer = own + "-00000001.csv";  // of a table that is called as a file of this one
  std::ofstream(root() + "/" + longer) << "x";
  fs::create_directories(root() + "/inner/_leat");  // the root of another sink
  std::ofstream(root() + "/inner/" + plan_.table + "-00000002.csv") << "x";
  fs::create_directories(root() + "/day");
  std::ofstream(root() + "/day/" + plan_.table + "-00000002.csv") << "x";
  ASSERT_TRUE(make()->open(plan_).ok());
  EXPECT_EQ(files(), (std::vector<std::string>{own, longer, "inner/" + plan_.table + "-00000002.csv"}));
}

TEST_F(FilesSinkTest, RecordsThatComeAgainAreRefused) {
  options_.path = folder_.file("lake");
  const auto sink = make();
  ASSERT_TRUE(sink->open(plan_).ok());
  const Status again =
      sink->commit({}, {{.part = "a", .start = 20, .end = 20, .counts = {}, .fresh = true, .void_from = 10}});
  EXPECT_EQ(again.kind(), Kind::fatal);
  EXPECT_EQ(again.message(),
            "part 'a': records that were written already have changed and come again, and rows cannot be taken out of "
            "files; name another folder, or a sink that is a database");
}

TEST(FilesPath, Folders) {
  EXPECT_EQ(files_root("/a/lake/day={day}/{x}"), "/a/lake");
  EXPECT_EQ(files_root("/a/lake"), "/a/lake");
  EXPECT_EQ(files_root("/{table}"), "/");
  EXPECT_EQ(folder_name_of("a b/..%"), "a%20b%2F..%25");
  EXPECT_EQ(folder_name_of(".."), "%2E.");
  EXPECT_EQ(folder_name_of(""), "__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(folder_name_of("_leat"), "%5Fleat");
  EXPECT_EQ(folder_name_of("h\xC3\xA9"), "h\xC3\xA9");
}

}  // namespace
}  // namespace leat
