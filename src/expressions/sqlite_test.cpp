// Random expressions over random rows say what SQLite says of them. What differs by intention (docs/configuration.md,
// "Expressions") is left out: a row that is in trouble here is not compared, text becomes a number only where it is
// one, and a CASE has values of one type.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <random>

#include "tests/support/expression_rows.h"

namespace leat::expressions {
namespace {

constexpr int kRows = 150;
constexpr int kExpressions = 4000;

class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  std::string condition(int depth) {
    if (depth <= 0) return pick({"b", "i = 3", "s IS NULL", "TRUE", "r < 1.5", "FALSE", "b IS NOT NULL", "u = 'ab'"});
    switch (below(9)) {
      case 0:
        return "(" + condition(depth - 1) + " AND " + condition(depth - 1) + " OR " + condition(depth - 2) + ")";
      case 1:
        return "(" + condition(depth - 1) + " OR " + condition(depth - 1) + " AND " + condition(depth - 2) + ")";
      case 2:
        return "(NOT " + condition(depth - 1) + ")";
      case 3: {
        const bool numbers = below(2) == 0;
        const std::string left = numbers ? number(depth - 1) : text(depth - 1);
        const std::string right = numbers ? number(depth - 1) : text(depth - 1);
        return "(" + left + pick({" = ", " <> ", " != ", " < ", " <= ", " > ", " >= "}) + right +
               pick({"", "", " IS NULL"}) + ")";
      }
      case 4:
        return "(" + integer(depth - 1) + pick({" IN (", " NOT IN ("}) + integer(depth - 2) + ", 3, " +
               pick({"NULL", "4", "j"}) + "))";
      case 5:
        return "(" + text(depth - 1) + pick({" IN (", " NOT IN ("}) + "'ab', " + text(depth - 2) + "))";
      case 6:
        return "(" + text(depth - 1) + pick({" LIKE ", " NOT LIKE "}) +
               pick({"'a%'", "'%b'", "'%ü%'", "'_b%'", "'a_'", "'%a%b_%'", "'%!%%' ESCAPE '!'", "''", "'%'", "'AB'"}) +
               ")";
      case 7:
        return "(" + number(depth - 1) + pick({" BETWEEN ", " NOT BETWEEN "}) + number(depth - 2) + " AND " +
               number(depth - 2) + ")";
      default:
        return "CASE WHEN " + condition(depth - 1) + " THEN " + condition(depth - 2) + " ELSE " + condition(depth - 2) +
               " END";
    }
  }

  std::string number(int depth) { return below(2) == 0 ? integer(depth) : real(depth); }

  std::string integer(int depth) {
    if (depth <= 0) return pick({"i", "j", "7", "-2", "0", "i", "100", "NULL + 1"});
    switch (below(8)) {
      case 0:
        return "(" + integer(depth - 1) + pick({" + ", " - ", " * "}) + integer(depth - 1) +
               pick({" + ", " - ", " * "}) + integer(depth - 2) + ")";
      case 1:
        return "(" + integer(depth - 1) + pick({" / ", " % "}) + integer(depth - 1) + ")";
      case 2:
        return "(- " + integer(0) + ")";
      case 3:
        return "CASE WHEN " + condition(depth - 1) + " THEN " + integer(depth - 1) + " WHEN " + condition(depth - 2) +
               " THEN " + integer(depth - 2) + pick({"", " ELSE 5"}) + " END";
      case 4:
        return "coalesce(" + integer(depth - 1) + ", " + integer(depth - 2) + ", 9)";
      case 5:
        return "nullif(" + integer(depth - 1) + ", " + integer(depth - 2) + ")";
      case 6:
        return "length(" + text(depth - 1) + ")";
      default:
        return pick({"abs(i)", "CASE i WHEN 3 THEN 30 WHEN j THEN 40 ELSE i END", "CAST(CAST(i AS text) AS integer)",
                     "CAST(b AS integer)"});
    }
  }

