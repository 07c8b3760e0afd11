#include <array>

#include "catalog/sink_kinds.h"
#include "os/file_system.h"
#include "sinks/files.h"
#include "sinks/null.h"
#include "sinks/postgres.h"
#include "sinks/sqlite.h"

namespace leat {
namespace {

constexpr std::array<Option, 1> kSqliteOptions{{
    {.name = "path",
     .type = OptionType::path,
     .required = true,
     .help = "the database file; made when it is not there"},
}};

std::unique_ptr<Sink> make_sqlite(const Settings& settings, const Making& making) {
  SqliteOptions options;
  options.path = settings.text("path");
  options.vfs = making.vfs;
  return make_sqlite_sink(std::move(options), making.clock, making.note);
}

Result<std::unique_ptr<Store>> open_sqlite(const Settings& settings) {
  LEAT_ASSIGN(const auto file, os::file_system().info(settings.text("path"), os::Links::follow));
  if (!file) return std::unique_ptr<Store>();
  return open_sqlite_store(settings.text("path"));
}

std::string sqlite_place(const Settings& settings) {
  return settings.text("path");
}

constexpr std::array<Option, 1> kNullOptions{{
    {.name = "max_memory",
     .type = OptionType::size,
     .standard = "256MiB",
     .help = "how much the aggregates may take; beyond it the run stops with an error"},
}};

std::unique_ptr<Sink> make_null(const Settings& settings, const Making& making) {
  return make_null_sink({.max_memory_bytes = settings.bytes("max_memory")}, making.note);
}

std::string no_place(const Settings&) {
  return "";
}

}  // namespace

std::span<const SinkKind> sink_kinds() {
  static const std::array<SinkKind, 6> kinds{{
      {"sqlite", "a table in a SQLite database: one file, readable by others at any time", kSqliteOptions, make_sqlite,
       open_sqlite, sqlite_place, nullptr, kAllModes},
      postgres_kind(),
      duckdb_kind(),
      files_kind(),
      bigquery_kind(),
      {"null",
       "keeps nothing; aggregates are counted in memory and printed when the run ends. Cannot go on where it stopped",
       kNullOptions, make_null, nullptr, no_place, nullptr, kAppendOnly},
  }};
  return kinds;
}

bool is_database_address(std::string_view target) {
  return target.starts_with("postgresql://") || target.starts_with("postgres://");
}

const SinkKind& kind_of_database(std::string_view path) {
  return *find_kind(sink_kinds(), path.ends_with(".duckdb") ? "duckdb" : "sqlite");
}

Result<std::unique_ptr<Store>> open_database(const std::string& path) {
  if (is_database_address(path)) return open_postgres_store({.url = path, .schema = "public"});
  // A folder of files, or the books in it.
  const std::string books = files_books_path("");
  const std::string folder = path.ends_with(books) ? path.substr(0, path.size() - books.size()) : path;
  LEAT_ASSIGN(const auto there, os::file_system().info(files_books_path(folder), os::Links::follow));
  if (there) return open_files_store(folder);
  return path.ends_with(".duckdb") ? open_duckdb_file(path) : open_sqlite_store(path);
}

}  // namespace leat
