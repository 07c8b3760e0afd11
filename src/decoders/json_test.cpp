#include "decoders/json.h"

#include <gtest/gtest.h>

#include "tests/support/json_decoder.h"
#include "tests/support/pieces.h"

namespace leat {
namespace {

using ::leat::testing::json_decoder;
using ::leat::testing::take_in_pieces;
using ::leat::testing::Taken;

// The one row's cells, or "column: reason" of the one reject.
std::string row_of(const std::string& record, std::vector<JsonColumn> columns) {
  const auto decoder = json_decoder("", std::move(columns));
  const Taken taken = take_in_pieces(*decoder, record + "\n");
  EXPECT_EQ(taken.error, "");
  EXPECT_EQ(taken.rows.size() + taken.rejects.size(), 1U) << record;
  std::string text = taken.rows.empty() ? taken.rejects.at(0) : taken.rows.at(0);
  text.erase(0, std::min(text.find(' '), text.size() - 1) + (text.find(' ') == std::string::npos ? 3 : 1));
  return taken.rows.empty() ? text.substr(0, text.find(" | ")) : text;
}

std::string value_of(Type type, const std::string& value) {
  return row_of("{\"v\":" + value + "}", {{"v", "/v", type}});
}

TEST(Json, Integers) {
  EXPECT_EQ(value_of(Type::integer, "0"), "v=0");
  EXPECT_EQ(value_of(Type::integer, "-0"), "v=0");
  EXPECT_EQ(value_of(Type::integer, "-12"), "v=-12");
  EXPECT_EQ(value_of(Type::integer, "9223372036854775807"), "v=9223372036854775807");
  EXPECT_EQ(value_of(Type::integer, "-9223372036854775808"), "v=-9223372036854775808");
  EXPECT_EQ(value_of(Type::integer, "9223372036854775808"),
            "v: '9223372036854775808' is beyond what an integer can be (64 bits)");
  EXPECT_EQ(value_of(Type::integer, "1e3"), "v=1000");
  EXPECT_EQ(value_of(Type::integer, "-2.50E+1"), "v=-25");
  EXPECT_EQ(value_of(Type::integer, "1.0"), "v=1");
  EXPECT_EQ(value_of(Type::integer, "9007199254740992.0"), "v=9007199254740992");
  EXPECT_EQ(value_of(Type::integer, "9007199254740994.0"), "v: expected an integer, found '9007199254740994.0'");
  EXPECT_EQ(value_of(Type::integer, "1.5"), "v: expected an integer, found '1.5'");
  EXPECT_EQ(value_of(Type::integer, "1e999"), "v: expected an integer, found '1e999'");
  EXPECT_EQ(value_of(Type::integer, "\"42\""), "v=42");
  EXPECT_EQ(value_of(Type::integer, "\"4\\u0032\""), "v=42");
  EXPECT_EQ(value_of(Type::integer, "\"\""), "v: expected an integer, found an empty text");
  EXPECT_EQ(value_of(Type::integer, "true"), "v: expected an integer, found 'true'");
  EXPECT_EQ(value_of(Type::integer, "[1]"), "v: expected a value, found '[1]'; a column of type json takes it");
}

TEST(Json, Reals) {
  const auto real_of = [](const std::string& written) {
    const auto decoder = json_decoder("", {{"v", "/v", Type::real}});
    Chunk chunk;
    chunk.bytes = "{\"v\":" + written + "}\n";
    RecordBatch batch(decoder->schema());
    Rejects rejects;
    decoder->decode(std::move(chunk), batch, rejects);
    EXPECT_EQ(batch.rows(), 1U) << written;
    return batch.real(0, 0);
  };
  for (const char* written : {"0.1", "0.3", "-0.0", "1e-7", "123456789.123456789", "2.2250738585072014e-308", "1e308",
                              "9007199254740993", "123456789012345678901234567890", "0.000000000000000001", "4.35",
                              "179769313486231570000000000000000000000", "5e-324", "1E+2", "100000000000000000.5"}) {
    EXPECT_EQ(std::bit_cast<uint64_t>(real_of(written)), std::bit_cast<uint64_t>(std::strtod(written, nullptr)))
        << written;
  }
  EXPECT_EQ(value_of(Type::real, "1e999"), "v: '1e999' is beyond what a real can be (64 bits)");
  EXPECT_EQ(value_of(Type::real, "\"x\""), "v: expected a number, found 'x'");
}

TEST(Json, NumbersOfEveryLength) {
  const std::string digits = "987654321012345678";
  for (const std::string behind : {"", " ", ",\"another member\":0"}) {
    for (size_t size = 1; size <= digits.size(); ++size) {
      for (const std::string sign : {"", "-"}) {
        const std::string number = sign + digits.substr(0, size);
        EXPECT_EQ(row_of("{\"v\":" + number + behind + "}", {{"v", "/v", Type::integer}}), "v=" + number) << behind;
        for (size_t decimals = 1; decimals <= digits.size(); ++decimals) {
          const std::string real = number + "." + digits.substr(digits.size() - decimals);
          EXPECT_EQ(row_of("{\"v\":" + real + behind + "}", {{"v", "/v", Type::real}}),
                    "v=" + std::to_string(std::strtod(real.c_str(), nullptr)))
              << real << behind;
        }
      }
    }
  }
}

TEST(Json, NamesOfEveryLength) {
  const std::string letters = "a name that is longer than sixteen";
  for (size_t size = 1; size <= letters.size(); ++size) {
    const std::string name = letters.substr(0, size);
    const std::vector<JsonColumn> columns{{"a", "/" + name}, {"b", "/" + name + "x"}};
    EXPECT_EQ(row_of("{\"" + name + "\":1,\"" + name + "x\" : 2}", columns), "a=1 b=2");
    EXPECT_EQ(row_of("{\"" + name + "x\":2,\"" + name + "\":1}", columns), "a=1 b=2");
    EXPECT_EQ(row_of("{\"" + name + "\":null,\"" + name + "y\":3}", columns), "");
    EXPECT_TRUE(row_of("{\"" + name + "y\":3}", columns).starts_with(": no column takes anything of it: "));
  }
}

TEST(Json, OtherTypes) {
  EXPECT_EQ(value_of(Type::boolean, "true"), "v=1");
  EXPECT_EQ(value_of(Type::boolean, "false"), "v=0");
  EXPECT_EQ(value_of(Type::boolean, "0"), "v=0");
  EXPECT_EQ(value_of(Type::boolean, "2"), "v: expected true or false, found '2'");
  EXPECT_EQ(value_of(Type::time, "\"1970-01-01T00:00:01.5Z\""), "v=1500000");
  EXPECT_EQ(value_of(Type::time, "1795354768"), "v=1795354768000000");
  EXPECT_EQ(value_of(Type::time, "\"soon\""), "v: expected a time such as 2026-11-22T13:39:28Z, found 'soon'");
  EXPECT_EQ(value_of(Type::text, "12345678901234567890123"), "v=12345678901234567890123");
  EXPECT_EQ(value_of(Type::text, "true"), "v=true");
  EXPECT_EQ(value_of(Type::text, "{\"a\":1}"), "v: expected a text, found '{\"a\":1}'; a column of type json takes it");
  EXPECT_EQ(value_of(Type::json, "{\"a\": [1, \"\\n\"]}"), "v={\"a\": [1, \"\\n\"]}");
  EXPECT_EQ(value_of(Type::json, "\"a\""), "v=\"a\"");
  for (const Type type : {Type::boolean, Type::integer, Type::real, Type::text, Type::time, Type::json}) {
    EXPECT_EQ(row_of("{\"v\":null,\"w\":1}", {{"v", "/v", type}, {"w", "/w", Type::integer}}), "w=1");
  }
}

TEST(Json, Texts) {
  EXPECT_EQ(value_of(Type::text, "\"plain\""), "v=plain");
  EXPECT_EQ(value_of(Type::text, "\"\""), "v=");
  EXPECT_EQ(value_of(Type::text, R"("a\"\\\/\b\f\n\r\tz")"), "v=a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(value_of(Type::text, R"("\u0041\u00e9\u20AC\ud83d\ude00")"), "v=Aé€😀");
  EXPECT_EQ(value_of(Type::text, "\"é€😀\""), "v=é€😀");
  // What a text cell cannot hold stays as it is written.
  EXPECT_EQ(value_of(Type::text, R"("a\u0000b")"), R"(v=a\u0000b)");
  EXPECT_EQ(value_of(Type::text, R"("\ud83d!")"), R"(v=\ud83d!)");
  EXPECT_EQ(value_of(Type::text, R"("\ude00\ud83d\u0041")"), R"(v=\ude00\ud83dA)");
  EXPECT_EQ(value_of(Type::text, "\"\xFF\""), ": expected UTF-8 at byte 7, found '\\xFF'");
  EXPECT_EQ(value_of(Type::text, "\"\xED\xA0\x80\""), ": expected UTF-8 at byte 7, found '\\xED'");
  EXPECT_EQ(value_of(Type::text, "\"a\tb\""), ": expected '\"' or an escaped character at byte 8, found '\\t'");
  EXPECT_EQ(value_of(Type::text, R"("\x41")"), ": expected an escape of JSON at byte 7, found '\\'");
  EXPECT_EQ(value_of(Type::text, R"("\u00g0")"), ": expected an escape of JSON at byte 7, found '\\'");
}

TEST(Json, PathsOfARecord) {
  const std::vector<JsonColumn> columns{{"name", "/user/name"},
                                        {"user", "/user", Type::json},
                                        {"tag", "/tags/1"},
                                        {"odd", "/a~1b/~0"},
                                        {"rest", "", Type::json}};
  EXPECT_EQ(
      row_of(R"({"user":{"id":1,"name":"n"},"tags":["x","y","z"],"a/b":{"~":"o"},"more":{"k":[]}})", columns),
      R"(name=n user={"id":1,"name":"n"} tag=y odd=o rest={"tags":["x","y","z"],"a/b":{"~":"o"},"more":{"k":[]}})");
  EXPECT_EQ(row_of(R"({"x":1, "user":5, "y":2})", columns), R"(user=5 rest={"x":1,"y":2})");
  EXPECT_EQ(row_of(R"({"user":[{"name":1}],"tags":[],"a/b":null})", columns),
            R"(user=[{"name":1}] rest={"tags":[],"a/b":null})");
  EXPECT_EQ(row_of(R"({ "\u0075ser" : { "n\u0061me" : "n" } })", columns), R"(name=n user={ "n\u0061me" : "n" })");
  EXPECT_EQ(row_of(R"( {"a": 1, "a": 2} )", {{"all", "", Type::json}}), R"(all={"a": 1, "a": 2})");
  EXPECT_EQ(row_of(R"({"k\"1":1})", {{"k", "/k\"1", Type::integer}}), "k=1");
}

