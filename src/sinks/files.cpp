#include "sinks/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "db/sql.h"
#include "db/sqlite.h"
#include "os/output_file.h"
#include "os/spool_file.h"
#include "sinks/files_list.h"
#include "sinks/files_path.h"
#include "sinks/sqlite.h"

namespace leat {
namespace {

constexpr size_t kMostOpen = 64;
// Of the books: the number of a file, how many rows of it a row stands for, and the digest of those but the last.
constexpr size_t kFile = 0;
constexpr size_t kRecords = 1;
constexpr size_t kRest = 2;

// What another try may mend: no space, no permission.
Status passing(const Status& status) {
  return status.kind() == Kind::fatal || status.kind() == Kind::bad_config ? Status::retry(status.message())
                                                                           : status.clone();
}

class FilesSink final : public Sink, private SqliteCompanion {
 public:
  FilesSink(FilesOptions options, os::Clock& clock, Note note)
      : options_(std::move(options)),
        clock_(clock),
        root_(files_root(options_.path)),
        format_(*options_.format),
        extension_(std::string(format_.extension) +
                   std::string(format_.extension_shows ? compression_extension(options_.compression) : "")),
        books_schema_(std::make_shared<Schema>(
            Schema{{{"file", Type::integer}, {"records", Type::integer}, {"rest", Type::integer}}})) {
    SqliteOptions books;
    books.path = files_books_path(options_.path);
    books.companion = this;
    books_ = make_sqlite_sink(std::move(books), clock, std::move(note));
  }

  Result<std::string> source_schema(const std::string& pipeline) override { return books_->source_schema(pipeline); }
  Result<std::optional<PipelineRun>> last_run(const std::string& pipeline) override {
    return books_->last_run(pipeline);
  }
  Status keep_run(const std::string& pipeline, const PipelineRun& run) override {
    return books_->keep_run(pipeline, run);
  }
  Result<Positions> open(const SinkPlan& plan) override;
  Result<Written> write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) override;
  Result<bool> retry(int64_t reject, const RecordBatch& batch) override;
  Status commit(const Positions& moved, const Ranges& ranges) override;
  Status when_idle() override;
  void rollback() noexcept override {
    forget();
    books_->rollback();
  }
  Status finish() override;
  void note_trouble(const std::string& message) noexcept override { books_->note_trouble(message); }

 private:
  struct Open {
    ListedFile file;
    std::unique_ptr<DataFile> data;  // null: nothing more is added
    bool is_new = false;             // its folder does not know it for sure yet
    bool dirty = false;              // rows were added since it was sealed
    uint64_t used = 0;               // of use_
  };

  struct Run {
    std::string folder;
    size_t end = 0;
  };
  // The rows of a batch that go into one file.
  struct Booked {
    uint64_t records = 0;
    uint64_t digest = 0;
    size_t last = 0;  // of the batch
    void add(const RecordBatch& batch, size_t first, size_t count);
  };

  Status opened(const SqliteDatabase& db) override;
  [[nodiscard]] bool pending() const override { return !changed_.empty() || columns_changed_; }
  Status commit(const SqliteDatabase& db) override;

  Status check_columns(const Schema& stored) const;
  Result<Open*> open_for(const std::string& folder, bool provisional);
  Status make_room();
  Status close_file(Open& open);
  [[nodiscard]] bool is_full(const Open& open) const;
  Result<std::vector<Run>> runs_of(const RecordBatch& batch, size_t first, size_t end) const;
  Status add(Open& open, const RecordBatch& batch, size_t first, size_t count);
  Status seal(Open& open);
  Status put_on_disk(bool all);
  Result<bool> is_gone(const SqliteDatabase& db, int64_t provisional) const;
  [[nodiscard]] RecordBatch book_rows(const RecordBatch& batch, const std::map<int64_t, Booked>& booked) const;
  void forget() noexcept {
    open_.clear();
    by_folder_.clear();
    changed_.clear();
    ended_.clear();
    removed_.clear();
    provisional_.clear();
  }

