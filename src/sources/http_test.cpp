#include "sources/http.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "sources/file_token.h"
#include "sources/http_ledger.h"
#include "sources/http_url.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/test_cutter.h"

namespace leat {
namespace {

using testing::FakeAnswer;
using testing::FakeClock;
using testing::FakeHttp;
using testing::in_pieces;
using testing::TestCutter;

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

HttpOptions options() {
  HttpOptions options;
  options.url = "https://h/items";
  options.paging.type = PagingRules::Type::link_header;
  options.stream.chunk_bytes = 1;
  return options;
}

// Runs once, to its end or a failure that is not passing. `most`: chunks, then it is given up as by a kill. The clock
// begins `later` microseconds later.
void run(Pulled& pulled, const HttpOptions& options, const FakeHttp::Handler& answer, size_t most = 100'000,
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

// More than is looked at before an answer is judged.
std::string some_page(char name, size_t lines) {
  std::string page;
  for (size_t i = 0; i < lines; ++i) page += name + std::to_string(i) + std::string(60, '.') + "\n";
  return page;
}
const std::vector<std::string> kPages = {some_page('a', 20), some_page('b', 2), some_page('c', 40)};
const std::string kAll = kPages[0] + kPages[1] + kPages[2];

FakeAnswer page_of(const os::HttpRequest& request) {
  const size_t number = static_cast<size_t>(parse_integer(parameter_of(request.url, "page").value_or("0")).value());
  FakeAnswer answer{.pieces = in_pieces(kPages.at(number), 100)};
  if (number + 1 < kPages.size()) {
    answer.headers.emplace_back("link", "<?page=" + std::to_string(number + 1) + ">; rel=next");
  }
  return answer;
}

// Days, the last one up to FakeClock's 2023-11-14T22:13:20Z; the body of each says what was asked.
HttpOptions by_day() {
  HttpOptions by_day = options();
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

TEST(HttpSource, PagesOneAfterTheOther) {
  Pulled pulled;
  run(pulled, options(), page_of);
  EXPECT_EQ(pulled.fatal, "");
  EXPECT_EQ(pulled.bytes.at("https://h/items#1"), kAll);
  ASSERT_EQ(pulled.requests.size(), 3U);
  EXPECT_EQ(pulled.requests[2].url, "https://h/items?page=2");
  run(pulled, options(), page_of);  // the next run pulls all again
  EXPECT_EQ(pulled.bytes.at("https://h/items#2"), kAll);
}

TEST(HttpSource, APageThatIsPassedOverIsAReject) {
  HttpOptions with_rule = options();
  with_rule.paging = {.type = PagingRules::Type::page, .param = "page", .size = 20, .first = 0};
  with_rule.paging.short_page = PagingRules::ShortPage::goes_on;
  with_rule.secrets = {"hush-hush"};
  ErrorRule rule;
  rule.status = 404;
  rule.then = Verdict::Then::skip;
  with_rule.errors = {rule};
  Pulled pulled;
  run(pulled, with_rule, [](const os::HttpRequest& request) {
    if (!request.url.ends_with("page=1")) {
      return request.url.ends_with("page=3") ? FakeAnswer{} : page_of(request);
    }
    return FakeAnswer{.status = 404, .pieces = {"no hush-hush here"}};
  });
  EXPECT_EQ(pulled.fatal, "");
  EXPECT_EQ(pulled.all(), kPages[0] + "no *** here" + kPages[2]);
  ASSERT_EQ(pulled.refused.size(), 1U);
  EXPECT_EQ(pulled.refused[0], "the server answers 404: 'no *** here'; passed over");
}

TEST(HttpSource, APageThatFailsForEverIsPassedOverWhereItBreaks) {
  HttpOptions giving_up = options();
  giving_up.tries = 2;
  giving_up.skip_failing = true;
  const auto cut = [](const os::HttpRequest& request) {
    if (!request.url.ends_with("page=1")) return page_of(request);
    return FakeAnswer{.pieces = in_pieces(kPages[1] + "half", 100), .failure = "cut"};
  };
  Pulled pulled;
  run(pulled, giving_up, cut);
  EXPECT_EQ(pulled.fatal, "");
  EXPECT_EQ(pulled.all(), kPages[0] + kPages[1] + "half");
  EXPECT_EQ(pulled.refused.size(), 1U);
  EXPECT_EQ(pulled.failures.size(), 1U);
  giving_up.skip_failing = false;
  Pulled stopped;
  run(stopped, giving_up, cut);
  EXPECT_NE(stopped.fatal.find("given up after 2 attempts"), std::string::npos) << stopped.fatal;
}

TEST(HttpSource, AServerThatIsNotThereIsNotAskedForLess) {
  HttpOptions windows = options();
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
  HttpOptions numbers = options();
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

// As of a schedule: the same source, opened again when a run has ended.
TEST(HttpSource, EachRunOfOneSourcePullsAgain) {
  FakeClock clock;
  auto http = std::make_unique<FakeHttp>(page_of);
  http->set_clock(&clock);
  FakeHttp& client = *http;
  const auto source = make_http_source(options(), {}, std::move(http), clock, [](NoteLevel, const std::string&) {});
  Positions resume;
  for (size_t runs = 1; runs <= 3; ++runs) {
    SourceRequest request;
    request.resume = resume;
    request.once = true;
    request.make_cutter = [](const std::string&) { return std::make_unique<TestCutter>(); };
    ASSERT_TRUE(source->open(std::move(request)).ok());
    Position last;
    for (;;) {
      const auto reading = source->read({});
      ASSERT_TRUE(reading.ok()) << reading.status().message();
      if (reading->what == Reading::What::end) break;
      if (reading->what == Reading::What::chunk) last = reading->chunk.end;
    }
    EXPECT_EQ(client.requests().size(), 3 * runs);
    EXPECT_EQ(last.part, "https://h/items#" + std::to_string(runs));
    resume.push_back(last);
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

TEST(HttpSource, GoesOnAfterACutAtEveryByte) {
  for (size_t page = 0; page < kPages.size(); ++page) {
    for (size_t cut = 0; cut <= kPages[page].size(); ++cut) {
      bool done = false;
      Pulled pulled;
      run(pulled, options(), [&](const os::HttpRequest& request) {
        FakeAnswer answer = page_of(request);
        const bool here =
            request.url.ends_with("page=" + std::to_string(page)) || (page == 0 && request.url == "https://h/items");
        if (here && !std::exchange(done, true)) answer.cut_at = cut;
        return answer;
      });
      EXPECT_EQ(pulled.all(), kAll) << page << " " << cut;
      EXPECT_EQ(pulled.failures.size(), 1U) << page << " " << cut;
      EXPECT_EQ(pulled.bytes.at("https://h/items#1").find('~'), std::string::npos);
    }
  }
}

TEST(HttpSource, GoesOnAfterAKillBehindEveryChunk) {
  for (size_t most = 1; most < 80; ++most) {
    Pulled pulled;
    run(pulled, options(), page_of, most);
    const bool done = pulled.positions.at("https://h/items#1").token.ends_with("done=1");
    if (!done) run(pulled, options(), page_of);
    EXPECT_EQ(pulled.all(), kAll) << most;
    EXPECT_EQ(pulled.bytes.size(), 1U) << most;
  }
}

TEST(HttpSource, APageThatHasChangedIsTakenAnew) {
  Pulled pulled;
  bool changed = false;
  std::string other = kPages[2];
  other[70] = '!';
  run(pulled, options(), [&](const os::HttpRequest& request) {
    FakeAnswer answer = page_of(request);
    if (!request.url.ends_with("page=2")) return answer;
    if (changed) answer.pieces = {other};
    if (!std::exchange(changed, true)) answer.cut_at = 2000;
    return answer;
  });
  const std::string& bytes = pulled.bytes.at("https://h/items#1");
  const size_t gone = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '~'));
  EXPECT_GT(gone, 100U);
  EXPECT_EQ(bytes, kPages[0] + kPages[1] + std::string(gone, '~') + other);
}

TEST(HttpSource, CirclesAndAnswersThatNeverComeEndTheRun) {
  Pulled circle;
  run(circle, options(), [&](const os::HttpRequest& request) {
    return FakeAnswer{.headers = {{"link", "<?page=1>; rel=next"}}, .pieces = {request.url + "\n"}};
  });
  EXPECT_NE(circle.fatal.find("go round in a circle"), std::string::npos) << circle.fatal;
  Pulled failed;
  run(failed, options(), [&](const os::HttpRequest&) { return FakeAnswer{.status = 500, .pieces = {"no"}}; });
  EXPECT_EQ(failed.fatal, "https://h/items: the server answers 500: 'no' (given up after 7 attempts)");
  EXPECT_EQ(failed.failures.size(), 6U);
}

TEST(HttpSource, RedirectsStayWhereTheyMay) {
  const auto to = [](const std::string& place) {
    return [place](const os::HttpRequest& request) {
      if (request.url == place) return FakeAnswer{.pieces = {"there\n"}};
      return FakeAnswer{.status = 302, .headers = {{"location", place}}};
    };
  };
  HttpOptions secret = options();
  secret.headers = {{"X-Api-Key", "k1"}, {"X-Plain", "1"}};
  Pulled here;
  run(here, secret, to("https://h/moved"));
  EXPECT_EQ(here.all(), "there\n");
  Pulled elsewhere;
  run(elsewhere, secret, to("https://other/"));
  EXPECT_EQ(elsewhere.fatal,
            "https://other/ is not asked: it is on another host; allow_hosts = [\"other:443\"] would allow it");
  secret.allow_hosts = {"other"};
  Pulled allowed;
  run(allowed, secret, to("https://other/"));
  EXPECT_EQ(allowed.all(), "there\n");
  for (const auto& [name, value] : allowed.requests.back().headers) EXPECT_NE(name, "X-Api-Key");
  Pulled open;
  run(open, secret, to("http://h/"));
  EXPECT_EQ(open.fatal, "http://h/ is not asked: it would go on without https");
  Pulled round;
  run(round, options(), [](const os::HttpRequest&) {
    return FakeAnswer{.status = 302, .headers = {{"location", "x"}}};
  });
  EXPECT_NE(round.fatal.find("sends elsewhere 11 times in a row"), std::string::npos) << round.fatal;
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
  HttpOptions by_id = options();
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
    HttpOptions by_day = options();
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
