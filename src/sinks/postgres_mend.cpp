#include "sinks/postgres_mend.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "db/sql.h"
#include "os/clock.h"
#include "sinks/mend_choice.h"
#include "sinks/postgres_aggregates.h"
#include "sinks/postgres_claim.h"
#include "sinks/postgres_keyed_rows.h"
#include "sinks/postgres_layout.h"
#include "sinks/postgres_parts.h"
#include "sinks/postgres_replace.h"
#include "sinks/postgres_rows.h"

namespace leat {
namespace {

Result<std::vector<SinkPlan>> plans(const PostgresDatabase& db) {
  LEAT_ASSIGN(PostgresRows rows, db.query("SELECT pipeline, table_name FROM _leat_pipelines ORDER BY pipeline"));
  std::vector<SinkPlan> all;
  for (;;) {
    LEAT_ASSIGN(const bool row, rows.step());
    if (!row) return all;
    SinkPlan& plan = all.emplace_back();
    plan.pipeline = rows.string(0);
    plan.table = rows.string(1);
    LEAT_ASSIGN(Schema schema, read_postgres_schema(db, plan.pipeline));
    plan.schema = std::make_shared<const Schema>(std::move(schema));
    LEAT_ASSIGN(plan.aggregates, read_postgres_aggregates(db, plan.pipeline));
    LEAT_ASSIGN(plan.mode, read_postgres_write_mode(db, plan.pipeline));
  }
}

Result<std::vector<Rebuilt>> rebuild_all(const PostgresDatabase& db, const RebuildRequest& request,
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
    LEAT_ASSIGN(const auto claim, PostgresClaim::take(db, plan));
    const uint64_t about = done + static_cast<uint64_t>(claim->next_row());
    LEAT_ASSIGN(const uint64_t rows,
                PostgresAggregates::rebuild(db, plan.table, plan.schema, chosen, [&](uint64_t read) {
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
  Rewinder(const PostgresDatabase& db, const RewindRequest& request) : db_(db), request_(request) {}

  Result<Undone> run() {
    LEAT_ASSIGN(const std::vector<SinkPlan> all, plans(db_));
    const auto plan =
        std::find_if(all.begin(), all.end(), [&](const SinkPlan& each) { return each.pipeline == request_.pipeline; });
    if (plan == all.end()) {
      return Status::bad_config(fmt::format("{}: pipeline {} has not run here; there is nothing to take back",
                                            db_.where(), quoted(request_.pipeline)));
    }
    LEAT_TRY(check_rewind(db_.where(), *plan, request_));
    LEAT_ASSIGN(const auto claim, PostgresClaim::take(db_, *plan));
    LEAT_ASSIGN(const auto parts, PostgresParts::load(db_, plan->pipeline));
    LEAT_ASSIGN(const std::vector<const BookedPart*> chosen, choose_parts(db_.where(), *parts, request_));
    LEAT_TRY(request_.all ? undo_all(*plan) : undo_chosen(*plan, chosen));
    for (const BookedPart* part : chosen) LEAT_TRY(put_back(*part, claim->sequence()));
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
    if (merge) LEAT_TRY(db_.execute("DROP TABLE IF EXISTS " + sql_name(postgres_before_table(plan.table))));
    LEAT_TRY(db_.execute("DELETE FROM _leat_columns WHERE pipeline = " + sql_text(plan.pipeline)));
    return make_postgres_rows(db_, plan.pipeline, plan.table, *plan.schema, {}, merge);
  }

  Status undo_all(const SinkPlan& plan) {
    LEAT_TRY(make_table(plan));
    LEAT_ASSIGN(undone_.rows, db_.change("DELETE FROM " + sql_name(plan.table)));
    LEAT_ASSIGN(undone_.rejects,
                db_.change("DELETE FROM _leat_rejects WHERE pipeline = $1", PostgresParameters::of(plan.pipeline)));
    if (plan.mode == WriteMode::merge) {
      LEAT_TRY(db_.execute("DELETE FROM " + sql_name(postgres_before_table(plan.table))));
    }
    LEAT_TRY(db_.execute("DELETE FROM _leat_full_pulls WHERE pipeline = " + sql_text(plan.pipeline)));
    if (plan.mode == WriteMode::replace) LEAT_TRY(drop_postgres_next(db_, plan));
    return PostgresAggregates::rebuild(db_, plan.table, plan.schema, plan.aggregates, nullptr).status().clone();
  }

  Status undo_chosen(const SinkPlan& plan, const std::vector<const BookedPart*>& chosen) {
    LEAT_ASSIGN(const auto aggregates,
                PostgresAggregates::make(db_, plan.pipeline, plan.table, plan.schema, plan.aggregates, nullptr));
    for (const BookedPart* part : chosen) LEAT_TRY(undo(plan, *part, *aggregates));
    return aggregates->apply();
  }

  Status undo(const SinkPlan& plan, const BookedPart& part, PostgresAggregates& aggregates) {
    const PostgresParameters id = PostgresParameters::of(part.id);
    if (!aggregates.empty()) {
      LEAT_ASSIGN(const auto reader,
                  PostgresReader::make(db_, plan.table, plan.schema, aggregates.inputs(), "_part = $1", {part.id}));
      for (;;) {
        LEAT_ASSIGN(const RecordBatch batch, reader->next());
        if (batch.rows() == 0) break;
        LEAT_TRY(aggregates.touch(batch, 0, batch.rows()));
      }
    }
    LEAT_ASSIGN(const uint64_t rows, db_.change("DELETE FROM " + sql_name(plan.table) + " WHERE _part = $1", id));
    LEAT_ASSIGN(const uint64_t rejects, db_.change("DELETE FROM _leat_rejects WHERE part = $1", id));
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
        .change("UPDATE _leat_positions SET \"offset\" = 0, token = $2, sequence = $3 WHERE part = $1",
                PostgresParameters::of(part.id, kept_text(to->token), sequence))
        .status()
        .clone();
  }

  const PostgresDatabase& db_;
  const RewindRequest& request_;
  Undone undone_;
};

}  // namespace

Result<std::vector<Rebuilt>> rebuild_postgres(const PostgresDatabase& db, const RebuildRequest& request,
                                              const StoreProgress& progress) {
  LEAT_TRY(db.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"));
  Result<std::vector<Rebuilt>> rebuilt = rebuild_all(db, request, progress);
  if (rebuilt.ok()) LEAT_TRY(db.execute("COMMIT"));
  return rebuilt;
}

Result<Undone> rewind_postgres(const PostgresDatabase& db, const RewindRequest& request) {
  LEAT_TRY(db.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"));
  Result<Undone> undone = Rewinder(db, request).run();
  if (undone.ok() && !request.only_look) LEAT_TRY(db.execute("COMMIT"));
  return undone;
}

}  // namespace leat
