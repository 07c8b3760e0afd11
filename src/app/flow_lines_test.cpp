#include "app/flow_lines.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/text.h"

namespace leat::app {
namespace {

std::vector<std::string> lines_of(const FlowSettings& settings) {
  FlowLines flows(settings);
  std::vector<std::string> lines(settings.rows);
  for (std::string& line : lines) {
    flows.add(line);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    line.pop_back();
  }
  return lines;
}

TEST(FlowLines, have_the_shares_of_the_real_file) {
  const auto lines = lines_of({.rows = 200'000});
  std::map<std::string_view, double> protocols;
  std::set<std::string_view> computers;
  double hidden_sources = 0;
  double hidden_destinations = 0;
  double port_445 = 0;
  double repeated = 0;
  int64_t last = 1;
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto fields = split(lines[i], ',');
    ASSERT_EQ(fields.size(), 9U) << lines[i];
    const auto time = parse_integer(fields[0]);
    ASSERT_TRUE(time && *time >= last) << lines[i];
    last = *time;
    ASSERT_LE(parse_integer(fields[1]).value_or(77), 76);
    computers.insert(fields[2]);
    ASSERT_NE(fields[2], fields[4]);
    hidden_sources += fields[3].starts_with('N') ? 1 : 0;
    hidden_destinations += fields[5].starts_with('N') ? 1 : 0;
    port_445 += fields[5] == "445" ? 1 : 0;
    protocols[fields[6]] += 1;
    ASSERT_TRUE(fields[6] != "41" || fields[3] == fields[5]) << lines[i];
    ASSERT_GE(parse_integer(fields[7]).value_or(0), 1);
    ASSERT_LT(parse_integer(fields[8]).value_or(1LL << 31), 1LL << 31);
    repeated += i > 0 && lines[i] == lines[i - 1] ? 1 : 0;
  }
  const auto rows = static_cast<double>(lines.size());
  EXPECT_NEAR(protocols["6"] / rows, 0.8967, 0.005);
  EXPECT_NEAR(protocols["17"] / rows, 0.0777, 0.005);
  EXPECT_NEAR(protocols["1"] / rows, 0.0256, 0.003);
  EXPECT_NEAR(hidden_sources / rows, 0.71, 0.01);
  EXPECT_NEAR(hidden_destinations / rows, 0.64, 0.01);
  EXPECT_NEAR(port_445 / rows, 0.199, 0.01);
  EXPECT_NEAR(repeated / rows, 0.0505, 0.005);
  EXPECT_GT(computers.size(), 8000U);
}

TEST(FlowLines, go_on_to_the_second_day) {
  const auto times = [](uint64_t rows) {
    std::map<std::string, uint64_t> found;
    for (const std::string& line : lines_of({.rows = rows})) found[line.substr(0, line.find(','))] += 1;
    return found;
  };
  const auto found = times(400'000);
  EXPECT_EQ(found.count("1"), 1U);
  EXPECT_EQ(found.count("0"), 0U);
  EXPECT_GE(found.at("86401"), 1U);
  EXPECT_EQ(times(1).count("1"), 1U);
}

TEST(FlowLines, are_broken_where_it_is_asked_for) {
  const auto lines = lines_of({.rows = 10'000, .seed = 1, .broken = 7});
  std::map<size_t, size_t> commas;
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t fields = split(lines[i], ',').size();
    commas[fields] += 1;
    EXPECT_EQ(fields != 9, (i + 1) % 7 == 0) << i;
  }
  EXPECT_EQ(commas[8] + commas[10], 10'000U / 7);
  EXPECT_GT(commas[8], 500U);
  EXPECT_GT(commas[10], 500U);
}

TEST(FlowLines, are_the_same_for_the_same_seed) {
  EXPECT_EQ(lines_of({.rows = 100}), lines_of({.rows = 100}));
  EXPECT_NE(lines_of({.rows = 100}), lines_of({.rows = 100, .seed = 2}));
  // They do not change from one version to the next: tests elsewhere may hold them.
  const auto lines = lines_of({.rows = 3});
  EXPECT_EQ(lines[0], "1,0,C2049,445,C5833,N36885,6,6,3354");
  EXPECT_EQ(lines[1], "57601,3,C1171,445,C7362,N34539,6,16,17440");
  EXPECT_EQ(lines[2], "115201,0,C4022,N42275,C339,N29277,6,3,2949");
}

}  // namespace
}  // namespace leat::app
