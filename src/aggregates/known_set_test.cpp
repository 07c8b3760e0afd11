#include "aggregates/known_set.h"

#include <gtest/gtest.h>

#include <set>

namespace leat {
namespace {

Hash128 number(uint64_t n) {
  return {mix64(n), mix64(~n)};
}

TEST(KnownSet, NeverKnowsWhatItWasNotGiven) {
  KnownSet set(4096);
  for (uint64_t n = 0; n < 100'000; ++n) ASSERT_TRUE(set.insert(number(n))) << n;
}

TEST(KnownSet, KnowsAllUntilItIsFull) {
  KnownSet set(1 << 20);  // 2 × 32,768 slots, three quarters of them used
  for (uint64_t n = 0; n < 24'000; ++n) ASSERT_TRUE(set.insert(number(n)));
  for (uint64_t n = 0; n < 24'000; ++n) ASSERT_FALSE(set.insert(number(n))) << n;
}

TEST(KnownSet, KeepsWhatIsInUse) {
  KnownSet set(64 * 1024);  // 2 × 2,048 slots
  for (uint64_t n = 0; n < 500; ++n) set.insert(number(n));
  for (uint64_t other = 1'000'000; other < 1'050'000; ++other) {
    ASSERT_TRUE(set.insert(number(other)));
    ASSERT_FALSE(set.insert(number(other % 500)));
  }
}

TEST(KnownSet, TheHashOfAllZerosIsOneLikeAnother) {
  KnownSet set(4096);
  EXPECT_TRUE(set.insert({0, 0}));
  EXPECT_FALSE(set.insert({0, 0}));
  EXPECT_TRUE(set.insert({1, 0}));
}

TEST(KnownSet, HashesThatShareTheirSlotAreToldApart) {
  KnownSet set(1 << 16);
  for (uint64_t n = 1; n < 200; ++n) ASSERT_TRUE(set.insert({n, 64}));
  for (uint64_t n = 1; n < 200; ++n) ASSERT_FALSE(set.insert({n, 64}));
}

TEST(KnownSet, Clear) {
  KnownSet set(1 << 16);
  for (uint64_t n = 0; n < 5000; ++n) set.insert(number(n));
  set.clear();
  for (uint64_t n = 0; n < 1000; ++n) ASSERT_TRUE(set.insert(number(n)));
}

}  // namespace
}  // namespace leat
