#include <array>

#include "catalog/sink_kinds.h"
#include "os/file_system.h"
#include "sinks/data_file.h"
#include "sinks/files.h"

namespace leat {
namespace {

std::vector<std::string_view> file_compressions() {
  return {"none", "gzip", "zstd"};
}

constexpr std::array<Option, 7> kFilesOptions{{
    {.name = "path",
     .type = OptionType::path,
     .required = true,
     .help = "the folder, with placeholders: \"lake/day={day}\"; {table}, {year}, {month}, {day}, {hour}, or a column"},
    {.name = "format",
     .type = OptionType::choice,
     .standard = "csv",
     .choices = file_format_names,
     .help = "how the files are written"},
    {.name = "compression",
     .type = OptionType::choice,
     .standard = "none",
     .choices = file_compressions,
     .help = "of the files"},
    {.name = "time", .help = "the column of {day} and its like; the first one of type time when it is absent"},
    {.name = "max_rows", .type = OptionType::integer, .standard = "1000000", .help = "a file with so many is complete"},
    {.name = "max_bytes", .type = OptionType::size, .standard = "128MiB", .help = "a file with so many is complete"},
    {.name = "max_age", .type = OptionType::duration, .standard = "1h", .help = "so old a file is complete"},
}};

std::unique_ptr<Sink> make_files(const Settings& settings, const Making& making) {
  return make_files_sink({.path = settings.text("path"),
                          .time = settings.text("time"),
                          .format = settings.text("format"),
                          .compression = settings.text("compression"),
                          .max_rows = settings.integer("max_rows"),
                          .max_bytes = settings.bytes("max_bytes"),
                          .max_age_ms = settings.milliseconds("max_age")},
                         making.clock, making.note);
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
  return {
      .name = "files",
      .help = "CSV or NDJSON files, plain or compressed, in folders by time or column; each row in one of them, once",
      .options = kFilesOptions,
      .make = make_files,
      .open_store = open_files,
      .place = files_place,
      .check = nullptr,
      .modes = kAppendOnly,
      .check_plan = check_files_plan};
}

}  // namespace leat
