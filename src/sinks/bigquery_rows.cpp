#include "sinks/bigquery_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <set>

#include "base/base64.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr size_t kLongestName = 300;
constexpr int64_t kExactInDouble = int64_t{1} << 53;
constexpr int64_t kFirstTime = days_from_civil(1, 1, 1) * kSecondsPerDay * kMicrosPerSecond;
constexpr int64_t kAfterLastTime = days_from_civil(10'000, 1, 1) * kSecondsPerDay * kMicrosPerSecond;
constexpr std::array<std::string_view, 4> kOurs = {"_part", "_offset", "_segment", kBigQueryLine};

std::string_view type_of(const Field& field) {
  if (field.bytes) return "BYTES";
  switch (field.type) {
    case Type::boolean:
      return "BOOL";
    case Type::integer:
      return "INT64";
    case Type::real:
      return "FLOAT64";
    case Type::time:
      return "TIMESTAMP";
    case Type::json:
      return "JSON";
    default:
      return "STRING";
  }
}

// Prefixes that BigQuery keeps for itself, in any case.
bool is_reserved(std::string_view name) {
  constexpr std::array<std::string_view, 6> kPrefixes = {"_table_",        "_file_",   "_partition",
                                                         "_row_timestamp", "__root__", "_colidentifier"};
  const std::string lower = lower_case(name);
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return lower.starts_with(prefix); });
}

void add_field(std::string& out, std::string_view name, std::string_view type, std::string_view original) {
  out += out.empty() ? "\"fields\":[" : ",";
  out += fmt::format(R"({{"name":"{}","type":"{}")", name, type);
  if (name != original) {
    out += ",\"description\":";
    add_json_string(out, fmt::format("from {}", original));
  }
  out += "}";
}

void append_real(std::string& out, double value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  }
}

}  // namespace

std::string bigquery_name(std::string_view name) {
  std::string made;
  for (const char c : name) {
    const int lower = c | 0x20;
    const bool letter = lower >= 'a' && lower <= 'z' && c > 0;
    const bool digit = c >= '0' && c <= '9';
    if (digit && made.empty()) made += '_';
    made += letter || digit ? c : '_';
  }
  if (made.find_first_not_of('_') == std::string::npos || made.size() > kLongestName) return "";
  return made;
}

Result<std::unique_ptr<BigQueryRows>> BigQueryRows::make(const Schema& schema) {
  auto rows = std::make_unique<BigQueryRows>();
  rows->fields_ = schema.fields;
  std::set<std::string> taken;
  for (const std::string_view name : kOurs) taken.insert(std::string(name));
  for (const Field& field : schema.fields) {
    const std::string name = bigquery_name(field.name);
    if (name.empty() || is_reserved(name)) {
      return Status::bad_config(
          fmt::format("column {}: BigQuery has no such name (letters, digits and '_', at most {}, and no "
                      "prefix of its own, as _PARTITION); rename it",
                      quoted(field.name), kLongestName));
    }
    if (!taken.insert(lower_case(name)).second) {
      return Status::bad_config(
          fmt::format("column {}: BigQuery's name for it, {}, is taken by another column (upper and lower case are the "
                      "same there); "
                      "rename one of them",
                      quoted(field.name), quoted(name)));
    }
    add_field(rows->fields_json_, name, type_of(field), field.name);
    rows->keys_.push_back("\"" + name + "\":");
  }
  add_field(rows->fields_json_, "_part", "STRING", "_part");
  add_field(rows->fields_json_, "_offset", "INT64", "_offset");
  add_field(rows->fields_json_, "_segment", "INT64", "_segment");
  rows->fields_json_ += "]";
  return rows;
}

Status BigQueryRows::append_cell(std::string& out, const RecordBatch& batch, size_t column, size_t row) const {
  const Field& field = fields_[column];
  switch (field.type) {
    case Type::boolean:
      out += batch.integer(column, row) != 0 ? "true" : "false";
      break;
    case Type::integer: {
      const int64_t value = batch.integer(column, row);
      if (value >= -kExactInDouble && value <= kExactInDouble) {
        fmt::format_to(std::back_inserter(out), "{}", value);
      } else {
        fmt::format_to(std::back_inserter(out), "\"{}\"", value);
      }
      break;
    }
    case Type::real:
      append_real(out, batch.real(column, row));
      break;
    case Type::time: {
      const int64_t micros = batch.integer(column, row);
      if (micros < kFirstTime || micros >= kAfterLastTime) {
        return Status::bad_data(fmt::format("column {}: BigQuery's times are of the years 1 to 9999, not {}",
                                            quoted(field.name), format_time(micros)));
      }
      out += '"';
      append_time(out, micros);
      out += '"';
      break;
    }
    case Type::json: {
      // Line breaks stand only between its tokens: within a string JSON has none.
      const size_t begin = out.size();
      out += batch.text(column, row);
      std::replace_if(
          out.begin() + static_cast<ptrdiff_t>(begin), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
      break;
    }
    default:
      if (field.bytes) {
        out += '"';
        out += base64(batch.text(column, row));
        out += '"';
      } else {
        add_json_string(out, batch.text(column, row));
      }
  }
  return {};
}

Status BigQueryRows::append(std::string& out, const RecordBatch& batch, size_t first, size_t count, uint64_t segment,
                            uint64_t line) const {
  const size_t before = out.size();
  std::string part;
  add_json_string(part, batch.part);
  for (size_t row = first; row < first + count; ++row) {
    out += '{';
    for (size_t column = 0; column < fields_.size(); ++column) {
      if (batch.is_null(column, row)) continue;
      out += keys_[column];
      if (Status status = append_cell(out, batch, column, row); !status.ok()) {
        out.resize(before);
        return status;
      }
      out += ',';
    }
    if (line > 0) fmt::format_to(std::back_inserter(out), R"("{}":{},)", kBigQueryLine, line + row - first);
    fmt::format_to(std::back_inserter(out), R"("_part":{},"_offset":{},"_segment":{}}})", part,
                   batch.origin_of(row).offset, segment);
    out += '\n';
  }
  return {};
}

}  // namespace leat
