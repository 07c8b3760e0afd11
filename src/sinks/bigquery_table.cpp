#include "sinks/bigquery_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/json_at.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "sinks/bigquery_query.h"

namespace leat {
namespace {

using Then = BigQueryVerdict::Then;

constexpr std::string_view kMirror = "leat: ";
constexpr int kPatchTries = 10;
constexpr size_t kLongestDescription = 16'384;  // characters

std::string json(std::string_view text) {
  std::string out;
  add_json_string(out, text);
  return out;
}

// The API says the names of legacy SQL whatever it was told.
std::string_view long_type(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kNames{
      {{"INT64", "INTEGER"}, {"FLOAT64", "FLOAT"}, {"BOOL", "BOOLEAN"}}};
  for (const auto& [name, other] : kNames) {
    if (type == name) return other;
  }
  return type;
}

Result<std::string> get_table(BigQueryClient& client, const BigQueryTable& table) {
  LEAT_ASSIGN(const BigQueryReply reply,
              client.call("GET", fmt::format("/datasets/{}/tables/{}", table.dataset, table.table)));
  if (reply.verdict.then == Then::missing) return std::string();
  if (reply.verdict.then != Then::ok)
    return failure_of(reply.verdict, fmt::format("table {}.{}", table.dataset, table.table));
  return reply.body;
}

Status make_dataset(BigQueryClient& client, BigQueryTable& table) {
  LEAT_ASSIGN(BigQueryReply reply, client.call("GET", "/datasets/" + table.dataset));
  if (reply.verdict.then == Then::missing) {
    LEAT_ASSIGN(reply, client.call("POST", "/datasets",
                                   fmt::format(R"({{"datasetReference":{{"datasetId":{}}},"location":{}}})",
                                               json(table.dataset), json(table.location))));
    // Another pipeline may have made it, also with a try of this one whose answer was lost.
    if (reply.verdict.then == Then::exists) {
      LEAT_ASSIGN(reply, client.call("GET", "/datasets/" + table.dataset));
    }
  }
  if (reply.verdict.then != Then::ok) return failure_of(reply.verdict, "dataset " + table.dataset);
  table.location = json_text_at(reply.body, "/location").value_or(table.location);
  return {};
}

std::string table_resource(const BigQueryTable& table) {
  std::string out =
      fmt::format(R"({{"tableReference":{{"tableId":{}}},"schema":{{{}}})", json(table.table), table.fields);
  if (!table.partition_by.empty()) {
    out += fmt::format(R"(,"timePartitioning":{{"type":"{}","field":{}}})", table.partition, json(table.partition_by));
  }
  for (size_t i = 0; i < table.cluster_by.size(); ++i) {
    out += i == 0 ? R"(,"clustering":{"fields":[)" : ",";
    out += json(table.cluster_by[i]);
    if (i + 1 == table.cluster_by.size()) out += "]}";
  }
  return out + "}";
}

// Those that are not there: "`name` TYPE". bad_config: one is, and has another type.
Result<std::vector<std::string>> missing_columns(const BigQueryTable& table, const std::string& resource) {
  const JsonView wanted = JsonView::parse("{" + table.fields + "}").at("fields");
  const JsonView there = JsonView::parse(resource).at("schema").at("fields");
  std::vector<std::string> missing;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const std::string name = wanted.at(i).at("name").text().value_or("");
    const std::string type = wanted.at(i).at("type").text().value_or("");
    size_t k = 0;
    while (k < there.size() && !equal_ignoring_case(there.at(k).at("name").text().value_or(""), name)) ++k;
    if (k == there.size()) {
      missing.push_back(fmt::format("`{}` {}", name, type));
      continue;
    }
    const std::string has = there.at(k).at("type").text().value_or("");
    if (long_type(has) != long_type(type)) {
      return Status::bad_config(
          fmt::format("BigQuery: table {}.{} has column {} of type {}, not {}; name another table, or "
                      "cast the column",
                      table.dataset, table.table, quoted(name), long_type(has), long_type(type)));
    }
  }
  return missing;
}

Status add_columns_to(BigQueryClient& client, const BigQueryTable& table, const std::vector<std::string>& columns) {
  std::string added;
  for (const std::string& column : columns)
    added += (added.empty() ? "" : ", ") + ("ADD COLUMN IF NOT EXISTS " + column);
  return select_from_bigquery(
             client,
             fmt::format("ALTER TABLE `{}.{}.{}` {}", client.access().project, table.dataset, table.table, added),
             table.location)
      .status()
      .clone();
}

// The lines of a description, but for ours.
std::string without_mirror(std::string_view description) {
  std::string kept;
  for (const std::string_view line : split(description, '\n')) {
    if (line.starts_with(kMirror) || (line.empty() && kept.empty())) continue;
    kept += std::string(line) + "\n";
  }
  return kept;
}

}  // namespace

