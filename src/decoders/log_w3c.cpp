#include "decoders/log_w3c.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "decoders/log_columns.h"
#include "decoders/log_time_pieces.h"
#include "decoders/log_values.h"
#include "decoders/scan.h"

namespace leat {
namespace {

constexpr std::string_view kFields = "#Fields:";
constexpr size_t kMostFields = 200;

// Fields that are not one column of their own.
enum class Role : uint8_t { value, date, time, stem, query, taken, agent };

struct KnownField {
  std::string_view name;
  std::string_view column;
  Shape shape;
  Role role = Role::value;
};
constexpr std::array<KnownField, 21> kKnown{{
    {"date", "time", Shape::iso_time, Role::date},
    {"time", "time", Shape::iso_time, Role::time},
    {"cs-uri-stem", "request_uri", Shape::path, Role::stem},
    {"cs-uri-query", "request_uri", Shape::path, Role::query},
    {"cs-uri", "request_uri", Shape::text},
    {"c-ip", "remote_addr", Shape::word},
    {"c-port", "remote_port", Shape::integer},
    {"cs-username", "remote_user", Shape::text},
    {"cs-method", "request_method", Shape::word},
    {"cs-version", "server_protocol", Shape::word},
    {"cs-protocol-version", "server_protocol", Shape::word},
    {"cs-host", "host", Shape::word},
    {"cs-bytes", "request_length", Shape::integer},
    {"sc-status", "status", Shape::integer},
    {"sc-substatus", "sc_substatus", Shape::integer},
    {"sc-win32-status", "sc_win32_status", Shape::integer},
    {"sc-bytes", "body_bytes_sent", Shape::integer},
    {"s-ip", "server_addr", Shape::word},
    {"s-port", "server_port", Shape::integer},
    {"time-taken", "request_time", Shape::real, Role::taken},
    {"cs(User-Agent)", "http_user_agent", Shape::text, Role::agent},
}};

struct W3cField {
  LogColumn column;
  Role role = Role::value;
};

Type type_of(Shape shape) {
  switch (shape) {
    case Shape::integer:
      return Type::integer;
    case Shape::real:
      return Type::real;
    case Shape::iso_time:
      return Type::time;
    default:
      return Type::text;
  }
}

W3cField field_named(std::string_view name) {
  for (const KnownField& known : kKnown) {
    if (known.name == name) {
      return {{std::string(known.column), type_of(known.shape), known.shape, {}}, known.role};
    }
  }
  const bool header = name.ends_with(')');
  if (header && name.starts_with("cs(")) {
    return {{column_name("http_", name.substr(3, name.size() - 4)), Type::text, Shape::text, {}}};
  }
  if (header && name.starts_with("sc(")) {
    return {{column_name("sent_http_", name.substr(3, name.size() - 4)), Type::text, Shape::text, {}}};
  }
  return {{column_name("", name), Type::text, Shape::text, {}}};
}

std::vector<W3cField> parse_fields(std::string_view text) {
  std::vector<W3cField> fields;
  if (text.empty()) return fields;
  for (const std::string_view name : split(text, ' ')) {
    W3cField field = field_named(name);
    // Of two that would fill one column the first one does.
    const auto same = [&](const W3cField& other) {
      return other.column.name == field.column.name && (other.role == Role::value || other.role == field.role);
    };
    if (std::any_of(fields.begin(), fields.end(), same)) field.column.name.clear();
    const auto& standard = standard_log_fields();
    const bool clash = std::any_of(standard.begin(), standard.end(), [&](const Field& one) {
      return one.name == field.column.name && one.type != field.column.type;
    });
    if (clash) field.column.name.clear();
    fields.push_back(std::move(field));
  }
  return fields;
}

class W3cReader final : public LineReader {
 public:
  W3cReader(std::string_view fields, const Schema& schema) : schema_(schema) { take_fields(fields); }

  bool is_directive(std::string_view line) override {
    if (line.starts_with(kFields)) take_fields(w3c_fields_of(line));
    return true;
  }

  bool read(std::string_view line, const char* /*readable_end*/, size_t row, CellWriter& rows) override {
    if (fields_.empty()) return reject("", line.substr(0, 40), "stands behind no line #Fields that names its columns");
    cut(line);
    if (cells_.size() != fields_.size()) {
      problem_ = fmt::format("has {} values where #Fields names {}", cells_.size(), fields_.size());
      return reject("", line.substr(0, 40), problem_);
    }
    std::string_view date;
    std::string_view time;
    std::string_view stem;
    std::string_view query;
    for (size_t i = 0; i < fields_.size(); ++i) {
      const std::string_view cell = cells_[i];
      const std::string& name = fields_[i].column.name;
      switch (fields_[i].role) {
        case Role::date:
          date = cell;
          break;
        case Role::time:
          time = cell;
          break;
        case Role::stem:
          stem = cell;
          break;
        case Role::query:
          query = cell;
          break;
        case Role::taken:
          if (!put_taken(i, cell, row, rows)) return false;
          break;
        case Role::agent:
          put_agent(i, cell, row, rows);
          break;
        case Role::value: {
          const bool plain = skip_plain<false>(cell.data(), cell.data() + cell.size()) == cell.data() + cell.size();
          const std::string_view problem = values_->put(i, cell, plain, row, rows);
          if (!problem.empty()) return reject(name, cell, problem);
        }
      }
    }
    return put_uri(stem, query, row, rows) && put_time(date, time, row, rows);
  }

 private:
  bool reject(std::string_view column, std::string_view value, std::string_view problem) {
    mismatch_ = {column, {}, value, problem, 0};
    return false;
  }

