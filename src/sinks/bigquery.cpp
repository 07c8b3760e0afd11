#include "sinks/bigquery.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <stop_token>

#include "base/gzip_pieces.h"
#include "base/hash.h"
#include "base/sha256.h"
#include "base/text.h"
#include "os/file_system.h"
#include "os/output_file.h"
#include "os/spool_file.h"
#include "sinks/bigquery_connect.h"
#include "sinks/bigquery_journal.h"
#include "sinks/bigquery_loader.h"
#include "sinks/bigquery_loads.h"
#include "sinks/bigquery_merge.h"
#include "sinks/bigquery_rows.h"
#include "sinks/bigquery_table.h"
#include "sinks/keyed_rows.h"

namespace leat {
namespace {

constexpr size_t kHashedAtOnce = 1024 * 1024;

// The lines of a whole batch, as they stood to be written into this segment.
struct PreparedRows final : Prepared {
  uint64_t segment = 0;
  Status trouble;     // bad_data
  std::string lines;  // for the CRC
  std::string piece;  // of the segment's gzip member
};

Result<std::string> sha256_of(os::File& file, uint64_t size) {
  Sha256 sha;
  std::string piece;
  for (uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min<uint64_t>(kHashedAtOnce, size - at));
    LEAT_ASSIGN(const size_t read, file.read_at(at, piece.data(), piece.size()));
    if (read != piece.size()) return Status::fatal("a segment became shorter while it was read");
    sha.add(piece);
  }
  return sha.hex();
}

class BigQuerySink final : public Sink {
 public:
  BigQuerySink(BigQueryOptions options, Environment environment, os::Clock& clock, Note note)
      : options_(std::move(options)), environment_(std::move(environment)), clock_(clock), note_(std::move(note)) {}
  ~BigQuerySink() override { let_go(); }

  Result<std::string> source_schema(const std::string& pipeline) override {
    return BigQueryJournal::source_schema(journal_path(pipeline), pipeline);
  }
  Result<std::optional<PipelineRun>> last_run(const std::string& pipeline) override {
    return BigQueryJournal::last_run(journal_path(pipeline), pipeline);
  }
  Status keep_run(const std::string& pipeline, const PipelineRun& run) override {
    return BigQueryJournal::keep_run(journal_path(pipeline), pipeline, run);
  }
  Result<Positions> open(const SinkPlan& plan) override;
  void prepare(RecordBatch& batch) const override;
  Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) override;
  Result<bool> retry(int64_t reject, const RecordBatch& batch) override;
  Status commit(const Positions& moved, const Ranges& ranges) override;
  Status when_idle() override;
  void rollback() noexcept override { close(); }
  Status finish() override;
  void note_trouble(const std::string& message) noexcept override;

 private:
  void make_loader(const BigQueryKey& key);
  Status begin_pull();
  Status make_tables();
  [[nodiscard]] bool replaces_partitions() const {
    return plan_.mode == WriteMode::replace && options_.replaces_partitions;
  }
  Status go_on_with_segments();
  Status end_rewind();
  Status remove_orphans(const std::vector<BigQuerySegment>& segments);
  Status begin_segment();
  // Rows are in a segment that is not sealed.
  [[nodiscard]] bool is_open() const { return file_ != nullptr && segment_.rows > 0; }
  [[nodiscard]] bool is_due() const;
  Status load();
  Status seal();
  Status append_needed(PreparedRows& made, const RecordBatch& batch, size_t first, size_t count,
                       Rejects& rejects) const;
  Status add(const std::string& part, const PreparedRows& prepared, const BigQueryTally& tally);
  [[nodiscard]] std::string journal_path(const std::string& pipeline) const {
    return bigquery_journal_path(options_, pipeline);
  }
  [[nodiscard]] std::string segment_path(uint64_t segment) const { return bigquery_segment_path(folder_, segment); }
  void close() noexcept;
  void let_go() noexcept;

  BigQueryOptions options_;
  Environment environment_;
  os::Clock& clock_;
  Note note_;

