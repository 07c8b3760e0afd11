#include "transforms/blame.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/complaints.h"

namespace leat {

Result<size_t> column_named(const std::string& name, const Place& at, const Schema& schema, const Blame& blame) {
  if (const std::optional<size_t> index = schema.find(name)) return *index;
  std::vector<std::string_view> names;
  for (const Field& field : schema.fields) names.push_back(field.name);
  return blame(at, fmt::format("unknown column {}{}", quoted(name), suggestion(name, names)));
}

Result<std::shared_ptr<const BoundExpression>> bind_written(const Value& written, const Schema& schema,
                                                            const std::string& timezone, const Blame& blame) {
  const Result<TimeZone> zone = TimeZone::find(timezone);
  if (!zone.ok()) return blame(written.at, zone.status().message());
  ExpressionPlace wrong;
  Result<Expression> parsed = parse_expression(written.text, &wrong.at);
  Status trouble;
  if (parsed.ok()) {
    auto bound = BoundExpression::bind(*parsed, written.text, schema, *zone, &wrong);
    if (bound.ok()) return bound;
    trouble = std::move(bound).status();
  } else {
    trouble = std::move(parsed).status();
  }
  // What is wrong with a secret would tell some of it.
  if (!written.written.empty()) return blame(written.at, fmt::format("{} does not fit the columns", shown(written)));
  return blame(place_within(written, wrong.at, wrong.end - std::min(wrong.at, wrong.end)), trouble.message());
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace leat
