#pragma once

// For tests of sinks: a made-up source whose records are known, a small line from it into a sink, and a look into the
// database. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/record_batch.h"
#include "data/reject.h"
#include "flow/sink.h"

namespace leat {

// A folder that goes when the object goes.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// All rows of a query, cells joined by '|', NULL as "NULL"; an error is one row "error: …".
std::vector<std::string> sql_rows(const std::string& path, const std::string& sql);
// The first of them.
std::string sql_value(const std::string& path, const std::string& sql);
// Changes by hand; empty, or what went wrong.
std::string sql_change(const std::string& path, const std::string& sql);

// time, addr (text, sometimes NULL), status (integer), seconds (real), raw (bytes, sometimes not UTF-8).
SchemaPtr feed_schema();
// per_day: by day; hits, visitors, bytes (sum of status), fastest and slowest (seconds). per_status: by status and
// addr.
std::vector<AggregateSpec> feed_aggregates();
SinkPlan feed_plan();

// Record i of a part begins at offset 10·i and is 10 bytes long. Each 7th is a reject. `back`: it says what record
// i - back has said.
struct FeedBatch {
  RecordBatch batch;
  Rejects rejects;
  Position end;
  Range range;
};
FeedBatch feed_batch(const std::string& part, uint64_t first, uint64_t count, uint64_t back = 0);
// The same as the first batch of a page that may be taken anew; of one that is, in place of the `back` records before.
FeedBatch feed_page(const std::string& part, uint64_t first, uint64_t count, uint64_t back = 0);
// One record of other content that has no end yet: the position stays before it. `text` tells it from others.
FeedBatch feed_provisional(const std::string& part, uint64_t record, const std::string& text);

// Of a database at `path`.
std::unique_ptr<Sink> make_feed_sink(const std::string& path);

// Collects what was written and commits it, as the engine does.
class FeedLine {
 public:
  explicit FeedLine(Sink& sink) : sink_(sink) {}
  Status write(const FeedBatch& feed);
  Status commit();

 private:
  Sink& sink_;
  Positions moved_;
  Ranges ranges_;
};

// Takes `records` records of each of `parts` from where the sink stands, `per_batch` in a batch, two batches a commit;
// then, when `tail` is not empty, a provisional record behind them. Ends with finish(). `acknowledged`: what the sink
// has said is committed, in this order. in_pages: each batch is a page, each third one takes the page before it anew.
Status run_feed(Sink& sink, const SinkPlan& plan, const std::vector<std::string>& parts, uint64_t records,
                uint64_t per_batch, const std::string& tail = "", Positions* acknowledged = nullptr,
                bool in_pages = false);

}  // namespace leat
