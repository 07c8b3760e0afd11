#include "sinks/duckdb_batch_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "db/sql.h"

namespace leat {

Result<std::unique_ptr<DuckDbBatchWriter>> DuckDbBatchWriter::make(DuckDbTables tables, const SinkPlan& plan,
                                                                   int64_t next_row) {
  std::unique_ptr<DuckDbBatchWriter> made(new DuckDbBatchWriter(std::move(tables), plan, next_row));
  LEAT_ASSIGN(made->rows_, DuckDbRowAppender::make(made->tables_.db, made->tables_.table, plan.schema));
  if (plan.mode == WriteMode::ignore || plan.mode == WriteMode::merge) {
    LEAT_ASSIGN(made->keyed_, DuckDbKeyedRows::make(made->tables_.db, plan));
  }
  return made;
}

Result<Written> DuckDbBatchWriter::write(BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                                         const Rejects& rejects) {
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
      LEAT_TRY(undo(part));
    }
    LEAT_TRY(tables_.parts.forget_provisional(part));
  } else {
    old.reset();
  }

  Written written;
  Rejects without_key;
  if (kept_rows > 0) {
    written.inserted = old->inserted;
    written.updated = old->updated;
    written.digest = mix64(begin);
  }
  LEAT_ASSIGN(int64_t last_row, write_rows(part, batch, first + kept_rows, count - kept_rows, written, without_key));
  if (kept_rows > 0 && count == 1) last_row = old->first_row;
  LEAT_ASSIGN(int64_t first_reject, write_rejects(rejects, kept_rejects));
  if (kept_rejects > 0) first_reject = old->first_reject;
  LEAT_ASSIGN(const int64_t first_without_key, write_rejects(without_key, 0));
  if (first_reject == 0) first_reject = first_without_key;
  written.rejected = without_key.size();
  for (const Reject& reject : without_key) written.digest += mix64(reject.byte_offset);
  const uint64_t rejected = rejects.size() + written.rejected;
  // Of one that is ignored nothing is there that could be undone.
  if (batch.provisional && written.inserted + written.updated + rejected > 0) {
    part.provisional =
        BookedProvisional{.start = begin,
                          .inserted = written.inserted,
                          .updated = written.updated,
                          .rejected = rejected,
                          .first_row = last_row,
                          .first_reject = first_reject,
                          .content = !rejects.empty() ? content_of(rejects.front()) : content_of(batch, first)};
  }
  return written;
}

// The row gets the number of one that is written now: who reads the table by number has passed over it until now.
Status DuckDbBatchWriter::make_final(int64_t row) {
  if (keyed_) LEAT_TRY(keyed_->forget_kept(row));
  return change(fmt::format("UPDATE {} SET {} = {} WHERE _row = {}", sql_name(tables_.table),
                            merge_ ? "_revision" : "_row", next_row_++, row));
}

Result<int64_t> DuckDbBatchWriter::write_rows(const BookedPart& part, const RecordBatch& batch, size_t first,
                                              size_t count, Written& written, Rejects& without_key) {
  if (count == 0) return 0;
  if (keyed_) return write_keyed(part, batch, first, count, written, without_key);
  LEAT_TRY(rows_->add(batch, first, count, part.id, next_row_, next_row_));
  next_row_ += static_cast<int64_t>(count);
  tables_.aggregates.add(batch, first, count);
  written.inserted += count;
  for (size_t r = first; r < first + count; ++r) written.digest += mix64(batch.origin_of(r).offset);
  return next_row_ - 1;
}

// A provisional record stands back behind every other one: it is undone where a record has its key.
Result<std::vector<StagedRow>> DuckDbBatchWriter::look_past_provisional(const RecordBatch& batch,
                                                                        const std::vector<size_t>& rows) {
  for (;;) {
    LEAT_ASSIGN(std::vector<StagedRow> staged, keyed_->look(batch, rows));
    bool undone = false;
    for (const auto& each : tables_.parts.all()) {
      if (!each->provisional || each->provisional->inserted + each->provisional->updated == 0) continue;
      const int64_t row = each->provisional->first_row;
      if (std::none_of(staged.begin(), staged.end(), [&](const auto& s) { return s.was && s.was->row == row; })) {
        continue;
      }
      LEAT_TRY(undo(*each));
      LEAT_TRY(tables_.parts.forget_provisional(*each));
      undone = true;
    }
    if (!undone) return staged;
  }
}

