#pragma once

// For tests of the decoder json.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decoders/json.h"

namespace leat::testing {

// Without raw_log.
inline std::unique_ptr<Decoder> json_decoder(const std::string& records, std::vector<JsonColumn> columns) {
  auto made = make_json_decoder({records, std::move(columns), false});
  EXPECT_TRUE(made.ok()) << made.status().message();
  return *std::move(made);
}

}  // namespace leat::testing
