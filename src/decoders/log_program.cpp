#include "decoders/log_program.h"

#include <algorithm>

#include "base/text.h"

namespace leat {

bool knows_its_end(Shape shape) {
  switch (shape) {
    case Shape::log_time:
    case Shape::apache_time:
    case Shape::iso_time:
    case Shape::time_piece:
      return true;
    default:
      return false;
  }
}

bool is_number(Shape shape) {
  switch (shape) {
    case Shape::integer:
    case Shape::real:
    case Shape::millis:
    case Shape::micros:
    case Shape::epoch:
      return true;
    default:
      return false;
  }
}

Status LineFormat::compile(const LogLayout& layout, LayoutPlace* place) {
  escape = layout.escape;
  LEAT_ASSIGN(std::vector<LogColumn> columns, columns_of(layout, place));
  std::string before;
  for (const LayoutPiece& piece : layout.pieces) {
    if (!piece.variable) {
      if (const size_t at = piece.text.find('\n'); at != std::string::npos && &piece != &layout.pieces.back()) {
        *place = piece.place;
        return Status::bad_config("a line break in the format; a record is one line");
      }
      before = piece.text.substr(0, piece.text.find('\n'));
      (steps.empty() ? prefix : steps.back().until) = before;
      continue;
    }
    LineStep step;
    step.column = std::move(columns[steps.size()]);
    if (!steps.empty() && steps.back().until.empty()) {
      LineStep& last = steps.back();
      const bool path = step.column.shape == Shape::path && !is_number(last.column.shape);
      if (!path && !knows_its_end(last.column.shape)) {
        *place = piece.place;
        return Status::bad_config(
            "nothing stands between this variable and the one before it, so nobody can tell where that one ends; "
            "put a character between them in the server's configuration");
      }
      last.before_path = path;
    }
    step.quoted = escape != Escape::none && before.ends_with('"');
    before.clear();
    pieces = pieces || step.column.shape == Shape::time_piece;
    steps.push_back(std::move(step));
  }
  if (steps.empty()) return Status::bad_config("holds no variable");
  for (size_t i = 0; i < steps.size(); ++i) {
    LineStep& step = steps[i];
    step.quoted = step.quoted && step.until.starts_with('"');
    step.until_words = step.until.empty() ? "the end of the line" : quoted(step.until.substr(0, 1));
    const bool checked =
        i + 1 < steps.size() && (is_number(steps[i + 1].column.shape) || knows_its_end(steps[i + 1].column.shape));
    step.sought = checked && !step.until.empty();
  }
  extra_ = extra_fields_of([&] {
    std::vector<LogColumn> all;
    for (const LineStep& step : steps) all.push_back(step.column);
    return all;
  }());
  return {};
}

std::vector<std::string_view> LineFormat::standard_columns() const {
  std::vector<std::string_view> names;
  for (const Field& field : standard_log_fields()) {
    const bool of_request = field.name == "request_method" || field.name == "request_uri" ||
                            field.name == "server_protocol" || field.name == "request";
    const bool filled = std::any_of(steps.begin(), steps.end(), [&](const LineStep& step) {
      return step.column.name == field.name || (of_request && step.column.shape == Shape::request);
    });
    if (filled) names.push_back(field.name);
  }
  return names;
}

Result<LogFormatPtr> compile_line_format(const LogLayout& layout, LayoutPlace* place) {
  auto format = std::make_shared<LineFormat>();
  LEAT_TRY(format->compile(layout, place));
  return LogFormatPtr(std::move(format));
}

}  // namespace leat
