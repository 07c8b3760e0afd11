#include "sources/http_paging.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

using Type = PagingRules::Type;

// Turns pages until the window is done or fails; "page ask" for each that is asked for.
struct Walk {
  PagingRules rules;
  bool restart = false;  // forgets what was asked before after each page
  std::vector<std::string> pages = {};
  HttpToken token = {};
  std::string error = {};

  void go(const std::vector<PageSeen>& answers) {
    PagesAsked asked;
    for (const PageSeen& seen : answers) {
      auto next = turn_page(rules, token, seen, asked);
      if (!next.ok()) {
        EXPECT_EQ(next.status().kind(), Kind::fatal);
        error = next.status().message();
        return;
      }
      token = *std::move(next);
      if (token.done) return;
      pages.push_back(token.ask.text.empty() ? std::to_string(token.ask.number) : token.ask.text);
      if (restart) asked.clear();
    }
  }
};

PageSeen page(std::string next, uint64_t records, std::string_view body, std::optional<uint64_t> total = {}) {
  return {.url = "https://h/a/b",
          .next = std::move(next),
          .total = total,
          .total_pages = {},
          .records = records,
          .body = hash128(body)};
}

using Texts = std::vector<std::string>;

TEST(HttpPaging, BehindAPageThatNeverCame) {
  HttpToken token;
  token.page = 2;
  token.records = 20;
  token.ask = {.by = PageAsk::By::page, .text = "", .number = 3};
  HttpToken next = pass_page({.type = Type::page, .size = 10, .first = 1}, token);
  EXPECT_EQ(next.ask.number, 4U);
  EXPECT_EQ(next.page, 3U);
  EXPECT_EQ(next.missed, 1U);
  EXPECT_FALSE(next.done);
  HttpToken offset = token;
  offset.ask = {.by = PageAsk::By::offset, .text = "", .number = 20};
  next = pass_page({.type = Type::offset, .size = 10}, offset);
  EXPECT_EQ(next.ask.number, 30U);
  EXPECT_FALSE(next.done);
  EXPECT_TRUE(pass_page({.type = Type::offset}, offset).done) << "how many records it has is not known";
  HttpToken of_30 = offset;
  of_30.total = 30;
  EXPECT_TRUE(pass_page({.type = Type::offset, .size = 10}, of_30).done);
  for (const Type type : {Type::none, Type::next_url, Type::link_header, Type::cursor}) {
    EXPECT_TRUE(pass_page({.type = type, .size = 10}, token).done);
  }
}

TEST(HttpPaging, WherePagesMayBeShortAPageThatNeverCameCountsForNothing) {
  for (const Type type : {Type::page, Type::offset}) {
    const PagingRules rules{.type = type, .size = 10, .short_page = PagingRules::ShortPage::goes_on};
    HttpToken token;
    token.page = 1;
    token.records = 4;
    token.total = 12;
    token = pass_page(rules, token);  // it had three
    EXPECT_FALSE(token.done);
    PagesAsked asked;
    for (const uint64_t records : {5U, 0U}) {
      EXPECT_FALSE(token.done);
      auto next = turn_page(rules, token, page("", records, std::to_string(records), 12), asked);
      ASSERT_TRUE(next.ok()) << next.status().message();
      token = *std::move(next);
    }
    EXPECT_TRUE(token.done);
    EXPECT_EQ(token.records, 9U);
  }
}

TEST(HttpPaging, WhatWasPassedOverIsNotMissedInTheTotal) {
  HttpToken token;
  token.missed = 1;
  PagesAsked asked;
  const auto done = turn_page({.type = Type::next_url}, token, page("", 5, "1", 20), asked);
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(done->done);
}

TEST(HttpPaging, NextUrls) {
  Walk walk{.rules = {.type = Type::next_url}};
  walk.go({page("?page=2", 5, "1"), page("/c", 0, "2"), page("https://h/d", 3, "3"), page(" ", 1, "4")});
  EXPECT_EQ(walk.pages, (Texts{"https://h/a/b?page=2", "https://h/c", "https://h/d"}));
  EXPECT_TRUE(walk.token.done);
  EXPECT_EQ(walk.token.records, 9U);
  EXPECT_EQ(walk.token.page, 3U);
}

TEST(HttpPaging, ACircleIsFoundAtOnceAndAfterRestarts) {
  for (const Type type : {Type::next_url, Type::cursor}) {
    for (const size_t before : {0U, 1U, 5U}) {
      for (const size_t round : {1U, 2U, 3U, 7U}) {
        std::vector<PageSeen> answers;
        for (size_t i = 0; i < 1000; ++i) {
          const size_t next = i + 1 < before + round ? i + 1 : before + (i + 1 - before) % round;
          answers.push_back(page("/" + std::to_string(next), 1, std::to_string(i)));
        }
        Walk walk{.rules = {.type = type}};
        walk.go(answers);
        EXPECT_NE(walk.error.find("in a circle"), std::string::npos);
        EXPECT_LE(walk.pages.size(), before + round);
        Walk restarted{.rules = {.type = type}, .restart = true};
        restarted.go(answers);
        EXPECT_NE(restarted.error.find("in a circle"), std::string::npos);
        EXPECT_LE(restarted.pages.size(), 3 * (before + round));
      }
    }
  }
}

