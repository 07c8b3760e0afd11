#include "sinks/duckdb_full_pull.h"

namespace leat {

Result<std::unique_ptr<DuckDbFullPull>> DuckDbFullPull::load(const DuckDb& db, const std::string& pipeline) {
  std::unique_ptr<DuckDbFullPull> pull(new DuckDbFullPull(db, pipeline));
  LEAT_ASSIGN(const bool there, db.has_table("_leat_full_pulls"));
  if (!there) return pull;
  LEAT_ASSIGN(DuckDbRows rows,
              db.query("SELECT part, first_revision, vanished FROM _leat_full_pulls WHERE pipeline = $1", pipeline));
  LEAT_ASSIGN(const bool row, rows.step());
  if (!row) return pull;
  pull->part_ = rows.integer(0);
  if (!rows.is_null(1)) pull->first_revision_ = rows.integer(1);
  pull->vanished_ = rows.number(2);
  return pull;
}

Result<FullPullBook::Seen> DuckDbFullPull::seen_since(int64_t part) {
  LEAT_ASSIGN(DuckDbRows rows,
              db_->query("SELECT coalesce(sum(inserted + updated + ignored), 0)::BIGINT, "
                         "coalesce(sum(rejected), 0)::BIGINT FROM _leat_ranges JOIN _leat_parts USING(part) "
                         "WHERE pipeline = $1 AND part >= $2",
                         pipeline_, part));
  LEAT_TRY(rows.step().status().clone());
  return Seen{rows.number(0), rows.number(1)};
}

Status DuckDbFullPull::keep() {
  LEAT_TRY(
      db_->execute("CREATE TABLE IF NOT EXISTS _leat_full_pulls(pipeline VARCHAR NOT NULL, part BIGINT NOT NULL, "
                   "first_revision BIGINT, vanished BIGINT NOT NULL)"));
  LEAT_TRY(forget_duckdb_full_pull(*db_, pipeline_));
  LEAT_TRY(db_->change("INSERT INTO _leat_full_pulls VALUES($1, $2, NULL, $3)", pipeline_, part_, vanished_)
               .status()
               .clone());
  if (!first_revision_) return {};
  return db_->change("UPDATE _leat_full_pulls SET first_revision = $2 WHERE pipeline = $1", pipeline_, *first_revision_)
      .status()
      .clone();
}

Result<uint64_t> read_duckdb_vanished(const DuckDb& db, const std::string& pipeline) {
  LEAT_ASSIGN(const bool there, db.has_table("_leat_full_pulls"));
  if (!there) return uint64_t{0};
  LEAT_ASSIGN(DuckDbRows rows, db.query("SELECT vanished FROM _leat_full_pulls WHERE pipeline = $1", pipeline));
  LEAT_ASSIGN(const bool row, rows.step());
  return row ? rows.number(0) : uint64_t{0};
}

Status forget_duckdb_full_pull(const DuckDb& db, const std::string& pipeline) {
  LEAT_ASSIGN(const bool there, db.has_table("_leat_full_pulls"));
  if (!there) return {};
  return db.change("DELETE FROM _leat_full_pulls WHERE pipeline = $1", pipeline).status().clone();
}

}  // namespace leat
