#include "decoders/csv_columns.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/complaints.h"
#include "decoders/columns.h"
#include "decoders/typed_cell.h"

namespace leat {
namespace {

template <class List>
bool has_name(const List& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view other) { return equal_ignoring_case(other, name); });
}

const Field* find_field(const std::vector<Field>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return equal_ignoring_case(field.name, name); });
  return found == fields.end() ? nullptr : &*found;
}

bool is_escaped(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '%' || c == ',' || c == ':' || c == '\x7F';
}

std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (is_escaped(c)) {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const size_t high = i + 2 < text.size() ? kDigits.find(text[i + 1]) : std::string_view::npos;
    const size_t low = high != std::string_view::npos ? kDigits.find(text[i + 2]) : std::string_view::npos;
    if (low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// "id integer, name text and when time"
std::string in_words(const std::vector<Field>& fields) {
  std::string out;
  for (size_t i = 0; i < fields.size(); ++i) {
    out += fmt::format("{}{} {}",
                       i == 0                   ? ""
                       : i + 1 == fields.size() ? " and "
                                                : ", ",
                       visible(fields[i].name), name_of(fields[i].type));
  }
  return out;
}

}  // namespace

std::string join_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ',';
    out += escaped(name);
  }
  return out;
}

std::optional<std::vector<std::string>> split_names(std::string_view joined) {
  std::vector<std::string> names;
  for (const std::string_view name : split(joined, ',')) {
    auto plain = unescaped(name);
    if (!plain || plain->empty()) return std::nullopt;
    names.push_back(*std::move(plain));
  }
  return names;
}

CsvColumns::CsvColumns(CsvOptions options, Note note) : options_(std::move(options)), note_(std::move(note)) {
  for (const ColumnOption& column : options_.columns) {
    fields_.push_back({column.name, column.type.value_or(Type::text)});
  }
  if (!fields_.empty()) make_schema();
}

void CsvColumns::make_schema() {
  Schema schema;
  if (!options_.row_number.empty()) schema.fields.push_back({options_.row_number, Type::integer});
  schema.fields.insert(schema.fields.end(), fields_.begin(), fields_.end());
  if (options_.raw) schema.fields.push_back({"raw_log", Type::text, true});
  schema_ = std::make_shared<const Schema>(std::move(schema));
}

SchemaPtr CsvColumns::schema() const {
  const std::lock_guard lock(mutex_);
  return schema_;
}

std::optional<size_t> CsvColumns::find(std::string_view name, const Schema& schema) const {
  const std::lock_guard lock(mutex_);
  const Field* field = find_field(fields_, name);
  return field != nullptr ? schema.find(field->name) : std::nullopt;
}

std::vector<std::string> CsvColumns::header_names(const CsvReader& header) const {
  std::vector<std::string> names;
  const std::vector<CsvField>& fields = header.fields();
  for (size_t i = 0; i < fields.size(); ++i) {
    std::string name;
    header.unescape(fields[i], name);
    name = trim(name);
    if (name.empty()) name = fmt::format("column_{}", i + 1);
    names.push_back(column_name_for(std::move(name), [&](const std::string& wanted) {
      return has_name(names, wanted) || equal_ignoring_case(wanted, options_.row_number);
    }));
  }
  return names;
}

std::string CsvColumns::save() const {
  if (!options_.columns.empty()) return {};
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const Field& field : fields_) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}:{}", escaped(field.name), name_of(field.type));
  }
  return out;
}

Status CsvColumns::restore(std::string_view saved) {
  if (!options_.columns.empty() || saved.empty()) return {};
  std::vector<Field> fields;
  for (const std::string_view item : split(saved, ',')) {
    const size_t colon = item.find(':');
    const auto name = unescaped(item.substr(0, colon));
    const auto type = type_named(colon == std::string_view::npos ? "" : item.substr(colon + 1));
    if (!name || name->empty() || !type) {
      return filled_from_another_format("csv", saved);
    }
    fields.push_back({*name, *type});
  }
  const std::lock_guard lock(mutex_);
  fields_ = std::move(fields);
  make_schema();
  return {};
}

Status CsvColumns::check_declared(const std::string& origin, const std::vector<std::string>& names) const {
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const ColumnOption& column : options_.columns) {
    if (has_name(names, column.name)) continue;
    const bool data = std::any_of(names.begin(), names.end(),
                                  [](const std::string& name) { return parse_integer(name).has_value(); });
    return Status::bad_config(fmt::format("{}: its first line has no column {}{}{}", visible(origin, 4096),
                                          quoted(column.name), suggestion(column.name, known),
                                          data ? "; if that line is data, write header = false" : ""));
  }
  return {};
}

void CsvColumns::tell_to_wait(const std::string& origin, std::string_view name) {
  {
    const std::lock_guard lock(mutex_);
    if (!told_.insert(origin).second) return;
  }
  if (!note_) return;
  note_(NoteLevel::info, fmt::format("{}: column {} is new; the file is held until it has {} records or ends, as its "
                                     "first records tell the type",
                                     visible(origin, 4096), quoted(name), with_commas(kCsvGuessRecords)));
}

Result<bool> CsvColumns::take_header(const std::string& origin, const std::vector<std::string>& names,
                                     std::string_view records, bool enough) {
  if (!options_.columns.empty()) {
    LEAT_TRY(check_declared(origin, names));
    return true;
  }
  struct Column {
    size_t index;
    TypeGuess guess;
  };
  std::vector<Column> unknown;
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < names.size(); ++i) {
      if (find_field(fields_, names[i]) == nullptr) unknown.push_back({i, {}});
    }
  }
  if (unknown.empty()) return true;
  CsvReader reader(records, options_.dialect);
  if (!enough || !CsvReader(records, options_.dialect).next()) {
    if (unknown.size() < names.size()) tell_to_wait(origin, names[unknown.front().index]);
    return false;
  }
  uint64_t seen = 0;
  std::string text;
  while (seen < kCsvGuessRecords && reader.next()) {
    ++seen;
    if (reader.trouble() != CsvTrouble::none || reader.fields().size() != names.size()) continue;
    for (Column& column : unknown) {
      const CsvField& field = reader.fields()[column.index];
      if (field.size == 0 || (!field.quoted && options_.null == reader.written(field))) continue;
      text.clear();
      reader.unescape(field, text);
      column.guess.see(text);
    }
  }
  std::vector<Field> added;
  for (const Column& column : unknown) added.push_back({names[column.index], column.guess.type()});
  {
    const std::lock_guard lock(mutex_);
    // Another file may have brought one of them meanwhile.
    std::erase_if(added, [&](const Field& field) { return find_field(fields_, field.name) != nullptr; });
    fields_.insert(fields_.end(), added.begin(), added.end());
    make_schema();
  }
  return Status::retry(fmt::format("{}: the table gets {} {}, as its first {} {} them", visible(origin, 4096),
                                   added.size() == 1 ? "column" : "columns", in_words(added),
                                   seen == 1 ? "record" : with_commas(seen) + " records", seen == 1 ? "has" : "have"))
      .with_retry_after_ms(0);
}

}  // namespace leat
