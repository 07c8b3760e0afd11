#include <array>

#include "catalog/catalog.h"
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
  return open_sqlite_store(settings.text("path"));
}

std::string sqlite_place(const Settings& settings) {
  return settings.text("path");
}

constexpr std::array<SinkKind, 1> kSinks{{
    {"sqlite", "a table in a SQLite database: one file, readable by others at any time", kSqliteOptions, make_sqlite,
     open_sqlite, sqlite_place},
}};

}  // namespace

std::span<const SinkKind> sink_kinds() {
  return kSinks;
}

}  // namespace leat
