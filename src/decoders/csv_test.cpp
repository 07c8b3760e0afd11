#include "decoders/csv.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/time.h"
#include "decoders/csv_columns.h"
#include "decoders/csv_cutter.h"
#include "tests/support/watched.h"

namespace leat {
namespace {

CsvOptions plain(std::vector<ColumnOption> columns) {
  CsvOptions options;
  options.header = false;
  options.columns = std::move(columns);
  return options;
}

struct Taken {
  std::string rows;     // "a=1 b=~|a=2 …": a row's cells, a bar behind each
  std::string rejects;  // "line column: reason (raw)|"
  std::string failure;  // of a cutter
  std::string columns;  // "a:integer,b:text"
};

void show(const RecordBatch& batch, const Rejects& rejects, Taken& out) {
  for (size_t row = 0; row < batch.rows(); ++row) {
    for (size_t i = 0; i < batch.schema().fields.size(); ++i) {
      const Field& field = batch.schema().fields[i];
      out.rows += (i > 0 ? " " : "") + field.name + "=";
      if (batch.is_null(i, row)) {
        out.rows += "~";
      } else if (field.type == Type::text || field.type == Type::json) {
        out.rows += fmt::format("'{}'", batch.text(i, row));
      } else if (field.type == Type::real) {
        out.rows += fmt::format("{}", batch.real(i, row));
      } else if (field.type == Type::time) {
        out.rows += format_time(batch.integer(i, row));
      } else {
        out.rows += fmt::format("{}", batch.integer(i, row));
      }
    }
    out.rows += "|";
  }
  for (const Reject& reject : rejects) {
    out.rejects += fmt::format("{} {}: {} ({})|", reject.line, reject.column, reject.reason, reject.raw);
  }
}

// Takes a file as a source does, `step` bytes more at a time, at most `most` records a chunk, as often as the columns
// become known. A last record without its end is delivered as it is.
class File {
 public:
  File(Decoder& decoder, std::string text) : decoder_(decoder), text_(std::move(text)) {}
  size_t step = 1 << 20;
  uint64_t most = 4096;
  uint64_t max_record = 1 << 20;
  bool ended = true;

  Taken take() {
    Taken out;
    for (int opens = 0; opens < 5; ++opens) {
      out = {};
      if (!take_once(out)) break;
    }
    if (const SchemaPtr schema = decoder_.schema()) {
      for (const Field& field : schema->fields) {
        out.columns += fmt::format("{}{}:{}", out.columns.empty() ? "" : ",", field.name, name_of(field.type));
      }
    }
    return out;
  }

 private:
  // True: everything is to be opened anew.
  bool take_once(Taken& out) {
    auto cutter = decoder_.make_cutter("f.csv");
    size_t at = 0;
    size_t have = 0;
    while (at < text_.size()) {
      have = std::min(have + step, text_.size());
      const CutRule rule{.ended = ended && have == text_.size(), .max_record = max_record, .most_records = most};
      std::string context = cutter->save();
      const auto cut = cutter->whole(std::string_view(text_).substr(at, have - at), rule);
      if (!cut.ok()) {
        out.failure = cut.status().message();
        return cut.status().kind() == Kind::retry;
      }
      Chunk chunk;
      size_t size = cut->bytes;
      if (cut->too_long) {
        size = 0;
        for (std::optional<size_t> end; !end && at + size < text_.size();) {
          const std::string_view piece = std::string_view(text_).substr(at + size, step);
          end = *cutter->skip(piece);
          size += end.value_or(piece.size());
        }
        chunk.truncated = true;
        have = std::max(have, at + size);
      }
      if (size == 0 && have < text_.size()) continue;
      if (size == 0 && !ended) return false;
      const bool rest = size == 0;
      if (rest) size = have - at;
      if (context.empty()) context = cutter->save();
      chunk.bytes = text_.substr(at, size);
      chunk.start = at;
      chunk.first_line = 1 + static_cast<uint64_t>(std::count(text_.begin(), text_.begin() + at, '\n'));
      chunk.context = context;
      at += size;
      if (decoder_.schema() == nullptr) continue;
      RecordBatch batch(decoder_.schema());
      Rejects rejects;
      decoder_.decode(std::move(chunk), batch, rejects);
      show(batch, rejects, out);
      // Where a run begins anew, what was saved is enough.
      auto next = decoder_.make_cutter("f.csv");
      EXPECT_TRUE(next->restore(cutter->save()).ok());
      if (!rest) cutter = std::move(next);
    }
    return false;
  }