  SinkPlan plan_;
  std::string folder_;
  bool pulling_ = false;        // replace: a pull is under way, open() goes on with it
  std::vector<size_t> key_;     // columns; empty: the table has none
  std::vector<size_t> needed_;  // columns in which every row has a value
  std::unique_ptr<BigQueryRows> rows_;
  BigQueryTable table_;
  BigQueryConnection connection_;
  std::unique_ptr<BigQueryJournal> journal_;
  std::unique_ptr<BigQueryLoader> loader_;
  std::unique_ptr<BigQueryLoads> loads_;
  std::optional<std::stop_callback<std::function<void()>>> stop_with_run_;
  std::unique_ptr<os::SpoolFile> file_;  // of segment_; null: there is none
  BigQuerySegment segment_;
  std::atomic<uint64_t> writing_segment_ = 1;  // for prepare(): its number, or that of the next one
  BigQueryTallies written_;                    // since the last commit
  uint64_t rows_in_commit_ = 0;
  uint64_t last_commit_ms_ = 0;
  bool has_said_full_ = false;
  bool is_retry_ = false;            // of rejects, behind which no finish() comes: the next commit loads them
  std::set<std::string> held_back_;  // parts whose last record has no end yet
};

Result<Positions> BigQuerySink::open(const SinkPlan& plan) {
  close();
  plan_ = plan;
  if (plan.new_run) pulling_ = false;
  held_back_.clear();
  LEAT_TRY(check_bigquery_plan(plan));
  LEAT_ASSIGN(const BigQueryKey key, find_bigquery_key(plan, options_.partition_by));
  key_.clear();
  for (const std::string& column : plan.key) key_.push_back(*plan.schema->find(column));
  needed_ = key_;
  if (replaces_partitions()) {
    const std::optional<size_t> column = plan.schema->find(options_.partition_by);
    if (!column) {
      return Status::bad_config(fmt::format("pipeline {}: there is no column {}, by which its table is partitioned",
                                            quoted(plan.pipeline), quoted(options_.partition_by)));
    }
    needed_.push_back(*column);
  }
  LEAT_ASSIGN(rows_, BigQueryRows::make(*plan.schema));
  table_ = {.dataset = options_.dataset,
            .table = plan.table,
            .location = options_.location,
            .fields = rows_->fields_json(),
            .partition_by = options_.partition_by,
            .partition = options_.partition,
            .cluster_by = options_.cluster_by};
  folder_ = bigquery_folder(options_, plan.pipeline);
  std::stop_source stop;
  stop_with_run_.emplace(plan.stop, [stop]() mutable { stop.request_stop(); });
  LEAT_ASSIGN(connection_, connect_bigquery(options_, environment_, clock_, stop.get_token()));
  LEAT_TRY(os::make_directory(folder_));
  LEAT_ASSIGN(journal_, BigQueryJournal::open(journal_path(plan.pipeline), plan, clock_));
  const bool replaces = plan.mode == WriteMode::replace;
  if (replaces) LEAT_TRY(begin_pull());
  LEAT_TRY(make_tables());
  make_loader(key);
  LEAT_TRY(loader_->open());
  loads_ = std::make_unique<BigQueryLoads>(plan.pipeline, *loader_, *journal_, clock_, note_, std::move(stop));
  LEAT_TRY(go_on_with_segments());
  LEAT_TRY(end_rewind());
  LEAT_TRY(loads_->go_on(is_open()));
  pulling_ = replaces;
  last_commit_ms_ = clock_.steady_ms();
  return journal_->positions();
}

void BigQuerySink::make_loader(const BigQueryKey& key) {
  loader_ = std::make_unique<BigQueryLoader>(*connection_.client, *journal_, plan_.pipeline, table_, key,
                                             plan_.mode != WriteMode::replace, folder_, note_);
}

// Rows go into a table of the pull's own.
Status BigQuerySink::begin_pull() {
  const auto next = [&] { return fmt::format("_leat_next_{}_{}", plan_.table, journal_->generation()); };
  table_.table = next();
  LEAT_ASSIGN(const bool complete, journal_->is_pull_complete());
  if (complete) {  // a crash came before it was known to be in place
    LEAT_ASSIGN(table_.location, find_bigquery_location(*connection_.client, table_.dataset));
    make_loader({});
    LEAT_TRY(loader_->replace(plan_.table));
  }
  if (pulling_ && !complete) return {};
  LEAT_TRY(drop_bigquery_table(*connection_.client, table_.dataset, table_.table));
  LEAT_TRY(journal_->begin_pull());
  table_.table = next();
  return {};
}

