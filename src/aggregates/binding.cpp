#include "aggregates/binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "config/expression.h"

namespace leat {
namespace {

struct KeyName {
  std::string_view name;
  KeyFunction function;
  Type argument;
};
constexpr std::array<KeyName, 7> kKeyNames{{{"minute", KeyFunction::minute, Type::time},
                                            {"hour", KeyFunction::hour, Type::time},
                                            {"day", KeyFunction::day, Type::time},
                                            {"month", KeyFunction::month, Type::time},
                                            {"path", KeyFunction::path, Type::text},
                                            {"browser", KeyFunction::browser, Type::text},
                                            {"referrer", KeyFunction::referrer, Type::text}}};

struct MeasureName {
  std::string_view name;
  Measure measure;
};
constexpr std::array<MeasureName, 5> kMeasureNames{{{"count", Measure::count},
                                                    {"sum", Measure::sum},
                                                    {"min", Measure::min},
                                                    {"max", Measure::max},
                                                    {"count_distinct", Measure::count_distinct}}};

constexpr std::string_view kMeasureList = "count(), sum(x), min(x), max(x), count_distinct(x)";

template <class Table>
auto find_named(const Table& table, std::string_view name) -> decltype(table.data()) {
  for (const auto& entry : table) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

Status at(const Expression& expression, const std::string& what, const std::string& hint) {
  return Status::bad_config(fmt::format("{} at character {}{}", what, expression.at + 1, hint));
}

Result<size_t> find_column(const Expression& column, const Schema& schema) {
  if (const std::optional<size_t> index = schema.find(column.name)) return *index;
  std::vector<std::string_view> names;
  for (const Field& field : schema.fields) names.push_back(field.name);
  const std::string_view meant = did_you_mean(column.name, names);
  const std::string hint = meant.empty()
                               ? fmt::format("there are: {}", visible(fmt::format("{}", fmt::join(names, ", ")), 1000))
                               : fmt::format("did you mean {}?", quoted(meant));
  return at(column, "unknown column " + quoted(column.name), " (" + hint + ")");
}

// The one argument of `call`, which must be a column.
Result<size_t> argument_of(const Expression& call, const Schema& schema) {
  if (call.arguments.size() != 1) {
    return at(call, fmt::format("{}() takes 1 argument, not {}", call.name, call.arguments.size()), "");
  }
  const Expression& argument = call.arguments.front();
  if (argument.kind != Expression::column) {
    return at(argument, fmt::format("{}() takes a column, not {}()", call.name, argument.name), "");
  }
  return find_column(argument, schema);
}

Status wants(const Expression& call, const Field& field, const std::string& what) {
  return at(call.arguments.front(), fmt::format("{}() wants {}", call.name, what),
            fmt::format(": {} is of type {}", quoted(field.name), name_of(field.type)));
}

Status no_bytes(const Expression& column, const Field& field) {
  return at(column, "column " + quoted(field.name),
            " holds raw bytes: it can be neither a key nor what a measure counts");
}

Result<BoundKey> bind_key(const Expression& expression, const Schema& schema) {
  BoundKey key;
  if (expression.kind == Expression::column) {
    LEAT_ASSIGN(key.input, find_column(expression, schema));
    const Field& field = schema.fields[key.input];
    if (field.bytes) return no_bytes(expression, field);
    key.type = field.type;
    return key;
  }
  if (find_named(kMeasureNames, expression.name) != nullptr) {
    return at(expression, fmt::format("{}() is a measure", expression.name),
              ": it belongs into `value`; a key is a column, or minute(), hour(), day(), month(), path(), browser() or "
              "referrer() of one");
  }
  const KeyName* const known = find_named(kKeyNames, expression.name);
  if (known == nullptr) {
    std::vector<std::string_view> names;
    for (const KeyName& entry : kKeyNames) names.push_back(entry.name);
    return at(expression, "unknown function " + quoted(expression.name),
              fmt::format(" (there are: {})", fmt::join(names, ", ")));
  }
  LEAT_ASSIGN(key.input, argument_of(expression, schema));
  const Field& field = schema.fields[key.input];
  if (field.type != known->argument) {
    return wants(expression, field, fmt::format("a {} column", name_of(known->argument)));
  }
  if (field.bytes) return no_bytes(expression.arguments.front(), field);
  key.function = known->function;
  key.type = field.type;
  return key;
}

Result<BoundMeasure> bind_measure(const Expression& expression, const Schema& schema) {
  if (expression.kind == Expression::column) {
    return at(expression, fmt::format("{} is not a measure", quoted(expression.name)),
              fmt::format(": a value is one of {}", kMeasureList));
  }
  if (find_named(kKeyNames, expression.name) != nullptr) {
    return at(expression, fmt::format("{}() is not a measure", expression.name),
              fmt::format(": it belongs into `by`; a value is one of {}", kMeasureList));
  }
  const MeasureName* const known = find_named(kMeasureNames, expression.name);
  if (known == nullptr) {
    return at(expression, "unknown measure " + quoted(expression.name), fmt::format(" (there are: {})", kMeasureList));
  }
  BoundMeasure result;
  result.measure = known->measure;
  if (result.measure == Measure::count) {
    if (expression.arguments.empty()) return result;
    return at(expression, fmt::format("count() takes no argument, not {}", expression.arguments.size()), "");
  }
  LEAT_ASSIGN(result.input, argument_of(expression, schema));
  const Field& field = schema.fields[result.input];
  result.type = field.type;
  if (field.bytes) return no_bytes(expression.arguments.front(), field);
  const bool number = field.type == Type::integer || field.type == Type::real;
  if (result.measure == Measure::sum && !number) return wants(expression, field, "an integer or real column");
  if ((result.measure == Measure::min || result.measure == Measure::max) && !number && field.type != Type::time &&
      field.type != Type::text) {
    return wants(expression, field, "an integer, real, time or text column");
  }
  return result;
}

std::string lower(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return result;
}

// SQL's names do not tell 'Day' from 'day'.
Status check_names(const AggregateSpec& spec) {
  if (spec.by.empty()) return Status::bad_config("`by` is empty: name at least one key, as in { day = \"day(time)\" }");
  if (spec.value.empty()) {
    return Status::bad_config("`value` is empty: name at least one measure, as in { hits = \"count()\" }");
  }
  std::vector<std::string> seen;
  for (const auto* list : {&spec.by, &spec.value}) {
    for (const NamedExpression& named : *list) {
      if (named.name.empty()) return Status::bad_config("a column has no name");
      std::string folded = lower(named.name);
      if (std::find(seen.begin(), seen.end(), folded) != seen.end()) {
        return Status::bad_config(fmt::format("column {} is named twice", quoted(named.name)));
      }
      seen.push_back(std::move(folded));
    }
  }
  return {};
}

Status bind_columns(const AggregateSpec& spec, const Schema& schema, Binding& binding) {
  for (const NamedExpression& named : spec.by) {
    const std::string where = fmt::format("by {} = {}", quoted(named.name), quoted(named.expression));
    Result<Expression> parsed = parse_expression(named.expression);
    if (!parsed.ok()) return std::move(parsed).status().within(where);
    Result<BoundKey> key = bind_key(*parsed, schema);
    if (!key.ok()) return std::move(key).status().within(where);
    const bool calendar_or_path = key->function != KeyFunction::column;
    binding.columns.push_back({.name = named.name, .type = calendar_or_path ? Type::text : key->type, .key = true});
    binding.inputs.push_back(key->input);
    binding.keys.push_back(*key);
  }
  for (const NamedExpression& named : spec.value) {
    const std::string where = fmt::format("value {} = {}", quoted(named.name), quoted(named.expression));
    Result<Expression> parsed = parse_expression(named.expression);
    if (!parsed.ok()) return std::move(parsed).status().within(where);
    Result<BoundMeasure> measure = bind_measure(*parsed, schema);
    if (!measure.ok()) return std::move(measure).status().within(where);
    const bool counts = measure->measure == Measure::count || measure->measure == Measure::count_distinct;
    binding.columns.push_back({.name = named.name,
                               .type = counts ? Type::integer : measure->type,
                               .key = false,
                               .measure = measure->measure,
                               .argument = measure->type});
    if (measure->measure != Measure::count) binding.inputs.push_back(measure->input);
    binding.measures.push_back(*measure);
  }
  return {};
}

}  // namespace

Result<Binding> bind_aggregate(const AggregateSpec& spec, const Schema& schema) {
  const std::string where = "aggregate " + quoted(spec.name);
  Binding binding;
  if (Status names = check_names(spec); !names.ok()) return std::move(names).within(where);
  Result<TimeZone> zone = TimeZone::find(spec.timezone);
  if (!zone.ok()) return std::move(zone).status().within(where);
  binding.zone = *zone;
  if (Status columns = bind_columns(spec, schema, binding); !columns.ok()) return std::move(columns).within(where);
  std::sort(binding.inputs.begin(), binding.inputs.end());
  binding.inputs.erase(std::unique(binding.inputs.begin(), binding.inputs.end()), binding.inputs.end());
  return binding;
}

}  // namespace leat