  Decoder& decoder_;
  std::string text_;
};

Taken take(const CsvOptions& options, const std::string& text) {
  const auto decoder = make_csv_decoder(options, {});
  const Taken all = File(*decoder, text).take();
  // The same in pieces, and record by record.
  for (const size_t step : {1, 2, 3, 7, 64}) {
    const auto again = make_csv_decoder(options, {});
    File file(*again, text);
    file.step = step;
    file.most = step;
    const Taken pieces = file.take();
    EXPECT_EQ(pieces.rows, all.rows) << step;
    EXPECT_EQ(pieces.rejects, all.rejects) << step;
    EXPECT_EQ(pieces.failure, all.failure) << step;
    EXPECT_EQ(pieces.columns, all.columns) << step;
  }
  return all;
}

const std::vector<ColumnOption> kAB{{.name = "a", .path = {}, .type = {}, .at = {}, .path_at = {}},
                                    {.name = "b", .path = {}, .type = {}, .at = {}, .path_at = {}}};

ColumnOption column(const std::string& name, Type type) {
  return {.name = name, .path = {}, .type = type, .at = {}, .path_at = {}};
}

TEST(Csv, FieldsAndRecords) {
  EXPECT_EQ(take(plain(kAB), "1,2\n3,4\n").rows, "a='1' b='2'|a='3' b='4'|");
  EXPECT_EQ(take(plain(kAB), "1,2\r\n\r\n\n3,4").rows, "a='1' b='2'|a='3' b='4'|");
  EXPECT_EQ(take(plain(kAB), "\xEF\xBB\xBF\"1\",2\n").rows, "a='1' b='2'|") << "byte order mark";
  EXPECT_EQ(take(plain(kAB), "\"x,y\",\"l1\nl2\r\nl3\"\r\n\"a\"\"b\",\"\"\"\"\n").rows,
            "a='x,y' b='l1\nl2\r\nl3'|a='a\"b' b='\"'|");
  EXPECT_EQ(take(plain(kAB), "5\" pipe,say \"hi\"\nx,y\n").rows, "a='5\" pipe' b='say \"hi\"'|a='x' b='y'|")
      << "a quote within a field is a character";
  EXPECT_EQ(take(plain(kAB), " 1, 2 \n").rows, "a=' 1' b=' 2 '|") << "spaces belong to text";
  EXPECT_EQ(take(plain(kAB), "").rows, "");
  EXPECT_EQ(take(plain(kAB), "\n\r\n").rows, "");
  EXPECT_EQ(take(plain(kAB), "a\r,b\n").rows, "a='a\r' b='b'|");
}

TEST(Csv, EmptyAndNull) {
  EXPECT_EQ(take(plain(kAB), ",\"\"\nNA,\\N\n").rows, "a=~ b=''|a='NA' b='\\N'|");
  CsvOptions na = plain({column("a", Type::text), column("n", Type::integer)});
  na.null = "NA";
  EXPECT_EQ(take(na, "NA,NA\n\"NA\",1\n,\n,\"\"\n").rows, "a=~ n=~|a='NA' n=1|a='' n=~|a='' n=~|");
}

TEST(Csv, OtherDelimitersAndQuotes) {
  CsvOptions tabs = plain(kAB);
  tabs.dialect = {'\t', std::nullopt};
  EXPECT_EQ(take(tabs, "\"a\tb\"\n,\t\n").rows, "a='\"a' b='b\"'|a=',' b=~|");
  CsvOptions single = plain(kAB);
  single.dialect = {';', '\''};
  EXPECT_EQ(take(single, "'a;''b''';\"c\"\n").rows, "a='a;'b'' b='\"c\"'|");
}

TEST(Csv, RejectsSayWhereAndWhy) {
  const CsvOptions typed = plain({column("n", Type::integer), column("t", Type::time), column("x", Type::text)});
  const Taken taken = take(typed,
                           "1,2026-11-22,a\n"
                           "abc,2026-11-22,b\n"
                           "2,\"l1\nl2\",c\n"
                           "3,2026-11-22\n"
                           "4,2026-11-22,d,e\n"
                           "5,2026-11-22,\"f\"g\n"
                           "6,2026-11-22,\xE4\n"
                           "7,2026-11-22,ä\n"
                           "8,2026-11-22,\"open\n,,");
  EXPECT_EQ(taken.rows, "n=1 t=2026-11-22 00:00:00 x='a'|n=7 t=2026-11-22 00:00:00 x='ä'|");
  EXPECT_EQ(taken.rejects,
            "2 n: expected an integer, found 'abc' (abc,2026-11-22,b)|"
            "3 t: expected a time such as 2026-11-22T13:39:28Z, found 'l1\\nl2' (2,\"l1\nl2\",c)|"
            "5 : 3 fields expected, found 2 (3,2026-11-22)|"
            "6 : 3 fields expected, found 4 (4,2026-11-22,d,e)|"
            "7 x: expected ',' or the end of the record behind the closing quote, found 'g' (5,2026-11-22,\"f\"g)|"
            "8 x: expected UTF-8 without NUL, found '\\xE4' at byte 1 (6,2026-11-22,\xE4)|"
            "10 x: the quote that opens this field is not closed (8,2026-11-22,\"open\n,,)|");
}

TEST(Csv, AnOpenQuoteKeepsACarriageReturnAtTheEnd) {
  EXPECT_EQ(take(plain(kAB), "\"x\"y,\"\r").rejects,
            "1 a: expected ',' or the end of the record behind the closing quote, found 'y,\"\\x0D' (\"x\"y,\"\r)|");
  EXPECT_EQ(take(plain(kAB), "x,\"y\"\r").rows, "a='x' b='y'|");
}

TEST(Csv, ARejectedRowLeavesNothingBehind) {
  const CsvOptions typed = plain({column("x", Type::text), column("n", Type::integer)});
  const Taken taken = take(typed, "\"a\"\"b\",no\n\"c\"\"d\",1\n,2\n");
  EXPECT_EQ(taken.rows, "x='c\"d' n=1|x=~ n=2|");
  EXPECT_EQ(taken.rejects, "1 n: expected an integer, found 'no' (\"a\"\"b\",no)|");
}

TEST(Csv, RowNumbersCountRejectsAndRawIsKept) {
  CsvOptions options = plain({column("n", Type::integer)});
  options.row_number = "id";
  options.raw = true;
  const Taken taken = take(options, "1\n\nx\n\"3\"\r\n");
  EXPECT_EQ(taken.rows, "id=1 n=1 raw_log='1'|id=3 n=3 raw_log='\"3\"'|");
  options.header = true;
  EXPECT_EQ(take(options, "\nn\n1\n\n2\n").rows, "id=1 n=1 raw_log='1'|id=2 n=2 raw_log='2'|");
}

TEST(Csv, AHeaderGivesNamesAndGuessedTypes) {
  const CsvOptions options;
  const Taken taken = take(options, "id, name ,when,zip\r\n1,a,2026-11-22,00123\r\n2,,2026-11-23,1\r\nx,b,,2\r\n");
  EXPECT_EQ(taken.columns, "id:text,name:text,when:time,zip:text");
  const Taken typed = take(options, "\xEF\xBB\xBFid,x,ok\n1,,true\n2,1.5,false\n");
  EXPECT_EQ(typed.columns, "id:integer,x:real,ok:boolean");
  EXPECT_EQ(typed.rows, "id=1 x=~ ok=1|id=2 x=1.5 ok=0|");
}

TEST(Csv, NamesOfAHeaderAreMadeUnique) {
  CsvOptions options;
  options.row_number = "id";
  EXPECT_EQ(take(options, "a,A,,_part,\"x,y\",id,a_2\n1,2,3,4,5,6,7\n").rows,
            "id=1 a=1 A_2=2 column_3=3 _part_2=4 x,y=5 id_2=6 a_2_2=7|");
}

TEST(Csv, LaterFilesAreMappedByName) {
  const auto decoder = make_csv_decoder(CsvOptions(), {});
  EXPECT_EQ(File(*decoder, "id,name\n1,a\n").take().rows, "id=1 name='a'|");
  EXPECT_EQ(File(*decoder, "NAME,id\nb,2\n").take().rows, "id=2 name='b'|");
  EXPECT_EQ(File(*decoder, "id\n3\n").take().rows, "id=3 name=~|");
  const Taken more = File(*decoder, "id,size\n4,1.5\nx,2\n").take();
  EXPECT_EQ(more.columns, "id:integer,name:text,size:real");
  EXPECT_EQ(more.rows, "id=4 name=~ size=1.5|");
  EXPECT_EQ(more.rejects, "3 id: expected an integer, found 'x' (x,2)|") << "types never change";
  // Another run knows them.
  const auto later = make_csv_decoder(CsvOptions(), {});
  ASSERT_TRUE(later->restore_schema(decoder->save_schema()).ok());
  EXPECT_EQ(*later->schema(), *decoder->schema());
  EXPECT_EQ(File(*later, "id,name\nx,a\n").take().rejects, "2 id: expected an integer, found 'x' (x,a)|");
  EXPECT_EQ(
      make_csv_decoder(CsvOptions(), {})->restore_schema("format=w3c").message(),
      "the table was filled from another format than csv (it keeps 'format=w3c'); fill another one (--table; in a "
      "pipeline file a pipeline of its own), or name the columns");
}

TEST(Csv, DeclaredColumnsArePickedByName) {
  CsvOptions options;
  options.columns = {column("size", Type::integer), column("name", Type::text)};
  EXPECT_EQ(take(options, "name,other,Size\na,b,1\n").rows, "size=1 name='a'|");
  EXPECT_EQ(make_csv_decoder(options, {})->save_schema(), "");
  EXPECT_EQ(take(options, "nam,size\na,1\n").failure,
            "f.csv: its first line has no column 'name' (did you mean 'nam'?)");
  EXPECT_EQ(
      take(options, "7,size\na,1\n").failure,
      "f.csv: its first line has no column 'name' (there are: 7, size); if that line is data, write header = false");
}

TEST(Csv, TypesAreGuessedByTheSameRecordsHoweverTheFileIsRead) {
  std::string text = "n\n";
  for (uint64_t i = 0; i < kCsvGuessRecords; ++i) text += "1\n";
  text += "1.5\n";
  for (const size_t step : {500, 5000}) {
    const auto decoder = make_csv_decoder(CsvOptions(), {});
    File file(*decoder, text);
    file.step = step;
    const Taken taken = file.take();
    EXPECT_EQ(taken.columns, "n:integer");
    EXPECT_EQ(taken.rejects, "1002 n: expected an integer, found '1.5' (1.5)|");
  }
}

TEST(Csv, AFileThatIsFollowedIsHeldUntilItsTypesAreKnown) {
  std::string told;
  const auto decoder = make_csv_decoder(CsvOptions(), [&](NoteLevel, const std::string& text) { told += text + "|"; });
  File file(*decoder, "n\n1\n2\n");
  file.ended = false;
  EXPECT_EQ(file.take().rows, "");
  EXPECT_EQ(decoder->schema(), nullptr);
  file.ended = true;
  EXPECT_EQ(file.take().rows, "n=1|n=2|");
  EXPECT_EQ(told, "");
  File more(*decoder, "n,x\n1,2\n");
  more.ended = false;
  EXPECT_EQ(more.take().rows, "");
  EXPECT_EQ(more.take().rows, "");
  EXPECT_EQ(told,
            "f.csv: column 'x' is new; the file is held until it has 1,000 records or ends, as its first records tell "
            "the type|");
}

TEST(Csv, AHeaderWithoutRecordsTellsNoTypes) {
  for (const char* text : {"a,b", "a,b\n", "\n", "\"a"}) {
    const auto decoder = make_csv_decoder(CsvOptions(), {});
    EXPECT_EQ(File(*decoder, text).take().rows, "") << text;
    EXPECT_EQ(decoder->schema(), nullptr) << text;
  }
}

TEST(Csv, FilesThatCannotBeTakenAreRefused) {
  EXPECT_EQ(take(CsvOptions(), "a;b\n1;2\n").failure,
            "f.csv: its first line has no ',' but ';': 'a;b'; write delimiter = \";\"");
  EXPECT_EQ(take(CsvOptions(), std::string("\xFF\xFE"
                                           "a\0\n\0",
                                           6))
                .failure,
            "f.csv: is UTF-16; convert it: iconv -f UTF-16 -t UTF-8");
  EXPECT_EQ(take(CsvOptions(), "a\xE4,b\n1,2\n").failure,
            "f.csv: its first line, which has the names of the columns, is not UTF-8: 'a\\xE4,b'");
  EXPECT_EQ(take(CsvOptions(), "\"a,b\n1,2\n").failure,
            "f.csv: a quote in its first line, which has the names of the columns, is not closed: '\"a,b\\n1,2\\n'");
  EXPECT_EQ(take(CsvOptions(), "\"a\"x,b\n1,2\n").failure,
            "f.csv: a quote in its first line, which has the names of the columns, is closed too early: '\"a\"x,b'");
  EXPECT_EQ(take(CsvOptions(), std::string(70000, 'a') + ",b\n1,2\n").failure,
            "f.csv: its first line, which has the names of the columns, is longer than 64.0 KiB");
}

TEST(Csv, LongRecordsAreRejectsAndWhatFollowsIsTaken) {
  for (const size_t step : {1, 5, 1000}) {
    CsvOptions options = plain(kAB);
    options.row_number = "id";
    const auto decoder = make_csv_decoder(options, {});
    File file(*decoder, "1,2\n\"" + std::string(50, 'x') + "\n\"\"" + std::string(50, 'y') + "\",3\n4,5\n");
    file.step = step;
    file.max_record = 40;
    const Taken taken = file.take();
    EXPECT_EQ(taken.rows, "id=1 a='1' b='2'|id=3 a='4' b='5'|") << step;
    EXPECT_TRUE(taken.rejects.starts_with("2 : record is longer than ")) << taken.rejects;
    EXPECT_EQ(std::count(taken.rejects.begin(), taken.rejects.end(), '|'), 1) << step;
  }
}

TEST(Csv, TheHeaderIsTheLead) {
  constexpr std::string_view kPage = "\xEF\xBB\xBF a ,b\r\n1,2\n3,4\n";
  CsvOptions options;
  options.columns = {column("b", Type::integer)};
  const auto decoder = make_csv_decoder(options, {});
  for (size_t first = 0; first < kPage.size(); ++first) {
    const testing::Watched page = testing::watch_page(*decoder, kPage, {}, first);
    EXPECT_EQ(page.lead, 10U);
    EXPECT_EQ(page.inherited, "a,b");
    EXPECT_EQ(page.bytes, kPage.size());
  }
  EXPECT_EQ(testing::watch_page(*make_csv_decoder(plain({column("a", Type::text)}), {}), "1\n2\n", {}).lead, 0U);
  EXPECT_EQ(testing::watch_page(*decoder, kPage, {"/next"}).error, "records of this format have nothing around them");
}

TEST(Csv, APageBeginsWhereItsBaseIs) {
  CsvOptions options;
  options.columns = {column("b", Type::integer)};
  const auto decoder = make_csv_decoder(options, {});
  Chunk chunk;
  chunk.bytes = "a,b\n1,2\n";
  chunk.start = chunk.base = 100;
  chunk.context = "rows=1 header=a,b";
  RecordBatch batch(decoder->schema());
  Rejects rejects;
  decoder->decode(std::move(chunk), batch, rejects);
  ASSERT_EQ(batch.rows(), 1U);
  EXPECT_EQ(batch.integer(0, 0), 2);
  EXPECT_EQ(batch.origin_of(0).offset, 104U);
}

TEST(Csv, WhatTheCutterSavesIsPrintable) {
  const CsvContext context{42, {"a b", "x,y:%", "ä", "new\nline"}};
  EXPECT_EQ(context.saved(), "rows=42 header=a%20b,x%2Cy%3A%25,ä,new%0Aline");
  const auto parsed = CsvContext::parse(context.saved());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->rows, 42U);
  EXPECT_EQ(parsed->names, context.names);
  for (const char* bad : {"", "rows=", "rows=-1", "rows=x header=a", "rows=1 header=%4", "rows=1 header=%zz",
                          "rows=1 header=", "format=w3c"}) {
    EXPECT_FALSE(CsvContext::parse(bad)) << bad;
  }
  const auto cutter = make_csv_decoder(CsvOptions(), {})->make_cutter("f.csv");
  EXPECT_EQ(cutter->restore("rows=5").message(),
            "f.csv: its saved state 'rows=5' is not that of such a CSV; it was written for another format, name "
            "another table");
}

}  // namespace
}  // namespace leat
