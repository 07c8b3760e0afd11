#include "transforms/cast.h"

#include <fmt/format.h>

#include <numeric>

#include "base/text.h"
#include "transforms/evaluations.h"

namespace leat {
namespace {

class Cast final : public Transform {
 public:
  Cast(std::vector<Entry> columns, Blame blame) : columns_(std::move(columns)), blame_(std::move(blame)) {}

  Result<SchemaPtr> bind(const SchemaPtr& in) override {
    casts_.clear();
    auto out = std::make_shared<Schema>(*in);
    from_.resize(in->fields.size());
    std::iota(from_.begin(), from_.end(), size_t{0});
    for (const Entry& column : columns_) {
      LEAT_ASSIGN(const size_t index, column_named(column.key, column.key_at, *in, blame_));
      // CAST(column AS type), as it would be written.
      Expression cast;
      cast.kind = Expression::operation;
      cast.op = Operator::cast;
      cast.name = column.value.text;
      cast.arguments.emplace_back();
      cast.arguments[0].name = column.key;
      cast.arguments[0].end = column.key.size();
      cast.end = column.key.size();
      auto bound = BoundExpression::bind(cast, column.key, *in, *TimeZone::find("UTC"));
      if (!bound.ok()) return blame_(column.value.at, "column " + bound.status().message());
      out->fields[index].type = (*bound)->type();
      casts_.emplace_back(index, std::make_unique<Evaluations>(*std::move(bound)));
    }
    out_ = std::move(out);
    return out_;
  }

  void apply(RecordBatch& batch, Rejects& rejects, uint64_t& /*filtered*/) const override {
    Refused refused(batch);
    for (const auto& [index, evaluations] : casts_) {
      std::vector<Trouble> troubles;
      evaluations->with_one([&](Evaluation& evaluation) {
        // A block is read before it is written over.
        evaluation.values(batch, 0, batch.rows(), batch.cells(index), batch.validity(index), &troubles);
        batch.arena += evaluation.made();
      });
      refused.add(batch, troubles, batch.schema().fields[index].name, "", rejects);
    }
    batch.reshape(out_, from_);
    refused.take_out(batch);
  }

 private:
  std::vector<Entry> columns_;
  Blame blame_;
  SchemaPtr out_;
  std::vector<size_t> from_;
  std::vector<std::pair<size_t, std::unique_ptr<Evaluations>>> casts_;
};

}  // namespace

std::vector<std::string_view> cast_types() {
  std::vector<std::string_view> types = type_names();
  std::erase(types, name_of(Type::json));
  return types;
}

std::unique_ptr<Transform> make_cast_transform(std::vector<Entry> columns, Blame blame) {
  return std::make_unique<Cast>(std::move(columns), std::move(blame));
}

}  // namespace leat
