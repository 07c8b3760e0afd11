#include <gtest/gtest.h>

#include "sinks/postgres_parts.h"
#include "sinks/postgres_rows.h"

namespace leat {
namespace {

using namespace std::string_literals;

TEST(PostgresText, WhatIsNoTextIsShownByItsBytes) {
  std::string made;
  EXPECT_EQ(postgres_text("grün\\", made), "grün\\");
  EXPECT_EQ(postgres_text("a\0b\xFF"s, made), "a\\x00b\\xFF");
}

TEST(PostgresText, NamesOfPartsComeBackAsTheyWere) {
  for (const std::string& name : {""s, "plain"s, "back\\slash"s, "\\x41"s, "\\"s, "nul\0 and \xFF\xC3"s, "grün"s}) {
    EXPECT_EQ(original_text(kept_text(name)), name);
  }
}

TEST(PostgresText, NamesThatCannotBe) {
  EXPECT_TRUE(check_postgres_table("here", "hits").ok());
  for (const std::string& name : {""s, "_leat_x"s, "pg_x"s, std::string(51, 'a')}) {
    EXPECT_EQ(check_postgres_table("here", name).kind(), Kind::bad_config) << name;
  }
  for (const std::string& name : {"_row"s, "xmin"s, std::string(64, 'a')}) {
    EXPECT_EQ(check_postgres_column("here", "hits", name).kind(), Kind::bad_config) << name;
  }
}

}  // namespace
}  // namespace leat
