#include "app/generate_web_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/line_bar.h"
#include "base/text.h"
#include "base/time.h"
#include "config/complaints.h"

namespace leat::app {
namespace {

constexpr int64_t kFirstSecond = 1'767'225'600;  // 2026-01-01 00:00:00 UTC
constexpr double kLinesPerSecond = 10;           // of the log's own clock, without --rate
constexpr uint64_t kTickMs = 4;
constexpr uint64_t kMostAtOnce = 1000;  // lines
constexpr uint64_t kMostNumbers = 999;  // of rotated files: docs/formats/file-source.md, "Families"

using Options = GenerateCommand::Options;

Result<double> rate(const Options& options) {
  const auto at = options.find("--rate");
  if (at == options.end()) return 0.0;
  const std::string_view text = at->second;
  const std::string_view count = text.substr(0, text.find('/'));
  const std::string_view unit = count.size() == text.size() ? "s" : text.substr(count.size() + 1);
  const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  const auto value = parse_integer(count);
  if (seconds == 0 || !value || *value < 1 || *value > 100'000'000) {
    return Status::bad_config(fmt::format("--rate: {} is not a rate; write it as 200/s, 200/m or 200/h", quoted(text)));
  }
  return static_cast<double>(*value) / seconds;
}

Result<int64_t> start_of(const Options& options, int64_t now) {
  const auto at = options.find("--clock");
  if (at == options.end()) return kFirstSecond * kMicrosPerSecond;
  if (at->second == "now") return now;
  int64_t start = 0;
  const std::string text = at->second.size() == 10 ? at->second + "T00:00:00" : at->second;
  if (!parse_time(text.data(), text.size(), &start)) {
    return Status::bad_config(
        fmt::format("--clock: {} is not a time; write it as 2026-01-31T12:00:00Z (UTC), or now", quoted(at->second)));
  }
  return start;
}

Result<RotationKind> rotation(const Options& options) {
  constexpr std::array<std::pair<std::string_view, RotationKind>, 5> kKinds{{
      {"alternate", RotationKind::alternate},
      {"rename", RotationKind::rename},
      {"copytruncate", RotationKind::copytruncate},
      {"truncate", RotationKind::truncate},
      {"none", RotationKind::none},
  }};
  const auto at = options.find("--rotation");
  if (at == options.end()) return options.contains("--rotate-every") ? RotationKind::rename : RotationKind::none;
  std::vector<std::string_view> names;
  for (const auto& [name, kind] : kKinds) {
    if (name == at->second) return kind;
    names.push_back(name);
  }
  return Status::bad_config(
      fmt::format("--rotation: unknown kind {}{}", quoted(at->second), suggestion(at->second, names)));
}

}  // namespace

Result<WebLogPlan> plan_web_log(const GenerateCommand& command, int64_t now) {
  const Options& options = command.options;
  WebLogPlan plan;
  LEAT_ASSIGN(plan.lines, option_number(options, "--lines", 10'000, 0));
  LEAT_ASSIGN(plan.per_second, rate(options));
  LEAT_ASSIGN(plan.seed, option_number(options, "--seed", 1, 0));
  LEAT_ASSIGN(plan.start, start_of(options, now));
  WrittenLogSettings& log = plan.log;
  LEAT_ASSIGN(log.rotation, rotation(options));
  LEAT_ASSIGN(log.every, option_number(options, "--rotate-every", 1000, 1));
  LEAT_ASSIGN(log.keep, option_number(options, "--keep", 0, 1));
  const auto out = options.find("--out");
  log.directory = out == options.end() ? "." : out->second;
  const auto copy = options.find("--copy");
  log.copy = copy == options.end() ? "" : copy->second;
  log.dateext = command.dateext;
  log.compress = command.compress || command.delaycompress;
  log.delaycompress = command.delaycompress;
  log.seed = plan.seed;
  log.in_pieces = plan.per_second > 0;
  const bool keeps_old = log.rotation == RotationKind::rename || log.rotation == RotationKind::copytruncate;
  if (options.contains("--rotate-every") && log.rotation == RotationKind::none) {
    return Status::bad_config("--rotate-every: has no use with --rotation none");
  }
  if (!keeps_old && (log.dateext || log.compress || log.keep > 0)) {
    return Status::bad_config(
        "--dateext, --compress, --delaycompress and --keep are for rotated files; give --rotation rename or "
        "copytruncate");
  }
  const bool many = plan.lines == 0 || (plan.lines - 1) / log.every > kMostNumbers;
  if (keeps_old && !log.dateext && (log.keep > kMostNumbers || (log.keep == 0 && many))) {
    return Status::bad_config(
        fmt::format("the rotated files would be more than {}; give --keep N, or --dateext", kMostNumbers));
  }
  return plan;
}

Status write_web_log(const WebLogPlan& plan, os::Clock& clock, const std::stop_token& stop, Talk& talk) {
  LEAT_ASSIGN(const auto log, WrittenLog::make(plan.log, clock));
  const double pace = plan.per_second > 0 ? plan.per_second : kLinesPerSecond;
  WebLogLines lines(plan.seed, plan.start, static_cast<int64_t>(static_cast<double>(kMicrosPerSecond) / pace));
  LineBar bar(plan.lines, clock, talk);
  std::string text;
  const uint64_t begun = clock.steady_ms();
  while (!stop.stop_requested() && (plan.lines == 0 || log->lines() < plan.lines)) {
    uint64_t due = kMostAtOnce;
    if (plan.per_second > 0) {
      const auto should_be =
          static_cast<uint64_t>(static_cast<double>(clock.steady_ms() - begun) / 1000 * plan.per_second);
      due = std::min(due, should_be - std::min(should_be, log->lines()));
    }
    if (plan.lines > 0) due = std::min(due, plan.lines - log->lines());
    if (due == 0) {
      (void)clock.wait_ms(kTickMs, stop);
    } else {
      LEAT_ASSIGN(const uint64_t room, log->room());
      due = std::min(due, room);
      text.clear();
      for (uint64_t i = 0; i < due; ++i) lines.add(text);
      LEAT_TRY(log->write(text, due, lines.clock()));
    }
    LEAT_TRY(log->save_journal_if_due());
    bar.look(log->lines());
  }
  LEAT_TRY(log->end());
  talk.wipe();
  talk.line(fmt::format("{}: {} lines, {}, {} rotations; journal.json beside it says more", visible(log->live_path()),
                        with_commas(log->lines()), human_bytes(log->bytes()), with_commas(log->rotations())));
  return {};
}

}  // namespace leat::app
