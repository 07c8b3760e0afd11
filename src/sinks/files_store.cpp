#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "db/sql.h"
#include "db/sqlite.h"
#include "os/file_system.h"
#include "sinks/files.h"
#include "sinks/files_list.h"
#include "sinks/files_path.h"
#include "sinks/sqlite.h"
#include "sinks/sqlite_verify.h"

namespace leat {
namespace {

// What the books say, and what the files are.
class FilesStore final : public Store {
 public:
  FilesStore(std::string root, std::unique_ptr<Store> books, std::unique_ptr<SqliteDatabase> db)
      : root_(std::move(root)), books_(std::move(books)), db_(std::move(db)) {}

  Result<std::vector<PipelineState>> pipelines() override { return books_->pipelines(); }
  Result<Schema> schema(const std::string& pipeline) override {
    LEAT_ASSIGN(FilesOfTable files, read_files(*db_, pipeline));
    return std::move(files.columns);
  }
  Result<std::vector<AggregateSpec>> aggregates(const std::string& pipeline) override {
    return books_->aggregates(pipeline);
  }
  Result<StoredRows> aggregate_rows(const AggregateQuery& query) override { return books_->aggregate_rows(query); }
  Status rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) override {
    return books_->rejects(query, take);
  }
  Result<std::vector<StoredTable>> tables() override { return std::vector<StoredTable>(); }
  Result<int64_t> last_row(const std::string& table) override { return books_->last_row(table); }
  Result<ScanPiece> scan(const ScanQuery&, const std::optional<ScanKey>&, const TakeRow&) override {
    return Status::bad_config(visible(root_) + ": files are read by other tools; name a sink that is a database");
  }
  void answer_within(uint64_t ms) override { books_->answer_within(ms); }
  Result<VerifyReport> verify(const StoreProgress& progress) override;
  Result<std::vector<Rebuilt>> rebuild(const RebuildRequest& request, const StoreProgress& progress) override {
    return books_->rebuild(request, progress);
  }
  Result<Undone> rewind(const RewindRequest& request) override {
    return Status::bad_config(
        fmt::format("{}: pipeline {}: rows cannot be taken out of files; remove the folder to begin again, or "
                    "name a sink that is a database",
                    visible(root_), quoted(request.pipeline)));
  }

 private:
  Status check_files(const std::string& pipeline, const std::string& table, VerifyReport& report);
  Status check_file(const ListedFile& file, VerifyReport& report) const;

  std::string root_;
  std::unique_ptr<Store> books_;
  std::unique_ptr<SqliteDatabase> db_;
};

Status FilesStore::check_file(const ListedFile& file, VerifyReport& report) const {
  const std::string final_path = root_ + "/" + file.path;
  const auto problem = [&](const std::string& what) {
    report.problems.push_back(fmt::format("file {}: {}", quoted(final_path), what));
    return Status();
  };
  // A complete one that a crash has kept from its final name is there as a part.
  std::unique_ptr<os::File> found;
  for (const std::string& path : {final_path, final_path + std::string(kPart)}) {
    if (found != nullptr) break;
    LEAT_ASSIGN(found, os::file_system().open(path, os::Links::refuse));
  }
  if (found == nullptr) {
    report.lost += file.rows;
    return problem(fmt::format("is gone, with {} rows", with_commas(file.rows)));
  }
  LEAT_ASSIGN(const os::FileInfo info, found->info());
  if (info.size < file.bytes || (file.closed && info.size != file.bytes)) {
    return problem(fmt::format("has {} bytes, {} were written", with_commas(info.size), with_commas(file.bytes)));
  }
  Hasher128 hasher;
  std::string block(256 * 1024, '\0');
  for (uint64_t at = 0; at < file.bytes;) {
    LEAT_ASSIGN(const size_t size, found->read_at(at, block.data(), std::min<uint64_t>(block.size(), file.bytes - at)));
    if (size == 0) return problem("became shorter while it was read");
    hasher.add(std::string_view(block).substr(0, size));
    at += size;
  }
  if (hex(hasher.hash()) != file.hash) return problem("was changed: its bytes have another hash than those written");
  return {};
}

Status FilesStore::check_files(const std::string& pipeline, const std::string& table, VerifyReport& report) {
  LEAT_ASSIGN(const FilesOfTable files, read_files(*db_, pipeline));
  LEAT_ASSIGN(SqliteStatement booked,
              db_->prepare(fmt::format("SELECT file, sum(coalesce(records, 1)) FROM {} GROUP BY file ORDER BY file",
                                       sql_name(table))));
  auto file = files.files.begin();
  for (;;) {
    LEAT_ASSIGN(const bool row, booked.step());
    const int64_t number = row ? booked.integer(0) : INT64_MAX;
    for (; file != files.files.end() && file->number < number; ++file) {
      report.problems.push_back(fmt::format("file {}: has {} rows, but the books have none of them",
                                            quoted(root_ + "/" + file->path), with_commas(file->rows)));
    }
    if (!row) break;
    if (file == files.files.end() || file->number != number) {
      report.problems.push_back(fmt::format("table {}: {} rows are of file {}, which is not in '_leat_files'",
                                            quoted(table), with_commas(booked.number(1)), number));
      continue;
    }
    if (file->rows != booked.number(1)) {
      report.problems.push_back(fmt::format("file {}: has {} rows, the books have {}", quoted(root_ + "/" + file->path),
                                            with_commas(file->rows), with_commas(booked.number(1))));
    }
    ++file;
  }
  for (const ListedFile& each : files.files) LEAT_TRY(check_file(each, report));
  return {};
}

Result<VerifyReport> FilesStore::verify(const StoreProgress& progress) {
  LEAT_ASSIGN(const std::vector<PipelineState> states, books_->pipelines());
  LEAT_TRY(db_->execute("BEGIN"));
  LEAT_ASSIGN(VerifyReport report, verify_sqlite_runs(*db_, progress));
  for (const PipelineState& state : states) LEAT_TRY(check_files(state.pipeline, state.table, report));
  LEAT_TRY(db_->execute("COMMIT"));
  return report;
}

}  // namespace

Result<std::unique_ptr<Store>> open_files_store(const std::string& path) {
  const std::string books = files_books_path(path);
  LEAT_ASSIGN(auto store, open_sqlite_store(books));
  SqliteOpen options;
  options.path = books;
  options.read_only = true;
  LEAT_ASSIGN(auto db, SqliteDatabase::open(options));
  return std::unique_ptr<Store>(std::make_unique<FilesStore>(files_root(path), std::move(store), std::move(db)));
}

}  // namespace leat