Result<int64_t> DuckDbBatchWriter::write_keyed(const BookedPart& part, const RecordBatch& batch, size_t first,
                                               size_t count, Written& written, Rejects& without_key) {
  LEAT_TRY(rows_->flush());
  std::vector<size_t> rows;  // of the batch, by number of the staged row
  std::vector<uint64_t> offsets;
  for (size_t r = first; r < first + count; ++r) {
    if (const std::optional<size_t> missing = missing_key(batch, keyed_->key(), r)) {
      without_key.push_back(reject_without_key(batch, *missing, r));
      continue;
    }
    rows.push_back(r);
    offsets.push_back(batch.origin_of(r).offset);
  }
  LEAT_ASSIGN(const std::vector<StagedRow> staged, look_past_provisional(batch, rows));
  const KeyedOutcome outcome = decide_keyed(staged, offsets, part.id, merge_, next_row_, written);
  LEAT_TRY(take_over(outcome, batch.provisional));
  for (size_t i = 0; i < outcome.puts.size();) {
    const KeyedPut& put = outcome.puts[i];
    const size_t r = rows[put.staged];
    size_t end = i + 1;  // of a run that ascends in all three
    const auto follows = [&](const KeyedPut& next, size_t by) {
      const auto more = static_cast<int64_t>(by);
      return rows[next.staged] == r + by && next.row == put.row + more && next.revision == put.revision + more;
    };
    while (end < outcome.puts.size() && follows(outcome.puts[end], end - i)) ++end;
    LEAT_TRY(rows_->add(batch, r, end - i, part.id, put.row, put.revision));
    tables_.aggregates.add(batch, r, end - i);
    i = end;
  }
  if (mark_seen_ && !outcome.seen_rows.empty()) {
    LEAT_TRY(rows_->flush());
    LEAT_TRY(keyed_->mark_seen(outcome.seen_rows, next_row_));
  }
  return outcome.last_row.value_or(0);
}

// What the rows were goes; they are written anew under the same numbers.
Status DuckDbBatchWriter::take_over(const KeyedOutcome& outcome, bool provisional) {
  for (const auto& [part, offset] : outcome.taken) {
    ++taken_[part].rows;
    taken_[part].digest += mix64(offset);
  }
  if (outcome.taken_rows.empty()) return {};
  if (provisional) LEAT_TRY(keyed_->keep(outcome.taken_rows.front()));
  LEAT_ASSIGN(const std::string named, keyed_->name(outcome.taken_rows));
  return remove_rows(named).status().clone();
}

Result<int64_t> DuckDbBatchWriter::write_rejects(const Rejects& rejects, size_t from) {
  if (rejects.size() <= from) return 0;
  LEAT_ASSIGN(const int64_t first, tables_.db.query_integer("SELECT nextval('_leat_reject_numbers')"));
  LEAT_ASSIGN(
      const auto into,
      DuckDbAppender::query(tables_.db, "INSERT INTO _leat_rejects SELECT nextval('_leat_reject_numbers'), * FROM rows",
                            {{"pipeline", Type::text},
                             {"part", Type::integer},
                             {"origin", Type::text, true},
                             {"byte_offset", Type::integer},
                             {"line", Type::integer},
                             {"column_name", Type::text},
                             {"reason", Type::text},
                             {"raw", Type::text, true},
                             {"raw_length", Type::integer},
                             {"raw_hash", Type::text},
                             {"at", Type::time}}));
  const DuckDbTime now{tables_.clock.now_micros()};
  std::string made_column;
  std::string made_reason;
  for (size_t i = from; i < rejects.size(); ++i) {
    const Reject& reject = rejects[i];
    LEAT_ASSIGN(const BookedPart* const part, tables_.parts.get(reject.part, reject.origin));
    const std::string hash = hex(reject.raw_hash);
    const std::array<DuckDbValue, 11> row = {std::string_view(tables_.pipeline),
                                             part->id,
                                             DuckDbBytes{reject.origin},
                                             reject.byte_offset,
                                             reject.line,
                                             duckdb_text(reject.column, made_column),
                                             duckdb_text(reject.reason, made_reason),
                                             DuckDbBytes{reject.raw},
                                             reject.raw_length,
                                             std::string_view(hash),
                                             now};
    LEAT_TRY(into->add(row));
  }
  LEAT_TRY(into->flush());
  return first;
}

Result<uint64_t> DuckDbBatchWriter::remove_rows(const std::string& where) {
  LEAT_TRY(rows_->flush());
  if (!tables_.aggregates.empty()) {
    // What was counted of them so far is in the tables when their buckets go.
    LEAT_ASSIGN(const RecordBatch batch,
                read_duckdb_rows(tables_.db, tables_.table, schema_, tables_.aggregates.inputs(), where));
    LEAT_TRY(tables_.aggregates.touch(batch, 0, batch.rows()));
  }
  return tables_.db.change(fmt::format("DELETE FROM {} WHERE {}", sql_name(tables_.table), where));
}

Status DuckDbBatchWriter::undo(const BookedPart& part) {
  const BookedProvisional& record = *part.provisional;
  if (record.inserted + record.updated > 0) {
    LEAT_TRY(
        remove_rows(fmt::format("_row = {} AND _part = {} AND _offset >= {}", record.first_row, part.id, record.start))
            .status()
            .clone());
  }
  if (record.updated > 0) {
    LEAT_ASSIGN(const bool restored, keyed_->restore(record.first_row));
    if (!restored) {
      return Status::fatal(
          fmt::format("{}: table {}: what a provisional record has taken over is gone; see `leat verify`",
                      tables_.db.where(), quoted(duckdb_before_table(tables_.table))));
    }
    const std::string where = fmt::format("_row = {}", record.first_row);
    LEAT_ASSIGN(const RecordBatch back,
                read_duckdb_rows(tables_.db, tables_.table, schema_, tables_.aggregates.inputs(), where));
    tables_.aggregates.add(back, 0, back.rows());
    LEAT_ASSIGN(const int64_t from,
                tables_.db.query_integer(fmt::format("SELECT _part FROM {} WHERE {}", sql_name(tables_.table), where)));
    --taken_[from].rows;
    taken_[from].digest -= mix64(back.origin_of(0).offset);
  }
  return change(fmt::format("DELETE FROM _leat_rejects WHERE reject >= {} AND part = {} AND byte_offset >= {}",
                            record.first_reject, part.id, record.start));
}

