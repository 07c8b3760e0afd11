#pragma once

// One record of JSON becomes one row (docs/formats/json.md §3 and §5). Made for one chunk; one thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/record_batch.h"
#include "decoders/json_cursor.h"
#include "decoders/json_layout.h"

namespace leat {

class JsonReader {
 public:
  // `batch` begins with the columns of layout.schema; its arena is the chunk's bytes. Both outlive the reader.
  JsonReader(const JsonLayout& layout, RecordBatch& batch);

  // `text`: a view into the arena, from the first byte of a record on; what follows it may be in it as well. `is_line`:
  // the record is the text up to its first newline, else a value. How many bytes the record has (without the end of a
  // line); nothing: it is a reject, see column() and reason(), and there is no row.
  std::optional<size_t> read(std::string_view text, bool is_line, uint64_t offset, uint64_t line);
  [[nodiscard]] std::string_view column() const { return column_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

  // What the columns of the ancestors hold from the next record on: JSON text for each of layout.ancestors, empty: the
  // member was not there.
  void set_ancestors(const std::vector<std::string>& values);
  // After the last record: text that was decoded joins the arena.
  void finish() { batch_.arena.append(decoded_); }

 private:
  struct AncestorCell {
    uint64_t cell = 0;
    bool valid = false;
    std::string reason;  // not empty: it does not fit its column
  };

  bool take_record(JsonCursor& in);
  bool take_object(JsonCursor& in, const JsonNode& node);
  bool take_array(JsonCursor& in, const JsonNode& node);
  bool take_key(JsonCursor& in, const JsonNode& node, const JsonNode*& expected, const JsonNode** child);
  bool take_value(JsonCursor& in, const JsonNode& node);
  // A value that is no container. `copy`: it is no view into the arena. Of null `*valid` is false.
  bool take_scalar(JsonCursor& in, size_t column, Type type, bool copy, uint64_t* cell, bool* valid);
  bool take_string(JsonCursor& in, size_t column, Type type, bool copy, uint64_t* cell);
  bool fit_number(size_t column, const JsonNumber& number, bool copy, uint64_t* cell);
  bool misfit(size_t column, std::string reason);
  bool no_member();
  bool misfit_container(size_t column, std::string_view text);
  void put_rest();

  [[nodiscard]] uint64_t place(std::string_view text, bool copy) {
    return copy ? decoded(text) : pack_text(static_cast<size_t>(text.data() - begin_), text.size());
  }
  uint64_t decoded(std::string_view text);

  const JsonLayout& layout_;
  const std::vector<Field>& fields_;
  RecordBatch& batch_;
  const std::optional<size_t> raw_;  // the column raw_log
  const char* const begin_;          // of the arena
  const size_t size_;
  std::string decoded_;  // stands behind the arena at the end
  std::string text_;     // of the name or value that is being read
  size_t row_ = 0;
  uint64_t record_ = 0;
  std::vector<uint64_t> seen_;          // by node: the record that had it last
  std::vector<std::string_view> rest_;  // members of the record that no column takes
  std::vector<AncestorCell> ancestors_;
  std::string_view column_;
  std::string reason_;
};

}  // namespace leat
