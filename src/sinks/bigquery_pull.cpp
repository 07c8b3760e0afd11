// What BigQueryJournal does where a table is replaced as a whole (docs/formats/bigquery-sink.md, "Replace").

#include <fmt/format.h>

#include <random>

#include "base/text.h"
#include "sinks/bigquery_journal.h"
#include "sinks/part_books.h"
#include "sinks/sqlite_layout.h"

namespace leat {

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

Status BigQueryJournal::complete_pull() {
  LEAT_TRY(begin());
  LEAT_ASSIGN(SqliteStatement insert, db_->prepare("INSERT OR IGNORE INTO _leat_complete_pulls VALUES(?)"));
  LEAT_TRY(insert.with(std::string_view(pipeline_)).run());
  return db_->execute("COMMIT");
}

Result<bool> BigQueryJournal::is_pull_complete() const {
  LEAT_ASSIGN(const int64_t complete, db_->query_integer("SELECT count(*) FROM _leat_complete_pulls"));
  return complete > 0;
}

Status BigQueryJournal::end_pull(const BigQueryDone& copy) {
  LEAT_TRY(begin());
  LEAT_TRY(forget_sqlite_parts(*db_, pipeline_));
  for (const char* table : {"_leat_parts", "_leat_rejects"}) {
    LEAT_ASSIGN(SqliteStatement update,
                db_->prepare(fmt::format("UPDATE {} SET pipeline = ? WHERE pipeline = ?", table)));
    LEAT_TRY(update.with(std::string_view(pipeline_), std::string_view(books_)).run());
  }
  LEAT_TRY(forget_segments());
  LEAT_TRY(db_->execute("DELETE FROM _leat_complete_pulls"));
  LEAT_TRY(put_job(0, copy));
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
