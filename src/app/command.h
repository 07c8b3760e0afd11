#pragma once

// The whole program as a function, so that main() and tests call the same: arguments in, two streams and an exit
// status out. It reads files and writes the sinks that the arguments name; it touches no signal handlers and no
// environment variable but those that a pipeline file names. May be called again; one call at a time.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

namespace leat::app {

// Settings that users have no option for, for tests: the same case must give the same tables under all of them.
struct TestOverrides {
  std::optional<uint64_t> chunk_bytes;     // FileOptions::chunk_bytes
  std::optional<size_t> queue_batches;     // EngineOptions::queue_batches
  std::optional<uint64_t> commit_rows;     // EngineOptions::commit_rows
  bool restart_after_each_commit = false;  // EngineOptions::restart_after_each_commit
  std::string vfs;                         // SqliteOptions::vfs
};

struct Surroundings {
  std::ostream& out;               // results
  std::ostream& err;               // talk
  bool err_is_terminal = false;    // progress and the live view are drawn on `err`
  bool colour = false;             // `err` is a terminal and NO_COLOR is not set
  bool out_is_terminal = false;    // `out` can be redrawn in place
  bool out_colour = false;         // and NO_COLOR is not set
  size_t out_columns = 0;          // of the terminal that `out` is; 0: it is none
  std::stop_token stop;            // SIGINT or SIGTERM
  std::string notify_socket = {};  // of a service manager that wants to know when it runs (os/service.h)
  TestOverrides overrides;
};

// Arguments without the program's name: {"run", "web.toml", "--once"}. 0 all done; 1 something failed; 2 wrong usage or
// configuration (docs/commands.md).
int run_command(const std::vector<std::string>& arguments, const Surroundings& surroundings);

}  // namespace leat::app
