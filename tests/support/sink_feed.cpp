#include "tests/support/sink_feed.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>

#include "base/hash.h"
#include "os/clock.h"
#include "sinks/sqlite.h"

namespace leat {

TemporaryFolder::TemporaryFolder() {
  // In memory where there is such a file system: a test that syncs a thousand times is not about the disk.
  std::error_code none;
  const bool in_memory = std::filesystem::is_directory("/dev/shm", none);
  const std::filesystem::path base = in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
  std::string pattern = (base / "leat-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> sql_rows(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::vector<std::string> rows;
  int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
  sqlite3_busy_timeout(db, 2000);
  if (code == SQLITE_OK) code = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
  while (code == SQLITE_OK || code == SQLITE_ROW) {
    code = sqlite3_step(statement);
    if (code != SQLITE_ROW) break;
    std::string row;
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const void* bytes = sqlite3_column_blob(statement, i);
      const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, i));
      if (i > 0) row += '|';
      row += sqlite3_column_type(statement, i) == SQLITE_NULL ? "NULL"
                                                              : std::string(static_cast<const char*>(bytes), size);
    }
    rows.push_back(std::move(row));
  }
  if (code != SQLITE_DONE) rows.push_back(std::string("error: ") + sqlite3_errmsg(db));
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return rows;
}

std::string sql_value(const std::string& path, const std::string& sql) {
  const std::vector<std::string> rows = sql_rows(path, sql);
  return rows.empty() ? "" : rows.front();
}

std::string sql_change(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string outcome;
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) != SQLITE_OK ||
      sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    outcome = sqlite3_errmsg(db);
  }
  sqlite3_close(db);
  return outcome;
}

SchemaPtr feed_schema() {
  static const SchemaPtr schema = std::make_shared<const Schema>(Schema{{{"time", Type::time},
                                                                         {"addr", Type::text},
                                                                         {"status", Type::integer},
                                                                         {"seconds", Type::real},
                                                                         {"raw", Type::text, true}}});
  return schema;
}

std::vector<AggregateSpec> feed_aggregates() {
  AggregateSpec per_day;
  per_day.name = "per_day";
  per_day.pipeline = "logs";
  per_day.by = {{"day", "day(time)"}};
  per_day.value = {{"hits", "count()"},
                   {"visitors", "count_distinct(addr)"},
                   {"total", "sum(status)"},
                   {"fastest", "min(seconds)"},
                   {"last", "max(time)"}};
  AggregateSpec per_status;
  per_status.name = "per_status";
  per_status.pipeline = "logs";
  per_status.by = {{"status", "status"}, {"addr", "addr"}};
  per_status.value = {{"hits", "count()"}, {"seconds", "sum(seconds)"}};
  return {per_day, per_status};
}

SinkPlan feed_plan() {
  SinkPlan plan;
  plan.pipeline = "logs";
  plan.table = "access_log";
  plan.schema = feed_schema();
  plan.aggregates = feed_aggregates();
  return plan;
}

