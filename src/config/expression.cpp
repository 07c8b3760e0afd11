#include "config/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace leat {
namespace {

constexpr size_t kDeepest = 64;
constexpr size_t kMostNodes = 1000;  // a chain of operators makes a tree as deep as it is long

constexpr std::array<std::string_view, 18> kKeywords{"AND", "AS",     "BETWEEN", "CASE", "CAST", "ELSE",
                                                     "END", "ESCAPE", "FALSE",   "IN",   "IS",   "LIKE",
                                                     "NOT", "NULL",   "OR",      "THEN", "TRUE", "WHEN"};

struct Symbol {
  std::string_view text;
  Operator op;
};
// The longer ones first.
constexpr std::array<Symbol, 7> kComparisons{{{"<>", Operator::not_equal},
                                              {"!=", Operator::not_equal},
                                              {"<=", Operator::less_equal},
                                              {">=", Operator::greater_equal},
                                              {"=", Operator::equal},
                                              {"<", Operator::less},
                                              {">", Operator::greater}}};
constexpr std::array<Symbol, 2> kSums{{{"+", Operator::add}, {"-", Operator::subtract}}};
constexpr std::array<Symbol, 3> kProducts{
    {{"*", Operator::multiply}, {"/", Operator::divide}, {"%", Operator::remainder}}};
constexpr std::array<Symbol, 1> kJoins{{{"||", Operator::join}}};

bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

bool is_keyword(std::string_view word) {
  const std::string folded = lower(word);
  return std::any_of(kKeywords.begin(), kKeywords.end(), [&](auto keyword) { return lower(keyword) == folded; });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> parse() {
    LEAT_ASSIGN(Expression whole, disjunction());
    if (!at_end()) return fail(at_, "expected the end of the expression");
    return whole;
  }
  [[nodiscard]] size_t error_at() const { return error_at_; }

 private:
  // Counts how deep the parser stands.
  class Deeper {
   public:
    explicit Deeper(size_t& depth) : depth_(depth) { ++depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --depth_; }

   private:
    size_t& depth_;
  };

  Result<Expression> disjunction() {
    const Deeper deeper(depth_);
    skip_spaces();
    if (depth_ > kDeepest) return fail(at_, "the expression is nested too deeply");
    return list("OR", Operator::any_of, [this] { return conjunction(); });
  }
  Result<Expression> conjunction() {
    return list("AND", Operator::all_of, [this] { return negation(); });
  }
  template <class Next>
  Result<Expression> list(std::string_view keyword, Operator op, const Next& next) {
    const size_t at = here();
    LEAT_ASSIGN(Expression first, next());
    if (!sees(keyword)) return first;
    std::vector<Expression> all;
    all.push_back(std::move(first));
    while (takes(keyword)) {
      LEAT_ASSIGN(Expression more, next());
      all.push_back(std::move(more));
    }
    return operation(op, at, std::move(all));
  }

  Result<Expression> negation() {
    const size_t at = here();
    if (!takes("NOT")) return comparison();
    const Deeper deeper(depth_);
    if (depth_ > kDeepest) return fail(at_, "the expression is nested too deeply");
    LEAT_ASSIGN(Expression inner, negation());
    return operation(Operator::negation, at, std::move(inner));
  }

  Result<Expression> comparison() {
    const size_t at = here();
    LEAT_ASSIGN(Expression left, sum());
    for (bool compared = false;;) {
      const size_t next = here();
      if (takes("IS")) {
        const bool negated = takes("NOT");
        if (!takes("NULL")) return fail(at_, "expected NULL");
        LEAT_ASSIGN(left, operation(Operator::is_null, at, std::move(left)));
        if (negated) {
          LEAT_ASSIGN(left, operation(Operator::negation, at, std::move(left)));
        }
        continue;
      }
      const std::optional<Operator> op = symbol(kComparisons);
      const bool negated = !op && takes("NOT");
      if (!op && !negated && !sees("IN") && !sees("LIKE") && !sees("BETWEEN")) return left;
      if (compared) return fail(next, "a comparison of a comparison needs parentheses");
      compared = true;
      if (op) {
        LEAT_ASSIGN(Expression right, sum());
        LEAT_ASSIGN(left, operation(*op, at, std::move(left), std::move(right)));
        continue;
      }
      LEAT_ASSIGN(left, among(at, std::move(left)));
      if (negated) {
        LEAT_ASSIGN(left, operation(Operator::negation, at, std::move(left)));
      }
    }
  }

  // IN (…), LIKE … or BETWEEN … AND … of `left`.
  Result<Expression> among(size_t at, Expression left) {
    std::vector<Expression> all;
    all.push_back(std::move(left));
    if (takes("IN")) {
      if (!takes_sign('(')) return fail(at_, "expected '('");
      LEAT_TRY(arguments(all));
      if (all.size() == 1) return fail(at_ - 1, "expected a value");
      return operation(Operator::in, at, std::move(all));
    }
    const bool like = takes("LIKE");
    if (!like && !takes("BETWEEN")) return fail(at_, "expected IN, LIKE or BETWEEN");
    LEAT_ASSIGN(Expression second, sum());
    all.push_back(std::move(second));
    if (!like && !takes("AND")) return fail(at_, "expected AND");
    if (!like || takes("ESCAPE")) {
      LEAT_ASSIGN(Expression third, sum());
      all.push_back(std::move(third));
    }
    return operation(like ? Operator::like : Operator::between, at, std::move(all));
  }

  Result<Expression> sum() {
    return chain(kSums, [this] { return product(); });
  }
  Result<Expression> product() {
    return chain(kProducts, [this] { return joined(); });
  }
  Result<Expression> joined() {
    return chain(kJoins, [this] { return signed_value(); });
  }
  template <class Symbols, class Next>
  Result<Expression> chain(const Symbols& symbols, const Next& next) {
    const size_t at = here();
    LEAT_ASSIGN(Expression left, next());
    while (const std::optional<Operator> op = symbol(symbols)) {
      LEAT_ASSIGN(Expression right, next());
      LEAT_ASSIGN(left, operation(*op, at, std::move(left), std::move(right)));
    }
    return left;
  }

  Result<Expression> signed_value() {
    const size_t at = here();
    const bool negative = takes_sign('-');
    if (!negative && !takes_sign('+')) return value();
    if (negative && at > 0 && text_[at - 1] == '-') {
      return fail_plain(at - 1, "'--' begins a comment in SQL", ": put a space between the two");
    }
    const Deeper deeper(depth_);
    if (depth_ > kDeepest) return fail(at_, "the expression is nested too deeply");
    skip_spaces();
    if (at_ < text_.size() && is_digit(text_[at_])) return number(at, negative);
    LEAT_ASSIGN(Expression inner, signed_value());
    if (!negative) return inner;
    return operation(Operator::negate, at, std::move(inner));
  }

  Result<Expression> value() {
    const size_t at = here();
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    if (is_digit(c)) return number(at, false);
    if (c == '\'' || c == '"') {
      Expression result;
      result.kind = c == '\'' ? Expression::text : Expression::column;
      LEAT_ASSIGN(result.name, quoted_text(c));
      return placed(std::move(result), at);
    }
    if (takes_sign('(')) {
      LEAT_ASSIGN(Expression inner, disjunction());
      if (!takes_sign(')')) return fail(at_, "expected ')'");
      return inner;
    }
    if (!begins_name(c)) return fail(at_, "expected a value, a column or a function");
    return named(at);
  }

  // What begins with a word.
  Result<Expression> named(size_t at) {
    Expression result;
    if (takes("CASE")) return choice(at);
    if (takes("CAST")) return cast(at);
    if (takes("NULL")) {
      result.kind = Expression::null;
      return placed(std::move(result), at);
    }
    const bool truth = takes("TRUE");
    if (truth || takes("FALSE")) {
      result.kind = Expression::boolean;
      result.integer_value = truth ? 1 : 0;
      return placed(std::move(result), at);
    }
    const std::string_view name = word();
    if (is_keyword(name)) {
      return fail_plain(at, "expected a value, a column or a function",
                        fmt::format(", before {} (a column of this name stands in double quotes)", quoted(name)));
    }
    at_ += name.size();
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != '(') {
      result.name = name;
      result.at = at;
      result.end = at + name.size();
      return counted(std::move(result));
    }
    ++at_;
    result.kind = Expression::call;
    result.name = lower(name);
    if (result.name == "count" && takes_sign('*')) {
      if (!takes_sign(')')) return fail(at_, "expected ')'");
    } else {
      LEAT_TRY(arguments(result.arguments));
    }
    result.at = at;
    LEAT_TRY(check_call(result));
    return placed(std::move(result), at);
  }

