// `leat run` under a service manager.

#include <gtest/gtest.h>

#include <sstream>
#include <thread>

#include "app/command.h"
#include "os/clock.h"
#include "tests/support/notify_socket.h"
#include "tests/support/temp_dir.h"

namespace leat::app {
namespace {

void write_pipeline(const testing::TempDir& dir, const std::string& schedule) {
  dir.write("in.csv", "1\n2\n");
  dir.write(
      "leat.toml",
      "[sources.lines]\ntype = \"file\"\ninclude = \"in.csv\"\nformat = { type = \"csv\", header = false, columns = "
      "[\"n:integer\"] }\n[sinks.db]\ntype = \"sqlite\"\npath = \"lines.db\"\n"
      "[pipelines.lines]\nfrom = \"lines\"\nto = \"db.lines\"\n" +
          schedule);
}

std::string output_of(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const std::stop_source stop;
  run_command(arguments, {.out = out, .err = err, .stop = stop.get_token(), .overrides = {}});
  return out.str();
}

TEST(RunService, BetweenTwoRunsItsStatusIsThatItWaits) {
  const testing::TempDir dir;
  write_pipeline(dir, "schedule = \"every 1d\"\n");
  std::ostringstream out;
  std::ostringstream err;
  std::stop_source stop;
  std::thread leat([&] {
    run_command({"run", dir.path("leat.toml")}, {.out = out, .err = err, .stop = stop.get_token(), .overrides = {}});
  });
  const std::string status = "status";
  const std::string file = dir.path("leat.toml");
  while (output_of({status, file}).find("lines: waiting for its next run (pid ") == std::string::npos) {
    os::clock().wait_ms(20, {});
  }
  EXPECT_NE(output_of({status, file, "--json"}).find(R"("running":false,"waiting":true)"), std::string::npos);
  EXPECT_NE(output_of({"top", file, "--once"}).find("lines waits for its next run at "), std::string::npos);
  stop.request_stop();
  leat.join();
}

TEST(RunService, SaysWhenItIsReadyAndWhenItStops) {
  for (const std::string schedule : {"", "schedule = \"every 1d\"\n"}) {
    const testing::TempDir dir;
    write_pipeline(dir, schedule);
    testing::NotifySocket manager(dir.path("notify"));
    ASSERT_TRUE(manager.bound());
    std::ostringstream out;
    std::ostringstream err;
    std::stop_source stop;
    Surroundings surroundings{.out = out, .err = err, .stop = stop.get_token(), .overrides = {}};
    surroundings.notify_socket = dir.path("notify");
    int status = -1;
    std::thread leat([&] { status = run_command({"run", dir.path("leat.toml")}, surroundings); });
    EXPECT_EQ(manager.receive(), "READY=1");
    stop.request_stop();
    EXPECT_EQ(manager.receive(), "STOPPING=1");
    leat.join();
    EXPECT_EQ(status, 0) << err.str();
  }
}

}  // namespace
}  // namespace leat::app
