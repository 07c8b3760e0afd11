// How a line is taken apart by a compiled format; log_program.cpp compiles it.

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "decoders/log_program.h"
#include "decoders/log_time.h"
#include "decoders/log_time_pieces.h"
#include "decoders/log_values.h"
#include "decoders/scan.h"

namespace leat {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class ProgramReader final : public LineReader {
 public:
  ProgramReader(const LineFormat& format, const Schema& schema) : format_(format) {
    for (const LineStep& step : format.steps) {
      columns_.push_back(step.column.name.empty() ? kNoColumn : schema.find(step.column.name).value_or(kNoColumn));
    }
    std::vector<LogColumn> all;
    for (const LineStep& step : format.steps) all.push_back(step.column);
    request_ = RequestColumns::of(schema, all);
    time_ = schema.find("time").value_or(kNoColumn);
  }

  bool read(std::string_view line, const char* readable_end, size_t row, CellWriter& rows) override {
    begin_ = at_ = line.data();
    end_ = begin_ + line.size();
    readable_ = readable_end;
    odd_ident_ = nullptr;
    if (format_.pieces) pieces_.clear();
    if (!take_literal(format_.prefix, "")) return false;
    for (size_t i = 0; i < format_.steps.size(); ++i) {
      const LineStep& step = format_.steps[i];
      if (!take_value(step, i, row, rows)) return false;
      if (!take_literal(step.until, step.column.name)) return false;
    }
    if (at_ != end_) return fail("", "the end of the line", at_);
    if (!format_.pieces) return true;
    int64_t micros = 0;
    if (!pieces_.time(&micros)) return wrong("time", line.substr(0, 40), "says no time");
    rows.integer(time_, row, micros);
    return true;
  }

 private:
  bool fail(std::string_view column, std::string_view expected, const char* at) {
    mismatch_ = {column, expected, {}, {}, static_cast<size_t>(std::min(at, end_) - begin_)};
    return false;
  }

  bool wrong(std::string_view column, std::string_view value, std::string_view problem) {
    mismatch_ = {column, {}, value, problem, static_cast<size_t>(value.data() - begin_)};
    return false;
  }

  [[nodiscard]] size_t left(const char* at) const { return static_cast<size_t>(end_ - at); }

  [[nodiscard]] bool stands(std::string_view literal, const char* at) const {
    return left(at) >= literal.size() && std::memcmp(at, literal.data(), literal.size()) == 0;
  }

  bool take_literal(const std::string& literal, std::string_view column) {
    if (stands(literal, at_)) {
      at_ += literal.size();
      return true;
    }
    size_t same = 0;
    while (same < literal.size() && at_ + same < end_ && at_[same] == literal[same]) ++same;
    expected_ = quoted(std::string_view(literal).substr(same, 1));
    return fail(column, expected_, at_ + same);
  }

  // The first place from `from` on where `literal` stands; null when there is none.
  [[nodiscard]] const char* find(const std::string& literal, const char* from) const {
    while (left(from) >= literal.size()) {
      const auto* at = static_cast<const char*>(std::memchr(from, literal[0], left(from) - literal.size() + 1));
      if (at == nullptr) return nullptr;
      if (std::memcmp(at, literal.data(), literal.size()) == 0) return at;
      from = at + 1;
    }
    return nullptr;
  }

  // Where the value that begins at at_ ends; null when its literal does not stand in the line.
  [[nodiscard]] const char* end_of(const LineStep& step, size_t index) const {
    if (step.before_path) {
      const auto* slash = static_cast<const char*>(std::memchr(at_, '/', left(at_)));
      return slash;
    }
    if (step.until.empty()) return end_;
    if (index + 1 == format_.steps.size()) {
      // The last literal ends the line.
      const char* const at = end_ - std::min(left(at_), step.until.size());
      return stands(step.until, at) ? at : nullptr;
    }
    const char* const first = find(step.until, at_);
    if (!step.sought) return first;
    for (const char* at = first; at != nullptr; at = find(step.until, at + 1)) {
      if (fits(format_.steps[index + 1], at + step.until.size())) return at;
    }
    return first;
  }

