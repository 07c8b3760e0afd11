#include "decoders/csv_reader.h"

namespace leat {

CsvReader::CsvReader(std::string_view bytes, const CsvDialect& dialect)
    : bytes_(bytes),
      delimiter_(dialect.delimiter),
      quotes_(dialect.quote.has_value()),
      quote_(dialect.quote.value_or(dialect.delimiter)) {}

// Offset of the next delimiter, newline or quote; the text's size when there is none.
inline size_t CsvReader::next_mark() {
  while (mask_ == 0) {
    if (scanned_ >= bytes_.size()) return bytes_.size();
    const size_t rest = bytes_.size() - scanned_;
    const char* const at = bytes_.data() + scanned_;
    const Block64 block = rest >= Block64::kBytes ? Block64(at) : Block64::rest(at, rest);
    mask_ = block.equal(delimiter_) | block.equal('\n') | block.equal(quote_);
    block_ = scanned_;
    scanned_ += Block64::kBytes;
  }
  const size_t mark = block_ + static_cast<size_t>(std::countr_zero(mask_));
  mask_ &= mask_ - 1;
  return mark;
}

// Where the field ends that is not quoted, or is no longer.
inline size_t CsvReader::field_end() {
  size_t mark = next_mark();
  while (quotes_ && mark < bytes_.size() && bytes_[mark] == quote_) mark = next_mark();
  return mark;
}

void CsvReader::wrong(CsvTrouble trouble, size_t at) {
  if (trouble_ != CsvTrouble::none) return;
  trouble_ = trouble;
  trouble_field_ = fields_.size();
  trouble_at_ = at;
}

size_t CsvReader::quoted_field() {
  CsvField field{.begin = static_cast<uint32_t>(at_ + 1), .quoted = true};
  next_mark();  // the quote that opens it
  size_t mark = next_mark();
  for (;; mark = next_mark()) {
    if (mark == bytes_.size()) {
      wrong(CsvTrouble::not_closed, at_);
      field.size = static_cast<uint32_t>(mark) - field.begin;
      fields_.push_back(field);
      return mark;
    }
    if (bytes_[mark] == '\n') ++next_line_;
    if (bytes_[mark] != quote_) continue;
    if (mark + 1 == bytes_.size() || bytes_[mark + 1] != quote_) break;
    next_mark();
    field.doubled = true;
  }
  field.size = static_cast<uint32_t>(mark) - field.begin;
  const size_t end = field_end();
  if (end != mark + 1) {
    const bool line_end = end == bytes_.size() || bytes_[end] == '\n';
    if (!line_end || end != mark + 2 || bytes_[mark + 1] != '\r') wrong(CsvTrouble::behind_quote, mark + 1);
  }
  fields_.push_back(field);
  return end;
}

bool CsvReader::next() {
  for (;;) {
    if (at_ == bytes_.size()) return false;
    const size_t line_end = bytes_[at_] == '\r' ? at_ + 1 : at_;
    if (line_end < bytes_.size() && bytes_[line_end] != '\n') break;
    next_mark();
    ++next_line_;
    at_ = line_end < bytes_.size() ? line_end + 1 : line_end;
  }
  begin_ = at_;
  line_ = next_line_;
  trouble_ = CsvTrouble::none;
  fields_.clear();
  for (;;) {
    size_t end = 0;
    if (quotes_ && at_ < bytes_.size() && bytes_[at_] == quote_) {
      end = quoted_field();
    } else {
      end = field_end();
      fields_.push_back({.begin = static_cast<uint32_t>(at_), .size = static_cast<uint32_t>(end - at_)});
    }
    if (end < bytes_.size() && bytes_[end] == delimiter_) {
      at_ = end + 1;
      continue;
    }
    complete_ = end < bytes_.size();
    at_ = complete_ ? end + 1 : end;
    if (complete_) ++next_line_;
    end_ = end;
    CsvField& last = fields_.back();
    const bool open = last.quoted && last.begin + last.size == end;  // the carriage return is of the field
    if (end > begin_ && bytes_[end - 1] == '\r' && !open) {
      --end_;
      if (!last.quoted) --last.size;
    }
    return true;
  }
}

void CsvReader::unescape(const CsvField& field, std::string& out) const {
  const std::string_view text = written(field);
  for (size_t at = 0; at < text.size();) {
    const size_t quote = text.find(quote_, at);
    if (quote == std::string_view::npos) {
      out += text.substr(at);
      return;
    }
    out += text.substr(at, quote + 1 - at);
    at = quote + 2;
  }
}

CsvStretch whole_csv_records(std::string_view bytes, const CsvDialect& dialect, uint64_t most_records,
                             uint64_t max_record) {
  const bool quotes = dialect.quote.has_value();
  const char quote = dialect.quote.value_or('\n');
  CsvStretch stretch;
  size_t& begin = stretch.bytes;  // of the record
  bool quoted = false;
  size_t second_quote = 0;  // of a doubled one, not to be looked at again
  for (size_t base = 0; base < bytes.size(); base += Block64::kBytes) {
    const char* const at = bytes.data() + base;
    const size_t rest = bytes.size() - base;
    const Block64 block = rest >= Block64::kBytes ? Block64(at) : Block64::rest(at, rest);
    const uint64_t marks = quotes ? block.equal(quote) : 0;
    if (quoted && marks == 0) continue;
    for (uint64_t mask = block.equal('\n') | marks; mask != 0; mask &= mask - 1) {
      const size_t mark = base + static_cast<size_t>(std::countr_zero(mask));
      if (bytes[mark] == '\n') {
        if (quoted) continue;
        if (mark - begin > max_record) {
          stretch.too_long = true;
          return stretch;
        }
        const bool blank = mark == begin || (mark == begin + 1 && bytes[begin] == '\r');
        begin = mark + 1;
        if (!blank && ++stretch.records == most_records) return stretch;
      } else if (!quoted) {
        quoted = mark == begin || bytes[mark - 1] == dialect.delimiter;
      } else if (mark != second_quote) {
        const bool doubled = mark + 1 < bytes.size() && bytes[mark + 1] == quote;
        if (doubled) second_quote = mark + 1;
        quoted = doubled;
      }
    }
  }
  stretch.too_long = bytes.size() - begin > max_record;
  return stretch;
}

std::optional<size_t> CsvSkipper::skip(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    const bool quote = dialect_.quote && c == *dialect_.quote;
    if (state_ == State::quoted) {
      if (quote) state_ = State::quote_in_quoted;
    } else if (quote && (state_ == State::field_start || state_ == State::quote_in_quoted)) {
      state_ = State::quoted;
    } else if (c == '\n') {
      state_ = State::field_start;
      return i + 1;
    } else {
      state_ = c == dialect_.delimiter ? State::field_start : State::plain;
    }
  }
  return std::nullopt;
}

}  // namespace leat
