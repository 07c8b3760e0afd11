#include <malloc.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "app/command.h"
#include "os/screen.h"
#include "os/terminal.h"

namespace {

// Chunks and batches are made in one thread and freed in another, all the time: their memory is not given back to the
// system in between, which would clear its pages anew for each. Larger blocks are, at once. Each arena keeps some: two
// are enough for threads that ask for chunks and batches, not for cells.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kMiB = 1024 * 1024;
  mallopt(M_MMAP_THRESHOLD, 2 * kMiB);
  mallopt(M_TRIM_THRESHOLD, 2 * kMiB);
  mallopt(M_ARENA_MAX, 2);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  const leat::os::StopOnSignals signals;
  std::ios::sync_with_stdio(false);
  const std::string term = leat::os::environment("TERM");
  const bool terminal = leat::os::is_terminal(STDERR_FILENO) && term != "dumb";
  const bool out_terminal = leat::os::is_terminal(STDOUT_FILENO) && term != "dumb";
  const bool no_colour = !leat::os::environment("NO_COLOR").empty();
  const leat::app::Surroundings surroundings{
      .out = std::cout,
      .err = std::cerr,
      .err_is_terminal = terminal,
      .colour = terminal && !no_colour,
      .out_is_terminal = out_terminal,
      .out_colour = out_terminal && !no_colour,
      .out_columns = leat::os::is_terminal(STDOUT_FILENO) ? leat::os::terminal_size(STDOUT_FILENO).columns : 0,
      .stop = signals.token(),
      .notify_socket = leat::os::environment("NOTIFY_SOCKET"),
      .overrides = {},
  };
  return leat::app::run_command({argv + 1, argv + argc}, surroundings);
}