TEST(Json, AMemberThatIsThereTwice) {
  const std::vector<JsonColumn> columns{{"a", "/a/b", Type::integer}, {"rest", "", Type::json}};
  EXPECT_EQ(row_of(R"({"a":{"b":1},"x":1,"x":2})", columns), R"(a=1 rest={"a":{"b":1},"x":1,"x":2})");
  EXPECT_EQ(row_of(R"({"a":{"b":1,"b":1}})", columns), "a: the member 'b' is there twice");
  EXPECT_EQ(row_of(R"({"a":{"b":1},"a":null})", columns), ": the member 'a' is there twice");
}

TEST(Json, WhatIsNoRecord) {
  const std::vector<JsonColumn> columns{{"a", "/a"}};
  const std::pair<std::string, std::string> cases[] = {
      {"5", ": expected an object, found '5'"},
      {"\"x\"", ": expected an object, found '\"x\"'"},
      {"{", ": expected '\"' at byte 2, found the end of the record"},
      {"{\"a\":1", ": expected ',' or '}' at byte 7, found the end of the record"},
      {"{\"a\":1,}", ": expected '\"' at byte 8, found '}'"},
      {"{\"a\" 1}", ": expected ':' at byte 6, found '1'"},
      {"{\"a\":1} {}", ": expected the end at byte 9, found '{'"},
      {"{\"b\":tru}", ": expected a value at byte 6, found 't'"},
      {"{\"b\":01}", ": expected no digit behind the first 0 at byte 7, found '1'"},
      {"{\"b\":-}", ": expected a digit at byte 7, found '}'"},
      {"{\"b\":1.}", ": expected a digit at byte 8, found '}'"},
      {"{\"b\":1e}", ": expected a digit at byte 8, found '}'"},
      {"{\"b\":[1}}", ": expected ',' or ']' at byte 8, found '}'"},
      {"{\"b\":\"x}", ": expected '\"' at byte 9, found the end of the record"},
      {"{\"a\":NaN}", ": expected a value at byte 6, found 'N'"},
      {"{'a':1}", ": expected '\"' at byte 2, found '''"},
      {std::string("{\"a\":\0}", 7), ": expected a value at byte 6, found '\\x00'"},
      {std::string("{\"a\":1}\0", 8), ": expected the end at byte 8, found '\\x00'"},
  };
  for (const auto& [record, reason] : cases) EXPECT_EQ(row_of(record, columns), reason) << record;
  const std::string deep = "{\"b\":" + std::string(1023, '[') + std::string(1023, ']') + "}";
  EXPECT_EQ(row_of(deep, {{"b", "/b", Type::json}}), "b=" + deep.substr(5, 2046));
  const std::string deeper = "{\"b\":" + std::string(1025, '[') + std::string(1025, ']') + "}";
  EXPECT_EQ(row_of(deeper, columns), ": expected less nesting at byte 1030, found '['");
}

