#include "db/postgres.h"

#include <gtest/gtest.h>

#include "db/postgres_status.h"

namespace leat {
namespace {

using namespace std::string_literals;

TEST(Postgres, ValuesAreBigEndianBehindTheirLength) {
  PostgresBytes bytes;
  bytes.put_integer(-2);
  bytes.put_boolean(true);
  bytes.put_null();
  bytes.put_bytes("ab");
  EXPECT_EQ(bytes.bytes(),
            "\0\0\0\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"
            "\0\0\0\x01\x01"
            "\xFF\xFF\xFF\xFF"
            "\0\0\0\x02"
            "ab"s);
  bytes.clear();
  bytes.put_time(kPostgresEpochMicros);
  EXPECT_EQ(bytes.bytes(), "\0\0\0\x08\0\0\0\0\0\0\0\0"s);
}

TEST(Postgres, ATimeBeforeWhatPostgresqlHoldsIsOneThatItRefuses) {
  PostgresBytes bytes;
  bytes.put_time(INT64_MIN);
  EXPECT_EQ(bytes.bytes(), "\0\0\0\x08\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFE"s);
}

TEST(Postgres, ArraysCountTheirElements) {
  PostgresArray array(PostgresType::int8);
  EXPECT_EQ(array.encoded(), "\0\0\0\0\0\0\0\x01\0\0\0\x14"s);
  array.next().put_null();
  EXPECT_EQ(array.encoded(), "\0\0\0\x01\0\0\0\x01\0\0\0\x14\0\0\0\x01\0\0\0\x01\xFF\xFF\xFF\xFF"s);
}

TEST(Postgres, APlaceShowsNeitherUserNorPassword) {
  const auto place = [](const std::string& url) {
    const Result<std::string> result = postgres_place({.url = url, .schema = "web"});
    return result.ok() ? *result : result.status().message();
  };
  EXPECT_EQ(place("postgresql://me:hidden@db.example.com:5433/hits?sslmode=require"),
            "postgresql://db.example.com:5433/hits, schema web");
  EXPECT_EQ(place("host=db port=5432 dbname=hits user=me password=hidden"), "postgresql://db:5432/hits, schema web");
  EXPECT_EQ(place("postgresql://me:hid%zzden@db/hits").find("hid%zzden"), std::string::npos);
  EXPECT_EQ(place("postgresql://a:5433,b,c:5434/hits"), "postgresql://a,b,c:5433,,5434/hits, schema web");
  EXPECT_EQ(place("postgresql://db:99999/hits"), "the url's port is '99999'; write one of 1 to 65535");
  EXPECT_EQ(place("port=54x32 dbname=hits"), "the url's port is '54x32'; write one of 1 to 65535");
  EXPECT_EQ(postgres_place({.url = "postgresql://me:hid%zzden@db/hits", .schema = "web"}).status().kind(),
            Kind::bad_config);
}

TEST(Postgres, WhatAFailureMeansIsSaidByItsState) {
  const auto kind = [](const char* state) { return postgres_status(state, "here", "words", "").kind(); };
  for (const char* state : {"", "08006", "57P01", "57P03", "57014", "53100", "53300", "40001", "40P01", "55P03",
                            "25006", "58030", "25P03"}) {
    EXPECT_EQ(kind(state), Kind::retry) << state;
  }
  for (const char* state : {"28P01", "28000", "3D000", "3F000", "42501"}) EXPECT_EQ(kind(state), Kind::bad_config);
  for (const char* state : {"22001", "22P05", "23505", "23514", "54000", "P0001"}) {
    EXPECT_EQ(kind(state), Kind::bad_data) << state;
  }
  for (const char* state : {"XX001", "42P01", "0A000", "99999"}) EXPECT_EQ(kind(state), Kind::fatal) << state;
  EXPECT_EQ(
      postgres_status("53300", "here", "sorry, too many clients already\n", "").message(),
      "here: the server takes no more connections (sorry, too many clients already); raise its max_connections or "
      "end others, leat goes on by itself");
}

TEST(Postgres, LongNamesStayDifferent) {
  const std::string longer(70, 'a');
  EXPECT_EQ(postgres_short_name("short"), "short");
  EXPECT_EQ(postgres_short_name(longer).size(), 63U);
  EXPECT_NE(postgres_short_name(longer + "1"), postgres_short_name(longer + "2"));
}

TEST(Postgres, NobodyListensThereIsARetry) {
  const auto db = PostgresDatabase::open({.url = "postgresql://me:hidden@127.0.0.1:1/hits", .schema = "web"});
  EXPECT_EQ(db.status().kind(), Kind::retry);
  EXPECT_EQ(db.status().message().find("hidden"), std::string::npos);
}

}  // namespace
}  // namespace leat
