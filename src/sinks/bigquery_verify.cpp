#include "sinks/bigquery_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "db/leat_database.h"
#include "sinks/bigquery_journal.h"
#include "sinks/bigquery_merge.h"
#include "sinks/bigquery_query.h"
#include "sinks/bigquery_rows.h"
#include "sinks/bigquery_table.h"
#include "sinks/sqlite_layout.h"

namespace leat {
namespace {

// What stands for NULL: a row that no segment has brought.
constexpr int64_t kNoSegment = -1;

using Place = std::pair<int64_t, std::string>;  // segment, name of the part

struct Wanted {
  BigQueryTally tally;
  BigQueryTally left;  // when what is to be undone is so
  bool loaded = false;
};

struct Found {
  BigQueryTally tally;
  uint64_t distinct = 0;  // offsets
};

using Journal = std::map<Place, Wanted>;
using Table = std::map<Place, Found>;

Result<Journal> read_journal(const SqliteDatabase& db, const std::string& pipeline) {
  LEAT_ASSIGN(
      SqliteStatement select,
      db.prepare("SELECT t.segment, p.name, t.rows, t.offsets, s.state = 'loaded', coalesce(u.rows, 0), "
                 "coalesce(u.offsets, 0), EXISTS (SELECT 1 FROM _leat_undo AS o WHERE o.part = 0 AND o.state <> 'done' "
                 "AND o.segment >= t.segment) FROM _leat_segment_parts AS t JOIN _leat_parts AS p USING(part) JOIN "
                 "_leat_segments AS s USING(segment) LEFT JOIN (SELECT o.part, x.segment, sum(x.rows) AS rows, "
                 "sum(x.offsets) AS offsets FROM _leat_undo AS o JOIN _leat_undo_segments AS x USING(undo) WHERE "
                 "o.state = 'measured' GROUP BY 1, 2) AS u ON u.part = t.part AND u.segment = t.segment WHERE "
                 "p.pipeline = ?"));
  select.with(std::string_view(pipeline));
  Journal wanted;
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return wanted;
    const BigQueryTally all{select.number(2), select.number(3)};
    BigQueryTally left{all.rows - select.number(5), all.offsets - select.number(6)};
    if (select.integer(7) != 0) left = {};
    wanted[{select.integer(0), select.string(1)}] = {all, left, select.integer(4) != 0};
  }
}

// Rows that were committed are in a segment; where some are to be taken out again, more are.
Status check_segments(const SqliteDatabase& db, const std::string& pipeline, VerifyReport& report) {
  LEAT_ASSIGN(
      SqliteStatement select,
      db.prepare(
          "SELECT p.name, coalesce(r.rows, 0), coalesce(t.rows, 0) FROM _leat_parts AS p "
          "LEFT JOIN (SELECT part, sum(inserted + updated) AS rows FROM _leat_ranges GROUP BY part) AS r USING(part) "
          "LEFT JOIN (SELECT part, sum(rows) AS rows FROM _leat_segment_parts GROUP BY part) AS t USING(part) "
          "WHERE p.pipeline = ? AND NOT EXISTS (SELECT 1 FROM _leat_undo AS u WHERE u.part IN (0, p.part) AND "
          "u.state <> 'done')"));
  select.with(std::string_view(pipeline));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return {};
    if (select.number(1) == select.number(2)) continue;
    report.problems.push_back(fmt::format("table '_leat_segment_parts', part {}: {} rows, {} were committed",
                                          quoted(select.text(0)), select.number(2), select.number(1)));
  }
}

uint64_t number(const std::string& cell) {
  return static_cast<uint64_t>(std::max<int64_t>(0, parse_integer(cell).value_or(0)));
}

// Those of segments up to `mirrored` are one: what came of them was taken from the table's description.
Result<Table> read_table(BigQueryClient& client, const std::string& table, const std::string& where,
                         const std::string& location, int64_t mirrored) {
  LEAT_ASSIGN(
      const BigQueryCells cells,
      select_from_bigquery(client,
                           fmt::format("SELECT _segment, _part, COUNT(*) AS n, COUNT(DISTINCT _offset) AS places, "
                                       "SUM(MOD(_offset, {})) AS offsets FROM `{}`{} GROUP BY _segment, _part",
                                       BigQueryTally::kModulus, table, where),
                           location));
  Table found;
  for (const std::vector<std::string>& row : cells) {
    if (row.size() != 5) return Status::retry("BigQuery: the answer to a query has other columns than were asked for");
    const int64_t segment = parse_integer(row[0]).value_or(kNoSegment);
    Found& place = found[{segment < 0 ? kNoSegment : std::max(segment, mirrored), row[1]}];
    place.tally.rows += number(row[2]);
    place.distinct += number(row[3]);
    place.tally.offsets += number(row[4]);
  }
  return found;
}

void compare(const Place& place, const Wanted& wanted, const Found& found, const std::string& table,
             VerifyReport& report) {
  const bool undone = found.tally.rows == wanted.left.rows && found.distinct == wanted.left.rows &&
                      found.tally.offsets == wanted.left.offsets;
  if (undone) return;
  const uint64_t lost = wanted.tally.rows - std::min(wanted.tally.rows, found.distinct);
  const uint64_t doubled = found.tally.rows - std::min(found.tally.rows, wanted.tally.rows - lost);
  const bool moved = lost == 0 && doubled == 0 && found.tally.offsets != wanted.tally.offsets;
  if (lost == 0 && doubled == 0 && !moved) return;
  report.lost += moved ? 1 : lost;
  report.doubled += doubled;
  report.problems.push_back(fmt::format("table {}, segment {}, part {}: {} rows, {} were loaded: {} lost, {} doubled{}",
                                        quoted(table), place.first, quoted(place.second), found.tally.rows,
                                        wanted.tally.rows, moved ? "at least 1" : std::to_string(lost), doubled,
                                        moved ? ": there are offsets that were never loaded" : ""));
}

