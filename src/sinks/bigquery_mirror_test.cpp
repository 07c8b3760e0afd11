#include "sinks/bigquery_mirror.h"

#include <gtest/gtest.h>

#include <tuple>

namespace leat {
namespace {

BigQueryMirror example(size_t parts) {
  BigQueryMirror mirror{.generation = "00c0ffee00c0ffee", .segment = 12, .books = MirroredBooks{"hits", {}, {}}};
  for (size_t i = 0; i < parts; ++i) {
    const std::string name = "/var/log/größe " + std::to_string(i * 7919) + ".log#1";
    Range range{.part = name, .start = 0, .end = 500, .counts = {}};
    range.counts = {.inserted = 7, .filtered = 1, .rejected = 2, .digest = UINT64_MAX - i};
    const Range gap{.part = name, .start = 500, .end = 600, .counts = {}, .gap = true};
    mirror.books->parts.push_back({{name, "origin", 600, "token \n\"{"}, {7, 1234}, {range, gap}});
  }
  return mirror;
}

TEST(BigQueryMirror, ComesBackAsItWas) {
  const BigQueryMirror mirror = example(3);
  const Result<BigQueryMirror> read = parse_mirror(mirror_text(mirror, 16'000));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->generation, mirror.generation);
  EXPECT_EQ(read->segment, 12U);
  ASSERT_TRUE(read->books);
  EXPECT_EQ(read->books->pipeline, "hits");
  ASSERT_EQ(read->books->parts.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    const MirroredPart& is = read->books->parts[i];
    const MirroredPart& was = mirror.books->parts[i];
    EXPECT_EQ(is.position, was.position);
    EXPECT_EQ(is.tally.rows, 7U);
    EXPECT_EQ(is.tally.offsets, 1234U);
    ASSERT_EQ(is.ranges.size(), 2U);
    EXPECT_EQ(is.ranges[0].counts, was.ranges[0].counts);
    EXPECT_EQ(is.ranges[0].end, 500U);
    EXPECT_TRUE(is.ranges[1].gap);
  }
}

TEST(BigQueryMirror, KnowsWhatIsToBeUndone) {
  BigQueryMirror mirror = example(2);
  mirror.books->parts[1].forgotten = true;
  mirror.books->undos = {{3, 9, mirror.books->parts[0].position.part, 100, 200, true, {5, 77}},
                         {4, 12, mirror.books->parts[1].position.part, 0, BigQueryUndo::kWholePart, false, {}},
                         {5, 12, "", 0, BigQueryUndo::kWholePart, true, {}}};
  const Result<BigQueryMirror> read = parse_mirror(mirror_text(mirror, 16'000));
  ASSERT_TRUE(read.ok()) << read.status().message();
  ASSERT_EQ(read->books->undos.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    const BigQueryUndo& is = read->books->undos[i];
    const BigQueryUndo& was = mirror.books->undos[i];
    EXPECT_EQ(std::tie(is.number, is.segment, is.part, is.from, is.end, is.measured, is.tally.rows, is.tally.offsets),
              std::tie(was.number, was.segment, was.part, was.from, was.end, was.measured, was.tally.rows,
                       was.tally.offsets));
  }
  EXPECT_FALSE(read->books->parts[0].forgotten);
  EXPECT_TRUE(read->books->parts[1].forgotten);
}

TEST(BigQueryMirror, WhatWasUndoneIsOffTheBooks) {
  MirroredBooks books = *example(3).books;
  books.parts[1].forgotten = true;
  books.undos = {{3, 9, books.parts[0].position.part, 100, 200, true, {5, 1000}},
                 {4, 12, books.parts[1].position.part, 0, BigQueryUndo::kWholePart, true, {7, 1234}}};
  MirroredBooks first = books;
  settle_undos(first, 3);
  EXPECT_EQ(first.parts[0].tally.rows, 2U);
  EXPECT_EQ(first.parts[0].tally.offsets, 234U);
  ASSERT_EQ(first.undos.size(), 1U);
  EXPECT_EQ(first.undos[0].number, 4);
  EXPECT_EQ(first.parts.size(), 3U);

  MirroredBooks both = books;
  settle_undos(both, 4);
  EXPECT_TRUE(both.undos.empty());
  ASSERT_EQ(both.parts.size(), 2U);
  EXPECT_EQ(both.parts[1].position, books.parts[2].position);

  books.undos = {{5, 12, "", 0, BigQueryUndo::kWholePart, true, {}}};
  settle_undos(books, 5);
  ASSERT_EQ(books.parts.size(), 2U);
  EXPECT_EQ(books.parts[1].tally.rows, 0U);
}

TEST(BigQueryMirror, WithoutRoomHasNoBooks) {
  const std::string text = mirror_text(example(5000), 16'000);
  EXPECT_EQ(text, "00c0ffee00c0ffee 12 -");
  const Result<BigQueryMirror> read = parse_mirror(text);
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->books);
}

TEST(BigQueryMirror, WhatSomebodyHasChangedIsRefused) {
  std::string text = mirror_text(example(3), 16'000);
  text[text.size() / 2] ^= 1;
  for (const std::string& bad : {text, text.substr(0, text.size() - 8), std::string("00c0ffee00c0ffee"),
                                 std::string("00c0ffee00c0ffee x -"), std::string("00c0ffee00c0ffee 1 %%%%")}) {
    const Result<BigQueryMirror> read = parse_mirror(bad);
    ASSERT_FALSE(read.ok()) << bad;
    EXPECT_EQ(read.status().kind(), Kind::bad_config);
  }
}

}  // namespace
}  // namespace leat