TEST(HttpPaging, TheFirstPageIsPartOfTheCircle) {
  Walk walk{.rules = {.type = Type::next_url}};
  walk.go({page("/a/b", 1, "1")});
  EXPECT_EQ(walk.error,
            "https://h/a/b: page 1 says that the next one is https://h/a/b, which was asked for before in this window: "
            "the pages go round in a circle");
}

TEST(HttpPaging, ANextUrlIsHttp) {
  Walk walk{.rules = {.type = Type::next_url}};
  walk.go({page("ftp://h/", 1, "1")});
  EXPECT_EQ(walk.error,
            "https://h/a/b: the next page: 'ftp://h/' is not a URL of http or https without user and password");
}

TEST(HttpPaging, TheSamePageTwiceInARow) {
  Walk walk{.rules = {.type = Type::page}};
  walk.go({page("", 5, "1"), page("", 5, "1")});
  EXPECT_EQ(walk.error,
            "https://h/a/b: page 2 has the same 5 records as the page before: the server does not turn the pages");
  Walk empty{.rules = {.type = Type::cursor}};
  empty.go({page("x", 0, "1"), page("y", 0, "1"), page("", 0, "1")});
  EXPECT_EQ(empty.error, "");
  EXPECT_TRUE(empty.token.done);
}

TEST(HttpPaging, PageNumbers) {
  Walk walk{.rules = {.type = Type::page, .first = 0}};
  walk.go({page("", 5, "1"), page("", 5, "2"), page("", 0, "3")});
  EXPECT_EQ(walk.pages, (Texts{"1", "2"}));
  EXPECT_TRUE(walk.token.done);
  Walk ends{.rules = {.type = Type::page, .size = 5, .short_page = PagingRules::ShortPage::ends}};
  ends.go({page("", 5, "1"), page("", 4, "2")});
  EXPECT_EQ(ends.pages, (Texts{"2"}));
  EXPECT_TRUE(ends.token.done);
  Walk pages{.rules = {.type = Type::page}};
  PageSeen seen = page("", 5, "1");
  seen.total_pages = 1;
  pages.go({seen});
  EXPECT_TRUE(pages.token.done);
}

TEST(HttpPaging, OffsetsGoBySizeElseByRecords) {
  Walk sized{.rules = {.type = Type::offset, .size = 10}};
  sized.go({page("", 10, "1"), page("", 10, "2"), page("", 3, "3"), page("", 0, "4")});
  EXPECT_EQ(sized.pages, (Texts{"10", "20", "30"}));
  EXPECT_TRUE(sized.token.done);
  Walk counted{.rules = {.type = Type::offset}};
  counted.go({page("", 7, "1"), page("", 2, "2"), page("", 0, "3")});
  EXPECT_EQ(counted.pages, (Texts{"7", "9"}));
}

TEST(HttpPaging, AServerThatGivesLessThanAsked) {
  Walk walk{.rules = {.type = Type::offset, .size = 10}};
  walk.go({page("", 5, "1"), page("", 5, "2")});
  EXPECT_NE(walk.error.find("page 2 has records, though the one before had fewer than size = 10"), std::string::npos);
  Walk told{.rules = {.type = Type::page, .size = 10, .short_page = PagingRules::ShortPage::goes_on}};
  told.go({page("", 5, "1"), page("", 5, "2"), page("", 0, "3")});
  EXPECT_TRUE(told.token.done);
}

TEST(HttpPaging, TotalsAreKept) {
  Walk walk{.rules = {.type = Type::offset, .size = 5, .total = "/total"}};
  walk.go({page("", 5, "1", 8), page("", 3, "2", 8)});
  EXPECT_EQ(walk.pages, (Texts{"5"}));
  EXPECT_TRUE(walk.token.done);
  Walk fewer{.rules = {.type = Type::next_url, .total = "/total"}};
  fewer.go({page("/2", 5, "1", 1008), page("", 3, "2")});
  EXPECT_EQ(fewer.error,
            "https://h/a/b: 8 records have come, but the server said that there are 1,008; if the data may change "
            "between two pages, leave out 'total'");
  Walk changed{.rules = {.type = Type::offset, .size = 5, .total = "/total"}};
  changed.go({page("", 5, "1", 10), page("", 5, "2", 9)});
  EXPECT_NE(changed.error.find("said that there are 10 records and now says 9"), std::string::npos);
  Walk more{.rules = {.type = Type::page, .total = "/total"}};
  more.go({page("", 5, "1", 4)});
  EXPECT_NE(more.error.find("5 records have come"), std::string::npos);
}

TEST(HttpPaging, LinkHeaders) {
  EXPECT_EQ(next_link("<https://h/?page=2>; rel=\"next\", <https://h/?page=9>; rel=\"last\""), "https://h/?page=2");
  EXPECT_EQ(next_link("<a>; rel=prev, <b,;c> ; title=\"x, y; \\\"rel=next\" ;REL = \"start Next\""), "b,;c");
  EXPECT_EQ(next_link("<a>;rel=last;foo"), "");
  EXPECT_EQ(next_link("<a>; rel=\"next"), "a");
  for (const char* bad : {"", "<", "<a", "rel=next", "<a>;", "<a>; rel", "<a>; rel="})
    EXPECT_EQ(next_link(bad), "") << bad;
}

}  // namespace
}  // namespace leat
