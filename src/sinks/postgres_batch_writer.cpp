#include "sinks/postgres_batch_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "db/sql.h"

namespace leat {
namespace {

constexpr size_t kRejectBytes = 4 * 1024 * 1024;  // in one statement
constexpr size_t kRejects = 10'000;               // likewise

}  // namespace

Result<std::unique_ptr<PostgresBatchWriter>> PostgresBatchWriter::make(PostgresTables tables, const SinkPlan& plan,
                                                                       int64_t next_row) {
  std::unique_ptr<PostgresBatchWriter> writer(new PostgresBatchWriter(std::move(tables), plan, next_row));
  if (plan.mode == WriteMode::ignore || plan.mode == WriteMode::merge) {
    LEAT_ASSIGN(writer->keyed_, PostgresKeyedRows::make(writer->tables_.db, plan));
  }
  return writer;
}

Result<Written> PostgresBatchWriter::write(BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                                           const Rejects& rejects, bool now) {
  const std::optional<BookedProvisional> provisional = part.provisional;
  const int64_t next_row = next_row_;
  Changes changes;
  Result<Written> written = write_all(part, batch, first, count, rejects, changes);
  if (written.ok() && now) {
    if (Status ended = tables_.db.copy_end(); !ended.ok()) written = std::move(ended);
  }
  if (written.ok()) {
    LEAT_TRY(hand_over(changes, batch));
    return written;
  }
  for (const auto& [other, record] : changes.undone) other->provisional = record;
  part.provisional = provisional;
  next_row_ = next_row;
  return written;
}

Result<Written> PostgresBatchWriter::write_all(BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
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
  int64_t last_row = kept_rows > 0 ? old->first_row : next_row_;
  LEAT_TRY(write_rows(part, batch, first + kept_rows, count - kept_rows, changes, written, last_row));
  LEAT_ASSIGN(int64_t first_reject, write_rejects(rejects, kept_rejects));
  if (kept_rejects > 0) first_reject = old->first_reject;
  LEAT_ASSIGN(const int64_t first_without_key, write_rejects(changes.rejects, 0));
  if (first_reject == 0) first_reject = first_without_key;
  written.rejected = changes.rejects.size();
  for (const Reject& reject : changes.rejects) written.digest += mix64(reject.byte_offset);
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
                          .content = !rejects.empty() ? content_of(rejects.front()) : content_of(batch, first),
                          .stored = false};
  }
  return written;
}

// The row gets the number of one that is written now: who reads the table by number has passed over it until now.
Status PostgresBatchWriter::make_final(int64_t row) {
  if (keyed_) LEAT_TRY(keyed_->forget_kept(row));
  return tables_.db
      .change(
          fmt::format("UPDATE {} SET {} = $1 WHERE _row = $2", sql_name(tables_.table), merge_ ? "_revision" : "_row"),
          PostgresParameters::of(next_row_++, row))
      .status()
      .clone();
}

Status PostgresBatchWriter::write_rows(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                                       Changes& changes, Written& written, int64_t& last_row) {
  if (count == 0) return {};
  if (keyed_) return write_keyed(part, batch, first, count, changes, written, last_row);
  LEAT_TRY(copy_.insert(batch, first, count, part.id, next_row_));
  next_row_ += static_cast<int64_t>(count);
  changes.written.emplace_back(first, count);
  written.inserted += count;
  for (size_t r = first; r < first + count; ++r) written.digest += mix64(batch.origin_of(r).offset);
  return {};
}

// A provisional record stands back behind every other one: it is undone where a record has its key.
Result<std::vector<StagedRow>> PostgresBatchWriter::look_past_provisional(Changes& changes) {
  for (;;) {
    LEAT_ASSIGN(std::vector<StagedRow> staged, keyed_->look());
    bool undone = false;
    for (const auto& each : tables_.parts.all()) {
      if (!each->provisional || each->provisional->inserted + each->provisional->updated == 0) continue;
      const int64_t row = each->provisional->first_row;
      if (std::none_of(staged.begin(), staged.end(), [&](const auto& s) { return s.was && s.was->row == row; })) {
        continue;
      }
      LEAT_TRY(undo(*each, changes));
      LEAT_TRY(tables_.parts.forget_provisional(*each));
      undone = true;
    }
    if (!undone) return staged;
  }
}