Result<bool> DuckDbBatchWriter::retry(int64_t reject, const RecordBatch& batch) {
  LEAT_ASSIGN(DuckDbRows taken, tables_.db.query("SELECT part, byte_offset FROM _leat_rejects WHERE reject = $1 AND "
                                                 "pipeline = $2",
                                                 reject, tables_.pipeline));
  LEAT_ASSIGN(const bool found, taken.step());
  BookedPart* const part = found ? tables_.parts.with_id(taken.integer(0)) : nullptr;
  const uint64_t offset = found ? taken.number(1) : 0;
  if (part == nullptr || offset >= part->end) return false;
  if (keyed_ && batch.rows() > 0 && missing_key(batch, keyed_->key(), 0)) return false;
  LEAT_TRY(change(fmt::format("DELETE FROM _leat_rejects WHERE reject = {}", reject)));
  Written written;
  Rejects without_key;
  LEAT_TRY(write_rows(*part, batch, 0, batch.rows(), written, without_key).status().clone());
  Counts change = {.inserted = written.inserted, .updated = written.updated, .ignored = written.ignored};
  change.filtered = batch.rows() == 0 ? 1 : 0;
  change.rejected = UINT64_MAX;  // one less
  change.digest = written.digest - mix64(offset);
  LEAT_TRY(tables_.parts.correct(*part, offset, change));
  return true;
}

Status DuckDbBatchWriter::undo_passed(BookedPart& part) {
  LEAT_TRY(undo(part));
  return tables_.parts.forget_provisional(part);
}

Status DuckDbBatchWriter::undo_void(const VoidRange& what) {
  LEAT_TRY(rows_->flush());
  Counts gone{.filtered = keyed_ ? 0 : what.counts.filtered};
  const auto count = [&](const std::string& table, const std::string& where, const char* offset,
                         uint64_t& number) -> Status {
    LEAT_ASSIGN(DuckDbRows rows, tables_.db.query(fmt::format("SELECT {} FROM {} WHERE {}", offset, table, where)));
    for (;; ++number) {
      LEAT_ASSIGN(const bool row, rows.step());
      if (!row) return {};
      gone.digest += mix64(rows.number(0));
    }
  };
  const auto range = [&](const char* part, const char* offset) {
    return fmt::format("{0} = {1} AND {2} >= {3} AND {2} < {4}", part, what.part->id, offset, what.from, what.end);
  };
  const std::string rejects = range("part", "byte_offset");
  LEAT_TRY(count("_leat_rejects", rejects, "byte_offset", gone.rejected));
  LEAT_TRY(change("DELETE FROM _leat_rejects WHERE " + rejects));
  if (!keyed_) {
    const std::string where = range("_part", "_offset");
    LEAT_TRY(count(sql_name(tables_.table), where, "_offset", gone.inserted));
    LEAT_TRY(remove_rows(where).status().clone());
  }
  return tables_.parts.correct(*what.part, what.from, Counts().without(gone));
}

Result<uint64_t> DuckDbBatchWriter::delete_unseen(int64_t before_revision) {
  LEAT_TRY(rows_->flush());
  const std::string where = fmt::format("_revision < {}", before_revision);
  LEAT_ASSIGN(DuckDbRows rows,
              tables_.db.query(fmt::format("SELECT _part, _offset FROM {} WHERE {}", sql_name(tables_.table), where)));
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) break;
    Taken& taken = taken_[rows.integer(0)];
    ++taken.rows;
    taken.digest += mix64(rows.number(1));
  }
  return remove_rows(where);
}

Status DuckDbBatchWriter::store_taken() {
  for (const auto& [part, taken] : taken_) {
    LEAT_ASSIGN(DuckDbRows rows, tables_.db.query("SELECT rows, digest FROM _leat_taken WHERE part = $1", part));
    LEAT_ASSIGN(const bool found, rows.step());
    const int64_t count = taken.rows + (found ? rows.integer(0) : 0);
    const uint64_t digest = taken.digest + (found ? rows.number(1) : 0);
    LEAT_TRY(tables_.db
                 .change(found ? "UPDATE _leat_taken SET rows = $2, digest = $3 WHERE part = $1"
                               : "INSERT INTO _leat_taken VALUES($1, $2, $3)",
                         part, count, digest)
                 .status()
                 .clone());
  }
  taken_.clear();
  return {};
}

Status DuckDbBatchWriter::apply() {
  LEAT_TRY(rows_->flush());
  rows_->end();
  LEAT_TRY(store_taken());
  return tables_.aggregates.apply();
}

}  // namespace leat
