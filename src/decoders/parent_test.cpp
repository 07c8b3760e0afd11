#include "decoders/parent.h"

#include <gtest/gtest.h>

#include "decoders/json.h"

namespace leat {
namespace {

// Lines of JSON with a column "id" and one "name"; the parent has "host", "name" and "at".
class Parent : public ::testing::Test {
 protected:
  Parent() {
    auto inner = make_json_decoder({"", {{"id", "/id", Type::integer}, {"name", "/name"}}, true});
    EXPECT_TRUE(inner.ok()) << inner.status().message();
    const Schema columns{{{"host", Type::integer}, {"name", Type::text}, {"at", Type::time}}};
    decoder_ = with_parent(*std::move(inner), std::make_shared<const Schema>(columns));
  }
  RecordBatch decode(const std::string& bytes, const std::string& parent) {
    RecordBatch batch(decoder_->schema());
    Chunk chunk;
    chunk.bytes = bytes;
    chunk.parent = parent;
    chunk.end = {"u#1", "https://h/1", bytes.size(), ""};
    decoder_->decode(std::move(chunk), batch, rejects_);
    return batch;
  }
  std::unique_ptr<Decoder> decoder_;
  Rejects rejects_;
};

TEST_F(Parent, ItsColumnsStandBehindThoseOfTheRecord) {
  std::vector<std::string> names;
  for (const Field& field : decoder_->schema()->fields) names.push_back(field.name);
  EXPECT_EQ(names, (std::vector<std::string>{"id", "name", "host", "at", "raw_log"}));
  EXPECT_EQ(decoder_->schema(), decoder_->schema()) << "made once";
}

TEST_F(Parent, EachRecordGetsThem) {
  const RecordBatch batch =
      decode("{\"id\":1,\"name\":\"own\"}\n{\"id\":2}\n", "17\tof the parent\t1970-01-01 00:00:01");
  ASSERT_EQ(batch.rows(), 2U);
  for (size_t row = 0; row < 2; ++row) {
    EXPECT_EQ(batch.integer(0, row), static_cast<int64_t>(row) + 1);
    EXPECT_EQ(batch.integer(2, row), 17);
    EXPECT_EQ(batch.integer(3, row), 1'000'000);
  }
  EXPECT_EQ(batch.text(1, 0), "own");
  EXPECT_TRUE(batch.is_null(1, 1)) << "a column of the record stays the record's";
  EXPECT_EQ(batch.text(4, 1), "{\"id\":2}");
}

TEST_F(Parent, NullAndWhatDoesNotFitIsNull) {
  const RecordBatch batch = decode("{\"id\":1}\n", "seventeen\t\\N\t\\N");
  ASSERT_EQ(batch.rows(), 1U);
  EXPECT_TRUE(batch.is_null(2, 0));
  EXPECT_TRUE(batch.is_null(3, 0));
  EXPECT_TRUE(rejects_.empty());
}

TEST_F(Parent, AllRecordsMayBeRejects) {
  const RecordBatch batch = decode("{\"id\":\"x\"}\n", "17\ta\t\\N");
  EXPECT_EQ(batch.rows(), 0U);
  EXPECT_EQ(rejects_.size(), 1U);
}

}  // namespace
}  // namespace leat
