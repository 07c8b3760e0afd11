#pragma once

// A log format that configuration gives as a string, compiled: any nginx log_format or Apache LogFormat, lines of text
// or of JSON (docs/formats/log-format.md). A LogFormat never changes; any thread. A LineReader is made for one chunk.

#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/schema.h"
#include "decoders/cell_writer.h"
#include "decoders/log_layout.h"
#include "decoders/web_log_line.h"

namespace leat {

// Takes lines apart into the columns of one schema.
class LineReader {
 public:
  LineReader() = default;
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  virtual ~LineReader() = default;

  // True: `line` says something about the lines that follow, and is neither a row nor a reject. Called for lines that
  // begin with '#'.
  virtual bool is_directive(std::string_view /*line*/) { return false; }

  // Fills row `row`, which is all NULL. `line` is not empty and without its end; `readable_end` as for
  // WebLogParser::parse(). False: it does not fit, see mismatch(); the row is then taken back.
  virtual bool read(std::string_view line, const char* readable_end, size_t row, CellWriter& rows) = 0;
  // Its views hold until the next read().
  [[nodiscard]] const Mismatch& mismatch() const { return mismatch_; }

 protected:
  Mismatch mismatch_;
};

class LogFormat {
 public:
  LogFormat() = default;
  LogFormat(const LogFormat&) = delete;
  LogFormat& operator=(const LogFormat&) = delete;
  virtual ~LogFormat() = default;

  // The columns besides standard_log_fields(), in the order of the format.
  [[nodiscard]] virtual const std::vector<Field>& extra_fields() const = 0;
  // The standard columns that this format fills.
  [[nodiscard]] virtual std::vector<std::string_view> standard_columns() const = 0;
  // `schema` has the standard columns and extra_fields(). The format must outlive the reader.
  [[nodiscard]] virtual std::unique_ptr<LineReader> reader(const Schema& schema) const = 0;
};

using LogFormatPtr = std::shared_ptr<const LogFormat>;

// bad_config: `text` is no format, or an ambiguous one; `*place`: where in it.
Result<LogFormatPtr> compile_log_format(std::string_view text, LayoutPlace* place);

// The two kinds; compile_log_format() knows which is meant.
Result<LogFormatPtr> compile_line_format(const LogLayout& layout, LayoutPlace* place);
Result<LogFormatPtr> compile_json_format(const LogLayout& layout, LayoutPlace* place);

// The columns of `columns` that are not standard.
struct LogColumn;
std::vector<Field> extra_fields_of(const std::vector<LogColumn>& columns);

}  // namespace leat
