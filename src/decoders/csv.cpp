#include "decoders/csv.h"

#include <fmt/format.h>

#include <mutex>

#include "base/text.h"
#include "decoders/csv_columns.h"
#include "decoders/csv_cutter.h"
#include "decoders/line_cutter.h"
#include "decoders/typed_cell.h"

namespace leat {
namespace {

// Where the fields of a file's records go.
struct CsvLayout {
  struct Target {
    std::optional<size_t> column;  // of the batch; none: not taken
    Type type = Type::text;
  };
  std::string context;
  SchemaPtr schema;
  std::vector<Target> targets;     // of each field
  std::vector<std::string> names;  // the same, for messages
};
using CsvLayoutPtr = std::shared_ptr<const CsvLayout>;

// The records of one chunk.
class CsvRows {
 public:
  CsvRows(const CsvOptions& options, const CsvLayout& layout, const Chunk& chunk, RecordBatch& batch, Rejects& rejects)
      : options_(options),
        layout_(layout),
        chunk_(chunk),
        batch_(batch),
        rejects_(rejects),
        arena_bytes_(batch.arena.size()),
        clean_(is_utf8(batch.arena) && batch.arena.find('\0') == std::string::npos),
        raw_(options.raw ? batch.schema().find("raw_log") : std::nullopt),
        number_(options.row_number.empty() ? std::nullopt : batch.schema().find(options.row_number)) {}

  // `base`: of the reader's text in the arena. `rows`: records before it in its file.
  void take(CsvReader& reader, size_t base, uint64_t rows) {
    while (reader.next()) {
      ++rows;
      if (reader.trouble() != CsvTrouble::none) {
        reject(reader, base, reader.trouble_field(), trouble_in_words(reader));
        continue;
      }
      const std::vector<CsvField>& fields = reader.fields();
      if (fields.size() != layout_.targets.size()) {
        reject(reader, base, fields.size(),
               fmt::format("{} field{} expected, found {}", layout_.targets.size(),
                           layout_.targets.size() == 1 ? "" : "s", fields.size()));
        continue;
      }
      const uint64_t raw = pack_text(base + reader.begin(), reader.record().size());
      const size_t row = batch_.add_row({chunk_.start + base + reader.begin(), chunk_.first_line + reader.line(), raw});
      const size_t unescaped_before = unescaped_.size();
      for (size_t i = 0; i < fields.size(); ++i) {
        if (put(reader, base, fields[i], layout_.targets[i], row)) continue;
        batch_.drop_last_row();
        reject(reader, base, i, cell_mismatch(layout_.targets[i].type, value_of(reader, fields[i])));
        unescaped_.resize(unescaped_before);
        break;
      }
      if (batch_.rows() == row) continue;
      if (number_) batch_.set_integer(*number_, row, static_cast<int64_t>(rows));
      if (raw_) batch_.set(*raw_, row, raw);
    }
  }

  // After the last record: views into the arena held until now.
  void finish() { batch_.arena.append(unescaped_); }

 private:
  // False: the value does not fit.
  bool put(const CsvReader& reader, size_t base, const CsvField& field, const CsvLayout::Target& target, size_t row) {
    if (!target.column) return true;
    if (field.size == 0 && (target.type != Type::text || !(field.quoted || options_.null))) return true;
    if (options_.null && !field.quoted && reader.written(field) == *options_.null) return true;
    std::string_view text = reader.written(field);
    uint64_t cell = pack_text(base + field.begin, field.size);
    if (field.doubled) {
      const size_t before = unescaped_.size();
      reader.unescape(field, unescaped_);
      text = std::string_view(unescaped_).substr(before);
      cell = pack_text(arena_bytes_ + before, text.size());
    }
    if (target.type != Type::text || !clean_) {
      if (!parse_cell(target.type, text, &cell)) return false;
    }
    batch_.set(*target.column, row, cell);
    return true;
  }

  std::string_view value_of(const CsvReader& reader, const CsvField& field) {
    value_.clear();
    reader.unescape(field, value_);
    return value_;
  }

  [[nodiscard]] std::string trouble_in_words(const CsvReader& reader) const {
    if (reader.trouble() == CsvTrouble::not_closed) return "the quote that opens this field is not closed";
    const char delimiter = options_.dialect.delimiter;
    return fmt::format("expected {} or the end of the record behind the closing quote, found {}",
                       quoted({&delimiter, 1}),
                       quoted(reader.record().substr(reader.trouble_at() - reader.begin()), 20));
  }

