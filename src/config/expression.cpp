#include "config/expression.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/text.h"

namespace leat {
namespace {

constexpr size_t kDeepest = 32;

constexpr std::array<ExpressionFunction, 12> kFunctions{{
    {"minute", 1, false, "minute(TIME): YYYY-MM-DD HH:MM in the aggregate's timezone"},
    {"hour", 1, false, "hour(TIME): YYYY-MM-DD HH in the aggregate's timezone"},
    {"day", 1, false, "day(TIME): YYYY-MM-DD in the aggregate's timezone"},
    {"month", 1, false, "month(TIME): YYYY-MM in the aggregate's timezone"},
    {"path", 1, false, "path(TEXT): a request's target without its query"},
    {"browser", 1, false,
     "browser(TEXT): of a User-Agent: Chrome, Firefox, Safari, Edge, Opera, Samsung Internet, IE, Bot or Other"},
    {"referrer", 1, false, "referrer(TEXT): the site of a Referer: its host in lower case, without www."},
    {"count", 0, true, "count(): number of rows"},
    {"sum", 1, true, "sum(NUMBER): sum of the values that are not NULL"},
    {"min", 1, true, "min(VALUE): the smallest value"},
    {"max", 1, true, "max(VALUE): the largest value"},
    {"count_distinct", 1, true, "count_distinct(VALUE): number of different values, NULL not counted; exact"},
}};

bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool in_name(char c) {
  return begins_name(c) || (c >= '0' && c <= '9');
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> parse() {
    LEAT_ASSIGN(Expression whole, expression(0));
    skip_spaces();
    if (at_ < text_.size()) return fail(at_, "expected the end of the expression");
    return whole;
  }
  [[nodiscard]] size_t error_at() const { return error_at_; }

 private:
  Result<Expression> expression(size_t depth) {
    if (depth > kDeepest) return fail(at_, "the expression is nested too deeply");
    skip_spaces();
    Expression result;
    result.at = at_;
    if (at_ < text_.size() && text_[at_] == '"') {
      LEAT_ASSIGN(result.name, quoted_name());
      return result;
    }
    if (at_ >= text_.size() || !begins_name(text_[at_])) return fail(at_, "expected a column or a function");
    const size_t start = at_;
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    result.name = text_.substr(start, at_ - start);
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != '(') return result;
    ++at_;
    result.kind = Expression::call;
    LEAT_TRY(arguments(depth, result));
    LEAT_TRY(check_call(result));
    return result;
  }

  Status arguments(size_t depth, Expression& of) {
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == ')') {
      ++at_;
      return {};
    }
    for (;;) {
      LEAT_ASSIGN(Expression argument, expression(depth + 1));
      of.arguments.push_back(std::move(argument));
      skip_spaces();
      const char next = at_ < text_.size() ? text_[at_] : '\0';
      if (next != ',' && next != ')') return fail(at_, "expected ',' or ')'");
      ++at_;
      if (next == ')') return {};
    }
  }

  Result<std::string> quoted_name() {
    const size_t start = at_++;
    std::string name;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c != '"') {
        name += c;
      } else if (at_ < text_.size() && text_[at_] == '"') {
        name += '"';
        ++at_;
      } else if (name.empty()) {
        return fail(start, "the name of a column is empty");
      } else {
        return name;
      }
    }
    return fail(start, "the quoted name that begins here does not end");
  }

  Status check_call(const Expression& call) {
    const ExpressionFunction* function = find_expression_function(call.name);
    if (function == nullptr) {
      std::vector<std::string_view> names;
      names.reserve(std::size(kFunctions));
      for (const ExpressionFunction& known : kFunctions) names.push_back(known.name);
      const std::string_view meant = did_you_mean(call.name, names);
      const std::string hint = meant.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                             : fmt::format("did you mean '{}'?", meant);
      return fail_plain(call.at, fmt::format("unknown function {}", quoted(call.name)), fmt::format(" ({})", hint));
    }
    if (call.arguments.size() != function->arguments) {
      return fail_plain(
          call.at,
          fmt::format("{}() takes {}, not {}", call.name,
                      function->arguments == 0 ? std::string("no argument") : "1 argument", call.arguments.size()),
          "");
    }
    return {};
  }

  // What stands at `at` is said too.
  Status fail(size_t at, std::string_view what) {
    if (at >= text_.size()) return fail_plain(at, std::string(what), ", where the expression ends");
    const size_t length = std::max<size_t>(1, utf8_sequence(text_.substr(at)));
    return fail_plain(at, std::string(what), fmt::format(", before {}", quoted(text_.substr(at, length))));
  }
  Status fail_plain(size_t at, const std::string& what, const std::string& more) {
    error_at_ = at;
    return Status::bad_config(fmt::format("{} at character {}{}", what, at + 1, more));
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t error_at_ = 0;
};

}  // namespace

std::span<const ExpressionFunction> expression_functions() {
  return kFunctions;
}

const ExpressionFunction* find_expression_function(std::string_view name) {
  for (const ExpressionFunction& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

Result<Expression> parse_expression(std::string_view text, size_t* error_at) {
  Parser parser(text);
  Result<Expression> result = parser.parse();
  if (!result.ok() && error_at != nullptr) *error_at = parser.error_at();
  return result;
}

}  // namespace leat
