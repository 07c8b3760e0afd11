#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "catalog/catalog.h"
#include "data/column_names.h"
#include "lookup/time_zone.h"
#include "transforms/cast.h"
#include "transforms/columns.h"
#include "transforms/derive.h"
#include "transforms/filter.h"

namespace leat {
namespace {

constexpr Option kTimezone{
    .name = "timezone", .standard = "UTC", .help = "the time zone of minute, hour, day and month: \"Europe/Berlin\""};

constexpr std::array<Option, 2> kFilterOptions{{
    {.name = "where",
     .type = OptionType::expression,
     .required = true,
     .help = "a condition; rows of which it is not true are dropped"},
    kTimezone,
}};
constexpr std::array<Option, 1> kRenameOptions{{
    {.name = "columns", .type = OptionType::texts, .required = true, .help = "{ OLD = \"NEW\" }, all at once"},
}};
constexpr std::array<Option, 1> kCastOptions{{
    {.name = "columns",
     .type = OptionType::texts,
     .required = true,
     .help = "{ NAME = \"type\" }: boolean, integer, real, text or time; a value that does not fit is a reject"},
}};
constexpr std::array<Option, 2> kDeriveOptions{{
    {.name = "columns",
     .type = OptionType::expressions,
     .required = true,
     .help = "{ NAME = \"expression\" }, of the columns before this transform"},
    kTimezone,
}};
constexpr std::array<Option, 1> kDropOptions{{
    {.name = "columns", .type = OptionType::names, .required = true, .help = "the names of the columns"},
}};

const std::vector<Entry>& columns_of(const Settings& settings) {
  return settings.find("columns")->entries;
}

void check_nothing(const Settings&, Complaints&) {}

void check_name(const std::string& name, const std::string& said, const Place& at, Complaints& complaints) {
  if (!is_reserved_column(name)) return;
  complaints.add(at, fmt::format("tables keep the name {} for themselves; take another one", said));
}

void check_rename(const Settings& settings, Complaints& complaints) {
  if (!settings.has("columns")) return;
  for (const Entry& column : columns_of(settings)) {
    check_name(column.value.text, shown(column.value), column.value.at, complaints);
  }
}

void check_timezone(const Settings& settings, Complaints& complaints) {
  const Value* written = settings.find("timezone");
  if (written == nullptr) return;
  const Result<TimeZone> zone = TimeZone::find(written->text);
  if (zone.ok()) return;
  complaints.add(written->at, written->written.empty() ? zone.status().message()
                                                       : fmt::format("unknown time zone {}", shown(*written)));
}

void check_derive(const Settings& settings, Complaints& complaints) {
  check_timezone(settings, complaints);
  if (!settings.has("columns")) return;
  for (const Entry& column : columns_of(settings)) {
    check_name(column.key, quoted(column.key), column.key_at, complaints);
  }
}

void check_types(const Settings& settings, Complaints& complaints) {
  if (!settings.has("columns")) return;
  const std::vector<std::string_view> types = cast_types();
  for (const Entry& column : columns_of(settings)) {
    if (std::find(types.begin(), types.end(), column.value.text) != types.end()) continue;
    complaints.add(column.value.at,
                   fmt::format("unknown type {}{}", shown(column.value), suggestion_for(column.value, types)));
  }
}

std::unique_ptr<Transform> make_filter_of(const Settings& settings, Blame blame) {
  return make_filter({*settings.find("where"), settings.text("timezone")}, std::move(blame));
}
std::unique_ptr<Transform> make_rename_of(const Settings& settings, Blame blame) {
  return make_rename(columns_of(settings), std::move(blame));
}
std::unique_ptr<Transform> make_cast_of(const Settings& settings, Blame blame) {
  return make_cast_transform(columns_of(settings), std::move(blame));
}
std::unique_ptr<Transform> make_derive_of(const Settings& settings, Blame blame) {
  return make_derive({columns_of(settings), settings.text("timezone")}, std::move(blame));
}
std::unique_ptr<Transform> make_drop_of(const Settings& settings, Blame blame) {
  return make_drop(settings.find("columns")->items, std::move(blame));
}

constexpr std::array<TransformKind, 5> kTransforms{{
    {"filter", "drops the rows of which a condition is not true", kFilterOptions, make_filter_of, check_timezone},
    {"rename", "gives columns other names", kRenameOptions, make_rename_of, check_rename},
    {"cast", "gives columns another type", kCastOptions, make_cast_of, check_types},
    {"derive", "adds columns made by expressions", kDeriveOptions, make_derive_of, check_derive},
    {"drop", "leaves columns out", kDropOptions, make_drop_of, check_nothing},
}};

}  // namespace

std::span<const TransformKind> transform_kinds() {
  return kTransforms;
}

}  // namespace leat
