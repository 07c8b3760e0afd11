#pragma once

// When a pipeline runs: "every 3h", or five fields of cron in a time zone. Pure: the time is handed in. One thread per
// Schedule.
//
// "every D" is each multiple of D since 1970-01-01 00:00 UTC, so that a restart does not move it. The fields of cron
// are minute (0–59), hour (0–23), day of the month (1–31), month (1–12, jan–dec) and day of the week (0–7, sun–sat; 0
// and 7 are Sunday): "*", lists "1,15", ranges "mon-fri", steps "*/3" and "8-18/2". Where both days are restricted (do
// not begin with "*"), either of them is enough. A time that the clock skips (summer time begins) is the moment at
// which it goes on; one that comes twice is its first.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "lookup/time_zone.h"

namespace leat {

class Schedule {
 public:
  // bad_config: neither of both, a time that never comes, an unknown time zone.
  static Result<Schedule> parse(std::string_view text, const std::string& timezone);

  // The first moment after `seconds`; both UTC, since 1970.
  int64_t next_after(int64_t seconds);

  // From when on to count where the last run began at `last` and the clock stands at `now`: next_after() of it is when
  // the next run is due; in the past, it was missed. It is `last` but where the clock was set back meanwhile by more
  // than from one run to the next: the times come again, and so do the runs, from `now` on. Where it was set back by
  // less, what has run does not run again.
  int64_t count_from(int64_t last, int64_t now);

 private:
  explicit Schedule(TimeZone zone) : zone_(zone) {}
  Status parse_cron(std::string_view text);
  [[nodiscard]] bool is_day(int64_t days) const;
  int64_t utc_of(int64_t local);

  TimeZone zone_;
  int64_t every_ = 0;  // seconds; 0: the fields, a bit for each number
  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t days_ = 0;
  uint64_t months_ = 0;
  uint64_t weekdays_ = 0;
  bool any_day_ = false;  // begins with "*"
  bool any_weekday_ = false;
};

}  // namespace leat
