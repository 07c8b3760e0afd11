#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "expressions/bound_expression.h"
#include "expressions/node.h"

namespace leat {
namespace {

using expressions::NodePtr;
using expressions::Nodes;

// A piece of the expression with its type.
struct Bound {
  NodePtr node;
  const Expression* from = nullptr;
  bool untyped = false;  // NULL as it is written: of the type that is wanted
  bool bytes = false;    // a column of raw bytes: it can be tested, and nothing can be made of it
};

bool is_number(Type type) {
  return type == Type::integer || type == Type::real;
}

std::string_view sign_of(Operator op) {
  switch (op) {
    case Operator::add:
      return "+";
    case Operator::subtract:
    case Operator::negate:
      return "-";
    case Operator::multiply:
      return "*";
    case Operator::divide:
      return "/";
    case Operator::remainder:
      return "%";
    default:
      return "||";
  }
}

class Binder {
 public:
  Binder(std::string_view text, const Schema& schema, const TimeZone& zone)
      : text_(text), schema_(schema), zone_(zone) {}

  Result<NodePtr> whole(const Expression& expression) {
    LEAT_ASSIGN(Bound bound, bind(expression));
    if (bound.untyped) return fail(expression, "NULL has no type by itself; CAST(NULL AS text) has one");
    LEAT_TRY(no_bytes(bound));
    return std::move(bound.node);
  }

  [[nodiscard]] ExpressionPlace error() const { return error_; }
  [[nodiscard]] size_t nodes() const { return slots_; }
  std::vector<size_t> inputs() {
    std::sort(inputs_.begin(), inputs_.end());
    inputs_.erase(std::unique(inputs_.begin(), inputs_.end()), inputs_.end());
    return std::move(inputs_);
  }

 private:
  Result<Bound> bind(const Expression& from) {
    Bound bound;
    bound.from = &from;
    switch (from.kind) {
      case Expression::null:
        bound.untyped = true;
        bound.node = expressions::make_constant(Type::text, slot(), std::nullopt);
        return bound;
      case Expression::boolean:
        bound.node = expressions::make_constant(Type::boolean, slot(), static_cast<uint64_t>(from.integer_value));
        return bound;
      case Expression::integer:
        bound.node = expressions::make_constant(Type::integer, slot(), static_cast<uint64_t>(from.integer_value));
        return bound;
      case Expression::real:
        bound.node = expressions::make_constant(Type::real, slot(), std::bit_cast<uint64_t>(from.real_value));
        return bound;
      case Expression::text:
        bound.node = expressions::make_text_constant(slot(), from.name);
        return bound;
      case Expression::column: {
        const std::optional<size_t> index = schema_.find(from.name);
        if (!index) {
          error_ = {from.at, from.end};
          return unknown_column(from, schema_);
        }
        inputs_.push_back(*index);
        bound.bytes = schema_.fields[*index].bytes;
        bound.node = expressions::make_column(schema_.fields[*index], *index, slot());
        return bound;
      }
      case Expression::call: {
        LEAT_ASSIGN(bound.node, call(from));
        return bound;
      }
      case Expression::operation: {
        LEAT_ASSIGN(bound.node, operation(from));
        return bound;
      }
    }
    return bound;
  }

  Result<NodePtr> operation(const Expression& from) {
    switch (from.op) {
      case Operator::add:
      case Operator::subtract:
      case Operator::multiply:
      case Operator::divide:
      case Operator::remainder:
      case Operator::negate:
        return arithmetic(from);
      case Operator::join: {
        LEAT_ASSIGN(Nodes texts, arguments(from, "||", Type::text));
        return expressions::make_text_function(Function::concat, slot(), std::move(texts));
      }
      case Operator::all_of:
      case Operator::any_of: {
        LEAT_ASSIGN(Nodes conditions, arguments(from, from.op == Operator::all_of ? "AND" : "OR", Type::boolean));
        return expressions::make_junction(from.op, slot(), std::move(conditions));
      }
      case Operator::negation: {
        LEAT_ASSIGN(Nodes condition, arguments(from, "NOT", Type::boolean));
        return expressions::make_negation(slot(), std::move(condition.front()));
      }
      case Operator::is_null: {
        LEAT_ASSIGN(Bound value, bind(from.arguments.front()));
        return expressions::make_is_null(slot(), std::move(value.node));
      }
      case Operator::in: {
        LEAT_ASSIGN(Nodes all, comparable(from));
        return expressions::make_in(slot(), std::move(all));
      }
      case Operator::between: {
        LEAT_ASSIGN(Nodes all, comparable(from));
        return expressions::make_between(slot(), std::move(all));
      }
      case Operator::like:
        return like(from);
      case Operator::choose:
      case Operator::choose_by:
        return choice(from);
      case Operator::cast:
        return cast(from);
      default: {
        LEAT_ASSIGN(Nodes both, comparable(from));
        return expressions::make_comparison(from.op, slot(), std::move(both[0]), std::move(both[1]));
      }
    }
  }

