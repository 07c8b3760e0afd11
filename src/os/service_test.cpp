#include "os/service.h"

#include <gtest/gtest.h>

#include "tests/support/notify_socket.h"
#include "tests/support/temp_dir.h"

namespace leat::os {
namespace {

TEST(Service, IsToldThroughAPathOrAnAbstractName) {
  const leat::testing::TempDir dir;
  for (const std::string& name : {dir.path("notify"), "@leat-test-" + std::to_string(getpid())}) {
    leat::testing::NotifySocket manager(name);
    ASSERT_TRUE(manager.bound()) << name;
    EXPECT_TRUE(notify_service(name, "READY=1\nSTATUS=two pipelines"));
    EXPECT_EQ(manager.receive(), "READY=1\nSTATUS=two pipelines");
  }
}

TEST(Service, NobodyListens) {
  const leat::testing::TempDir dir;
  EXPECT_FALSE(notify_service("", "READY=1"));
  EXPECT_FALSE(notify_service(dir.path("none"), "READY=1"));
  EXPECT_FALSE(notify_service(std::string(200, 'x'), "READY=1"));
}

}  // namespace
}  // namespace leat::os
