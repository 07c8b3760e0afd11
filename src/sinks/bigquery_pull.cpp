// What BigQueryJournal does where a table is replaced as a whole (docs/formats/bigquery-sink.md, "Replace").

#include <fmt/format.h>

#include <random>

#include "base/text.h"
#include "sinks/bigquery_journal.h"
#include "sinks/part_books.h"
#include "sinks/sqlite_layout.h"

namespace leat {

namespace {

Status forget_partitions(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(SqliteStatement remove, db.prepare("DELETE FROM _leat_partitions WHERE pipeline = ?"));
  return remove.with(std::string_view(pipeline)).run();
}

}  // namespace

std::string new_bigquery_generation() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

Status BigQueryJournal::begin_pull() {
  LEAT_TRY(begin());
  LEAT_TRY(forget_sqlite_parts(*db_, books_));
  LEAT_TRY(forget_segments());
  generation_ = new_bigquery_generation();
  LEAT_ASSIGN(SqliteStatement update, db_->prepare("UPDATE _leat_bigquery SET generation = ? WHERE pipeline = ?"));
  LEAT_TRY(update.with(std::string_view(generation_), std::string_view(pipeline_)).run());
  LEAT_TRY(db_->execute("COMMIT"));
  LEAT_ASSIGN(parts_, SqliteParts::load(*db_, books_));
  return {};
}

Status BigQueryJournal::complete_pull(const std::optional<BigQueryPartitions>& partitions) {
  LEAT_TRY(begin());
  LEAT_TRY(forget_partitions(*db_, books_));
  if (partitions) {
    LEAT_ASSIGN(SqliteStatement put, db_->prepare("INSERT INTO _leat_partitions VALUES(?, ?)"));
    LEAT_TRY(put.with(std::string_view(books_), nullptr).run());  // also when there are none
    for (const int64_t begins : *partitions) LEAT_TRY(put.with(std::string_view(books_), begins).run());
  }
  LEAT_ASSIGN(SqliteStatement insert, db_->prepare("INSERT OR IGNORE INTO _leat_complete_pulls VALUES(?)"));
  LEAT_TRY(insert.with(std::string_view(pipeline_)).run());
  return db_->execute("COMMIT");
}

Result<bool> BigQueryJournal::is_pull_complete() const {
  LEAT_ASSIGN(const int64_t complete, db_->query_integer("SELECT count(*) FROM _leat_complete_pulls"));
  return complete > 0;
}

Result<std::optional<BigQueryPartitions>> BigQueryJournal::pulled_partitions() const {
  return read_partitions(*db_, books_);
}

Result<std::optional<BigQueryPartitions>> BigQueryJournal::read_partitions(const SqliteDatabase& db,
                                                                           const std::string& pipeline) {
  LEAT_ASSIGN(SqliteStatement select,
              db.prepare("SELECT begins IS NULL, begins FROM _leat_partitions WHERE pipeline = ? ORDER BY begins"));
  select.with(std::string_view(pipeline));
  std::optional<BigQueryPartitions> partitions;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return partitions;
    if (!partitions) partitions.emplace();
    if (select.integer(0) == 0) partitions->push_back(select.integer(1));
  }
}

Status BigQueryJournal::end_pull(const std::vector<BigQueryDone>& copies) {
  LEAT_TRY(begin());
  LEAT_TRY(forget_sqlite_parts(*db_, pipeline_));
  LEAT_TRY(forget_partitions(*db_, pipeline_));
  for (const char* table : {"_leat_parts", "_leat_rejects", "_leat_partitions"}) {
    LEAT_ASSIGN(SqliteStatement update,
                db_->prepare(fmt::format("UPDATE {} SET pipeline = ? WHERE pipeline = ?", table)));
    LEAT_TRY(update.with(std::string_view(pipeline_), std::string_view(books_)).run());
  }
  LEAT_TRY(forget_segments());
  LEAT_TRY(db_->execute("DELETE FROM _leat_complete_pulls"));
  for (const BigQueryDone& copy : copies) LEAT_TRY(put_job(0, copy));
  return db_->execute("COMMIT");
}

// Those of parts that are gone.
Status BigQueryJournal::forget_segments() {
  return db_->execute(
      "DELETE FROM _leat_segment_parts WHERE part NOT IN (SELECT part FROM _leat_parts);"
      "DELETE FROM _leat_segments WHERE segment NOT IN (SELECT segment FROM _leat_segment_parts);"
      "DELETE FROM _leat_undo WHERE part NOT IN (SELECT part FROM _leat_parts);"
      "DELETE FROM _leat_undo_segments WHERE undo NOT IN (SELECT undo FROM _leat_undo)");
}

}  // namespace leat