TEST(Json, Lines) {
  const auto decoder = json_decoder("", {{"a", "/a", Type::integer}});
  const Taken taken = take_in_pieces(*decoder, "\xEF\xBB\xBF{\"a\":1}\r\n\n  \n{\"a\":\n{\"a\":2}");
  EXPECT_EQ(taken.rows, (std::vector<std::string>{"3:1 a=1", "22:5 a=2"}));
  ASSERT_EQ(taken.rejects.size(), 1U);
  EXPECT_TRUE(taken.rejects[0].starts_with("16:4 : expected a value at byte 6, found the end of the record | {\"a\":"));
  EXPECT_EQ(take_in_pieces(*decoder, "").error, "");
}

TEST(Json, ALineWithoutAnyOfTheColumnsIsNoRow) {
  const std::string error = R"({"error":"token has expired"})";
  const std::string none = ": no column takes anything of it: it has none of the members ";
  const std::string way_out = "; a column of path \"\" takes any";
  EXPECT_EQ(row_of(error, {{"a", "/a"}, {"b", "/b/c"}}), none + "'a', 'b'" + way_out);
  EXPECT_EQ(row_of("{}", {{"a", "/a"}, {"b", "/b"}, {"c", "/c"}, {"d", "/d"}, {"e", "/e"}}),
            none + "'a', 'b', 'c', 'd', …" + way_out);
  EXPECT_EQ(row_of(R"({"a":null})", {{"a", "/a"}}), "");
  EXPECT_EQ(row_of(R"({"b":5})", {{"a", "/a"}, {"b", "/b/c"}}), "");
  EXPECT_EQ(row_of(error, {{"a", "/a"}, {"rest", "", Type::json}}), "rest=" + error);
  // What an array at a path is known by is the path.
  const Taken taken = take_in_pieces(*json_decoder("/d", {{"a", "/a"}}), "{\"d\":[{\"b\":1}]}");
  EXPECT_EQ(taken.rows.size(), 1U);
}

