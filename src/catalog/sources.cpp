#include <array>

#include "catalog/catalog.h"
#include "sources/file.h"

namespace leat {
namespace {

constexpr std::array<Option, 4> kFileOptions{{
    {.name = "include",
     .type = OptionType::paths,
     .required = true,
     .help = "the log, or a list of logs; * ? [ ] match names. What matches is read oldest first"},
    {.name = "format",
     .type = OptionType::format,
     .help = "a name of `leat list formats`, or { type = \"web_log\", … }; without it each file's format is recognised "
             "from its first 100 lines"},
    {.name = "max_record",
     .type = OptionType::size,
     .standard = "1MiB",
     .help = "a longer line is a reject, of which the first 64 KiB are kept"},
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

constexpr std::array<SourceKind, 1> kSources{{
    {"file", "files that are finished, that grow, and that are renamed when they are rotated", kFileOptions, make_file},
}};

}  // namespace

std::span<const SourceKind> source_kinds() {
  return kSources;
}

}  // namespace leat