  // `field`: that does not fit; one behind the last: none of them.
  void reject(const CsvReader& reader, size_t base, size_t field, std::string reason) {
    const std::string_view column = field < layout_.names.size() && field < reader.fields().size()
                                        ? std::string_view(layout_.names[field])
                                        : std::string_view();
    rejects_.push_back(make_reject(batch_.part, batch_.origin, chunk_.start + base + reader.begin(),
                                   chunk_.first_line + reader.line(), column, std::move(reason), reader.record()));
  }

  const CsvOptions& options_;
  const CsvLayout& layout_;
  const Chunk& chunk_;
  RecordBatch& batch_;
  Rejects& rejects_;
  const size_t arena_bytes_;
  const bool clean_;  // all of the arena is what text may be
  const std::optional<size_t> raw_;
  const std::optional<size_t> number_;
  std::string unescaped_;  // fields with doubled quotes
  std::string value_;
};

class CsvDecoder final : public Decoder {
 public:
  CsvDecoder(CsvOptions options, Note note)
      : columns_(std::make_shared<CsvColumns>(std::move(options), std::move(note))) {}

  [[nodiscard]] SchemaPtr schema() const override { return columns_->schema(); }
  [[nodiscard]] std::string save_schema() const override { return columns_->save(); }
  Status restore_schema(std::string_view saved) override { return columns_->restore(saved); }
  [[nodiscard]] std::unique_ptr<Cutter> make_cutter(const std::string& origin) override {
    return make_csv_cutter(columns_, origin);
  }

  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    batch.part = chunk.end.part;
    batch.origin = chunk.end.origin;
    batch.provisional = chunk.provisional;
    batch.arena = std::move(chunk.bytes);
    if (chunk.truncated) {
      reject_truncated(chunk, "record", batch, rejects);
      return;
    }
    const CsvOptions& options = columns_->options();
    const bool begins = chunk.start == chunk.base;
    const size_t base = begins ? byte_order_mark(batch.arena) : 0;
    CsvReader reader(std::string_view(batch.arena).substr(base), options.dialect);
    if (begins && options.header && !reader.next()) return;
    const CsvLayoutPtr layout = layout_of(chunk, batch.schema_ptr(), reader);
    const uint64_t rows = begins ? 0 : CsvContext::parse(chunk.context).value_or(CsvContext{}).rows;
    CsvRows taking(options, *layout, chunk, batch, rejects);
    taking.take(reader, base, rows);
    taking.finish();
  }

 private:
  // `reader` stands at the header of a chunk that begins a file with one.
  CsvLayoutPtr layout_of(const Chunk& chunk, const SchemaPtr& schema, const CsvReader& reader) {
    const CsvOptions& options = columns_->options();
    std::string names;
    if (options.header) {
      if (chunk.start == chunk.base) {
        names = join_names(columns_->header_names(reader));
      } else if (const size_t at = chunk.context.find("header="); at != std::string::npos) {
        names = chunk.context.substr(at);
      }
    }
    const std::lock_guard lock(mutex_);
    if (layout_ && layout_->context == names && layout_->schema == schema) return layout_;
    auto layout = std::make_shared<CsvLayout>();
    layout->context = names;
    layout->schema = schema;
    if (options.header) {
      layout->names = chunk.start == chunk.base ? columns_->header_names(reader)
                                                : CsvContext::parse(chunk.context).value_or(CsvContext{}).names;
    } else {
      for (const ColumnOption& column : options.columns) layout->names.push_back(column.name);
    }
    for (std::string& name : layout->names) {
      const std::optional<size_t> column = columns_->find(name, *schema);
      layout->targets.push_back({column, column ? schema->fields[*column].type : Type::text});
      if (column) name = schema->fields[*column].name;
    }
    layout_ = layout;
    return layout_;
  }

  const std::shared_ptr<CsvColumns> columns_;
  std::mutex mutex_;     // guards layout_
  CsvLayoutPtr layout_;  // of the last chunk: files mostly have the same columns
};

}  // namespace

std::unique_ptr<Decoder> make_csv_decoder(CsvOptions options, Note note) {
  return std::make_unique<CsvDecoder>(std::move(options), std::move(note));
}

}  // namespace leat
