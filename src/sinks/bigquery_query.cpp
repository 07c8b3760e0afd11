#include "sinks/bigquery_query.h"

#include <fmt/format.h>

#include <optional>
#include <random>

#include "base/json_at.h"
#include "base/json_writer.h"
#include "base/text.h"

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

// The rows of one answer; what is to be asked for next, empty: nothing. Nothing: it is no answer to a query.
std::optional<std::string> take_page(const JsonView& page, const std::string& location, BigQueryCells& cells) {
  const bool complete = page.at("jobComplete").text() == "true";
  const std::optional<std::string> job = page.at("jobReference").at("jobId").text();
  if (!job) return std::nullopt;
  const JsonView rows = page.at("rows");
  for (size_t i = 0; complete && i < rows.size(); ++i) {
    const JsonView row = rows.at(i).at("f");
    std::vector<std::string>& made = cells.emplace_back();
    for (size_t c = 0; c < row.size(); ++c) made.push_back(row.at(c).at("v").text().value_or(""));
  }
  const std::string token = page.at("pageToken").text().value_or("");
  if (complete && token.empty()) return "";
  std::string next =
      fmt::format("/queries/{}?location={}&timeoutMs={}&maxResults={}", *job, location, kWaitMs, kRowsAtOnce);
  if (complete) next += "&pageToken=" + token;
  return next;
}

}  // namespace

std::string bigquery_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\\' || c == '\'') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += c;
    }
  }
  return out + "'";
}

Result<BigQueryCells> select_from_bigquery(BigQueryClient& client, const std::string& sql,
                                           const std::string& location) {
  BigQueryCells cells;
  LEAT_ASSIGN(BigQueryReply reply, client.call("POST", "/queries", request_body(sql, location)));
  for (;;) {
    if (reply.verdict.then != BigQueryVerdict::Then::ok) return failure_of(reply.verdict, "a query");
    const std::optional<std::string> next = take_page(JsonView::parse(reply.body), location, cells);
    if (!next) return Status::retry("BigQuery: the answer to a query is none: " + quoted(reply.body));
    if (next->empty()) return cells;
    LEAT_ASSIGN(reply, client.call("GET", *next));
  }
}

}  // namespace leat
