#include "sinks/sqlite_full_pull.h"

#include <fmt/format.h>

#include "base/text.h"

namespace leat {
namespace {

constexpr const char* kTable = "_leat_full_pulls";

std::string count_of(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", with_commas(number), word, number == 1 ? "" : "s");
}

}  // namespace

Result<SqliteFullPull> SqliteFullPull::load(const SqliteDatabase& db, const std::string& pipeline) {
  SqliteFullPull pull(db, pipeline);
  LEAT_ASSIGN(const bool there, db.has_table(kTable));
  if (!there) return pull;
  LEAT_ASSIGN(SqliteStatement select,
              db.prepare("SELECT part, first_revision, vanished FROM _leat_full_pulls WHERE pipeline = ?"));
  select.with(std::string_view(pipeline));
  LEAT_ASSIGN(const bool row, select.step());
  if (!row) return pull;
  pull.part_ = select.integer(0);
  if (!select.is_null(1)) pull.first_revision_ = select.integer(1);
  pull.vanished_ = select.number(2);
  return pull;
}

Status SqliteFullPull::take(const Range& range, const BookedPart& part, int64_t next_revision,
                            SqliteBatchWriter& writer, const Note& note) {
  if (range.full == FullPull::begins) {
    part_ = part.id;
    first_revision_ = next_revision;
    return keep();
  }
  if (range.full == FullPull::none || !first_revision_) return {};
  LEAT_TRY(end(writer, note));
  first_revision_.reset();
  return keep();
}

Status SqliteFullPull::end(SqliteBatchWriter& writer, const Note& note) {
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare("SELECT sum(inserted + updated + ignored), sum(rejected) FROM _leat_ranges JOIN _leat_parts "
                           "USING(part) WHERE pipeline = ? AND part >= ?"));
  LEAT_TRY(select.with(std::string_view(pipeline_), part_).step().status().clone());
  const uint64_t seen = select.number(0);
  const uint64_t rejected = select.number(1);
  const auto say = [&](NoteLevel level, const std::string& text) {
    if (note) note(level, fmt::format("a full pull is complete: {}", text));
  };
  if (rejected > 0) {
    say(NoteLevel::warning,
        fmt::format("{} of it, whose rows are not known: nothing is deleted", count_of(rejected, "reject")));
    return {};
  }
  if (seen == 0) {
    say(NoteLevel::warning, "it has brought no record at all: nothing is deleted");
    return {};
  }
  LEAT_ASSIGN(const uint64_t deleted, writer.delete_unseen(*first_revision_));
  vanished_ += deleted;
  if (*first_revision_ > 1) {  // not the first pull of all
    say(NoteLevel::info,
        deleted == 0 ? "nothing has vanished" : "deleted " + count_of(deleted, "row") + " that it did not have");
  }
  return {};
}

Status SqliteFullPull::keep() {
  LEAT_TRY(db_->execute(
      fmt::format("CREATE TABLE IF NOT EXISTS {}(pipeline TEXT PRIMARY KEY NOT NULL, part INTEGER NOT NULL, "
                  "first_revision INTEGER, vanished INTEGER NOT NULL) WITHOUT ROWID",
                  kTable)));
  LEAT_ASSIGN(SqliteStatement put, db_->prepare(fmt::format("INSERT OR REPLACE INTO {} VALUES(?, ?, ?, ?)", kTable)));
  put.with(std::string_view(pipeline_), part_, nullptr, vanished_);
  if (first_revision_) put.bind(3, *first_revision_);
  return put.run();
}

Result<uint64_t> read_sqlite_vanished(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(const bool there, db.has_table(kTable));
  if (!there) return uint64_t{0};
  LEAT_ASSIGN(const int64_t vanished,
              db.query_integer(fmt::format("SELECT vanished FROM {} WHERE pipeline = {}", kTable, sql_text(pipeline))));
  return static_cast<uint64_t>(vanished);
}

Status forget_sqlite_full_pull(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(const bool there, db.has_table(kTable));
  if (!there) return {};
  return db.execute(fmt::format("DELETE FROM {} WHERE pipeline = {}", kTable, sql_text(pipeline)));
}

}  // namespace leat