// Partitions go from one table to another that has the same columns.
Status BigQuerySink::make_tables() {
  if (!replaces_partitions()) {
    return make_bigquery_table(*connection_.client, table_, !key_.empty());
  }
  BigQueryTable whole = table_;
  whole.table = plan_.table;
  LEAT_TRY(make_bigquery_table(*connection_.client, whole, true));
  BigQueryTable next = table_;
  LEAT_ASSIGN(next.fields, read_partitioned_fields(*connection_.client, whole));
  LEAT_TRY(make_bigquery_table(*connection_.client, next, true));
  table_.location = next.location;
  return {};
}

// Recovery: what is sealed is loaded, what is open goes on where it was committed.
Status BigQuerySink::go_on_with_segments() {
  LEAT_ASSIGN(const std::vector<BigQuerySegment> segments, journal_->segments());
  LEAT_TRY(remove_orphans(segments));
  for (const BigQuerySegment& segment : segments) {
    if (segment.sealed) {
      loads_->add(segment, std::nullopt);
      continue;
    }
    segment_ = segment;
    LEAT_ASSIGN(file_, os::SpoolFile::open(segment_path(segment.number), segment.bytes));
    writing_segment_ = segment.number;
    if (segment.fields != table_.fields) LEAT_TRY(seal());
  }
  if (file_ == nullptr) {
    LEAT_ASSIGN(writing_segment_, journal_->next_segment());
  }
  return {};
}

// The rows of parts that were rewound go before their records come again.
Status BigQuerySink::end_rewind() {
  LEAT_ASSIGN(const bool rewinding, journal_->is_rewinding());
  if (!rewinding) return {};
  if (is_open()) LEAT_TRY(seal());
  return loads_->wait_for_all(false);
}

// Files of segments that are loaded, or of which nothing was committed.
Status BigQuerySink::remove_orphans(const std::vector<BigQuerySegment>& segments) {
  LEAT_ASSIGN(const std::vector<std::string> names, os::file_system().list(folder_));
  for (const std::string& name : names) {
    if (name.ends_with(kBigQueryHalfName)) LEAT_TRY(os::remove_file(folder_ + "/" + name));
    const auto number = static_cast<uint64_t>(parse_integer(name.substr(0, name.find('.'))).value_or(0));
    if (folder_ + "/" + name != segment_path(number)) continue;
    const bool known = std::any_of(segments.begin(), segments.end(),
                                   [&](const BigQuerySegment& segment) { return segment.number == number; });
    if (!known) LEAT_TRY(loader_->forget(number));
  }
  return {};
}

Status BigQuerySink::begin_segment() {
  if (file_ != nullptr) return {};
  segment_ = {};
  segment_.number = writing_segment_;
  segment_.fields = table_.fields;
  segment_.begun_micros = clock_.now_micros();
  LEAT_ASSIGN(file_, os::SpoolFile::open(segment_path(segment_.number), 0));
  LEAT_TRY(file_->append(gzip_head()));
  segment_.bytes = file_->size();
  return {};
}

void BigQuerySink::prepare(RecordBatch& batch) const {
  if (!needed_.empty()) return;  // rejects are found when it is written, and lines may have numbers
  auto prepared = std::make_shared<PreparedRows>();
  prepared->segment = writing_segment_;
  prepared->trouble = rows_->append(prepared->lines, batch, 0, batch.rows(), prepared->segment);
  append_gzip_piece(prepared->piece, prepared->lines);
  batch.prepared = std::move(prepared);
}

Result<Written> BigQuerySink::write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) {
  if (journal_ == nullptr) return Status::bug("a sink of type bigquery is written to while it is not open");
  if (batch.schema_ptr() != plan_.schema && batch.schema() != *plan_.schema) {
    return Status::bug("a batch has other columns than the pipeline was opened with");
  }
  Written written;
  if (batch.provisional) {  // it comes again when it has its end
    held_back_.insert(batch.part);
    return written;
  }
  held_back_.erase(batch.part);
  const auto* prepared = dynamic_cast<const PreparedRows*>(batch.prepared.get());
  PreparedRows made;
  Rejects all = rejects;
  BigQueryTally tally;
  if (!needed_.empty()) {
    LEAT_TRY(append_needed(made, batch, first, count, all));
    prepared = &made;
  } else if (prepared == nullptr || prepared->segment != writing_segment_ || first != 0 || count != batch.rows()) {
    LEAT_TRY(rows_->append(made.lines, batch, first, count, writing_segment_));
    prepared = &made;
  }
  if (!prepared->trouble.ok()) return prepared->trouble.clone();
  if (prepared == &made) append_gzip_piece(made.piece, made.lines);
  for (size_t row = first; row < first + count; ++row) {
    const uint64_t offset = batch.origin_of(row).offset;
    written.digest += mix64(offset);
    if (!missing_key(batch, needed_, row)) tally.add(offset);
  }
  written.inserted = tally.rows;
  written.rejected = count - tally.rows;
  LEAT_TRY(journal_->begin());
  LEAT_TRY(journal_->add_rejects(all));
  if (tally.rows > 0) LEAT_TRY(add(batch.part, *prepared, tally));
  return written;
}

