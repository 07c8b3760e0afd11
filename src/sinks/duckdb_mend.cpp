#include "sinks/duckdb_mend.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/sql.h"
#include "os/clock.h"
#include "sinks/duckdb_aggregates.h"
#include "sinks/duckdb_claim.h"
#include "sinks/duckdb_full_pull.h"
#include "sinks/duckdb_layout.h"
#include "sinks/duckdb_parts.h"
#include "sinks/duckdb_replace.h"
#include "sinks/duckdb_rows.h"
#include "sinks/mend_choice.h"

namespace leat {
namespace {

Result<std::vector<SinkPlan>> plans(const DuckDb& db) {
  LEAT_ASSIGN(DuckDbRows rows, db.query("SELECT pipeline, table_name FROM _leat_pipelines ORDER BY pipeline"));
  std::vector<SinkPlan> all;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return all;
    SinkPlan& plan = all.emplace_back();
    plan.pipeline = rows.string(0);
    plan.table = rows.string(1);
    LEAT_ASSIGN(Schema schema, read_duckdb_schema(db, plan.pipeline));
    plan.schema = std::make_shared<const Schema>(std::move(schema));
    LEAT_ASSIGN(plan.mode, read_duckdb_write_mode(db, plan.pipeline));
    LEAT_ASSIGN(plan.aggregates, read_duckdb_aggregates(db, plan.pipeline));
  }
}

Result<std::vector<Rebuilt>> rebuild_all(const DuckDb& db, const RebuildRequest& request,
                                         const StoreProgress& progress) {
  LEAT_ASSIGN(const std::vector<SinkPlan> all, plans(db));
  std::vector<Rebuilt> rebuilt;
  std::vector<std::string> known;
  uint64_t done = 0;
  for (const SinkPlan& plan : all) {
    const std::vector<std::string>& wanted = request.pipelines;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), plan.pipeline) == wanted.end()) continue;
    std::vector<AggregateSpec> chosen;
    for (const AggregateSpec& spec : plan.aggregates) {
      known.push_back(spec.name);
      if (request.aggregate.empty() || request.aggregate == spec.name) chosen.push_back(spec);
    }
    if (chosen.empty()) continue;
    // A claim, so that nobody who held the pipeline before can go on with what he remembers of the distinct sets.
    LEAT_ASSIGN(const auto claim, DuckDbClaim::take(db, plan));
    const uint64_t about = done + static_cast<uint64_t>(claim->next_row());
    LEAT_ASSIGN(const uint64_t rows, DuckDbAggregates::rebuild(db, plan.table, plan.schema, chosen, [&](uint64_t read) {
                  if (progress) progress(done + read, std::max(about, done + read));
                }));
    for (const AggregateSpec& spec : chosen) {
      LEAT_ASSIGN(const int64_t buckets, db.query_integer("SELECT count(*) FROM " + sql_name(spec.name)));
      rebuilt.push_back({plan.pipeline, spec.name, static_cast<uint64_t>(buckets), rows});
    }
    LEAT_TRY(claim->release(os::clock().now_micros()));
    done += rows;
  }
  if (rebuilt.empty() && !request.aggregate.empty()) return no_aggregate(db.where(), request.aggregate, known);
  return rebuilt;
}

class Rewinder {
 public:
  Rewinder(const DuckDb& db, const RewindRequest& request) : db_(db), request_(request) {}

  Result<Undone> run() {
    LEAT_ASSIGN(const std::vector<SinkPlan> all, plans(db_));
    const auto plan =
        std::find_if(all.begin(), all.end(), [&](const SinkPlan& each) { return each.pipeline == request_.pipeline; });
    if (plan == all.end()) {
      return Status::bad_config(fmt::format("{}: pipeline {} has not run here; there is nothing to take back",
                                            db_.where(), quoted(request_.pipeline)));
    }
    LEAT_TRY(check_rewind(db_.where(), *plan, request_));
    LEAT_ASSIGN(const auto claim, DuckDbClaim::take(db_, *plan));
    LEAT_ASSIGN(const auto parts, DuckDbParts::load(db_, plan->pipeline));
    LEAT_ASSIGN(const std::vector<const BookedPart*> chosen, choose_parts(db_.where(), *parts, request_));
    if (request_.all) LEAT_TRY(make_table(*plan));
    LEAT_ASSIGN(const auto aggregates,
                DuckDbAggregates::make(db_, plan->pipeline, plan->table, plan->schema, plan->aggregates, nullptr));
    for (const BookedPart* part : chosen) LEAT_TRY(undo(*plan, *part, *aggregates));
    LEAT_TRY(aggregates->apply());
    for (const BookedPart* part : chosen) LEAT_TRY(put_back(*part, claim->sequence()));
    if (plan->mode == WriteMode::merge) {
      LEAT_TRY(db_.execute("DELETE FROM " + sql_name(duckdb_before_table(plan->table))));
      LEAT_TRY(forget_duckdb_full_pull(db_, plan->pipeline));
    }
    if (plan->mode == WriteMode::replace) LEAT_TRY(drop_next(db_, *plan));
    LEAT_TRY(claim->release(os::clock().now_micros()));
    undone_.parts = chosen.size();
    return undone_;
  }

