// `leat run` under a service manager.

#include <gtest/gtest.h>

#include <sstream>
#include <thread>

#include "app/command.h"
#include "tests/support/notify_socket.h"
#include "tests/support/temp_dir.h"

namespace leat::app {
namespace {

TEST(RunService, SaysWhenItIsReadyAndWhenItStops) {
  for (const std::string schedule : {"", "schedule = \"every 1d\"\n"}) {
    const testing::TempDir dir;
    dir.write("in.csv", "1\n2\n");
    dir.write(
        "leat.toml",
        "[sources.lines]\ntype = \"file\"\ninclude = \"in.csv\"\nformat = { type = \"csv\", header = false, columns = "
        "[\"n:integer\"] }\n[sinks.db]\ntype = \"sqlite\"\npath = \"lines.db\"\n"
        "[pipelines.lines]\nfrom = \"lines\"\nto = \"db.lines\"\n" +
            schedule);
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
