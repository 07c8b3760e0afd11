#include "app/command_table.h"

#include <fmt/format.h>

#include <array>

namespace leat::app {
namespace {

constexpr Flag kQuiet{"--quiet", "", "say only what went wrong"};
constexpr Flag kHelp{"--help", "", "this text"};
constexpr std::array<Flag, 7> kLogsFlags{{
    {"--to", "DB", "the SQLite database to write (default: leat.db)"},
    {"--table", "NAME", "the table to write (default: access_log)"},
    {"--format", "FORMAT",
     "a name of `leat list formats`, or a log_format or LogFormat in quotes (default: recognised, file by file)"},
    {"--once", "", "take in what is there and end; without it, follow the logs until stopped"},
    {"--save", "FILE.toml", "also write the pipeline file that does the same, as a start for your own"},
    kQuiet,
    kHelp,
}};
constexpr std::array<Flag, 10> kLoadFlags{{
    {"--to", "TARGET",
     "web.db (SQLite), web.duckdb, postgresql://USER@HOST/DATABASE, or a folder for files: export/ (CSV), "
     "export.ndjson/, export.parquet/"},
    {"--table", "NAME", "the table to write (default: the name of the first file)"},
    {"--format", "FORMAT", "csv, tsv, json or xml (default: recognised from the first bytes of the first file)"},
    {"--records", "PATH", "json: the array of records, /data/items; xml: the elements that are records, /LIST/HOST"},
    {"--header", "yes|no", "csv: whether the first line has the names of the columns (default: as it looks)"},
    {"--key", "COLUMN,...", "columns that make a record unique: one seen again replaces its old self"},
    {"--write", "MODE", "append, ignore, merge or replace (default: append; with --key: merge)"},
    {"--save", "FILE.toml", "also write the pipeline file that does the same, as a start for your own"},
    kQuiet,
    kHelp,
}};
constexpr std::array<Flag, 4> kRunFlags{{
    {"--once", "", "take in what is there and end; without it, follow the sources until stopped"},
    {"--json", "", "what sinks of type null have counted as one JSON document, all rows; without it as tables"},
    kQuiet,
    kHelp,
}};
constexpr std::array<Flag, 2> kCheckFlags{{kQuiet, kHelp}};
constexpr std::array<Flag, 2> kStatusFlags{{{"--json", "", "as one JSON document"}, kHelp}};
constexpr std::array<Flag, 4> kVerifyFlags{{
    {"--json", "", "as one JSON document"},
    {"--strict", "", "exit status 1 also for declared gaps (bytes known to be lost)"},
    kQuiet,
    kHelp,
}};
constexpr std::array<Flag, 2> kRebuildFlags{{kQuiet, kHelp}};
constexpr std::array<Flag, 16> kGenerateFlags{{
    {"--seed", "S", "another number, other lines (default: 1)"},
    {"--rows", "N", "flows: how many lines; 0: until stopped (default: 10000)"},
    {"--broken", "N", "flows: one line in N has a field too few or too many"},
    {"--out", "DIR", "the folder to write to, made when it is missing (default: this one)"},
    {"--lines", "N", "how many lines; 0: until stopped (default: 10000)"},
    {"--rate", "N/s", "lines a second (/m, /h); without it, as fast as it goes"},
    {"--rotation", "KIND", "alternate, rename, copytruncate, truncate or none (default: none)"},
    {"--rotate-every", "N", "lines from one rotation to the next (default: 1000; given alone: rename)"},
    {"--dateext", "", "rotated files bear a date instead of a number"},
    {"--compress", "", "rotated files are compressed with gzip"},
    {"--delaycompress", "", "--compress, but not before the next rotation"},
    {"--keep", "N", "how many rotated files are kept (default: all)"},
    {"--copy", "FILE", "also write every line to FILE, which is never rotated"},
    {"--clock", "START", "time of the first line: 2026-01-31T12:00:00Z, or now (default: 2026-01-01T00:00:00Z)"},
    kQuiet,
    kHelp,
}};
constexpr std::array<Flag, 2> kTopFlags{{{"--once", "", "print it once, as plain text"}, kHelp}};
constexpr std::array<Flag, 3> kPeekFlags{{
    {"-n", "N", "how many records (default: 10)"},
    {"--json", "", "as one JSON document"},
    kHelp,
}};
constexpr std::array<Flag, 1> kPlanFlags{{kHelp}};
constexpr std::array<Flag, 3> kServeFlags{{
    {"--listen", "ADDR:PORT", "where to listen (default: 127.0.0.1:8080); port 0: any that is free"},
    kQuiet,
    kHelp,
}};
constexpr std::array<Flag, 5> kRejectsFlags{{
    {"-n", "N", "how many (default: 20)"},
    {"--skip", "N", "pass over the first N: the next page"},
    {"--by-file", "", "in the order of the files and their lines; without it, the newest first"},
    {"--json", "", "one JSON object a line, with the whole text as far as it is kept (64 KiB)"},
    kHelp,
}};
constexpr std::array<Flag, 5> kStateFlags{{
    {"--json", "", "show: as one JSON document"},
    {"--part", "PART", "rewind: this part, as `show` names it"},
    {"--all", "", "rewind: all parts of the pipeline"},
    {"--yes", "", "rewind: do it; without it, say what would be undone and change nothing"},
    kHelp,
}};
constexpr std::array<Flag, 2> kListFlags{{{"--json", "", "everything there is, as one JSON document"}, kHelp}};

constexpr std::array<CommandKind, 15> kCommands{{
    {"logs", "FILE...", "take web-server logs into a SQLite database, no configuration needed",
     "Follows the logs, keeps visitors_per_day, browsers_per_day, pages_per_day, statuses_per_day and "
     "referrers_per_day\n"
     "up to date, and goes on where it stopped when it is started again on the same database. FILE may be a glob in\n"
     "quotes. Files are read oldest first.",
     kLogsFlags,
     "  leat logs /var/log/nginx/access.log --to web.db\n"
     "  leat logs '/var/log/nginx/access.log*' --once\n"
     "  leat logs access.log --save web.toml\n"
     "  leat logs access.log --format '$remote_addr [$time_local] \"$request\" $status $request_time'\n"
     "  sqlite3 web.db 'select * from visitors_per_day'"},
    {"load", "FILE...", "load CSV, JSON or XML files into a table, no configuration needed",
     "Says what it takes the files for. FILE may be a glob in quotes, compressed with gzip or zstd, or - for standard\n"
     "input. A file that was loaded is not loaded again: of one that has grown, what is new is.",
     kLoadFlags,
     "  leat load flows.csv --to flows.db\n"
     "  leat load 'export/*.json.gz' --to shop.db --table orders --key order_id\n"
     "  leat load scan.xml --to scan.db --records /SCAN/HOST --save scan.toml\n"
     "  curl -s https://example.com/items.json | leat load - --to items.db --table items --format json"},
    {"run", "FILE.toml [PIPELINE...]", "run the pipelines of a file, or those that are named",
     "SIGINT (Ctrl-C) or SIGTERM: what was read is committed, then it ends with status 0. A second one ends it at "
     "once;\n"
     "the next start goes on from the last commit.",
     kRunFlags,
     "  leat run web.toml\n"
     "  leat run web.toml logs --once"},
    {"check", "FILE.toml", "say everything that is wrong with a pipeline file",
     "Reads the file (and what its ${file:…} name), touches nothing else.", kCheckFlags, "  leat check web.toml"},
    {"plan", "FILE.toml [PIPELINE]", "what a run would read and write: files, tables, aggregates, disk",
     "Looks at the files and at the database; changes nothing.", kPlanFlags,
     "  leat plan web.toml\n"
     "  leat plan web.toml logs"},
    {"peek", "FILE.toml SOURCE", "the first records of a source as rows, with types and rejects",
     "Reads the source from its beginning; writes nothing and opens no database.", kPeekFlags,
     "  leat peek web.toml web\n"
     "  leat peek web.toml web -n 3 --json"},
    {"top", "FILE.toml|DB", "live view: rate, backlog, rejects, visitors, pages, statuses",
     "Works beside a running `leat logs` or `leat run`, and on a database that nobody writes. q or Ctrl-C ends it, "
     "Tab\n"
     "goes to the next pipeline. Without a terminal it prints once, as with --once.",
     kTopFlags,
     "  leat top web.db\n"
     "  leat top web.toml --once"},
    {"status", "FILE.toml|DB", "how far each pipeline is: positions, rows, rejects, rate, lag, last error", "",
     kStatusFlags,
     "  leat status web.db\n"
     "  leat status web.toml --json"},
    {"verify", "FILE.toml|DB", "prove that every record is there once: nothing lost, nothing doubled, counts right",
     "Works from the database alone, also while it is written to. The last line on stdout is `ok: …` or `broken: …`.",
     kVerifyFlags,
     "  leat verify web.db\n"
     "  leat verify web.db --json --strict"},
    {"rebuild", "FILE.toml|DB [AGGREGATE]", "make an aggregate, or all of them, again from the rows",
     "For numbers that were changed or damaged afterwards, as `leat verify` tells. All or nothing: one transaction.\n"
     "Refused while another process runs the pipeline; who wants to run it meanwhile waits.",
     kRebuildFlags,
     "  leat rebuild web.db\n"
     "  leat rebuild web.toml visitors_per_day"},
    {"serve", "FILE.toml|DB", "the tables over HTTP: as JSON, NDJSON, XML or CSV, whole or in pages",
     "Reads only, also beside a running `leat run` or `leat logs`. When it is ready it says `listening on http://…`. "
     "A\n"
     "pipeline file may say more in [serve]: who may ask, parameters for ranges, indexes. docs/api.md has the rest.",
     kServeFlags,
     "  leat serve web.db\n"
     "  leat serve flows.toml --listen 127.0.0.1:9000\n"
     "  curl 'http://127.0.0.1:8080/api/v1/tables/visitors_per_day?limit=10'\n"
     "  curl 'http://127.0.0.1:8080/api/v1/stream/access_log?format=csv'"},
    {"generate", "web-log|flows", "write test data: an access log, rotated as servers do it, or network flows",
     "The same options give the same lines.\n"
     "web-log: each URI ends in the number of its line, a tenth of the lines are repeated exactly. journal.json, "
     "beside\n"
     "the log, says what was written and what was truncated, and when.\n"
     "flows: lines of nine fields as in the LANL data set, to stdout: time, duration, source computer and port,\n"
     "destination computer and port, protocol, packets, bytes. Times are seconds from 1 on, 41.6 rows in each; fewer\n"
     "than 7.2 million rows are spread over two days.",
     kGenerateFlags,
     "  leat generate web-log --out demo --lines 1000000\n"
     "  leat generate web-log --out demo --rate 200/s --rotate-every 1000 --delaycompress\n"
     "  leat generate web-log --out demo --lines 0 --rate 200/s --rotation alternate --rotate-every 100\n"
     "  leat generate flows --rows 1000000 > flows.txt"},
    {"state", "show|rewind FILE.toml [PIPELINE]", "look at positions; go back to the beginning of a part",
     "show FILE.toml|DB [PIPELINE]: how far each part is, and what became of its records.\n"
     "rewind FILE.toml PIPELINE --part PART | --all: its rows, its rejects and what they have added to the counts are\n"
     "undone in one transaction; the next run reads it again from its beginning. Refused while the pipeline is "
     "running.\n"
     "Tables written with write = \"merge\" or \"replace\" go back as a whole only.",
     kStateFlags,
     "  leat state show web.db\n"
     "  leat state rewind web.toml logs --part '/var/log/nginx/access.log#3'\n"
     "  leat state rewind web.toml logs --all --yes"},
    {"rejects", "list|retry FILE.toml [PIPELINE]", "records that could not become rows: where, why, and their text",
     "list FILE.toml|DB [PIPELINE]\n"
     "retry FILE.toml [PIPELINE]: decodes them again with the format as it is now, in one transaction; those that fit\n"
     "become rows. Refused while the pipeline is running.",
     kRejectsFlags,
     "  leat rejects list web.db\n"
     "  leat rejects list web.toml logs -n 100 --by-file\n"
     "  leat rejects list web.db --json\n"
     "  leat rejects retry web.toml"},
    {"list", "[sources|decoders|transforms|sinks|formats|functions] [NAME]",
     "what there is, with options, types, defaults and help", "", kListFlags,
     "  leat list\n"
     "  leat list sources file\n"
     "  leat list formats nginx_combined"},
}};

}  // namespace

std::span<const CommandKind> command_kinds() {
  return kCommands;
}

std::string root_help() {
  std::string text =
      "leat carries logs, files and HTTP APIs into a database: every record once, nothing lost, counted while they "
      "flow.\n\n"
      "usage: leat COMMAND …\n\ncommands:\n";
  for (const CommandKind& kind : kCommands) text += fmt::format("  {:<8} {}\n", kind.name, kind.help);
  return text +
         "\n  leat COMMAND --help   options and examples of a command\n"
         "  leat --version        the version\n\n"
         "examples:\n"
         "  leat logs /var/log/nginx/access.log --to web.db\n"
         "  sqlite3 web.db 'select * from visitors_per_day'\n"
         "  leat load flows.csv --to flows.db\n";
}

std::string help_of(const CommandKind& kind) {
  std::string text = fmt::format("usage: leat {} {} [OPTION...]\n\n{}.\n", kind.name, kind.arguments, kind.help);
  if (!kind.more.empty()) text += fmt::format("{}\n", kind.more);
  text += "\noptions:\n";
  for (const Flag& flag : kind.flags) {
    text += fmt::format("  {:<19} {}\n", fmt::format("{} {}", flag.name, flag.value), flag.help);
  }
  return text + fmt::format("\nexamples:\n{}\n", kind.examples);
}

}  // namespace leat::app
