#include "lookup/browser_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace leat {
namespace {

int calls = 0;

Browser counted(std::string_view agent) {
  ++calls;
  return static_cast<Browser>(agent.size() % kBrowsers);
}

std::vector<std::string> agents(size_t count) {
  std::vector<std::string> all;
  for (size_t i = 0; i < count; ++i) all.push_back("agent " + std::to_string(i) + std::string(i % 50, 'x'));
  return all;
}

TEST(BrowserCache, ClassifiesEachAgentOnceInAMillionRows) {
  const std::vector<std::string> all = agents(400);
  BrowserCache cache(12345, counted);
  std::mt19937_64 random(1);
  calls = 0;
  for (int row = 0; row < 1'000'000; ++row) {
    const std::string& agent = all[random() % all.size()];
    ASSERT_EQ(cache.of(agent), static_cast<Browser>(agent.size() % kBrowsers));
  }
  EXPECT_EQ(calls, 400);
}

TEST(BrowserCache, MoreAgentsThanItHolds) {
  const std::vector<std::string> all = agents(50'000);
  BrowserCache cache(7, counted);
  calls = 0;
  for (int round = 0; round < 3; ++round) {
    for (const std::string& agent : all) ASSERT_EQ(cache.of(agent), static_cast<Browser>(agent.size() % kBrowsers));
  }
  EXPECT_GT(calls, 100'000) << "it is bounded";
  EXPECT_LE(calls, 150'000);
}

TEST(BrowserCache, WhatIsInUseStays) {
  const std::vector<std::string> all = agents(20'000);
  BrowserCache cache(7, counted);
  for (const std::string& agent : all) {
    cache.of(agent);
    cache.of("the one that always comes");
  }
  calls = 0;
  cache.of("the one that always comes");
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace leat
