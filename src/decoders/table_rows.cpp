#include "decoders/table_rows.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <mutex>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "data/row_line.h"
#include "decoders/line_cutter.h"
#include "decoders/typed_cell.h"

namespace leat {
namespace {

// The columns: told to the reader's cutter, asked for by all threads.
class Columns {
 public:
  [[nodiscard]] SchemaPtr get() const {
    const std::lock_guard lock(mutex_);
    return schema_;
  }
  // False: they are the same as before.
  bool set(Schema schema) {
    const std::lock_guard lock(mutex_);
    if (schema_ && *schema_ == schema) return false;
    schema_ = std::make_shared<const Schema>(std::move(schema));
    return true;
  }

 private:
  mutable std::mutex mutex_;
  SchemaPtr schema_;
};

class TableRowsCutter final : public Cutter {
 public:
  TableRowsCutter(Columns& columns, std::string origin) : columns_(columns), origin_(std::move(origin)) {}

  Result<Cut> whole(std::string_view bytes, const CutRule& rule) override { return cut_lines(bytes, rule); }
  Result<std::optional<size_t>> skip(std::string_view bytes) override { return skip_line(bytes); }
  [[nodiscard]] std::string save() const override { return {}; }
  Status restore(std::string_view saved) override {
    LEAT_ASSIGN(Schema schema, schema_of(saved));
    const size_t count = schema.fields.size();
    if (!columns_.set(std::move(schema))) return {};
    return Status::retry(fmt::format("{}: has {} {}", visible(origin_, 1000), count, count == 1 ? "column" : "columns"))
        .with_retry_after_ms(0);
  }

 private:
  Columns& columns_;
  std::string origin_;
};

class TableRowsDecoder final : public Decoder {
 public:
  [[nodiscard]] SchemaPtr schema() const override { return columns_.get(); }
  [[nodiscard]] std::string save_schema() const override { return line_of(*columns_.get()); }
  Status restore_schema(std::string_view saved) override {
    LEAT_ASSIGN(Schema schema, schema_of(saved));
    columns_.set(std::move(schema));
    return {};
  }
  [[nodiscard]] std::unique_ptr<Cutter> make_cutter(const std::string& origin) override {
    return std::make_unique<TableRowsCutter>(columns_, origin);
  }

  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    batch.part = chunk.end.part;
    batch.origin = chunk.end.origin;
    batch.provisional = chunk.provisional;
    batch.arena = std::move(chunk.bytes);
    const std::string_view bytes = batch.arena;
    Texts texts{bytes, is_utf8(bytes) && bytes.find('\0') == std::string_view::npos, {}};
    for (size_t at = 0; at < bytes.size();) {
      std::string_view line;
      const size_t begin = at;
      at += next_line(bytes.substr(at), line);
      std::string_view rest = line;
      const auto number = parse_integer(take_cell(rest));
      const auto origin = static_cast<uint64_t>(number.value_or(0));
      const size_t row = batch.add_row({origin, origin, pack_text(begin, line.size())});
      std::string reason;
      const size_t wrong = fill(rest, texts, row, batch, reason);
      if (wrong == batch.schema().fields.size()) continue;
      batch.drop_last_row();
      rejects.push_back(make_reject(batch.part, batch.origin, origin, origin, batch.schema().fields[wrong].name,
                                    std::move(reason), line));
    }
    batch.arena.append(texts.meant);
  }

 private:
  struct Texts {
    std::string_view arena;
    bool clean;         // all of it UTF-8 without NUL
    std::string meant;  // of cells with escapes: joins the arena at the end
  };

  // The index of the first column whose cell does not fit; as many as there are when all do.
  static size_t fill(std::string_view rest, Texts& texts, size_t row, RecordBatch& batch, std::string& reason) {
    const std::vector<Field>& fields = batch.schema().fields;
    for (size_t c = 0; c < fields.size(); ++c) {
      const Field& field = fields[c];
      std::string_view text = take_cell(rest);
      if (text == kNullCell) continue;
      uint64_t cell = pack_text(static_cast<size_t>(text.data() - texts.arena.data()), text.size());
      std::string meant;
      if (text.find('\\') != std::string_view::npos) {
        append_meaning(meant, text);
        text = meant;
        cell = pack_text(texts.arena.size() + texts.meant.size(), text.size());
      }
      const bool as_it_is = field.bytes || (field.type == Type::text && texts.clean);
      if (!as_it_is && !parse_stored(field, text, &cell)) {
        reason = cell_mismatch(field.type, text);
        return c;
      }
      texts.meant += meant;
      batch.set(c, row, cell);
    }
    return fields.size();
  }

  Columns columns_;
};

}  // namespace

bool parse_stored(const Field& field, std::string_view text, uint64_t* cell) {
  if (field.type == Type::real) {
    double value = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, value);
    *cell = std::bit_cast<uint64_t>(value);
    return error == std::errc() && stop == end;
  }
  if (field.type == Type::time) {
    int64_t micros = 0;
    if (parse_time(text.data(), text.size(), &micros)) {
      *cell = static_cast<uint64_t>(micros);
      return true;
    }
  }
  return parse_cell(field.type, text, cell);
}

std::unique_ptr<Decoder> make_table_rows_decoder() {
  return std::make_unique<TableRowsDecoder>();
}

}  // namespace leat