// What the MERGEs have inserted, less what somebody else has taken out or put in; one row of each key.
Status verify_keyed(const SqliteDatabase& db, BigQueryClient& client, const std::string& dataset,
                    std::vector<std::string> key, const std::string& table, VerifyReport& report) {
  for (std::string& column : key) column = bigquery_name(column);
  const std::string name = dataset + "." + table;
  const std::string full = client.access().project + "." + name;
  LEAT_ASSIGN(const std::string location, find_bigquery_location(client, dataset));
  const auto inserted = [&] {
    return db.query_integer("SELECT coalesce(sum(rows), 0) FROM _leat_jobs WHERE step = 'merge'");
  };
  LEAT_ASSIGN(const int64_t before, inserted());
  LEAT_ASSIGN(const BigQueryCells rows,
              select_from_bigquery(client, fmt::format("SELECT COUNT(*) AS n FROM `{}`", full), location));
  LEAT_ASSIGN(const BigQueryCells doubled, select_from_bigquery(client, doubled_keys_query(full, key), location));
  LEAT_ASSIGN(const int64_t after, inserted());
  // After a MERGE that is not journalled yet there are more than before; and with a mirrored past nobody has counted.
  LEAT_ASSIGN(const int64_t waiting, db.query_integer("SELECT count(*) FROM _leat_segments WHERE state <> 'loaded'"));
  LEAT_ASSIGN(const int64_t mirrored, db.query_integer("SELECT max(mirrored) FROM _leat_bigquery"));
  const uint64_t there = rows.empty() ? 0 : number(rows[0].at(0));
  const uint64_t keys_doubled = doubled.empty() ? 0 : number(doubled[0].at(0));
  report.rows += there;
  if (keys_doubled > 0) {
    report.doubled += keys_doubled;
    report.problems.push_back(
        fmt::format("table {}: {} keys ({}) have more than one row", quoted(name), keys_doubled, fmt::join(key, ", ")));
  }
  LEAT_ASSIGN(const int64_t undoing, db.query_integer("SELECT count(*) FROM _leat_undo WHERE state <> 'done'"));
  if (mirrored > 0 || undoing > 0) return {};
  const auto least = static_cast<uint64_t>(before);
  const auto most = static_cast<uint64_t>(after);
  if (there < least) {
    report.lost += least - there;
    report.problems.push_back(fmt::format("table {}: {} rows, {} were inserted", quoted(name), there, least));
  } else if (there > most + keys_doubled && waiting == 0) {
    report.problems.push_back(
        fmt::format("table {}: {} rows, {} were inserted: some are not leat's", quoted(name), there, most));
  }
  return {};
}

}  // namespace

Status verify_bigquery_rows(const SqliteDatabase& db, BigQueryClient& client, const std::string& dataset,
                            const BigQueryPartitioning& by, const std::string& pipeline, const std::string& table,
                            VerifyReport& report) {
  LEAT_TRY(check_segments(db, pipeline, report));
  LEAT_ASSIGN(std::vector<std::string> key, BigQueryJournal::read_key(db));
  if (!key.empty()) return verify_keyed(db, client, dataset, std::move(key), table, report);
  // What an earlier pull has left in other partitions is in no books any more.
  LEAT_ASSIGN(const auto partitions, BigQueryJournal::read_partitions(db, pipeline));
  const std::string where = partitions ? " WHERE " + is_in_partitions(*partitions, by) : "";
  LEAT_ASSIGN(const Journal before, read_journal(db, pipeline));
  LEAT_ASSIGN(const int64_t mirrored, db.query_integer("SELECT max(mirrored) FROM _leat_bigquery"));
  LEAT_ASSIGN(const std::string location, find_bigquery_location(client, dataset));
  const std::string name = dataset + "." + table;
  LEAT_ASSIGN(Table found, read_table(client, client.access().project + "." + name, where, location, mirrored));
  // A segment may have landed meanwhile: of those that were not loaded before nothing is there, or all.
  LEAT_ASSIGN(const Journal after, read_journal(db, pipeline));
  for (const auto& [place, wanted] : after) {
    const auto at = found.find(place);
    const Found there = at == found.end() ? Found() : at->second;
    report.rows += there.tally.rows;
    const auto was = before.find(place);
    const bool expected = was != before.end() && was->second.loaded;
    if (expected || there.tally.rows > 0) compare(place, wanted, there, name, report);
    if (at != found.end()) found.erase(at);
  }
  for (const auto& [place, there] : found) {
    report.rows += there.tally.rows;
    report.doubled += there.tally.rows;
    report.problems.push_back(fmt::format(
        "table {}, part {}: {} rows are of {}, which the journal does not know", quoted(name), quoted(place.second),
        there.tally.rows, place.first == kNoSegment ? "no segment" : fmt::format("segment {}", place.first)));
  }
  return {};
}

}  // namespace leat
