// Any text as an expression over a few rows: no crash, errors have their place within the text, and what is evaluated
// in pieces is what is evaluated at once.

#include <cstdlib>

#include "tests/support/expression_rows.h"

namespace {

using leat::expressions::Shown;

leat::RecordBatch rows() {
  leat::RecordBatch batch(leat::expressions::sample_schema());
  batch.arena = "arena";
  constexpr size_t kRows = 100;
  for (size_t row = 0; row < kRows; ++row) {
    batch.add_row({});
    if (row % 3 != 0) batch.set_integer(0, row, static_cast<int64_t>(row) - 3);
    batch.set_integer(1, row, row % 2 == 0 ? INT64_MIN : INT64_MAX);
    batch.set_real(2, row, static_cast<double>(row) * 1e306);
    if (row % 7 != 0) batch.set_new_text(4, row, "t\xC3\xBC " + std::to_string(row));
    batch.set_new_text(5, row, "12");
    batch.set(6, row, row % 2);
    batch.set_integer(7, row, static_cast<int64_t>(row) * 3'600'000'000);
    batch.set_new_text(8, row, "{}");
    batch.set_new_text(9, row, "raw \xFF");
  }
  return batch;
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const leat::RecordBatch batch = rows();
  const std::string text(reinterpret_cast<const char*>(data), size);
  size_t at = 0;
  const auto parsed = leat::parse_expression(text, &at);
  if (!parsed.ok()) {
    require(at <= text.size());
    return 0;
  }
  leat::ExpressionPlace place;
  const auto bound = leat::BoundExpression::bind(*parsed, text, batch.schema(), *leat::TimeZone::find("UTC"), &place);
  if (!bound.ok()) {
    require(place.at <= place.end && place.end <= text.size());
    return 0;
  }
  leat::Evaluation evaluation(*bound);
  std::vector<leat::Trouble> troubles;
  const std::vector<Shown> all = leat::expressions::values_of(evaluation, (*bound)->type(), batch, troubles);
  for (const leat::Trouble& trouble : troubles) require(all.at(trouble.row) == Shown() && !trouble.what.empty());
  constexpr size_t kFirst = 70;
  std::vector<uint64_t> cells(128);
  std::vector<uint64_t> valid(2);
  evaluation.values(batch, kFirst, 5, cells.data(), valid.data(), nullptr);
  for (size_t row = kFirst; row < kFirst + 5; ++row) {
    require(((valid[row / 64] >> (row % 64) & 1) == 0) == (all[row] == Shown()));
  }
  return 0;
}
