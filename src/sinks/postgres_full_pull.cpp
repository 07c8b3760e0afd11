#include "sinks/postgres_full_pull.h"

#include <fmt/format.h>

namespace leat {

Result<std::unique_ptr<PostgresFullPull>> PostgresFullPull::load(const PostgresDatabase& db,
                                                                 const std::string& pipeline) {
  std::unique_ptr<PostgresFullPull> pull(new PostgresFullPull(db, pipeline));
  LEAT_ASSIGN(PostgresRows rows,
              db.query("SELECT part, first_revision, vanished FROM _leat_full_pulls WHERE pipeline = $1",
                       PostgresParameters::of(pipeline)));
  LEAT_ASSIGN(const bool row, rows.step());
  if (!row) return pull;
  pull->part_ = rows.integer(0);
  if (!rows.is_null(1)) pull->first_revision_ = rows.integer(1);
  pull->vanished_ = rows.number(2);
  return pull;
}

Result<FullPullBook::Seen> PostgresFullPull::seen_since(int64_t part) {
  LEAT_ASSIGN(PostgresRows rows,
              db_->query("SELECT coalesce(sum(inserted + updated + ignored), 0)::bigint, "
                         "coalesce(sum(rejected), 0)::bigint FROM _leat_ranges JOIN _leat_parts USING(part) "
                         "WHERE pipeline = $1 AND part >= $2",
                         PostgresParameters::of(pipeline_, part)));
  LEAT_TRY(rows.step().status().clone());
  return Seen{rows.number(0), rows.number(1)};
}

Status PostgresFullPull::keep() {
  const std::string first = first_revision_ ? std::to_string(*first_revision_) : "NULL";
  return db_
      ->change(fmt::format("INSERT INTO _leat_full_pulls VALUES($1, $2, {0}, $3) ON CONFLICT (pipeline) DO UPDATE SET "
                           "part = $2, first_revision = {0}, vanished = $3",
                           first),
               PostgresParameters::of(pipeline_, part_, vanished_))
      .status()
      .clone();
}

}  // namespace leat
