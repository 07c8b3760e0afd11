#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <optional>

#include "app/command_table.h"
#include "app/commands.h"
#include "base/text.h"
#include "config/complaints.h"

namespace leat::app {
namespace {

constexpr const char* kVersion = "0.1.0";

SayCommand wrong(const std::string& text, std::string_view command) {
  const std::string_view space = command.empty() ? "" : " ";
  return {fmt::format("leat{}{}: {}\nsee: leat{}{} --help\n", space, command, text, space, command), 2};
}

// What stood on the command line, by name.
struct Given {
  std::map<std::string, std::string, std::less<>> values;
  std::map<std::string, bool, std::less<>> switches;
  std::vector<std::string> arguments;
  [[nodiscard]] bool has(std::string_view name) const {
    const auto at = switches.find(name);
    return at != switches.end() && at->second;
  }
  [[nodiscard]] std::string value(std::string_view name, const std::string& standard = "") const {
    const auto at = values.find(name);
    return at == values.end() ? standard : at->second;
  }
};

// The arguments of one command, taken apart by CLI11; what is wrong with them otherwise.
std::optional<SayCommand> take_apart(const CommandKind& kind, std::vector<std::string> arguments, Given& given) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::string_view> names;
  std::map<std::string, CLI::Option*> found;
  for (const Flag& flag : kind.flags) {
    const std::string name(flag.name);
    names.push_back(flag.name);
    if (flag.value.empty()) {
      app.add_flag(name == "--help"    ? "-h,--help"
                   : name == "--quiet" ? "-q,--quiet"
                                       : name,
                   given.switches[name])
          ->disable_flag_override();
    } else {
      found[name] = app.add_option(name, given.values[name])->take_last();
    }
  }
  app.add_option("arguments", given.arguments);
  std::reverse(arguments.begin(), arguments.end());  // the order that CLI11 takes a vector in
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    // The one failure that the definitions above leave: an option without its value, or a switch with one.
    const std::string text = error.what();
    const std::string name = text.substr(0, text.find_first_of(": "));
    const bool is_switch = given.switches.contains(name);
    return wrong(name.starts_with("-")
                     ? fmt::format("option {} {}", name, is_switch ? "takes no value" : "needs a value")
                     : visible(text),
                 kind.name);
  }
  if (given.has("--help")) return SayCommand{help_of(kind), 0};
  for (const std::string& extra : app.remaining()) {
    if (extra == "--") continue;
    const std::string name = extra.substr(0, extra.find('='));
    return wrong(fmt::format("unknown option {}{}", leat::quoted(name), suggestion(name, names)), kind.name);
  }
  for (const auto& [name, option] : found) {
    if (option->count() > 1) return wrong(fmt::format("option {} is there {} times", name, option->count()), kind.name);
    if (option->count() == 0) {
      given.values.erase(name);
    } else if (given.values[name].empty()) {
      return wrong(fmt::format("the value of {} is empty", name), kind.name);
    }
  }
  for (const std::string& argument : given.arguments) {
    if (argument.empty()) return wrong("an argument is empty", kind.name);
  }
  return std::nullopt;
}

// "needs …" when fewer than `least` arguments stand there, "too many" when more than `most`.
std::optional<SayCommand> count(const CommandKind& kind, const Given& given, size_t least, size_t most) {
  if (given.arguments.size() < least) {
    return wrong(fmt::format("{} is missing", kind.arguments.substr(0, kind.arguments.find(' '))), kind.name);
  }
  if (given.arguments.size() > most) {
    return wrong(fmt::format("{} is one argument too many", leat::quoted(given.arguments[most])), kind.name);
  }
  return std::nullopt;
}

Command logs_command(const CommandKind& kind, const Given& given) {
  if (given.arguments.empty()) return wrong("name at least one log FILE", kind.name);
  LogsCommand command;
  command.files = given.arguments;
  command.to = given.value("--to", command.to);
  command.table = given.value("--table", command.table);
  command.format = given.value("--format");
  command.save = given.value("--save");
  command.once = given.has("--once");
  command.quiet = given.has("--quiet");
  return command;
}