Status make_bigquery_table(BigQueryClient& client, BigQueryTable& table, bool add_columns) {
  LEAT_TRY(make_dataset(client, table));
  LEAT_ASSIGN(std::string resource, get_table(client, table));
  if (resource.empty()) {
    LEAT_ASSIGN(const BigQueryReply reply,
                client.call("POST", fmt::format("/datasets/{}/tables", table.dataset), table_resource(table)));
    if (reply.verdict.then != Then::ok && reply.verdict.then != Then::exists) {
      return failure_of(reply.verdict, fmt::format("table {}.{}", table.dataset, table.table));
    }
    LEAT_ASSIGN(resource, get_table(client, table));
  }
  LEAT_ASSIGN(const std::vector<std::string> missing, missing_columns(table, resource));
  return missing.empty() || !add_columns ? Status() : add_columns_to(client, table, missing);
}

Result<std::string> read_partitioned_fields(BigQueryClient& client, const BigQueryTable& table) {
  LEAT_ASSIGN(const std::string resource, get_table(client, table));
  const std::string column = json_text_at(resource, "/timePartitioning/field").value_or("");
  const std::string unit = json_text_at(resource, "/timePartitioning/type").value_or("");
  if (column != table.partition_by || unit != table.partition) {
    return Status::bad_config(fmt::format(
        "BigQuery: table {}.{} is {}, not by {} of {}: its partitions cannot be replaced; name another table, or write "
        "replace = \"table\"",
        table.dataset, table.table,
        unit.empty() ? "not partitioned" : fmt::format("partitioned by {} of {}", unit, quoted(column)),
        table.partition, quoted(table.partition_by)));
  }
  std::string out = "\"fields\":[";
  const JsonView fields = JsonView::parse(resource).at("schema").at("fields");
  for (size_t i = 0; i < fields.size(); ++i) {
    out += fmt::format(R"({}{{"name":{},"type":{}}})", i == 0 ? "" : ",",
                       json(fields.at(i).at("name").text().value_or("")),
                       json(fields.at(i).at("type").text().value_or("")));
  }
  return out + "]";
}

Status drop_bigquery_table(BigQueryClient& client, const std::string& dataset, const std::string& table) {
  LEAT_ASSIGN(const BigQueryReply reply, client.call("DELETE", fmt::format("/datasets/{}/tables/{}", dataset, table)));
  if (reply.verdict.then == Then::ok || reply.verdict.then == Then::missing) return {};
  return failure_of(reply.verdict, fmt::format("table {}.{}", dataset, table));
}

Result<std::string> find_bigquery_location(BigQueryClient& client, const std::string& dataset) {
  LEAT_ASSIGN(const BigQueryReply reply, client.call("GET", "/datasets/" + dataset));
  if (reply.verdict.then != Then::ok) return failure_of(reply.verdict, "dataset " + dataset);
  return json_text_at(reply.body, "/location").value_or("US");
}

Result<std::string> read_bigquery_mirror(BigQueryClient& client, const BigQueryTable& table) {
  LEAT_ASSIGN(const std::string resource, get_table(client, table));
  const std::string description = json_text_at(resource, "/description").value_or("");
  for (const std::string_view line : split(description, '\n')) {
    if (line.starts_with(kMirror)) return std::string(line.substr(kMirror.size()));
  }
  return std::string();
}

Status write_bigquery_mirror(BigQueryClient& client, const BigQueryTable& table,
                             const std::function<std::string(size_t)>& text) {
  for (int tries = 0;; ++tries) {
    LEAT_ASSIGN(const std::string resource, get_table(client, table));
    const std::string kept = without_mirror(json_text_at(resource, "/description").value_or(""));
    const size_t used = kept.size() + kMirror.size();
    const std::string mirror = text(used < kLongestDescription ? kLongestDescription - used : 0);
    const std::string etag = json_text_at(resource, "/etag").value_or("");
    LEAT_ASSIGN(const BigQueryReply reply,
                client.call("PATCH", fmt::format("/datasets/{}/tables/{}", table.dataset, table.table),
                            fmt::format(R"({{"description":{}}})", json(fmt::format("{}{}{}", kept, kMirror, mirror))),
                            {{"If-Match", etag}}));
    if (reply.verdict.then == Then::ok) return {};
    if (reply.verdict.then != Then::changed || tries == kPatchTries) {
      return failure_of(reply.verdict, fmt::format("the description of table {}.{}", table.dataset, table.table));
    }
  }
}

}  // namespace leat