  std::string real(int depth) {
    if (depth <= 0) return pick({"r", "q", "0.25", "1e3", "-1.5"});
    switch (below(5)) {
      case 0:
        return "(" + real(depth - 1) + pick({" + ", " - ", " * ", " / "}) + number(depth - 1) + ")";
      case 1:
        return "(" + number(depth - 1) + pick({" + ", " - ", " * ", " / "}) + real(depth - 1) + ")";
      case 2:
        return "coalesce(" + real(depth - 1) + ", " + real(depth - 2) + ")";
      case 3:
        return pick({"floor", "ceil", "abs"}) + "(" + real(depth - 1) + ")";
      default:
        return "CAST(" + integer(depth - 1) + " AS real)";
    }
  }

  std::string text(int depth) {
    if (depth <= 0) return pick({"s", "u", "'ab'", "'it''s'", "''", "'ü'", "s"});
    switch (below(7)) {
      case 0:
        return "(" + text(depth - 1) + " || " + text(depth - 1) + ")";
      case 1:
        return pick({"lower", "upper", "trim"}) + "(" + text(depth - 1) + ")";
      case 2:
        return "substr(" + text(depth - 1) + ", " + pick({"1", "0", "2", "-1", "-3", "5", "i"}) +
               pick({"", ", 2", ", 0", ", 1"}) + ")";
      case 3:
        return "replace(" + text(depth - 1) + ", " + pick({"'a'", "'ab'", "''", "'ü'", "u"}) + ", " +
               pick({"'x'", "''", "'aa'"}) + ")";
      case 4:
        return "CASE WHEN " + condition(depth - 1) + " THEN " + text(depth - 1) + " ELSE " + text(depth - 2) + " END";
      case 5:
        return "nullif(" + text(depth - 1) + ", 'ab')";
      default:
        return "coalesce(CAST(" + integer(depth - 1) + " AS text), " + text(depth - 2) + ")";
    }
  }

  size_t below(size_t end) { return random_() % end; }
  std::string pick(const std::vector<std::string>& from) { return from[below(from.size())]; }
  bool null() { return below(5) == 0; }

