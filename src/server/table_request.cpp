#include "server/table_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"

namespace leat {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode_base64(std::string_view bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k <= count; ++k) out += kBase64[group >> (18 - 6 * k) & 63U];
  }
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const size_t value = kBase64.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xFFU);
  }
  return out;
}

std::string text_of(const StoredValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return fmt::format("i{};", *integer);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("r{};", std::bit_cast<int64_t>(*real));
  if (const auto* text = std::get_if<std::string>(&value)) return fmt::format("t{};{}", text->size(), *text);
  return "n0;";
}

// What makes a cursor fit: everything but where it stands.
std::string mark_of(const ScanQuery& query) {
  std::string all = fmt::format("{}\n{}\n{}\n", query.table, query.order, query.descending);
  for (const ScanFilter& filter : query.filters) {
    all += fmt::format("{}\n{}\n{}", filter.column, static_cast<int>(filter.compare), text_of(filter.value));
  }
  return fmt::format("{:016x}", hash64(all));
}

std::optional<ScanKey> key_of(const ScanQuery& query, std::string_view cursor) {
  const std::optional<std::string> bytes = decode_base64(cursor);
  const std::string mark = mark_of(query);
  if (!bytes || !bytes->starts_with(mark)) return std::nullopt;
  std::string_view rest = std::string_view(*bytes).substr(mark.size());
  ScanKey key;
  while (!rest.empty()) {
    const size_t end = rest.find(';');
    if (end == std::string_view::npos) return std::nullopt;
    const auto number = parse_integer(rest.substr(1, end - 1));
    if (!number) return std::nullopt;
    const char kind = rest[0];
    rest.remove_prefix(end + 1);
    if (kind == 'i') {
      key.emplace_back(*number);
    } else if (kind == 'r') {
      key.emplace_back(std::bit_cast<double>(*number));
    } else if (kind == 'n') {
      key.emplace_back();
    } else if (kind == 't' && *number >= 0 && static_cast<uint64_t>(*number) <= rest.size()) {
      key.emplace_back(std::string(rest.substr(0, static_cast<size_t>(*number))));
      rest.remove_prefix(static_cast<size_t>(*number));
    } else {
      return std::nullopt;
    }
  }
  return key;
}

Status wrong_value(const std::string& parameter, const std::string& value, std::string_view expected) {
  return Status::bad_config(fmt::format("'{}' must be {}, not {}", visible(parameter), expected, quoted(value)));
}

Result<StoredValue> value_of(const Field& field, const std::string& parameter, const std::string& text) {
  switch (field.type) {
    case Type::boolean:
      if (text == "true" || text == "1") return StoredValue(int64_t{1});
      if (text == "false" || text == "0") return StoredValue(int64_t{0});
      return wrong_value(parameter, text, "true or false");
    case Type::integer: {
      const auto number = parse_integer(text);
      if (!number) return wrong_value(parameter, text, "an integer");
      return StoredValue(*number);
    }
    case Type::real: {
      double number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
        return wrong_value(parameter, text, "a number");
      }
      return StoredValue(number);
    }
    case Type::time: {
      int64_t micros = 0;
      const std::string whole = text.size() == 10 ? text + " 00:00:00" : text;
      if (!parse_time(whole.data(), whole.size(), &micros)) {
        return wrong_value(parameter, text, "a time such as 2026-01-31 or 2026-01-31T12:00:00Z (UTC)");
      }
      return StoredValue(format_time(micros));
    }
    case Type::text:
    case Type::json:
      break;
  }
  return StoredValue(text);
}

constexpr std::pair<std::string_view, Compare> kSuffixes[] = {
    {".eq", Compare::equal}, {".gt", Compare::greater},        {".gte", Compare::greater_or_equal},
    {".lt", Compare::less},  {".lte", Compare::less_or_equal},
};

class Reader {
 public:
  Reader(const StoredTable& table, const std::optional<ApiRange>& range, bool page)
      : table_(table), range_(range), page_(page) {
    request_.query.table = table.name;
  }

  Result<TableRequest> read(const Parameters& parameters) {
    std::string cursor;
    for (const auto& [name, value] : parameters) {
      if (name == "format") {
        LEAT_TRY(take_format(value));
      } else if (name == "limit") {
        const auto number = parse_integer(value);
        if (!number || *number < 1) return wrong_value(name, value, "a whole number from 1 on");
        request_.limit = static_cast<uint64_t>(*number);
      } else if (name == "fields") {
        LEAT_TRY(take_fields(value));
      } else if (name == "order") {
        LEAT_TRY(take_order(value));
      } else if (name == "after" && page_) {
        if (value.empty()) return wrong_value(name, value, "the cursor of a page");
        cursor = value;
      } else {
        LEAT_TRY(take_filter(name, value));
      }
    }
    if (request_.fields.empty()) {
      for (const TableColumn& column : table_.columns) {
        if (column.shown) request_.fields.push_back(column.field);
      }
    }
    for (const Field& field : request_.fields) request_.query.columns.push_back(field.name);
    if (!cursor.empty()) {
      request_.after = key_of(request_.query, cursor);
      if (!request_.after) {
        return Status::bad_config(
            "'after' is not a cursor of this query; take the whole link to the next page, or begin without 'after'");
      }
    }
    return std::move(request_);
  }

