#include "decoders/xml.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "decoders/columns.h"
#include "decoders/line_cutter.h"
#include "decoders/typed_cell.h"
#include "decoders/xml_cutter.h"
#include "decoders/xml_document.h"
#include "decoders/xml_shape.h"

namespace leat {
namespace {

// Puts the values of a record into a row of a batch whose arena is the chunk's bytes. Text that has to be decoded is
// gathered apart and joins the arena at the end, so that views into the arena hold until then.
class XmlCells final : public XmlValues {
 public:
  XmlCells(const XmlPlan& plan, const XmlDocument& document, RecordBatch& batch)
      : plan_(plan),
        document_(document),
        batch_(batch),
        begin_(batch.arena.data()),
        size_(batch.arena.size()),
        raw_(batch.schema().find("raw_log")),
        seen_(plan.columns.size()),
        held_(plan.columns.size()) {
    // A plan that has grown meanwhile has columns behind those of the batch.
    const std::vector<Field>& fields = batch.schema().fields;
    while (columns_ < plan.columns.size() && columns_ < fields.size() &&
           fields[columns_].name == plan.columns[columns_].name) {
      ++columns_;
    }
    if (raw_ && *raw_ < columns_) raw_.reset();
  }

  // Before a record.
  void begin() {
    if (document_.changes() != outer_changes_) take_outer();
    decoded_before_ = decoded_.size();
    cells_.clear();
    trouble_.clear();
    ++serial_;
    for (const OuterCell& outer : outer_) {
      if (!outer.trouble.empty()) {
        refuse(outer.column, outer.trouble);
      } else if (!outer.null) {
        cells_.emplace_back(outer.column, outer.cell);
      }
    }
  }

  // Behind it: adds its row, or says why there is none. `record` lies in the arena and begins at `offset` of the part.
  const std::string& end(std::string_view record, uint64_t offset, uint64_t line) {
    for (const uint32_t column : touched_) {
      XmlHeld& held = held_[column];
      uint64_t cell = 0;
      std::string trouble = std::move(held.trouble);
      if (!trouble.empty() || (!held.null && !make_cell(column, held.text, &cell, &trouble))) {
        refuse(column, trouble);
      } else if (!held.null) {
        cells_.emplace_back(column, cell);
      }
      held = {};
    }
    touched_.clear();
    if (!trouble_.empty()) {
      decoded_.resize(decoded_before_);
      return trouble_;
    }
    const uint64_t raw = pack_text(static_cast<size_t>(record.data() - begin_), record.size());
    const size_t row = batch_.add_row({offset, line, raw});
    for (const auto& [column, cell] : cells_) batch_.set(column, row, cell);
    if (raw_) batch_.set(*raw_, row, raw);
    return trouble_;
  }
  [[nodiscard]] const std::string& troubled_column() const { return plan_.columns[troubled_].name; }

  // After the last row.
  void finish() { batch_.arena.append(decoded_); }

  void attribute(uint32_t column, std::string_view raw) override {
    if (!direct(column)) {
      if (column < columns_) hold_xml(plan_.columns[column], document_.encoding(), raw, touch(column));
      return;
    }
    std::string trouble;
    std::string_view text;
    const size_t before = decoded_.size();
    if (!xml_attribute_text(raw, document_.encoding(), decoded_, &text, &trouble)) return refuse(column, trouble);
    put(column, text, before);
  }

  void element(uint32_t column, const XmlElement& element) override {
    // Inferred of records that are text: those that have elements have columns for these.
    if (element.nested && plan_.columns[column].flat && plan_.columns[column].path == ".") return;
    if (!direct(column) || (element.nested && plan_.columns[column].flat)) {
      if (column < columns_) hold_xml(plan_.columns[column], document_.encoding(), element, touch(column));
      return;
    }
    std::string trouble;
    std::string_view text;
    const size_t before = decoded_.size();
    if (!xml_element_text(element, document_.encoding(), decoded_, &text, &trouble)) return refuse(column, trouble);
    put(column, text, before);
  }

 private:
  struct OuterCell {
    uint32_t column = 0;
    bool null = true;
    uint64_t cell = 0;
    std::string trouble;
  };

  // The first value of a column in this record, which becomes the cell as it is.
  bool direct(uint32_t column) {
    const XmlColumn& wanted = plan_.columns[column];
    if (column >= columns_ || wanted.type == Type::json) return false;
    if (wanted.repeated != XmlRepeated::refuse && wanted.repeated != XmlRepeated::first) return false;
    if (seen_[column] == serial_) {
      held_[column].count = 1;
      return false;
    }
    seen_[column] = serial_;
    return true;
  }

  XmlHeld& touch(uint32_t column) {
    if (std::find(touched_.begin(), touched_.end(), column) == touched_.end()) touched_.push_back(column);
    return held_[column];
  }

  void refuse(uint32_t column, const std::string& trouble) {
    if (!trouble_.empty()) return;
    troubled_ = column;
    trouble_ = trouble;
  }

  void put(uint32_t column, std::string_view text, size_t decoded_before) {
    if (is_xml_null(text)) return;
    const Type type = plan_.columns[column].type;
    uint64_t cell = 0;
    if (type == Type::text) {
      const bool inside = decoded_.size() == decoded_before;
      cell = pack_text(inside ? static_cast<size_t>(text.data() - begin_) : size_ + decoded_before, text.size());
    } else if (!parse_cell(type, text, &cell)) {
      return refuse(column, cell_mismatch(type, text));
    } else {
      decoded_.resize(decoded_before);
    }
    cells_.emplace_back(column, cell);
  }

