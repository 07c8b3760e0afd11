#include "sinks/keyed_rows.h"

#include <fmt/format.h>

#include <cmath>

#include "base/hash.h"
#include "base/text.h"

namespace leat {
namespace {

std::string said(const std::vector<std::string>& columns) {
  std::string names;
  for (const std::string& column : columns) names += (names.empty() ? "" : ", ") + quoted(column);
  return names;
}

Result<size_t> find_column(const std::string& where, const SinkPlan& plan, const char* option,
                           const std::string& name) {
  if (const std::optional<size_t> at = plan.schema->find(name)) return *at;
  std::vector<std::string_view> names;
  for (const Field& field : plan.schema->fields) names.push_back(field.name);
  const std::string_view meant = did_you_mean(name, names);
  return Status::bad_config(fmt::format("{}: table {}: '{}' names the column {}, which is not there ({})", where,
                                        quoted(plan.table), option, quoted(name),
                                        meant.empty()
                                            ? "there are: " + visible(fmt::format("{}", fmt::join(names, ", ")), 1000)
                                            : fmt::format("did you mean {}?", quoted(meant))));
}

}  // namespace

Result<KeyColumns> find_key(const std::string& where, const SinkPlan& plan) {
  if (plan.key.empty()) {
    return Status::bad_config(
        fmt::format("{}: table {}: nothing says which columns make a record unique; name them in 'key'", where,
                    quoted(plan.table)));
  }
  KeyColumns columns;
  for (const std::string& name : plan.key) {
    LEAT_ASSIGN(const size_t at, find_column(where, plan, "key", name));
    columns.key.push_back(at);
  }
  if (plan.newest.empty()) return columns;
  LEAT_ASSIGN(columns.newest, find_column(where, plan, "newest", plan.newest));
  const Field& field = plan.schema->fields[*columns.newest];
  if (!field.bytes && field.type != Type::json) return columns;
  return Status::bad_config(
      fmt::format("{}: table {}: 'newest' names the column {}, which holds {}; it must be a time, a number or a "
                  "text",
                  where, quoted(plan.table), quoted(plan.newest), field.bytes ? "raw bytes" : "json"));
}

Status check_key(const std::string& where, const SinkPlan& plan, const std::vector<std::string>& there,
                 const char* other) {
  if (there == plan.key) return {};
  return Status::bad_config(
      fmt::format("{}: the key of table {} is {}, now it would be {}; name another table, or another {}", where,
                  quoted(plan.table), said(there), said(plan.key), other));
}

Status doubled_keys(const std::string& where, const SinkPlan& plan) {
  return Status::bad_config(
      fmt::format("{}: table {} has rows with the same key ({}), though they were written one for each key; see "
                  "`leat verify`",
                  where, quoted(plan.table), said(plan.key)));
}

std::optional<size_t> missing_key(const RecordBatch& batch, const std::vector<size_t>& key, size_t r) {
  for (const size_t c : key) {
    if (batch.is_null(c, r)) return c;
    if (batch.schema().fields[c].type == Type::real && std::isnan(batch.real(c, r))) return c;
  }
  return std::nullopt;
}

Reject reject_without_key(const RecordBatch& batch, size_t column, size_t r, std::string_view why) {
  const RowOrigin& origin = batch.origin_of(r);
  return make_reject(batch.part, batch.origin, origin.offset, origin.line, batch.schema().fields[column].name,
                     fmt::format("there is no value, but {}", why), batch.raw(r));
}

KeyedOutcome decide_keyed(const std::vector<StagedRow>& staged, const std::vector<uint64_t>& offsets, int64_t part,
                          bool merge, int64_t& next_row, Written& written) {
  // By the first record with a key: where the row with that key is from by now, and what is to be written last.
  struct Key {
    std::optional<KeyedPlace> now;
    std::optional<KeyedPut> put;
  };
  std::vector<Key> keys(staged.size());
  KeyedOutcome outcome;
  for (size_t s = 0; s < staged.size(); ++s) {
    Key& key = keys[staged[s].first];
    if (staged[s].first == s) key.now = staged[s].was;
    if (key.now && (!merge || !staged[s].is_newest)) {
      ++written.ignored;
      outcome.seen_rows.push_back(key.now->row);
      continue;
    }
    written.digest += mix64(offsets[s]);
    if (key.now) {
      ++written.updated;
      outcome.taken.emplace_back(key.now->part, key.now->offset);
      if (!key.put) outcome.taken_rows.push_back(key.now->row);
    } else {
      ++written.inserted;
    }
    const int64_t row = key.now ? key.now->row : next_row;
    key.put = {s, row, next_row++};
    key.now = {row, part, offsets[s]};
    outcome.last_row = row;
  }
  for (const Key& key : keys) {
    if (key.put) outcome.puts.push_back(*key.put);
  }
  return outcome;
}

}  // namespace leat
