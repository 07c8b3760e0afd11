#include <fmt/format.h>

#include <algorithm>

#include "app/commands.h"
#include "app/generate_flows.h"
#include "app/generate_web_log.h"
#include "base/text.h"
#include "config/complaints.h"

namespace leat::app {
namespace {

constexpr uint64_t kMostLines = 1ULL << 50;
constexpr std::string_view kFlowsOptions[] = {"--rows", "--broken", "--seed"};

// The first option that the kind does not have; empty: it has them all.
std::string foreign_option(const GenerateCommand& command) {
  const bool flows = command.kind == "flows";
  for (const auto& [name, value] : command.options) {
    const bool of_flows =
        std::find(std::begin(kFlowsOptions), std::end(kFlowsOptions), name) != std::end(kFlowsOptions);
    if (name != "--seed" && of_flows != flows) return name;
  }
  if (flows && command.dateext) return "--dateext";
  if (flows && command.compress) return "--compress";
  if (flows && command.delaycompress) return "--delaycompress";
  return "";
}

}  // namespace

Result<uint64_t> option_number(const GenerateCommand::Options& options, const std::string& name, uint64_t standard,
                               uint64_t least) {
  const auto at = options.find(name);
  if (at == options.end()) return standard;
  const auto value = parse_integer(at->second);
  if (!value || *value < static_cast<int64_t>(least) || static_cast<uint64_t>(*value) > kMostLines) {
    return Status::bad_config(fmt::format("{}: {} is not a whole number from {} on", name, quoted(at->second), least));
  }
  return static_cast<uint64_t>(*value);
}

int do_generate(const GenerateCommand& command, const Surroundings& surroundings) {
  const auto refuse = [&](const std::string& text) {
    surroundings.err << "leat generate: " << text << "\nsee: leat generate --help\n";
    return 2;
  };
  if (command.kind != "web-log" && command.kind != "flows") {
    const std::vector<std::string_view> kinds{"web-log", "flows"};
    return refuse(fmt::format("unknown kind {}{}", quoted(command.kind), suggestion(command.kind, kinds)));
  }
  if (const std::string foreign = foreign_option(command); !foreign.empty()) {
    return refuse(fmt::format("{} is not an option of {}", foreign, command.kind));
  }
  // A live block has no place between lines that go to the same terminal.
  const bool drawn = surroundings.err_is_terminal && (command.kind == "web-log" || !surroundings.out_is_terminal);
  Talk talk(surroundings.err, drawn ? Manner::terminal : Manner::plain, surroundings.colour, command.quiet);
  if (command.kind == "flows") {
    const auto settings = plan_flows(command);
    if (!settings.ok()) return refuse(settings.status().message());
    write_flows(*settings, os::clock(), surroundings.stop, surroundings.out, talk);
    return 0;
  }
  const auto plan = plan_web_log(command, os::clock().now_micros());
  if (!plan.ok()) return refuse(plan.status().message());
  const Status outcome = write_web_log(*plan, os::clock(), surroundings.stop, talk);
  if (outcome.ok()) return 0;
  talk.message(NoteLevel::error, outcome.message());
  return outcome.kind() == Kind::bad_config ? 2 : 1;
}

}  // namespace leat::app