  // True when a value of this step, and its literal, stand at `at`.
  [[nodiscard]] bool fits(const LineStep& step, const char* at) const {
    const std::string_view rest(at, left(at));
    int64_t ignored = 0;
    size_t size = 0;
    switch (step.column.shape) {
      case Shape::log_time:
        size = log_time_mismatch(rest, &size).empty() ? kLogTimeSize : 0;
        break;
      case Shape::apache_time:
        size = rest.starts_with('[') && log_time_mismatch(rest.substr(1), &size).empty() ? kLogTimeSize + 2 : 0;
        break;
      case Shape::iso_time:
        size = read_iso_time(rest, &ignored);
        break;
      case Shape::time_piece: {
        TimePieces scratch;
        if (!scratch.read(step.column.time_format, rest, &size)) size = 0;
        break;
      }
      default:
        if (rest.starts_with('-')) {
          size = 1;
        } else {
          while (size < rest.size() && (is_digit(rest[size]) || rest[size] == '.')) ++size;
        }
    }
    return size != 0 && size <= rest.size() && stands(step.until, at + size);
  }

  bool take_value(const LineStep& step, size_t index, size_t row, CellWriter& rows) {
    switch (step.column.shape) {
      case Shape::integer:
        return take_integer(step, index, row, rows);
      case Shape::real:
      case Shape::millis:
      case Shape::micros:
      case Shape::epoch:
        return take_number(step, index, row, rows);
      case Shape::log_time:
      case Shape::apache_time:
      case Shape::iso_time:
      case Shape::time_piece:
        return take_time(step, index, row, rows);
      default:
        return take_text(step, index, row, rows);
    }
  }

  // "-", or nothing where the server writes nothing for what there is none.
  bool take_null(const LineStep& step) {
    if (at_ < end_ && *at_ == '-' && (step.until.empty() ? at_ + 1 == end_ : stands(step.until, at_ + 1))) {
      ++at_;
      return true;
    }
    return step.until.empty() ? at_ == end_ : stands(step.until, at_);
  }

  // A value that is not what it should be: says so with the value, as far as it can be seen.
  bool not_a(const LineStep& step, size_t index, std::string_view problem) {
    const char* end = end_of(step, index);
    if (end == nullptr) {
      if (const char* space = find(" ", at_); space != nullptr) {
        end = space;
      } else {
        end = end_;
      }
    }
    if (end == at_) return fail(step.column.name, "a digit", at_);
    return wrong(step.column.name, {at_, static_cast<size_t>(end - at_)}, problem);
  }

  bool take_integer(const LineStep& step, size_t index, size_t row, CellWriter& rows) {
    const char* digit = at_;
    int64_t value = 0;
    bool too_large = false;
    for (; digit < end_ && is_digit(*digit); ++digit) {
      const int ones = *digit - '0';
      too_large = too_large || value > (std::numeric_limits<int64_t>::max() - ones) / 10;
      if (!too_large) value = value * 10 + ones;
    }
    if (digit == at_) return take_null(step) || not_a(step, index, "is not an integer");
    if (step.until.empty() ? digit != end_ && !step.before_path : !stands(step.until, digit)) {
      return not_a(step, index, "is not an integer");
    }
    if (too_large) return not_a(step, index, "does not fit in 64 bits");
    if (columns_[index] != kNoColumn) rows.integer(columns_[index], row, value);
    at_ = digit;
    return true;
  }

