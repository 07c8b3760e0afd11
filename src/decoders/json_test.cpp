#include "decoders/json.h"

#include <gtest/gtest.h>

#include "tests/support/pieces.h"
#include "tests/support/watched.h"

namespace leat {
namespace {

using ::leat::testing::take_in_pieces;
using ::leat::testing::Taken;
using ::leat::testing::watch_page;
using ::leat::testing::Watched;

std::unique_ptr<Decoder> decoder_of(const std::string& records, std::vector<JsonColumn> columns) {
  auto made = make_json_decoder({records, std::move(columns), false});
  EXPECT_TRUE(made.ok()) << made.status().message();
  return *std::move(made);
}

// The one row's cells, or "column: reason" of the one reject.
std::string row_of(const std::string& record, std::vector<JsonColumn> columns) {
  const auto decoder = decoder_of("", std::move(columns));
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
    const auto decoder = decoder_of("", {{"v", "/v", Type::real}});
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
  const auto decoder = decoder_of("", {{"a", "/a", Type::integer}});
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
  const Taken taken = take_in_pieces(*decoder_of("/d", {{"a", "/a"}}), "{\"d\":[{\"b\":1}]}");
  EXPECT_EQ(taken.rows.size(), 1U);
}

const char* const kScans = R"({"scan_id": 7, "skip": {"]}": ["\"]}", [{}], 1.5e3, null]}, "hosts": [
  {"id": 1, "name": "h\u00e91", "detections": [{"qid": 10}, {"qid": 11, "s": "]}\\\"["}]},
  {"id": 2, "info": {"os": ["linux", 6]}, "detections": []},
  {"name": null, "detections": [ {"qid": 12}
    , 5, "x]", [1, [2]], {"qid": "no"} ], "after": "text"},
  null,
  {"detections": null, "id": 4}
], "count": 3, "end": "]}"}
)";

std::vector<JsonColumn> scan_columns() {
  return {{"scan", "../../../../scan_id", Type::integer},
          {"host", "../../id", Type::integer},
          {"name", "../../name"},
          {"os", "../../info/os/0"},
          {"qid", "/qid", Type::integer}};
}

TEST(Json, ADocumentWithAncestors) {
  const auto decoder = decoder_of("/hosts/*/detections", scan_columns());
  const Taken taken = take_in_pieces(*decoder, kScans);
  EXPECT_EQ(taken.error, "");
  EXPECT_EQ(taken.bytes, std::string_view(kScans).size());
  EXPECT_EQ(taken.rows, (std::vector<std::string>{"118:2 scan=7 host=1 name=hé1 qid=10",
                                                  "131:2 scan=7 host=1 name=hé1 qid=11", "256:4 scan=7 qid=12"}));
  ASSERT_EQ(taken.rejects.size(), 4U);
  EXPECT_TRUE(taken.rejects[0].starts_with("274:5 : expected an object, found '5' | 5 | 1 "));
  EXPECT_TRUE(taken.rejects[2].starts_with("283:5 : expected an object, found '[1, [2]]'"));
  EXPECT_TRUE(taken.rejects[3].starts_with("293:5 qid: expected an integer, found 'no'"));
}

TEST(Json, AnAncestorThatDoesNotFitRejectsItsRecords) {
  const auto decoder = decoder_of("/h/*/d", {{"id", "../../id", Type::integer}, {"q", "/q"}});
  const Taken taken = take_in_pieces(*decoder, R"({"h":[{"id":"x","d":[{"q":1},{"q":2}]},{"id":3,"d":[{}]}]})");
  EXPECT_EQ(taken.rows, std::vector<std::string>{"52:1 id=3"});
  ASSERT_EQ(taken.rejects.size(), 2U);
  EXPECT_TRUE(taken.rejects[0].starts_with("21:1 id: expected an integer, found 'x' | {\"q\":1}"));
}

