// The pages of the HTTP source: one after the other, cut, changed, sent elsewhere, passed over.

#include "sources/http.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/text.h"
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

TEST(HttpSource, PagesOneAfterTheOther) {
  Pulled pulled;
  run(pulled, http_options(), page_of);
  EXPECT_EQ(pulled.fatal, "");
  EXPECT_EQ(pulled.bytes.at("https://h/items#1"), kAll);
  ASSERT_EQ(pulled.requests.size(), 3U);
  EXPECT_EQ(pulled.requests[2].url, "https://h/items?page=2");
  run(pulled, http_options(), page_of);  // the next run pulls all again
  EXPECT_EQ(pulled.bytes.at("https://h/items#2"), kAll);
}

TEST(HttpSource, APageThatIsPassedOverIsAReject) {
  HttpOptions with_rule = http_options();
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
  HttpOptions giving_up = http_options();
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

// As of a schedule: the same source, opened again when a run has ended.
TEST(HttpSource, EachRunOfOneSourcePullsAgain) {
  FakeClock clock;
  auto http = std::make_unique<FakeHttp>(page_of);
  http->set_clock(&clock);
  FakeHttp& client = *http;
  const auto source =
      make_http_source(http_options(), {}, std::move(http), clock, [](NoteLevel, const std::string&) {});
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

TEST(HttpSource, GoesOnAfterACutAtEveryByte) {
  for (size_t page = 0; page < kPages.size(); ++page) {
    for (size_t cut = 0; cut <= kPages[page].size(); ++cut) {
      bool done = false;
      Pulled pulled;
      run(pulled, http_options(), [&](const os::HttpRequest& request) {
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
    run(pulled, http_options(), page_of, most);
    const bool done = pulled.positions.at("https://h/items#1").token.ends_with("done=1");
    if (!done) run(pulled, http_options(), page_of);
    EXPECT_EQ(pulled.all(), kAll) << most;
    EXPECT_EQ(pulled.bytes.size(), 1U) << most;
  }
}

TEST(HttpSource, APageThatHasChangedIsTakenAnew) {
  Pulled pulled;
  bool changed = false;
  std::string other = kPages[2];
  other[70] = '!';
  run(pulled, http_options(), [&](const os::HttpRequest& request) {
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
  run(circle, http_options(), [&](const os::HttpRequest& request) {
    return FakeAnswer{.headers = {{"link", "<?page=1>; rel=next"}}, .pieces = {request.url + "\n"}};
  });
  EXPECT_NE(circle.fatal.find("go round in a circle"), std::string::npos) << circle.fatal;
  Pulled failed;
  run(failed, http_options(), [&](const os::HttpRequest&) { return FakeAnswer{.status = 500, .pieces = {"no"}}; });
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
  HttpOptions secret = http_options();
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
  run(round, http_options(), [](const os::HttpRequest&) {
    return FakeAnswer{.status = 302, .headers = {{"location", "x"}}};
  });
  EXPECT_NE(round.fatal.find("sends elsewhere 11 times in a row"), std::string::npos) << round.fatal;
}

}  // namespace
}  // namespace leat
