#include "decoders/regex.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace leat {
namespace {

ColumnOption column(const std::string& name, Type type) {
  return {.name = name, .path = {}, .type = type, .at = {}, .path_at = {}};
}

struct Taken {
  std::string rows;     // "host=a ms=1|…"
  std::string rejects;  // "line column: reason (raw)|"
};

Taken take(const RegexOptions& options, std::string_view text) {
  RegexPlace place;
  auto decoder = make_regex_decoder(options, &place);
  if (!decoder.ok()) return {decoder.status().message(), ""};
  Chunk chunk;
  chunk.bytes = text;
  chunk.start = 100;
  chunk.first_line = 7;
  RecordBatch batch((*decoder)->schema());
  Rejects rejects;
  (*decoder)->decode(std::move(chunk), batch, rejects);
  Taken out;
  for (size_t row = 0; row < batch.rows(); ++row) {
    for (size_t i = 0; i < batch.schema().fields.size(); ++i) {
      const Field& field = batch.schema().fields[i];
      out.rows += fmt::format("{}{}={}", i > 0 ? " " : "", field.name,
                              batch.is_null(i, row)      ? "~"
                              : field.type == Type::text ? fmt::format("'{}'", batch.text(i, row))
                                                         : fmt::format("{}", batch.integer(i, row)));
    }
    out.rows += fmt::format(" @{}:{}|", batch.origin_of(row).offset, batch.origin_of(row).line);
  }
  for (const Reject& reject : rejects) {
    out.rejects +=
        fmt::format("{}:{} {}: {} ({})|", reject.byte_offset, reject.line, reject.column, reject.reason, reject.raw);
  }
  return out;
}

TEST(Regex, NamedGroupsAreColumns) {
  const RegexOptions options{
      R"(^(?P<host>\S+) (\S+) (?:-|(?P<ms>\d+))(?P<rest>.*)$)", {column("ms", Type::integer)}, true};
  const Taken taken = take(options, "a x 12 tail\r\n\nb y -\nno\nc z 99999999999999999999\n\xE4 x 1\nd x 7 \xC3\xA4");
  EXPECT_EQ(taken.rows,
            "host='a' ms=12 rest=' tail' raw_log='a x 12 tail' @100:7|"
            "host='b' ms=~ rest='' raw_log='b y -' @114:9|"
            "host='d' ms=7 rest=' \xC3\xA4' raw_log='d x 7 \xC3\xA4' @154:13|");
  EXPECT_EQ(taken.rejects,
            "120:10 : the pattern does not match (no)|"
            "123:11 ms: '99999999999999999999' is beyond what an integer can be (64 bits) (c z 99999999999999999999)|"
            "148:12 : the pattern does not match, as the line is not UTF-8 (\xE4 x 1)|");
}

TEST(Regex, ItIsLookedForInTheLine) {
  EXPECT_EQ(take({"id=(?P<id>[0-9]*)", {column("id", Type::integer)}, false}, "x id=5 y\nid=\n").rows,
            "id=5 @100:7|id=~ @109:8|");
  EXPECT_EQ(take({"(?P<all>.*)", {}, false}, std::string_view("a\0b\n", 4)).rejects,
            std::string("100:7 all: expected UTF-8 without NUL, found '\\x00' at byte 2 (a\0b)|", 68));
}

TEST(Regex, WhatIsWrongIsSaidWithItsPlace) {
  const auto wrong = [](const RegexOptions& options) {
    RegexPlace place;
    const auto made = make_regex_decoder(options, &place);
    return fmt::format("{}+{}{} {}", place.at, place.length,
                       place.column ? fmt::format(" column {}", *place.column) : "",
                       made.ok() ? "ok" : made.status().message());
  };
  EXPECT_EQ(wrong({"a(?P<x>b", {}, false}), "0+8 missing ): a(?P<x>b");
  EXPECT_EQ(wrong({"(?P<x>a)[z-a]", {}, false}), "9+3 invalid character class range: z-a");
  EXPECT_EQ(wrong({"(?<x>a)", {}, false}), "0+3 invalid perl operator: (?<; a named group is written (?P<NAME>…)");
  EXPECT_EQ(wrong({"(?P<x>a)(?P<x>b)", {}, false}),
            "12+1 'x' cannot be the name of a group: another one has it (upper and lower case are the same)");
  EXPECT_EQ(wrong({"(?P<x>a)(?P<X>b)", {}, false}),
            "12+1 'X' cannot be the name of a group: another one has it (upper and lower case are the same)");
  EXPECT_EQ(wrong({"(?P<_row>a)", {}, false}),
            "4+4 '_row' cannot be the name of a group: tables keep it for themselves");
  EXPECT_EQ(wrong({"(a)", {}, false}), "0+3 no group has a name; what is to become a column is written (?P<NAME>…)");
  EXPECT_EQ(wrong({"(?P<time>a)", {column("tme", Type::time)}, false}),
            "0+11 column 0 no group of the pattern has the name 'tme' (did you mean 'time'?)");
}

}  // namespace
}  // namespace leat
