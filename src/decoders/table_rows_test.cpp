#include "decoders/table_rows.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "data/row_line.h"

namespace leat {
namespace {

const Schema kColumns{{{"n", Type::integer},
                       {"x", Type::real},
                       {"text", Type::text},
                       {"at", Type::time},
                       {"ok", Type::boolean},
                       {"j", Type::json},
                       {"raw", Type::text, true}}};

class TableRows : public ::testing::Test {
 protected:
  TableRows() { EXPECT_TRUE(decoder_->restore_schema(line_of(kColumns)).ok()); }

  RecordBatch decode(const std::string& bytes) {
    RecordBatch batch(decoder_->schema());
    Chunk chunk;
    chunk.bytes = bytes;
    chunk.start = 5;
    chunk.end = {"t", "up.db table t", 100, ""};
    rejects_.clear();
    decoder_->decode(std::move(chunk), batch, rejects_);
    return batch;
  }

  std::unique_ptr<Decoder> decoder_ = make_table_rows_decoder();
  Rejects rejects_;
};

TEST_F(TableRows, CellsAreWhatTheyWere) {
  const std::string raw("\xFF\0 raw", 6);
  const RecordBatch batch =
      decode("7\t-9223372036854775808\t0.1\ta\\tb\\\\\\n\\r\t1969-12-31 23:59:59.999999\t1\t{\"a\": \"\\\\n\"}\t" +
             raw + "\n12\t\\N\t-inf\t\t\\N\t\\N\t\\N\t\n");
  ASSERT_EQ(batch.rows(), 2U);
  EXPECT_EQ(batch.origin_of(0).offset, 7U);
  EXPECT_EQ(batch.origin_of(0).line, 7U);
  EXPECT_EQ(batch.integer(0, 0), INT64_MIN);
  EXPECT_EQ(std::bit_cast<uint64_t>(batch.real(1, 0)), std::bit_cast<uint64_t>(0.1));
  EXPECT_EQ(batch.text(2, 0), "a\tb\\\n\r");
  EXPECT_EQ(batch.integer(3, 0), -1);
  EXPECT_EQ(batch.integer(4, 0), 1);
  EXPECT_EQ(batch.text(5, 0), "{\"a\": \"\\n\"}");
  EXPECT_EQ(batch.text(6, 0), raw);
  EXPECT_EQ(batch.origin_of(1).offset, 12U);
  EXPECT_TRUE(batch.is_null(0, 1));
  EXPECT_EQ(batch.real(1, 1), -std::numeric_limits<double>::infinity());
  EXPECT_FALSE(batch.is_null(2, 1));
  EXPECT_EQ(batch.text(2, 1), "");
  for (size_t column = 3; column < 6; ++column) EXPECT_TRUE(batch.is_null(column, 1));
  EXPECT_EQ(rejects_.size(), 0U);
}

TEST_F(TableRows, WhatSomebodyHasChangedIsAReject) {
  const RecordBatch batch = decode(
      "1\tabc\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n2\t5\t\\N\t\xFF\t\\N\t\\N\t\\N\t\\N\n3\t6\t\\N\tfits\t\\N\t\\N\t\\N\t\\N"
      "\n");
  ASSERT_EQ(batch.rows(), 1U);
  EXPECT_EQ(batch.text(2, 0), "fits");
  ASSERT_EQ(rejects_.size(), 2U);
  EXPECT_EQ(rejects_[0].column, "n");
  EXPECT_EQ(rejects_[0].reason, "expected an integer, found 'abc'");
  EXPECT_EQ(rejects_[0].byte_offset, 1U);
  EXPECT_EQ(rejects_[0].raw, "1\tabc\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N");
  EXPECT_EQ(rejects_[1].column, "text");
  EXPECT_EQ(rejects_[1].byte_offset, 2U);
}

TEST_F(TableRows, OtherColumnsOpenEverythingAnew) {
  const auto cutter = decoder_->make_cutter("up.db table t");
  EXPECT_TRUE(cutter->restore(line_of(kColumns)).ok());
  Schema wider = kColumns;
  wider.fields.push_back({"host", Type::text});
  const Status told = cutter->restore(line_of(wider));
  EXPECT_EQ(told.kind(), Kind::retry);
  EXPECT_EQ(told.retry_after_ms(), 0U);
  EXPECT_EQ(*decoder_->schema(), wider);
  EXPECT_TRUE(cutter->restore(line_of(wider)).ok());
  EXPECT_EQ(make_table_rows_decoder()->schema(), nullptr) << "only the table can say";
}

}  // namespace
}  // namespace leat
