#include "app/generate_web_log.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace leat::app {
namespace {

Result<WebLogPlan> plan(std::map<std::string, std::string, std::less<>> options) {
  GenerateCommand command;
  command.kind = "web-log";
  command.options = std::move(options);
  return plan_web_log(command, 42);
}

TEST(GenerateWebLog, has_defaults) {
  const auto made = plan({});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->lines, 10'000U);
  EXPECT_EQ(made->per_second, 0);
  EXPECT_EQ(made->start, 1'767'225'600'000'000);
  EXPECT_EQ(made->log.directory, ".");
  EXPECT_EQ(made->log.rotation, RotationKind::none);
}

TEST(GenerateWebLog, understands_its_options) {
  const auto made = plan({{"--lines", "0"},
                          {"--rate", "120/m"},
                          {"--rotate-every", "50"},
                          {"--rotation", "copytruncate"},
                          {"--keep", "3"},
                          {"--seed", "7"},
                          {"--clock", "2025-12-31T23:59:59.5Z"}});
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_EQ(made->lines, 0U);
  EXPECT_EQ(made->per_second, 2);
  EXPECT_EQ(made->log.every, 50U);
  EXPECT_EQ(made->log.rotation, RotationKind::copytruncate);
  EXPECT_EQ(made->log.keep, 3U);
  EXPECT_EQ(made->log.seed, 7U);
  EXPECT_EQ(made->start, 1'767'225'599'500'000);
  EXPECT_EQ(plan({{"--rotate-every", "50"}})->log.rotation, RotationKind::rename);
  EXPECT_EQ(plan({{"--clock", "now"}})->start, 42);
  EXPECT_EQ(plan({{"--clock", "2026-01-01"}})->start, 1'767'225'600'000'000);
  EXPECT_EQ(plan({{"--rate", "200"}})->per_second, 200);
}

TEST(GenerateWebLog, writes_at_the_rate_until_it_is_stopped) {
  leat::testing::TempDir dir;
  leat::testing::FakeClock clock;
  auto made = plan({{"--out", dir.path("logs")}, {"--lines", "100"}, {"--rate", "10/s"}});
  ASSERT_TRUE(made.ok());
  std::ostringstream err;
  Talk talk(err, Manner::plain, false, false);
  const uint64_t begun = clock.steady_ms();
  ASSERT_TRUE(write_web_log(*made, clock, std::stop_token(), talk).ok());
  EXPECT_NEAR(static_cast<double>(clock.steady_ms() - begun), 10'000, 20);
  EXPECT_EQ(err.str(),
            dir.path("logs/access.log") + ": 100 lines, 22.6 KiB, 0 rotations; journal.json beside it says more\n");

  std::stop_source stopped;
  stopped.request_stop();
  made->log.directory = dir.path("more");
  ASSERT_TRUE(write_web_log(*made, clock, stopped.get_token(), talk).ok());
  EXPECT_EQ(dir.read("more/access.log"), "");
  EXPECT_NE(dir.read("more/journal.json").find("\"ended\":true"), std::string::npos);
}

}  // namespace
}  // namespace leat::app
