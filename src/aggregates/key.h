#pragma once

// A key of an aggregate: how a row's cell becomes the key's cell, and how that is shown. Calendar keys are kept as the
// number of the local day, hour, minute or month and become text only when asked for; text is kept as a place in an
// arena. One thread (the aggregate's).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "data/record_batch.h"
#include "lookup/browser_cache.h"
#include "lookup/time_zone.h"

namespace leat {

// A cell as in data/record_batch.h; `bits` is 0 when null, and 0.0 for -0.0, so that equal values have equal bits.
struct KeyCell {
  uint64_t bits = 0;
  bool null = true;
};

// What stands in `column` of a row as SQL sees it: a real that is not a number is NULL, -0.0 is 0.0.
KeyCell cell_of(const RecordBatch& batch, size_t column, Type type, size_t row);

inline bool is_text(Type type) {
  return type == Type::text || type == Type::json;
}

// Where the text of a batch's keys stands: what was made while they were evaluated comes after the batch's own.
struct Texts {
  std::string_view batch;
  std::string_view made;
  [[nodiscard]] std::string_view of(uint64_t bits) const {
    const size_t at = text_offset(bits);
    return at < batch.size() ? batch.substr(at, text_length(bits)) : made.substr(at - batch.size(), text_length(bits));
  }
};

// Numbers of local days, hours and minutes count from 1970-01-01 00:00, months from 1970-01.
enum class KeyFunction : uint8_t { column, day, hour, minute, month, path, browser, referrer };

class Key {
 public:
  Key(KeyFunction function, size_t input, Type type, TimeZone zone, uint64_t seed);

  // Its cells are places of text.
  [[nodiscard]] bool text() const { return is_text(type_) && function_ != KeyFunction::browser; }

  // Writes the cells of `count` rows from `first` on into out[0], out[stride], … Text is a place in Texts of the
  // batch's arena and `made`, to which is added what does not stand in the arena.
  void evaluate(const RecordBatch& batch, size_t first, size_t count, KeyCell* out, size_t stride, std::string& made);

  // Its cells are numbers that are shown as text: shown_text().
  [[nodiscard]] bool shown_as_text() const { return is_calendar() || function_ == KeyFunction::browser; }
  // "2025-03-30 02" of an hour's number, "Firefox" of a browser's; valid until forget().
  [[nodiscard]] std::string_view shown_text(int64_t number) const;
  void forget() { shown_.clear(); }

 private:
  [[nodiscard]] bool is_calendar() const { return type_ == Type::time && function_ != KeyFunction::column; }
  [[nodiscard]] int64_t local_seconds(int64_t micros);

  KeyFunction function_;
  size_t input_;
  Type type_;  // of the input
  TimeZone zone_;
  uint64_t seed_;
  std::unique_ptr<BrowserCache> browsers_;  // made when it is first needed
  mutable std::unordered_map<int64_t, std::string> shown_;
};

}  // namespace leat
