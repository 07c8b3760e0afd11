// The table source over tables that a real sink has written.

#include "sources/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/fake_clock.h"
#include "tests/support/sink_feed.h"

namespace leat {
namespace {

// Knows the columns once it was told them.
class ToldCutter final : public Cutter {
 public:
  explicit ToldCutter(std::string& columns) : columns_(columns) {}
  Result<Cut> whole(std::string_view /*bytes*/, const CutRule& /*rule*/) override { return Cut{}; }
  Result<std::optional<size_t>> skip(std::string_view /*bytes*/) override { return std::optional<size_t>(); }
  [[nodiscard]] std::string save() const override { return {}; }
  Status restore(std::string_view saved) override {
    if (columns_ == saved) return {};
    columns_ = saved;
    return Status::retry("others").with_retry_after_ms(0);
  }

 private:
  std::string& columns_;
};

class TableSourceTest : public ::testing::Test {
 protected:
  void make(std::vector<std::string> columns = {"status"}) {
    TableOptions options;
    options.upstream = {path_, "access_log", std::move(columns)};
    options.chunk_bytes = chunk_bytes_;
    options.more_may_come = [this] { return more_may_come_; };
    source_ = make_table_source(std::move(options), os::file_system(), clock_,
                                [this](NoteLevel, const std::string& text) { notes_ += text + "\n"; });
    open();
  }
  void open() {
    SourceRequest request;
    request.resume = positions_;
    request.once = once_;
    request.make_cutter = [this](const std::string&) { return std::make_unique<ToldCutter>(columns_); };
    ASSERT_TRUE(source_->open(std::move(request)).ok());
  }

  // Everything that is there now, a record a line; "!" before one that is provisional. Keeps the positions.
  std::string read_all() {
    std::string text;
    for (;;) {
      Result<Reading> reading = source_->read({});
      if (!reading.ok() && reading.status().retry_after_ms() == 0U) {
        open();
        continue;
      }
      if (!reading.ok()) return text + "error: " + reading.status().message();
      if (reading->what == Reading::What::end) return text + "end";
      if (reading->what == Reading::What::idle) return text;
      const Chunk& chunk = reading->chunk;
      const auto known = std::find_if(positions_.begin(), positions_.end(),
                                      [&](const Position& position) { return position.part == chunk.end.part; });
      EXPECT_EQ(chunk.start, known == positions_.end() ? 0 : known->offset) << "parts are read without a hole";
      if (known == positions_.end()) {
        positions_.push_back(chunk.end);
      } else {
        *known = chunk.end;
      }
      text += (chunk.provisional ? "!" : "") + chunk.bytes;
      ++chunks_;
    }
  }

