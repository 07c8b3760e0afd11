#include "sinks/sqlite_batch_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

// The records of a table that lie where all is void. There is no index over parts and offsets; but they are among the
// last ones, so that the table is read from its end until all of them were seen.
struct VoidRecords {
  using Before = std::function<Status(const std::string& where, const std::vector<int64_t>& parameters)>;
  const VoidRange& what;
  std::string table;  // as SQL writes it
  const char* number;
  const char* part;
  const char* offset;

  // Deletes them, `count` according to the books, and adds their digest to `digest`. `before`, when it is given, is
  // called with the condition that is true of them. How many there were.
  Result<uint64_t> remove(const SqliteDatabase& db, uint64_t count, const Before& before, uint64_t& digest) const {
    if (count == 0) return uint64_t{0};
    const std::string where = fmt::format("{0} >= ?1 AND {1} = ?2 AND {2} >= ?3 AND {2} < ?4", number, part, offset);
    LEAT_ASSIGN(SqliteStatement find,
                db.prepare(fmt::format("SELECT {0}, {1} FROM {2} WHERE {3} ORDER BY {0} DESC LIMIT ?5", number, offset,
                                       table, where)));
    find.with(INT64_MIN, what.part->id, what.from, what.end, count);
    int64_t first = INT64_MAX;
    uint64_t found = 0;
    for (;; ++found) {
      LEAT_ASSIGN(const bool row, find.step());
      if (!row) break;
      first = find.integer(0);
      digest += mix64(find.number(1));
    }
    const std::vector<int64_t> parameters = {first, what.part->id, static_cast<int64_t>(what.from),
                                             static_cast<int64_t>(what.end)};
    if (before) LEAT_TRY(before(where, parameters));
    LEAT_ASSIGN(SqliteStatement remove, db.prepare(fmt::format("DELETE FROM {} WHERE {}", table, where)));
    for (size_t i = 0; i < parameters.size(); ++i) remove.bind(static_cast<int>(i) + 1, parameters[i]);
    LEAT_TRY(remove.run());
    return found;
  }
};

}  // namespace