// Rows without a value where one is needed are rejects; those that are staged are numbered.
Status BigQuerySink::append_needed(PreparedRows& made, const RecordBatch& batch, size_t first, size_t count,
                                   Rejects& rejects) const {
  uint64_t line = file_ == nullptr ? 1 : segment_.rows + 1;
  for (size_t row = first, from = first;; ++row) {
    const bool end = row == first + count;
    const std::optional<size_t> missing = end ? std::nullopt : missing_key(batch, needed_, row);
    if (!end && !missing) continue;
    LEAT_TRY(rows_->append(made.lines, batch, from, row - from, writing_segment_, key_.empty() ? 0 : line));
    if (end) return {};
    rejects.push_back(key_.empty() ? reject_without_key(batch, *missing, row, "the table is partitioned by the column")
                                   : reject_without_key(batch, *missing, row));
    line += row - from;
    from = row + 1;
  }
}

// Lines to the end of the open segment.
Status BigQuerySink::add(const std::string& part, const PreparedRows& prepared, const BigQueryTally& tally) {
  LEAT_TRY(begin_segment());
  LEAT_TRY(file_->append(prepared.piece));
  segment_.bytes = file_->size();
  segment_.rows += tally.rows;
  segment_.plain_bytes += prepared.lines.size();
  segment_.crc = gzip_crc(segment_.crc, prepared.lines);
  rows_in_commit_ += tally.rows;
  BigQueryTally& written = written_[part];
  written.rows += tally.rows;
  written.offsets += tally.offsets;
  return {};
}

Result<bool> BigQuerySink::retry(int64_t reject, const RecordBatch& batch) {
  if (journal_ == nullptr) return Status::bug("a sink of type bigquery is written to while it is not open");
  PreparedRows made;
  Rejects without_key;
  const Status appended = needed_.empty() ? rows_->append(made.lines, batch, 0, batch.rows(), writing_segment_)
                                          : append_needed(made, batch, 0, batch.rows(), without_key);
  if (!appended.ok() || !without_key.empty()) return false;
  append_gzip_piece(made.piece, made.lines);
  LEAT_ASSIGN(const auto taken, journal_->take_reject(reject, batch.rows() == 0));
  if (!taken) return false;
  if (batch.rows() > 0) {
    BigQueryTally tally;
    tally.add(batch.origin_of(0).offset);
    LEAT_TRY(add(batch.part, made, tally));
  }
  is_retry_ = true;
  return true;
}

Status BigQuerySink::commit(const Positions& moved, const Ranges& ranges) {
  if (journal_ == nullptr) return Status::bug("a sink of type bigquery is committed while it is not open");
  Ranges whole = ranges;
  std::erase_if(whole, [](const Range& range) { return range.provisional; });
  if (file_ != nullptr) LEAT_TRY(file_->sync());
  const uint64_t elapsed_ms = std::max<uint64_t>(clock_.steady_ms() - last_commit_ms_, 1);
  const double rate = static_cast<double>(rows_in_commit_) * 1000 / static_cast<double>(elapsed_ms);
  LEAT_TRY(journal_->commit(moved, whole, file_ == nullptr ? nullptr : &segment_, written_, rate));
  written_.clear();
  rows_in_commit_ = 0;
  last_commit_ms_ = clock_.steady_ms();
  if (file_ != nullptr && (is_retry_ || is_due())) LEAT_TRY(seal());
  return load();
}

