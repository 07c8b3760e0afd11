// Documents of JSON: where their records are, what stands around them, and where they may be cut.

#include <gtest/gtest.h>

#include "decoders/json.h"
#include "tests/support/json_decoder.h"
#include "tests/support/pieces.h"
#include "tests/support/watched.h"

namespace leat {
namespace {

using ::leat::testing::json_decoder;
using ::leat::testing::take_in_pieces;
using ::leat::testing::Taken;
using ::leat::testing::watch_page;
using ::leat::testing::Watched;

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
  const auto decoder = json_decoder("/hosts/*/detections", scan_columns());
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
  const auto decoder = json_decoder("/h/*/d", {{"id", "../../id", Type::integer}, {"q", "/q"}});
  const Taken taken = take_in_pieces(*decoder, R"({"h":[{"id":"x","d":[{"q":1},{"q":2}]},{"id":3,"d":[{}]}]})");
  EXPECT_EQ(taken.rows, std::vector<std::string>{"52:1 id=3"});
  ASSERT_EQ(taken.rejects.size(), 2U);
  EXPECT_TRUE(taken.rejects[0].starts_with("21:1 id: expected an integer, found 'x' | {\"q\":1}"));
}

TEST(Json, WhereTheRecordsAre) {
  const std::vector<JsonColumn> columns{{"a", "/a"}};
  const auto rows = [&](const std::string& records, const std::string& document) {
    const auto decoder = json_decoder(records, columns);
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
    const auto decoder = json_decoder("/d", {{"id", "../../id"}, {"a", "/a"}});
    EXPECT_EQ(take_in_pieces(*decoder, document).error, "bad_data: " + error) << document;
  }
}

TEST(Json, ADocumentThatIsCutOffIsAnErrorEverywhere) {
  const std::string document = std::string(kScans).substr(0, std::string_view(kScans).find_last_of('}') + 1);
  for (size_t size = 0; size < document.size(); ++size) {
    const auto decoder = json_decoder("/hosts/*/detections", scan_columns());
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
      const auto decoder = json_decoder(records, columns);
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
  const auto decoder = json_decoder("/items", {{"a", "/a"}});
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
  const auto decoder = json_decoder("", {{"a", "/a"}});
  const Taken taken = take_in_pieces(*decoder, "[{\"a\":1},\n" + large + ", {\"a\":2}]", {7, 100});
  EXPECT_EQ(taken.error, "");
  EXPECT_EQ(taken.rows, (std::vector<std::string>{"1:1 a=1", "321:2 a=2"}));
  EXPECT_EQ(taken.rejects, std::vector<std::string>{"10:2 : record is longer than 100 bytes | " + large.substr(0, 100) +
                                                    " | 309 " + hex(hash128(large))});
}

TEST(Json, TheSavedStateIsSmallAndIsChecked) {
  const auto decoder = json_decoder("/hosts/*/detections", scan_columns());
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
  const auto other = json_decoder("/hosts", {{"a", "/a"}})->make_cutter("f");
  const Status status = other->restore(saved);
  EXPECT_EQ(status.kind(), Kind::bad_config);
  EXPECT_TRUE(status.message().find("'records' or the columns from around the records have changed") !=
              std::string::npos);
}

const char* const kPage = R"({"next": "a", "meta": {"other": {"next": "no"}, "list": [1, [2], {"x": 7}], "next_cursor" :
"c\u00e9\n\"", "total": 1.50e1, "more": true, "none": null, "s": "{"}, "data": {"items": [{"id": 5}, {"id": "x6"},
 {"no": [1]}], "page": {"last": ["z"]}, "items2": [{"id": 9}]}, "next": "b"})";

TEST(Json, WhatIsWatchedIsTold) {
  const auto decoder = json_decoder("/data/items", {{"id", "/id"}, {"cursor", "../../meta/next_cursor"}});
  const std::vector<std::string> paths{"/next",         "/meta/next_cursor", "/meta/total",      "/meta/more",
                                       "/meta/none",    "/meta/list/2/x",    "/data/items/*/id", "/data/page/last/0",
                                       "/meta/other/no"};
  for (const bool ancestor : {true, false}) {
    const auto one = json_decoder("/data/items", {{"id", "/id"}, {"c", ancestor ? "../../../meta/next_cursor" : "/c"}});
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
  const auto decoder = json_decoder("/data/items", {{"id", "/id"}});
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
  const auto decoder = json_decoder("/d", {{"a", "/a"}});
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
        json_decoder("/data/items", inferred ? std::vector<JsonColumn>{} : std::vector<JsonColumn>{{"a", "/a"}});
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
    return watch_page(*json_decoder(records, {{"a", "/a"}}), page, {path}).error;
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
  EXPECT_EQ(watch_page(*json_decoder("", {{"a", "/a"}}), "{\"a\":1}\nx\n{\"a\":\"2\"}\n", {"/*/a"}).told.at(0), "2");
  EXPECT_EQ(watch_page(*json_decoder("", {{"a", "/a"}}), "[{\"a\":1},{\"a\":3}]", {"/*/a"}).told.at(0), "3");
  EXPECT_EQ(watch_page(*json_decoder("", {{"a", "/a"}}), "{\"a\":\n1}\n", {"/*/a"}).told.at(0), "-");
}

TEST(Json, AnotherDocumentIsAnErrorThatShowsIt) {
  const std::string answer = R"({"error": {"code": 401, "message": "token has expired"}})";
  for (size_t first = 0; first < answer.size(); ++first) {
    EXPECT_EQ(watch_page(*json_decoder("/data/items", {{"a", "/a"}}), answer, {"/next"}, first).error,
              "bad_data: page:1: byte 55: there is no '/data' in the document; it begins with '" + answer + "'");
  }
}

}  // namespace
}  // namespace leat