  bool make_cell(uint32_t column, const std::string& text, uint64_t* cell, std::string* trouble) {
    const Type type = plan_.columns[column].type;
    if (type == Type::text || type == Type::json) {
      const size_t before = decoded_.size();
      decoded_ += text;
      if (plan_.columns[column].repeated == XmlRepeated::json) decoded_ += ']';
      *cell = pack_text(size_ + before, decoded_.size() - before);
      return true;
    }
    if (parse_cell(type, text, cell)) return true;
    *trouble = cell_mismatch(type, text);
    return false;
  }

  // The cells that the records get from around them, made anew when the document has gone on.
  void take_outer() {
    outer_changes_ = document_.changes();
    outer_.clear();
    for (size_t i = 0; i < plan_.paths.outer.size(); ++i) {
      const XmlHeld& held = document_.outer()[i];
      OuterCell& outer = outer_.emplace_back();
      outer.column = plan_.paths.outer[i].first;
      outer.trouble = held.trouble;
      outer.null = held.null || outer.column >= columns_;
      if (!outer.null && outer.trouble.empty()) make_cell(outer.column, held.text, &outer.cell, &outer.trouble);
    }
  }

  const XmlPlan& plan_;
  const XmlDocument& document_;
  RecordBatch& batch_;
  const char* begin_;
  size_t size_;
  std::optional<size_t> raw_;
  size_t columns_ = 0;
  std::string decoded_;
  size_t decoded_before_ = 0;
  std::vector<std::pair<size_t, uint64_t>> cells_;  // of the record
  uint64_t serial_ = 0;
  std::vector<uint64_t> seen_;  // in which record a column last was
  std::vector<XmlHeld> held_;
  std::vector<uint32_t> touched_;  // columns that hold something
  std::vector<OuterCell> outer_;
  uint64_t outer_changes_ = 0;
  std::string trouble_;
  uint32_t troubled_ = 0;
};

class XmlDecoder final : public Decoder {
 public:
  explicit XmlDecoder(XmlOptions options) : shared_(std::make_shared<XmlShared>(std::move(options))) {}

  SchemaPtr schema() const override { return shared_->plan()->schema; }

  std::string save_schema() const override {
    const XmlPlanPtr plan = shared_->plan();
    return shared_->infers() && plan->schema ? save_xml_columns(plan->columns) : std::string();
  }

  Status restore_schema(std::string_view saved) override {
    if (!shared_->infers()) return {};  // the columns are named now
    std::vector<XmlColumn> columns;
    if (!restore_xml_columns(saved, &columns)) {
      return filled_from_another_format("xml", saved);
    }
    return shared_->widen(std::move(columns));
  }

  std::unique_ptr<Cutter> make_cutter(const std::string& origin) override { return make_xml_cutter(shared_, origin); }

  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    batch.part = chunk.end.part;
    batch.origin = chunk.end.origin;
    batch.provisional = chunk.provisional;
    batch.arena = std::move(chunk.bytes);
    if (chunk.truncated) return reject_truncated(chunk, "record", batch, rejects);
    const XmlPlanPtr plan = shared_->plan();
    XmlDocument document(plan);
    const char* const begin = batch.arena.data();
    const char* const limit = begin + batch.arena.size();
    if (const Status restored = restore_xml_document(chunk.context, document); !restored.ok()) {
      rejects.push_back(
          make_reject(batch.part, batch.origin, chunk.start, chunk.first_line, "", restored.message(), batch.arena));
      return;
    }
    XmlCells cells(*plan, document, batch);
    XmlElementReader reader;
    const char* counted = begin;
    uint64_t line = chunk.first_line;
    for (const char* at = begin; document.next(at, limit) == XmlDocument::What::record;) {
      line += count_newlines({counted, static_cast<size_t>(at - counted)});
      counted = at;
      const char* const record = at;
      const uint64_t offset = chunk.start + static_cast<uint64_t>(record - begin);
      cells.begin();
      at = reader.read(record, limit, static_cast<uint32_t>(document.depth()), plan->paths, plan->paths.record(),
                       document.scopes(), cells);
      const std::string_view raw(record, static_cast<size_t>(at - record));
      if (const std::string& trouble = cells.end(raw, offset, line); !trouble.empty()) {
        rejects.push_back(make_reject(batch.part, batch.origin, offset, line, cells.troubled_column(), trouble, raw));
      }
      document.record_done();
    }
    cells.finish();
  }

 private:
  std::shared_ptr<XmlShared> shared_;
};

}  // namespace

std::string trouble_with_xml_paths(const XmlOptions& options, size_t* wrong) {
  const auto paths = XmlPaths::compile(options.record, options.columns, options.namespaces, wrong);
  return paths.ok() ? std::string() : paths.status().message();
}

Result<std::unique_ptr<Decoder>> make_xml_decoder(XmlOptions options) {
  size_t wrong = 0;
  if (std::string trouble = trouble_with_xml_paths(options, &wrong); !trouble.empty()) {
    return Status::bad_config(std::move(trouble));
  }
  return std::unique_ptr<Decoder>(std::make_unique<XmlDecoder>(std::move(options)));
}

}  // namespace leat