TEST(Json, ColumnsAreInferred) {
  const auto decoder = json_decoder("", {});
  EXPECT_EQ(decoder->schema(), nullptr);
  std::string lines =
      R"({"i":1,"r":1,"b":true,"t":"x","at":"2026-11-22T10:00:00Z","o":{"a":1},"mix":1,"big":1,"none":null,"_ROW":1,"I":2}
{"i":-2,"r":1e3,"b":false,"t":"7","at":"2026-11-22T10:00:01Z","o":null,"mix":"a","big":123456789012345678901,"later":1}
not json
{"i":3,"rest":5}
)";
  const Taken taken = take_in_pieces(*decoder, lines);
  EXPECT_EQ(taken.error, "");
  std::string schema;
  for (const Field& field : decoder->schema()->fields) schema += field.name + ":" + name_of(field.type) + " ";
  EXPECT_EQ(schema,
            "i:integer r:real b:boolean t:text at:time o:json mix:text big:text none:text later:integer rest:integer "
            "rest_:json ");
  ASSERT_EQ(taken.rows.size(), 3U);
  EXPECT_EQ(taken.rows[0],
            "0:1 i=1 r=1.000000 b=1 t=x at=1795341600000000 o={\"a\":1} mix=1 big=1 rest_={\"_ROW\":1,\"I\":2}");
  EXPECT_EQ(taken.rejects.size(), 1U);

  // Another run: nothing is inferred again.
  const auto later = json_decoder("", {});
  ASSERT_TRUE(later->restore_schema(decoder->save_schema()).ok());
  EXPECT_EQ(*later->schema(), *decoder->schema());
  EXPECT_EQ(later->save_schema(), decoder->save_schema());
  const Taken more = take_in_pieces(*later, "{\"i\":\"x\"}\n{\"new\":[1]}\n");
  EXPECT_EQ(more.rows, std::vector<std::string>{"10:2 rest_={\"new\":[1]}"});
  EXPECT_EQ(more.rejects.size(), 1U);
  EXPECT_EQ(later->restore_schema("csv 1\n").kind(), Kind::bad_config);
}

