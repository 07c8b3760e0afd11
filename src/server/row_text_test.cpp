#include "server/row_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace leat {
namespace {

const std::vector<Field> kFields = {{"id", Type::integer},   {"name", Type::text},         {"ok", Type::boolean},
                                    {"seconds", Type::real}, {"strange name", Type::text}, {"rest", Type::json}};
using Row = std::vector<ResultCell>;

std::string text_of(RowFormat format, const std::vector<Row>& rows, const std::optional<std::string>& next = {}) {
  const auto text = make_row_text(format, kFields);
  std::string out;
  text->begin(out);
  for (size_t i = 0; i < rows.size(); ++i) text->row(out, rows[i], i == 0);
  text->end(out, rows.size(), next);
  return out;
}

const std::vector<Row> kRows = {
    {std::numeric_limits<int64_t>::min(), "a\"b\\c\n<&>,'", int64_t{1}, 0.1, "ü€😀", "{\"a\":\n[1, null]}"},
    {std::monostate(), "", int64_t{0}, std::numeric_limits<double>::infinity(), " \x1B\xFF\0x", "{broken"},
    {int64_t{7}, std::monostate(), std::monostate(), 1e300, "\xEF\xBF\xBE\r", std::monostate()},
};

TEST(RowText, Json) {
  EXPECT_EQ(text_of(RowFormat::json, {}), "{\"data\":[\n],\"count\":0}\n");
  EXPECT_EQ(text_of(RowFormat::json, {kRows[2]}, ""),
            "{\"data\":[\n{\"id\":7,\"name\":null,\"ok\":null,\"seconds\":1e+300,\"strange name\":\"\xEF\xBF\xBE\\r\","
            "\"rest\":null}\n],\"count\":1,\"next\":null}\n");
  EXPECT_EQ(
      text_of(RowFormat::json, {kRows[0], kRows[1]}, "/a?b=\"c\""),
      "{\"data\":[\n"
      "{\"id\":-9223372036854775808,\"name\":\"a\\\"b\\\\c\\n<&>,'\",\"ok\":true,\"seconds\":0.1,\"strange name\":"
      "\"ü€😀\",\"rest\":{\"a\": [1, null]}},\n"
      "{\"id\":null,\"name\":\"\",\"ok\":false,\"seconds\":null,\"strange name\":\" \\u001b\\\\xFF\",\"rest\":"
      "\"{broken\"}\n],\"count\":2,\"next\":\"/a?b=\\\"c\\\"\"}\n");
}

TEST(RowText, Ndjson) {
  const std::string text = text_of(RowFormat::ndjson, kRows);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_TRUE(text.ends_with("\"rest\":null}\n"));
}

TEST(RowText, Xml) {
  EXPECT_EQ(text_of(RowFormat::xml, kRows),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<records>\n"
            "<record><id>-9223372036854775808</id><name>a&quot;b\\c\n&lt;&amp;&gt;,'</name><ok>true</ok>"
            "<seconds>0.1</seconds><column name=\"strange name\">ü€😀</column><rest>{&quot;a&quot;:\n[1, "
            "null]}</rest></record>\n"
            "<record><name></name><ok>false</ok><seconds></seconds><column name=\"strange name\"> \\x1B\\xFF</column>"
            "<rest>{broken</rest></record>\n"
            "<record><id>7</id><seconds>1e+300</seconds><column name=\"strange name\">\\xEF\\xBF\\xBE&#13;</column>"
            "</record>\n</records>\n");
}

TEST(RowText, Csv) {
  EXPECT_EQ(text_of(RowFormat::csv, kRows),
            "id,name,ok,seconds,strange name,rest\r\n"
            "-9223372036854775808,\"a\"\"b\\c\n<&>,'\",true,0.1,ü€😀,\"{\"\"a\"\":\n[1, null]}\"\r\n"
            ",\"\",false,,\" \x1B\\xFF\",{broken\r\n"
            "7,,,1e+300,\"\xEF\xBF\xBE\r\",\r\n");
}

TEST(RowText, OnlyWholeJsonIsNested) {
  const auto nested = [](const char* cell) {
    const auto text = make_row_text(RowFormat::ndjson, {{"j", Type::json}});
    std::string out;
    text->row(out, Row{cell}, true);
    return out.find("\"j\":\"") == std::string::npos || cell[0] == '"';
  };
  for (const char* good :
       {"{}", "[]", " [1,-0.5e+7,\"\\u00Fc\\n\",true,false,null] ", "{\"a\":{\"b\":[{}]}}", "0", "-1"}) {
    EXPECT_TRUE(nested(good)) << good;
  }
  for (const char* bad : {"", "{", "[1,]", "{\"a\"}", "{a:1}", "01", "1.", "+1", "tru", "[1] 2", "'a'", "{\"a\":1,}",
                          "[\"\n\"]", "[\"\xFF\"]", "[\"\\x\"]", "nan"}) {
    EXPECT_FALSE(nested(bad)) << bad;
  }
  EXPECT_FALSE(nested(std::string(100'000, '[').c_str()));
}

}  // namespace
}  // namespace leat
