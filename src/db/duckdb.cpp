#include "db/duckdb.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <optional>

#include "base/text.h"
#include "db/database_path.h"
#include "db/duckdb_library.h"
#include "db/sql.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "os/output_file.h"
#include "os/private_file.h"

namespace leat {
namespace {

// DuckDB writes its log into the file when it is this long; a crash is followed by reading it.
constexpr const char* kLogBytes = "16MB";
constexpr std::string_view kInLeat = ": another leat has it open";

std::string_view text_or_none(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

bool contains(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

// The first line of what DuckDB says, without the kind of the error before it.
std::string first_line(std::string_view message) {
  message = message.substr(0, message.find('\n'));
  const size_t colon = message.find("Error: ");
  if (colon != std::string_view::npos) message.remove_prefix(colon + 7);
  return visible(message);
}

Status cannot_open(const std::string& where, std::string_view message) {
  if (contains(message, "onflicting lock is held") || contains(message, "Could not set lock")) {
    const size_t pid = message.find("(PID ");
    const std::string_view who =
        pid == std::string_view::npos ? "" : message.substr(pid + 5, message.find(')', pid) - pid - 5);
    // DuckDB names the program: "held in /usr/bin/leat (PID 12)".
    if (contains(message, "/leat (PID ")) {
      return Status::fatal(
          fmt::format("{}{} (pid {}); a DuckDB file is open in one process at a time: stop that one first", where,
                      kInLeat, visible(who)));
    }
    return Status::retry(
        fmt::format("{}: another process has it open{}; a DuckDB file is open in one process at a time: end that one",
                    where, who.empty() ? "" : fmt::format(" (process {})", visible(who))));
  }
  // It would open a SQLite database with an extension.
  if (contains(message, "not a valid DuckDB database") || contains(message, "sqlite_scanner")) {
    return Status::bad_config(fmt::format("{}: is not a DuckDB database; name another file", where));
  }
  if (contains(message, "newer version") || contains(message, "version number")) {
    return Status::bad_config(fmt::format("{}: was made by another version of DuckDB ({}); this leat has {}", where,
                                          first_line(message), duckdb().library_version()));
  }
  if (contains(message, "No space left")) {
    return Status::retry(fmt::format("{}: the disk is full; free space, leat goes on by itself", where));
  }
  return Status::bad_config(fmt::format(
      "{}: cannot be opened as a database ({}); look at the path, at its folder and at their permissions, or "
      "name another file",
      where, first_line(message)));
}

Status set(duckdb_config config, const char* name, const std::string& value) {
  if (duckdb().set_config(config, name, value.c_str()) == DuckDBSuccess) return {};
  return Status::bug(fmt::format("DuckDB does not have the setting {} = {}", name, value));
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// What a file that leat makes needs to be read: DuckDB 1.2, and what its header says then.
constexpr const char* kStorage = "v1.2.0";
constexpr unsigned char kStorageNumber = 65;
constexpr size_t kStorageAt = 12;  // of the header, behind a checksum and "DUCK"; one byte of eight is enough

// As the header says, which never changes. Not while this process has the file open: that would let go of its lock.
Result<bool> has_storage_of_1_2(const std::string& path) {
  LEAT_ASSIGN(const auto file, os::file_system().open(path, os::Links::follow));
  unsigned char number = 0;
  if (file == nullptr) return false;
  LEAT_ASSIGN(const size_t read, file->read_at(kStorageAt, reinterpret_cast<char*>(&number), 1));
  return read == 1 && number >= kStorageNumber;
}

// DuckDB makes a new file piece by piece; one that it had no time to complete could never be opened again. So it is
// made under another name first, which no other process uses, and takes no file's place.
Status make_whole(const std::string& path) {
  LEAT_ASSIGN(const bool there, check_database_path(path, false));
  if (there) return {};
  const std::string made = fmt::format("{}.{}.new", path, ::getpid());
  LEAT_ASSIGN(const auto left, os::file_system().info(made, os::Links::follow));
  if (left) LEAT_TRY(os::remove_file(made));
  duckdb_database database = nullptr;
  duckdb_config config = nullptr;
  duckdb().create_config(&config);
  char* message = nullptr;
  Status outcome = set(config, "storage_compatibility_version", kStorage);
  if (outcome.ok() && duckdb().open_ext(made.c_str(), &database, config, &message) != DuckDBSuccess) {
    outcome = cannot_open(visible(path), text_or_none(message));
    duckdb().free(message);
  }
  duckdb().destroy_config(&config);
  duckdb().close(&database);
  LEAT_TRY(std::move(outcome));
  LEAT_TRY(os::sync_file(made));
  LEAT_TRY(os::rename_new_file(made, path).status().clone());
  return os::sync_directory(folder_of(path));
}

}  // namespace

// The file itself: one for all connections of this process, as DuckDB wants it.
struct DuckDb::Instance {
  Instance() = default;
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() { duckdb().close(&database); }
  // DuckDB syncs what is in its log, but not the folder that the log is in; it makes a new one after each checkpoint.
  Status sync_log();

  std::string path;  // empty: in memory
  bool read_only = false;
  bool has_zstd = false;
  duckdb_database database = nullptr;
  std::mutex log_mutex;
  std::optional<os::FileInfo> synced_log;
};

Status DuckDb::Instance::sync_log() {
  if (path.empty()) return {};
  const std::lock_guard lock(log_mutex);
  LEAT_ASSIGN(const std::optional<os::FileInfo> log, os::file_system().info(path + ".wal", os::Links::follow));
  if (!log || (synced_log && log->is_same_file(*synced_log))) return {};
  LEAT_TRY(os::sync_directory(folder_of(path)));
  synced_log = log;
  return {};
}

namespace {

std::mutex& instances_mutex() {
  static std::mutex mutex;
  return mutex;
}

template <class Instance>
std::map<std::string, std::weak_ptr<Instance>>& instances_by_path() {
  static std::map<std::string, std::weak_ptr<Instance>> instances;
  return instances;
}

Status configure(duckdb_config config, const DuckDbOpen& options) {
  LEAT_TRY(set(config, "access_mode", options.read_only ? "READ_ONLY" : "READ_WRITE"));
  LEAT_TRY(set(config, "max_memory", fmt::format("{}B", options.memory_bytes)));
  LEAT_TRY(set(config, "threads", std::to_string(options.threads)));
  LEAT_TRY(set(config, "checkpoint_threshold", kLogBytes));
  // Nothing is fetched from anywhere, and nothing is run that somebody has put into the home folder.
  LEAT_TRY(set(config, "autoinstall_known_extensions", "false"));
  return set(config, "autoload_known_extensions", "false");
}

}  // namespace

bool DuckDb::is_open_here(const std::string& path) {
  const std::lock_guard lock(instances_mutex());
  const auto& instances = instances_by_path<Instance>();
  const auto found = instances.find(path);
  return found != instances.end() && !found->second.expired();
}

bool DuckDb::is_open_in_leat(const Status& status) {
  return contains(status.message(), kInLeat);
}

Result<std::unique_ptr<DuckDb>> DuckDb::open(const DuckDbOpen& options) {
  LEAT_TRY(load_duckdb());
  auto& instances = instances_by_path<Instance>();
  std::unique_ptr<DuckDb> db(new DuckDb);
  db->stop_ = options.stop;
  db->where_ = options.path.empty() ? "DuckDB" : visible(options.path);
  const std::lock_guard lock(instances_mutex());
  db->instance_ = options.path.empty() ? nullptr : instances[options.path].lock();
  if (db->instance_ != nullptr && db->instance_->read_only && !options.read_only) {
    return Status::retry(db->where_ + ": is being read by this process; leat goes on by itself");
  }
  if (db->instance_ == nullptr) {
    auto instance = std::make_shared<Instance>();
    instance->path = options.path;
    instance->read_only = options.read_only;
    duckdb_config config = nullptr;
    duckdb().create_config(&config);
    Status outcome = configure(config, options);
    if (outcome.ok()) {
      // The file, its log and what does not fit into memory are nobody else's business; DuckDB has no option for it.
      if (!options.read_only) os::make_files_private();
      if (!options.read_only && !options.path.empty()) outcome = make_whole(options.path);
      if (outcome.ok() && !options.path.empty()) {
        Result<bool> has_zstd = has_storage_of_1_2(options.path);
        instance->has_zstd = has_zstd.ok() && *has_zstd;
      }
      char* message = nullptr;
      if (!outcome.ok()) {
        // said
      } else if (duckdb().open_ext(options.path.empty() ? nullptr : options.path.c_str(), &instance->database, config,
                                   &message) != DuckDBSuccess) {
        outcome = cannot_open(db->where_, message == nullptr ? "" : message);
        duckdb().free(message);
      }
    }
    duckdb().destroy_config(&config);
    LEAT_TRY(std::move(outcome));
    db->instance_ = instance;
    if (!options.path.empty()) instances[options.path] = instance;
  }
  if (duckdb().connect(db->instance_->database, &db->connection_) != DuckDBSuccess) {
    return Status::retry(db->where_ + ": no connection to it can be made; leat goes on by itself");
  }
  LEAT_ASSIGN(DuckDbRows name, db->query("SELECT current_database()"));
  LEAT_TRY(name.step().status().clone());
  db->space_ = sql_name(name.text(0)) + ".main";
  return db;
}

bool DuckDb::has_zstd() const {
  return instance_->has_zstd;
}

Result<std::unique_ptr<DuckDb>> DuckDb::connect_again() const {
  std::unique_ptr<DuckDb> db(new DuckDb);
  db->instance_ = instance_;
  db->where_ = where_;
  db->space_ = space_;
  if (duckdb().connect(instance_->database, &db->connection_) != DuckDBSuccess) {
    return Status::retry(where_ + ": no connection to it can be made; leat goes on by itself");
  }
  return db;
}

DuckDb::~DuckDb() {
  duckdb().disconnect(&connection_);
  // While the file is being closed nobody opens it.
  const std::lock_guard lock(instances_mutex());
  instance_.reset();
}

Status DuckDb::failure(duckdb_error_type type, std::string_view message) const {
  const std::string what = first_line(message);
  switch (type) {
    case DUCKDB_ERROR_CONSTRAINT:
      return Status::bad_data(
          fmt::format("{}: the database refuses the row ({}); look at the constraints and unique indexes that were "
                      "added to the table",
                      where_, what));
    case DUCKDB_ERROR_INTERRUPT:
      return Status::retry(fmt::format("{}: did not answer in time; leat asks again", where_));
    case DUCKDB_ERROR_OUT_OF_MEMORY:
      return Status::retry(
          fmt::format("{}: its memory is not enough ({}); give the sink a larger memory", where_, what));
    case DUCKDB_ERROR_IO:
      if (contains(message, "No space left")) {
        return Status::retry(fmt::format("{}: the disk is full; free space, leat goes on by itself", where_));
      }
      return Status::retry(
          fmt::format("{}: reading or writing it failed ({}); look at the disk and at the system's log, leat goes on "
                      "by itself when "
                      "it works again",
                      where_, what));
    case DUCKDB_ERROR_TRANSACTION:
    case DUCKDB_ERROR_FATAL:
    case DUCKDB_ERROR_INTERNAL:
      return Status::retry(fmt::format("{}: its transaction failed ({}); leat opens it again", where_, what));
    case DUCKDB_ERROR_SERIALIZATION:
      return Status::fatal(
          fmt::format("{}: the database is damaged ({}); keep a copy, and let leat make a new one under another name",
                      where_, what));
    default:
      return Status::fatal(fmt::format(
          "{}: its tables are not as leat made them ({}); undo what was changed, or name another file", where_, what));
  }
}

Status DuckDb::execute(const std::string& sql) const {
  duckdb_result result{};
  Status outcome;
  if (duckdb().query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
    const char* message = duckdb().result_error(&result);
    outcome = failure(duckdb().result_error_type(&result), message == nullptr ? "" : message);
  }
  duckdb().destroy_result(&result);
  return outcome;
}

Status DuckDb::commit() const {
  LEAT_TRY(execute("COMMIT"));
  return instance_->sync_log();
}

Status DuckDb::execute_in_time(duckdb_prepared_statement statement, duckdb_result* result) const {
  if (limit_ms_ == 0 && !stop_.stop_possible()) {
    if (duckdb().execute_prepared(statement, result) == DuckDBSuccess) return {};
    const char* message = duckdb().result_error(result);
    return failure(duckdb().result_error_type(result), message == nullptr ? "" : message);
  }
  const uint64_t until = limit_ms_ == 0 ? UINT64_MAX : os::clock().steady_ms() + limit_ms_;
  duckdb_pending_result pending = nullptr;
  Status outcome;
  duckdb_pending_state state = DUCKDB_PENDING_ERROR;
  if (duckdb().pending_prepared(statement, &pending) == DuckDBSuccess) {
    do {
      state = duckdb().pending_execute_task(pending);
    } while (!duckdb().pending_execution_is_finished(state) && os::clock().steady_ms() < until &&
             !stop_.stop_requested());
  }
  if (state != DUCKDB_PENDING_ERROR && !duckdb().pending_execution_is_finished(state)) {
    outcome = failure(DUCKDB_ERROR_INTERRUPT, "");
  } else if (state == DUCKDB_PENDING_ERROR) {
    const char* message = duckdb().pending_error(pending);
    outcome = failure(DUCKDB_ERROR_INVALID, message == nullptr ? "" : message);
  } else if (duckdb().execute_pending(pending, result) != DuckDBSuccess) {
    const char* message = duckdb().result_error(result);
    outcome = failure(duckdb().result_error_type(result), message == nullptr ? "" : message);
  }
  duckdb().destroy_pending(&pending);
  return outcome;
}

Result<DuckDbRows> DuckDb::run(const std::string& sql, std::span<const DuckDbValue> values) const {
  duckdb_prepared_statement statement = nullptr;
  DuckDbRows rows;
  Status outcome;
  if (duckdb().prepare(connection_, sql.c_str(), &statement) != DuckDBSuccess) {
    const char* message = duckdb().prepare_error(statement);
    outcome = failure(DUCKDB_ERROR_PARSER, message == nullptr ? "" : message);
  }
  idx_t at = 0;
  for (const DuckDbValue& value : values) {
    if (!outcome.ok()) break;
    ++at;
    duckdb_state bound = DuckDBSuccess;
    if (std::holds_alternative<std::nullptr_t>(value)) {
      bound = duckdb().bind_null(statement, at);
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      bound = duckdb().bind_int64(statement, at, *integer);
    } else if (const auto* number = std::get_if<uint64_t>(&value)) {
      bound = duckdb().bind_int64(statement, at, static_cast<int64_t>(*number));
    } else if (const auto* real = std::get_if<double>(&value)) {
      bound = duckdb().bind_double(statement, at, *real);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      bound = duckdb().bind_varchar_length(statement, at, text->data(), text->size());
    } else if (const auto* bytes = std::get_if<DuckDbBytes>(&value)) {
      bound = duckdb().bind_blob(statement, at, bytes->bytes.data(), bytes->bytes.size());
    } else if (const auto* time = std::get_if<DuckDbTime>(&value)) {
      bound = duckdb().bind_timestamp(statement, at, {time->micros});
    }
    if (bound != DuckDBSuccess) outcome = Status::bug(fmt::format("{}: parameter {} of a statement", where_, at));
  }
  if (outcome.ok()) outcome = execute_in_time(statement, &rows.result_);
  duckdb().destroy_prepare(&statement);
  LEAT_TRY(std::move(outcome));
  rows.stop_ = stop_;
  rows.look_up();
  return rows;
}

Result<DuckDbRows> DuckDb::stream(const std::string& sql) const {
  duckdb_prepared_statement statement = nullptr;
  duckdb_pending_result pending = nullptr;
  DuckDbRows rows;
  Status outcome;
  if (duckdb().prepare(connection_, sql.c_str(), &statement) != DuckDBSuccess) {
    outcome = failure(DUCKDB_ERROR_PARSER, text_or_none(duckdb().prepare_error(statement)));
  } else if (duckdb().pending_prepared_streaming(statement, &pending) != DuckDBSuccess) {
    outcome = failure(DUCKDB_ERROR_INVALID, text_or_none(duckdb().pending_error(pending)));
  } else if (duckdb().execute_pending(pending, &rows.result_) != DuckDBSuccess) {
    outcome = failure(duckdb().result_error_type(&rows.result_), text_or_none(duckdb().result_error(&rows.result_)));
  }
  duckdb().destroy_pending(&pending);
  duckdb().destroy_prepare(&statement);
  LEAT_TRY(std::move(outcome));
  rows.stop_ = stop_;
  rows.look_up();
  return rows;
}

Result<int64_t> DuckDb::query_integer(const std::string& sql, int64_t missing) const {
  LEAT_ASSIGN(DuckDbRows rows, query(sql));
  LEAT_ASSIGN(const bool row, rows.step());
  return row && !rows.is_null(0) ? rows.integer(0) : missing;
}

Result<bool> DuckDb::has_table(const std::string& name) const {
  LEAT_ASSIGN(DuckDbRows rows, query("SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND "
                                     "schema_name = 'main' AND table_name = $1",
                                     std::string_view(name)));
  return rows.step();
}

DuckDbRows& DuckDbRows::operator=(DuckDbRows&& other) noexcept {
  std::swap(result_, other.result_);
  std::swap(chunk_, other.chunk_);
  std::swap(columns_, other.columns_);
  std::swap(at_, other.at_);
  std::swap(rows_, other.rows_);
  std::swap(stop_, other.stop_);
  return *this;
}

void DuckDbRows::look_up() {
  columns_.resize(duckdb().column_count(&result_));
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i].type = duckdb().column_type(&result_, i);
}

void DuckDbRows::close() {
  if (chunk_ != nullptr) duckdb().destroy_data_chunk(&chunk_);
  chunk_ = nullptr;
}

DuckDbRows::~DuckDbRows() {
  close();
  duckdb().destroy_result(&result_);
}

uint64_t DuckDbRows::changed() {
  return duckdb().rows_changed(&result_);
}

Result<bool> DuckDbRows::step() {
  if (at_ < rows_) {
    ++at_;
    return true;
  }
  do {
    if (stop_.stop_requested()) return Status::retry("what was asked is broken off");
    close();
    chunk_ = duckdb().fetch_chunk(result_);
    if (chunk_ == nullptr) {
      at_ = rows_ = 0;
      return false;
    }
    rows_ = duckdb().data_chunk_get_size(chunk_);
  } while (rows_ == 0);
  at_ = 1;
  for (size_t i = 0; i < columns_.size(); ++i) {
    duckdb_vector vector = duckdb().data_chunk_get_vector(chunk_, i);
    columns_[i].cells = duckdb().vector_get_data(vector);
    columns_[i].valid = duckdb().vector_get_validity(vector);
  }
  return true;
}

bool DuckDbRows::is_null(int at) const {
  const Column& column = columns_[static_cast<size_t>(at)];
  const uint64_t row = at_ - 1;
  return column.valid != nullptr && (column.valid[row >> 6] >> (row & 63) & 1U) == 0;
}

int64_t DuckDbRows::integer(int at) const {
  if (is_null(at)) return 0;
  const Column& column = columns_[static_cast<size_t>(at)];
  const uint64_t row = at_ - 1;
  switch (column.type) {
    case DUCKDB_TYPE_BOOLEAN:
      return static_cast<const bool*>(column.cells)[row] ? 1 : 0;
    case DUCKDB_TYPE_INTEGER:
      return static_cast<const int32_t*>(column.cells)[row];
    case DUCKDB_TYPE_DOUBLE:
      return static_cast<int64_t>(static_cast<const double*>(column.cells)[row]);
    case DUCKDB_TYPE_HUGEINT:
      return static_cast<int64_t>(static_cast<const duckdb_hugeint*>(column.cells)[row].lower);
    default:  // BIGINT, TIMESTAMP
      return static_cast<const int64_t*>(column.cells)[row];
  }
}

double DuckDbRows::real(int at) const {
  const Column& column = columns_[static_cast<size_t>(at)];
  if (column.type != DUCKDB_TYPE_DOUBLE) return static_cast<double>(integer(at));
  return is_null(at) ? 0 : static_cast<const double*>(column.cells)[at_ - 1];
}

std::string_view DuckDbRows::text(int at) const {
  if (is_null(at)) return {};
  auto* text = static_cast<duckdb_string_t*>(columns_[static_cast<size_t>(at)].cells) + (at_ - 1);
  return {duckdb().string_t_data(text), duckdb().string_t_length(*text)};
}

const char* duckdb_type_name(Type type, bool bytes) {
  switch (type) {
    case Type::boolean:
      return "BOOLEAN";
    case Type::integer:
      return "BIGINT";
    case Type::real:
      return "DOUBLE";
    case Type::time:
      return "TIMESTAMP";
    case Type::json:
      return "JSON";
    case Type::text:
      break;
  }
  return bytes ? "BLOB" : "VARCHAR";
}

}  // namespace leat