Status PostgresBatchWriter::write_keyed(const BookedPart& part, const RecordBatch& batch, size_t first, size_t count,
                                        Changes& changes, Written& written, int64_t& last_row) {
  LEAT_TRY(keyed_->stage(batch, first, count, part.id));
  LEAT_ASSIGN(const std::vector<StagedRow> staged, look_past_provisional(changes));
  std::vector<size_t> of_batch;  // by number of the staged row
  std::vector<uint64_t> offsets;
  for (size_t r = first; r < first + count; ++r) {
    if (const std::optional<size_t> missing = missing_key(batch, keyed_->key(), r)) {
      changes.rejects.push_back(reject_without_key(batch, *missing, r));
      continue;
    }
    of_batch.push_back(r);
    offsets.push_back(batch.origin_of(r).offset);
  }
  const KeyedOutcome outcome = decide_keyed(staged, offsets, part.id, merge_, next_row_, written);
  last_row = outcome.last_row.value_or(last_row);
  changes.taken.insert(changes.taken.end(), outcome.taken.begin(), outcome.taken.end());
  if (!outcome.taken_rows.empty()) {
    LEAT_TRY(read_rows(fmt::format("_row IN ({})", fmt::join(outcome.taken_rows, ", ")), {}, changes.gone));
    if (batch.provisional) LEAT_TRY(keyed_->keep(outcome.taken_rows.front()));
  }
  for (const KeyedPut& put : outcome.puts) changes.written.emplace_back(of_batch[put.staged], 1);
  LEAT_TRY(keyed_->put(outcome.puts));
  return mark_seen_ ? mark_seen(outcome.seen_rows) : Status();
}

Status PostgresBatchWriter::mark_seen(const std::vector<int64_t>& rows) {
  if (rows.empty()) return {};
  std::map<int64_t, int64_t> revisions;
  for (const int64_t row : rows) revisions[row] = next_row_++;
  PostgresArray numbers(PostgresType::int8);
  PostgresArray values(PostgresType::int8);
  for (const auto& [row, revision] : revisions) {
    numbers.next().put_integer(row);
    values.next().put_integer(revision);
  }
  return tables_.db
      .change(fmt::format("UPDATE {} AS t SET _revision = x.revision FROM unnest($1::bigint[], $2::bigint[]) AS "
                          "x(row, revision) WHERE t._row = x.row",
                          sql_name(tables_.table)),
              PostgresParameters::of(numbers, values))
      .status()
      .clone();
}

Result<int64_t> PostgresBatchWriter::write_rejects(const Rejects& rejects, size_t from) {
  int64_t first = 0;
  for (size_t at = from; at < rejects.size();) {
    PostgresArray parts(PostgresType::int8);
    PostgresArray origins(PostgresType::text);
    PostgresArray offsets(PostgresType::int8);
    PostgresArray lines(PostgresType::int8);
    PostgresArray columns(PostgresType::text);
    PostgresArray reasons(PostgresType::text);
    PostgresArray raws(PostgresType::bytea);
    PostgresArray lengths(PostgresType::int8);
    PostgresArray hashes(PostgresType::text);
    std::string made;
    for (; at < rejects.size() && raws.size() < kRejectBytes && raws.count() < kRejects; ++at) {
      const Reject& reject = rejects[at];
      LEAT_ASSIGN(const BookedPart* part, tables_.parts.get(reject.part, reject.origin));
      parts.next().put_integer(part->id);
      origins.next().put_bytes(postgres_text(reject.origin, made));
      offsets.next().put_integer(static_cast<int64_t>(reject.byte_offset));
      lines.next().put_integer(static_cast<int64_t>(reject.line));
      columns.next().put_bytes(postgres_text(reject.column, made));
      reasons.next().put_bytes(postgres_text(reject.reason, made));
      raws.next().put_bytes(reject.raw);
      lengths.next().put_integer(static_cast<int64_t>(reject.raw_length));
      hashes.next().put_bytes(hex(reject.raw_hash));
    }
    PostgresParameters parameters = PostgresParameters::of(tables_.pipeline);
    parameters.add_time(tables_.clock.now_micros());
    for (const PostgresArray* array :
         {&parts, &origins, &offsets, &lines, &columns, &reasons, &raws, &lengths, &hashes}) {
      parameters.add(*array);
    }
    LEAT_ASSIGN(
        PostgresRows rows,
        tables_.db.query("INSERT INTO _leat_rejects(pipeline, at, part, origin, byte_offset, line, column_name, "
                         "reason, raw, raw_length, raw_hash) SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], "
                         "$5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::bytea[], $10::bigint[], "
                         "$11::text[]) RETURNING reject",
                         parameters));
    LEAT_ASSIGN(const bool row, rows.step());
    if (row && first == 0) first = rows.integer(0);
  }
  return first;
}

