#include "sinks/duckdb_batch_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "db/sql.h"

namespace leat {

Result<std::unique_ptr<DuckDbBatchWriter>> DuckDbBatchWriter::make(DuckDbTables tables, const SinkPlan& plan,
                                                                   int64_t next_row) {
  std::unique_ptr<DuckDbBatchWriter> made(new DuckDbBatchWriter(std::move(tables), plan.schema, next_row));
  LEAT_ASSIGN(made->rows_, DuckDbRowAppender::make(made->tables_.db, made->tables_.table, plan.schema));
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
  int64_t first_row = next_row_;
  int64_t first_reject = 0;
  if (const std::optional<BookedProvisional> old = part.provisional; old && begin >= old->start) {
    if (begin == old->start && old->inserted == 1 && old->rejected == 0 && count > 0 &&
        batch.origin_of(first).offset == begin && content_of(batch, first) == old->content) {
      kept_rows = 1;
      // Its number is one of those written now: who reads the table by number has passed over it until now.
      LEAT_TRY(change(fmt::format("UPDATE {} SET _row = {} WHERE _row = {}", sql_name(tables_.table), next_row_++,
                                  old->first_row)));
    } else if (begin == old->start && old->inserted == 0 && old->rejected == 1 && !rejects.empty() &&
               rejects.front().byte_offset == begin && content_of(rejects.front()) == old->content) {
      kept_rejects = 1;
      first_reject = old->first_reject;
    } else {
      LEAT_TRY(undo(part));
    }
    LEAT_TRY(tables_.parts.forget_provisional(part));
  }

  const size_t fresh = count - kept_rows;
  LEAT_TRY(rows_->add(batch, first + kept_rows, fresh, part.id, next_row_));
  next_row_ += static_cast<int64_t>(fresh);
  LEAT_ASSIGN(const int64_t new_reject, write_rejects(rejects, kept_rejects));
  tables_.aggregates.add(batch, first + kept_rows, fresh);

  Written written{.inserted = count};
  for (size_t r = first; r < first + count; ++r) written.digest += mix64(batch.origin_of(r).offset);
  if (batch.provisional && count + rejects.size() > 0) {
    part.provisional =
        BookedProvisional{.start = begin,
                          .inserted = count,
                          .rejected = rejects.size(),
                          .first_row = first_row,
                          .first_reject = kept_rejects > 0 ? first_reject : new_reject,
                          .content = !rejects.empty() ? content_of(rejects.front()) : content_of(batch, first)};
  }
  return written;
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

Status DuckDbBatchWriter::touch(const std::string& where, int64_t from_row, int64_t to_row) {
  LEAT_TRY(rows_->flush());
  if (tables_.aggregates.empty()) return {};
  // What was counted of them so far is in the tables when their buckets go.
  LEAT_ASSIGN(const auto reader, DuckDbReader::make(tables_.db, tables_.table, schema_, tables_.aggregates.inputs(),
                                                    where, from_row, to_row));
  for (;;) {
    LEAT_ASSIGN(const RecordBatch batch, reader->next());
    if (batch.rows() == 0) return {};
    LEAT_TRY(tables_.aggregates.touch(batch, 0, batch.rows()));
  }
}

Status DuckDbBatchWriter::undo(const BookedPart& part) {
  const BookedProvisional& record = *part.provisional;
  if (record.inserted > 0) {
    const std::string where = fmt::format("_part = {} AND _offset >= {}", part.id, record.start);
    LEAT_TRY(touch(where, record.first_row, record.first_row + 1));
    LEAT_TRY(
        change(fmt::format("DELETE FROM {} WHERE _row = {} AND {}", sql_name(tables_.table), record.first_row, where)));
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
  LEAT_TRY(change(fmt::format("DELETE FROM _leat_rejects WHERE reject = {}", reject)));
  LEAT_TRY(rows_->add(batch, 0, batch.rows(), part->id, next_row_));
  Counts change = {.inserted = batch.rows()};
  change.filtered = batch.rows() == 0 ? 1 : 0;
  change.rejected = UINT64_MAX;  // one less
  change.digest = -mix64(offset);
  for (size_t r = 0; r < batch.rows(); ++r) change.digest += mix64(batch.origin_of(r).offset);
  LEAT_TRY(tables_.parts.correct(*part, offset, change));
  next_row_ += static_cast<int64_t>(batch.rows());
  tables_.aggregates.add(batch, 0, batch.rows());
  return true;
}

Status DuckDbBatchWriter::undo_passed(BookedPart& part) {
  LEAT_TRY(undo(part));
  return tables_.parts.forget_provisional(part);
}

Status DuckDbBatchWriter::undo_void(const VoidRange& what) {
  LEAT_TRY(rows_->flush());
  Counts gone{.filtered = what.counts.filtered};
  // Deletes them; counts into `count` and the digest.
  const auto remove = [&](const std::string& table, const std::string& where, const char* offset,
                          uint64_t& count) -> Status {
    LEAT_ASSIGN(DuckDbRows rows, tables_.db.query(fmt::format("SELECT {} FROM {} WHERE {}", offset, table, where)));
    for (;; ++count) {
      LEAT_ASSIGN(const bool row, rows.step());
      if (!row) break;
      gone.digest += mix64(rows.number(0));
    }
    return change(fmt::format("DELETE FROM {} WHERE {}", table, where));
  };
  const auto range = [&](const char* part, const char* offset) {
    return fmt::format("{0} = {1} AND {2} >= {3} AND {2} < {4}", part, what.part->id, offset, what.from, what.end);
  };
  LEAT_TRY(remove("_leat_rejects", range("part", "byte_offset"), "byte_offset", gone.rejected));
  const std::string where = range("_part", "_offset");
  LEAT_TRY(touch(where, 0, INT64_MAX));
  LEAT_TRY(remove(sql_name(tables_.table), where, "_offset", gone.inserted));
  return tables_.parts.correct(*what.part, what.from, Counts().without(gone));
}

Status DuckDbBatchWriter::apply() {
  LEAT_TRY(rows_->flush());
  rows_->end();
  return tables_.aggregates.apply();
}

}  // namespace leat
