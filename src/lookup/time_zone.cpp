#include "lookup/time_zone.h"

#include <date/tz.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <limits>
#include <string_view>

#include "base/text.h"

namespace leat {
namespace {

// The library's zone, or null: no such zone, or no zone data at all.
const date::time_zone* locate(const std::string& name) noexcept {
  try {
    const date::time_zone* zone = date::locate_zone(name);
    // The library reads a zone's file at its first use; a file that cannot be read shows here and not later.
    (void)zone->get_info(date::sys_seconds{});
    return zone;
  } catch (...) {
    return nullptr;
  }
}

std::vector<std::string_view> zone_names() {
  std::vector<std::string_view> names{"UTC"};
  try {
    for (const date::time_zone& zone : date::get_tzdb().zones) names.emplace_back(zone.name());
  } catch (const std::exception&) {
    names.resize(1);  // no zone data on this machine: only UTC is known
  }
  return names;
}

bool is_utc(std::string_view name) {
  return name == "UTC" || name == "Etc/UTC";
}

}  // namespace

Result<TimeZone> TimeZone::find(const std::string& name) {
  TimeZone result;
  if (is_utc(name)) {  // needs no zone data
    result.begin_ = std::numeric_limits<int64_t>::min();
    result.end_ = std::numeric_limits<int64_t>::max();
    return result;
  }
  const date::time_zone* zone = locate(name);
  if (zone != nullptr) {
    result.zone_ = zone;
    result.load(0);
    return result;
  }
  const std::vector<std::string_view> names = zone_names();
  if (names.size() == 1) {
    return Status::bad_config("unknown time zone " + quoted(name) +
                              ": this machine has no zone data; install the package tzdata, or use 'UTC'");
  }
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return Status::bad_config("time zone " + quoted(name) +
                              ": its file in the machine's zone data cannot be read; reinstall the package tzdata");
  }
  const std::string_view meant = did_you_mean(name, names);
  const std::string hint =
      meant.empty() ? "names are like 'Europe/Berlin' or 'UTC'" : "did you mean " + quoted(meant) + "?";
  return Status::bad_config("unknown time zone " + quoted(name) + " (" + hint + ")");
}

std::string TimeZone::machine_zone() {
  if (const char* variable = std::getenv("TZ"); variable != nullptr) {  // NOLINT(concurrency-mt-unsafe): never set
    std::string name = variable;
    if (!name.empty() && name.front() == ':') name.erase(0, 1);
    if (name.empty() || is_utc(name)) return "UTC";
    if (locate(name) != nullptr) return name;  // else a POSIX rule or a file: not a name that a spec can keep
  }
  try {
    const date::time_zone* zone = date::current_zone();
    if (zone != nullptr && !is_utc(zone->name())) return zone->name();
  } catch (const std::exception&) {
    return "UTC";
  }
  return "UTC";
}

void TimeZone::load(int64_t utc_seconds) {
  if (zone_ == nullptr) return;
  try {
    const auto* zone = static_cast<const date::time_zone*>(zone_);
    const date::sys_info info = zone->get_info(date::sys_seconds{std::chrono::seconds{utc_seconds}});
    begin_ = info.begin.time_since_epoch().count();
    end_ = info.end.time_since_epoch().count();
    offset_ = info.offset.count();
  } catch (...) {
    end_ = begin_;  // cannot be: find() has read the zone. The last offset stands, and the next time looks again.
  }
}

}  // namespace leat