  // Records of part "a" from where the sink stands up to `records`, then a last line without its end.
  void feed(uint64_t records, const std::string& tail = "") {
    const auto sink = make_feed_sink(path_);
    ASSERT_TRUE(run_feed(*sink, plan_, {"a"}, records, 3, tail).ok());
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("up.db");
  testing::FakeClock clock_;
  SinkPlan plan_ = feed_plan();
  uint64_t chunk_bytes_ = 1 << 18;
  bool once_ = false;
  bool more_may_come_ = false;
  std::unique_ptr<Source> source_;
  std::string columns_;
  Positions positions_;
  std::string notes_;
  int chunks_ = 0;
};

std::string numbers(int from, int to) {
  std::string text;
  for (int number = from; number < to; ++number) text += std::to_string(number) + "\n";
  return text;
}

// Of each line the number only.
std::string first_cells(const std::string& lines) {
  std::string text;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    text += lines.substr(at, std::min(lines.find('\t', at), end) - at) + "\n";
    at = end + 1;
  }
  return text;
}

TEST_F(TableSourceTest, RowsComeOnceAndInTheirOrder) {
  make();
  EXPECT_EQ(read_all(), "");
  EXPECT_NE(notes_.find("waits: "), std::string::npos) << notes_;
  feed(6);
  EXPECT_EQ(first_cells(read_all()), numbers(1, 7));
  EXPECT_EQ(read_all(), "");
  feed(6 + 8);  // the seventh record is a reject, and the fourteenth
  EXPECT_EQ(first_cells(read_all()), numbers(7, 13));
  open();
  EXPECT_EQ(read_all(), "") << "after a restart it goes on at its position";
  ASSERT_EQ(positions_.size(), 1U);
  EXPECT_EQ(positions_[0].part, "access_log");
  EXPECT_EQ(positions_[0].offset, 13U);
}

TEST_F(TableSourceTest, ChunksAreSmallWhenAsked) {
  feed(6);
  chunk_bytes_ = 1;
  make();
  EXPECT_EQ(first_cells(read_all()), numbers(1, 7));
  EXPECT_EQ(chunks_, 6);
}

TEST_F(TableSourceTest, WhatIsLeftIsKnown) {
  feed(6);
  chunk_bytes_ = 1;
  make();
  EXPECT_EQ(source_->read({}).status().kind(), Kind::retry) << "the columns are known now";
  open();
  ASSERT_TRUE(source_->read({}).ok());
  EXPECT_EQ(source_->backlog_bytes(), 5U);
  open();
  EXPECT_NE(read_all(), "");
  EXPECT_EQ(source_->backlog_bytes(), 0U);
}

TEST_F(TableSourceTest, CellsAreExact) {
  feed(2);
  ASSERT_EQ(sql_change(path_,
                       "UPDATE access_log SET addr = 'a\tb\\' || char(10), status = -9223372036854775807 - 1, "
                       "seconds = 0.1 + 0.2, raw = x'ff00090a' WHERE _row = 1"),
            "");
  ASSERT_EQ(sql_change(path_,
                       "UPDATE access_log SET addr = NULL, status = NULL, seconds = 5e-324, raw = '' "
                       "WHERE _row = 2"),
            "");
  make({"raw", "seconds", "status", "addr", "time"});
  const std::string bytes("\xFF\0\\t\\n", 6);
  EXPECT_EQ(read_all(), "1\t" + bytes +
                            "\t0.30000000000000004\t-9223372036854775808\ta\\tb\\\\\\n\t2026-01-01 00:00:00\n" +
                            "2\t\t5e-324\t\\N\t\\N\t2026-01-01 01:00:00.500000\n");
  EXPECT_EQ(columns_, "bytes\traw\treal\tseconds\tinteger\tstatus\ttext\taddr\ttime\ttime");
}

TEST_F(TableSourceTest, WithoutColumnsAllButRawBytesAreRead) {
  feed(1);
  make({});
  EXPECT_NE(read_all(), "");
  EXPECT_EQ(columns_, "time\ttime\ttext\taddr\tinteger\tstatus\treal\tseconds");
  Schema wider = *feed_schema();
  wider.fields.push_back({"host", Type::text});
  plan_.schema = std::make_shared<const Schema>(wider);
  const auto sink = make_feed_sink(path_);
  ASSERT_TRUE(sink->open(plan_).ok());
  EXPECT_EQ(read_all(), "");
  EXPECT_EQ(columns_, "time\ttime\ttext\taddr\tinteger\tstatus\treal\tseconds\ttext\thost") << "it has become wider";
}

TEST_F(TableSourceTest, AProvisionalRowComesWhenItIsFinal) {
  feed(3, "half a li");
  make();
  EXPECT_EQ(first_cells(read_all()), numbers(1, 4));
  feed(3, "half a line");
  EXPECT_EQ(read_all(), "");
  feed(5);
  EXPECT_EQ(first_cells(read_all()), "6\n7\n");
}

TEST_F(TableSourceTest, AProvisionalRowIsOneHereToo) {
  feed(3, "half");
  once_ = true;
  make();
  EXPECT_EQ(first_cells(read_all()), numbers(1, 4) + "!4\nend\n");
  open();
  EXPECT_EQ(read_all(), "end") << "it stands as it was";
  feed(3, "half a line");
  open();
  EXPECT_EQ(first_cells(read_all()), "!5\nend\n");
  feed(4);
  open();
  EXPECT_EQ(first_cells(read_all()), "6\nend\n");
  ASSERT_EQ(positions_.size(), 2U);
  EXPECT_EQ(positions_[1].part, "access_log?a");
  EXPECT_EQ(positions_[1].offset, 6U) << "it moved behind the row that is gone";
}

TEST_F(TableSourceTest, OnceEndsWhenNobodyFillsTheTableAnyMore) {
  once_ = true;
  more_may_come_ = true;
  make();
  EXPECT_EQ(read_all(), "");
  feed(3);
  EXPECT_EQ(first_cells(read_all()), numbers(1, 4));
  EXPECT_EQ(read_all(), "");
  more_may_come_ = false;
  EXPECT_EQ(read_all(), "end");
}

TEST_F(TableSourceTest, ATableThatIsNotThere) {
  once_ = true;
  make();
  EXPECT_EQ(read_all(), "error: " + path_ +
                            ": there is no such file yet; run the pipeline that fills its table 'access_log' first");
}

TEST_F(TableSourceTest, RowsThatWereTakenBack) {
  feed(3);
  make();
  EXPECT_EQ(first_cells(read_all()), numbers(1, 4));
  const auto rewound = [&] {
    ASSERT_EQ(sql_change(path_, "DELETE FROM access_log WHERE _row = 2; UPDATE _leat_ranges SET inserted = 2"), "");
  };
  rewound();
  const std::string says = "some that were read have been taken back";
  EXPECT_NE(read_all().find(says), std::string::npos) << "while it follows";
  open();
  EXPECT_NE(read_all().find(says), std::string::npos) << "when it starts";
}

TEST_F(TableSourceTest, AnotherDatabase) {
  feed(3);
  make();
  EXPECT_EQ(first_cells(read_all()), numbers(1, 4));
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + end);
  EXPECT_EQ(read_all(), "") << "it may be put back";
  feed(3);
  EXPECT_NE(read_all().find("is another database"), std::string::npos);
}

TEST_F(TableSourceTest, MergedRowsComeByTheirRevision) {
  plan_.mode = WriteMode::merge;
  plan_.key = {"status"};
  feed(6);
  make({"status", "time"});
  const std::string first = read_all();
  const auto changed = sql_rows(path_, "SELECT status FROM access_log");
  EXPECT_EQ(static_cast<size_t>(std::count(first.begin(), first.end(), '\n')), changed.size());
  feed(13);
  const std::string second = read_all();
  const std::string newest = sql_value(path_, "SELECT max(_revision) FROM access_log");
  EXPECT_NE(second.find(newest + "\t"), std::string::npos) << second;
  EXPECT_EQ(read_all(), "");
}

TEST_F(TableSourceTest, EachContentOfAReplacedTableIsAPart) {
  plan_.mode = WriteMode::replace;
  feed(3);
  make();
  EXPECT_EQ(first_cells(read_all()), numbers(1, 4));
  feed(2);
  EXPECT_EQ(first_cells(read_all()), numbers(4, 6));
  ASSERT_EQ(positions_.size(), 2U);
  EXPECT_EQ(positions_[0].part, "access_log#1");
  EXPECT_EQ(positions_[1].part, "access_log#4");
  open();
  EXPECT_EQ(read_all(), "");
}

TEST_F(TableSourceTest, OutlineCountsRows) {
  feed(6);
  make();
  auto parts = source_->outline();
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ((*parts)[0].state, PartOutline::State::fresh);
  EXPECT_EQ((*parts)[0].left, 6U);
  EXPECT_TRUE((*parts)[0].rows);
  open();
  EXPECT_NE(read_all(), "");
  feed(9);
  open();
  parts = source_->outline();
  EXPECT_EQ((*parts)[0].state, PartOutline::State::begun);
  EXPECT_EQ((*parts)[0].left, 2U);
}

}  // namespace
}  // namespace leat