 private:
  // A table that somebody has dropped: an empty one takes its place, as after a first run that found nothing.
  Status make_table(const SinkPlan& plan) {
    LEAT_ASSIGN(const bool there, db_.has_table(plan.table));
    if (there) return {};
    const bool merge = plan.mode == WriteMode::merge;
    if (merge) LEAT_TRY(db_.execute("DROP TABLE IF EXISTS " + sql_name(duckdb_before_table(plan.table))));
    LEAT_TRY(db_.execute("DELETE FROM _leat_columns WHERE pipeline = " + sql_text(plan.pipeline)));
    LEAT_TRY(make_duckdb_rows(db_, plan.pipeline, plan.table, *plan.schema, {}, merge));
    return DuckDbAggregates::rebuild(db_, plan.table, plan.schema, plan.aggregates, nullptr).status().clone();
  }

  Status undo(const SinkPlan& plan, const BookedPart& part, DuckDbAggregates& aggregates) {
    const std::string where = fmt::format("_part = {}", part.id);
    if (!aggregates.empty()) {
      LEAT_ASSIGN(const auto reader, DuckDbReader::make(db_, plan.table, plan.schema, aggregates.inputs(), where));
      for (;;) {
        LEAT_ASSIGN(const RecordBatch batch, reader->next());
        if (batch.rows() == 0) break;
        LEAT_TRY(aggregates.touch(batch, 0, batch.rows()));
      }
    }
    LEAT_ASSIGN(const uint64_t rows, db_.change(fmt::format("DELETE FROM {} WHERE {}", sql_name(plan.table), where)));
    LEAT_ASSIGN(const uint64_t rejects, db_.change("DELETE FROM _leat_rejects WHERE part = $1", part.id));
    undone_.rows += rows;
    undone_.rejects += rejects;
    return {};
  }

  // The books of a part: it stands at its beginning, or is not known any more.
  Status put_back(const BookedPart& part, int64_t sequence) {
    const Position* const to = beginning_of(request_, part.name);
    const bool known = to != nullptr;
    for (const char* table : {"_leat_ranges", "_leat_provisional", "_leat_taken", "_leat_positions", "_leat_parts"}) {
      if (known && std::string_view(table) == "_leat_positions") break;
      LEAT_TRY(db_.execute(fmt::format("DELETE FROM {} WHERE part = {}", table, part.id)));
    }
    if (!known) return {};
    return db_
        .change("UPDATE _leat_positions SET \"offset\" = 0, token = $2, sequence = $3 WHERE part = $1", part.id,
                DuckDbBytes{to->token}, sequence)
        .status()
        .clone();
  }

  const DuckDb& db_;
  const RewindRequest& request_;
  Undone undone_;
};

}  // namespace

Result<std::vector<Rebuilt>> rebuild_duckdb(const DuckDb& db, const RebuildRequest& request,
                                            const StoreProgress& progress) {
  LEAT_TRY(db.execute("BEGIN"));
  Result<std::vector<Rebuilt>> rebuilt = rebuild_all(db, request, progress);
  if (rebuilt.ok()) LEAT_TRY(db.commit());
  return rebuilt;
}

Result<Undone> rewind_duckdb(const DuckDb& db, const RewindRequest& request) {
  LEAT_TRY(db.execute("BEGIN"));
  Result<Undone> undone = Rewinder(db, request).run();
  if (undone.ok() && !request.only_look) LEAT_TRY(db.commit());
  return undone;
}

}  // namespace leat