TEST(Json, WhereTheRecordsAre) {
  const std::vector<JsonColumn> columns{{"a", "/a"}};
  const auto rows = [&](const std::string& records, const std::string& document) {
    const auto decoder = decoder_of(records, columns);
    const Taken taken = take_in_pieces(*decoder, document);
    return taken.error.empty() ? std::to_string(taken.rows.size()) : taken.error;
  };
  EXPECT_EQ(rows("", " [ {\"a\":1} , {\"a\":null} ] "), "2");
  EXPECT_EQ(rows("", "[]"), "0");
  EXPECT_EQ(rows("/*", "[[{}],[],[{},{}]]"), "3");
  EXPECT_EQ(rows("/*/x", "[{\"x\":[{}]},{},{\"x\":[{}]}]"), "2");
  EXPECT_EQ(rows("/d", "\xEF\xBB\xBF{\"c\":1,\"d\":[{}]}"), "1");
  EXPECT_EQ(rows("/d", "{\"d\":null}"), "0");
  EXPECT_EQ(rows("/a~1b", "{\"a/b\":[{}]}"), "1");
  EXPECT_EQ(rows("/d", R"({"\u0064":[{}]})"), "1");
  EXPECT_EQ(rows("/d", "{}"), "bad_data: f:1: byte 1: there is no '/d' in the document; it begins with '{}'");
  EXPECT_EQ(rows("/d/*/e", "{\"d\":{}}"), "bad_data: f:1: byte 5: '/d' is not an array, it begins with '{}}'");
  EXPECT_EQ(rows("/d/e", "{\"d\":{}}"), "0") << "what it is known by is there";
  EXPECT_EQ(rows("/d", "[1]"), "bad_data: f:1: byte 0: the document is not an object, it begins with '[1]'");
  EXPECT_EQ(rows("/d", "<html>"), "bad_data: f:1: byte 0: the document is not an object, it begins with '<html>'");
  EXPECT_EQ(rows("/d", ""), "bad_data: f:1: byte 0: there is no document");
}

TEST(Json, WhatIsWrongWithADocument) {
  const std::pair<std::string, std::string> cases[] = {
      {"{\"d\":[{}\n{}]}", "f:2: byte 9: expected ',' or ']', found '{'"},
      {"{\"d\":[{},]}", "f:1: byte 9: expected a record, found ']'"},
      {"{\"d\":[,]}", "f:1: byte 6: expected a record, found ','"},
      {"{\"d\":[{}]]", "f:1: byte 9: expected ',' or '}', found ']'"},
      {"{\"d\":[{}]} {", "f:1: byte 11: expected nothing behind the end of the document, found '{'"},
      {"{\"d\":[{}],}", "f:1: byte 10: expected '\"', found '}'"},
      {"{\"d\":[{}],\"d\":[]}", "f:1: byte 10: '/d' is there twice"},
      {"{\"d\":[{}],\"e\":tru}", "f:1: byte 14: expected a value, found 't'"},
      {"{\"d\":[{}],\"e\":[}]}", "f:1: byte 15: expected ']', found '}'"},
      {"{\"d\":[{}],\"e\":\"a\nb\"}", "f:1: byte 16: expected '\"' or an escaped character, found '\\n'"},
      {"{\"d\":[{}],\"e\" 1}", "f:1: byte 10: expected ':' at byte 5, found '1'"},
      {"{\"d\":[{}],\"id\":1}",
       "f:1: byte 10: '/id' stands behind records that a column takes it for; it can only be known before them"},
      {"{\"id\":1,\"id\":1,\"d\":[{}]}", "f:1: byte 8: '/id' is there twice"},
      {"{\"id\":2\xFF,\"d\":[{}]}", "f:1: byte 1: '/id': expected the end at byte 2, found '\\xFF'"},
      {"{\"id\":[1,],\"d\":[{}]}", "f:1: byte 1: '/id': expected a value at byte 4, found ']'"},
      {"{\"id\":\"" + std::string(5000, 'x') + "\",\"d\":[{}]}",
       "f:1: byte 1: what the columns take from around the records is longer than 4.0 KiB"},
      {"{\"e\":" + std::string(1025, '[') + "1", "f:1: byte 1029: more than 1024 brackets are open"},
      {"{\xE2\x80\x9C"
       "d\xE2\x80\x9D:[]}",
       "f:1: byte 1: expected '\"', found '\xE2\x80\x9C'"},
      {"{\xE2\x80:1}", "f:1: byte 1: expected '\"', found '\\xE2'"},
      {"{\"d\":[]}\xE2\x80",
       "f:1: byte 10: expected nothing behind the end of the document, found a part of a character"},
      {"{\"d\":[{}]",
       "f:1: byte 9: the document ends before the document is closed: it was cut off, or is still being "
       "written"},
      {"{\"d\":[{}", "f:1: byte 8: the document ends before '/d' is closed: it was cut off, or is still being written"},
  };
  for (const auto& [document, error] : cases) {
    const auto decoder = decoder_of("/d", {{"id", "../../id"}, {"a", "/a"}});
    EXPECT_EQ(take_in_pieces(*decoder, document).error, "bad_data: " + error) << document;
  }
}

