#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/run.h"
#include "app/saved_file.h"
#include "base/redaction.h"
#include "base/text.h"
#include "decoders/format_guess.h"
#include "os/file_system.h"
#include "os/process.h"
#include "sources/decompressor.h"

namespace leat::app {
namespace {

constexpr std::string_view kStandardInput = "-";

// The plain bytes at the beginning of a file, and whether they are all of it.
struct Beginning {
  std::string bytes;
  bool all = false;
};

Result<Beginning> beginning_of(const std::string& path) {
  LEAT_ASSIGN(const std::unique_ptr<os::File> file, os::file_system().open(path, os::Links::follow));
  if (file == nullptr) return Status::bad_config(fmt::format("{}: no such file", visible(path)));
  Beginning beginning;
  beginning.bytes.resize(kGuessBytes);
  LEAT_ASSIGN(const size_t read, file->read_at(0, beginning.bytes.data(), beginning.bytes.size()));
  beginning.bytes.resize(read);
  beginning.all = read < kGuessBytes;
  const Compression compression = compression_of_bytes(beginning.bytes, true).value_or(Compression::none);
  if (compression == Compression::none) return beginning;
  const auto decompressor = make_decompressor(compression);
  std::string plain(kGuessBytes, '\0');
  std::string_view packed(beginning.bytes);
  size_t size = 0;
  for (size_t more = 1; more > 0 && size < plain.size(); size += more) {
    auto next = decompressor->next(packed, plain.data() + size, plain.size() - size);
    if (!next.ok()) return std::move(next).status().within(visible(path));
    more = *next;
  }
  beginning.all = beginning.all && size < plain.size();
  plain.resize(size);
  beginning.bytes = std::move(plain);
  return beginning;
}

// The first file of those that are named. bad_config: there is none.
Result<std::string> first_file(const LoadCommand& command, const std::string& directory) {
  const std::string pattern = absolute_path(directory, command.files.front());
  LEAT_ASSIGN(const std::vector<std::string> found, os::file_system().glob(pattern));
  if (found.empty()) return Status::bad_config(fmt::format("{}: no such file", visible(command.files.front())));
  return found.front();
}

Result<FormatGuess> guess(const LoadCommand& command, const std::string& directory) {
  LEAT_ASSIGN(const std::string path, first_file(command, directory));
  LEAT_ASSIGN(const Beginning beginning, beginning_of(path));
  auto guessed = guess_format(beginning.bytes, beginning.all, command.header);
  if (guessed.ok()) return guessed;
  return Status::bad_config(fmt::format("{}: {}", visible(path), guessed.status().message()));
}

Result<FormatGuess> format_of(const LoadCommand& command, const std::string& directory) {
  using Type = FormatGuess::Type;
  FormatGuess format;
  if (command.format.empty() && command.files.front() == kStandardInput) {
    return Status::bad_config("what comes from standard input is not looked at twice: say what it is, --format csv");
  }
  if (command.format.empty() && !command.records.empty()) {
    // Where the records are may be what it cannot tell.
    LEAT_ASSIGN(const std::string path, first_file(command, directory));
    LEAT_ASSIGN(const Beginning beginning, beginning_of(path));
    const size_t at = beginning.bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    const char first = at == std::string::npos ? '\0' : beginning.bytes[at];
    format.type = first == '<' ? Type::xml : first == '{' || first == '[' ? Type::json : Type::csv;
  } else if (command.format.empty() || ((command.format == "csv" || command.format == "xml") &&
                                        command.files.front() != kStandardInput && command.records.empty())) {
    auto guessed = guess(command, directory);
    if (!guessed.ok() && command.format != "csv") return guessed;
    if (guessed.ok()) {
      format = *std::move(guessed);
    } else if (command.header == false) {
      format.columns = {"column1:text"};  // nothing is set apart
    }
  }
  if (command.format == "csv" || command.format == "tsv") {
    if (format.type != Type::csv) format = {};
    if (command.format == "tsv") format.delimiter = '\t';
    format.type = Type::csv;
  } else if (command.format == "json" || command.format == "xml") {
    format.type = command.format == "json" ? Type::json : Type::xml;
  } else if (!command.format.empty()) {
    const std::vector<std::string_view> formats = {"csv", "tsv", "json", "xml"};
    return Status::bad_config(
        fmt::format("unknown format {}{}", quoted(command.format), suggestion(command.format, formats)));
  }
  if (command.header && format.type != Type::csv) return Status::bad_config("--header is for csv and tsv");
  if (command.header == false && format.columns.empty()) {
    return Status::bad_config(
        "--header no: how many columns there are is told by a file; those of standard input have to be named in a "
        "pipeline file, columns = [\"NAME:TYPE\", …]");
  }
  if (!command.records.empty()) format.records = command.records;
  if (format.type == Type::csv && !command.records.empty()) {
    return Status::bad_config("--records is for json and xml: in CSV each line is a record");
  }
  if (format.type == Type::xml && format.records.empty()) {
    return Status::bad_config("say which elements of the XML are records: --records /LIST/HOST");
  }
  return format;
}

std::string in_words(const FormatGuess& format) {
  switch (format.type) {
    case FormatGuess::Type::csv: {
      const std::string names = format.columns.empty() ? "names in the first line"
                                                       : fmt::format("{} columns without names", format.columns.size());
      const std::string delimiter = format.delimiter == '\t' ? "tabs" : fmt::format("'{}'", format.delimiter);
      return fmt::format("CSV, {} between fields, {}", delimiter, names);
    }
    case FormatGuess::Type::json:
      return format.records.empty() ? "JSON, a record on each line or in one array"
                                    : fmt::format("JSON, records in {}", visible(format.records));
    case FormatGuess::Type::xml:
      return fmt::format("XML, records are {}", visible(format.records));
    case FormatGuess::Type::web_log:
      break;
  }
  return "log of a web server";
}

Value value_of(const FormatGuess& format) {
  Value value;
  switch (format.type) {
    case FormatGuess::Type::csv:
      value.set("type", Value::of("csv"));
      if (format.delimiter != ',') value.set("delimiter", Value::of(std::string(1, format.delimiter)));
      if (format.columns.empty()) break;
      value.set("header", Value::of(false));
      value.set("columns", Value::list_of(format.columns));
      break;
    case FormatGuess::Type::json:
      value.set("type", Value::of("json"));
      if (!format.records.empty()) value.set("records", Value::of(format.records));
      break;
    case FormatGuess::Type::xml:
      value.set("type", Value::of("xml"));
      value.set("record", Value::of(format.records));
      break;
    case FormatGuess::Type::web_log:
      break;
  }
  return value;
}

// "export/Orders 2026.csv.gz" → "Orders_2026".
std::string table_of(const std::string& file) {
  std::string name = file.substr(file.rfind('/') + 1);
  name = name.substr(0, name.find('.', 1));
  for (char& c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fits) c = '_';
  }
  if (name.find_first_not_of('_') == std::string::npos) return "records";
  return name.front() >= '0' && name.front() <= '9' ? "t" + name : name;
}

Result<Value> sink_of(const std::string& to, const std::string& directory) {
  Value sink;
  for (const std::string_view end : {".db", ".sqlite", ".sqlite3"}) {
    if (!to.ends_with(end)) continue;
    sink.set("type", Value::of("sqlite"));
    sink.set("path", Value::of(absolute_path(directory, to)));
    return sink;
  }
  if (to.ends_with(".duckdb")) {
    sink.set("type", Value::of("duckdb"));
    sink.set("path", Value::of(absolute_path(directory, to)));
    return sink;
  }
  if (to.ends_with('/')) {
    sink.set("type", Value::of("files"));
    sink.set("path", Value::of(absolute_path(directory, to)));
    for (const std::string_view format : {"ndjson", "parquet"}) {
      if (to.ends_with(fmt::format(".{}/", format))) sink.set("format", Value::of(std::string(format)));
    }
    return sink;
  }
  for (const std::string_view format : {"csv", "ndjson", "parquet"}) {
    if (!to.ends_with(fmt::format(".{}", format))) continue;
    return Status::bad_config(fmt::format(
        "--to {0}: leat writes files into a folder, in which it keeps which of them count: --to {0}/", visible(to)));
  }
  if (is_database_address(to)) {
    sink.set("type", Value::of("postgres"));
    sink.set("url", Value::of(to));
    return sink;
  }
  // An address may hold a password.
  return Status::bad_config(fmt::format(
      "--to {}: name a database of SQLite or DuckDB, with .db or .duckdb at its end, one of PostgreSQL, "
      "postgresql://USER@HOST/DATABASE, or a folder for files, export/ (CSV), export.ndjson/, export.parquet/",
      to.find('=') == std::string::npos || to.find("://") != std::string::npos ? quoted(shown_url(to)) : "'…'"));
}

Result<Value> tree_of(const LoadCommand& command, const FormatGuess& format, const std::string& directory) {
  const bool piped = command.files.front() == kStandardInput;
  if (piped && command.table.empty())
    return Status::bad_config("standard input has no name: give the table one, --table");
  const std::string table = command.table.empty() ? table_of(command.files.front()) : command.table;
  Value in;
  in.set("type", Value::of(piped ? "stdin" : "file"));
  if (!piped) {
    std::vector<std::string> files;
    for (const std::string& file : command.files) files.push_back(absolute_path(directory, file));
    in.set("include", Value::list_of(std::move(files)));
  }
  in.set("format", value_of(format));
  LEAT_ASSIGN(Value sink, sink_of(command.to, directory));
  Value load;
  load.set("from", Value::of("in"));
  load.set("to", Value::of("out." + table));
  if (!command.key.empty()) load.set("key", Value::list_of(command.key));
  if (!command.key.empty() || !command.write.empty()) {
    load.set("write", Value::of(command.write.empty() ? "merge" : command.write));
  }
  load.set("raw", Value::of(false));
  Value root;
  root.set("sources", Value()).set("in", std::move(in));
  root.set("sinks", Value()).set("out", std::move(sink));
  root.set("pipelines", Value()).set(table, std::move(load));
  return root;
}

}  // namespace

