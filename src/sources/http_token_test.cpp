#include "sources/http_token.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

HttpToken full() {
  HttpToken token;
  token.after = -5;
  token.before = 1'700'000'000'000'000;
  token.from = 7;
  token.upto = 8;
  token.full = 6;
  token.last = true;
  token.to = 1'800'000'000'000'000;
  token.is_time = true;
  token.at = 5;
  token.page = 12;
  token.ask = {.by = PageAsk::By::url, .text = "https://h/x?a=1 2&b=ü\n%"};
  token.base = 1000;
  token.lead = 10;
  token.taken = 900;
  token.hash = hash128("a");
  token.records = 7;
  token.total = 0;
  token.mark = hash128("b");
  token.body = hash128("c");
  token.size = 500;
  token.short_page = true;
  token.done = true;
  return token;
}

TEST(HttpToken, GoesThereAndBack) {
  HttpToken page = full();
  page.ask = {.by = PageAsk::By::offset, .text = "", .number = 2000};
  HttpToken cursor = full();
  cursor.ask = {.by = PageAsk::By::cursor, .text = "", .number = 0};
  for (const HttpToken& token : {HttpToken(), full(), page, cursor}) {
    const auto parsed = HttpToken::parse(token.text());
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    EXPECT_EQ(*parsed, token) << token.text();
  }
  EXPECT_EQ(HttpToken().text(), "v=1 page=0 base=0");
}

TEST(HttpToken, TheBeginningOfItsWindow) {
  EXPECT_EQ(full().beginning().text(),
            "v=1 after=-5 before=1700000000000000 full=6 last=1 to=1800000000000000 time=1 at=5 page=0 base=0");
}

TEST(HttpToken, NoPrefixOfOnePassesForAnother) {
  const std::string text = full().text();
  for (size_t size = 0; size < text.size(); ++size) {
    const auto parsed = HttpToken::parse(text.substr(0, size));
    if (parsed.ok()) {
      EXPECT_FALSE(*parsed == full()) << size;
    } else {
      EXPECT_EQ(parsed.status().kind(), Kind::bug);
    }
  }
  for (const char* bad :
       {"", "v=2 page=0 base=0", "page=0", "v=1 page=x", "v=1 what=1", "v=1 ask=url", "v=1 lead=5", "v=1 upto=5"}) {
    EXPECT_FALSE(HttpToken::parse(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace leat