TEST(Json, ADocumentThatIsCutOffIsAnErrorEverywhere) {
  const std::string document = std::string(kScans).substr(0, std::string_view(kScans).find_last_of('}') + 1);
  for (size_t size = 0; size < document.size(); ++size) {
    const auto decoder = decoder_of("/hosts/*/detections", scan_columns());
    const Taken taken = take_in_pieces(*decoder, document.substr(0, size));
    EXPECT_TRUE(taken.error.starts_with("bad_data: f:")) << size << ": " << taken.error;
  }
}

TEST(Json, WhereTheBytesAreCutChangesNothing) {
  const std::string documents[] = {kScans,
                                   std::string(kScans) + "x",
                                   "[{\"a\":1} , 2,\n[\"]\"], \"a\\\"\", {\"a\":\"}\"} ]",
                                   "{\"hosts\":[{\"id\":1,\"detections\":[{}],\"id\":2}]}",
                                   "{\xEF\xBB\xBF\n\"hosts\":[]}",
                                   "\xEF\xBB\xBF[{}]",
                                   "[{}\xE2\x80\x9C]",
                                   "[{}]\xE2\x80"};
  for (const std::string& document : documents) {
    const bool array = document[0] == '[' || document[3] == '[';
    const std::string records = array ? "" : "/hosts/*/detections";
    const std::vector<JsonColumn> columns = array ? std::vector<JsonColumn>{{"a", "/a"}} : scan_columns();
    for (const uint64_t max_record : {1000U, 12U, 1U}) {
      const auto decoder = decoder_of(records, columns);
      const Taken whole = take_in_pieces(*decoder, document, {0, max_record});
      for (uint64_t seed = 1; seed <= 200; ++seed) {
        const Taken pieces = take_in_pieces(*decoder, document, {seed, max_record});
        EXPECT_EQ(pieces, whole) << seed << " " << max_record << " " << document << "\n"
                                 << pieces.error << "\n"
                                 << whole.error;
      }
    }
  }
}

TEST(Json, WhatStandsBehindTheRecordsIsTold) {
  const auto decoder = decoder_of("/items", {{"a", "/a"}});
  const std::string_view document = R"({"items":[{"a":1}, {"a":2} ], "served": 3})";
  const auto cutter = decoder->make_cutter("a.json");
  const auto lead = cutter->whole(document, {.ended = true});
  ASSERT_TRUE(lead.ok());
  const auto cut = cutter->whole(document.substr(lead->bytes), {.ended = true});
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->records, 2U);
  EXPECT_EQ(lead->bytes + cut->bytes, document.size());
  EXPECT_EQ(document.substr(document.size() - cut->tail), R"( ], "served": 3})");
}

TEST(Json, ARecordThatIsTooLong) {
  const std::string large = "{\"a\":\"" + std::string(300, 'x') + "]\"}";
  const auto decoder = decoder_of("", {{"a", "/a"}});
  const Taken taken = take_in_pieces(*decoder, "[{\"a\":1},\n" + large + ", {\"a\":2}]", {7, 100});
  EXPECT_EQ(taken.error, "");
  EXPECT_EQ(taken.rows, (std::vector<std::string>{"1:1 a=1", "321:2 a=2"}));
  EXPECT_EQ(taken.rejects, std::vector<std::string>{"10:2 : record is longer than 100 bytes | " + large.substr(0, 100) +
                                                    " | 309 " + hex(hash128(large))});
}

TEST(Json, TheSavedStateIsSmallAndIsChecked) {
  const auto decoder = decoder_of("/hosts/*/detections", scan_columns());
  const auto cutter = decoder->make_cutter("f");
  EXPECT_EQ(cutter->save(), "");
  const std::string_view begun = std::string_view(kScans).substr(0, 150);
  const auto lead = cutter->whole(begun, {});
  ASSERT_TRUE(lead.ok());
  EXPECT_EQ(lead->lead, 118U);
  ASSERT_TRUE(cutter->whole(begun.substr(lead->bytes), {}).ok());
  const std::string saved = cutter->save();
  EXPECT_EQ(saved, R"(document 131 2 2 4 100 3232 . 1:7 1:1 10:"h\u00e91" 0:)");
  EXPECT_LT(saved.size(), 100U);
  for (size_t size = 1; size < saved.size(); ++size) {
    (void)decoder->make_cutter("f")->restore(saved.substr(0, size));  // any answer, no crash
  }
  const auto other = decoder_of("/hosts", {{"a", "/a"}})->make_cutter("f");
  const Status status = other->restore(saved);
  EXPECT_EQ(status.kind(), Kind::bad_config);
  EXPECT_TRUE(status.message().find("'records' or the columns from around the records have changed") !=
              std::string::npos);
}

