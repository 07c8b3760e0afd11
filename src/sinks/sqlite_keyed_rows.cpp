#include "sinks/sqlite_keyed_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

std::string key_index(const std::string& table) {
  return "_leat_key_" + table;
}

std::string list_of(const std::vector<std::string>& columns) {
  std::string names;
  for (const std::string& column : columns) names += (names.empty() ? "" : ", ") + sql_name(column);
  return names;
}

// The columns of the index; none: there is no such index.
Result<std::vector<std::string>> columns_of_index(const SqliteDatabase& db, const std::string& index) {
  LEAT_ASSIGN(SqliteStatement select,
              db.prepare(fmt::format("SELECT name FROM pragma_index_info({}) ORDER BY seqno", sql_text(index))));
  std::vector<std::string> columns;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return columns;
    columns.push_back(select.string(0));
  }
}

}  // namespace

Status make_key_index(const SqliteDatabase& db, const SinkPlan& plan, const std::string& table) {
  LEAT_TRY(find_key(db.where(), plan).status().clone());
  LEAT_ASSIGN(const std::vector<std::string> there, columns_of_index(db, key_index(table)));
  if (!there.empty()) return check_key(db.where(), plan, there, "database");
  const Status made = db.execute(
      fmt::format("CREATE UNIQUE INDEX {} ON {}({})", sql_name(key_index(table)), sql_name(table), list_of(plan.key)));
  return made.kind() == Kind::bad_data ? doubled_keys(db.where(), plan) : made.clone();
}

Result<std::unique_ptr<KeyedRows>> KeyedRows::make(const SqliteDatabase& db, const SinkPlan& plan,
                                                   const std::string& table, std::vector<size_t> inputs) {
  std::unique_ptr<KeyedRows> rows(new KeyedRows(db, plan.schema, plan.mode));
  rows->inputs_ = std::move(inputs);
  LEAT_ASSIGN(rows->columns_, find_key(db.where(), plan));
  for (size_t c = 0; c < plan.schema->fields.size(); ++c) {
    if (std::find(rows->columns_.key.begin(), rows->columns_.key.end(), c) == rows->columns_.key.end())
      rows->others_.push_back(c);
  }
  LEAT_TRY(rows->prepare(table));
  return rows;
}

Status KeyedRows::prepare(const std::string& table) {
  const std::vector<Field>& fields = cells_.schema().fields;
  const auto name = [&](size_t column) { return sql_name(fields[column].name); };
  const std::string into = sql_name(table);
  const bool merge = mode_ == WriteMode::merge;
  std::string names;
  std::string marks;
  std::string set;
  for (size_t c = 0; c < fields.size(); ++c) {
    names += name(c) + ", ";
    marks += "?, ";
  }
  for (const size_t c : others_) set += name(c) + " = ?, ";
  std::string key;
  std::string where;
  for (size_t i = 0; i < columns_.key.size(); ++i) {
    key += (i == 0 ? "" : ", ") + name(columns_.key[i]);
    where += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", name(columns_.key[i]), i + 1);
  }
  std::string kept = columns_.newest ? name(*columns_.newest) : "NULL";
  for (const size_t c : inputs_) kept += ", " + name(c);
  LEAT_ASSIGN(find_, db_->prepare(fmt::format("SELECT _row, _part, _offset, {} FROM {} WHERE {}", kept, into, where)));
  LEAT_ASSIGN(insert_, db_->prepare(fmt::format(
                           "INSERT INTO {}({}_part, _offset, _row{}) VALUES({}?, ?, ?{}) ON CONFLICT({}) DO "
                           "NOTHING",
                           into, names, merge ? ", _revision" : "", marks, merge ? ", ?" : "", key)));
  if (!merge) return {};
  const std::string before = sql_name(before_table(table));
  LEAT_ASSIGN(update_, db_->prepare(fmt::format("UPDATE {} SET {}_part = ?, _offset = ?, _revision = ? WHERE _row = ?",
                                                into, set)));
  LEAT_ASSIGN(keep_, db_->prepare(fmt::format("INSERT INTO {} SELECT * FROM {} WHERE _row = ?1", before, into)));
  LEAT_ASSIGN(restore_, db_->prepare(fmt::format("INSERT INTO {} SELECT * FROM {} WHERE _row = ?1", into, before)));
  LEAT_ASSIGN(forget_, db_->prepare(fmt::format("DELETE FROM {} WHERE _row = ?1", before)));
  return {};
}

Status KeyedRows::step(SqliteStatement& statement) {
  const int code = statement.step_code();
  if (code == SQLITE_DONE) {
    statement.reset();
    return {};
  }
  Status failed = db_->failure(code);
  statement.reset();
  return failed;
}

