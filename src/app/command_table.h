#pragma once

// The commands with their options, as `leat --help` shows them. Constants; any thread.

#include <span>
#include <string>
#include <string_view>

namespace leat::app {

struct Flag {
  std::string_view name;   // "--to"
  std::string_view value;  // "DB"; empty: a switch
  std::string_view help;
};

struct CommandKind {
  std::string_view name;
  std::string_view arguments;
  std::string_view help;
  std::string_view more;  // what else the reader should know; lines
  std::span<const Flag> flags;
  std::string_view examples;
};

// In the order in which they are shown.
std::span<const CommandKind> command_kinds();

// Of `leat --help`, and of `leat COMMAND --help`.
std::string root_help();
std::string help_of(const CommandKind& kind);

}  // namespace leat::app