 private:
  std::mt19937_64 random_;
};

std::string shown(const Shown& value) {
  if (std::holds_alternative<std::monostate>(value)) return "NULL";
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "1" : "0";
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return std::to_string(*real);
  return "'" + std::get<std::string>(value) + "'";
}

class AgainstSqlite : public testing::Test {
 protected:
  AgainstSqlite() : batch_(sample_schema()), writer_(20261122) {
    sqlite3* opened = nullptr;
    EXPECT_EQ(sqlite3_open(":memory:", &opened), SQLITE_OK);
    db_.reset(opened);
    run("PRAGMA case_sensitive_like = ON");
    run("CREATE TABLE rows(i INTEGER, j INTEGER, r REAL, q REAL, s TEXT, u TEXT, b INTEGER)");
    batch_.arena = "what the chunk held";
    sqlite3_stmt* insert = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db_.get(), "INSERT INTO rows VALUES(?, ?, ?, ?, ?, ?, ?)", -1, &insert, nullptr),
              SQLITE_OK);
    for (int n = 0; n < kRows; ++n) {
      const size_t row = batch_.add_row({});
      sqlite3_reset(insert);
      sqlite3_clear_bindings(insert);
      for (int column = 0; column < 7; ++column) {
        if (writer_.null()) continue;
        const Shown value = random_value(column);
        put(batch_, static_cast<size_t>(column), row, value);
        bind(insert, column + 1, value);
      }
      EXPECT_EQ(sqlite3_step(insert), SQLITE_DONE);
    }
    sqlite3_finalize(insert);
  }

  Shown random_value(int column) {
    switch (column) {
      case 0:
        return static_cast<int64_t>(writer_.below(8)) - 2;
      case 1: {
        constexpr int64_t kSome[] = {0, 3, -1, 1000, 9'000'000'000'000'000'000, INT64_MIN + 1, 5, 4};
        return kSome[writer_.below(std::size(kSome))];
      }
      case 2:
        return static_cast<double>(writer_.below(16)) / 4 - 2;
      case 3:
        return static_cast<double>(writer_.below(1000)) / 8;
      case 6:
        return writer_.below(2) == 0;
      default:
        return writer_.pick({"ab", "", " a b ", "AB", "übüb", "it's", "100%", "aab", "abcab"});
    }
  }

  static void bind(sqlite3_stmt* insert, int at, const Shown& value) {
    if (const auto* truth = std::get_if<bool>(&value)) sqlite3_bind_int64(insert, at, *truth ? 1 : 0);
    if (const auto* integer = std::get_if<int64_t>(&value)) sqlite3_bind_int64(insert, at, *integer);
    if (const auto* real = std::get_if<double>(&value)) sqlite3_bind_double(insert, at, *real);
    if (const auto* text = std::get_if<std::string>(&value)) {
      sqlite3_bind_text(insert, at, text->data(), static_cast<int>(text->size()), SQLITE_TRANSIENT);
    }
  }

  void run(const char* sql) { EXPECT_EQ(sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr), SQLITE_OK) << sql; }

  static bool same(const Shown& mine, sqlite3_stmt* theirs) {
    const int type = sqlite3_column_type(theirs, 0);
    if (std::holds_alternative<std::monostate>(mine)) return type == SQLITE_NULL;
    if (const auto* text = std::get_if<std::string>(&mine)) {
      const auto* const bytes = reinterpret_cast<const char*>(sqlite3_column_text(theirs, 0));
      return type == SQLITE_TEXT && *text == std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(theirs, 0)));
    }
    if (const auto* real = std::get_if<double>(&mine)) {
      const double other = sqlite3_column_double(theirs, 0);
      return type == SQLITE_FLOAT && std::abs(*real - other) <= 1e-12 * std::abs(other);
    }
    const int64_t integer =
        std::holds_alternative<bool>(mine) ? static_cast<int64_t>(std::get<bool>(mine)) : std::get<int64_t>(mine);
    return type != SQLITE_NULL && type != SQLITE_TEXT &&
           static_cast<double>(integer) == sqlite3_column_double(theirs, 0);
  }

  // How many rows were compared.
  size_t compare(const std::string& text) {
    const auto bound = bind_text(text, batch_.schema());
    if (!bound.ok()) {
      ADD_FAILURE() << text << ": " << bound.status().message();
      return 0;
    }
    Evaluation evaluation(*bound);
    std::vector<Trouble> troubles;
    const std::vector<Shown> mine = values_of(evaluation, (*bound)->type(), batch_, troubles);
    std::vector<bool> in_trouble(kRows);
    for (const Trouble& trouble : troubles) in_trouble[trouble.row] = true;
    sqlite3_stmt* select = nullptr;
    const std::string sql = "SELECT " + text + " FROM rows ORDER BY rowid";
    EXPECT_EQ(sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &select, nullptr), SQLITE_OK) << text;
    size_t compared = 0;
    for (size_t row = 0; row < kRows && sqlite3_step(select) == SQLITE_ROW; ++row) {
      if (in_trouble[row]) continue;
      ++compared;
      if (same(mine[row], select)) continue;
      const unsigned char* theirs = sqlite3_column_text(select, 0);
      ADD_FAILURE() << text << "\nrow " << row << ": " << shown(mine[row]) << ", SQLite says "
                    << (theirs == nullptr ? "NULL" : reinterpret_cast<const char*>(theirs));
      break;
    }
    sqlite3_finalize(select);
    return compared;
  }

  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_{nullptr, &sqlite3_close};
  RecordBatch batch_;
  Writer writer_;
};

TEST_F(AgainstSqlite, RandomExpressions) {
  size_t compared = 0;
  for (int n = 0; n < kExpressions && !HasFailure(); ++n) {
    const int depth = 1 + n % 4;
    const std::string expressions[] = {writer_.condition(depth), writer_.integer(depth), writer_.real(depth),
                                       writer_.text(depth)};
    compared += compare(expressions[n % 4]);
  }
  if (HasFailure()) return;
  EXPECT_GT(compared, size_t{kExpressions} * kRows / 2);
}

TEST_F(AgainstSqlite, Precedence) {
  for (const char* text :
       {"1 + 2 * 3 - 4", "i - j - 1", "100 / i / 2", "2 * i % 3", "-i + 1", "NOT i = 3", "NOT b AND b",
        "b OR b AND i = 3", "i = 3 IS NULL", "i + 1 < j * 2", "i BETWEEN 1 AND 3 AND b", "NOT i BETWEEN 1 AND 3",
        "s || u = 'abab'", "i IN (1, 2) OR s IS NULL", "s LIKE 'a%' AND NOT b", "i IS NOT NULL AND j IS NULL"}) {
    EXPECT_GT(compare(text), 0U) << text;
  }
}

}  // namespace
}  // namespace leat::expressions
