#include "aggregates/computed.h"

#include "aggregates/key.h"

namespace leat {
namespace {

SchemaPtr schema_of(const std::vector<std::shared_ptr<const BoundExpression>>& expressions) {
  auto schema = std::make_shared<Schema>();
  for (const auto& expression : expressions) schema->fields.push_back({.name = "", .type = expression->type()});
  return schema;
}

}  // namespace

Computed::Computed(const std::vector<std::shared_ptr<const BoundExpression>>& expressions)
    : columns_(schema_of(expressions)) {
  for (const auto& expression : expressions) evaluations_.push_back(std::make_unique<Evaluation>(expression));
}

void Computed::evaluate(const RecordBatch& batch, size_t first, size_t count) {
  if (evaluations_.empty()) return;
  while (columns_.rows() < batch.rows()) columns_.add_row({});
  columns_.arena.clear();
  for (size_t i = 0; i < evaluations_.size(); ++i) {
    evaluations_[i]->values(batch, first, count, columns_.cells(i), columns_.validity(i), nullptr);
    if (is_text(columns_.schema().fields[i].type)) copy_text(batch, evaluations_[i]->made(), i, first, count);
  }
}

void Computed::copy_text(const RecordBatch& from, const std::string& made, size_t column, size_t first, size_t count) {
  const Texts texts{from.arena, made};
  for (size_t row = first; row < first + count; ++row) {
    if (!columns_.is_null(column, row)) columns_.set_new_text(column, row, texts.of(columns_.cell(column, row)));
  }
}

}  // namespace leat