TEST(Json, InferringWaitsForRecords) {
  const auto decoder = json_decoder("/d", {});
  const auto cutter = decoder->make_cutter("f");
  std::string document = "{\"d\":[";
  for (int i = 0; i < 99; ++i) document += "{\"a\":1},";
  auto cut = cutter->whole(document, {});
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->bytes, 0U);
  cut = cutter->whole(document + "{\"a\":1},", {});
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.status().kind(), Kind::retry);
  EXPECT_EQ(cut.status().message(),
            "f: 1 column, inferred from 100 records; what else a record has goes to column 'rest'");
  // Where there are none, nothing becomes known.
  const auto none = json_decoder("", {});
  EXPECT_EQ(take_in_pieces(*none, "[]").error, "");
  EXPECT_EQ(none->schema(), nullptr);
  EXPECT_EQ(take_in_pieces(*none, "").error, "");
  EXPECT_EQ(
      take_in_pieces(*none, "[1,2]").error,
      "bad_config: f: no record in its first 5 B is a JSON object, so the columns cannot be inferred; 'records' has "
      "to name another array, or declare 'columns'");
  EXPECT_EQ(
      take_in_pieces(*none, "a,b\n1,2\n").error,
      "bad_config: f: no record in its first 8 B is a JSON object, so the columns cannot be inferred; each line has "
      "to be a record, or 'records' has to name an array; or declare 'columns'");
}

TEST(Json, PathsThatAreNone) {
  const std::pair<JsonOptions, std::string> cases[] = {
      {{"items", {}, true},
       "records 'items' is no path of an array: \"/data/items\", with '*' for every element of an array on the way, "
       "'~0' "
       "for '~' and '~1' for '/'"},
      {{"", {{"a", "a"}}, true},
       "column 'a': path 'a' is no JSON pointer: \"/user/name\", with '~0' for '~' and '~1' for '/'; \"../../id\" "
       "climbs "
       "to what encloses the record"},
      {{"", {{"a", "/a~2"}}, true},
       "column 'a': path '/a~2' is no JSON pointer: \"/user/name\", with '~0' for '~' and '~1' for '/'; \"../../id\" "
       "climbs to what encloses the record"},
      {{"", {{"a", ""}}, true}, "column 'a': path '' is what no other column takes, and needs type \"json\""},
      {{"", {{"a", "/x"}, {"b", "/x"}}, true}, "column 'b': path '/x' is that of column 'a'"},
      {{"", {{"a", "", Type::json}, {"b", "", Type::json}}, true}, "column 'b': path '' is taken by another column"},
      {{"/d", {{"a", "../.."}}, true}, "column 'a': path '../..' names no member of what it climbs to: \"../../id\""},
      {{"/d", {{"a", "../id"}}, true},
       "column 'a': path '../id' climbs to an array; one more '..' is the object around it"},
      {{"/d", {{"a", "../../../id"}}, true}, "column 'a': path '../../../id' climbs out of the document"},
      {{"/d", {{"a", "../../d"}}, true}, "column 'a': path '../../d' is on the way to the records themselves"},
  };
  for (const auto& [options, message] : cases) {
    const auto made = make_json_decoder(options);
    ASSERT_FALSE(made.ok()) << message;
    EXPECT_EQ(made.status().kind(), Kind::bad_config);
    EXPECT_EQ(made.status().message(), message);
  }
}

}  // namespace
}  // namespace leat