  bool take_number(const LineStep& step, size_t index, size_t row, CellWriter& rows) {
    if (at_ < end_ && !is_digit(*at_) && take_null(step)) return true;
    const char* end = at_;
    while (end < end_ && (is_digit(*end) || *end == '.')) ++end;
    const std::string_view text(at_, static_cast<size_t>(end - at_));
    const bool ended = step.until.empty() ? end == end_ : stands(step.until, end);
    if (text.empty() && ended) return true;
    if (step.column.shape == Shape::epoch) {
      int64_t micros = 0;
      if (!ended || read_epoch(text, 1'000'000, &micros) != text.size()) return not_a(step, index, "is not a time");
      if (columns_[index] != kNoColumn) rows.integer(columns_[index], row, micros);
      at_ = end;
      return true;
    }
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!ended || parsed.ec != std::errc() || parsed.ptr != end) return not_a(step, index, "is not a number");
    if (step.column.shape == Shape::millis) value /= 1e3;
    if (step.column.shape == Shape::micros) value /= 1e6;
    if (columns_[index] != kNoColumn) rows.real(columns_[index], row, value);
    at_ = end;
    return true;
  }

  bool take_bracket(char bracket, std::string_view words) {
    if (at_ >= end_ || *at_ != bracket) return fail("time", words, at_);
    ++at_;
    return true;
  }

  bool take_time(const LineStep& step, size_t index, size_t row, CellWriter& rows) {
    const Shape shape = step.column.shape;
    int64_t micros = 0;
    if (shape == Shape::iso_time) {
      const size_t size = read_iso_time({at_, left(at_)}, &micros);
      if (size == 0) return not_a(step, index, "is not a time");
      at_ += size;
    } else if (shape == Shape::time_piece) {
      size_t size = 0;
      if (!pieces_.read(step.column.time_format, {at_, left(at_)}, &size)) return not_a(step, index, "is not a time");
      at_ += size;
      return true;
    } else {
      if (shape == Shape::apache_time && !take_bracket('[', "'['")) return false;
      const std::string_view rest(at_, left(at_));
      size_t wrong_at = 0;
      if (const std::string_view expected = log_time_mismatch(rest, &wrong_at); !expected.empty()) {
        return fail("time", expected, at_ + wrong_at);
      }
      if (!clock_.read(rest.substr(0, kLogTimeSize), &micros)) {
        return wrong("time", rest.substr(0, kLogTimeSize), "is not a time");
      }
      at_ += kLogTimeSize;
      if (shape == Shape::apache_time && !take_bracket(']', "']'")) return false;
    }
    if (columns_[index] != kNoColumn) rows.integer(columns_[index], row, micros);
    return true;
  }

  // A text between quotes: ends at the first quote that is not escaped.
  bool find_quoted(const LineStep& step, const char** end, bool* plain) {
    const char* stop = skip_plain<false>(at_, readable_);
    *plain = true;
    while (stop < end_ && *stop != '"') {
      *plain = false;
      stop += *stop == '\\' ? 2 : 1;
      if (stop >= end_) break;
      stop = skip_plain<false>(stop, readable_);
    }
    if (stop >= end_) return fail(step.column.name, "'\"'", end_);
    *end = stop;
    return true;
  }

  bool find_unquoted(const LineStep& step, size_t index, const char** end, bool* plain) {
    const Shape shape = step.column.shape;
    if (shape == Shape::word || shape == Shape::ident) {
      const char* const stop = skip_plain<true>(at_, readable_);
      if (stop < end_ && *stop == ' ' && !step.until.empty() && step.until[0] == ' ') {
        *end = stop;
        *plain = true;
        return true;
      }
    }
    if (shape == Shape::list) {
      *end = end_of_list();
    } else {
      *end = end_of(step, index);
    }
    if (*end == nullptr)
      return fail(step.column.name, step.before_path ? std::string_view("'/'") : std::string_view(step.until_words),
                  end_);
    *plain = skip_plain<false>(at_, *end) == *end;
    if (shape == Shape::word || shape == Shape::ident) {
      if (const char* space = find(" ", at_); space != nullptr && space < *end) {
        return fail(step.column.name, step.until_words, space);
      }
    }
    return true;
  }