Result<std::unique_ptr<SqliteBatchWriter>> SqliteBatchWriter::make(BatchTables tables, const SinkPlan& plan,
                                                                   int64_t next_row) {
  const SqliteDatabase& db = tables.db;
  const std::string table = tables.table;
  const std::vector<size_t> inputs = tables.aggregates.inputs();
  std::unique_ptr<SqliteBatchWriter> writer(new SqliteBatchWriter(std::move(tables), plan.schema));
  writer->next_row_ = next_row;
  writer->mark_seen_ = plan.reconcile;
  if (plan.mode == WriteMode::ignore || plan.mode == WriteMode::merge) {
    LEAT_ASSIGN(writer->keyed_, KeyedRows::make(db, plan, table, inputs));
  } else {
    LEAT_ASSIGN(writer->rows_, RowWriter::make(db, table, plan.schema));
  }
  LEAT_ASSIGN(writer->insert_reject_,
              db.prepare("INSERT INTO _leat_rejects VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  LEAT_ASSIGN(writer->delete_row_,
              db.prepare(fmt::format("DELETE FROM {} WHERE _row = ? AND _part = ? AND _offset >= ?", sql_name(table))));
  LEAT_ASSIGN(writer->renumber_, db.prepare(fmt::format("UPDATE {} SET {} = ? WHERE _row = ?", sql_name(table),
                                                        plan.mode == WriteMode::merge ? "_revision" : "_row")));
  LEAT_ASSIGN(writer->delete_rejects_,
              db.prepare("DELETE FROM _leat_rejects WHERE reject >= ? AND part = ? AND byte_offset >= ?"));
  LEAT_ASSIGN(writer->take_reject_,
              db.prepare("DELETE FROM _leat_rejects WHERE reject = ? AND pipeline = ? RETURNING part, byte_offset"));
  return writer;
}

Status SqliteBatchWriter::begin() {
  LEAT_ASSIGN(const int64_t version, db_->query_integer("PRAGMA data_version"));
  if (version != data_version_) tables_.aggregates.forget_rows();
  data_version_ = version;
  LEAT_ASSIGN(const int64_t last_reject, db_->query_integer("SELECT max(reject) FROM _leat_rejects"));
  next_reject_ = last_reject + 1;
  return {};
}

Result<Written> SqliteBatchWriter::write(BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                                         const Rejects& rejects) {
  const std::optional<BookedProvisional> provisional = part.provisional;
  const int64_t next_row = next_row_;
  const int64_t next_reject = next_reject_;
  Changes changes(schema_);
  Result<Written> written = write_all(part, batch, first, count, rejects, changes);
  if (written.ok()) {
    LEAT_TRY(hand_over(changes, batch));
    return written;
  }
  for (const auto& [other, record] : changes.undone) other->provisional = record;
  part.provisional = provisional;
  next_row_ = next_row;
  next_reject_ = next_reject;
  return written;
}

Result<Written> SqliteBatchWriter::write_all(BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                                             const Rejects& rejects, Changes& changes) {
  uint64_t begin = UINT64_MAX;
  if (count > 0) begin = batch.origin_of(first).offset;
  for (const Reject& reject : rejects) begin = std::min(begin, reject.byte_offset);

  // Does the provisional record stand as it is, was it longer in the end, or is it not concerned?
  size_t kept_rows = 0;
  size_t kept_rejects = 0;
  std::optional<BookedProvisional> old = part.provisional;
  if (old && begin >= old->start) {
    if (begin == old->start && old->inserted + old->updated == 1 && old->rejected == 0 && count > 0 &&
        batch.origin_of(first).offset == begin && content_of(batch, first) == old->content) {
      kept_rows = 1;
      if (!batch.provisional) LEAT_TRY(make_final(old->first_row));
    } else if (begin == old->start && old->inserted + old->updated == 0 && old->rejected == 1 && !rejects.empty() &&
               rejects.front().byte_offset == begin && content_of(rejects.front()) == old->content) {
      kept_rejects = 1;
    } else {
      LEAT_TRY(undo(part, changes));
    }
    LEAT_TRY(tables_.parts.forget_provisional(part));
  } else {
    old.reset();
  }

  Written written;
  if (kept_rows > 0) {
    written.inserted = old->inserted;
    written.updated = old->updated;
    written.digest = mix64(begin);
  }
  const int64_t first_reject = kept_rejects > 0 ? old->first_reject : next_reject_;
  int64_t last_row = kept_rows > 0 ? old->first_row : next_row_;
  first += kept_rows;
  count -= kept_rows;
  LEAT_TRY(write_rows(part, batch, first, count, changes, written, last_row));
  LEAT_TRY(write_rejects(rejects, kept_rejects));
  LEAT_TRY(write_rejects(changes.rejects, 0));
  written.rejected = changes.rejects.size();
  for (const Reject& reject : changes.rejects) written.digest += mix64(reject.byte_offset);
  const uint64_t rejected = rejects.size() + written.rejected;
  // Of one that is ignored nothing is there that could be undone.
  if (batch.provisional && written.inserted + written.updated + rejected > 0) {
    part.provisional = BookedProvisional{
        .start = begin,
        .inserted = written.inserted,
        .updated = written.updated,
        .rejected = rejected,
        .first_row = last_row,
        .first_reject = first_reject,
        .content = !rejects.empty() ? content_of(rejects.front()) : content_of(batch, first - kept_rows),
        .stored = false};
  }
  return written;
}

// The row gets the number of one that is written now: who reads the table by number has passed over it until now.
Status SqliteBatchWriter::make_final(int64_t row) {
  if (keyed_) LEAT_TRY(keyed_->forget_kept(row));
  return renumber_.with(next_row_++, row).run();
}

Status SqliteBatchWriter::write_rows(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                                     Changes& changes, Written& written, int64_t& last_row) {
  if (keyed_) return write_keyed(part, batch, first, count, changes, written, last_row);
  LEAT_TRY(rows_->insert(batch, first, count, part.id, next_row_));
  next_row_ += static_cast<int64_t>(count);
  changes.written.emplace_back(first, count);
  written.inserted += count;
  for (size_t r = first; r < first + count; ++r) written.digest += mix64(batch.origin_of(r).offset);
  return {};
}

Status SqliteBatchWriter::write_keyed(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                                      Changes& changes, Written& written, int64_t& last_row) {
  using What = KeyedRows::Outcome::What;
  provisional_rows_.clear();
  for (const auto& each : tables_.parts.all()) {
    if (each->provisional && each->provisional->inserted + each->provisional->updated > 0) {
      provisional_rows_[each->provisional->first_row] = each.get();
    }
  }
  KeyedRows::GiveWay give_way;
  if (!provisional_rows_.empty()) {
    give_way = [&](int64_t row) -> Result<bool> {
      const auto at = provisional_rows_.find(row);
      if (at == provisional_rows_.end()) return false;
      LEAT_TRY(undo(*at->second, changes));
      LEAT_TRY(tables_.parts.forget_provisional(*at->second));
      provisional_rows_.erase(at);
      return true;
    };
  }
  size_t run = first;  // of rows that are in the table now
  const auto end_run = [&](size_t end) {
    if (end > run) changes.written.emplace_back(run, end - run);
    run = end + 1;
  };
  for (size_t r = first; r < first + count; ++r) {
    if (const std::optional<size_t> missing = missing_key(batch, keyed_->key(), r)) {
      changes.rejects.push_back(reject_without_key(batch, *missing, r));
      end_run(r);
      continue;
    }
    LEAT_ASSIGN(const KeyedRows::Outcome outcome,
                keyed_->put(batch, r, part.id, next_row_, give_way, changes.before, batch.provisional));
    if (outcome.what == What::ignored) {
      ++written.ignored;
      if (mark_seen_) LEAT_TRY(renumber_.with(next_row_++, outcome.was.row).run());
      end_run(r);
      continue;
    }
    last_row = outcome.what == What::updated ? outcome.was.row : next_row_;
    ++next_row_;
    written.digest += mix64(batch.origin_of(r).offset);
    if (outcome.what == What::updated) {
      ++written.updated;
      changes.taken.emplace_back(outcome.was.part, outcome.was.offset);
    } else {
      ++written.inserted;
    }
  }
  end_run(first + count);
  return {};
}

Status SqliteBatchWriter::write_rejects(const Rejects& rejects, size_t from) {
  if (rejects.size() == from) return {};
  const std::string now = format_time(tables_.clock.now_micros());
  for (size_t i = from; i < rejects.size(); ++i) {
    const Reject& reject = rejects[i];
    LEAT_ASSIGN(const BookedPart* part, tables_.parts.get(reject.part, reject.origin));
    const std::string hash = hex(reject.raw_hash);
    insert_reject_.with(next_reject_++, std::string_view(tables_.pipeline), part->id, std::string_view(reject.origin),
                        reject.byte_offset, reject.line, std::string_view(reject.column),
                        std::string_view(reject.reason), nullptr, reject.raw_length, std::string_view(hash),
                        std::string_view(now));
    insert_reject_.bind_bytes(9, reject.raw);
    LEAT_TRY(insert_reject_.run());
  }
  return {};
}

Status SqliteBatchWriter::read_rows(const std::string& where, const std::vector<int64_t>& parameters,
                                    std::vector<RecordBatch>& into) {
  if (tables_.aggregates.empty()) return {};
  LEAT_ASSIGN(const auto reader,
              RowReader::make(*db_, tables_.table, schema_, tables_.aggregates.inputs(), where, parameters));
  for (;;) {
    LEAT_ASSIGN(RecordBatch batch, reader->next());
    if (batch.rows() == 0) return {};
    into.push_back(std::move(batch));
  }
}

// Deletes the row or reject of the provisional record of `part`; what it had taken over comes back.
Status SqliteBatchWriter::undo(BookedPart& part, Changes& changes) {
  const BookedProvisional& record = *part.provisional;
  changes.undone.emplace_back(&part, record);
  const auto start = static_cast<int64_t>(record.start);
  if (record.inserted + record.updated > 0) {
    LEAT_TRY(read_rows("_row = ?1 AND _part = ?2 AND _offset >= ?3", {record.first_row, part.id, start}, changes.gone));
    LEAT_TRY(delete_row_.with(record.first_row, part.id, start).run());
  }
  if (record.updated > 0) {
    LEAT_ASSIGN(const bool restored, keyed_->restore(record.first_row));
    if (!restored) {
      return Status::fatal(
          fmt::format("{}: table {}: what a provisional record has taken over is gone; see `leat verify`", db_->where(),
                      quoted(before_table(tables_.table))));
    }
    LEAT_TRY(read_rows("_row = ?1", {record.first_row}, changes.come));
    LEAT_ASSIGN(SqliteStatement place,
                db_->prepare(fmt::format("SELECT _part, _offset FROM {} WHERE _row = ?", sql_name(tables_.table))));
    place.with(record.first_row);
    LEAT_TRY(place.step().status().clone());
    changes.returned.emplace_back(place.integer(0), place.number(1));
  }
  return delete_rejects_.with(record.first_reject, part.id, record.start).run();
}

// Nothing fails from here on but a bug: an aggregate cannot take rows back.
Status SqliteBatchWriter::hand_over(Changes& changes, const RecordBatch& batch) {
  SqliteAggregates& aggregates = tables_.aggregates;
  for (const RecordBatch& rows : changes.gone) LEAT_TRY(aggregates.touch(rows, 0, rows.rows()));
  LEAT_TRY(aggregates.touch(changes.before, 0, changes.before.rows()));
  for (const RecordBatch& rows : changes.come) aggregates.add(rows, 0, rows.rows());
  for (const auto& [first, count] : changes.written) aggregates.add(batch, first, count);
  for (const auto& [part, offset] : changes.taken) {
    ++taken_[part].rows;
    taken_[part].digest += mix64(offset);
  }
  for (const auto& [part, offset] : changes.returned) {
    --taken_[part].rows;
    taken_[part].digest -= mix64(offset);
  }
  return {};
}

Result<bool> SqliteBatchWriter::retry(int64_t reject, const RecordBatch& batch) {
  take_reject_.with(reject, std::string_view(tables_.pipeline));
  LEAT_ASSIGN(const bool found, take_reject_.step());
  const int64_t id = found ? take_reject_.integer(0) : 0;
  const uint64_t offset = found ? take_reject_.number(1) : 0;
  take_reject_.reset();
  BookedPart* part = tables_.parts.with_id(id);
  if (part == nullptr || offset >= part->end) return false;
  const int64_t next_row = next_row_;
  Changes changes(schema_);
  Written written;
  int64_t last_row = 0;
  Status outcome = write_rows(*part, batch, 0, batch.rows(), changes, written, last_row);
  if (outcome.ok() && changes.rejects.empty()) {
    Counts change = {.inserted = written.inserted, .updated = written.updated, .ignored = written.ignored};
    change.filtered = batch.rows() == 0 ? 1 : 0;
    change.rejected = UINT64_MAX;  // one less
    change.digest = written.digest - mix64(offset);
    outcome = tables_.parts.correct(*part, offset, change);
  }
  if (outcome.ok() && changes.rejects.empty()) {
    LEAT_TRY(hand_over(changes, batch));
    return true;
  }
  for (const auto& [other, record] : changes.undone) other->provisional = record;
  next_row_ = next_row;
  if (outcome.ok()) return false;
  return outcome;
}

Status SqliteBatchWriter::undo_passed(BookedPart& part) {
  Changes changes(schema_);
  LEAT_TRY(undo(part, changes));
  LEAT_TRY(tables_.parts.forget_provisional(part));
  return hand_over(changes, RecordBatch(schema_));
}

// The buckets of these rows, which are about to go.
Status SqliteBatchWriter::touch_rows(const std::string& where, const std::vector<int64_t>& parameters) {
  if (tables_.aggregates.empty()) return {};
  LEAT_ASSIGN(const auto reader,
              RowReader::make(*db_, tables_.table, schema_, tables_.aggregates.inputs(), where, parameters));
  for (;;) {
    LEAT_ASSIGN(const RecordBatch batch, reader->next());
    if (batch.rows() == 0) return {};
    LEAT_TRY(tables_.aggregates.touch(batch, 0, batch.rows()));
  }
}

Result<uint64_t> SqliteBatchWriter::delete_unseen(int64_t before_revision) {
  constexpr const char* kWhere = "_revision < ?1";
  const std::string table = sql_name(tables_.table);
  LEAT_ASSIGN(SqliteStatement select,
              db_->prepare(fmt::format("SELECT _part, _offset FROM {} WHERE {}", table, kWhere)));
  select.with(before_revision);
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) break;
    Taken& taken = taken_[select.integer(0)];
    ++taken.rows;
    taken.digest += mix64(select.number(1));
  }
  LEAT_TRY(touch_rows(kWhere, {before_revision}));
  LEAT_ASSIGN(SqliteStatement remove, db_->prepare(fmt::format("DELETE FROM {} WHERE {}", table, kWhere)));
  LEAT_TRY(remove.with(before_revision).run());
  return db_->changes();
}

