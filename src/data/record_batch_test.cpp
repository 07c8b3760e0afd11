#include "data/record_batch.h"

#include <gtest/gtest.h>

#include <random>

namespace leat {
namespace {

SchemaPtr schema_of(std::vector<Field> fields) {
  auto schema = std::make_shared<Schema>();
  schema->fields = std::move(fields);
  return schema;
}

// Row i: its number, "text i" where i is even, and NULL where it is odd.
RecordBatch batch_of(size_t rows) {
  RecordBatch batch(schema_of({{"number", Type::integer}, {"text", Type::text}}));
  batch.arena = "bytes";
  for (size_t i = 0; i < rows; ++i) {
    const size_t row = batch.add_row({.offset = i * 10, .line = i + 1, .raw = pack_text(0, 5)});
    batch.set_integer(0, row, static_cast<int64_t>(i));
    if (i % 2 == 0) batch.set_new_text(1, row, "text " + std::to_string(i));
  }
  return batch;
}

void expect_rows(const RecordBatch& batch, const std::vector<size_t>& kept) {
  ASSERT_EQ(batch.rows(), kept.size());
  for (size_t row = 0; row < kept.size(); ++row) {
    EXPECT_EQ(batch.origin_of(row).offset, kept[row] * 10);
    EXPECT_EQ(batch.integer(0, row), static_cast<int64_t>(kept[row]));
    EXPECT_EQ(batch.is_null(1, row), kept[row] % 2 == 1);
    if (kept[row] % 2 == 0) {
      EXPECT_EQ(batch.text(1, row), "text " + std::to_string(kept[row]));
    } else {
      EXPECT_EQ(batch.cell(1, row), 0U);
    }
  }
}

TEST(RecordBatch, KeepsTheRowsThatAreNamed) {
  std::mt19937_64 random(7);
  for (const size_t rows : {0U, 1U, 63U, 64U, 65U, 200U, 4096U}) {
    for (const unsigned one_in : {1U, 2U, 3U, 50U}) {
      RecordBatch batch = batch_of(rows);
      std::vector<uint64_t> bits((rows + 63) / 64 + 1, ~0ULL);  // those behind the rows do not count
      std::vector<size_t> kept;
      for (size_t i = 0; i < rows; ++i) {
        if (random() % one_in == 0) {
          kept.push_back(i);
        } else {
          bits[i / 64] &= ~(1ULL << (i % 64));
        }
      }
      batch.keep(bits);
      expect_rows(batch, kept);
      // What is added then begins as NULL again.
      const size_t row = batch.add_row({});
      EXPECT_TRUE(batch.is_null(0, row));
      EXPECT_EQ(batch.cell(0, row), 0U);
    }
  }
}

TEST(RecordBatch, TakesTheShapeOfAnotherSchema) {
  RecordBatch batch = batch_of(100);
  const uint64_t* const texts = batch.cells(1);
  batch.reshape(schema_of({{"words", Type::text}, {"extra", Type::real}}), {1, RecordBatch::kNewColumn});
  ASSERT_EQ(batch.rows(), 100U);
  EXPECT_EQ(batch.schema().fields[1].name, "extra");
  EXPECT_EQ(batch.cells(0), texts);
  for (size_t row = 0; row < 100; ++row) {
    EXPECT_EQ(batch.is_null(0, row), row % 2 == 1);
    EXPECT_TRUE(batch.is_null(1, row));
  }
  batch.set_real(1, 99, 0.5);
  EXPECT_EQ(batch.real(1, 99), 0.5);
  batch.add_row({});
  for (int i = 0; i < 100; ++i) batch.add_row({});
  EXPECT_EQ(batch.text(0, 98), "text 98");
  EXPECT_TRUE(batch.is_null(0, 200));
}

}  // namespace
}  // namespace leat