  void take_fields(std::string_view text) {
    fields_ = parse_fields(text);
    columns_.clear();
    places_.clear();
    for (const W3cField& field : fields_) {
      columns_.push_back(field.column);
      // A column of another type is another format's.
      const auto found = schema_.find(field.column.name);
      const bool ours = found && schema_.fields[*found].type == field.column.type;
      if (!ours) columns_.back().name.clear();
      places_.push_back(ours ? *found : kNoColumn);
    }
    values_ = std::make_unique<LogValues>(schema_, columns_, Escape::none);
  }

  // Values stand between spaces or tabs; one in quotes may hold both.
  void cut(std::string_view line) {
    cells_.clear();
    const char separator = line.find('\t') != std::string_view::npos ? '\t' : ' ';
    while (!line.empty()) {
      size_t end = line.find(separator);
      if (line.front() == '"') {
        size_t quote = line.find('"', 1);
        while (quote != std::string_view::npos && quote + 1 < line.size() && line[quote + 1] != separator) {
          quote = line.find('"', quote + 1);
        }
        if (quote != std::string_view::npos) {
          cells_.push_back(line.substr(1, quote - 1));
          line.remove_prefix(std::min(quote + 2, line.size()));
          continue;
        }
      }
      if (end == std::string_view::npos) end = line.size();
      if (end > 0 || separator == '\t') cells_.push_back(line.substr(0, end));
      line.remove_prefix(std::min(end + 1, line.size()));
    }
  }

  // IIS: milliseconds. Others: seconds with a point.
  bool put_taken(size_t field, std::string_view cell, size_t row, CellWriter& rows) {
    if (cell == "-") return true;
    int64_t micros = 0;
    const bool seconds = cell.find('.') != std::string_view::npos;
    if (read_epoch(cell, seconds ? 1'000'000 : 1'000, &micros) != cell.size()) {
      return reject(fields_[field].column.name, cell, "is not a number");
    }
    if (places_[field] != kNoColumn) rows.real(places_[field], row, static_cast<double>(micros) / 1e6);
    return true;
  }

  // IIS writes '+' for a space.
  void put_agent(size_t field, std::string_view cell, size_t row, CellWriter& rows) {
    if (cell == "-" || places_[field] == kNoColumn) return;
    std::string text(cell);
    std::replace(text.begin(), text.end(), '+', ' ');
    rows.copied(places_[field], row, text, Escape::none);
  }

  bool put_uri(std::string_view stem, std::string_view query, size_t row, CellWriter& rows) {
    const auto column = schema_.find("request_uri");
    if (stem.empty() || stem == "-" || !column) return true;
    std::string uri(stem);
    if (!query.empty() && query != "-") {
      uri += '?';
      uri += query;
    }
    rows.copied(*column, row, uri, Escape::none);
    return true;
  }

  bool put_time(std::string_view date, std::string_view time, size_t row, CellWriter& rows) {
    if (date.empty() || time.empty()) return true;
    int64_t micros = 0;
    when_ = fmt::format("{}T{}", date, time);
    if (read_iso_time(when_, &micros) != when_.size()) return reject("time", when_, "is not a time");
    if (const auto column = schema_.find("time")) rows.integer(*column, row, micros);
    return true;
  }

  const Schema& schema_;
  std::vector<W3cField> fields_;
  std::vector<LogColumn> columns_;
  std::vector<size_t> places_;
  std::unique_ptr<LogValues> values_;
  std::vector<std::string_view> cells_;
  std::string when_;
  std::string problem_;
};

}  // namespace

std::string w3c_fields_of(std::string_view line) {
  if (!line.starts_with(kFields)) return "";
  std::string text;
  size_t count = 0;
  std::string plain(line.substr(kFields.size()));
  std::replace(plain.begin(), plain.end(), '\t', ' ');
  for (const std::string_view word : split(plain, ' ')) {
    if (word.empty()) continue;
    const bool good = std::all_of(word.begin(), word.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
             c == '.' || c == '(' || c == ')';
    });
    if (!good || ++count > kMostFields) return "";
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text.size() > kLongestW3cFields ? "" : text;
}

std::vector<Field> w3c_extra_fields(std::string_view fields) {
  std::vector<LogColumn> columns;
  for (const W3cField& field : parse_fields(fields)) columns.push_back(field.column);
  return extra_fields_of(columns);
}

std::unique_ptr<LineReader> make_w3c_reader(std::string_view fields, const Schema& schema) {
  return std::make_unique<W3cReader>(fields, schema);
}

size_t w3c_stretch(std::string_view bytes, std::string* fields) {
  bool rows = false;
  for (size_t at = 0; at < bytes.size();) {
    if (bytes[at] != '#' && bytes[at] != '\n' && bytes[at] != '\r') {
      rows = true;
      const size_t directive = bytes.find("\n#", at);
      if (directive == std::string_view::npos) break;
      at = directive + 1;
      continue;
    }
    std::string_view line;
    const size_t taken = next_line(bytes.substr(at), line);
    if (line.starts_with(kFields)) {
      if (rows) return at;
      *fields = w3c_fields_of(line);
    }
    at += taken;
  }
  return bytes.size();
}

bool looks_like_w3c(std::string_view bytes, bool* decided) {
  *decided = true;
  while (!bytes.empty()) {
    std::string_view line;
    const size_t taken = next_line(bytes, line);
    const bool whole = bytes[taken - 1] == '\n';
    bytes.remove_prefix(taken);
    if (line.empty()) continue;
    if (line.front() != '#') return false;
    if (whole && line.starts_with(kFields)) return true;
  }
  *decided = false;
  return false;
}

}  // namespace leat
