#include "app/print_results.h"

#include <gtest/gtest.h>

namespace leat::app {
namespace {

// A table of made-up cells.
class Made final : public Results {
 public:
  std::string table_name = "hits_per_page";
  std::vector<ResultColumn> declared{
      {"page", Type::text, true}, {"status", Type::integer, true}, {"hits", Type::integer, false}};
  std::vector<std::vector<ResultCell>> cells;

  [[nodiscard]] size_t tables() const override { return 1; }
  [[nodiscard]] const std::string& name(size_t) const override { return table_name; }
  [[nodiscard]] const std::vector<ResultColumn>& columns(size_t) const override { return declared; }
  [[nodiscard]] size_t rows(size_t) const override { return cells.size(); }
  [[nodiscard]] ResultCell cell(size_t, size_t row, size_t column) const override { return cells[row][column]; }
};

std::string json_of(const Results& results) {
  JsonWriter json;
  results_to_json(json, results);
  return json.text();
}

TEST(ResultsText, AlignedByKeys) {
  Made made;
  made.cells = {{"/b", int64_t{404}, int64_t{1234567}},
                {"/ü", int64_t{200}, int64_t{-12}},
                {"/b", int64_t{200}, int64_t{1}},
                {std::monostate(), std::monostate(), int64_t{3}},
                {"", int64_t{1000}, std::monostate()}};
  EXPECT_EQ(results_text(made),
            "hits_per_page\n"
            "  page  status       hits\n"
            "  NULL    NULL          3\n"
            "  ''      1000       NULL\n"
            "  /b       200          1\n"
            "  /b       404  1,234,567\n"
            "  /ü       200        -12\n");
}

TEST(ResultsText, OfALongTableTheLargest) {
  Made made;
  for (int64_t i = 0; i < 1000; ++i) made.cells.push_back({"/", i, i % 10});
  EXPECT_EQ(results_text(made, 3),
            "hits_per_page: 3 of 1,000 rows, those with the largest hits (--json gives all)\n"
            "  page  status  hits\n"
            "  /          9     9\n"
            "  /         19     9\n"
            "  /         29     9\n");
}

TEST(ResultsText, EmptyAndStrange) {
  Made made;
  made.table_name = "a\x1b[31m";
  made.declared[0].name = "p\n";
  EXPECT_EQ(results_text(made), "a\\x1B[31m\n  p\\n  status  hits\n");
  made.cells = {{"\x1b[2J\xD9", int64_t{1}, int64_t{2}},
                {std::string_view("0123456789012345678901234567890123456789"
                                  "012345678901234567890123456789"),
                 int64_t{1}, int64_t{2}}};
  const std::string text = results_text(made);
  EXPECT_NE(text.find("  \\x1B[2J\\xD9 "), std::string::npos) << text;
  EXPECT_NE(text.find("…"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ResultsJson, AllRowsWithTheirTypes) {
  Made made;
  made.declared = {{"page", Type::text, true},
                   {"cached", Type::boolean, true},
                   {"last", Type::time, false},
                   {"slowest", Type::real, false},
                   {"hits", Type::integer, false}};
  made.cells = {{"/b", int64_t{1}, int64_t{1'500'000}, 0.25, int64_t{7}},
                {"/a\"", std::monostate(), std::monostate(), std::monostate(), int64_t{1}}};
  EXPECT_EQ(json_of(made), R"([{"table":"hits_per_page","columns":["page","cached","last","slowest","hits"],"rows":)"
                           R"([["/a\"",null,null,null,1],["/b",true,"1970-01-01 00:00:01.500000",0.25,7]]}])");
}

}  // namespace
}  // namespace leat::app