  Result<Expression> choice(size_t at) {
    std::vector<Expression> all;
    const bool by_value = !sees("WHEN");
    const auto add = [&]() -> Status {
      LEAT_ASSIGN(Expression more, disjunction());
      all.push_back(std::move(more));
      return {};
    };
    if (by_value) LEAT_TRY(add());
    if (!sees("WHEN")) return fail(here(), "expected WHEN");
    while (takes("WHEN")) {
      LEAT_TRY(add());
      if (!takes("THEN")) return fail(at_, "expected THEN");
      LEAT_TRY(add());
    }
    if (takes("ELSE")) LEAT_TRY(add());
    if (!takes("END")) return fail(at_, "expected WHEN, ELSE or END");
    return operation(by_value ? Operator::choose_by : Operator::choose, at, std::move(all));
  }

  Result<Expression> cast(size_t at) {
    if (!takes_sign('(')) return fail(at_, "expected '('");
    LEAT_ASSIGN(Expression inner, disjunction());
    if (!takes("AS")) return fail(at_, "expected AS");
    skip_spaces();
    const std::string type = lower(word());
    if (type.empty()) return fail(at_, "expected a type");
    at_ += type.size();
    if (!takes_sign(')')) return fail(at_, "expected ')'");
    LEAT_ASSIGN(Expression result, operation(Operator::cast, at, std::move(inner)));
    result.name = type;
    return result;
  }

