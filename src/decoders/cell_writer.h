#pragma once

// Puts what a line holds into a batch whose arena is the chunk's bytes. Text that has to be decoded is gathered apart
// and joins the arena at the end, so that views into the arena hold until then. Made for one chunk; one thread.

#include <optional>
#include <string>
#include <string_view>

#include "data/record_batch.h"
#include "decoders/log_text.h"

namespace leat {

class CellWriter {
 public:
  explicit CellWriter(RecordBatch& batch)
      : batch_(batch), begin_(batch.arena.data()), size_(batch.arena.size()), raw_(batch.schema().find("raw_log")) {}

  // Adds a row for `record`, a view into the arena; `start`: offset of the arena in its part.
  size_t begin(std::string_view record, uint64_t start, uint64_t line) {
    const auto offset = static_cast<size_t>(record.data() - begin_);
    const uint64_t raw = pack_text(offset, record.size());
    const size_t row = batch_.add_row({start + offset, line, raw});
    if (raw_) batch_.set(*raw_, row, raw);
    decoded_before_ = decoded_.size();
    return row;
  }
  // Takes the row of the last begin() back.
  void drop() {
    batch_.drop_last_row();
    decoded_.resize(decoded_before_);
  }

  void integer(size_t column, size_t row, int64_t value) { batch_.set_integer(column, row, value); }
  void real(size_t column, size_t row, double value) { batch_.set_real(column, row, value); }
  // A view into the arena. `plain`: it is what it means.
  void text(size_t column, size_t row, std::string_view logged, bool plain, Escape escape = Escape::server) {
    if (plain) {
      batch_.set_text(column, row, static_cast<size_t>(logged.data() - begin_), logged.size());
      return;
    }
    const size_t before = decoded_.size();
    decode_log_text(logged, escape, decoded_);
    batch_.set_text(column, row, size_ + before, decoded_.size() - before);
  }
  // Any text; it is copied, and decoded as `escape` says.
  void copied(size_t column, size_t row, std::string_view logged, Escape escape) {
    text(column, row, logged, false, escape);
  }

  // After the last row.
  void finish() { batch_.arena.append(decoded_); }

 private:
  RecordBatch& batch_;
  const char* begin_;
  size_t size_;
  std::optional<size_t> raw_;
  std::string decoded_;
  size_t decoded_before_ = 0;
};

}  // namespace leat