  Result<NodePtr> arithmetic(const Expression& from) {
    LEAT_ASSIGN(std::vector<Bound> all, bind_all(from));
    const bool remainder = from.op == Operator::remainder;
    for (const Bound& one : all) {
      const bool fits = remainder ? one.node->type() == Type::integer : is_number(one.node->type());
      if (!one.untyped && !fits) return wants(from, sign_of(from.op), remainder ? "integers" : "numbers", one);
    }
    LEAT_ASSIGN(Nodes nodes, unified(from, all, "computed with"));
    if (!is_number(nodes[0]->type())) return expressions::make_constant(Type::integer, slot(), std::nullopt);  // NULLs
    if (from.op != Operator::negate) {
      return expressions::make_arithmetic(from.op, slot(), std::move(nodes[0]), std::move(nodes[1]));
    }
    // -0.0 - x, so that the sign of 0.0 changes too.
    const Type type = nodes[0]->type();
    const uint64_t zero = type == Type::integer ? 0 : std::bit_cast<uint64_t>(-0.0);
    NodePtr from_zero = expressions::make_constant(type, slot(), zero);
    return expressions::make_arithmetic(Operator::subtract, slot(), std::move(from_zero), std::move(nodes[0]));
  }

  Result<NodePtr> like(const Expression& from) {
    LEAT_ASSIGN(NodePtr text, argument(from, "LIKE", from.arguments[0], Type::text, true));
    const Expression& pattern = from.arguments[1];
    if (pattern.kind != Expression::text) return fail(pattern, "the pattern of LIKE must be a 'text'");
    std::optional<char> escape;
    if (from.arguments.size() == 3) {
      const Expression& written = from.arguments[2];
      if (written.kind != Expression::text || written.name.size() != 1) {
        return fail(written, "ESCAPE must be one character in quotes, such as '\\'");
      }
      escape = written.name.front();
    }
    return expressions::make_like(slot(), std::move(text), pattern.name, escape);
  }

  Result<NodePtr> choice(const Expression& from) {
    const bool by_value = from.op == Operator::choose_by;
    std::vector<Bound> conditions;
    std::vector<Bound> values;
    for (size_t i = 0; i < from.arguments.size(); ++i) {
      LEAT_ASSIGN(Bound one, bind(from.arguments[i]));
      const size_t place = by_value ? i + 1 : i;  // as if a condition stood before the first value
      const bool is_else = i + 1 == from.arguments.size() && place % 2 == 0;
      const bool condition = (by_value && i == 0) || (place % 2 == 0 && !is_else);
      if (!condition) LEAT_TRY(no_bytes(one));
      (condition ? conditions : values).push_back(std::move(one));
    }
    NodePtr subject;
    Nodes condition_nodes;
    if (by_value) {
      LEAT_ASSIGN(condition_nodes, unified(from, conditions, "compared"));
      subject = std::move(condition_nodes.front());
      condition_nodes.erase(condition_nodes.begin());
    } else {
      for (Bound& one : conditions) {
        LEAT_ASSIGN(NodePtr node, converted(from, "WHEN", std::move(one), Type::boolean));
        condition_nodes.push_back(std::move(node));
      }
    }
    const bool all_untyped = std::all_of(values.begin(), values.end(), [](const Bound& one) { return one.untyped; });
    if (all_untyped) return fail(from, "every value is NULL; CAST(NULL AS text) has a type");
    LEAT_ASSIGN(Nodes value_nodes, unified(from, values, "values of one CASE"));
    const Type type = value_nodes.front()->type();
    return expressions::make_choice(type, slot(), std::move(subject), std::move(condition_nodes),
                                    std::move(value_nodes));
  }

  Result<NodePtr> cast(const Expression& from) {
    const std::optional<Type> to = type_named(from.name);
    if (!to) {
      const std::vector<std::string_view> names = type_names();
      const std::string_view meant = did_you_mean(from.name, names);
      return fail(from, fmt::format("unknown type {} ({})", quoted(from.name),
                                    meant.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                                  : fmt::format("did you mean {}?", quoted(meant))));
    }
    LEAT_ASSIGN(Bound value, bind(from.arguments.front()));
    LEAT_TRY(no_bytes(value));
    if (value.untyped) return expressions::make_constant(*to, slot(), std::nullopt);
    const Type type = value.node->type();
    NodePtr node = expressions::make_cast(*to, slot(), std::move(value.node));
    if (node == nullptr) return fail(from, fmt::format("{} cannot become {}", name_of(type), from.name));
    return node;
  }

