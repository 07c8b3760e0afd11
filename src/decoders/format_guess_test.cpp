#include "decoders/format_guess.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

using Type = FormatGuess::Type;

FormatGuess guess(const std::string& text, bool all = true) {
  auto found = guess_format(text, all);
  EXPECT_TRUE(found.ok()) << text << ": " << found.status().message();
  return found.ok() ? *std::move(found) : FormatGuess();
}

std::string refusal(const std::string& text, bool all = true) {
  const auto found = guess_format(text, all);
  return found.ok() ? "" : found.status().message();
}

TEST(FormatGuess, CsvWithWhateverStandsBetween) {
  for (const char delimiter : {',', ';', '\t', '|'}) {
    std::string text = "id,name,price\n1,\"a, b; c|d\te\",2\n2,b,3\n";
    for (char& c : text) c = c == ',' ? delimiter : c;
    const FormatGuess found = guess(text);
    EXPECT_EQ(found.type, Type::csv);
    EXPECT_EQ(found.delimiter, delimiter);
    EXPECT_TRUE(found.columns.empty());
  }
}

TEST(FormatGuess, DecimalCommasDoNotSetFieldsApart) {
  EXPECT_EQ(guess("a;b;c\n1,5;2,5;3,5\n1,5;2,5;3,5\n").delimiter, ';');
}

TEST(FormatGuess, AFewBadLinesDoNotMatter) {
  EXPECT_EQ(guess("a;b;c\n1;2;3\nbroken;1\n1;2;3\n").delimiter, ';');
}

TEST(FormatGuess, CsvWithoutNamesGetsThem) {
  const std::vector<std::string> columns = {"column1:integer", "column2:text", "column3:real", "column4:time"};
  EXPECT_EQ(guess("1,a,2.5,2026-01-02\n2,b,3,2026-01-03\n").columns, columns);
  EXPECT_FALSE(guess("a,,c\n1,2,3\n").columns.empty());
  EXPECT_FALSE(guess("a,a,c\nx,y,z\n").columns.empty());
}

TEST(FormatGuess, TheFirstNameMayBeMissing) {
  EXPECT_TRUE(guess(",name,price\n0,a,1\n1,b,2\n").columns.empty());
  EXPECT_FALSE(guess("name,,price\na,0,1\nb,1,2\n").columns.empty());
}

TEST(FormatGuess, WhoKnowsSaysWhereTheNamesAre) {
  const std::string texts = "a,b\nc,d\n";
  const std::string numbers = "2024,2025\n1,2\n3,4\n";
  EXPECT_TRUE(guess(texts).columns.empty());
  EXPECT_FALSE(guess(numbers).columns.empty());
  EXPECT_EQ(guess_format(texts, true, false)->columns, (std::vector<std::string>{"column1:text", "column2:text"}));
  EXPECT_TRUE(guess_format(numbers, true, true)->columns.empty());
}

TEST(FormatGuess, ALineThatIsCutDoesNotCount) {
  EXPECT_EQ(guess("a,b\n1,2\n3", false).type, Type::csv);
}

TEST(FormatGuess, JsonLinesAndArraysNeedNoPath) {
  for (const std::string text : {"[{\"id\":1},{\"id\":2}]", "{\"id\":1,\"tags\":[{\"a\":1},{\"a\":2}]}\n{\"id\":2}\n",
                                 "{\"id\":1}", "\xEF\xBB\xBF {\"id\":1}\n{\"id\":2}"}) {
    const FormatGuess found = guess(text);
    EXPECT_EQ(found.type, Type::json) << text;
    EXPECT_EQ(found.records, "") << text;
  }
}

TEST(FormatGuess, JsonRecordsAreTheLargestArrayOfObjects) {
  EXPECT_EQ(guess(R"({"meta": {"tags": [{"a": 1}]}, "data": {"items": [{"id": 1, "text": "long enough"}, {"id": 2}]}})")
                .records,
            "/data/items");
  EXPECT_EQ(guess(R"({"a/b": {"c~d": [{"id": 1}, {"id": 2}, {"id": 3}]}, "next": null})").records, "/a~1b/c~0d");
  EXPECT_EQ(guess(R"({"meta": 1, "items": [{"id": 1}, {"id": 2}, {"id)", false).records, "/items");
}

TEST(FormatGuess, AnObjectWithoutRecordsIsRefused) {
  EXPECT_NE(refusal("{\n\"a\": 1,\n\"b\": [1, 2]\n}\n").find("--records PATH"), std::string::npos);
}

TEST(FormatGuess, XmlRecordsAreTheOutermostThatRepeat) {
  const std::string text =
      "<?xml version=\"1.0\"?><!-- x --><RESPONSE><DATE>1</DATE><LIST><HOST><IP>1</IP><D><V/><V/></D></HOST>"
      "<HOST><IP>2</IP></HOST></LIST></RESPONSE>";
  EXPECT_EQ(guess(text).type, Type::xml);
  EXPECT_EQ(guess(text).records, "/RESPONSE/LIST/HOST");
  EXPECT_EQ(guess(text.substr(0, text.size() - 30), false).records, "/RESPONSE/LIST/HOST");
  EXPECT_NE(refusal("<a><b>1</b></a>").find("--records PATH"), std::string::npos);
  EXPECT_NE(refusal("<a><b 1></b></a><").find("XML"), std::string::npos);
}

TEST(FormatGuess, DeepNestingIsNoTrouble) {
  std::string json;
  std::string xml;
  for (int i = 0; i < 100'000; ++i) {
    json += "{\"a\":";
    xml += "<a>";
  }
  EXPECT_NE(refusal(json, false), "");
  EXPECT_NE(refusal(xml, false), "");
}

TEST(FormatGuess, LogsOfWebServers) {
  EXPECT_EQ(guess("127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a HTTP/1.0\" 200 2326\n").type, Type::web_log);
}

TEST(FormatGuess, WhatIsNoneOfThem) {
  EXPECT_EQ(refusal(" \n"), "is empty");
  EXPECT_NE(refusal(std::string("a\0b", 3)).find("zero bytes"), std::string::npos);
  EXPECT_NE(refusal("just some words\nand some more\n").find("no columns"), std::string::npos);
}

}  // namespace
}  // namespace leat
