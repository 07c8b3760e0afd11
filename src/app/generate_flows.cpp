#include "app/generate_flows.h"

#include <algorithm>

#include "app/line_bar.h"

namespace leat::app {
namespace {

constexpr uint64_t kAtOnce = 2000;  // lines: some 80 KiB

}  // namespace

Result<FlowSettings> plan_flows(const GenerateCommand& command) {
  FlowSettings settings;
  LEAT_ASSIGN(settings.rows, option_number(command.options, "--rows", settings.rows, 0));
  LEAT_ASSIGN(settings.seed, option_number(command.options, "--seed", settings.seed, 0));
  LEAT_ASSIGN(settings.broken, option_number(command.options, "--broken", 0, 1));
  return settings;
}

void write_flows(const FlowSettings& settings, os::Clock& clock, const std::stop_token& stop, std::ostream& out,
                 Talk& talk) {
  FlowLines lines(settings);
  LineBar bar(settings.rows, clock, talk);
  std::string text;
  uint64_t written = 0;
  while (!stop.stop_requested() && (settings.rows == 0 || written < settings.rows)) {
    const uint64_t count = settings.rows == 0 ? kAtOnce : std::min(kAtOnce, settings.rows - written);
    text.clear();
    for (uint64_t i = 0; i < count; ++i) lines.add(text);
    if (!out.write(text.data(), static_cast<std::streamsize>(text.size()))) break;
    written += count;
    bar.look(written);
  }
  talk.wipe();
}

}  // namespace leat::app
