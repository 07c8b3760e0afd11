#include "sinks/bigquery_loader.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "base/text.h"
#include "os/file_system.h"
#include "os/output_file.h"
#include "sinks/bigquery_bisection.h"
#include "sinks/bigquery_connect.h"
#include "sinks/bigquery_query.h"
#include "sinks/bigquery_step.h"

namespace leat {
namespace {

constexpr size_t kShaDigits = 40;  // of the label: 63 characters at most

std::string query_job(const std::string& sql) {
  std::string out = "\"query\":{\"useLegacySql\":false,\"query\":";
  add_json_string(out, sql);
  return out + "}";
}

std::string where(const BigQueryUndo& undo) {
  if (undo.part.empty()) return fmt::format("_segment <= {}", undo.segment);
  return fmt::format("_part = {} AND _offset >= {} AND _offset < {}", bigquery_text(undo.part), undo.from, undo.end);
}

BigQueryPartitioning partitioning_of(const BigQueryTable& table) {
  return {table.partition_by, table.partition};
}

// A job that brings none: what BigQuery refuses is nothing of the batch at hand.
Result<BigQueryJob> carry_out_without_rows(BigQueryClient& client, const BigQueryStep& step) {
  Result<BigQueryJob> job = carry_out(client, step);
  if (!job.ok() && job.status().kind() == Kind::bad_data) return Status::fatal(job.status().message());
  return job;
}

}  // namespace

std::string bigquery_segment_path(const std::string& folder, uint64_t segment) {
  return fmt::format("{}/{:08}{}", folder, segment, kBigQuerySegmentName);
}

// A table that another journal has filled, or this one later on, would get the same rows again.
Status BigQueryLoader::open() {
  if (!mirrored_) return {};
  LEAT_ASSIGN(const std::string text, read_bigquery_mirror(*client_, table_));
  if (text.empty()) return mirror_journal(0);
  LEAT_ASSIGN(BigQueryMirror mirror, parse_mirror(text));
  const std::string table = table_.dataset + "." + table_.table;
  LEAT_ASSIGN(const bool empty, journal_->is_empty());
  const bool ours = mirror.generation == generation_;
  if (!ours && empty && mirror.books && mirror.books->pipeline == pipeline_) return take_over(std::move(mirror));
  LEAT_ASSIGN(const int64_t last, journal_->last_loaded());
  if (mirror.generation == journal_->follows())
    return mirror_journal(static_cast<uint64_t>(last));  // a crash came before
  if (!ours) {
    return Status::fatal(fmt::format(
        "BigQuery: table {} is filled from another spool (generation {}{}, that of {} is {}): its rows would be loaded "
        "again; give back the spool that it was filled from, or name another table",
        table, quoted(mirror.generation),
        mirror.books && mirror.books->pipeline != pipeline_ ? " of pipeline " + quoted(mirror.books->pipeline) : "",
        visible(folder_), generation_));
  }
  if (last >= static_cast<int64_t>(mirror.segment)) return {};
  return Status::fatal(
      fmt::format("BigQuery: table {} has rows up to segment {}, the journal in {} knows of {}: it is an older copy, "
                  "and rows would be loaded again; give back the last one, or remove it: leat then goes on from the "
                  "table's description",
                  table, mirror.segment, visible(folder_), last));
}

// No job of the life that this mirror is of runs any more, and what came behind it does no harm: the mirror is true
// then. True: rows had come.
Result<bool> BigQueryLoader::end_earlier_life(BigQueryMirror& mirror) {
  const auto end = [&](uint64_t behind, std::string_view step) {
    return end_earlier_jobs(*client_, table_.location, behind,
                            [&](uint64_t number) { return step_name(mirror.generation, number, step); });
  };
  LEAT_ASSIGN(const EarlierJobs loads, end(mirror.segment, "load"));
  if (!mirror.books->undos.empty()) {  // none is carried out that the mirror did not have
    LEAT_ASSIGN(const EarlierJobs undone,
                end(static_cast<uint64_t>(mirror.books->undos.front().number) - 1, "undo-void"));
    settle_undos(*mirror.books, static_cast<int64_t>(undone.last));
  }
  if (!key_.columns.empty()) {
    // Rows of a key take each other's place: those that came may stay, and come again.
    LEAT_ASSIGN(const EarlierJobs merges, end(mirror.segment, "merge"));
    for (uint64_t segment = mirror.segment + 1; segment <= loads.last; ++segment) {
      LEAT_TRY(drop_bigquery_table(*client_, table_.dataset, staged_table(mirror.generation, segment)));
    }
    return merges.landed;
  }
  const bool landed = loads.landed;
  if (!landed) return landed;
  BigQueryStep undo;
  undo.name = step_name(generation_, mirror.segment, "undo");
  undo.location = table_.location;
  undo.sha = "undo";
  undo.configuration =
      query_job(fmt::format("DELETE FROM `{}` WHERE _segment > {}", full_name(table_.table), mirror.segment));
  LEAT_TRY(carry_out_without_rows(*client_, undo).status().clone());
  return landed;
}

// The journal of this pipeline is lost: its place is taken by this one, which has nothing yet.
Status BigQueryLoader::take_over(BigQueryMirror mirror) {
  LEAT_ASSIGN(const bool landed, end_earlier_life(mirror));
  uint64_t rejects = 0;
  for (const MirroredPart& part : mirror.books->parts) {
    for (const Range& range : part.ranges) rejects += range.counts.rejected;
  }
  LEAT_TRY(journal_->restore(mirror));
  note_(NoteLevel::warning,
        fmt::format("pipeline {}: the journal in {} is lost; going on behind segment {}, as the description of table "
                    "{}.{} says{}; {} rejects are lost with it",
                    quoted(pipeline_), visible(folder_), mirror.segment, table_.dataset, table_.table,
                    !landed                ? ""
                    : key_.columns.empty() ? ", and what came behind it was taken out and comes again"
                                           : ", and what came behind it comes again",
                    with_commas(rejects)));
  return mirror_journal(mirror.segment);
}

Status BigQueryLoader::mirror_journal(uint64_t segment) {
  LEAT_ASSIGN(MirroredBooks books, journal_->books());
  return write_mirror(segment, std::move(books)).status().clone();
}

Result<bool> BigQueryLoader::write_mirror(uint64_t segment, MirroredBooks books) {
  const BigQueryMirror mirror{generation_, segment, std::move(books)};
  bool whole = true;
  LEAT_TRY(write_bigquery_mirror(*client_, table_, [&](size_t room) {
    std::string text = mirror_text(mirror, room);
    whole = !text.ends_with(kNoBooks);
    return text;
  }));
  return whole;
}

std::string BigQueryLoader::step_name(const std::string& generation, uint64_t segment, std::string_view step) const {
  return fmt::format("{}__{}__{}__{:08}__{}", bigquery_id_part(pipeline_), generation, bigquery_id_part(table_.table),
                     segment, step);
}

Result<BisectedSegment> BigQueryLoader::load(const BigQuerySegment& segment) {
  const std::string path = bigquery_segment_path(folder_, segment.number);
  LEAT_ASSIGN(const auto file, os::file_system().open(path, os::Links::refuse));
  if (file == nullptr) return Status::fatal(visible(path) + ": is gone, and its rows are not loaded yet; put it back");
  BigQueryStep step;
  step.name = step_name(generation_, segment.number, "load");
  step.location = table_.location;
  const bool staged = !key_.columns.empty();
  const std::string table = staged ? staged_table(generation_, segment.number) : table_.table;
  step.table = table_.dataset + "." + table;
  step.sha = segment.sha256.substr(0, kShaDigits);
  step.configuration = fmt::format(
      R"("load":{{"destinationTable":{{"projectId":"{}","datasetId":"{}","tableId":"{}"}},"schema":{{{}}},)"
      R"("sourceFormat":"NEWLINE_DELIMITED_JSON","writeDisposition":"WRITE_APPEND",{}}})",
      client_->access().project, table_.dataset, table, staged ? staged_fields(segment.fields) : segment.fields,
      staged ? R"("createDisposition":"CREATE_IF_NEEDED")"
             : R"("createDisposition":"CREATE_NEVER","schemaUpdateOptions":["ALLOW_FIELD_ADDITION"])");
  step.media = file.get();
  step.media_bytes = segment.bytes;
  step.rows = segment.rows;
  Result<BigQueryJob> job = carry_out(*client_, step);
  BisectedSegment done;
  if (job.ok()) {
    done.jobs.push_back({"load", *std::move(job)});
  } else if (is_about_rows(job.status())) {
    LEAT_ASSIGN(done, bisect_segment(*client_, step, job.status(), path,
                                     fmt::format("{}/{:08}{}", folder_, segment.number, kBigQueryHalfName)));
  } else if (job.status().kind() == Kind::bad_data) {  // no row of the batch at hand is meant
    return Status::fatal(fmt::format("{}; the rows are in {}", job.status().message(), visible(path)));
  } else {
    return std::move(job).status();
  }
  if (staged && !done.jobs.empty()) {
    LEAT_ASSIGN(BigQueryDone merged, merge(segment));
    done.jobs.push_back(std::move(merged));
  }
  return done;
}

// What is staged is in the table then.
Result<BigQueryDone> BigQueryLoader::merge(const BigQuerySegment& segment) {
  const std::string staged = full_name(staged_table(generation_, segment.number));
  std::optional<BigQueryBounds> bounds;
  if (!key_.partition.empty()) {
    LEAT_ASSIGN(const BigQueryCells cells, select_from_bigquery(*client_, bounds_query(staged, key_), table_.location));
    const auto first = cells.empty() ? std::nullopt : parse_integer(cells[0].at(0));
    const auto last = cells.empty() ? std::nullopt : parse_integer(cells[0].at(1));
    if (first && last) bounds = {*first, *last};
  }
  BigQueryStep step;
  step.name = step_name(generation_, segment.number, "merge");
  step.location = table_.location;
  step.sha = segment.sha256.substr(0, kShaDigits);
  step.rows = segment.rows;
  step.configuration = query_job(merge_statement(full_name(table_.table), staged, segment.fields, key_, bounds));
  LEAT_ASSIGN(BigQueryJob job, carry_out_without_rows(*client_, step));
  return BigQueryDone{"merge", std::move(job)};
}

Status BigQueryLoader::replace(const std::string& table) {
  LEAT_ASSIGN(const std::optional<BigQueryPartitions> partitions, journal_->pulled_partitions());
  std::vector<std::string> suffixes;
  if (!partitions) suffixes.emplace_back();
  for (const int64_t begins : partitions.value_or(BigQueryPartitions())) {
    suffixes.push_back("$" + partition_id(begins, partitioning_of(table_)));
  }
  std::vector<BigQueryDone> copies;
  for (const std::string& suffix : suffixes) {
    LEAT_ASSIGN(BigQueryDone done, copy_to(table, suffix));
    copies.push_back(std::move(done));
  }
  LEAT_TRY(journal_->end_pull(copies));
  return drop_bigquery_table(*client_, table_.dataset, table_.table);
}

Result<BigQueryDone> BigQueryLoader::copy_to(const std::string& table, const std::string& suffix) {
  const auto reference = [&](const std::string& name) {
    return fmt::format(R"({{"projectId":"{}","datasetId":"{}","tableId":"{}{}"}})", client_->access().project,
                       table_.dataset, name, suffix);
  };
  const std::string name = suffix.empty() ? "copy" : "copy-" + suffix.substr(1);
  BigQueryStep step;
  step.name = fmt::format("{}__{}__{}__{}", bigquery_id_part(pipeline_), generation_, bigquery_id_part(table), name);
  step.location = table_.location;
  step.table = table_.dataset + "." + table + suffix;
  step.sha = "copy";
  step.configuration = fmt::format(
      R"("copy":{{"sourceTable":{},"destinationTable":{},"createDisposition":"CREATE_IF_NEEDED","writeDisposition":"WRITE_TRUNCATE"}})",
      reference(table_.table), reference(table));
  LEAT_ASSIGN(BigQueryJob job, carry_out_without_rows(*client_, step));
  return BigQueryDone{name, std::move(job)};
}

Result<BigQueryPartitions> BigQueryLoader::find_partitions() {
  LEAT_ASSIGN(const BigQueryCells cells,
              select_from_bigquery(*client_, partitions_query(full_name(table_.table), partitioning_of(table_)),
                                   table_.location));
  BigQueryPartitions partitions;
  for (const std::vector<std::string>& row : cells) {
    const auto begins = row.size() == 1 ? parse_integer(row[0]) : std::nullopt;
    if (!begins) return Status::retry("BigQuery: the answer to a query has something else than partitions");
    partitions.push_back(*begins);
  }
  return partitions;
}

Result<BigQueryDone> BigQueryLoader::undo(const BigQueryUndo& undo) {
  BigQueryStep step;
  step.name = step_name(generation_, static_cast<uint64_t>(undo.number), "undo-void");
  step.location = table_.location;
  step.sha = "undo";
  step.configuration = query_job(fmt::format("DELETE FROM `{}` WHERE {}", full_name(table_.table), where(undo)));
  LEAT_ASSIGN(BigQueryJob job, carry_out_without_rows(*client_, step));
  return BigQueryDone{"undo-void", std::move(job)};
}

Result<BigQuerySegmentTallies> BigQueryLoader::measure(const BigQueryUndo& undo, uint64_t mirrored) {
  LEAT_ASSIGN(const BigQueryCells cells,
              select_from_bigquery(*client_,
                                   fmt::format("SELECT _segment, COUNT(*) AS n, SUM(MOD(_offset, {})) AS offsets FROM "
                                               "`{}` WHERE {} GROUP BY _segment",
                                               BigQueryTally::kModulus, full_name(table_.table), where(undo)),
                                   table_.location));
  BigQuerySegmentTallies found;
  for (const std::vector<std::string>& row : cells) {
    if (row.size() != 3) return Status::retry("BigQuery: the answer to a query has other columns than were asked for");
    const auto number = [&](size_t i) { return static_cast<uint64_t>(parse_integer(row[i]).value_or(0)); };
    BigQueryTally& tally = found[std::max(number(0), mirrored)];
    tally.rows += number(1);
    tally.offsets += number(2);
  }
  return found;
}

Status BigQueryLoader::forget(uint64_t segment) {
  if (!key_.columns.empty()) {
    LEAT_TRY(drop_bigquery_table(*client_, table_.dataset, staged_table(generation_, segment)));
  }
  return os::remove_file(bigquery_segment_path(folder_, segment));
}

std::string BigQueryLoader::staged_table(const std::string& generation, uint64_t segment) const {
  return fmt::format("_leat_staged_{}_{}_{:08}", table_.table, generation, segment);
}

std::string BigQueryLoader::full_name(const std::string& table) const {
  return fmt::format("{}.{}.{}", client_->access().project, table_.dataset, table);
}

}  // namespace leat
