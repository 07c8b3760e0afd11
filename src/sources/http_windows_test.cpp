// The windows of the HTTP source: their ledger, full pulls, clocks.

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "sources/http.h"
#include "sources/http_ledger.h"
#include "sources/http_url.h"
#include "tests/support/http_pulled.h"

namespace leat {
namespace {

using testing::FakeAnswer;
using testing::FakeClock;
using testing::FakeHttp;
using testing::http_options;
using testing::in_pieces;
using testing::Pulled;
using testing::run;
using testing::TestCutter;

// Days, the last one up to FakeClock's 2023-11-14T22:13:20Z; the body of each says what was asked.
HttpOptions by_day() {
  HttpOptions by_day = http_options();
  by_day.after_param = "after";
  by_day.before_param = "before";
  by_day.concurrency = 2;
  by_day.windows = {.by = WindowRules::By::time,
                    .has_before = true,
                    .start = parse_iso_time("2023-11-12").value(),
                    .length = kSecondsPerDay * kMicrosPerSecond};
  by_day.windows.full_every = 30 * by_day.windows.length;
  return by_day;
}

FakeAnswer asked(const os::HttpRequest& request) {
  const std::string day = parameter_of(request.url, "after")->substr(8, 2);
  return {.pieces = {day + "-" + parameter_of(request.url, "before").value_or("____-__-").substr(8, 2) + "\n"}};
}

TEST(HttpSource, AServerThatIsNotThereIsNotAskedForLess) {
  HttpOptions windows = http_options();
  windows.windows = {.by = WindowRules::By::number, .has_before = true, .start = 0, .length = 1000, .until = 1000};
  windows.after_param = "after";
  windows.before_param = "before";
  for (const bool connects : {false, true}) {
    Pulled pulled;
    run(pulled, windows,
        [&](const os::HttpRequest&) { return FakeAnswer{.status = 0, .failure = "broken", .connects = connects}; });
    const bool halved = std::any_of(pulled.requests.begin(), pulled.requests.end(), [](const os::HttpRequest& request) {
      return request.url.find("before=500") != std::string::npos;
    });
    EXPECT_EQ(halved, connects);
    EXPECT_NE(pulled.fatal.find("given up after 7 attempts"), std::string::npos) << pulled.fatal;
  }
}

// Windows of 100 numbers, of which the server gives 30 at most: each is asked for in pieces, whatever is behind it.
TEST(HttpSource, AWindowThatIsTooMuchIsAskedForInPieces) {
  HttpOptions numbers = http_options();
  numbers.after_param = "after";
  numbers.before_param = "before";
  numbers.concurrency = 3;
  numbers.windows = {
      .by = WindowRules::By::number, .has_before = true, .start = 0, .length = 100, .until = 450, .format = "integer"};
  const auto answer = [](const os::HttpRequest& request) {
    const int64_t after = parse_integer(parameter_of(request.url, "after").value()).value();
    const int64_t before = parse_integer(parameter_of(request.url, "before").value()).value();
    if (before - after > 30) return FakeAnswer{.status = 0, .failure = "too much"};
    std::string body;
    for (int64_t i = after; i < before; ++i) body += std::to_string(i) + "\n";
    return FakeAnswer{.pieces = in_pieces(body, 20)};
  };
  for (const size_t most : {0U, 5U, 10U, 20U, 30U, 40U, 60U, 100U, 200U, 400U}) {
    Pulled pulled;
    run(pulled, numbers, answer, most);
    run(pulled, numbers, answer);
    EXPECT_EQ(pulled.fatal, "");
    std::string expected;
    for (int64_t i = 0; i < 450; ++i) expected += std::to_string(i) + "\n";
    EXPECT_EQ(pulled.all(), expected) << most;
    const Positions positions = pulled.resume();
    const auto ledger = read_ledger(positions, "https://h/items");
    ASSERT_TRUE(ledger.ok());
    ASSERT_EQ(ledger->windows.size(), 5U);
    for (const LedgerWindow& each : ledger->windows) {
      EXPECT_TRUE(each.token.done);
      const auto number = static_cast<int64_t>(each.window.number);
      EXPECT_EQ(each.window.after, 100 * (number - 1));
      EXPECT_EQ(each.window.before, std::min<int64_t>(100 * number, 450));
    }
  }
}

// The last window of a full pull stays it, and only its last piece is open above.
TEST(HttpSource, TheLastWindowOfAFullPullInPieces) {
  Pulled pulled;
  run(pulled, by_day(), [](const os::HttpRequest& request) {
    const int64_t after = parse_iso_time(parameter_of(request.url, "after").value()).value();
    const auto before = parameter_of(request.url, "before");
    const int64_t end = before ? parse_iso_time(*before).value() : parse_iso_time("2023-11-14T22:13:20").value();
    if (end - after > 10 * 3600 * kMicrosPerSecond) return FakeAnswer{.status = 0, .failure = "too much"};
    return FakeAnswer{.pieces = {parameter_of(request.url, "after")->substr(8) + " " + before.value_or("") + "\n"}};
  });
  EXPECT_EQ(pulled.fatal, "");
  EXPECT_EQ(pulled.full, "be");
  EXPECT_EQ(pulled.positions.size(), 3U);
  EXPECT_EQ(pulled.bytes["https://h/items#3"],
            "14T00:00:00Z 2023-11-14T05:33:20Z\n14T05:33:20Z 2023-11-14T11:06:40Z\n"
            "14T11:06:40Z 2023-11-14T16:40:00Z\n14T16:40:00Z \n");
}

TEST(HttpSource, AWindowIsInTheLedgerBeforeTheNextOneIs) {
  for (const size_t concurrency : {size_t{2}, size_t{3}, size_t{5}}) {
    HttpOptions many = by_day();
    many.concurrency = concurrency;
    many.windows.full_every = 0;
    many.windows.length = kSecondsPerDay * kMicrosPerSecond / 24;
    Pulled pulled;
    run(pulled, many, [](const os::HttpRequest& request) {
      const std::string hour = *parameter_of(request.url, "after");
      std::string body;
      for (uint64_t i = hash64(hour) % 9; i > 0; --i) body += hour + "\n";
      return FakeAnswer{.headers = {{"date", "Tue, 14 Nov 2023 22:13:20 GMT"}}, .pieces = in_pieces(body, 15)};
    });
    EXPECT_EQ(pulled.fatal, "");
    EXPECT_GT(pulled.positions.size(), 60U);
  }
}

// What the server's clock showed a while ago tells only about what it shows now.
TEST(HttpSource, AServersClockThatStandsStillGivesNoWindowsWithoutEnd) {
  FakeClock clock;
  auto http = std::make_unique<FakeHttp>([](const os::HttpRequest&) {
    return FakeAnswer{.headers = {{"date", "Wed, 15 Nov 2023 12:00:00 GMT"}}, .pieces = {"x\n"}};
  });
  http->set_clock(&clock);
  const auto source = make_http_source(by_day(), {}, std::move(http), clock, [](NoteLevel, const std::string&) {});
  std::map<std::string, Position> positions;
  for (size_t runs = 0; runs < 3; ++runs) {
    SourceRequest request;
    for (const auto& [part, position] : positions) request.resume.push_back(position);
    request.once = true;
    request.make_cutter = [](const std::string&) { return std::make_unique<TestCutter>(); };
    ASSERT_TRUE(source->open(std::move(request)).ok());
    for (;;) {
      const auto reading = source->read({});
      ASSERT_TRUE(reading.ok()) << reading.status().message();
      if (reading->what == Reading::What::end) break;
      if (reading->what == Reading::What::chunk) positions[reading->chunk.end.part] = reading->chunk.end;
      ASSERT_LT(positions.size(), 10U);
    }
    clock.advance_ms(5000);
  }
}

TEST(HttpSource, AFullPullEndsOnceWhereverItIsKilled) {
  constexpr int64_t kDay = kSecondsPerDay * kMicrosPerSecond;
  for (size_t most = 0; most < 14; ++most) {
    Pulled pulled;
    run(pulled, by_day(), asked, most);
    run(pulled, by_day(), asked);
    EXPECT_EQ(pulled.full, "be") << most;
    EXPECT_EQ(pulled.all(), "12-13\n13-14\n14-\n") << most;  // the last one is asked without `before`
    run(pulled, by_day(), asked, 100'000, 29 * kDay);        // not due
    EXPECT_EQ(pulled.full, "be") << most;
    EXPECT_EQ(pulled.bytes.at("https://h/items#4"), "14-15\n") << most;  // and the ledger goes on behind it
    run(pulled, by_day(), asked, most, 31 * kDay);
    run(pulled, by_day(), asked, 100'000, 31 * kDay);
    EXPECT_EQ(pulled.full, "bebe") << most;
    run(pulled, by_day(), asked, 100'000, 31 * kDay);
    EXPECT_EQ(pulled.full, "bebe") << most;
  }
}

TEST(HttpSource, AWindowThatGoesBackIsPulledAgainAndNothingElse) {
  constexpr int64_t kDay = kSecondsPerDay * kMicrosPerSecond;
  Pulled pulled;
  run(pulled, by_day(), asked);
  run(pulled, by_day(), asked, 100'000, kDay);
  const std::map<std::string, Position> positions = pulled.positions;
  ASSERT_EQ(positions.size(), 4U);
  FakeClock clock;
  const auto source =
      make_http_source(by_day(), {}, std::make_unique<FakeHttp>(asked), clock, [](NoteLevel, const std::string&) {});
  for (const auto& [part, position] : positions) {
    const std::string bytes = std::exchange(pulled.bytes[part], "");
    pulled.positions[part] = **source->at_beginning(position, false);
    pulled.requests.clear();
    run(pulled, by_day(), asked, 100'000, kDay);
    EXPECT_EQ(pulled.requests.size(), 1U) << part;
    EXPECT_EQ(pulled.bytes[part], bytes);
    EXPECT_EQ(pulled.positions, positions) << part;
    EXPECT_EQ(pulled.full, "be");
    EXPECT_FALSE(source->at_beginning(position, true)->has_value());
  }
}

TEST(HttpSource, AWindowByIdDoesNotGoBackAlone) {
  HttpOptions by_id = http_options();
  by_id.windows.by = WindowRules::By::id;
  FakeClock clock;
  const auto source =
      make_http_source(by_id, {}, std::make_unique<FakeHttp>(asked), clock, [](NoteLevel, const std::string&) {});
  const Position position{
      .part = "https://h/items#2", .origin = "", .offset = 7, .token = "v=1 after=5 before=9 page=1 base=7 done=1"};
  const auto back = source->at_beginning(position, false);
  EXPECT_EQ(back.status().kind(), Kind::bad_config);
  EXPECT_NE(back.status().message().find("https://h/items#2: a window by id is open above"), std::string::npos);
  EXPECT_FALSE(source->at_beginning(position, true)->has_value());
}

TEST(HttpSource, WhileFollowingOnlyThePresentIsWaitedFor) {
  FakeClock clock;
  auto http = std::make_unique<FakeHttp>(asked);
  http->set_clock(&clock);
  FakeHttp& client = *http;
  HttpOptions rules = by_day();
  rules.concurrency = 1;
  rules.windows.full_every = 0;
  const auto source = make_http_source(rules, {}, std::move(http), clock, [](NoteLevel, const std::string&) {});
  SourceRequest request;
  request.make_cutter = [](const std::string&) { return std::make_unique<TestCutter>(); };
  ASSERT_TRUE(source->open(std::move(request)).ok());
  std::vector<uint64_t> at_ms;  // of each request
  while (client.requests().size() < 5) {
    ASSERT_TRUE(source->read({}).ok());
    while (at_ms.size() < client.requests().size()) at_ms.push_back(clock.steady_ms());
  }
  EXPECT_LT(at_ms[2], 10'000U);
  EXPECT_GE(at_ms[3], 60'000U);
  EXPECT_LT(at_ms[3], 70'000U);
  EXPECT_GE(at_ms[4], 120'000U);
}

// An API that does not tell its clock: the machine's is set forward and back between runs, some of which are killed.
TEST(HttpSource, AClockThatJumpsSkipsNoWindowAndRepeatsNone) {
  HttpOptions rules = by_day();
  rules.windows.full_every = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Pulled pulled;
    for (uint64_t i = 0; i < 30; ++i) {
      const int64_t hours = static_cast<int64_t>(mix64(seed * 100 + i) % 200 + 2 * i) - 60;
      run(pulled, rules, asked, i % 4 == 3 ? 3 : 100'000, hours * 3600 * kMicrosPerSecond);
    }
    const Positions positions = pulled.resume();
    const auto ledger = read_ledger(positions, "https://h/items");
    ASSERT_TRUE(ledger.ok());
    ASSERT_GT(ledger->windows.size(), 5U);
    int64_t end = rules.windows.start;
    for (const LedgerWindow& each : ledger->windows) {
      EXPECT_EQ(each.window.after, end);
      end = each.window.before.value();
      EXPECT_GT(end, *each.window.after);
    }
  }
}

// FakeClock begins at 2023-11-14T22:13:20Z.
TEST(HttpSource, WindowsEndWithTheServersClock) {
  for (const std::string date : {"Tue, 14 Nov 2023 12:00:00 GMT", "Wed, 15 Nov 2023 12:00:00 GMT"}) {
    HttpOptions by_day = http_options();
    by_day.after_param = "after";
    by_day.before_param = "before";
    by_day.windows = {.by = WindowRules::By::time,
                      .has_before = true,
                      .start = parse_iso_time("2023-11-12").value(),
                      .length = kSecondsPerDay * kMicrosPerSecond};
    Pulled pulled;
    run(pulled, by_day, [&](const os::HttpRequest& request) {
      return FakeAnswer{
          .headers = {{"date", date}},
          .pieces = {*parameter_of(request.url, "after") + " " + *parameter_of(request.url, "before") + "\n"}};
    });
    EXPECT_EQ(pulled.fatal, "");
    const std::string end = date.starts_with("Tue")
                                ? "2023-11-14T12:00:00Z\n"
                                : "2023-11-15T00:00:00Z\n2023-11-15T00:00:00Z 2023-11-15T12:00:00Z\n";
    EXPECT_EQ(pulled.all(),
              "2023-11-12T00:00:00Z 2023-11-13T00:00:00Z\n2023-11-13T00:00:00Z 2023-11-14T00:00:00Z\n"
              "2023-11-14T00:00:00Z " +
                  end);
  }
}

}  // namespace
}  // namespace leat
