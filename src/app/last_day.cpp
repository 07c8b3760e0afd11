#include "app/last_day.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/time.h"
#include "db/sqlite.h"
#include "lookup/time_zone.h"
#include "os/clock.h"

namespace leat::app {
namespace {

constexpr uint64_t kLookEveryMs = 2000;
constexpr const char* kTable = "visitors_per_day";

std::string today_in(const std::string& zone) {
  Result<TimeZone> found = TimeZone::find(zone);
  if (!found.ok()) return "";
  const int64_t seconds = floor_div(os::clock().now_micros(), kMicrosPerSecond);
  return format_day(floor_div(seconds + found->offset_at(seconds), kSecondsPerDay));
}

}  // namespace

std::unique_ptr<LastDay> LastDay::of(const PipelineDeclared& pipeline) {
  if (pipeline.sink.kind->name != "sqlite") return nullptr;
  const std::vector<AggregateSpec> standard = standard_aggregates(pipeline.name, "UTC");
  for (const AggregateSpec& spec : pipeline.plan.aggregates) {
    const bool same = spec.name == kTable && spec.by == standard[0].by && spec.value == standard[0].value;
    if (same) return std::make_unique<LastDay>(pipeline.sink.settings.text("path"), spec.timezone);
  }
  return nullptr;
}

void LastDay::look() {
  SqliteOpen options;
  options.path = path_;
  options.read_only = true;
  options.busy_timeout_ms = 50;
  const auto database = SqliteDatabase::open(options);
  if (!database.ok()) return;
  auto statement = (*database)->prepare(
      fmt::format("SELECT day, visitors, hits FROM {} WHERE day IS NOT NULL ORDER BY day DESC LIMIT 1", kTable));
  if (!statement.ok() || statement->step_code() != SQLITE_ROW) return;
  const std::string day = statement->string(0);
  words_ = fmt::format("{} {} visitors, {} hits", day == today_in(zone_) ? "today" : visible(day) + ":",
                       with_commas(statement->number(1)), with_commas(statement->number(2)));
}

std::string LastDay::words(uint64_t now_ms) {
  if (now_ms >= next_look_ms_) {
    next_look_ms_ = now_ms + kLookEveryMs;
    look();
  }
  return words_;
}

}  // namespace leat::app
