#include "decoders/parent.h"

#include <mutex>

#include "data/row_line.h"
#include "decoders/table_rows.h"

namespace leat {
namespace {

class ParentDecoder final : public Decoder {
 public:
  ParentDecoder(std::unique_ptr<Decoder> inner, SchemaPtr columns)
      : inner_(std::move(inner)), columns_(std::move(columns)) {}

  SchemaPtr schema() const override {
    SchemaPtr inner = inner_->schema();
    if (!inner) return nullptr;
    const std::lock_guard lock(mutex_);
    if (inner != inner_schema_) {
      Schema with = *inner;
      const bool raw = !with.fields.empty() && with.fields.back().name == "raw_log";
      for (const Field& field : columns_->fields) {
        if (!inner->find(field.name)) with.fields.insert(with.fields.end() - (raw ? 1 : 0), field);
      }
      schema_ = std::make_shared<const Schema>(std::move(with));
      inner_schema_ = std::move(inner);
    }
    return schema_;
  }

  std::string save_schema() const override { return inner_->save_schema(); }
  Status restore_schema(std::string_view saved) override { return inner_->restore_schema(saved); }
  std::unique_ptr<Cutter> make_cutter(const std::string& origin) override { return inner_->make_cutter(origin); }

  // The inner decoder finds its columns in the wider schema, where they have the same places.
  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    const std::string parent = std::move(chunk.parent);
    inner_->decode(std::move(chunk), batch, rejects);
    const SchemaPtr own = inner_->schema();
    std::string_view rest = parent;
    for (const Field& field : columns_->fields) {
      const std::string_view text = take_cell(rest);
      const auto column = batch.schema().find(field.name);
      if (text == kNullCell || !column || own->find(field.name)) continue;
      std::string meant;
      append_meaning(meant, text);
      uint64_t cell = pack_text(batch.arena.size(), meant.size());
      // A cell of SQLite can be anything; what does not fit stays NULL.
      if (!parse_stored(field, meant, &cell)) continue;
      batch.arena += meant;
      for (size_t row = 0; row < batch.rows(); ++row) batch.set(*column, row, cell);
    }
  }

 private:
  const std::unique_ptr<Decoder> inner_;
  const SchemaPtr columns_;
  mutable std::mutex mutex_;  // guards the next two
  mutable SchemaPtr inner_schema_;
  mutable SchemaPtr schema_;
};

}  // namespace

std::unique_ptr<Decoder> with_parent(std::unique_ptr<Decoder> inner, SchemaPtr columns) {
  return std::make_unique<ParentDecoder>(std::move(inner), std::move(columns));
}

}  // namespace leat
