#include "sinks/sqlite_rows.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/time.h"

namespace leat {
namespace {

TEST(TimeText, IsFormatTimeWhateverCameBefore) {
  TimeText text;
  int64_t micros = 1'767'225'600'000'000;
  for (uint64_t i = 0; i < 20'000; ++i) {
    // Steps within a second, a day, a century; whole seconds half of the time; forwards and backwards.
    constexpr int64_t kSteps[] = {1, 1'000'000, 86'400'000'000, 3'155'760'000'000'000};
    const uint64_t random = mix64(i);
    const int64_t step = static_cast<int64_t>(random >> 8 & 0xFF) % 5 - 2;
    micros += step * kSteps[random % 4];
    if (random >> 20 & 1U) micros = floor_div(micros, kMicrosPerSecond) * kMicrosPerSecond;
    ASSERT_EQ(text.format(micros), format_time(micros)) << micros;
  }
}

}  // namespace
}  // namespace leat