Status SqliteBatchWriter::undo_void(const VoidRange& what) {
  const SqliteDatabase& db = *db_;
  Counts gone;
  const VoidRecords rejects{what, "_leat_rejects", "reject", "part", "byte_offset"};
  LEAT_ASSIGN(gone.rejected, rejects.remove(db, what.counts.rejected, nullptr, gone.digest));
  if (!keyed_) {
    const VoidRecords rows{what, sql_name(tables_.table), "_row", "_part", "_offset"};
    const auto give_back = [&](const std::string& where, const std::vector<int64_t>& parameters) {
      return touch_rows(where, parameters);
    };
    LEAT_ASSIGN(gone.inserted, rows.remove(db, what.counts.inserted, give_back, gone.digest));
    gone.filtered = what.counts.filtered;
  }
  return tables_.parts.correct(*what.part, what.from, Counts().without(gone));
}

Status SqliteBatchWriter::apply() {
  for (const auto& [part, taken] : taken_) {
    LEAT_ASSIGN(SqliteStatement select, db_->prepare("SELECT rows, digest FROM _leat_taken WHERE part = ?"));
    select.with(part);
    LEAT_ASSIGN(const bool found, select.step());
    const int64_t rows = taken.rows + (found ? select.integer(0) : 0);
    const uint64_t digest = taken.digest + (found ? select.number(1) : 0);
    select.reset();
    LEAT_ASSIGN(SqliteStatement put, db_->prepare("INSERT OR REPLACE INTO _leat_taken VALUES(?, ?, ?)"));
    LEAT_TRY(put.with(part, rows, digest).run());
  }
  taken_.clear();
  return tables_.aggregates.apply();
}

}  // namespace leat
