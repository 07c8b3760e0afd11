#include "data/row_line.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(RowLine, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const std::string& text : {all, all + all, std::string("\\N"), std::string("\\"), std::string("\t"),
                                  std::string("ends with \\"), std::string("\r\n"), std::string()}) {
    std::string line;
    append_cell(line, text);
    EXPECT_EQ(line.find_first_of("\t\n\r"), std::string::npos);
    EXPECT_NE(line, kNullCell) << "a text is never taken for NULL";
    std::string meant;
    append_meaning(meant, line);
    EXPECT_EQ(meant, text);
  }
}

TEST(RowLine, CellsAreTakenInTheirOrder) {
  std::string_view line = "7\t\\N\t\tlast";
  EXPECT_EQ(take_cell(line), "7");
  EXPECT_EQ(take_cell(line), kNullCell);
  EXPECT_EQ(take_cell(line), "");
  EXPECT_EQ(take_cell(line), "last");
  EXPECT_EQ(line, "");
  EXPECT_EQ(take_cell(line), "");
}

TEST(RowLine, ColumnsComeBack) {
  const Schema schema{{{"time", Type::time},
                       {"a\tstrange \\ name", Type::integer},
                       {"x", Type::real},
                       {"ok", Type::boolean},
                       {"rest", Type::json},
                       {"uri", Type::text},
                       {"raw_log", Type::text, true}}};
  const auto read = schema_of(line_of(schema));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, schema);
  EXPECT_EQ(schema_of("").ok(), true);
  EXPECT_EQ(schema_of("number\tx").status().kind(), Kind::bad_config);
  EXPECT_EQ(schema_of("integer").status().kind(), Kind::bad_config);
}

}  // namespace
}  // namespace leat