Status PostgresBatchWriter::read_rows(const std::string& where, const std::vector<int64_t>& parameters,
                                      std::vector<RecordBatch>& into) {
  if (tables_.aggregates.empty()) return {};
  LEAT_ASSIGN(const auto reader,
              PostgresReader::make(tables_.db, tables_.table, schema_, tables_.aggregates.inputs(), where, parameters));
  for (;;) {
    LEAT_ASSIGN(RecordBatch batch, reader->next());
    if (batch.rows() == 0) return {};
    into.push_back(std::move(batch));
  }
}

Status PostgresBatchWriter::undo(BookedPart& part, Changes& changes) {
  const BookedProvisional record = *part.provisional;
  changes.undone.emplace_back(&part, record);
  const auto start = static_cast<int64_t>(record.start);
  if (record.inserted + record.updated > 0) {
    const std::string where = "_row = $1 AND _part = $2 AND _offset >= $3";
    LEAT_TRY(read_rows(where, {record.first_row, part.id, start}, changes.gone));
    LEAT_TRY(tables_.db
                 .change(fmt::format("DELETE FROM {} WHERE {}", sql_name(tables_.table), where),
                         PostgresParameters::of(record.first_row, part.id, start))
                 .status()
                 .clone());
  }
  if (record.updated > 0) {
    LEAT_ASSIGN(const bool restored, keyed_->restore(record.first_row));
    if (!restored) {
      return Status::fatal(
          fmt::format("{}: table {}: what a provisional record has taken over is gone; see `leat verify`",
                      tables_.db.where(), quoted(postgres_before_table(tables_.table))));
    }
    LEAT_TRY(read_rows("_row = $1", {record.first_row}, changes.come));
    LEAT_ASSIGN(PostgresRows place,
                tables_.db.query(fmt::format("SELECT _part, _offset FROM {} WHERE _row = $1", sql_name(tables_.table)),
                                 PostgresParameters::of(record.first_row)));
    LEAT_TRY(place.step().status().clone());
    changes.returned.emplace_back(place.integer(0), place.number(1));
  }
  if (record.rejected == 0) return {};
  return tables_.db
      .change("DELETE FROM _leat_rejects WHERE reject >= $1 AND part = $2 AND byte_offset >= $3",
              PostgresParameters::of(record.first_reject, part.id, start))
      .status()
      .clone();
}

// Nothing fails from here on but a bug: an aggregate cannot take rows back.
Status PostgresBatchWriter::hand_over(Changes& changes, const RecordBatch& batch) {
  PostgresAggregates& aggregates = tables_.aggregates;
  for (const RecordBatch& rows : changes.gone) LEAT_TRY(aggregates.touch(rows, 0, rows.rows()));
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

Result<bool> PostgresBatchWriter::retry(int64_t reject, const RecordBatch& batch) {
  LEAT_ASSIGN(PostgresRows taken, tables_.db.query("DELETE FROM _leat_rejects WHERE reject = $1 AND pipeline = $2 "
                                                   "RETURNING part, byte_offset",
                                                   PostgresParameters::of(reject, tables_.pipeline)));
  LEAT_ASSIGN(const bool found, taken.step());
  BookedPart* part = found ? tables_.parts.with_id(taken.integer(0)) : nullptr;
  const uint64_t offset = found ? taken.number(1) : 0;
  if (part == nullptr || offset >= part->end) return false;
  const int64_t next_row = next_row_;
  Changes changes;
  Written written;
  int64_t last_row = 0;
  Status outcome = write_rows(*part, batch, 0, batch.rows(), changes, written, last_row);
  if (outcome.ok()) outcome = tables_.db.copy_end();
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

Status PostgresBatchWriter::undo_passed(BookedPart& part) {
  Changes changes;
  LEAT_TRY(undo(part, changes));
  LEAT_TRY(tables_.parts.forget_provisional(part));
  return hand_over(changes, RecordBatch(schema_));
}

Result<uint64_t> PostgresBatchWriter::delete_unseen(int64_t before_revision) {
  const std::string where = "_revision < $1";
  LEAT_TRY(touch_rows(where, {before_revision}));
  const PostgresParameters parameters = PostgresParameters::of(before_revision);
  LEAT_ASSIGN(PostgresRows rows,
              tables_.db.cursor(fmt::format("SELECT _part, _offset FROM {} WHERE {}", sql_name(tables_.table), where),
                                parameters));
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) break;
    Taken& taken = taken_[rows.integer(0)];
    ++taken.rows;
    taken.digest += mix64(rows.number(1));
  }
  return tables_.db.change(fmt::format("DELETE FROM {} WHERE {}", sql_name(tables_.table), where), parameters);
}

