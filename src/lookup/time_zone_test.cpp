#include "lookup/time_zone.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/time.h"

namespace leat {
namespace {

int64_t seconds(const char* text) {
  int64_t micros = 0;
  EXPECT_TRUE(parse_time(text, 19, &micros)) << text;
  return floor_div(micros, kMicrosPerSecond);
}

struct Moment {
  const char* zone;
  const char* utc;
  int64_t offset;
};

class TimeZoneOffset : public testing::TestWithParam<Moment> {};

TEST_P(TimeZoneOffset, IsWhatTheZoneHad) {
  auto zone = TimeZone::find(GetParam().zone);
  ASSERT_TRUE(zone.ok()) << zone.status().message();
  EXPECT_EQ(zone->offset_at(seconds(GetParam().utc)), GetParam().offset);
}

INSTANTIATE_TEST_SUITE_P(
    All, TimeZoneOffset,
    testing::Values(
        Moment{"UTC", "2025-06-01 00:00:00", 0}, Moment{"Etc/UTC", "1900-01-01 00:00:00", 0},
        Moment{"Europe/Berlin", "2025-03-30 00:59:59", 3600}, Moment{"Europe/Berlin", "2025-03-30 01:00:00", 7200},
        Moment{"Europe/Berlin", "2025-10-26 00:59:59", 7200}, Moment{"Europe/Berlin", "2025-10-26 01:00:00", 3600},
        Moment{"Europe/Berlin", "2036-07-01 00:00:00", 7200},  // zone data must list or rule the future
        Moment{"Europe/Berlin", "1965-07-01 00:00:00", 3600},
        Moment{"Europe/Berlin", "1880-01-01 00:00:00", 53 * 60 + 28},  // local mean time
        Moment{"Asia/Kolkata", "2025-01-01 00:00:00", 19800}, Moment{"Asia/Kathmandu", "2025-01-01 00:00:00", 20700},
        Moment{"Asia/Kathmandu", "1975-01-01 00:00:00", 19800},
        Moment{"America/St_Johns", "2025-01-01 00:00:00", -12600},
        Moment{"America/St_Johns", "2025-07-01 00:00:00", -9000},
        Moment{"Australia/Lord_Howe", "2025-01-01 00:00:00", 39600},  // half an hour of summer time
        Moment{"Australia/Lord_Howe", "2025-07-01 00:00:00", 37800},
        Moment{"Pacific/Apia", "2011-12-30 09:59:59", -36000},  // skipped a whole day
        Moment{"Pacific/Apia", "2011-12-30 10:00:00", 50400}));

TEST(TimeZone, JumpingBackAndForthAcrossAChange) {
  auto zone = TimeZone::find("Europe/Berlin");
  ASSERT_TRUE(zone.ok());
  const int64_t change = seconds("2025-03-30 01:00:00");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(zone->offset_at(change - 1), 3600);
    EXPECT_EQ(zone->offset_at(change), 7200);
  }
}

TEST(TimeZone, TimesBeyondTheLibrarysCalendar) {
  auto zone = TimeZone::find("Asia/Kolkata");
  ASSERT_TRUE(zone.ok());
  const int64_t last = INT64_MAX / kMicrosPerSecond;
  EXPECT_EQ(zone->offset_at(last), 19800);
  EXPECT_EQ(zone->offset_at(0), 19800);
  EXPECT_NO_THROW(zone->offset_at(-last));
}

TEST(TimeZone, UnknownNames) {
  EXPECT_EQ(TimeZone::find("Europe/Berln").status().message(),
            "unknown time zone 'Europe/Berln' (did you mean 'Europe/Berlin'?)");
  EXPECT_EQ(TimeZone::find("Utc ").status().kind(), Kind::bad_config);
  EXPECT_EQ(TimeZone::find("Middle-earth/Shire\n").status().message(),
            "unknown time zone 'Middle-earth/Shire\\n' (names are like 'Europe/Berlin' or 'UTC')");
  EXPECT_EQ(TimeZone::find("").status().kind(), Kind::bad_config);
  EXPECT_EQ(TimeZone::find("../../etc/passwd").status().kind(), Kind::bad_config);
}

class MachineZone : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* now = getenv("TZ"); now != nullptr) before_ = now;
  }
  void TearDown() override {
    if (before_.empty()) {
      unsetenv("TZ");
    } else {
      setenv("TZ", before_.c_str(), 1);
    }
  }
  std::string before_;
};

TEST_F(MachineZone, IsTheVariableIfItNamesAZone) {
  setenv("TZ", "Asia/Kathmandu", 1);
  EXPECT_EQ(TimeZone::machine_zone(), "Asia/Kathmandu");
  setenv("TZ", ":Europe/Berlin", 1);
  EXPECT_EQ(TimeZone::machine_zone(), "Europe/Berlin");
  setenv("TZ", "", 1);
  EXPECT_EQ(TimeZone::machine_zone(), "UTC");
  setenv("TZ", "Etc/UTC", 1);
  EXPECT_EQ(TimeZone::machine_zone(), "UTC");
}

TEST_F(MachineZone, ElseTheMachinesOwnAndAlwaysOneThatCanBeFound) {
  unsetenv("TZ");
  const std::string own = TimeZone::machine_zone();
  EXPECT_TRUE(TimeZone::find(own).ok()) << own;
  setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  EXPECT_EQ(TimeZone::machine_zone(), own);
}

}  // namespace
}  // namespace leat
