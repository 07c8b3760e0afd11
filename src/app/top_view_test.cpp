#include "app/top_view.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "base/text_width.h"
#include "base/time.h"

namespace leat::app {
namespace {

constexpr int64_t kNow = 1'795'362'311 * kMicrosPerSecond;  // 2026-11-22 15:05:11

TopModel model() {
  TopModel model;
  model.target = "/var/lib/leat/web.db";
  model.now_micros = kNow;
  TopPipeline& logs = model.pipelines.emplace_back();
  logs.name = "logs";
  logs.database = model.target;
  logs.started = logs.running = true;
  logs.rows_per_second = 312'400;
  logs.behind_bytes = 1'288'490'189;
  logs.left_seconds = 250;
  logs.taken_share = 0.62;
  logs.committed_micros = kNow - kMicrosPerSecond;
  logs.rows = 12'345'678;
  logs.rejects = 12;
  for (int i = 0; i < 9; ++i) {
    model.days.push_back({"2026-11-" + std::to_string(22 - i), i == 3 ? 0 : 12'345 / (i + 1), 1'234'567 / (i + 1)});
  }
  TopList pages{"pages", "2026-11-22", false, false, 1'234'567, {}};
  pages.entries = {{"/", 300'000},
                   {"/products/kitchen/coffee-machines/espresso/very-long-product-name.html", 250'000},
                   {"/日本語/ページ/とても長い名前のページです.html", 99'999},
                   {"/cafe\u0301/menu\u0308", 5'000},
                   {"/\x1B[31mred\xFF\u202Eslr", 77},
                   {"(none)", 5}};
  TopList statuses{"statuses", "2026-11-22", true, false, 1'234'567, {}};
  statuses.entries = {{"200", 1'000'000}, {"404", 200'000}, {"502", 34'567}};
  TopList browsers{"browsers", "2026-11-22", false, true, 1'234'567, {}};
  browsers.entries = {{"Chrome", 700'000}, {"Samsung Internet", 12}};
  model.lists = {pages, statuses, browsers};
  return model;
}

std::string drawn(const TopModel& model, size_t columns, size_t rows) {
  return "\n" + draw_top(model, columns, rows, true).text();
}

TEST(TopView, OnAnOrdinaryTerminal) {
  EXPECT_EQ(drawn(model(), 80, 24), R"(
leat top  /var/lib/leat/web.db                           2026-11-22 15:45:11 UTC
pipeline            state  rows/s      behind         rows  rejects  last commit
logs              running    312k     1.2 GiB   12,345,678       12       1s ago
[=============================>                  ]  62%, 4m 10s left

day         visitors       hits          pages, 2026-11-22          hits   share
2026-11-22    12,345  1,234,567  ██████  /                       300,000   24.3%
2026-11-21     6,172    617,283  ███     /products/…t-name.html  250,000   20.3%
2026-11-20     4,115    411,522  ██      /日本語/ペ…ジです.html   99,999    8.1%
2026-11-19         0    308,641  █▌      /café/menü                5,000    0.4%
2026-11-18     2,469    246,913  █▎      /\x1B[31mred\xFFslr          77    0.0%
2026-11-17     2,057    205,761  █       (none)                        5    0.0%
2026-11-16     1,763    176,366  ▉

statuses, 2026-11-22       hits   share
200                   1,000,000   81.0%
404                     200,000   16.2%
502                      34,567    2.8%

browsers, too many         hits   share
Chrome                  700,000   56.7%
Samsung Internet             12    0.0%

q quit
)");
}

TEST(TopView, OnALargerOne) {
  EXPECT_EQ(drawn(model(), 120, 40), R"(
leat top  /var/lib/leat/web.db                                                                   2026-11-22 15:45:11 UTC
pipeline                                 state  rows/s      behind     left         rows  rejects  last commit
logs                                   running    312k     1.2 GiB   4m 10s   12,345,678       12       1s ago
[=============================>                  ]  62%, 4m 10s left

day         visitors                     hits                pages, 2026-11-22                              hits   share
2026-11-22    12,345  ████████████  1,234,567  ████████████  /                               ██████████  300,000   24.3%
2026-11-21     6,172  ██████          617,283  ██████        /products/kitc…oduct-name.html  ████████▍   250,000   20.3%
2026-11-20     4,115  ████            411,522  ████          /日本語/ページ…ページです.html  ███▍         99,999    8.1%
2026-11-19         0                  308,641  ███           /café/menü                      ▏             5,000    0.4%
2026-11-18     2,469  ██▍             246,913  ██▍           /\x1B[31mred\xFFslr                              77    0.0%
2026-11-17     2,057  ██              205,761  ██            (none)                                            5    0.0%
2026-11-16     1,763  █▊              176,366  █▊
2026-11-15     1,543  █▌              154,320  █▌
2026-11-14     1,371  █▍              137,174  █▍

statuses, 2026-11-22                           hits   share
200                           ██████████  1,000,000   81.0%
404                           ██            200,000   16.2%
502                           ▍              34,567    2.8%

browsers, too many to count again              hits   share
Chrome                          ██████████  700,000   56.7%
Samsung Internet                                 12    0.0%















q quit
)");
}

TEST(TopView, OnASmallOne) {
  EXPECT_EQ(drawn(model(), 60, 15), R"(
leat top  /var/lib/leat/web.db       2026-11-22 15:45:11 UTC
pipeline            rows/s      behind  rejects  last commit
logs                  312k     1.2 GiB       12       1s ago
[========================>               ]  62%, 4m 10s left

day         visitors                     hits
2026-11-22    12,345  ████████████  1,234,567  ████████████
2026-11-21     6,172  ██████          617,283  ██████
2026-11-20     4,115  ████            411,522  ████

pages, 2026-11-22                               hits   share
/                                ██████████  300,000   24.3%
/products/kitch…oduct-name.html  ████████▍   250,000   20.3%

q quit
)");
}

TEST(TopView, OnATinyOne) {
  EXPECT_EQ(drawn(model(), 20, 5), R"(
leat top
pipeline      rows/s
logs            312k

day         visitors
)");
}

TEST(TopView, ADatabaseWithoutRowsThatNobodyWrites) {
  TopModel empty;
  empty.target = "leat.db";
  empty.now_micros = kNow;
  EXPECT_EQ(drawn(empty, 60, 6), R"(
leat top  leat.db                    2026-11-22 15:45:11 UTC
no pipeline has written here yet




)");
  TopPipeline& logs = empty.pipelines.emplace_back();
  logs.name = "logs";
  EXPECT_EQ(drawn(empty, 60, 6), R"(
leat top  leat.db                    2026-11-22 15:45:11 UTC
pipeline            rows/s      behind  rejects  last commit
logs                     -           -        -            -
logs has not run yet


)");
  logs.started = true;
  logs.committed_micros = kNow - 3'900 * kMicrosPerSecond;
  logs.last_error = "disk full\x1B[2J";
  logs.gap_bytes = 2048;
  EXPECT_EQ(drawn(empty, 80, 12), R"(
leat top  leat.db                                        2026-11-22 15:45:11 UTC
pipeline            state  rows/s      behind         rows  rejects  last commit
logs              stopped       0           -            0        0   1h 05m ago
last error: disk full\x1B[2J
logs is not running; last commit 2026-11-22 14:40:11 UTC (1h 05m ago)
2.0 KiB of the logs were lost in gaps

no rows yet



q quit
)");
  empty.by_day = false;
  empty.trouble = "leat.db: did not answer in time; leat asks again";
  EXPECT_EQ(drawn(empty, 80, 12), R"(
leat top  leat.db                                        2026-11-22 15:45:11 UTC
pipeline            state  rows/s      behind         rows  rejects  last commit
logs              stopped       0           -            0        0   1h 05m ago
cannot read: leat.db: did not answer in time; leat asks again
last error: disk full\x1B[2J
logs is not running; last commit 2026-11-22 14:40:11 UTC (1h 05m ago)
2.0 KiB of the logs were lost in gaps

it keeps no aggregate by day, so there is nothing to show of its rows


q quit
)");
}

TEST(TopView, SeveralPipelines) {
  TopModel many = model();
  for (int i = 0; i < 8; ++i) {
    many.pipelines.push_back(many.pipelines[0]);
    many.pipelines.back().name = "pipeline number " + std::to_string(i) + " of the lot";
    many.pipelines.back().running = i % 2 == 0;
    many.pipelines.back().left_seconds.reset();
  }
  many.chosen = 6;
  many.days.clear();
  EXPECT_EQ(drawn(many, 80, 20), R"(
leat top  /var/lib/leat/web.db                           2026-11-22 15:45:11 UTC
pipeline            state  rows/s      behind         rows  rejects  last commit
  pipel… the lot  running    312k     1.2 GiB   12,345,678       12       1s ago
  pipel… the lot  stopped    312k     1.2 GiB   12,345,678       12       1s ago
  pipel… the lot  running    312k     1.2 GiB   12,345,678       12       1s ago
> pipel… the lot  stopped    312k     1.2 GiB   12,345,678       12       1s ago
… and 5 more
pipeline number 5 of the lot is not running; last commit 2026-11-22 15:45:10 UT…

no rows yet









q quit   Tab next pipeline
)");
}

TEST(TopView, NoLineIsWiderThanTheTerminalAtAnySize) {
  for (size_t columns = 0; columns < 260; columns += columns < 90 ? 1 : 13) {
    for (const size_t rows : {0, 1, 2, 3, 4, 5, 7, 10, 13, 24, 60}) {
      const std::string text = draw_top(model(), columns, rows, true).text();
      const auto lines = split(text, '\n');
      ASSERT_EQ(lines.size(), rows + 1) << columns << " × " << rows;
      for (const std::string_view line : lines) {
        ASSERT_LE(columns_of(line), columns) << columns << " × " << rows << ": " << line;
        ASSERT_EQ(line.find('\x1B'), std::string_view::npos);
        ASSERT_TRUE(is_utf8(line));
      }
    }
  }
}

TEST(TopView, DaysAndListsBelowAnotherText) {
  const Frame frame = draw_days_and_lists(model(), 80, 6);
  EXPECT_LE(frame.rows(), 6U);
  EXPECT_EQ("\n" + frame.text(), R"(
day         visitors       hits          pages, 2026-11-22          hits   share
2026-11-22    12,345  1,234,567  ██████  /                       300,000   24.3%
2026-11-21     6,172    617,283  ███     /products/…t-name.html  250,000   20.3%
2026-11-20     4,115    411,522  ██      /日本語/ペ…ジです.html   99,999    8.1%
2026-11-19         0    308,641  █▌      /café/menü                5,000    0.4%
2026-11-18     2,469    246,913  █▎      /\x1B[31mred\xFFslr          77    0.0%
)");
  EXPECT_EQ(draw_days_and_lists(TopModel{}, 80, 6).rows(), 0U);
  TopModel two = model();
  two.days.resize(2);
  two.lists.clear();
  EXPECT_EQ(draw_days_and_lists(two, 80, 10).rows(), 3U);
}

}  // namespace
}  // namespace leat::app
