#include "sinks/bigquery_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/json_at.h"
#include "base/json_writer.h"
#include "base/text.h"

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

// Columns that are not there come with the first rows.
Status check_columns(const BigQueryTable& table, const std::string& resource) {
  const std::string wanted = "{" + table.fields + "}";
  for (size_t i = 0;; ++i) {
    const auto name = json_text_at(wanted, fmt::format("/fields/{}/name", i));
    if (!name) return {};
    const std::string type(long_type(json_text_at(wanted, fmt::format("/fields/{}/type", i)).value_or("")));
    for (size_t k = 0;; ++k) {
      const auto there = json_text_at(resource, fmt::format("/schema/fields/{}/name", k));
      if (!there) break;
      if (!equal_ignoring_case(*there, *name)) continue;
      const std::string has(long_type(json_text_at(resource, fmt::format("/schema/fields/{}/type", k)).value_or("")));
      if (has != type) {
        return Status::bad_config(
            fmt::format("BigQuery: table {}.{} has column {} of type {}, not {}; name another table, or "
                        "cast the column",
                        table.dataset, table.table, quoted(*name), has, type));
      }
      break;
    }
  }
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

Status make_bigquery_table(BigQueryClient& client, BigQueryTable& table) {
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
  return check_columns(table, resource);
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