  Result<NodePtr> call(const Expression& from) {
    const ExpressionFunction* const function = find_expression_function(from.name);
    if (function == nullptr) return Status::bug("the parser let an unknown function pass: " + from.name);
    if (function->measure) {
      return fail(from,
                  fmt::format("{}() is a measure: it stands by itself, in the `value` of an aggregate", from.name));
    }
    const std::string name = from.name + "()";
    switch (function->id) {
      case Function::minute:
      case Function::hour:
      case Function::day:
      case Function::month: {
        LEAT_ASSIGN(Nodes time, arguments(from, name, Type::time));
        return expressions::make_calendar(function->id, slot(), std::move(time[0]), zone_);
      }
      case Function::browser: {
        LEAT_ASSIGN(Nodes agent, arguments(from, name, Type::text));
        return expressions::make_browser(slot(), std::move(agent[0]));
      }
      case Function::abs:
      case Function::round:
      case Function::floor:
      case Function::ceil:
        return rounding(from, function->id);
      case Function::concat:
        return concat(from);
      case Function::substr: {
        Nodes nodes;
        for (size_t i = 0; i < from.arguments.size(); ++i) {
          const Type type = i == 0 ? Type::text : Type::integer;
          LEAT_ASSIGN(NodePtr node, argument(from, name, from.arguments[i], type, false));
          nodes.push_back(std::move(node));
        }
        return expressions::make_text_function(function->id, slot(), std::move(nodes));
      }
      case Function::coalesce:
      case Function::nullif:
        return first_or_null(from, function->id);
      default: {
        const bool tests = function->id == Function::starts_with || function->id == Function::ends_with ||
                           function->id == Function::contains || function->id == Function::length;
        LEAT_ASSIGN(Nodes texts, arguments(from, name, Type::text, tests));
        return expressions::make_text_function(function->id, slot(), std::move(texts));
      }
    }
  }

  Result<NodePtr> rounding(const Expression& from, Function function) {
    LEAT_ASSIGN(Bound value, bind(from.arguments[0]));
    if (value.untyped) return expressions::make_constant(Type::integer, slot(), std::nullopt);
    if (!is_number(value.node->type())) return wants(from, from.name + "()", "a number", value);
    Nodes nodes;
    nodes.push_back(std::move(value.node));
    if (from.arguments.size() == 2) {
      LEAT_ASSIGN(NodePtr digits, argument(from, from.name + "()", from.arguments[1], Type::integer, false));
      nodes.push_back(std::move(digits));
    }
    return expressions::make_rounding(function, slot(), std::move(nodes));
  }

  Result<NodePtr> concat(const Expression& from) {
    NodePtr all;
    for (const Expression& written : from.arguments) {
      LEAT_ASSIGN(Bound value, bind(written));
      LEAT_TRY(no_bytes(value));
      Nodes or_empty;
      or_empty.push_back(expressions::make_cast(Type::text, slot(), std::move(value.node)));
      or_empty.push_back(expressions::make_text_constant(slot(), ""));
      NodePtr text = expressions::make_coalesce(Type::text, slot(), std::move(or_empty));
      if (all != nullptr) {
        Nodes both;
        both.push_back(std::move(all));
        both.push_back(std::move(text));
        text = expressions::make_text_function(Function::concat, slot(), std::move(both));
      }
      all = std::move(text);
    }
    return all;
  }

  Result<NodePtr> first_or_null(const Expression& from, Function function) {
    LEAT_ASSIGN(std::vector<Bound> all, bind_all(from));
    for (const Bound& one : all) LEAT_TRY(no_bytes(one));
    if (function == Function::nullif) {
      LEAT_ASSIGN(Nodes both, unified(from, all, "compared"));
      const Type type = both[0]->type();
      return expressions::make_nullif(type, slot(), std::move(both[0]), std::move(both[1]));
    }
    LEAT_ASSIGN(Nodes nodes, unified(from, all, "values of one coalesce()"));
    const Type type = nodes.front()->type();
    return expressions::make_coalesce(type, slot(), std::move(nodes));
  }

  Result<std::vector<Bound>> bind_all(const Expression& from) {
    std::vector<Bound> all;
    for (const Expression& written : from.arguments) {
      LEAT_ASSIGN(Bound one, bind(written));
      all.push_back(std::move(one));
    }
    return all;
  }

  // All arguments, made one type that has an order.
  Result<Nodes> comparable(const Expression& from) {
    LEAT_ASSIGN(std::vector<Bound> all, bind_all(from));
    for (const Bound& one : all) {
      if (!one.untyped && one.node->type() == Type::json) {
        return fail(from, fmt::format("{} is of type json, which cannot be compared; CAST({} AS text) can",
                                      shown(*one.from), shown(*one.from)));
      }
    }
    return unified(from, all, "compared");
  }

