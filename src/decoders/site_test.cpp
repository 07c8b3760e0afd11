#include "decoders/site.h"

#include <gtest/gtest.h>

#include "decoders/csv.h"
#include "tests/support/web_log_rows.h"

namespace leat {
namespace {

const std::string kLine = "10.0.0.1 - - [22/Nov/2026:13:39:28 +0000] \"GET / HTTP/1.1\" 200 3 \"-\" \"curl\"\n";

TEST(Site, IsTheFilesNameWithoutWhatEveryLogHas) {
  EXPECT_EQ(site_of("/var/log/nginx/a.example.access.log#1"), "a.example");
  EXPECT_EQ(site_of("/var/log/nginx/a.example-access.log#12"), "a.example");
  EXPECT_EQ(site_of("/var/log/apache2/a.example_access_log#1"), "a.example");
  EXPECT_EQ(site_of("/var/log/nginx/access.log#1"), "access");
  EXPECT_EQ(site_of("/var/log/nginx/a.log.2.gz"), "a");
  EXPECT_EQ(site_of("/var/log/nginx/a.access.log-20260101"), "a");
  EXPECT_EQ(site_of("shop-42.log#1"), "shop-42");
  EXPECT_EQ(site_of(".log#1"), ".log");
}

TEST(Site, LivePathsByName) {
  EXPECT_EQ(live_path_of("/l/a.log"), "/l/a.log");
  EXPECT_EQ(live_path_of("/l/a.log.1"), "/l/a.log");
  EXPECT_EQ(live_path_of("/l/a.log.14.zst"), "/l/a.log");
  EXPECT_EQ(live_path_of("/l/a.log-2026-01-01_00:00"), "/l/a.log");
  EXPECT_EQ(live_path_of("/l/a.log.20260101"), "/l/a.log");
  EXPECT_EQ(live_path_of("/l.1/10.0.0.1"), "/l.1/10.0.0");
  EXPECT_EQ(live_path_of("/l/a-5.log"), "/l/a-5.log");
}

TEST(Site, IsAColumnBeforeTheRawText) {
  for (const std::string name : {"", "shop"}) {
    auto decoder = with_site(*make_web_log_decoder({"nginx_combined", true}, {}), name);
    const SchemaPtr schema = decoder->schema();
    ASSERT_EQ(schema->fields.size(), 13U);
    EXPECT_EQ(schema->fields[11].name, "site");
    EXPECT_EQ(schema, decoder->schema());
    Chunk chunk;
    chunk.bytes = kLine + "rubbish\n" + kLine;
    chunk.end.part = "/l/b.example.access.log#2";
    RecordBatch batch(schema);
    Rejects rejects;
    decoder->decode(std::move(chunk), batch, rejects);
    ASSERT_EQ(batch.rows(), 2U);
    EXPECT_EQ(rejects.size(), 1U);
    for (size_t row = 0; row < 2; ++row) {
      EXPECT_EQ(testing::value_of(batch, "site", row), name.empty() ? "b.example" : "shop");
      EXPECT_EQ(testing::value_of(batch, "remote_addr", row), "10.0.0.1");
      EXPECT_EQ(batch.text(12, row), kLine.substr(0, kLine.size() - 1));
    }
  }
}

TEST(Site, GivesWayToAColumnOfTheRecords) {
  CsvOptions options;
  options.header = false;
  options.columns.resize(2);
  options.columns[0].name = "site";
  options.columns[1].name = "n";
  options.columns[1].type = Type::integer;
  auto decoder = with_site(make_csv_decoder(options, {}), "elsewhere");
  ASSERT_EQ(decoder->schema()->fields.size(), 2U);
  Chunk chunk;
  chunk.bytes = "here,1\n";
  RecordBatch batch(decoder->schema());
  Rejects rejects;
  decoder->decode(std::move(chunk), batch, rejects);
  ASSERT_EQ(batch.rows(), 1U);
  EXPECT_EQ(batch.text(0, 0), "here");
}

TEST(Site, GrowsWithTheDecoder) {
  auto decoder = with_site(*make_web_log_decoder({}, {}), "");
  auto cutter = decoder->make_cutter("a.log");
  EXPECT_EQ(cutter->whole("a.example:80 " + kLine, {.ended = true, .most_records = UINT64_MAX}).status().kind(),
            Kind::retry);
  std::string names;
  for (const Field& field : decoder->schema()->fields) names += field.name + " ";
  EXPECT_TRUE(names.ends_with("request host server_port site raw_log ")) << names;
}

}  // namespace
}  // namespace leat
