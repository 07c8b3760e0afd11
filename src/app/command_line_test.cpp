#include <gtest/gtest.h>

#include "app/commands.h"

namespace leat::app {
namespace {

TEST(CommandLine, Logs) {
  const Command command = parse_command_line(
      {"logs", "a.log", "--to", "web.db", "b.log", "--once", "--format=nginx_combined", "--table", "t", "-q"});
  const auto* logs = std::get_if<LogsCommand>(&command);
  ASSERT_NE(logs, nullptr) << std::get<SayCommand>(command).text;
  EXPECT_EQ(logs->files, (std::vector<std::string>{"a.log", "b.log"}));
  EXPECT_EQ(logs->to, "web.db");
  EXPECT_EQ(logs->format, "nginx_combined");
  EXPECT_EQ(logs->table, "t");
  EXPECT_TRUE(logs->once);
  EXPECT_TRUE(logs->quiet);
  EXPECT_EQ(logs->save, "");
}

TEST(CommandLine, LogsHasDefaults) {
  const Command command = parse_command_line({"logs", "a.log"});
  const auto* logs = std::get_if<LogsCommand>(&command);
  ASSERT_NE(logs, nullptr);
  EXPECT_EQ(logs->to, "leat.db");
  EXPECT_EQ(logs->table, "access_log");
  EXPECT_FALSE(logs->once);
}

TEST(CommandLine, WhatFollowsTwoDashesIsAFile) {
  const Command command = parse_command_line({"logs", "--once", "--", "--to", "-x.log"});
  const auto* logs = std::get_if<LogsCommand>(&command);
  ASSERT_NE(logs, nullptr) << std::get<SayCommand>(command).text;
  EXPECT_EQ(logs->files, (std::vector<std::string>{"--to", "-x.log"}));
}

TEST(CommandLine, RunTakesPipelines) {
  const Command command = parse_command_line({"run", "web.toml", "a", "b", "--once"});
  const auto* run = std::get_if<RunCommand>(&command);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->file, "web.toml");
  EXPECT_EQ(run->pipelines, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(run->once);
}

TEST(CommandLine, HelpWinsOverWhatIsMissing) {
  for (const char* name : {"logs", "run", "check", "status", "verify", "list"}) {
    const Command command = parse_command_line({name, "--help"});
    const auto* say = std::get_if<SayCommand>(&command);
    ASSERT_NE(say, nullptr) << name;
    EXPECT_EQ(say->status, 0);
    EXPECT_NE(say->text.find("examples:"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace leat::app