  // "a, b : c": what follows a comma, or a colon between spaces, belongs to it.
  [[nodiscard]] const char* end_of_list() const {
    const char* at = at_;
    for (;;) {
      while (at < end_ && *at != ' ' && *at != '"' && *at != ']') {
        // An IPv6 address has brackets of its own.
        if (*at == '[') at = std::find(at, end_, ']');
        if (at < end_) ++at;
      }
      if (at > at_ && at[-1] == ',' && at + 1 < end_) {
        ++at;
      } else if (stands(" : ", at)) {
        at += 3;
      } else {
        return at;
      }
    }
  }

  bool take_text(const LineStep& step, size_t index, size_t row, CellWriter& rows) {
    const char* end = at_;
    bool plain = false;
    if (!(step.quoted ? find_quoted(step, &end, &plain) : find_unquoted(step, index, &end, &plain))) return false;
    const std::string_view text(at_, static_cast<size_t>(end - at_));
    at_ = end;
    switch (step.column.shape) {
      case Shape::ident:
        return check_ident(text);
      case Shape::user:
        return take_user(step, index, text, plain, row, rows);
      case Shape::request:
        put_request(request_, text, plain, format_.escape, row, rows);
        return true;
      case Shape::word:
      case Shape::list:
        if (text.empty() && !step.quoted && step.column.name == "remote_addr")
          return fail("remote_addr", "an address", at_);
        break;
      default:
        break;
    }
    put(columns_[index], row, text, plain, rows);
    return true;
  }

  void put(size_t column, size_t row, std::string_view text, bool plain, CellWriter& rows) const {
    if (column == kNoColumn || (text.size() == 1 && text[0] == '-')) return;
    if (text.empty() && format_.escape != Escape::server) return;
    rows.text(column, row, text, plain, format_.escape);
  }

  // As in docs/formats/web-log.md §4, rule 2: a word too many in front must not slide the address into the user.
  bool check_ident(std::string_view ident) {
    if (ident == "-") return true;
    const bool address = ident.find(':') != std::string_view::npos ||
                         std::all_of(ident.begin(), ident.end(), [](char c) { return is_digit(c) || c == '.'; });
    if (address) return fail("", "'-'", at_ - ident.size());
    odd_ident_ = ident.data();
    return true;
  }

  bool take_user(const LineStep& step, size_t index, std::string_view user, bool plain, size_t row, CellWriter& rows) {
    if (!step.quoted && format_.escape == Escape::server) {
      if (user == "\"\"") {
        user = user.substr(1, 0);
        plain = true;
      } else if (!plain) {
        for (size_t i = 0; i < user.size(); i += user[i] == '\\' ? 2 : 1) {
          if (user[i] == '"') return fail(step.column.name, step.until_words, user.data() + i);
        }
      }
      if (odd_ident_ != nullptr && user.find(' ') != std::string_view::npos) return fail("", "'-'", odd_ident_);
      if (user.size() > 1 && user.find_first_not_of("- ") == std::string_view::npos) {
        return fail(step.column.name, step.until_words, user.data() + std::min<size_t>(2, user.size() - 1));
      }
    }
    put(columns_[index], row, user, plain, rows);
    return true;
  }

  const LineFormat& format_;
  std::vector<size_t> columns_;  // of each step
  RequestColumns request_;
  size_t time_ = kNoColumn;
  LogClock clock_;
  TimePieces pieces_;
  std::string expected_;
  const char* begin_ = nullptr;     // of the line
  const char* at_ = nullptr;        // what is before it is parsed
  const char* end_ = nullptr;       // of the line
  const char* readable_ = nullptr;  // end of what may be read
  const char* odd_ident_ = nullptr;
};

}  // namespace

std::unique_ptr<LineReader> LineFormat::reader(const Schema& schema) const {
  return std::make_unique<ProgramReader>(*this, schema);
}

}  // namespace leat
