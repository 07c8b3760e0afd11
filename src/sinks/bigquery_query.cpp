#include "sinks/bigquery_query.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/json_writer.h"

namespace leat {
namespace {

constexpr uint64_t kWaitMs = 30'000;  // that the service itself waits for the result
constexpr size_t kRowsAtOnce = 50'000;

std::string request_body(const std::string& sql, const std::string& location) {
  // One who asks twice because an answer was lost gets the same answer: it is billed once.
  std::random_device random;
  JsonWriter json;
  json.begin_object().field("query", std::string_view(sql)).field("useLegacySql", false);
  json.field("location", std::string_view(location)).field("timeoutMs", kWaitMs).field("maxResults", kRowsAtOnce);
  json.field("requestId", std::string_view(fmt::format("leat-{:08x}{:08x}", random(), random())));
  return json.end_object().text();
}

// The rows of one answer; what is to be asked for next, empty: nothing.
std::string take_page(const nlohmann::json& page, const std::string& location, BigQueryCells& cells) {
  const bool complete = page.value("jobComplete", false);
  if (complete && page.contains("rows")) {
    for (const auto& row : page.at("rows")) {
      std::vector<std::string>& made = cells.emplace_back();
      for (const auto& cell : row.at("f")) {
        made.push_back(cell.at("v").is_string() ? cell.at("v").get<std::string>() : "");
      }
    }
  }
  const std::string token = page.value("pageToken", "");
  if (complete && token.empty()) return "";
  std::string next =
      fmt::format("/queries/{}?location={}&timeoutMs={}&maxResults={}",
                  page.at("jobReference").at("jobId").get<std::string>(), location, kWaitMs, kRowsAtOnce);
  if (complete) next += "&pageToken=" + token;
  return next;
}

}  // namespace

Result<BigQueryCells> select_from_bigquery(BigQueryClient& client, const std::string& sql,
                                           const std::string& location) {
  BigQueryCells cells;
  LEAT_ASSIGN(BigQueryReply reply, client.call("POST", "/queries", request_body(sql, location)));
  for (;;) {
    if (reply.verdict.then != BigQueryVerdict::Then::ok) return failure_of(reply.verdict, "a query");
    std::string next;
    try {
      next = take_page(nlohmann::json::parse(reply.body), location, cells);
    } catch (const nlohmann::json::exception& problem) {
      return Status::retry(fmt::format("BigQuery: the answer to a query is not what it should be: {}", problem.what()));
    }
    if (next.empty()) return cells;
    LEAT_ASSIGN(reply, client.call("GET", next));
  }
}

}  // namespace leat
