#include "sinks/verify_books.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "base/text.h"
#include "db/sql.h"
#include "sinks/part_books.h"

namespace leat {
namespace {

constexpr uint64_t kProgressRows = 16 * 1024;
constexpr size_t kUnknownParts = 1000;  // how many are told apart
constexpr size_t kProblems = 1000;      // how many are listed

// What a table holds of a part.
struct Found {
  uint64_t count = 0;
  uint64_t digest = 0;
  uint64_t beyond = 0;  // behind the position and the provisional record
  // `offset`: the last of `rows`; `rest`: the digest of the others.
  void add(uint64_t offset, uint64_t end, uint64_t rows = 1, uint64_t rest = 0) {
    count += rows;
    digest += mix64(offset) + rest;
    if (offset >= end) ++beyond;
  }
};

struct PartCheck {
  std::string pipeline;
  std::string name;
  std::string origin;
  bool has_position = false;
  uint64_t position = 0;
  uint64_t tiled = 0;  // to where the ranges reach
  uint64_t end = 0;    // of the position and the provisional record
  Counts committed;
  int64_t taken_rows = 0;  // over by later records
  uint64_t taken_digest = 0;
  Found rows;
  Found rejects;
};

struct PipelineCheck {
  std::string name;
  std::string table;
  WriteMode mode = WriteMode::append;
  int64_t sequence = 0;
  int64_t next_row = 0;
};

class Verifier {
 public:
  Verifier(const BookReader& books, const StoreProgress& progress) : books_(books), progress_(progress) {}

  Result<VerifyReport> run() {
    LEAT_TRY(load_pipelines());
    LEAT_TRY(load_parts());
    LEAT_TRY(load_positions());
    LEAT_TRY(load_ranges());
    LEAT_TRY(load_provisional());
    LEAT_TRY(load_taken());
    check_tiles();
    LEAT_TRY(read_rejects());
    if (books_.has_rows()) {
      for (const PipelineCheck& pipeline : pipelines_) LEAT_TRY(read_rows(pipeline));
    }
    for (auto& [id, part] : parts_) LEAT_TRY(compare(id, part));
    for (const PipelineCheck& pipeline : pipelines_) LEAT_TRY(check_keys(pipeline));
    for (const PipelineCheck& pipeline : pipelines_) LEAT_TRY(recount(pipeline));
    if (more_ > 0) report_.problems.push_back(fmt::format("and {} more", more_));
    return std::move(report_);
  }

 private:
  Status load_pipelines();
  Status load_parts();
  Status load_positions();
  Status load_ranges();
  Status load_provisional();
  Status load_taken();
  void check_tiles();
  Status read_rejects();
  Status read_rows(const PipelineCheck& pipeline);
  Status compare(int64_t id, const PartCheck& part);
  Status count_offsets(int64_t id, const PartCheck& part, const std::string& table);
  Status check_keys(const PipelineCheck& pipeline);
  Status recount(const PipelineCheck& pipeline);

  void problem(std::string text) {
    if (report_.problems.size() < kProblems) {
      report_.problems.push_back(std::move(text));
    } else {
      ++more_;
    }
  }
  PartCheck* part(int64_t id) {
    const auto at = parts_.find(id);
    return at == parts_.end() ? nullptr : &at->second;
  }
  // Of a pull that is not complete nothing is counted yet; all of it is proven.
  void count(const PartCheck* check, const Counts& counts) {
    if (check != nullptr && is_next_pipeline(check->pipeline)) return;
    report_.records += counts.records();
    report_.filtered += counts.filtered;
    report_.updated += counts.updated;
    report_.ignored += counts.ignored;
  }
  // Those that the part must have in the table.
  static uint64_t rows_of(const PartCheck& part) {
    return part.committed.inserted + part.committed.updated - static_cast<uint64_t>(part.taken_rows);
  }
  static std::string shown(int64_t id, const PartCheck& part) {
    return fmt::format("part {} {} ({})", id, quoted(part.name), visible(part.origin));
  }
  [[nodiscard]] std::string table_of(const std::string& pipeline) const {
    for (const PipelineCheck& check : pipelines_) {
      if (check.name == pipeline) return check.table;
    }
    return "";
  }
  void advance(uint64_t rows) {
    if (progress_) progress_(done_ + rows, std::max(total_, done_ + rows));
  }

