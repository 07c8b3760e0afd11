#include "sinks/store_messages.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

PipelineState a_state() {
  PipelineState state;
  state.pipeline = "logs";
  state.writer = "pid 7 on host";
  state.running = true;
  state.committed_micros = -5;
  state.rows_per_second = 0.25;
  state.run = PipelineRun{1, 2, "went wrong\n\xFF", std::nullopt};
  state.parts = {{{"part\xD9", "a.log", 1ULL << 63, "token"}, {.inserted = 1, .rejected = 2, .digest = UINT64_MAX}, 9}};
  state.aggregates = {"visitors_per_day", ""};
  return state;
}

TEST(StoreMessages, WhatIsReadIsWhatWasWritten) {
  const std::vector<PipelineState> states = {a_state(), PipelineState()};
  const StoredRows rows = {{std::monostate(), int64_t{-1}, 0.5, std::string("text")}, {}};
  const MessageWriter message = MessageWriter(StoreAnswer::result).add(states, rows);
  MessageReader reader(std::string_view(message.bytes()).substr(1));
  std::vector<PipelineState> states_again;
  StoredRows rows_again;
  ASSERT_TRUE(reader.read(states_again, rows_again));
  EXPECT_TRUE(reader.ended());
  EXPECT_EQ(message.bytes().front(), static_cast<char>(StoreAnswer::result));
  EXPECT_EQ(MessageWriter(StoreAnswer::result).add(states_again, rows_again).bytes(), message.bytes());
  ASSERT_EQ(states_again.size(), 2U);
  EXPECT_EQ(states_again[0].parts[0].position, states[0].parts[0].position);
  EXPECT_EQ(states_again[0].parts[0].counts, states[0].parts[0].counts);
  EXPECT_EQ(states_again[0].run, states[0].run);
  EXPECT_EQ(states_again[0].committed_micros, -5);
  EXPECT_EQ(rows_again, rows);
}

TEST(StoreMessages, OneThatIsCutOffIsNoMessage) {
  const MessageWriter message = MessageWriter(StoreAnswer::result).add(std::vector<PipelineState>{a_state()});
  for (size_t size = 1; size < message.bytes().size(); ++size) {
    MessageReader reader(std::string_view(message.bytes()).substr(1, size - 1));
    std::vector<PipelineState> states;
    EXPECT_FALSE(reader.read(states)) << size;
  }
}

TEST(StoreMessages, CountsThatCannotBeAreFound) {
  const std::string many(8, '\x7F');
  std::vector<std::string> list;
  EXPECT_FALSE(MessageReader(many).read(list));
  StoredValue value;
  EXPECT_FALSE(MessageReader(many).read(value));
}

}  // namespace
}  // namespace leat