namespace {

constexpr uint64_t kRecord = 10;
constexpr int64_t kStart = 1'767'225'600'000'000;  // 2026-01-01

void add_record(FeedBatch& feed, uint64_t record, const std::string& text, uint64_t back = 0) {
  const uint64_t offset = record * kRecord;
  const uint64_t line = record + 1;
  record -= back;
  const std::string& part = feed.batch.part;
  if (record % 7 == 6) {
    feed.rejects.push_back(make_reject(part, feed.batch.origin, offset, line, "status", "not a number",
                                       record % 2 == 0 ? "bad " + text : "bad\x01\xFF" + text));
    ++feed.range.counts.rejected;
    feed.range.counts.digest += mix64(offset);
    return;
  }
  const size_t row = feed.batch.add_row({.offset = offset, .line = line, .raw = 0});
  const uint64_t random = mix64(record) ^ mix64(hash64(part) + hash64(text));
  feed.batch.set_integer(0, row, kStart + static_cast<int64_t>(record) * 3'600'500'000);
  if (random % 5 != 0) feed.batch.set_new_text(1, row, fmt::format("10.0.0.{}", random % 13));
  feed.batch.set_integer(2, row, static_cast<int64_t>(200 + random % 3));
  if (random % 3 != 0) feed.batch.set_real(3, row, static_cast<double>(random % 1000) / 8);
  feed.batch.set_new_text(4, row, random % 4 == 0 ? text + "\xD9" : text);
}

FeedBatch empty_feed(const std::string& part, uint64_t first) {
  FeedBatch feed{.batch = RecordBatch(feed_schema()), .rejects = {}, .end = {}, .range = {}};
  feed.batch.part = part;
  feed.batch.origin = "/logs/" + part;
  feed.range.part = part;
  feed.range.start = first * kRecord;
  return feed;
}

}  // namespace

FeedBatch feed_batch(const std::string& part, uint64_t first, uint64_t count, uint64_t back) {
  FeedBatch feed = empty_feed(part, first);
  for (uint64_t i = first; i < first + count; ++i) add_record(feed, i, fmt::format("record {}", i - back), back);
  feed.range.end = (first + count) * kRecord;
  feed.end = {part, feed.batch.origin, feed.range.end, fmt::format("token {}", first + count)};
  return feed;
}

FeedBatch feed_page(const std::string& part, uint64_t first, uint64_t count, uint64_t back) {
  FeedBatch feed = feed_batch(part, first, count, back);
  feed.range.fresh = true;
  if (back > 0) feed.range.void_from = (first - back) * kRecord;
  return feed;
}

FeedBatch feed_provisional(const std::string& part, uint64_t record, const std::string& text) {
  FeedBatch feed = empty_feed(part, record);
  add_record(feed, record, text);
  feed.batch.provisional = true;
  feed.range.end = feed.range.start + 4;
  feed.range.provisional = true;
  feed.end = {part, feed.batch.origin, feed.range.start, fmt::format("token {}", record)};
  return feed;
}

std::unique_ptr<Sink> make_feed_sink(const std::string& path) {
  return make_sqlite_sink({.path = path, .vfs = ""}, os::clock(), nullptr);
}

Status FeedLine::write(const FeedBatch& feed) {
  LEAT_ASSIGN(const Written written, sink_.write(feed.batch, 0, feed.batch.rows(), feed.rejects));
  Range range = feed.range;
  range.counts.add({.inserted = written.inserted,
                    .updated = written.updated,
                    .ignored = written.ignored,
                    .rejected = written.rejected,
                    .digest = written.digest});
  ranges_.push_back(range);
  std::erase_if(moved_, [&](const Position& position) { return position.part == feed.end.part; });
  moved_.push_back(feed.end);
  return {};
}

Status FeedLine::commit() {
  LEAT_TRY(sink_.commit(moved_, ranges_));
  moved_.clear();
  ranges_.clear();
  return {};
}

Status run_feed(Sink& sink, const SinkPlan& plan, const std::vector<std::string>& parts, uint64_t records,
                uint64_t per_batch, const std::string& tail, Positions* acknowledged, bool in_pages) {
  LEAT_ASSIGN(const Positions positions, sink.open(plan));
  FeedLine line(sink);
  uint64_t batches = 0;
  for (const std::string& part : parts) {
    uint64_t next = 0;
    for (const Position& position : positions) {
      if (position.part == part) next = position.offset / kRecord;
    }
    for (; next < records; next += per_batch) {
      const uint64_t count = std::min(per_batch, records - next);
      const uint64_t back = next / per_batch % 3 == 2 ? per_batch : 0;
      LEAT_TRY(line.write(in_pages ? feed_page(part, next, count, back) : feed_batch(part, next, count)));
      if (++batches % 2 != 0) continue;
      LEAT_TRY(line.commit());
      if (acknowledged != nullptr)
        acknowledged->push_back({part, "", std::min(next + per_batch, records) * kRecord, ""});
    }
    if (!tail.empty()) LEAT_TRY(line.write(feed_provisional(part, records, tail)));
  }
  LEAT_TRY(line.commit());
  return sink.finish();
}

}  // namespace leat