const char* const kPage = R"({"next": "a", "meta": {"other": {"next": "no"}, "list": [1, [2], {"x": 7}], "next_cursor" :
"c\u00e9\n\"", "total": 1.50e1, "more": true, "none": null, "s": "{"}, "data": {"items": [{"id": 5}, {"id": "x6"},
 {"no": [1]}], "page": {"last": ["z"]}, "items2": [{"id": 9}]}, "next": "b"})";

TEST(Json, WhatIsWatchedIsTold) {
  const auto decoder = decoder_of("/data/items", {{"id", "/id"}, {"cursor", "../../meta/next_cursor"}});
  const std::vector<std::string> paths{"/next",         "/meta/next_cursor", "/meta/total",      "/meta/more",
                                       "/meta/none",    "/meta/list/2/x",    "/data/items/*/id", "/data/page/last/0",
                                       "/meta/other/no"};
  for (const bool ancestor : {true, false}) {
    const auto one = decoder_of("/data/items", {{"id", "/id"}, {"c", ancestor ? "../../../meta/next_cursor" : "/c"}});
    const Watched all = watch_page(*one, kPage, paths);
    EXPECT_EQ(all.error, "");
    EXPECT_EQ(all.told, (std::vector<std::string>{"b", "cé\n\"", "1.50e1", "true", "-", "7", "x6", "z", "-"}));
    EXPECT_EQ(all.lead, std::string_view(kPage).find("{\"id\": 5"));
    EXPECT_EQ(all.bytes, std::string_view(kPage).size());
    for (size_t first = 0; first < std::string_view(kPage).size(); ++first) {
      EXPECT_EQ(watch_page(*one, kPage, paths, first), all) << first;
    }
  }
}

TEST(Json, WhatAWatchingCutterSavesIsForThoseWhoDoNot) {
  const std::string_view page = kPage;
  const auto decoder = decoder_of("/data/items", {{"id", "/id"}});
  for (size_t first = 1; first < page.size(); ++first) {
    const auto watching = decoder->make_cutter("f");
    ASSERT_TRUE(watching->watch({"/meta/list/2/x", "/meta/s"}, [](size_t, std::string_view) {}).ok());
    uint64_t taken = 0;
    for (bool going = true; going;) {
      const std::string bytes(page.substr(taken, first - taken));
      const auto cut = watching->whole(bytes, {});
      ASSERT_TRUE(cut.ok());
      going = cut->bytes > 0;
      taken += cut->bytes;
    }
    const auto other = decoder->make_cutter("f");
    ASSERT_TRUE(other->restore(watching->save()).ok());
    for (bool going = true; going;) {
      const auto cut = other->whole(page.substr(taken), {.ended = true});
      ASSERT_TRUE(cut.ok()) << first << ": " << cut.status().message();
      going = cut->bytes > 0;
      taken += cut->bytes;
    }
    EXPECT_EQ(taken, page.size());
  }
}

TEST(Json, APageBeginsWhereItsBaseIs) {
  const auto decoder = decoder_of("/d", {{"a", "/a"}});
  Chunk chunk;
  chunk.bytes = R"({"d":[{"a":1},{"a":2})";
  chunk.start = chunk.base = 100;
  const auto cutter = decoder->make_cutter("f");
  ASSERT_TRUE(cutter->whole(chunk.bytes, {}).ok());
  chunk.context = cutter->save();
  Taken taken;
  testing::take_chunk(*decoder, std::move(chunk), taken);
  EXPECT_EQ(taken.rows, (std::vector<std::string>{"106:1 a=1", "114:1 a=2"}));
}

