#include <gtest/gtest.h>

#include <functional>

#include "base/time.h"
#include "tests/support/expression_rows.h"

namespace leat::expressions {
namespace {

int64_t micros(const std::string& text) {
  return parse_iso_time(text).value_or(-1);
}

// One row: i = 7, j = 0, r = 2.5, q NULL, s = 'Abc', u = 'übe', b true, t = 2026-03-29 23:30:00.5, doc, raw.
RecordBatch one_row() {
  RecordBatch batch(sample_schema());
  batch.arena = "what the chunk held";
  const size_t row = batch.add_row({});
  batch.set_integer(0, row, 7);
  batch.set_integer(1, row, 0);
  batch.set_real(2, row, 2.5);
  batch.set_new_text(4, row, "Abc");
  batch.set_new_text(5, row, "übe");
  batch.set(6, row, 1);
  batch.set_integer(7, row, micros("2026-03-29 23:30:00.5"));
  batch.set_new_text(8, row, "{}");
  batch.set_new_text(9, row, "GET \xFF");
  return batch;
}

std::string text_of(const Shown& value) {
  if (std::holds_alternative<std::monostate>(value)) return "NULL";
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return std::to_string(*real);
  return "'" + std::get<std::string>(value) + "'";
}

// The value over one_row(), the trouble after "!", or the message of what cannot be bound.
std::string value_of(std::string_view text, const std::string& zone = "UTC") {
  const RecordBatch batch = one_row();
  const auto bound = bind_text(text, batch.schema(), zone);
  if (!bound.ok()) return bound.status().message();
  Evaluation evaluation(*bound);
  std::vector<Trouble> troubles;
  const std::vector<Shown> values = values_of(evaluation, (*bound)->type(), batch, troubles);
  if (troubles.empty()) return text_of(values[0]);
  EXPECT_EQ(troubles.size(), 1U);
  EXPECT_EQ(text_of(values[0]), "NULL");
  return "!" + troubles[0].what;
}

TEST(Expressions, Values) {
  EXPECT_EQ(value_of("i / 2"), "3");
  EXPECT_EQ(value_of("-i / 2"), "-3");
  EXPECT_EQ(value_of("i / 2.0"), "3.500000");
  EXPECT_EQ(value_of("i % 4 - -1"), "4");
  EXPECT_EQ(value_of("NULL + 1"), "NULL");
  EXPECT_EQ(value_of("- r"), "-2.500000");
  EXPECT_EQ(value_of("s || '-' || u"), "'Abc-übe'");
  EXPECT_EQ(value_of("q IS NULL AND NOT b"), "false");
  EXPECT_EQ(value_of("b = TRUE"), "true");
  EXPECT_EQ(value_of("q > 1"), "NULL");
  EXPECT_EQ(value_of("q > 1 OR b"), "true");
  EXPECT_EQ(value_of("CASE WHEN q > 1 THEN 'x' END"), "NULL");
  EXPECT_EQ(value_of("CASE i WHEN 6 THEN 1 WHEN 7 THEN 2.5 END"), "2.500000");
  EXPECT_EQ(value_of("7 IN (1, 7.0)"), "true");
  EXPECT_EQ(value_of("raw LIKE 'GET _'"), "true");
  EXPECT_EQ(value_of("contains(raw, 'ET')"), "true");
  EXPECT_EQ(value_of("raw IS NULL"), "false");
}

TEST(Expressions, Functions) {
  EXPECT_EQ(value_of("lower(s) || upper(u)"), "'abcüBE'");
  EXPECT_EQ(value_of("length(u)"), "3");
  EXPECT_EQ(value_of("substr(u, 1, 1)"), "'ü'");
  EXPECT_EQ(value_of("substr(u, -2)"), "'be'");
  EXPECT_EQ(value_of("trim('  a b ')"), "'a b'");
  EXPECT_EQ(value_of("replace(s, 'b', 'BBB')"), "'ABBBc'");
  EXPECT_EQ(value_of("concat(i, q, s, b, r, NULL)"), "'7Abctrue2.5'");
  EXPECT_EQ(value_of("starts_with(s, 'Ab') AND ends_with(s, 'bc') AND NOT contains(s, 'B')"), "true");
  EXPECT_EQ(value_of("coalesce(q, i)"), "7.000000");
  EXPECT_EQ(value_of("nullif(i, 7)"), "NULL");
  EXPECT_EQ(value_of("abs(-2.5)"), "2.500000");
  EXPECT_EQ(value_of("round(r)"), "3.000000");
  EXPECT_EQ(value_of("round(-2.345, 2)"), "-2.350000");
  EXPECT_EQ(value_of("round(1234.5, -2)"), "1200.000000");
  EXPECT_EQ(value_of("round(i, 2)"), "7");
  EXPECT_EQ(value_of("floor(-r) - ceil(r)"), "-6.000000");
  EXPECT_EQ(value_of("path('/a?b')"), "'/a'");
  EXPECT_EQ(value_of("referrer('https://www.Example.org/x')"), "'example.org'");
  EXPECT_EQ(value_of("referrer('-')"), "NULL");
  EXPECT_EQ(value_of("browser(NULL)"), "'Other'");
  EXPECT_EQ(value_of("browser('curl/8')"), "'Bot'");
}

TEST(Expressions, Times) {
  EXPECT_EQ(value_of("day(t)"), "'2026-03-29'");
  EXPECT_EQ(value_of("day(t)", "Europe/Berlin"), "'2026-03-30'");
  EXPECT_EQ(value_of("hour(t)", "Europe/Berlin"), "'2026-03-30 01'");
  EXPECT_EQ(value_of("minute(t)"), "'2026-03-29 23:30'");
  EXPECT_EQ(value_of("month(t)"), "'2026-03'");
  EXPECT_EQ(value_of("t >= '2026-03-29' AND t < '2026-03-30'"), "true");
  EXPECT_EQ(value_of("'2026-03-29T23:00:00+01:00' < t"), "true");
  EXPECT_EQ(value_of("t BETWEEN '2026-03-30' AND NULL"), "false");
  EXPECT_EQ(value_of("CAST(t AS text)"), "'2026-03-29 23:30:00.500000'");
  EXPECT_EQ(value_of("CAST(t AS integer)"), "1774827000");
  EXPECT_EQ(value_of("CAST(CAST(1774827000.5 AS time) AS real)"), "1774827000.500000");
  EXPECT_EQ(value_of("CAST('2026-01-31' AS time) = '2026-01-31 00:00:00'"), "true");
}

TEST(Expressions, Casts) {
  EXPECT_EQ(value_of("CAST(' 12 ' AS integer)"), "12");
  EXPECT_EQ(value_of("CAST('1e3' AS real)"), "1000.000000");
  EXPECT_EQ(value_of("CAST('true' AS boolean)"), "true");
  EXPECT_EQ(value_of("CAST(b AS text)"), "'true'");
  EXPECT_EQ(value_of("CAST(r AS text)"), "'2.5'");
  EXPECT_EQ(value_of("CAST(doc AS text)"), "'{}'");
  EXPECT_EQ(value_of("CAST(NULL AS real)"), "NULL");
  EXPECT_EQ(value_of("CAST('x' AS integer)"), "!'x' is not an integer");
  EXPECT_EQ(value_of("CAST('' AS real)"), "!'' is not a number");
  EXPECT_EQ(value_of("CAST('nan' AS real)"), "!'nan' is not a number");
  EXPECT_EQ(value_of("CAST('yes' AS boolean)"), "!'yes' is neither true nor false");
  EXPECT_EQ(value_of("CAST(2 AS boolean)"), "!2 is neither 0 nor 1");
  EXPECT_EQ(value_of("CAST(r AS integer)"), "!2.5 is not a whole number (round(), floor() and ceil() make one)");
  EXPECT_EQ(value_of("CAST(1e19 AS integer)"), "!1e+19 does not fit into 64 bits");
  EXPECT_EQ(value_of("CAST(999999999999 AS time)"), "!999999999999 seconds since 1970 are not in the years 0 to 9999");
  EXPECT_EQ(value_of("CAST('31.1.2026' AS time)"),
            "!'31.1.2026' is not a time such as 2026-01-31 12:30:00 or 2026-01-31T12:30:00+01:00");
}

TEST(Expressions, TroublesAreSaidWithTheValues) {
  EXPECT_EQ(value_of("i / j"), "!7 / 0: division by zero");
  EXPECT_EQ(value_of("r / j"), "!2.5 / 0: division by zero");
  EXPECT_EQ(value_of("i % j"), "!7 % 0: division by zero");
  EXPECT_EQ(value_of("9223372036854775807 + i"), "!9223372036854775807 + 7 does not fit into 64 bits");
  EXPECT_EQ(value_of("(-9223372036854775807 - 1) / (j - 1)"), "!-9223372036854775808 / -1 does not fit into 64 bits");
  EXPECT_EQ(value_of("abs(-9223372036854775808)"), "!abs(-9223372036854775808) does not fit into 64 bits");
  EXPECT_EQ(value_of("1e308 * 10"), "!1e+308 * 10 is too large for a real");
  EXPECT_EQ(value_of("substr(s, 1, -1)"), "!substr() to a LENGTH of -1");
}

TEST(Expressions, WhatIsNotNeededCannotFail) {
  EXPECT_EQ(value_of("CASE WHEN j = 0 THEN 0 ELSE i / j END"), "0");
  EXPECT_EQ(value_of("j <> 0 AND i / j > 1"), "false");
  EXPECT_EQ(value_of("j = 0 OR i / j > 1"), "true");
  EXPECT_EQ(value_of("coalesce(i, 1 / j)"), "7");
  EXPECT_EQ(value_of("i IN (7, 1 / j)"), "true");
  EXPECT_EQ(value_of("CASE i WHEN 7 THEN 'x' WHEN 1 / j THEN 'y' END"), "'x'");
}

TEST(Expressions, TextIsBounded) {
  std::string text = "concat(s, s)";
  for (int i = 0; i < 20; ++i) text = "replace(" + text + ", 'A', 'AA')";
  EXPECT_EQ(value_of(text), "!the text would be longer than 1 MiB");
}

TEST(Expressions, TypesThatDoNotFit) {
  EXPECT_EQ(value_of("b AND i < 'abc'"), "i < 'abc': integer and text cannot be compared");
  EXPECT_EQ(value_of("s + 1"), "s + 1: + wants numbers, and s is of type text");
  EXPECT_EQ(value_of("r % 2"), "r % 2: % wants integers, and r is of type real");
  EXPECT_EQ(value_of("s || i"), "s || i: || wants text, and i is of type integer");
  EXPECT_EQ(value_of("i AND b"), "i AND b: AND wants a condition, and i is of type integer");
  EXPECT_EQ(value_of("NOT s"), "NOT s: NOT wants a condition, and s is of type text");
  EXPECT_EQ(value_of("lower(i)"), "lower(i): lower() wants text, and i is of type integer");
  EXPECT_EQ(value_of("day(s)"), "day(s): day() wants time, and s is of type text");
  EXPECT_EQ(value_of("round(s)"), "round(s): round() wants a number, and s is of type text");
  EXPECT_EQ(value_of("substr(s, r)"), "substr(s, r): substr() wants integer, and r is of type real");
  EXPECT_EQ(value_of("CASE WHEN i THEN 1 END"),
            "CASE WHEN i THEN 1 END: WHEN wants a condition, and i is of type integer");
  EXPECT_EQ(value_of("CASE WHEN b THEN 1 ELSE 'x' END"),
            "CASE WHEN b THEN 1 ELSE 'x' END: integer and text cannot be values of one CASE");
  EXPECT_EQ(value_of("CASE WHEN b THEN NULL END"),
            "CASE WHEN b THEN NULL END: every value is NULL; CAST(NULL AS text) has a type");
  EXPECT_EQ(value_of("coalesce(i, s)"), "coalesce(i, s): integer and text cannot be values of one coalesce()");
  EXPECT_EQ(value_of("t = s"), "t = s: time and text cannot be compared");
  EXPECT_EQ(value_of("t = 'soon'"), "'soon': not a time such as '2026-01-31 12:30:00'");
  EXPECT_EQ(value_of("doc = 'x'"), "doc = 'x': doc is of type json, which cannot be compared; CAST(doc AS text) can");
  EXPECT_EQ(value_of("CAST(s AS json)"), "CAST(s AS json): text cannot become json");
  EXPECT_EQ(value_of("CAST(b AS time)"), "CAST(b AS time): boolean cannot become time");
  EXPECT_EQ(value_of("CAST(s AS int)"),
            "CAST(s AS int): unknown type 'int' (there are: boolean, integer, real, text, time, json)");
  EXPECT_EQ(value_of("CAST(s AS interger)"), "CAST(s AS interger): unknown type 'interger' (did you mean 'integer'?)");
  EXPECT_EQ(value_of("NULL"), "NULL: NULL has no type by itself; CAST(NULL AS text) has one");
  EXPECT_EQ(value_of("s LIKE u"), "u: the pattern of LIKE must be a 'text'");
  EXPECT_EQ(value_of("s LIKE 'x' ESCAPE '--'"), "'--': ESCAPE must be one character in quotes, such as '\\'");
  EXPECT_EQ(value_of("lower(raw)"),
            "raw: this column holds raw bytes: it can be compared and searched, but nothing can be made of it");
  EXPECT_EQ(value_of("1 + count()"),
            "count(): count() is a measure: it stands by itself, in the `value` of an aggregate");
  EXPECT_EQ(value_of("stat = 1"), "unknown column 'stat' at character 1 (there are: i, j, r, q, s, u, b, t, doc, raw)");
}

TEST(Expressions, AnErrorHasItsPlace) {
  ExpressionPlace place;
  EXPECT_FALSE(bind_text("b AND (i < 'abc')", *sample_schema(), "UTC", &place).ok());
  EXPECT_EQ(place.at, 7U);
  EXPECT_EQ(place.end, 16U);
  EXPECT_FALSE(bind_text("b AND stat = 1", *sample_schema(), "UTC", &place).ok());
  EXPECT_EQ(place.at, 6U);
  EXPECT_EQ(place.end, 10U);
}

TEST(Expressions, InputsAreTheColumnsThatAreRead) {
  const auto bound = bind_text("s = u OR i > 1 AND s LIKE 'x'", *sample_schema());
  ASSERT_TRUE(bound.ok());
  EXPECT_EQ((*bound)->inputs(), (std::vector<size_t>{0, 4, 5}));
  EXPECT_EQ((*bound)->type(), Type::boolean);
}

// Batches of any size, in pieces from any row on, with one Evaluation: always the same.
TEST(Expressions, ABatchMayBeEvaluatedInPieces) {
  const auto bound =
      bind_text("CASE WHEN i % 3 = 0 THEN day(t) || upper(s) ELSE CAST(100 / (i % 7) AS text) END", *sample_schema());
  ASSERT_TRUE(bound.ok()) << bound.status().message();
  Evaluation evaluation(*bound);
  for (const size_t rows : {1U, 63U, 64U, 1023U, 1024U, 1025U, 5000U}) {
    RecordBatch batch(sample_schema());
    batch.arena = "chunk";
    for (size_t row = 0; row < rows; ++row) {
      batch.add_row({});
      batch.set_integer(0, row, static_cast<int64_t>(row));
      batch.set_integer(7, row, static_cast<int64_t>(row) * 86'400'000'000);
      batch.set_new_text(4, row, "text " + std::to_string(row));
    }
    std::vector<Trouble> troubles;
    const std::vector<Shown> whole = values_of(evaluation, Type::text, batch, troubles);
    size_t expected_troubles = 0;
    for (size_t row = 0; row < rows; ++row) {
      if (row % 3 == 0) {
        const std::string day = format_day(static_cast<int64_t>(row));
        EXPECT_EQ(whole[row], Shown(day + "TEXT " + std::to_string(row)));
      } else if (row % 7 == 0) {
        ASSERT_LT(expected_troubles, troubles.size());
        EXPECT_EQ(troubles[expected_troubles].row, row);
        EXPECT_EQ(troubles[expected_troubles++].what, "100 / 0: division by zero");
        EXPECT_EQ(whole[row], Shown());
      } else {
        EXPECT_EQ(whole[row], Shown(std::to_string(100 / (row % 7))));
      }
    }
    EXPECT_EQ(troubles.size(), expected_troubles);
    // A piece in the middle: its rows are as before, the others do not count.
    const size_t first = rows / 3;
    const size_t count = rows - rows / 2;
    std::vector<uint64_t> cells((rows + 63) / 64 * 64);
    std::vector<uint64_t> valid((rows + 63) / 64);
    evaluation.values(batch, first, std::min(count, rows - first), cells.data(), valid.data(), nullptr);
    const std::string texts = batch.arena + evaluation.made();
    for (size_t row = first; row < std::min(first + count, rows); ++row) {
      const bool is_valid = (valid[row / 64] >> (row % 64) & 1) != 0;
      EXPECT_EQ(is_valid, whole[row] != Shown());
      if (!is_valid) continue;
      EXPECT_EQ(Shown(texts.substr(text_offset(cells[row]), text_length(cells[row]))), whole[row]);
    }
  }
}

TEST(Expressions, TruthsAreTheRowsOfWhichItIsTrue) {
  const auto bound = bind_text("i > 2 AND 10 / j > 0", *sample_schema());
  ASSERT_TRUE(bound.ok());
  RecordBatch batch(sample_schema());
  for (int64_t row = 0; row < 100; ++row) {
    batch.add_row({});
    if (row % 10 != 0) batch.set_integer(0, static_cast<size_t>(row), row % 5);
    batch.set_integer(1, static_cast<size_t>(row), row % 4);
  }
  Evaluation evaluation(*bound);
  std::vector<uint64_t> bits;
  std::vector<Trouble> troubles;
  evaluation.truths(batch, bits, troubles);
  ASSERT_EQ(bits.size(), 2U);
  std::vector<size_t> failed;
  for (const Trouble& trouble : troubles) failed.push_back(trouble.row);
  for (size_t row = 0; row < 128; ++row) {
    const bool asked = row < 100 && (row % 10 == 0 || row % 5 > 2);  // NULL > 2 decides nothing
    const bool is_failed = asked && row % 4 == 0;
    EXPECT_EQ(std::count(failed.begin(), failed.end(), row), is_failed ? 1 : 0) << row;
    EXPECT_EQ((bits[row / 64] >> (row % 64) & 1) != 0, asked && row % 10 != 0 && !is_failed) << row;
  }
}

}  // namespace
}  // namespace leat::expressions