// What is committed stays so when a stop ends the wait.
Status BigQuerySink::load() {
  const uint64_t open_bytes = file_ == nullptr ? 0 : segment_.bytes;
  const uint64_t room = options_.max_spool - std::min(options_.max_spool, open_bytes);
  if (loads_->waiting_bytes() > room && !has_said_full_) {
    has_said_full_ = true;
    note_(NoteLevel::info,
          fmt::format("{}: {} wait to be loaded, and max_spool is {}: reading goes on when BigQuery has taken some",
                      visible(folder_), human_bytes(loads_->waiting_bytes()), human_bytes(options_.max_spool)));
  }
  Status status = is_retry_ ? loads_->wait_for_all(is_open()) : loads_->wait_until(room, is_open());
  if (!loads_->trouble().ok()) note_trouble(loads_->trouble().message());
  return status.kind() == Kind::stopped ? Status() : std::move(status);
}

// While others wait, rows come together in fewer segments: BigQuery counts the jobs.
bool BigQuerySink::is_due() const {
  const auto age_ms = static_cast<uint64_t>(std::max<int64_t>(0, clock_.now_micros() - segment_.begun_micros)) / 1000;
  return segment_.bytes >= std::min(options_.segment_bytes, options_.max_spool / 2) ||
         (age_ms >= options_.every_ms && loads_->waiting_bytes() == 0);
}

Status BigQuerySink::when_idle() {
  if (is_open() && is_due()) LEAT_TRY(seal());
  return load();
}

// Nothing is written that is not committed. The segment's bytes are what they are from now on.
Status BigQuerySink::seal() {
  LEAT_TRY(file_->append(gzip_tail(segment_.crc, segment_.plain_bytes)));
  LEAT_TRY(file_->sync());
  {
    LEAT_ASSIGN(const auto file, os::file_system().open(file_->path(), os::Links::refuse));
    if (file == nullptr) return Status::fatal(visible(file_->path()) + ": is gone; put it back");
    LEAT_ASSIGN(segment_.sha256, sha256_of(*file, file_->size()));
  }
  segment_.bytes = file_->size();
  segment_.sealed = true;
  LEAT_TRY(journal_->seal(segment_));
  file_.reset();
  ++writing_segment_;
  LEAT_ASSIGN(MirroredBooks books, journal_->books());
  loads_->add(segment_, std::move(books));
  return {};
}

Status BigQuerySink::finish() {
  if (journal_ == nullptr) return Status::bug("a sink of type bigquery is finished while it is not open");
  if (is_open()) LEAT_TRY(seal());
  LEAT_TRY(loads_->wait_for_all(false));
  for (const std::string& part : held_back_) {
    note_(NoteLevel::warning,
          fmt::format("part {}: its last record has no line end and is not loaded before it has one", quoted(part)));
  }
  if (plan_.mode == WriteMode::replace) {
    std::optional<BigQueryPartitions> partitions;
    if (replaces_partitions()) {
      LEAT_ASSIGN(partitions, loader_->find_partitions());
    }
    LEAT_TRY(journal_->complete_pull(partitions));
    LEAT_TRY(loader_->replace(plan_.table));
    pulling_ = false;
  }
  LEAT_TRY(journal_->release());
  close();
  return {};
}

void BigQuerySink::close() noexcept {
  file_.reset();
  loads_.reset();
  loader_.reset();
  journal_.reset();
  connection_ = {};
  written_.clear();
  rows_in_commit_ = 0;
  is_retry_ = false;
}

void BigQuerySink::let_go() noexcept {
  // At worst the next start finds a writer that is not alive.
  if (journal_ != nullptr) {
    const Status ignored = journal_->release();
  }
  close();
}

void BigQuerySink::note_trouble(const std::string& message) noexcept {
  if (plan_.pipeline.empty()) return;
  const Status ignored = BigQueryJournal::note_trouble(journal_path(plan_.pipeline), plan_.pipeline, message, clock_);
}

}  // namespace

Status check_bigquery_plan(const SinkPlan& plan) {
  if (plan.reconcile) {
    return Status::bad_config(
        fmt::format("pipeline {}: a sink of type 'bigquery' cannot take out what a full pull no longer has; leave out "
                    "'reconcile'",
                    quoted(plan.pipeline)));
  }
  if (plan.aggregates.empty()) return {};
  return Status::bad_config(
      fmt::format("aggregate {}: a sink of type 'bigquery' has no row transactions to keep it in; make it a view in "
                  "BigQuery",
                  quoted(plan.aggregates.front().name)));
}

std::unique_ptr<Sink> make_bigquery_sink(BigQueryOptions options, Environment environment, os::Clock& clock,
                                         Note note) {
  return std::make_unique<BigQuerySink>(std::move(options), std::move(environment), clock, std::move(note));
}

}  // namespace leat