  const FilesOptions options_;
  os::Clock& clock_;
  const std::string root_;
  const FileFormat& format_;
  const std::string extension_;
  const SchemaPtr books_schema_;
  std::unique_ptr<FileMaker> maker_;  // before the files
  std::unique_ptr<Sink> books_;
  SinkPlan plan_;
  std::optional<FilesPath> places_;
  FilesOfTable known_;  // as of open()
  Schema columns_;      // of all files together
  bool columns_changed_ = false;
  int64_t next_file_ = 1;
  std::map<int64_t, Open> open_;              // by number
  std::map<std::string, int64_t> by_folder_;  // the one that takes a folder's rows
  std::set<int64_t> changed_;                 // of open_: for the next commit
  std::vector<ListedFile> ended_;             // complete as of the next commit
  std::vector<ListedFile> removed_;           // likewise gone
  std::map<int64_t, ListedFile> provisional_;
  uint64_t use_ = 0;
};

Status FilesSink::check_columns(const Schema& stored) const {
  for (const Field& field : plan_.schema->fields) {
    const std::optional<size_t> before = stored.find(field.name);
    if (!before || stored.fields[*before].type == field.type) continue;
    return Status::bad_config(
        fmt::format("{}: column {} of table {} is of type {} in the files that are there, now it would be {}; "
                    "cast it, or name another table",
                    visible(root_), quoted(field.name), quoted(plan_.table), name_of(stored.fields[*before].type),
                    name_of(field.type)));
  }
  return {};
}

Result<Positions> FilesSink::open(const SinkPlan& plan) {
  rollback();
  if (plan.mode != WriteMode::append) return Status::bug("a sink of type 'files' can only append");
  LEAT_TRY(check_files_plan(plan));
  plan_ = plan;
  LEAT_ASSIGN(places_, FilesPath::make(options_.path, options_.time, plan.table, *plan.schema));
  const std::string folder = files_books_path(options_.path);
  LEAT_TRY(os::make_directory(folder.substr(0, folder.rfind('/'))));
  SinkPlan books = plan;
  books.schema = books_schema_;
  books.indexes.clear();
  LEAT_ASSIGN(Positions positions, books_->open(books));
  LEAT_TRY(settle_files(root_, plan.table, known_.files));
  maker_ = format_.make({.compression = options_.compression,
                         .memory_bytes = options_.memory_bytes,
                         .spill = folder.substr(0, folder.rfind('/') + 1) + folder_name_of(plan.table) + ".tmp"});
  for (ListedFile& file : known_.files) {
    if (file.provisional) provisional_[file.number] = file;
    if (file.closed) continue;
    Open& open = open_[file.number];
    open.file = file;
    const size_t slash = file.path.rfind('/');
    const std::string place = slash == std::string::npos ? "" : file.path.substr(0, slash);
    // With other columns, or called otherwise, it is complete.
    if (!format_.grows || columns_changed_ || !file.path.ends_with(extension_) || by_folder_.count(place) > 0) {
      LEAT_TRY(os::SpoolFile::open(root_ + "/" + file.path + std::string(kPart), file.bytes).status().clone());
      open.file.closed = true;
      changed_.insert(file.number);
      continue;
    }
    LEAT_ASSIGN(open.data, maker_->open(root_ + "/" + file.path + std::string(kPart), plan_.schema, file.bytes));
    if (hex(open.data->hash()) != file.hash) {
      return Status::fatal(fmt::format("{}: was changed by somebody else; see `leat verify`",
                                       visible(root_ + "/" + file.path + std::string(kPart))));
    }
    by_folder_[place] = file.number;
  }
  return positions;
}

Status FilesSink::opened(const SqliteDatabase& db) {
  LEAT_TRY(make_files_tables(db));
  LEAT_ASSIGN(known_, read_files(db, plan_.pipeline));
  next_file_ = known_.next_file;
  columns_ = known_.columns;
  LEAT_TRY(check_columns(columns_));
  columns_changed_ = false;
  for (const Field& field : plan_.schema->fields) {
    if (columns_.find(field.name)) continue;
    columns_.fields.push_back(field);
    columns_changed_ = true;
  }
  return {};
}

// The file that takes the rows of a folder; a provisional row has its own.
Result<FilesSink::Open*> FilesSink::open_for(const std::string& folder, bool provisional) {
  if (!provisional) {
    if (const auto at = by_folder_.find(folder); at != by_folder_.end()) {
      Open& open = open_[at->second];
      if (!is_full(open)) return &open;
      LEAT_TRY(close_file(open));
    }
  }
  LEAT_TRY(make_room());
  const std::string path = (folder.empty() ? "" : folder + "/") +
                           fmt::format("{}-{:08}{}", folder_name_of(plan_.table), next_file_, extension_);
  LEAT_TRY(os::make_directory(folder.empty() ? root_ : root_ + "/" + folder));
  LEAT_ASSIGN(auto data, maker_->open(root_ + "/" + path + std::string(kPart), plan_.schema, 0));
  Open& open = open_[next_file_];
  open.file.number = next_file_++;
  open.file.path = path;
  open.file.provisional = provisional;
  open.file.born_at_ms = clock_.now_micros() / 1000;
  open.data = std::move(data);
  open.is_new = true;
  if (provisional) {
    provisional_[open.file.number] = open.file;
  } else {
    by_folder_[folder] = open.file.number;
  }
  return &open;
}

bool FilesSink::is_full(const Open& open) const {
  return open.file.rows >= options_.max_rows || open.data->bytes() >= options_.max_bytes ||
         clock_.now_micros() / 1000 - open.file.born_at_ms >= static_cast<int64_t>(options_.max_age_ms);
}

Status FilesSink::make_room() {
  while (by_folder_.size() >= kMostOpen) {
    const auto oldest = std::min_element(by_folder_.begin(), by_folder_.end(), [&](const auto& a, const auto& b) {
      return open_[a.second].used < open_[b.second].used;
    });
    LEAT_TRY(close_file(open_[oldest->second]));
  }
  return {};
}

// Nothing more is added to it; it is complete with the next commit.
Status FilesSink::close_file(Open& open) {
  LEAT_TRY(seal(open));
  open.data.reset();
  open.file.closed = true;
  changed_.insert(open.file.number);
  const size_t slash = open.file.path.rfind('/');
  const auto at = by_folder_.find(slash == std::string::npos ? "" : open.file.path.substr(0, slash));
  if (at != by_folder_.end() && at->second == open.file.number) by_folder_.erase(at);
  return {};
}

Status FilesSink::seal(Open& open) {
  if (!open.dirty) return {};
  LEAT_TRY(open.data->seal());
  open.file.bytes = open.data->bytes();
  open.file.hash = hex(open.data->hash());
  open.dirty = false;
  if (!open.is_new) return {};
  // Its folder, and those above it that may be new as well.
  std::string folder = root_ + "/" + open.file.path;
  while (folder.size() > root_.size()) {
    folder.resize(folder.rfind('/'));
    LEAT_TRY(os::sync_directory(folder));
  }
  open.is_new = false;
  return {};
}

void FilesSink::Booked::add(const RecordBatch& batch, size_t first, size_t count) {
  records += count;
  last = first + count - 1;
  for (size_t row = first; row <= last; ++row) digest += mix64(batch.origin_of(row).offset);
}

RecordBatch FilesSink::book_rows(const RecordBatch& batch, const std::map<int64_t, Booked>& booked) const {
  RecordBatch rows(books_schema_);
  rows.part = batch.part;
  rows.origin = batch.origin;
  rows.provisional = batch.provisional;
  for (const auto& [file, of] : booked) {
    RowOrigin origin = batch.origin_of(of.last);
    origin.raw = 0;
    const size_t row = rows.add_row(origin);
    rows.set_integer(kFile, row, file);
    rows.set(kRecords, row, of.records);
    rows.set(kRest, row, of.digest - mix64(origin.offset));
  }
  return rows;
}

// Rows that follow each other and belong into one folder, each with the row behind them.
Result<std::vector<FilesSink::Run>> FilesSink::runs_of(const RecordBatch& batch, size_t first, size_t end) const {
  std::vector<Run> runs;
  std::string folder;
  for (size_t row = first; row < end; ++row) {
    if (runs.empty() || !places_->same_for_all()) LEAT_TRY(places_->folder(batch, row, folder));
    if (runs.empty() || batch.provisional || folder != runs.back().folder) runs.push_back({folder, row});
    runs.back().end = row + 1;
  }
  return runs;
}

Result<Written> FilesSink::write(const RecordBatch& batch, size_t first, size_t count, const Rejects& rejects) {
  // What is refused is found before anything is written.
  LEAT_ASSIGN(const std::vector<Run> runs, runs_of(batch, first, first + count));
  std::map<int64_t, Booked> booked;  // by file
  size_t row = first;
  for (const Run& run : runs) {
    while (row < run.end) {
      Result<Open*> found = open_for(run.folder, batch.provisional);
      if (!found.ok()) return passing(found.status());
      Open& open = **found;
      const size_t some = std::min<uint64_t>(run.end - row, options_.max_rows - open.file.rows);
      if (Status added = add(open, batch, row, some); !added.ok()) return passing(added);
      booked[open.file.number].add(batch, row, some);
      row += some;
    }
  }
  const Result<Written> kept = books_->write(book_rows(batch, booked), 0, booked.size(), rejects);
  if (kept.status().kind() == Kind::bad_data) return Status::fatal(kept.status().message());
  LEAT_TRY(kept.status().clone());
  Written written{.inserted = count};
  for (const auto& [file, of] : booked) written.digest += of.digest;
  return written;
}

Status FilesSink::add(Open& open, const RecordBatch& batch, size_t first, size_t count) {
  open.used = ++use_;
  open.dirty = true;
  open.file.rows += count;
  changed_.insert(open.file.number);
  return open.data->add(batch, first, count);
}

Result<bool> FilesSink::retry(int64_t reject, const RecordBatch& batch) {
  std::string folder;
  if (batch.rows() == 0) return books_->retry(reject, book_rows(batch, {}));
  if (!places_->folder(batch, 0, folder).ok()) return false;
  LEAT_ASSIGN(Open * open, open_for(folder, false));
  std::map<int64_t, Booked> booked;
  booked[open->file.number].add(batch, 0, 1);
  LEAT_ASSIGN(const bool taken, books_->retry(reject, book_rows(batch, booked)));
  if (!taken) return false;
  LEAT_TRY(add(*open, batch, 0, 1));
  return true;
}

// Everything that was written is on disk; files that are full are complete, or all of them.
Status FilesSink::put_on_disk(bool all) {
  for (auto& [number, open] : open_) {
    if (open.data == nullptr || (!open.dirty && !all && !is_full(open))) continue;
    LEAT_TRY(seal(open));
    if (open.file.rows == 0) continue;  // made for a row that was not taken
    if (all || open.file.provisional || !format_.grows || is_full(open)) LEAT_TRY(close_file(open));
  }
  return {};
}

Status FilesSink::commit(const Positions& moved, const Ranges& ranges) {
  for (const Range& range : ranges) {
    if (!range.void_from || *range.void_from == range.start) continue;
    return Status::fatal(
        fmt::format("part {}: records that were written already have changed and come again, and rows cannot be "
                    "taken out of files; name another folder, or a sink that is a database",
                    quoted(range.part)));
  }
  if (Status status = put_on_disk(false); !status.ok()) return passing(status);
  LEAT_TRY(books_->commit(moved, ranges));
  for (const int64_t number : changed_) {
    const auto at = open_.find(number);
    if (at != open_.end() && at->second.file.closed) open_.erase(at);
  }
  changed_.clear();
  columns_changed_ = false;
  // From here on another open() would do the same.
  for (const ListedFile& file : ended_) {
    if (Status status = complete_file(root_, file.path); !status.ok()) return passing(status);
  }
  for (const ListedFile& file : removed_) {
    if (Status status = os::remove_file(root_ + "/" + file.path); !status.ok()) return passing(status);
  }
  ended_.clear();
  removed_.clear();
  return {};
}

Result<bool> FilesSink::is_gone(const SqliteDatabase& db, int64_t provisional) const {
  LEAT_ASSIGN(const int64_t rows,
              db.query_integer(
                  fmt::format("SELECT count(*) FROM _leat_provisional AS p, {} AS t WHERE t._row = p.first_row AND "
                              "t._part = p.part AND t.file = {}",
                              sql_name(plan_.table), provisional)));
  return rows == 0;
}

Status FilesSink::commit(const SqliteDatabase& db) {
  std::vector<int64_t> gone;
  for (const auto& [number, file] : provisional_) {
    LEAT_ASSIGN(const bool is_undone, is_gone(db, number));
    if (is_undone) gone.push_back(number);
  }
  for (const int64_t number : changed_) {
    const ListedFile& file = open_.at(number).file;
    LEAT_TRY(keep_file(db, plan_.pipeline, file));
    if (file.closed) ended_.push_back(file);
  }
  for (const int64_t number : gone) {
    LEAT_TRY(forget_file(db, plan_.pipeline, number));
    removed_.push_back(provisional_.at(number));
    provisional_.erase(number);
  }
  return keep_file_table(db, plan_.pipeline, columns_, next_file_);
}

// A file that is old enough is completed, also when nothing comes to it any more.
Status FilesSink::when_idle() {
  const bool due = std::any_of(open_.begin(), open_.end(),
                               [&](const auto& each) { return each.second.data != nullptr && is_full(each.second); });
  return due ? commit(Positions(), Ranges()) : Status();
}

Status FilesSink::finish() {
  if (Status status = put_on_disk(true); !status.ok()) return passing(status);
  LEAT_TRY(commit(Positions(), Ranges()));
  forget();
  return books_->finish();
}

}  // namespace

Status check_files_plan(const SinkPlan& plan) {
  if (plan.aggregates.empty()) return {};
  return Status::bad_config(fmt::format(
      "pipeline {}: a sink of type 'files' keeps no aggregates; count in a database, or with type = \"null\"",
      quoted(plan.pipeline)));
}

std::string files_books_path(const std::string& path) {
  return fmt::format("{}/{}/books.db", files_root(path), kBooksFolder);
}

std::unique_ptr<Sink> make_files_sink(FilesOptions options, os::Clock& clock, Note note) {
  return std::make_unique<FilesSink>(std::move(options), clock, std::move(note));
}

}  // namespace leat
