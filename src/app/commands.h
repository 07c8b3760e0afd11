#pragma once

// The commands as plain values, and the functions that carry them out. Each function: results on `out`, talk on `err`,
// the exit status as its value.

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "app/command.h"
#include "base/status.h"

namespace leat::app {

struct LogsCommand {
  std::vector<std::string> files;
  std::string to = "leat.db";
  std::string table = "access_log";
  std::string format;
  std::string save;
  bool once = false;
  bool quiet = false;
};

struct LoadCommand {
  std::vector<std::string> files;  // or "-" alone
  std::string to;
  std::string table;           // empty: by the first file's name
  std::string format;          // csv, json, xml; empty: recognised
  std::string records;         // of json and xml: where the records are
  std::optional<bool> header;  // csv: whether the first line has the names; absent: as it looks
  std::vector<std::string> key;
  std::string write;  // empty: as the key says
  std::string save;
  bool quiet = false;
};

struct RunCommand {
  std::string file;
  std::vector<std::string> pipelines;  // empty: all
  bool once = false;
  bool json = false;
  bool quiet = false;
};

struct CheckCommand {
  std::string file;
  bool quiet = false;
};

struct StatusCommand {
  std::string target;  // a pipeline file or a database
  bool json = false;
};

struct VerifyCommand {
  std::string target;
  bool json = false;
  bool strict = false;
  bool quiet = false;
};

struct RebuildCommand {
  std::string target;     // a pipeline file or a database
  std::string aggregate;  // empty: all
  bool quiet = false;
};

struct GenerateCommand {
  using Options = std::map<std::string, std::string, std::less<>>;
  std::string kind;
  Options options;  // "--lines" → "1000": only those that were given
  bool dateext = false;
  bool compress = false;
  bool delaycompress = false;
  bool quiet = false;
};

struct ListCommand {
  std::string kind;  // empty: everything
  std::string name;
  bool json = false;
};

struct TopCommand {
  std::string target;
  bool once = false;
};

struct PeekCommand {
  std::string file;
  std::string source;
  uint64_t records = 10;
  bool json = false;
};

struct PlanCommand {
  std::string file;
  std::string pipeline;  // empty: all
};

struct StateCommand {
  std::string target;    // a pipeline file or a database; to rewind, a pipeline file
  std::string pipeline;  // empty: all
  bool json = false;
  bool rewind = false;
  std::string part;
  bool all = false;  // parts
  bool yes = false;
};

struct RejectsCommand {
  bool retry = false;  // else they are listed
  std::string target;
  std::string pipeline;  // empty: all
  uint64_t limit = 20;
  uint64_t skip = 0;
  bool by_file = false;  // else the newest first
  bool json = false;
};

struct ServeCommand {
  std::string target;  // a pipeline file or a database
  std::string listen;  // empty: as the file says, or the standard
  bool quiet = false;
};

// Help, the version, or what is wrong with the arguments.
struct SayCommand {
  std::string text;
  int status = 0;  // 0: on `out`
};

using Command = std::variant<SayCommand, LogsCommand, LoadCommand, RunCommand, CheckCommand, StatusCommand,
                             VerifyCommand, RebuildCommand, GenerateCommand, ListCommand, TopCommand, PeekCommand,
                             PlanCommand, StateCommand, RejectsCommand, ServeCommand>;

// An option of `leat generate` as a whole number of `least` and more. bad_config: it is none.
Result<uint64_t> option_number(const GenerateCommand::Options& options, const std::string& name, uint64_t standard,
                               uint64_t least);

Command parse_command_line(const std::vector<std::string>& arguments);

int do_logs(const LogsCommand& command, const Surroundings& surroundings);
int do_load(const LoadCommand& command, const Surroundings& surroundings);
int do_run(const RunCommand& command, const Surroundings& surroundings);
int do_check(const CheckCommand& command, const Surroundings& surroundings);
int do_status(const StatusCommand& command, const Surroundings& surroundings);
int do_verify(const VerifyCommand& command, const Surroundings& surroundings);
int do_rebuild(const RebuildCommand& command, const Surroundings& surroundings);
int do_generate(const GenerateCommand& command, const Surroundings& surroundings);
int do_list(const ListCommand& command, const Surroundings& surroundings);
int do_top(const TopCommand& command, const Surroundings& surroundings);
int do_peek(const PeekCommand& command, const Surroundings& surroundings);
int do_plan(const PlanCommand& command, const Surroundings& surroundings);
int do_state(const StateCommand& command, const Surroundings& surroundings);
int do_rejects(const RejectsCommand& command, const Surroundings& surroundings);
int do_rejects_retry(const RejectsCommand& command, const Surroundings& surroundings);
int do_serve(const ServeCommand& command, const Surroundings& surroundings);

}  // namespace leat::app