TEST(Json, WhatIsWatchedWithoutRecords) {
  const std::string page = R"({"data": {"page": 3, "text": "x]}"}, "next": ""})";
  for (const bool inferred : {true, false}) {
    const auto decoder =
        decoder_of("/data/items", inferred ? std::vector<JsonColumn>{} : std::vector<JsonColumn>{{"a", "/a"}});
    for (size_t first = 0; first < page.size(); ++first) {
      const Watched watched = watch_page(*decoder, page, {"/next", "/data/page"}, first);
      EXPECT_EQ(watched.error, "");
      EXPECT_EQ(watched.told, (std::vector<std::string>{"", "3"})) << first;
      EXPECT_EQ(watched.lead, watched.bytes) << "no record has come";
    }
  }
}

TEST(Json, WhatCannotBeWatched) {
  const auto watch = [](const std::string& records, const std::string& path, const std::string& page = "{\"d\":[]}") {
    return watch_page(*decoder_of(records, {{"a", "/a"}}), page, {path}).error;
  };
  EXPECT_EQ(watch("/d", "next"), "'next' is no path of a member: \"/meta/next\", with '~0' for '~' and '~1' for '/'");
  EXPECT_EQ(watch("/d/e", "/d"), "'/d' is on the way to the records, or is one of them");
  EXPECT_EQ(watch("/d", "/d/*"), "'/d/*' is on the way to the records, or is one of them");
  EXPECT_EQ(watch("/d", "/d/0/id"),
            "'/d/0/id' is in one element of the array '/d'; take those of all with '*' for '0'");
  EXPECT_EQ(watch("/d", "/m/*/id"),
            "'/m/*/id': '*' stands only for the elements on the way to the records, and for these");
  EXPECT_EQ(watch("", "/next"),
            "'/next': records that are lines, or elements of the outermost array, have nothing around them");
  EXPECT_EQ(watch("/d", "/n", "{\"n\":{\"x\":1},\"d\":[]}"),
            "bad_data: page:1: byte 5: '/n' is an object, where a text or number is looked for");
  EXPECT_EQ(watch("/d", "/d/*/n", "{\"d\":[{\"n\":1},{\"n\":[]}]}"),
            "bad_data: page:1: byte 14: '/d/*/n' is an array, where a text or number is looked for");
  const std::string longest(64 * 1024, 'x');
  EXPECT_EQ(watch("/d", "/n", "{\"n\":\"" + longest + "\",\"d\":[]}"), "");
  EXPECT_EQ(watch("/d", "/n", "{\"n\":\"" + longest + "x\",\"d\":[]}"),
            "bad_data: page:1: byte 5: '/n' is longer than 64.0 KiB");
  // In lines the records themselves can be watched.
  EXPECT_EQ(watch_page(*decoder_of("", {{"a", "/a"}}), "{\"a\":1}\nx\n{\"a\":\"2\"}\n", {"/*/a"}).told.at(0), "2");
  EXPECT_EQ(watch_page(*decoder_of("", {{"a", "/a"}}), "[{\"a\":1},{\"a\":3}]", {"/*/a"}).told.at(0), "3");
  EXPECT_EQ(watch_page(*decoder_of("", {{"a", "/a"}}), "{\"a\":\n1}\n", {"/*/a"}).told.at(0), "-");
}

TEST(Json, AnotherDocumentIsAnErrorThatShowsIt) {
  const std::string answer = R"({"error": {"code": 401, "message": "token has expired"}})";
  for (size_t first = 0; first < answer.size(); ++first) {
    EXPECT_EQ(watch_page(*decoder_of("/data/items", {{"a", "/a"}}), answer, {"/next"}, first).error,
              "bad_data: page:1: byte 55: there is no '/data' in the document; it begins with '" + answer + "'");
  }
}

TEST(Json, ColumnsAreInferred) {
  const auto decoder = decoder_of("", {});
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
  const auto later = decoder_of("", {});
  ASSERT_TRUE(later->restore_schema(decoder->save_schema()).ok());
  EXPECT_EQ(*later->schema(), *decoder->schema());
  EXPECT_EQ(later->save_schema(), decoder->save_schema());
  const Taken more = take_in_pieces(*later, "{\"i\":\"x\"}\n{\"new\":[1]}\n");
  EXPECT_EQ(more.rows, std::vector<std::string>{"10:2 rest_={\"new\":[1]}"});
  EXPECT_EQ(more.rejects.size(), 1U);
  EXPECT_EQ(later->restore_schema("csv 1\n").kind(), Kind::bad_config);
}

TEST(Json, InferringWaitsForRecords) {
  const auto decoder = decoder_of("/d", {});
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
  const auto none = decoder_of("", {});
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
