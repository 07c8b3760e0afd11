#include "decoders/typed_cell.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "decoders/json_check.h"
#include "decoders/time_text.h"

namespace leat {
namespace {

constexpr int64_t kExactReal = int64_t{1} << 53;  // whole numbers up to here are exact as a double

std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

bool parse_boolean(std::string_view text, uint64_t* cell) {
  constexpr std::array<std::string_view, 6> kTrue{"true", "1", "t", "yes", "y", "on"};
  constexpr std::array<std::string_view, 6> kFalse{"false", "0", "f", "no", "n", "off"};
  for (size_t i = 0; i < kTrue.size(); ++i) {
    const bool truth = equal_ignoring_case(text, kTrue[i]);
    if (!truth && !equal_ignoring_case(text, kFalse[i])) continue;
    *cell = truth ? 1 : 0;
    return true;
  }
  return false;
}

// What is left of `text` behind the number it begins with; nothing when it begins with none that fits.
template <class Number>
std::optional<std::string_view> parse_number(std::string_view text, Number* value, bool* out_of_range) {
  text = without_plus(text);
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, *value);
  *out_of_range = error == std::errc::result_out_of_range && stop == end;
  if (error != std::errc()) return std::nullopt;
  return std::string_view(stop, static_cast<size_t>(end - stop));
}

bool parse_integer_cell(std::string_view text, uint64_t* cell, bool* out_of_range) {
  int64_t value = 0;
  const auto rest = parse_number(text, &value, out_of_range);
  if (!rest || !rest->empty()) return false;
  *cell = static_cast<uint64_t>(value);
  return true;
}

bool parse_real_cell(std::string_view text, uint64_t* cell, bool* out_of_range) {
  double value = 0;
  const auto rest = parse_number(text, &value, out_of_range);
  if (!rest || !rest->empty() || !std::isfinite(value)) return false;
  *cell = std::bit_cast<uint64_t>(value);
  return true;
}

bool parse_trimmed(Type type, std::string_view text, uint64_t* cell) {
  bool out_of_range = false;
  switch (type) {
    case Type::boolean:
      return parse_boolean(text, cell);
    case Type::integer:
      return parse_integer_cell(text, cell, &out_of_range);
    case Type::real:
      return parse_real_cell(text, cell, &out_of_range);
    case Type::time: {
      int64_t micros = 0;
      if (!read_time_text(text, &micros)) return false;
      *cell = static_cast<uint64_t>(micros);
      return true;
    }
    case Type::text:
      return is_utf8(text) && text.find('\0') == std::string_view::npos;
    case Type::json:
      return check_json(text).ok;
  }
  return false;
}

// "007", "-01", "+49": a code or a telephone number rather than a number.
bool is_code(std::string_view text) {
  if (text.starts_with('+')) return true;
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

// "12E5" is more often a code than a number; "1.2E5" and "12e+5" are numbers.
bool is_written_real(std::string_view text) {
  const size_t exponent = text.find_first_of("eE");
  if (exponent == std::string_view::npos) return true;
  return text.find_first_of(".+-", 1) != std::string_view::npos;
}

}  // namespace

bool parse_any_cell(Type type, std::string_view text, uint64_t* cell) {
  if (parse_trimmed(type, text, cell)) return true;
  if (type == Type::text || type == Type::json) return false;
  const std::string_view trimmed = trim(text);
  return trimmed.size() != text.size() && parse_trimmed(type, trimmed, cell);
}

std::string cell_mismatch(Type type, std::string_view text) {
  constexpr size_t kShown = 80;
  std::string found = text.empty() ? "found an empty text" : "found " + quoted(text, kShown);
  const std::string_view trimmed = trim(text);
  bool out_of_range = false;
  uint64_t cell = 0;
  switch (type) {
    case Type::boolean:
      return "expected true or false, " + found;
    case Type::integer:
      parse_integer_cell(trimmed, &cell, &out_of_range);
      if (out_of_range) return fmt::format("{} is beyond what an integer can be (64 bits)", quoted(text, kShown));
      return "expected an integer, " + found;
    case Type::real:
      parse_real_cell(trimmed, &cell, &out_of_range);
      if (out_of_range) return fmt::format("{} is beyond what a real can be (64 bits)", quoted(text, kShown));
      return "expected a number, " + found;
    case Type::time:
      return "expected a time such as 2026-11-22T13:39:28Z, " + found;
    case Type::text: {
      size_t at = 0;
      while (at < text.size() && text[at] != '\0') {
        const size_t length = utf8_sequence(text.substr(at));
        if (length == 0) break;
        at += length;
      }
      return fmt::format("expected UTF-8 without NUL, found {} at byte {}", quoted(text.substr(at, 1)), at + 1);
    }
    case Type::json: {
      const JsonCheck check = check_json(text);
      if (check.at >= text.size()) return fmt::format("expected JSON: {} is missing at the end", check.expected);
      return fmt::format("expected JSON: {} at byte {}, found {}", check.expected, check.at + 1,
                         quoted(text.substr(check.at), 20));
    }
  }
  return found;
}

void TypeGuess::see(std::string_view text) {
  seen_ = true;
  uint64_t cell = 0;
  bool out_of_range = false;
  boolean_ = boolean_ && (equal_ignoring_case(text, "true") || equal_ignoring_case(text, "false"));
  if (integer_ || real_) {
    const bool whole = parse_integer_cell(text, &cell, &out_of_range);
    const auto value = static_cast<int64_t>(cell);
    if (is_code(text) || out_of_range) {
      integer_ = real_ = false;
    } else if (whole) {
      real_ = real_ && value <= kExactReal && value >= -kExactReal;
    } else {
      integer_ = false;
      real_ = real_ && is_written_real(text) && parse_real_cell(text, &cell, &out_of_range);
    }
  }
  if (time_) {
    // Without separators it may be any number.
    int64_t micros = 0;
    const bool separated = text.substr(0, 5).find_first_not_of("0123456789") != std::string_view::npos;
    time_ = separated && read_time_text(text, &micros);
  }
}

Type TypeGuess::type() const {
  if (!seen_) return Type::text;
  if (boolean_) return Type::boolean;
  if (integer_) return Type::integer;
  if (real_) return Type::real;
  return time_ ? Type::time : Type::text;
}

}  // namespace leat
