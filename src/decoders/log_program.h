#pragma once

// A format of text lines, compiled: literals and values in turn (docs/formats/log-format.md §3 and §4). Made by
// compile_line_format(); never changes; any thread.

#include <string>
#include <vector>

#include "decoders/log_columns.h"
#include "decoders/log_format.h"

namespace leat {

// Shapes that end by themselves, whatever follows.
bool knows_its_end(Shape shape);
bool is_number(Shape shape);

// One value and the literal behind it.
struct LineStep {
  LogColumn column;
  std::string until;         // the literal behind it; empty: the end of the line, or a path follows
  std::string until_words;   // as a reject names it: "' '"
  bool quoted = false;       // stands between quotes that its escapes keep out of the value
  bool before_path = false;  // ends where a '/' stands
  bool sought = false;       // what follows can be checked, so that the right end is found
};

class LineFormat final : public LogFormat {
 public:
  [[nodiscard]] const std::vector<Field>& extra_fields() const override { return extra_; }
  [[nodiscard]] std::vector<std::string_view> standard_columns() const override;
  [[nodiscard]] std::unique_ptr<LineReader> reader(const Schema& schema) const override;

  Status compile(const LogLayout& layout, LayoutPlace* place);

  Escape escape = Escape::server;
  std::string prefix;
  std::vector<LineStep> steps;
  bool pieces = false;  // the time is made of time_pieces

 private:
  std::vector<Field> extra_;
};

}  // namespace leat
