#include "decoders/log_format.h"

#include <algorithm>

#include "base/text.h"
#include "decoders/log_columns.h"

namespace leat {

Result<LogFormatPtr> compile_log_format(std::string_view text, LayoutPlace* place) {
  LEAT_ASSIGN(const LogLayout layout, parse_log_layout(text, place));
  const bool json = !layout.pieces.empty() && !layout.pieces.front().variable &&
                    trim(layout.pieces.front().text).starts_with('{') &&
                    trim(trim(layout.pieces.front().text).substr(1)).starts_with('"');
  return json ? compile_json_format(layout, place) : compile_line_format(layout, place);
}

std::vector<Field> extra_fields_of(const std::vector<LogColumn>& columns) {
  std::vector<Field> extra;
  const std::vector<Field>& standard = standard_log_fields();
  for (const LogColumn& column : columns) {
    const auto same = [&](const Field& field) { return field.name == column.name; };
    if (column.name.empty() || std::any_of(standard.begin(), standard.end(), same) ||
        std::any_of(extra.begin(), extra.end(), same)) {
      continue;
    }
    extra.push_back({column.name, column.type});
  }
  return extra;
}

}  // namespace leat
