#pragma once

// For tests of the HTTP source: runs it against a fake server, kills it where it is told to, and keeps what a sink
// would.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sources/file_token.h"
#include "sources/http.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/test_cutter.h"

namespace leat::testing {

// The part of an engine and a sink: what is delivered is committed at once, what is void is taken back.
struct Pulled {
  std::map<std::string, std::string> bytes;  // of each part, in the order of their offsets; void ones as '~'
  std::map<std::string, Position> positions;
  std::vector<std::string> failures;
  std::vector<os::HttpRequest> requests;
  std::vector<std::string> refused;
  std::string fatal;
  std::string full;  // for each full pull 'b' where it begins, 'e' where it ends

  [[nodiscard]] Positions resume() const {
    Positions all;
    for (const auto& [part, position] : positions) all.push_back(position);
    return all;
  }
  [[nodiscard]] std::string all() const {
    std::string text;
    for (const auto& [part, piece] : bytes) {
      for (const char c : piece) text += c == '~' ? "" : std::string(1, c);
    }
    return text;
  }
};

inline HttpOptions http_options() {
  HttpOptions options;
  options.url = "https://h/items";
  options.paging.type = PagingRules::Type::link_header;
  options.stream.chunk_bytes = 1;
  return options;
}

// Runs once, to its end or a failure that is not passing. `most`: chunks, then it is given up as by a kill. The clock
// begins `later` microseconds later.
inline void run(Pulled& pulled, const HttpOptions& options, const FakeHttp::Handler& answer, size_t most = 100'000,
                int64_t later = 0) {
  FakeClock clock;
  clock.set_now_micros(clock.now_micros() + later);
  auto http = std::make_unique<FakeHttp>(answer);
  http->set_clock(&clock);
  FakeHttp& client = *http;
  const auto source = make_http_source(options, {}, std::move(http), clock, [](NoteLevel, const std::string&) {});
  SourceRequest request;
  request.resume = pulled.resume();
  request.once = true;
  request.make_cutter = [](const std::string&) { return std::make_unique<TestCutter>(); };
  ASSERT_TRUE(source->open(std::move(request)).ok());
  for (size_t i = 0; i < most; ++i) {
    auto reading = source->read({});
    if (!reading.ok() && reading.status().kind() == Kind::retry) {
      pulled.failures.push_back(reading.status().message());
      source->again(reading.status().part(), 1000);
      continue;
    }
    if (!reading.ok()) pulled.fatal = reading.status().message();
    if (!reading.ok() || reading->what == Reading::What::end) break;
    if (reading->what == Reading::What::idle) continue;
    const Chunk& chunk = reading->chunk;
    std::string& bytes = pulled.bytes[chunk.end.part];
    EXPECT_EQ(chunk.start, bytes.size());
    EXPECT_EQ(chunk.end.offset, chunk.start + chunk.bytes.size());
    if (!chunk.refused.empty()) pulled.refused.push_back(chunk.refused);
    EXPECT_LE(chunk.base, chunk.start);
    if (chunk.void_from) {
      EXPECT_LT(*chunk.void_from, chunk.start);
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(*chunk.void_from), bytes.end(), '~');
    }
    bytes += chunk.bytes;
    // A kill may come behind any chunk: what is asked for later must not be known before what is asked for earlier.
    if (!pulled.positions.contains(chunk.end.part)) {
      EXPECT_EQ(parse_part(chunk.end.part).value().number, pulled.positions.size() + 1);
    }
    pulled.positions[chunk.end.part] = chunk.end;
    if (chunk.full != FullPull::none) pulled.full += chunk.full == FullPull::begins ? 'b' : 'e';
  }
  pulled.requests.insert(pulled.requests.end(), client.requests().begin(), client.requests().end());
}

}  // namespace leat::testing