  const BookReader& books_;
  const StoreProgress& progress_;
  VerifyReport report_;
  uint64_t more_ = 0;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
  std::vector<PipelineCheck> pipelines_;
  std::map<int64_t, PartCheck> parts_;
};

Status Verifier::load_pipelines() {
  LEAT_ASSIGN(const auto select,
              books_.rows("SELECT pipeline, table_name, sequence, next_row FROM _leat_pipelines ORDER BY pipeline"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select->step());
    if (!row) return {};
    LEAT_ASSIGN(const WriteMode mode, books_.write_mode(select->string(0)));
    pipelines_.push_back({select->string(0), select->string(1), mode, select->integer(2), select->integer(3)});
    if (mode != WriteMode::replace) continue;
    const PipelineCheck own = pipelines_.back();
    LEAT_ASSIGN(const bool pulling, books_.has_table(next_table(own.table)));
    if (pulling) {
      pipelines_.push_back({next_pipeline(own.name), next_table(own.table), mode, own.sequence, own.next_row});
    }
  }
}

Status Verifier::load_parts() {
  LEAT_ASSIGN(const auto select, books_.rows("SELECT part, pipeline, name, origin FROM _leat_parts"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select->step());
    if (!row) return {};
    PartCheck& check = parts_[select->integer(0)];
    check.pipeline = select->string(1);
    check.name = select->string(2);
    check.origin = select->string(3);
    if (table_of(check.pipeline).empty()) {
      problem(fmt::format("table '_leat_parts', {}: its pipeline {} is not in '_leat_pipelines'",
                          shown(select->integer(0), check), quoted(check.pipeline)));
    }
  }
}

Status Verifier::load_positions() {
  LEAT_ASSIGN(const auto select, books_.rows("SELECT part, \"offset\", sequence FROM _leat_positions"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select->step());
    if (!row) break;
    const int64_t id = select->integer(0);
    PartCheck* check = part(id);
    if (check == nullptr) {
      problem(fmt::format("table '_leat_positions': part {} is not in '_leat_parts'", id));
      continue;
    }
    check->has_position = true;
    check->position = select->number(1);
    check->end = check->position;
    for (const PipelineCheck& pipeline : pipelines_) {
      if (pipeline.name != check->pipeline || select->integer(2) <= pipeline.sequence) continue;
      problem(fmt::format("table '_leat_positions', {}: moved by commit {}, but pipeline {} has made {}",
                          shown(id, *check), select->integer(2), quoted(pipeline.name), pipeline.sequence));
    }
  }
  for (const auto& [id, check] : parts_) {
    if (!check.has_position) problem(fmt::format("table '_leat_positions': {} has no position", shown(id, check)));
  }
  return {};
}

Status Verifier::load_ranges() {
  LEAT_ASSIGN(const auto select,
              books_.rows("SELECT part, start, \"end\", inserted, updated, ignored, filtered, rejected, digest, gap "
                          "FROM _leat_ranges ORDER BY part, start"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select->step());
    if (!row) break;
    const int64_t id = select->integer(0);
    const uint64_t start = select->number(1);
    const uint64_t end = select->number(2);
    const Counts counts = {.inserted = select->number(3),
                           .updated = select->number(4),
                           .ignored = select->number(5),
                           .filtered = select->number(6),
                           .rejected = select->number(7),
                           .digest = select->number(8)};
    PartCheck* check = part(id);
    count(check, counts);
    if (check == nullptr) {
      problem(fmt::format("table '_leat_ranges': part {} of range {} to {} is not in '_leat_parts'", id, start, end));
      continue;
    }
    const auto say = [&](const std::string& what) {
      problem(fmt::format("table '_leat_ranges', {}: {}", shown(id, *check), what));
    };
    if (end <= start) say(fmt::format("range {} to {} is empty", start, end));
    if (start > check->tiled) say(fmt::format("no range covers {} to {}", check->tiled, start));
    if (start < check->tiled) say(fmt::format("two ranges cover {} to {}", start, std::min(end, check->tiled)));
    if (select->integer(9) != 0) {
      report_.gap_bytes += end - start;
      if (counts != Counts()) say(fmt::format("the gap {} to {} has records", start, end));
    }
    check->tiled = std::max(check->tiled, end);
    check->committed.add(counts);
  }
  return {};
}

void Verifier::check_tiles() {
  for (const auto& [id, check] : parts_) {
    if (!check.has_position || check.tiled == check.position) continue;
    problem(fmt::format("table '_leat_ranges', {}: the ranges end at {}, the position is {}", shown(id, check),
                        check.tiled, check.position));
  }
}

Status Verifier::load_provisional() {
  LEAT_ASSIGN(const auto select,
              books_.rows("SELECT part, start, \"end\", inserted, rejected, digest, updated FROM _leat_provisional"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select->step());
    if (!row) return {};
    const Counts counts = {.inserted = select->number(3),
                           .updated = select->number(6),
                           .rejected = select->number(4),
                           .digest = select->number(5)};
    PartCheck* check = part(select->integer(0));
    count(check, counts);
    if (check == nullptr) {
      problem(fmt::format("table '_leat_provisional': part {} is not in '_leat_parts'", select->integer(0)));
      continue;
    }
    if (select->number(1) < check->position || select->number(2) <= select->number(1)) {
      problem(fmt::format("table '_leat_provisional', {}: its record {} to {} is not behind the position {}",
                          shown(select->integer(0), *check), select->number(1), select->number(2), check->position));
    }
    check->end = std::max(check->end, select->number(2));
    check->committed.add(counts);
  }
}

Status Verifier::load_taken() {
  LEAT_ASSIGN(const auto select, books_.rows("SELECT part, rows, digest FROM _leat_taken"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select->step());
    if (!row) return {};
    PartCheck* check = part(select->integer(0));
    if (check == nullptr) {
      problem(fmt::format("table '_leat_taken': part {} is not in '_leat_parts'", select->integer(0)));
      continue;
    }
    check->taken_rows = select->integer(1);
    check->taken_digest = select->number(2);
  }
}

Status Verifier::read_rejects() {
  LEAT_ASSIGN(const auto select, books_.rows("SELECT part, pipeline, byte_offset, reject FROM _leat_rejects"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select->step());
    if (!row) return {};
    if (!is_next_pipeline(select->text(1))) ++report_.rejects;
    PartCheck* check = part(select->integer(0));
    if (check == nullptr || check->pipeline != select->text(1)) {
      problem(fmt::format("table '_leat_rejects': reject {} is of part {}, which is not one of pipeline {}",
                          select->integer(3), select->integer(0), quoted(select->text(1))));
      continue;
    }
    check->rejects.add(select->number(2), check->end);
  }
}

Status Verifier::read_rows(const PipelineCheck& pipeline) {
  LEAT_ASSIGN(const bool there, books_.has_table(pipeline.table));
  if (!there) {
    problem(fmt::format("table {} of pipeline {} is gone", quoted(pipeline.table), quoted(pipeline.name)));
    return {};
  }
  const bool merge = pipeline.mode == WriteMode::merge;
  uint64_t expected = 0;  // each row was inserted once, by whichever part
  for (const auto& [id, check] : parts_) {
    if (check.pipeline == pipeline.name) expected += check.committed.inserted;
  }
  LEAT_ASSIGN(const uint64_t vanished, books_.vanished(pipeline.name));
  expected -= vanished;
  LEAT_ASSIGN(const auto aggregates,
              books_.rows("SELECT 1 FROM _leat_aggregates WHERE pipeline = " + sql_text(pipeline.name)));
  LEAT_ASSIGN(const bool counted, aggregates->step());
  total_ = done_ + expected * (counted ? 2 : 1);

  LEAT_ASSIGN(const auto select,
              books_.rows(fmt::format("SELECT _part, _offset, _row, {}, {} FROM {} ORDER BY _row",
                                      merge ? "_revision" : "0", books_.run_of_row(), sql_name(pipeline.table))));
  std::map<int64_t, uint64_t> unknown;
  int64_t last_revision = 0;
  PartCheck* check = nullptr;
  int64_t id = 0;
  int64_t last_row = 0;
  uint64_t rows = 0;
  for (uint64_t step = 0;; ++step) {
    LEAT_ASSIGN(const bool row, select->step());
    if (!row) break;
    if (step % kProgressRows == 0) advance(rows);
    const uint64_t run = select->number(4);
    rows += run;
    if (check == nullptr || id != select->integer(0)) {
      id = select->integer(0);
      check = part(id);
      if (check != nullptr && check->pipeline != pipeline.name) check = nullptr;
    }
    last_row = select->integer(2);
    last_revision = std::max(last_revision, select->integer(3));
    if (check != nullptr) {
      check->rows.add(select->number(1), check->end, run, select->number(5));
    } else if (unknown.contains(id) || unknown.size() < kUnknownParts) {
      unknown[id] += run;
    }
  }
  done_ += rows;
  if (!is_next_pipeline(pipeline.name)) report_.rows += rows;
  for (const auto& [number, count] : unknown) {
    problem(fmt::format("table {}: {} rows are of part {}, which is not one of pipeline {}", quoted(pipeline.table),
                        count, number, quoted(pipeline.name)));
  }
  if (last_row >= pipeline.next_row) {
    problem(fmt::format("table {}: there is a row with _row {}, but pipeline {} has given out none from {} on",
                        quoted(pipeline.table), last_row, quoted(pipeline.name), pipeline.next_row));
  }
  if (last_revision >= pipeline.next_row) {
    problem(fmt::format("table {}: there is a row with _revision {}, but pipeline {} has given out none from {} on",
                        quoted(pipeline.table), last_revision, quoted(pipeline.name), pipeline.next_row));
  }
  if (merge && rows != expected) {
    problem(fmt::format("table {}: {} rows, {} were inserted by all parts together and not deleted after a full pull",
                        quoted(pipeline.table), rows, expected));
  }
  return {};
}

Status Verifier::compare(int64_t id, const PartCheck& check) {
  const std::string table = table_of(check.pipeline);
  if (table.empty()) return {};
  const auto say = [&](std::string_view where, const std::string& what) {
    problem(fmt::format("table {}, {}: {}", quoted(where), shown(id, check), what));
  };
  const Counts& committed = check.committed;
  const uint64_t rows = rows_of(check);
  const uint64_t digest = check.rows.digest + check.rejects.digest + check.taken_digest;
  const bool same = check.rows.count == rows && check.rejects.count == committed.rejected && digest == committed.digest;
  if (books_.has_rows() && check.rows.count != rows) {
    say(table, fmt::format("{} rows, {} were committed", check.rows.count, rows));
  }
  if (check.rejects.count != committed.rejected) {
    say("_leat_rejects", fmt::format("{} rejects, {} were committed", check.rejects.count, committed.rejected));
  }
  if (check.rows.beyond > 0) {
    say(table, fmt::format("{} rows are from behind its position {}", check.rows.beyond, check.position));
  }
  if (check.rejects.beyond > 0) {
    say("_leat_rejects",
        fmt::format("{} rejects are from behind its position {}", check.rejects.beyond, check.position));
  }
  if (!books_.has_rows()) {
    report_.lost += committed.rejected - std::min(check.rejects.count, committed.rejected);
    report_.doubled += check.rejects.count - std::min(check.rejects.count, committed.rejected);
    return {};
  }
  return same ? Status() : count_offsets(id, check, table);
}

// Which of the offsets are there twice, and how many are missing.
Status Verifier::count_offsets(int64_t id, const PartCheck& check, const std::string& table) {
  LEAT_ASSIGN(const bool there, books_.has_table(table));
  LEAT_ASSIGN(const uint64_t distinct, books_.different_offsets(there ? table : "", id));
  const uint64_t expected = rows_of(check) + check.committed.rejected;
  const uint64_t doubled = check.rows.count + check.rejects.count - distinct;
  uint64_t lost = expected > distinct ? expected - distinct : 0;
  const bool moved = lost == 0 && doubled == 0 && distinct == expected;
  if (moved) lost = 1;
  report_.lost += lost;
  report_.doubled += doubled;
  problem(fmt::format("table {}, {}: {}{} lost, {} doubled{}", quoted(table), shown(id, check),
                      moved ? "at least " : "", lost, doubled,
                      moved || distinct > expected ? ": there are offsets that were never committed" : ""));
  return {};
}

Status Verifier::check_keys(const PipelineCheck& pipeline) {
  if (pipeline.mode != WriteMode::ignore && pipeline.mode != WriteMode::merge) return {};
  LEAT_ASSIGN(const bool there, books_.has_table(pipeline.table));
  if (!there) return {};
  std::vector<std::string> problems;
  LEAT_TRY(books_.check_keys(pipeline.table, pipeline.mode, problems));
  for (std::string& text : problems) problem(std::move(text));
  return {};
}

Status Verifier::recount(const PipelineCheck& pipeline) {
  LEAT_ASSIGN(const bool there, books_.has_table(pipeline.table));
  if (!there) return {};
  uint64_t rows = 0;
  const auto progress = [&](uint64_t read) {
    rows = read;
    advance(read);
  };
  std::vector<std::string> problems;
  Status outcome = books_.recount(pipeline.name, pipeline.table, pipeline.mode, progress, problems);
  done_ += rows;
  report_.aggregate_problems += problems.size();
  for (std::string& text : problems) problem(std::move(text));
  // Tables that are not as they should be are what verify is there to find.
  if (outcome.kind() == Kind::fatal || outcome.kind() == Kind::bad_config) {
    problem(
        fmt::format("the aggregates of pipeline {} cannot be recounted: {}", quoted(pipeline.name), outcome.message()));
    return {};
  }
  return outcome;
}

}  // namespace

Result<VerifyReport> verify_books(const BookReader& books, const StoreProgress& progress) {
  return Verifier(books, progress).run();
}

}  // namespace leat