// The buckets of these rows, which are about to go.
Status PostgresBatchWriter::touch_rows(const std::string& where, const std::vector<int64_t>& parameters) {
  if (tables_.aggregates.empty()) return {};
  LEAT_ASSIGN(const auto reader,
              PostgresReader::make(tables_.db, tables_.table, schema_, tables_.aggregates.inputs(), where, parameters));
  for (;;) {
    LEAT_ASSIGN(const RecordBatch batch, reader->next());
    if (batch.rows() == 0) return {};
    LEAT_TRY(tables_.aggregates.touch(batch, 0, batch.rows()));
  }
}

Status PostgresBatchWriter::apply() {
  for (const auto& [part, taken] : taken_) {
    LEAT_ASSIGN(PostgresRows rows,
                tables_.db.query("SELECT rows, digest FROM _leat_taken WHERE part = $1", PostgresParameters::of(part)));
    LEAT_ASSIGN(const bool found, rows.step());
    const int64_t count = taken.rows + (found ? rows.integer(0) : 0);
    const uint64_t digest = taken.digest + (found ? rows.number(1) : 0);
    LEAT_TRY(tables_.db
                 .change("INSERT INTO _leat_taken VALUES($1, $2, $3) ON CONFLICT (part) DO UPDATE SET rows = $2, "
                         "digest = $3",
                         PostgresParameters::of(part, count, digest))
                 .status()
                 .clone());
  }
  taken_.clear();
  return tables_.aggregates.apply();
}

Status PostgresBatchWriter::undo_void(const VoidRange& what) {
  const auto from = static_cast<int64_t>(what.from);
  const auto end = static_cast<int64_t>(what.end);
  Counts gone{.filtered = keyed_ ? 0 : what.counts.filtered};
  // Deletes with what it says; counts into `count` and the digest.
  const auto remove = [&](const std::string& sql, const PostgresParameters& parameters, uint64_t& count) -> Status {
    LEAT_ASSIGN(PostgresRows rows, tables_.db.query(sql, parameters));
    for (;; ++count) {
      LEAT_ASSIGN(const bool row, rows.step());
      if (!row) return {};
      gone.digest += mix64(rows.number(0));
    }
  };
  if (what.counts.rejected > 0) {
    LEAT_TRY(
        remove("DELETE FROM _leat_rejects WHERE part = $1 AND byte_offset >= $2 AND byte_offset < $3 RETURNING "
               "byte_offset",
               PostgresParameters::of(what.part->id, from, end), gone.rejected));
  }
  if (!keyed_ && what.counts.inserted > 0) {
    // There is no index over parts and offsets; but the rows are among the last ones: these are looked through, and
    // more of them until all were found.
    const std::string where = "_part = $1 AND _offset >= $2 AND _offset < $3";
    int64_t row = 0;
    for (auto back = static_cast<int64_t>(what.counts.inserted);; back *= 4) {
      row = back < next_row_ / 4 ? next_row_ - back : 0;
      LEAT_ASSIGN(PostgresRows found, tables_.db.query(fmt::format("SELECT count(*) FROM {} WHERE _row >= $4 AND {}",
                                                                   sql_name(tables_.table), where),
                                                       PostgresParameters::of(what.part->id, from, end, row)));
      LEAT_TRY(found.step().status().clone());
      if (row == 0 || found.number(0) >= what.counts.inserted) break;
    }
    LEAT_TRY(touch_rows("_row >= $4 AND " + where, {what.part->id, from, end, row}));
    LEAT_TRY(
        remove(fmt::format("DELETE FROM {} WHERE _row >= $4 AND {} RETURNING _offset", sql_name(tables_.table), where),
               PostgresParameters::of(what.part->id, from, end, row), gone.inserted));
  }
  return tables_.parts.correct(*what.part, what.from, Counts().without(gone));
}

}  // namespace leat
