#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"
#include "base/time.h"
#include "expressions/node.h"

namespace leat::expressions {
namespace {

using Cell = std::optional<uint64_t>;

constexpr int64_t kFirstSecond = days_from_civil(0, 1, 1) * kSecondsPerDay;
constexpr int64_t kEndSecond = days_from_civil(10'000, 1, 1) * kSecondsPerDay;

int64_t integer_of(uint64_t cell) {
  return static_cast<int64_t>(cell);
}
double real_of(uint64_t cell) {
  return std::bit_cast<double>(cell);
}
Cell cell_of(int64_t value) {
  return static_cast<uint64_t>(value);
}
Cell cell_of(double value) {
  return std::bit_cast<uint64_t>(value);
}

// "'abc' is not an integer"
template <class Shown>
Cell refused(Block& block, size_t row, const Shown& shown, std::string_view why) {
  block.fail(row, [&] { return fmt::format("{} {}", shown(), why); });
  return std::nullopt;
}

Cell from_text(Type to, Block& block, size_t row, uint64_t cell) {
  const std::string_view text = trim(block.text(cell));
  const auto shown = [&] { return quoted(block.text(cell)); };
  switch (to) {
    case Type::integer:
      if (const auto value = parse_integer(text)) return cell_of(*value);
      return refused(block, row, shown, "is not an integer");
    case Type::real: {
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      const bool whole = error == std::errc() && end == text.data() + text.size();
      if (whole && std::isfinite(value)) return cell_of(value);
      return refused(block, row, shown, "is not a number");
    }
    case Type::time: {
      if (const auto micros = parse_iso_time(text)) return cell_of(*micros);
      return refused(block, row, shown, "is not a time such as 2026-01-31 12:30:00 or 2026-01-31T12:30:00+01:00");
    }
    case Type::boolean:
      if (text == "true" || text == "1") return 1;
      if (text == "false" || text == "0") return 0;
      return refused(block, row, shown, "is neither true nor false");
    default:
      return cell;
  }
}

Cell from_integer(Type to, Block& block, size_t row, int64_t value) {
  const auto shown = [&] { return fmt::format("{}", value); };
  switch (to) {
    case Type::real:
      return cell_of(static_cast<double>(value));
    case Type::boolean:
      if (value == 0 || value == 1) return cell_of(value);
      return refused(block, row, shown, "is neither 0 nor 1");
    case Type::time:
      if (value >= kFirstSecond && value < kEndSecond) return cell_of(value * kMicrosPerSecond);
      return refused(block, row, shown, "seconds since 1970 are not in the years 0 to 9999");
    default:
      return block.append(shown());
  }
}

Cell from_real(Type to, Block& block, size_t row, double value) {
  const auto shown = [&] { return fmt::format("{}", value); };
  constexpr double kEnd = 9223372036854775808.0;
  switch (to) {
    case Type::integer:
      if (value >= -kEnd && value < kEnd && std::trunc(value) == value) return cell_of(static_cast<int64_t>(value));
      return refused(block, row, shown,
                     std::trunc(value) == value ? "does not fit into 64 bits"
                                                : "is not a whole number (round(), floor() and ceil() make one)");
    case Type::time:
      if (value >= static_cast<double>(kFirstSecond) && value < static_cast<double>(kEndSecond)) {
        return cell_of(static_cast<int64_t>(std::floor(value)) * kMicrosPerSecond +
                       static_cast<int64_t>(std::llround((value - std::floor(value)) * kMicrosPerSecond)));
      }
      return refused(block, row, shown, "seconds since 1970 are not in the years 0 to 9999");
    default:
      return block.append(shown());
  }
}

Cell from_time(Type to, Block& block, int64_t micros) {
  switch (to) {
    case Type::integer:
      return cell_of(floor_div(micros, kMicrosPerSecond));
    case Type::real:
      return cell_of(static_cast<double>(micros) / kMicrosPerSecond);
    default:
      return block.append(format_time(micros));
  }
}

bool is_there(Type from, Type to) {
  switch (from) {
    case Type::boolean:
      return to == Type::integer || to == Type::text;
    case Type::integer:
      return to != Type::json;
    case Type::real:
      return to == Type::integer || to == Type::time || to == Type::text;
    case Type::text:
      return to != Type::json;
    case Type::time:
      return to == Type::integer || to == Type::real || to == Type::text;
    case Type::json:
      return to == Type::text;
  }
  return false;
}

Cell cast_cell(Type from, Type to, Block& block, const View& view, size_t row) {
  if (from == Type::boolean) {
    const uint64_t truth = view.truth[row >> 6] >> (row & 63) & 1;
    return to == Type::integer ? truth : block.append(truth != 0 ? "true" : "false");
  }
  const uint64_t cell = view.cell(row);
  switch (from) {
    case Type::integer:
      return from_integer(to, block, row, integer_of(cell));
    case Type::real:
      return from_real(to, block, row, real_of(cell));
    case Type::time:
      return from_time(to, block, integer_of(cell));
    default:
      return from_text(to, block, row, cell);
  }
}

}  // namespace

NodePtr make_cast(Type to, size_t slot, NodePtr from) {
  const Type type = from->type();
  if (type == to) return from;
  if (!is_there(type, to)) return nullptr;
  Nodes arguments;
  arguments.push_back(std::move(from));
  return row_by_row(to, slot, std::move(arguments), [type, to](Block& block, const auto& views, size_t row) {
    return cast_cell(type, to, block, views[0], row);
  });
}

}  // namespace leat::expressions
