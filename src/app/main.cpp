#include <unistd.h>

#include <iostream>

#include "app/command.h"
#include "os/terminal.h"

int main(int argc, char** argv) {
  const leat::os::StopOnSignals signals;
  std::ios::sync_with_stdio(false);
  const bool terminal = leat::os::is_terminal(STDERR_FILENO) && leat::os::environment("TERM") != "dumb";
  const leat::app::Surroundings surroundings{
      .out = std::cout,
      .err = std::cerr,
      .err_is_terminal = terminal,
      .colour = terminal && leat::os::environment("NO_COLOR").empty(),
      .stop = signals.token(),
      .overrides = {},
  };
  return leat::app::run_command({argv + 1, argv + argc}, surroundings);
}
