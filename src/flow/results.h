#pragma once

// Tables that a sink keeps nowhere but in memory, to be shown when a run has ended. Borrowed from the sink, which is
// not opened again afterwards. One thread, after the pipeline's own has ended.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data/schema.h"

namespace leat {

struct ResultColumn {
  std::string name;
  Type type = Type::text;  // a cell of type time is an integer: microseconds
  bool key = false;        // keys first
};

using ResultCell = std::variant<std::monostate, int64_t, double, std::string_view>;  // monostate: NULL

class Results {
 public:
  Results() = default;
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;
  virtual ~Results() = default;

  [[nodiscard]] virtual size_t tables() const = 0;
  [[nodiscard]] virtual const std::string& name(size_t table) const = 0;
  [[nodiscard]] virtual const std::vector<ResultColumn>& columns(size_t table) const = 0;
  // Numbered from 0, in no order.
  [[nodiscard]] virtual size_t rows(size_t table) const = 0;
  // Text is valid as long as the Results are.
  [[nodiscard]] virtual ResultCell cell(size_t table, size_t row, size_t column) const = 0;
};

}  // namespace leat