Command load_command(const CommandKind& kind, const Given& given) {
  if (given.arguments.empty()) return wrong("name at least one FILE, or - for standard input", kind.name);
  LoadCommand command;
  command.files = given.arguments;
  command.to = given.value("--to");
  if (command.to.empty()) return wrong("say where to: --to web.db", kind.name);
  command.table = given.value("--table");
  command.format = given.value("--format");
  command.records = given.value("--records");
  if (const std::string header = given.value("--header"); !header.empty()) {
    if (header != "yes" && header != "no") {
      return wrong(fmt::format("--header is yes or no, not {}", leat::quoted(header)), kind.name);
    }
    command.header = header == "yes";
  }
  const std::string key = given.value("--key");
  for (const std::string_view column : split(key, ',')) {
    if (!trim(column).empty()) command.key.emplace_back(trim(column));
  }
  command.write = given.value("--write");
  command.save = given.value("--save");
  command.quiet = given.has("--quiet");
  return command;
}

// The whole number of an option; its standard when it is not there.
std::optional<SayCommand> take_number(const CommandKind& kind, const Given& given, std::string_view name, int64_t least,
                                      uint64_t& number) {
  const std::string text = given.value(name);
  if (text.empty()) return std::nullopt;
  const std::optional<int64_t> found = parse_integer(text);
  if (!found || *found < least) {
    return wrong(
        fmt::format("the value of {} must be a whole number from {} on, not {}", name, least, leat::quoted(text)),
        kind.name);
  }
  number = static_cast<uint64_t>(*found);
  return std::nullopt;
}

Command peek_command(const CommandKind& kind, const Given& given) {
  if (given.arguments.size() == 1) return wrong("SOURCE is missing: the NAME of a [sources.NAME]", kind.name);
  if (auto problem = count(kind, given, 2, 2)) return *problem;
  PeekCommand command{given.arguments[0], given.arguments[1]};
  if (auto problem = take_number(kind, given, "-n", 1, command.records)) return *problem;
  command.json = given.has("--json");
  return command;
}

// The first argument says what of two things is to be done, the second to what.
std::optional<SayCommand> which(const CommandKind& kind, const Given& given, std::string_view name,
                                std::string_view first, std::string_view second, bool& is_second) {
  if (given.arguments.empty()) return wrong(fmt::format("say what: leat {} {}|{}", name, first, second), kind.name);
  is_second = given.arguments[0] == second;
  if (!is_second && given.arguments[0] != first) {
    return wrong(fmt::format("{} is not something that can be done with {}; say: leat {} {}|{}",
                             leat::quoted(given.arguments[0]), name, name, first, second),
                 kind.name);
  }
  if (given.arguments.size() < 2)
    return wrong(is_second ? "FILE.toml is missing" : "FILE.toml|DB is missing", kind.name);
  return count(kind, given, 2, 3);
}

Command state_command(const CommandKind& kind, const Given& given) {
  StateCommand command;
  if (auto problem = which(kind, given, "state", "show", "rewind", command.rewind)) return *problem;
  command.target = given.arguments[1];
  if (given.arguments.size() > 2) command.pipeline = given.arguments[2];
  command.json = given.has("--json");
  command.part = given.value("--part");
  command.all = given.has("--all");
  command.yes = given.has("--yes");
  if (!command.rewind) {
    if (!command.part.empty() || command.all || command.yes) {
      return wrong("--part, --all and --yes are for rewind", kind.name);
    }
    return command;
  }
  if (command.pipeline.empty()) return wrong("PIPELINE is missing", kind.name);
  if (command.part.empty() != command.all) {
    return wrong("say what is to be undone: --part PART (see: leat state show) or --all", kind.name);
  }
  return command;
}