 private:
  [[nodiscard]] const Field* find(std::string_view name) const {
    for (const TableColumn& column : table_.columns) {
      if (column.field.name == name) return &column.field;
    }
    return nullptr;
  }
  [[nodiscard]] std::string column_names() const {
    std::string names;
    for (const TableColumn& column : table_.columns) names += (names.empty() ? "" : ", ") + column.field.name;
    return visible(names, 4000);
  }

  Status take_format(const std::string& value) {
    std::string names;
    for (const RowFormatName& known : row_formats()) {
      if (known.name == value) request_.format = known.format;
      names += (names.empty() ? "" : ", ") + std::string(known.name);
    }
    if (request_.format) return {};
    return Status::bad_config(fmt::format("there is no format {}; there are: {}", quoted(value), names));
  }

  Status take_fields(const std::string& value) {
    for (const std::string_view name : split(value, ',')) {
      const Field* field = find(name);
      if (field == nullptr) return no_column("fields", name);
      const auto same = [&](const Field& other) { return other.name == field->name; };
      if (std::any_of(request_.fields.begin(), request_.fields.end(), same)) {
        return Status::bad_config(fmt::format("'fields' names {} twice", quoted(name)));
      }
      request_.fields.push_back(*field);
    }
    return {};
  }

  Status take_order(std::string_view value) {
    request_.query.descending = value.starts_with('-');
    if (request_.query.descending) value.remove_prefix(1);
    if (find(value) == nullptr) return no_column("order", value);
    request_.query.order = value;
    return {};
  }

  Status take_filter(const std::string& name, const std::string& value) {
    std::string_view column = name;
    Compare compare = Compare::equal;
    if (range_ && (name == range_->after || name == range_->before)) {
      column = range_->column;
      compare = name == range_->after ? Compare::greater : Compare::less_or_equal;
    } else if (find(name) == nullptr) {
      for (const auto& [suffix, meant] : kSuffixes) {
        if (!name.ends_with(suffix)) continue;
        column = std::string_view(name).substr(0, name.size() - suffix.size());
        compare = meant;
      }
    }
    const Field* field = find(column);
    if (field == nullptr) return unknown(name);
    LEAT_ASSIGN(StoredValue bound, value_of(*field, name, value));
    request_.query.filters.push_back({field->name, compare, std::move(bound)});
    return {};
  }

  [[nodiscard]] Status no_column(std::string_view parameter, std::string_view name) const {
    return Status::bad_config(fmt::format("'{}': table {} has no column {}; there are: {}", parameter,
                                          quoted(table_.name), quoted(name), column_names()));
  }
  [[nodiscard]] Status unknown(std::string_view name) const {
    std::string ranges;
    if (range_) ranges = fmt::format("{}, {}, ", visible(range_->after), visible(range_->before));
    return Status::bad_config(fmt::format(
        "unknown parameter {}; there are: format, limit, {}fields, order, {}and each column, also with .gt, .gte, .lt, "
        ".lte behind it: {}",
        quoted(name), page_ ? "after, " : "", ranges, column_names()));
  }

  const StoredTable& table_;
  const std::optional<ApiRange>& range_;
  bool page_;
  TableRequest request_;
};

}  // namespace

std::optional<std::string> decode_url(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned code = 0;
      const std::string_view digits = text.substr(i + 1, 2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
      if (digits.size() < 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
      out += static_cast<char>(code);
      i += 2;
    }
  }
  return out;
}

std::string encode_url(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<Url> parse_url(std::string_view target) {
  const size_t mark = target.find('?');
  Url url{std::string(target.substr(0, mark)), {}};
  if (mark == std::string_view::npos) return url;
  for (const std::string_view pair : split(target.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const auto name = decode_url(pair.substr(0, equals), true);
    const auto value =
        equals == std::string_view::npos ? std::optional<std::string>("") : decode_url(pair.substr(equals + 1), true);
    if (!name || !value) {
      return Status::bad_config(fmt::format("{} has a '%' that no two hexadecimal digits follow", quoted(pair)));
    }
    const auto same = [&](const auto& other) { return other.first == *name; };
    if (std::any_of(url.parameters.begin(), url.parameters.end(), same)) {
      return Status::bad_config(fmt::format("the parameter {} is there twice", quoted(*name)));
    }
    url.parameters.emplace_back(*name, *value);
  }
  return url;
}

Result<TableRequest> read_table_request(const StoredTable& table, const std::optional<ApiRange>& range,
                                        const Parameters& parameters, bool page) {
  return Reader(table, range, page).read(parameters);
}

std::string cursor_of(const ScanQuery& query, const ScanKey& key) {
  std::string bytes = mark_of(query);
  for (const StoredValue& value : key) bytes += text_of(value);
  return encode_base64(bytes);
}

}  // namespace leat
