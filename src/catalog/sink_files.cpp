#include <fmt/format.h>

#include <array>

#include "catalog/sink_kinds.h"
#include "os/file_system.h"
#include "sinks/files.h"

namespace leat {
namespace {

std::vector<std::string_view> file_compressions() {
  return {"none", "gzip", "zstd"};
}

std::vector<std::string_view> file_formats() {
  return {"csv", "ndjson", "parquet"};
}

// Null: not in this build.
const FileFormat* format_named(std::string_view name) {
  return name == "csv" ? &kCsvFiles : name == "ndjson" ? &kNdjsonFiles : parquet_files();
}

constexpr std::array<Option, 8> kFilesOptions{{
    {.name = "path",
     .type = OptionType::path,
     .required = true,
     .help = "the folder, with placeholders: \"lake/day={day}\"; {table}, {year}, {month}, {day}, {hour}, or a column"},
    {.name = "format",
     .type = OptionType::choice,
     .standard = "csv",
     .choices = file_formats,
     .help = "how the files are written; parquet in builds that have DuckDB"},
    {.name = "compression",
     .type = OptionType::choice,
     .standard = "none",
     .choices = file_compressions,
     .help = "of the files; zstd where the format is parquet"},
    {.name = "time", .help = "the column of {day} and its like; the first one of type time when it is absent"},
    {.name = "max_rows", .type = OptionType::integer, .standard = "1000000", .help = "a file with so many is complete"},
    {.name = "max_bytes",
     .type = OptionType::size,
     .standard = "128MiB",
     .help = "a file with so many is complete; of parquet its cells count, before they are compressed"},
    {.name = "max_age", .type = OptionType::duration, .standard = "1h", .help = "so old a file is complete"},
    {.name = "memory",
     .type = OptionType::size,
     .standard = "256MiB",
     .help = "of parquet: DuckDB's own limit, besides what leat takes; rows that need more wait on disk"},
}};

void check_files(const Settings& settings, Complaints& complaints) {
  if (format_named(settings.text("format")) != nullptr) return;
  complaints.add(settings.place("format"),
                 fmt::format("format = \"parquet\", but {}; or write csv, ndjson", why_no_duckdb()));
}

std::unique_ptr<Sink> make_files(const Settings& settings, const Making& making) {
  const FileFormat* const format = format_named(settings.text("format"));
  return make_files_sink({.path = settings.text("path"),
                          .time = settings.text("time"),
                          .format = format,
                          .compression = settings.has("compression") ? settings.text("compression") : "",
                          .memory_bytes = settings.bytes("memory"),
                          .max_rows = settings.integer("max_rows"),
                          .max_bytes = settings.bytes("max_bytes"),
                          .max_age_ms = settings.milliseconds("max_age")},
                         making.clock, making.note);
}

// A file that cannot grow is complete with the commit that has its rows: so a commit waits until it is large, or old.
CommitRule files_commits(const Settings& settings) {
  if (const FileFormat* format = format_named(settings.text("format")); format == nullptr || format->grows) return {};
  return {.rows = settings.integer("max_rows"), .every_ms = settings.milliseconds("max_age"), .when_idle = false};
}

Result<std::unique_ptr<Store>> open_files(const Settings& settings) {
  const std::string& path = settings.text("path");
  LEAT_ASSIGN(const auto books, os::file_system().info(files_books_path(path), os::Links::follow));
  if (!books) return std::unique_ptr<Store>();
  return open_files_store(path);
}

std::string files_place(const Settings& settings) {
  return files_books_path(settings.text("path"));
}

}  // namespace

SinkKind files_kind() {
  return {.name = "files",
          .help = "CSV, NDJSON or Parquet files, in folders by time or column; each row in one of them, once",
          .options = kFilesOptions,
          .make = make_files,
          .open_store = open_files,
          .place = files_place,
          .check = check_files,
          .modes = kAppendOnly,
          .check_plan = check_files_plan,
          .commit_rule = files_commits,
          .rows_read_by = "any tool that reads such files"};
}

}  // namespace leat
