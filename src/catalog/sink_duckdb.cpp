#include "catalog/sink_kinds.h"

// The one place where a build without DuckDB is told from one with it.
#ifdef LEAT_HAS_DUCKDB
#include "os/file_system.h"
#include "sinks/duckdb.h"
#include "sinks/duckdb_parquet_file.h"
#endif

namespace leat {
namespace {

constexpr std::array<Option, 2> kOptions{{
    {.name = "path",
     .type = OptionType::path,
     .required = true,
     .help = "the database file; made when it is not there"},
    {.name = "memory",
     .type = OptionType::size,
     .standard = "256MiB",
     .help = "DuckDB's own limit, besides what leat takes; what needs more goes to a folder beside the file"},
}};

#ifdef LEAT_HAS_DUCKDB
std::unique_ptr<Sink> make(const Settings& settings, const Making& making) {
  DuckDbOpen options;
  options.path = settings.text("path");
  options.memory_bytes = settings.bytes("memory");
  return make_duckdb_sink(std::move(options), making.clock, making.note);
}

Result<std::unique_ptr<Store>> open(const Settings& settings) {
  LEAT_ASSIGN(const auto file, os::file_system().info(settings.text("path"), os::Links::follow));
  if (!file) return std::unique_ptr<Store>();
  return open_duckdb_store(settings.text("path"));
}

constexpr std::string_view kMissing;
#else
std::unique_ptr<Sink> make(const Settings& /*settings*/, const Making& /*making*/) {
  return nullptr;
}

Result<std::unique_ptr<Store>> open(const Settings& /*settings*/) {
  return std::unique_ptr<Store>();
}

constexpr std::string_view kMissing =
    "this leat is built without DuckDB: `script/setup --duckdb` in its sources fetches it, then build again";
#endif

std::string place(const Settings& settings) {
  return settings.text("path");
}

// Two of its row groups: those that are full go straight into the file, not first into its log.
CommitRule commits(const Settings& /*settings*/) {
  return {.rows = 2 * 122880};
}

}  // namespace

SinkKind duckdb_kind() {
  return {.name = "duckdb",
          .help = "a table in a DuckDB database: one file of columns, open in one process at a time",
          .options = kOptions,
          .make = make,
          .open_store = open,
          .place = place,
          .check = nullptr,
          .modes = kAllModes,
          .check_plan = nullptr,
          .commit_rule = commits,
          .missing = kMissing};
}

Result<std::unique_ptr<Store>> open_duckdb_file([[maybe_unused]] const std::string& path) {
#ifdef LEAT_HAS_DUCKDB
  return open_duckdb_store(path);
#else
  return Status::bad_config(path + ": " + std::string(kMissing));
#endif
}

const FileFormat* parquet_files() {
#ifdef LEAT_HAS_DUCKDB
  return &kParquetFiles;
#else
  return nullptr;
#endif
}

std::string_view why_no_duckdb() {
  return kMissing;
}

}  // namespace leat
