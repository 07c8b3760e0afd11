#pragma once

// Records and fields of a text of separated values (docs/formats/csv.md §1). One thread for each reader.

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decoders/block64.h"

namespace leat {

struct CsvDialect {
  char delimiter = ',';             // ASCII, no line end, not the quote
  std::optional<char> quote = '"';  // the same; none: nothing is quoted
};

struct CsvField {
  uint32_t begin = 0;  // in the reader's text, behind the opening quote
  uint32_t size = 0;   // up to the closing quote
  bool quoted = false;
  bool doubled = false;  // holds doubled quotes: see CsvReader::unescaped()
};

// What keeps a record from being one.
enum class CsvTrouble : uint8_t { none, not_closed, behind_quote };

class CsvReader {
 public:
  // `bytes`: begin at a record, live as long as the reader; less than 4 GiB.
  CsvReader(std::string_view bytes, const CsvDialect& dialect);

  // Goes to the next record; false when there is none.
  bool next();

  // Of the record: its bytes without the line end, where it begins, and how many newlines are before it.
  [[nodiscard]] std::string_view record() const { return bytes_.substr(begin_, end_ - begin_); }
  [[nodiscard]] size_t begin() const { return begin_; }
  [[nodiscard]] size_t end() const { return at_; }  // behind its line end
  [[nodiscard]] uint64_t line() const { return line_; }
  // False: the text ended before a newline.
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] const std::vector<CsvField>& fields() const { return fields_; }
  [[nodiscard]] CsvTrouble trouble() const { return trouble_; }
  // Of the trouble: the index of its field, and the first byte in the text that does not fit.
  [[nodiscard]] size_t trouble_field() const { return trouble_field_; }
  [[nodiscard]] size_t trouble_at() const { return trouble_at_; }

  [[nodiscard]] std::string_view written(const CsvField& field) const { return bytes_.substr(field.begin, field.size); }
  // Appends what a field with doubled quotes means.
  void unescape(const CsvField& field, std::string& out) const;

 private:
  size_t next_mark();
  size_t field_end();
  size_t quoted_field();
  void wrong(CsvTrouble trouble, size_t at);

  std::string_view bytes_;
  char delimiter_;
  bool quotes_;
  char quote_;

  // Delimiters, newlines and quotes that have been found and not yet been looked at.
  size_t block_ = 0;  // offset of the bytes that mask_ is of
  uint64_t mask_ = 0;
  size_t scanned_ = 0;

  size_t at_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t line_ = 0;
  uint64_t next_line_ = 0;
  bool complete_ = false;
  std::vector<CsvField> fields_;
  CsvTrouble trouble_ = CsvTrouble::none;
  size_t trouble_field_ = 0;
  size_t trouble_at_ = 0;
};

// As many whole records as a chunk may have.
struct CsvStretch {
  size_t bytes = 0;
  uint64_t records = 0;   // in them; blank lines are none
  bool too_long = false;  // the record behind them has more than `max_record` bytes
};
// `bytes` begin at a record.
CsvStretch whole_csv_records(std::string_view bytes, const CsvDialect& dialect, uint64_t most_records,
                             uint64_t max_record);

// Finds the end of one record in pieces of a text.
class CsvSkipper {
 public:
  explicit CsvSkipper(const CsvDialect& dialect) : dialect_(dialect) {}
  // The first byte behind the record; nothing: it goes on behind `bytes`.
  std::optional<size_t> skip(std::string_view bytes);

 private:
  enum class State : uint8_t { field_start, plain, quoted, quote_in_quoted };
  CsvDialect dialect_;
  State state_ = State::field_start;
};

}  // namespace leat