Result<std::optional<KeyedPlace>> KeyedRows::find(const RecordBatch& batch, size_t r) {
  find_.reset();
  for (size_t i = 0; i < columns_.key.size(); ++i)
    cells_.bind(find_, static_cast<int>(i) + 1, batch, r, columns_.key[i]);
  LEAT_ASSIGN(const bool found, find_.step());
  if (!found) return std::optional<KeyedPlace>();
  return std::optional(KeyedPlace{find_.integer(0), find_.integer(1), find_.number(2)});
}

Status KeyedRows::insert(const RecordBatch& batch, size_t r, int64_t part, int64_t number) {
  const size_t width = cells_.schema().fields.size();
  for (size_t c = 0; c < width; ++c) cells_.bind(insert_, static_cast<int>(c) + 1, batch, r, c);
  const int at = static_cast<int>(width);
  insert_.bind(at + 1, part);
  insert_.bind(at + 2, batch.origin_of(r).offset);
  insert_.bind(at + 3, number);
  if (mode_ == WriteMode::merge) insert_.bind(at + 4, number);
  return step(insert_);
}

Status KeyedRows::update(const RecordBatch& batch, size_t r, int64_t part, int64_t number, int64_t row) {
  int at = 0;
  for (const size_t c : others_) cells_.bind(update_, ++at, batch, r, c);
  update_.bind(++at, part);
  update_.bind(++at, batch.origin_of(r).offset);
  update_.bind(++at, number);
  update_.bind(++at, row);
  return step(update_);
}

bool KeyedRows::is_older(const RecordBatch& batch, size_t r) const {
  constexpr int kNewest = 3;
  if (!columns_.newest || find_.is_null(kNewest)) return false;
  if (batch.is_null(*columns_.newest, r)) return true;
  switch (cells_.schema().fields[*columns_.newest].type) {
    case Type::real:
      return !(batch.real(*columns_.newest, r) >= find_.real(kNewest));  // one that is not a number is as good as NULL
    case Type::text:
    case Type::json:
      return batch.text(*columns_.newest, r) < find_.text(kNewest);
    case Type::time: {
      const std::string_view text = find_.text(kNewest);
      int64_t micros = 0;
      return parse_time(text.data(), text.size(), &micros) && batch.integer(*columns_.newest, r) < micros;
    }
    case Type::boolean:
    case Type::integer:
      break;
  }
  return batch.integer(*columns_.newest, r) < find_.integer(kNewest);
}

void KeyedRows::keep_inputs(RecordBatch& before, uint64_t offset) const {
  constexpr int kInputs = 4;
  const size_t row = before.add_row({.offset = offset, .line = 0, .raw = 0});
  for (size_t i = 0; i < inputs_.size(); ++i) read_cell(find_, kInputs + static_cast<int>(i), before, row, inputs_[i]);
}

Result<KeyedRows::Outcome> KeyedRows::put(const RecordBatch& batch, size_t r, int64_t part, int64_t number,
                                          const GiveWay& give_way, RecordBatch& before, bool keep) {
  using What = Outcome::What;
  // A record is mostly what the one before it was: a row is looked for first only where one has just been found.
  if (mode_ == WriteMode::ignore || expect_new_) {
    LEAT_TRY(insert(batch, r, part, number));
    if (db_->changes() == 1) return Outcome{What::inserted, {}};
    if (mode_ == WriteMode::ignore && !give_way) return Outcome{What::ignored, {}};
  }
  LEAT_ASSIGN(std::optional<KeyedPlace> was, find(batch, r));
  if (was && give_way) {
    LEAT_ASSIGN(const bool gone, give_way(was->row));
    if (gone) {
      LEAT_ASSIGN(was, find(batch, r));
    }
  }
  expect_new_ = !was;
  if (!was) {
    LEAT_TRY(insert(batch, r, part, number));
    return Outcome{What::inserted, {}};
  }
  if (mode_ == WriteMode::ignore || is_older(batch, r)) {
    find_.reset();
    return Outcome{What::ignored, *was};
  }
  keep_inputs(before, was->offset);
  find_.reset();
  if (keep) LEAT_TRY(keep_.with(was->row).run());
  LEAT_TRY(update(batch, r, part, number, was->row));
  return Outcome{What::updated, *was};
}

Result<bool> KeyedRows::restore(int64_t row) {
  if (mode_ != WriteMode::merge) return false;
  LEAT_TRY(restore_.with(row).run());
  const bool restored = db_->changes() == 1;
  if (restored) LEAT_TRY(forget_.with(row).run());
  return restored;
}

Status KeyedRows::forget_kept(int64_t row) {
  return mode_ == WriteMode::merge ? forget_.with(row).run() : Status();
}

}  // namespace leat
