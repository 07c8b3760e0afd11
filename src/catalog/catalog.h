#pragma once

// What there is: one plain table each of sources, decoders, transforms and sinks: name, help, options, maker. Pure; any
// thread.

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "config/options.h"
#include "flow/decoder.h"
#include "flow/note.h"
#include "flow/sink.h"
#include "flow/source.h"
#include "flow/store.h"
#include "flow/transform.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "transforms/blame.h"

namespace leat {

// What makers are handed; must outlive what they make.
struct Making {
  os::FileSystem& files;
  os::Clock& clock;
  Note note;
  uint64_t chunk_bytes = 0;  // 0: the source's own
  std::string vfs;           // of SQLite; empty: its own
  // Of a source that reads a table, with `once`: a pipeline of this run still fills it. Empty: none does.
  std::function<bool()> more_may_come = nullptr;
  uint64_t full_every_ms = 0;  // of a source that pulls_in_full: everything is pulled again so often; 0: never
};

// A column of another pipeline's table that a source takes values of.
struct ParentColumn {
  std::string pipeline;
  std::string column;
  std::string as;  // a column of this source's records that gets its value; empty: it stands in a request
  Place at;
};

struct SourceKind {
  std::string_view name;
  std::string_view help;
  std::span<const Option> options;
  std::unique_ptr<Source> (*make)(const Settings& settings, const Making& making);
  // Complains of what the options do not say by themselves; null: nothing. `at`: of the pipeline that reads it.
  void (*check)(const Settings& settings, Complaints& complaints) = nullptr;
  void (*check_plan)(const Settings& settings, const SinkPlan& plan, const Place& at, Complaints& complaints) = nullptr;
  std::string_view part = "file";  // what a person calls one of its parts
  bool reads_a_table = false;      // of another pipeline: no format, and positions count rows, not bytes
  bool reads_once = false;         // what was read does not come again, also not after a failure
  bool pulls_in_full = false;      // can pull everything again, and says when it has (FullPull)
  // The pipeline whose rows it asks for, and which of its columns; null: never. Settings "parents.path" and
  // "parents.table" are set when that is found.
  std::vector<ParentColumn> (*parents)(const Settings& settings) = nullptr;
  [[nodiscard]] bool has(std::string_view option) const {
    return std::any_of(options.begin(), options.end(), [&](const Option& each) { return each.name == option; });
  }
};

struct DecoderKind {
  std::string_view name;
  std::string_view help;
  std::span<const Option> options;
  Result<std::unique_ptr<Decoder>> (*make)(const Settings& settings, bool raw, const Note& note);
  // Complains of what the options do not say by themselves.
  void (*check)(const Settings& settings, Complaints& complaints);
  bool is_log = false;  // of a server: raw text and the column `site` are usual
};

struct TransformKind {
  std::string_view name;
  std::string_view help;
  std::span<const Option> options;
  // `settings` without a complaint; `blame` is used whenever it is bound.
  std::unique_ptr<Transform> (*make)(const Settings& settings, Blame blame);
  // Complains of what the options do not say by themselves.
  void (*check)(const Settings& settings, Complaints& complaints);
};

// When commits suit a sink, where the configuration does not say; 0: as the option does.
struct CommitRule {
  uint64_t rows = 0;
  uint64_t every_ms = 0;
  bool when_idle = true;  // also whenever the source has nothing new
};

struct SinkKind {
  std::string_view name;
  std::string_view help;
  std::span<const Option> options;
  std::unique_ptr<Sink> (*make)(const Settings& settings, const Making& making);
  // Null: it keeps nothing that could be looked at afterwards. A null pointer: there is nothing there yet.
  Result<std::unique_ptr<Store>> (*open_store)(const Settings& settings);
  // Where the data is, for people and to tell two sinks apart: a path; empty when it keeps nothing.
  std::string (*place)(const Settings& settings);
  // Complains of what the options do not say by themselves; null: they say all.
  void (*check)(const Settings& settings, Complaints& complaints);
  std::span<const WriteMode> modes;  // that it has
  // bad_config: it cannot do what this pipeline asks for; null: it can do all.
  Status (*check_plan)(const SinkPlan& plan) = nullptr;
  CommitRule (*commit_rule)(const Settings& settings) = nullptr;  // null: as the options of `commit` say
  // Of a store that has the books and not the rows: who reads these, "any tool"; empty: the store does.
  std::string_view rows_read_by{};
  // Why this build does not have it, and how to get one that does.
  std::string_view missing{};
};

std::span<const SourceKind> source_kinds();
std::span<const DecoderKind> decoder_kinds();
// Of sources that read a table; not one that a configuration may name.
const DecoderKind& table_rows_kind();
std::span<const TransformKind> transform_kinds();
std::span<const SinkKind> sink_kinds();
// The sink that keeps a database in a file of that name: "duckdb" of those that end in .duckdb, else "sqlite".
const SinkKind& kind_of_database(std::string_view path);
// The address of a database of PostgreSQL.
bool is_database_address(std::string_view target);
// What leat has written to a file, into a folder of files, or to a database at an address. A null pointer: leat has
// written nothing there yet. bad_config: as open_store; such files are not in this build.
Result<std::unique_ptr<Store>> open_database(const std::string& path);

template <class KindOf>
const KindOf* find_kind(std::span<const KindOf> kinds, std::string_view name) {
  for (const KindOf& kind : kinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

// Names that `format` may bear: each belongs to a decoder.
struct FormatName {
  std::string_view name;
  std::string_view decoder;
  std::string_view layout;
  std::string_view help;
  std::string_view sample;           // lines
  std::vector<std::string> columns;  // empty: only the file, or a log_format, can say
};
std::vector<FormatName> format_names();

}  // namespace leat