  // After the '(' up to and with the ')'.
  Status arguments(std::vector<Expression>& all) {
    if (takes_sign(')')) return {};
    for (;;) {
      LEAT_ASSIGN(Expression argument, disjunction());
      all.push_back(std::move(argument));
      if (takes_sign(')')) return {};
      if (!takes_sign(',')) return fail(at_, "expected ',' or ')'");
    }
  }

  Result<Expression> number(size_t at, bool negative) {
    const char* const begin = text_.data() + at_;
    const char* const end = text_.data() + text_.size();
    uint64_t whole = 0;
    auto [stop, error] = std::from_chars(begin, end, whole);
    Expression result;
    result.kind = Expression::integer;
    if (stop < end && (*stop == '.' || *stop == 'e' || *stop == 'E')) {
      result.kind = Expression::real;
      const auto real = std::from_chars(begin, end, result.real_value);
      stop = real.ptr;
      error = real.ec;
      if (negative) result.real_value = -result.real_value;
    } else if (whole > static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) {
      error = std::errc::result_out_of_range;
    }
    result.integer_value = static_cast<int64_t>(negative ? 0 - whole : whole);
    const std::string_view written = text_.substr(at, static_cast<size_t>(stop - text_.data()) - at);
    if (error != std::errc()) return fail_plain(at, fmt::format("the number {} is too large", visible(written)), "");
    at_ = static_cast<size_t>(stop - text_.data());
    if (at_ < text_.size() && begins_name(text_[at_])) return fail(at_, "expected the end of the number");
    return placed(std::move(result), at);
  }

