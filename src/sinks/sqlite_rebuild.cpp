#include "sinks/sqlite_rebuild.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/sqlite.h"
#include "os/clock.h"
#include "sinks/mend_choice.h"
#include "sinks/sqlite_aggregates.h"
#include "sinks/sqlite_claim.h"
#include "sinks/sqlite_layout.h"

namespace leat {
namespace {

constexpr uint64_t kCacheBytes = 16 * 1024 * 1024;

struct Work {
  SinkPlan plan;                      // its pipeline and table
  std::vector<AggregateSpec> chosen;  // of its aggregates
  uint64_t rows = 0;                  // about
};

// Pipelines with what is to be made again of each.
Result<std::vector<Work>> work_of(const SqliteDatabase& db, const RebuildRequest& request) {
  std::vector<Work> all;
  std::vector<std::string> known;
  LEAT_ASSIGN(SqliteStatement select,
              db.prepare("SELECT pipeline, table_name, next_row FROM _leat_pipelines ORDER BY pipeline"));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) break;
    Work work;
    work.plan.pipeline = select.string(0);
    work.plan.table = select.string(1);
    work.rows = select.number(2);
    LEAT_ASSIGN(work.plan.mode, read_sqlite_write_mode(db, work.plan.pipeline));
    const std::vector<std::string>& wanted = request.pipelines;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), work.plan.pipeline) == wanted.end()) continue;
    LEAT_ASSIGN(const std::vector<AggregateSpec> specs, read_sqlite_aggregates(db, work.plan.pipeline));
    for (const AggregateSpec& spec : specs) {
      known.push_back(spec.name);
      if (request.aggregate.empty() || request.aggregate == spec.name) work.chosen.push_back(spec);
    }
    if (!work.chosen.empty()) all.push_back(std::move(work));
  }
  if (all.empty() && !request.aggregate.empty()) return no_aggregate(db.where(), request.aggregate, known);
  return all;
}

Result<std::vector<Rebuilt>> rebuild_all(const SqliteDatabase& db, const RebuildRequest& request,
                                         const StoreProgress& progress) {
  LEAT_ASSIGN(const std::vector<Work> all, work_of(db, request));
  uint64_t total = 0;
  for (const Work& work : all) total += work.rows;
  uint64_t done = 0;
  std::vector<Rebuilt> rebuilt;
  for (const Work& work : all) {
    // A claim, so that nobody who held the pipeline before can go on with what he remembers of the distinct sets.
    LEAT_ASSIGN(const auto claim, SqliteClaim::take(db, work.plan));
    LEAT_ASSIGN(Schema schema, read_sqlite_schema(db, work.plan.pipeline));
    LEAT_ASSIGN(const uint64_t rows,
                SqliteAggregates::rebuild(db, work.plan.table, std::make_shared<const Schema>(std::move(schema)),
                                          work.chosen, work.plan.mode, [&](uint64_t read) {
                                            if (progress) progress(done + read, std::max(total, done + read));
                                          }));
    for (const AggregateSpec& spec : work.chosen) {
      LEAT_ASSIGN(const int64_t buckets, db.query_integer("SELECT count(*) FROM " + sql_name(spec.name)));
      rebuilt.push_back({work.plan.pipeline, spec.name, static_cast<uint64_t>(buckets), rows});
    }
    LEAT_TRY(claim->release(os::clock().now_micros()));
    done += rows;
  }
  return rebuilt;
}

}  // namespace

Result<std::vector<Rebuilt>> rebuild_sqlite(const std::string& path, const RebuildRequest& request,
                                            const StoreProgress& progress) {
  // The store found it: that it is gone since is as good as never having been there.
  LEAT_ASSIGN(const auto db, SqliteDatabase::open({.path = path, .vfs = "", .cache_bytes = kCacheBytes}));
  LEAT_TRY(check_sqlite_layout(*db));
  db->opened();
  LEAT_TRY(db->execute("PRAGMA synchronous = FULL; PRAGMA temp_store = FILE"));
  LEAT_TRY(db->execute("BEGIN IMMEDIATE"));
  Result<std::vector<Rebuilt>> rebuilt = rebuild_all(*db, request, progress);
  if (rebuilt.ok()) {
    LEAT_TRY(db->execute("COMMIT"));
  } else if (db->in_transaction()) {
    LEAT_TRY(db->execute("ROLLBACK"));
  }
  return rebuilt;
}

}  // namespace leat