  // `how`: what they cannot be when they have no type in common.
  Result<Nodes> unified(const Expression& from, std::vector<Bound>& all, std::string_view how) {
    std::optional<Type> type;
    for (const Bound& one : all) {
      if (one.untyped) continue;
      const Type other = one.node->type();
      if (!type || *type == other) {
        type = other;
      } else if (is_number(*type) && is_number(other)) {
        type = Type::real;
      } else if ((*type == Type::time && is_literal_text(one)) ||
                 (other == Type::time && all_literal_texts(all, one))) {
        type = Type::time;
      } else {
        return fail(from, fmt::format("{} and {} cannot be {}", name_of(*type), name_of(other), how));
      }
    }
    Nodes nodes;
    for (Bound& one : all) {
      LEAT_ASSIGN(NodePtr node, converted(from, "", std::move(one), type.value_or(Type::text)));
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  static bool is_literal_text(const Bound& one) { return one.from->kind == Expression::text; }
  // Those before `one` are texts in quotes or NULL.
  static bool all_literal_texts(const std::vector<Bound>& all, const Bound& one) {
    return std::all_of(all.data(), &one, [](const Bound& before) { return before.untyped || is_literal_text(before); });
  }

  // To a type that it can take without being asked: NULL any, an integer real, a text in quotes time.
  Result<NodePtr> converted(const Expression& whole, std::string_view who, Bound value, Type to) {
    if (value.untyped) return expressions::make_constant(to, slot(), std::nullopt);
    if (value.node->type() == to) return std::move(value.node);
    if (value.from->kind == Expression::text && to == Type::time) {
      const std::optional<int64_t> micros = parse_iso_time(value.from->name);
      if (!micros) return fail(*value.from, "not a time such as '2026-01-31 12:30:00'");
      return expressions::make_constant(Type::time, slot(), static_cast<uint64_t>(*micros));
    }
    if (value.node->type() == Type::integer && to == Type::real) {
      return expressions::make_cast(to, slot(), std::move(value.node));
    }
    return wants(whole, who, to == Type::boolean ? "a condition" : name_of(to), value);
  }

  Result<NodePtr> argument(const Expression& whole, std::string_view who, const Expression& written, Type type,
                           bool may_be_bytes) {
    LEAT_ASSIGN(Bound value, bind(written));
    if (!may_be_bytes) LEAT_TRY(no_bytes(value));
    return converted(whole, who, std::move(value), type);
  }

  Result<Nodes> arguments(const Expression& from, std::string_view who, Type type, bool may_be_bytes = false) {
    Nodes nodes;
    for (const Expression& written : from.arguments) {
      LEAT_ASSIGN(NodePtr node, argument(from, who, written, type, may_be_bytes));
      nodes.push_back(std::move(node));
    }
    return nodes;
  }

  Status wants(const Expression& whole, std::string_view who, std::string_view what, const Bound& value) {
    return fail(whole, fmt::format("{} wants {}, and {} is of type {}", who, what, shown(*value.from),
                                   name_of(value.node->type())));
  }

  Status no_bytes(const Bound& value) {
    if (!value.bytes) return {};
    return fail(*value.from,
                "this column holds raw bytes: it can be compared and searched, but nothing can be made of it");
  }

  Status fail(const Expression& from, const std::string& what) {
    error_ = {from.at, from.end};
    return Status::bad_config(fmt::format("{}: {}", shown(from), what));
  }

  [[nodiscard]] std::string shown(const Expression& from) const {
    return visible(text_.substr(from.at, from.end - from.at));
  }

  size_t slot() { return slots_++; }

  std::string_view text_;
  const Schema& schema_;
  const TimeZone& zone_;
  size_t slots_ = 0;
  std::vector<size_t> inputs_;
  ExpressionPlace error_;
};

}  // namespace

Status unknown_column(const Expression& column, const Schema& schema) {
  std::vector<std::string_view> names;
  for (const Field& field : schema.fields) names.push_back(field.name);
  const std::string_view meant = did_you_mean(column.name, names);
  const std::string hint = meant.empty()
                               ? fmt::format("there are: {}", visible(fmt::format("{}", fmt::join(names, ", ")), 1000))
                               : fmt::format("did you mean {}?", quoted(meant));
  return Status::bad_config(
      fmt::format("unknown column {} at character {} ({})", quoted(column.name), column.at + 1, hint));
}

Result<std::shared_ptr<const BoundExpression>> BoundExpression::bind(const Expression& expression,
                                                                     std::string_view text, const Schema& schema,
                                                                     const TimeZone& zone, ExpressionPlace* error) {
  Binder binder(text, schema, zone);
  Result<NodePtr> root = binder.whole(expression);
  if (!root.ok()) {
    if (error != nullptr) *error = binder.error();
    return std::move(root).status();
  }
  return std::shared_ptr<const BoundExpression>(new BoundExpression(*std::move(root), binder.nodes(), binder.inputs()));
}

}  // namespace leat
