#include <array>

#include "catalog/source_kinds.h"
#include "sources/file.h"
#include "sources/stdin.h"
#include "sources/table.h"

namespace leat {
namespace {

constexpr Option kFormatOption{
    .name = "format",
    .type = OptionType::format,
    .help =
        "a name of `leat list formats`, or { type = \"csv\", … } of `leat list decoders`; without it a log is "
        "expected, whose format is recognised from its first 100 lines"};
constexpr Option kMaxRecordOption{.name = "max_record",
                                  .type = OptionType::size,
                                  .standard = "16MiB",
                                  .help = "a longer record is a reject, of which the first 64 KiB are kept"};

constexpr std::array<Option, 4> kFileOptions{{
    {.name = "include",
     .type = OptionType::paths,
     .required = true,
     .help = "the log, or a list of logs; * ? [ ] match names. What matches is read oldest first"},
    kFormatOption,
    kMaxRecordOption,
    {.name = "site",
     .standard = "auto",
     .help =
         "the column `site`, which log a row is of. \"auto\": the file's name, when include can match more than one "
         "log; \"file\": always the file's name; \"none\": no such column; any other text is what the column says"},
}};

std::unique_ptr<Source> make_file(const Settings& settings, const Making& making) {
  FileOptions options;
  options.include = settings.texts("include");
  options.max_record_bytes = settings.bytes("max_record");
  if (making.chunk_bytes != 0) options.chunk_bytes = making.chunk_bytes;
  return make_file_source(std::move(options), making.files, making.clock, making.note);
}

constexpr std::array<Option, 4> kStdinOptions{{
    kFormatOption,
    {.name = "compression",
     .type = OptionType::choice,
     .standard = "auto",
     .choices = compressions,
     .help = "auto: gzip and zstd are told by their first bytes"},
    kMaxRecordOption,
    {.name = "max_body",
     .type = OptionType::size,
     .help = "more plain bytes are an error; without it there is no limit"},
}};

std::unique_ptr<Source> make_stdin(const Settings& settings, const Making& making) {
  return make_stdin_source(stream_rules(settings, making), os::standard_input());
}

constexpr std::array<Option, 4> kTableOptions{{
    {.name = "from", .help = "the pipeline of this file whose rows are read"},
    {.name = "path",
     .type = OptionType::path,
     .help = "in place of 'from': the SQLite database, which a pipeline of another file fills"},
    {.name = "table", .help = "with 'path': the table in it"},
    {.name = "columns",
     .type = OptionType::names,
     .help = "which columns are read, in this order; without it all of them but raw_log, which can be named"},
}};

std::unique_ptr<Source> make_table(const Settings& settings, const Making& making) {
  TableOptions options;
  options.upstream = {settings.text("path"), settings.text("table"), settings.texts("columns")};
  if (making.chunk_bytes != 0) options.chunk_bytes = making.chunk_bytes;
  options.more_may_come = making.more_may_come;
  return make_table_source(std::move(options), making.files, making.clock, making.note);
}

}  // namespace

std::vector<std::string_view> compressions() {
  return {"auto", "none", "gzip", "zstd", "deflate", "brotli"};
}

StreamRules stream_rules(const Settings& settings, const Making& making) {
  StreamRules rules;
  rules.max_record_bytes = settings.bytes("max_record");
  if (settings.has("max_body")) rules.max_body_bytes = settings.bytes("max_body");
  if (making.chunk_bytes != 0) rules.chunk_bytes = making.chunk_bytes;
  const std::string compression = settings.text("compression");
  for (const Compression known :
       {Compression::none, Compression::gzip, Compression::zstd, Compression::deflate, Compression::brotli}) {
    if (compression == name_of(known)) rules.compression = known;
  }
  return rules;
}

std::span<const SourceKind> source_kinds() {
  static const std::array<SourceKind, 4> kinds{{
      {"file", "files that are finished, that grow, and that are renamed when they are rotated", kFileOptions,
       make_file},
      http_kind(),
      {"stdin", "standard input, read once to its end; it cannot resume, so what is piped in again is taken in again",
       kStdinOptions, make_stdin, nullptr, nullptr, "file", false, true},
      {"table", "the rows that another pipeline has written to a SQLite database, each once, as they are committed",
       kTableOptions, make_table, nullptr, nullptr, "table", true},
  }};
  return kinds;
}

}  // namespace leat
