#include "config/toml.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

std::string error_of(const std::string& text) {
  Complaints complaints("web.toml", text);
  parse_toml(text, complaints);
  return complaints.text();
}

TEST(Toml, KeepsTheOrderOfTheFileAndKnowsThePlaces) {
  const std::string text =
      "[sinks.db]\n"
      "type = \"sqlite\"\n"
      "[aggregates.a]\n"
      "by = { zebra = \"z\", apple = \"a\" }\n"
      "[sources.web]\n"
      "include = [\"one\", 'two']\n";
  Complaints complaints("web.toml", text);
  const Value root = parse_toml(text, complaints);
  EXPECT_EQ(complaints.text(), "");
  ASSERT_EQ(root.entries.size(), 3U);
  EXPECT_EQ(root.entries[0].key, "sinks");
  EXPECT_EQ(root.entries[1].key, "aggregates");
  EXPECT_EQ(root.entries[2].key, "sources");
  const Value* by = root.find("aggregates")->find("a")->find("by");
  EXPECT_EQ(by->entries[0].key, "zebra");
  EXPECT_EQ(by->entries[1].key, "apple");
  EXPECT_EQ(by->entries[1].key_at.line, 4U);
  EXPECT_EQ(by->entries[1].key_at.column, 21U);
  EXPECT_EQ(by->entries[1].key_at.length, 5U);
  const Value* include = root.find("sources")->find("web")->find("include");
  EXPECT_EQ(include->items.at(1).at.column, 19U);
  EXPECT_EQ(include->items.at(1).text, "two");
}

TEST(Toml, ASyntaxErrorHasACaretAndAWayOut) {
  EXPECT_EQ(error_of("[sinks.db]\npath = { a = 1,\n b = 2 }\n"),
            "web.toml:2:16: this is not TOML: in the inline table: expected key or closing '}', saw '\\n'; an inline "
            "table { … } stays on one line: give it its own [table] to use several lines\n"
            "  path = { a = 1,\n"
            "                 ^");
  EXPECT_EQ(error_of("a = \"foo\nb = 1"),
            "web.toml:1:9: this is not TOML: in the string: unescaped control characters other than TAB (U+0009) are "
            "explicitly prohibited; is a closing quote missing?\n"
            "  a = \"foo\n"
            "          ^");
  EXPECT_EQ(error_of("a = 1s"),
            "web.toml:1:6: this is not TOML: in the decimal integer: expected digit, saw 's'; text is written in "
            "quotes: \"…\"\n"
            "  a = 1s\n"
            "       ^");
  EXPECT_EQ(error_of("[a]\n[a]\n"),
            "web.toml:2:1: this is not TOML: in the table header: cannot redefine existing table 'a'; join the two, or "
            "rename one\n"
            "  [a]\n"
            "  ^");
}

TEST(Toml, TextThatIsNotUtf8IsAnError) {
  EXPECT_EQ(error_of("a = 1\nb = \"\xFF\""),
            "web.toml:2:6: byte \\xFF is not UTF-8, which TOML must be; save the file as UTF-8\n"
            "  b = \"\\xFF\"\n"
            "       ^~~~");
}

TEST(Toml, AnyPrefixOfAFileIsReadOrComplainedOf) {
  const std::string text =
      "[sources.web]\ntype = \"file\"\ninclude = [\"a\", \"b\"]\nformat = { type = \"web_log\" }\n[sinks.db]\npath = "
      "'x'\n";
  for (size_t length = 0; length < text.size(); ++length) {
    Complaints complaints("web.toml", text.substr(0, length));
    const Value root = parse_toml(text.substr(0, length), complaints);
    EXPECT_LE(complaints.count(), 1U) << length;
    EXPECT_TRUE(complaints.empty() || root.entries.empty()) << length;
  }
}

TEST(Toml, WhatIsWrittenIsReadAgain) {
  Value root;
  Value& sources = root.set("sources", Value::make_table());
  Value& web = sources.set("web site", Value::make_table());
  web.set("type", Value::of("file"));
  web.set("include", Value::list_of({"/a/\"b\" \\ \x01\n${env:X}", "/ü"}));
  web.set("raw", Value::of(true));
  Value& by = web.set("by", Value::make_table());
  by.set("z", Value::of("day(time)"));
  by.set("a b", Value::of(int64_t{5}));
  const Result<std::string> text = write_toml(root);
  ASSERT_TRUE(text.ok()) << text.status().message();
  Complaints complaints("saved.toml", *text);
  const Value again = parse_toml(*text, complaints);
  ASSERT_EQ(complaints.text(), "") << *text;
  const Value* section = again.find("sources")->find("web site");
  ASSERT_NE(section, nullptr);
  EXPECT_EQ(section->find("include")->items.at(0).text, "/a/\"b\" \\ \x01\n$${env:X}");
  EXPECT_EQ(section->find("include")->items.at(1).text, "/ü");
  EXPECT_EQ(section->find("raw")->integer, 1);
  EXPECT_EQ(section->find("by")->entries.at(0).key, "z");
  EXPECT_EQ(section->find("by")->entries.at(1).value.integer, 5);
}

TEST(Toml, WhatTomlCannotHoldIsNotWritten) {
  Value root;
  root.set("sources", Value::make_table()).set("web", Value::make_table()).set("include", Value::of("/\xFF"));
  const Result<std::string> text = write_toml(root);
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.status().message(), "'/\\xFF' is not UTF-8, which a TOML file must be: it cannot be written there");
}

TEST(Toml, KeysThatTheParserDoesNotExpect) {
  Complaints key("a.toml", "x = 1\n[!b]\n");
  (void)parse_toml("x = 1\n[!b]\n", key);
  EXPECT_TRUE(key.text().starts_with("a.toml:2:2: this is not TOML: ")) << key.text();
  Complaints end("a.toml", "x = [1\n");
  (void)parse_toml("x = [1\n", end);
  EXPECT_TRUE(end.text().starts_with("a.toml:1:7: this is not TOML: in the array: the file ends too early"))
      << end.text();
}

}  // namespace
}  // namespace leat