  Result<std::string> quoted_text(char quote) {
    const size_t start = at_++;
    std::string text;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\0') return fail(at_ - 1, "a NUL character cannot stand in an expression");
      if (c != quote) {
        text += c;
      } else if (at_ < text_.size() && text_[at_] == quote) {
        text += quote;
        ++at_;
      } else if (text.empty() && quote == '"') {
        return fail(start, "the name of a column is empty");
      } else {
        return text;
      }
    }
    return fail(start, quote == '"' ? "the quoted name that begins here does not end"
                                    : "the text that begins here does not end");
  }

  Status check_call(const Expression& call) {
    const ExpressionFunction* function = find_expression_function(call.name);
    if (function == nullptr) {
      std::vector<std::string_view> names;
      for (const ExpressionFunction& known : expression_functions()) names.push_back(known.name);
      const std::string_view meant = did_you_mean(call.name, names);
      const std::string hint = meant.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                             : fmt::format("did you mean '{}'?", meant);
      return fail_plain(call.at, fmt::format("unknown function {}", quoted(call.name)), fmt::format(" ({})", hint));
    }
    const size_t given = call.arguments.size();
    if (given >= function->least && given <= function->most) return {};
    std::string takes = fmt::format("{}", function->least);
    if (function->most == SIZE_MAX) takes = fmt::format("at least {}", function->least);
    if (function->most == function->least + 1) takes += fmt::format(" or {}", function->most);
    takes +=
        std::max(function->least, function->most == SIZE_MAX ? 0 : function->most) == 1 ? " argument" : " arguments";
    if (function->most == 0) takes = "no argument";
    return fail_plain(call.at, fmt::format("{}() takes {}, not {}", call.name, takes, given), "");
  }

  template <class... Arguments>
  Result<Expression> operation(Operator op, size_t at, Arguments... arguments) {
    std::vector<Expression> all;
    (all.push_back(std::move(arguments)), ...);
    return operation(op, at, std::move(all));
  }
  Result<Expression> operation(Operator op, size_t at, std::vector<Expression> arguments) {
    Expression result;
    result.kind = Expression::operation;
    result.op = op;
    result.arguments = std::move(arguments);
    return placed(std::move(result), at);
  }
  // `what` reaches from `at` to the last character that was taken.
  Result<Expression> placed(Expression what, size_t at) {
    what.at = at;
    what.end = at_;
    while (what.end > at && is_space(text_[what.end - 1])) --what.end;
    return counted(std::move(what));
  }
  Result<Expression> counted(Expression what) {
    if (++nodes_ > kMostNodes) return fail_plain(what.at, "the expression is too long", "");
    return what;
  }

  // What stands at `at` is said too.
  Status fail(size_t at, std::string_view what) {
    while (at < text_.size() && is_space(text_[at])) ++at;
    if (at >= text_.size()) return fail_plain(at, std::string(what), ", where the expression ends");
    const size_t length = std::max<size_t>(1, utf8_sequence(text_.substr(at)));
    return fail_plain(at, std::string(what), fmt::format(", before {}", quoted(text_.substr(at, length))));
  }
  Status fail_plain(size_t at, const std::string& what, const std::string& more) {
    error_at_ = at;
    return Status::bad_config(fmt::format("{} at character {}{}", what, at + 1, more));
  }

  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  size_t here() {
    skip_spaces();
    return at_;
  }
  bool at_end() { return here() >= text_.size(); }

  // The word at at_; empty: there is none.
  [[nodiscard]] std::string_view word() const {
    size_t end = at_;
    if (end >= text_.size() || !begins_name(text_[end])) return {};
    while (end < text_.size() && (begins_name(text_[end]) || is_digit(text_[end]))) ++end;
    return text_.substr(at_, end - at_);
  }
  bool sees(std::string_view keyword) {
    skip_spaces();
    return lower(word()) == lower(keyword);
  }
  bool takes(std::string_view keyword) {
    if (!sees(keyword)) return false;
    at_ += keyword.size();
    return true;
  }
  bool takes_sign(char sign) {
    if (at_end() || text_[at_] != sign) return false;
    ++at_;
    return true;
  }
  template <class Symbols>
  std::optional<Operator> symbol(const Symbols& symbols) {
    skip_spaces();
    for (const Symbol& known : symbols) {
      if (!text_.substr(at_).starts_with(known.text)) continue;
      at_ += known.text.size();
      return known.op;
    }
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  size_t nodes_ = 0;
  size_t error_at_ = 0;
};

}  // namespace

Result<Expression> parse_expression(std::string_view text, size_t* error_at) {
  Parser parser(text);
  Result<Expression> result = parser.parse();
  if (!result.ok() && error_at != nullptr) *error_at = parser.error_at();
  return result;
}

}  // namespace leat
