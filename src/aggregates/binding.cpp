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
  return unknown_column(column, schema);
}

Status wants(const Expression& call, std::string_view argument, Type type, const std::string& what) {
  return at(call.arguments.front(), fmt::format("{}() wants {}", call.name, what),
            fmt::format(": {} is of type {}", quoted(argument), name_of(type)));
}

Status no_bytes(const Expression& column, const Field& field) {
  return at(column, "column " + quoted(field.name),
            " holds raw bytes: it can be neither a key nor what a measure counts");
}

// What a key or the argument of a measure is bound with.
struct Scope {
  const Schema& schema;
  std::string_view text;  // of the expression
  Binding& binding;
};

// The index in Binding::computed.
Result<size_t> compute(const Expression& expression, const Scope& scope) {
  LEAT_ASSIGN(auto bound, BoundExpression::bind(expression, scope.text, scope.schema, scope.binding.zone));
  scope.binding.computed.push_back(std::move(bound));
  return scope.binding.computed.size() - 1;
}

Result<BoundKey> bind_key(const Expression& expression, const Scope& scope) {
  BoundKey key;
  if (expression.kind == Expression::column) {
    LEAT_ASSIGN(key.input, find_column(expression, scope.schema));
    const Field& field = scope.schema.fields[key.input];
    if (field.bytes) return no_bytes(expression, field);
    key.type = field.type;
    return key;
  }
  const bool call = expression.kind == Expression::call;
  if (call && find_named(kMeasureNames, expression.name) != nullptr) {
    return at(expression, fmt::format("{}() is a measure", expression.name),
              ": it belongs into `value`; a key is a column or an expression such as day(time)");
  }
  const KeyName* const known = call ? find_named(kKeyNames, expression.name) : nullptr;
  if (known == nullptr || expression.arguments.front().kind != Expression::column) {
    LEAT_ASSIGN(key.input, compute(expression, scope));
    key.computed = true;
    key.type = scope.binding.computed.back()->type();
    return key;
  }
  LEAT_ASSIGN(key.input, find_column(expression.arguments.front(), scope.schema));
  const Field& field = scope.schema.fields[key.input];
  if (field.type != known->argument) {
    return wants(expression, field.name, field.type, fmt::format("a {} column", name_of(known->argument)));
  }
  if (field.bytes) return no_bytes(expression.arguments.front(), field);
  key.function = known->function;
  key.type = field.type;
  return key;
}

Result<BoundMeasure> bind_measure(const Expression& expression, const Scope& scope) {
  const MeasureName* const known =
      expression.kind == Expression::call ? find_named(kMeasureNames, expression.name) : nullptr;
  if (known == nullptr) {
    const std::string_view shown = scope.text.substr(expression.at, expression.end - expression.at);
    return at(expression, fmt::format("{} is not a measure", quoted(shown)),
              fmt::format(": a value is one of {}", kMeasureList));
  }
  BoundMeasure result;
  result.measure = known->measure;
  if (result.measure == Measure::count) return result;
  const Expression& argument = expression.arguments.front();
  if (argument.kind == Expression::column) {
    LEAT_ASSIGN(result.input, find_column(argument, scope.schema));
    const Field& field = scope.schema.fields[result.input];
    result.type = field.type;
    if (field.bytes) return no_bytes(argument, field);
  } else {
    LEAT_ASSIGN(result.input, compute(argument, scope));
    result.computed = true;
    result.type = scope.binding.computed.back()->type();
  }
  const std::string_view shown =
      argument.kind == Expression::column ? argument.name : scope.text.substr(argument.at, argument.end - argument.at);
  const bool number = result.type == Type::integer || result.type == Type::real;
  if (result.measure == Measure::sum && !number) return wants(expression, shown, result.type, "an integer or a real");
  if ((result.measure == Measure::min || result.measure == Measure::max) && !number && result.type != Type::time &&
      result.type != Type::text) {
    return wants(expression, shown, result.type, "an integer, real, time or text");
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
    Result<BoundKey> key = bind_key(*parsed, {schema, named.expression, binding});
    if (!key.ok()) return std::move(key).status().within(where);
    const bool calendar_or_path = key->function != KeyFunction::column;
    binding.columns.push_back({.name = named.name, .type = calendar_or_path ? Type::text : key->type, .key = true});
    if (!key->computed) binding.inputs.push_back(key->input);
    binding.keys.push_back(*key);
  }
  for (const NamedExpression& named : spec.value) {
    const std::string where = fmt::format("value {} = {}", quoted(named.name), quoted(named.expression));
    Result<Expression> parsed = parse_expression(named.expression);
    if (!parsed.ok()) return std::move(parsed).status().within(where);
    Result<BoundMeasure> measure = bind_measure(*parsed, {schema, named.expression, binding});
    if (!measure.ok()) return std::move(measure).status().within(where);
    const bool counts = measure->measure == Measure::count || measure->measure == Measure::count_distinct;
    binding.columns.push_back({.name = named.name,
                               .type = counts ? Type::integer : measure->type,
                               .key = false,
                               .measure = measure->measure,
                               .argument = measure->type});
    if (measure->measure != Measure::count && !measure->computed) binding.inputs.push_back(measure->input);
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
  for (const auto& expression : binding.computed) {
    binding.inputs.insert(binding.inputs.end(), expression->inputs().begin(), expression->inputs().end());
  }
  std::sort(binding.inputs.begin(), binding.inputs.end());
  binding.inputs.erase(std::unique(binding.inputs.begin(), binding.inputs.end()), binding.inputs.end());
  return binding;
}

}  // namespace leat