Command rejects_command(const CommandKind& kind, const Given& given) {
  RejectsCommand command;
  if (auto problem = which(kind, given, "rejects", "list", "retry", command.retry)) return *problem;
  command.target = given.arguments[1];
  if (given.arguments.size() > 2) command.pipeline = given.arguments[2];
  if (auto problem = take_number(kind, given, "-n", 1, command.limit)) return *problem;
  if (auto problem = take_number(kind, given, "--skip", 0, command.skip)) return *problem;
  command.by_file = given.has("--by-file");
  command.json = given.has("--json");
  return command;
}

Command command_of(const CommandKind& kind, const Given& given) {
  const std::vector<std::string>& arguments = given.arguments;
  if (kind.name == "logs") return logs_command(kind, given);
  if (kind.name == "load") return load_command(kind, given);
  if (kind.name == "run") {
    if (auto problem = count(kind, given, 1, SIZE_MAX)) return *problem;
    return RunCommand{arguments[0],
                      {arguments.begin() + 1, arguments.end()},
                      given.has("--once"),
                      given.has("--json"),
                      given.has("--quiet")};
  }
  if (kind.name == "rebuild") {
    if (auto problem = count(kind, given, 1, 2)) return *problem;
    return RebuildCommand{arguments[0], arguments.size() < 2 ? "" : arguments[1], given.has("--quiet")};
  }
  if (kind.name == "peek") return peek_command(kind, given);
  if (kind.name == "rejects") return rejects_command(kind, given);
  if (kind.name == "state") return state_command(kind, given);
  if (kind.name == "plan") {
    if (auto problem = count(kind, given, 1, 2)) return *problem;
    return PlanCommand{arguments[0], arguments.size() < 2 ? "" : arguments[1]};
  }
  if (auto problem = count(kind, given, kind.name == "list" ? 0 : 1, kind.name == "list" ? 2 : 1)) return *problem;
  if (kind.name == "check") return CheckCommand{arguments[0], given.has("--quiet")};
  if (kind.name == "status") return StatusCommand{arguments[0], given.has("--json")};
  if (kind.name == "verify") {
    return VerifyCommand{arguments[0], given.has("--json"), given.has("--strict"), given.has("--quiet")};
  }
  if (kind.name == "generate") {
    return GenerateCommand{arguments[0],
                           {given.values.begin(), given.values.end()},
                           given.has("--dateext"),
                           given.has("--compress"),
                           given.has("--delaycompress"),
                           given.has("--quiet")};
  }
  if (kind.name == "serve") return ServeCommand{arguments[0], given.value("--listen"), given.has("--quiet")};
  if (kind.name == "top") return TopCommand{arguments[0], given.has("--once")};
  return ListCommand{arguments.empty() ? "" : arguments[0], arguments.size() < 2 ? "" : arguments[1],
                     given.has("--json")};
}

}  // namespace

Command parse_command_line(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return SayCommand{root_help(), 2};
  const std::string& first = arguments[0];
  if (first == "--help" || first == "-h" || first == "help") {
    if (arguments.size() == 1) return SayCommand{root_help(), 0};
    return parse_command_line({arguments[1], "--help"});
  }
  if (first == "--version") return SayCommand{fmt::format("leat {}\n", kVersion), 0};
  std::vector<std::string_view> names;
  for (const CommandKind& kind : command_kinds()) {
    names.push_back(kind.name);
    if (kind.name != first) continue;
    Given given;
    if (auto say = take_apart(kind, {arguments.begin() + 1, arguments.end()}, given)) return *say;
    return command_of(kind, given);
  }
  if (first.starts_with('-')) {
    return wrong(fmt::format("unknown option {}; options stand behind a command", leat::quoted(first)), "");
  }
  return wrong(fmt::format("unknown command {}{}", leat::quoted(first), suggestion(first, names)), "");
}

}  // namespace leat::app
