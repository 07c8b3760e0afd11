#include "transforms/filter.h"

#include <fmt/format.h>

#include <bit>
#include <numeric>

#include "base/text.h"
#include "transforms/evaluations.h"

namespace leat {
namespace {

class Filter final : public Transform {
 public:
  Filter(FilterOptions options, Blame blame) : options_(std::move(options)), blame_(std::move(blame)) {}

  Result<SchemaPtr> bind(const SchemaPtr& in) override {
    LEAT_ASSIGN(auto bound, bind_written(options_.where, *in, options_.timezone, blame_));
    if (bound->type() != Type::boolean) {
      return blame_(options_.where.at, fmt::format("{} is of type {}: a filter wants a condition, as in 'status < 500'",
                                                   shown(options_.where), name_of(bound->type())));
    }
    where_ = std::make_unique<Evaluations>(std::move(bound));
    return in;
  }

  void apply(RecordBatch& batch, Rejects& rejects, uint64_t& filtered) const override {
    std::vector<uint64_t> keep;
    std::vector<Trouble> troubles;
    where_->with_one([&](Evaluation& evaluation) { evaluation.truths(batch, keep, troubles); });
    Refused refused(batch);
    refused.add(batch, troubles, "", fmt::format("filter {}: ", shown(options_.where)), rejects);
    const uint64_t kept = std::accumulate(keep.begin(), keep.end(), uint64_t{0}, [](uint64_t sum, uint64_t word) {
      return sum + static_cast<uint64_t>(std::popcount(word));
    });
    filtered += batch.rows() - kept - refused.count();
    batch.keep(keep);
  }

 private:
  FilterOptions options_;
  Blame blame_;
  std::unique_ptr<Evaluations> where_;
};

}  // namespace

std::unique_ptr<Transform> make_filter(FilterOptions options, Blame blame) {
  return std::make_unique<Filter>(std::move(options), std::move(blame));
}

}  // namespace leat