int do_load(const LoadCommand& command, const Surroundings& surroundings) {
  Talk talk(surroundings.err, surroundings.err_is_terminal ? Manner::terminal : Manner::plain, surroundings.colour,
            command.quiet);
  const auto refuse = [&](const std::string& text) {
    surroundings.err << "leat load: " << text << "\nsee: leat load --help\n";
    return 2;
  };
  const bool piped = std::find(command.files.begin(), command.files.end(), kStandardInput) != command.files.end();
  if (piped && command.files.size() > 1) return refuse("- is standard input, and stands alone");
  const std::string directory = os::current_directory();
  const auto format = format_of(command, directory);
  if (!format.ok()) return refuse(format.status().message());
  const std::string& first = command.files.front();
  if (format->type == FormatGuess::Type::web_log) {
    return refuse(
        fmt::format("{}: is the log of a web server; leat logs {} --to {} --once takes it in, and counts visitors",
                    visible(first), first, shown_url(command.to)));
  }
  const auto root = tree_of(command, *format, directory);
  if (!root.ok()) return refuse(root.status().message());
  Complaints complaints("leat load", "");
  PipelineFile file = plan_pipelines(*root, directory, complaints);
  if (!complaints.empty()) {
    surroundings.err << complaints.text() << "\nsee: leat load --help\n";
    return 2;
  }
  const std::string& pipeline = file.pipelines[0].name;
  talk.note(NoteLevel::info, "format", pipeline,
            fmt::format("{}: {} → {}, table {}", piped ? "standard input" : visible(first), in_words(*format),
                        visible(shown_url(command.to)), quoted(pipeline)));
  if (!command.save.empty() && shown_url(command.to) != command.to) {
    return refuse(
        "--save: the file would hold the password of --to; leave it out there: PGPASSWORD and ~/.pgpass are read");
  }
  if (!command.save.empty()) {
    if (const Status saved = save_pipeline_file(*root, command.save); !saved.ok()) {
      talk.message(NoteLevel::error, saved.message());
      return saved.kind() == Kind::bad_config ? 2 : 1;
    }
    talk.note(NoteLevel::info, "saved", pipeline,
              fmt::format("{} does the same: leat run {} --once", command.save, command.save));
  }
  RunOptions options{.once = true, .database = command.to};
  if (piped) {
    options.when_stopped =
        "stopped by a signal; the rest of standard input is not read, and cannot be: given again, it would bring the "
        "first rows twice";
  } else {
    options.when_nothing_new =
        "nothing new: an earlier load has taken in what is there; another --table takes it in again";
  }
  const int status = run_pipelines(std::move(file.pipelines), options, surroundings, talk);
  take_back_saved_file(command.save, status, talk);
  return status;
}

}  // namespace leat::app
