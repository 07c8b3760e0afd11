#include "decoders/format_guess.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "decoders/csv_reader.h"
#include "decoders/json_cursor.h"
#include "decoders/typed_cell.h"
#include "decoders/web_log_format.h"
#include "decoders/xml_scanner.h"

namespace leat {
namespace {

FormatGuess guess_of(FormatGuess::Type type) {
  FormatGuess guess;
  guess.type = type;
  return guess;
}

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr size_t kDeepest = 100;  // records are not looked for deeper

// ---- JSON: which array holds the records

struct JsonArray {
  std::string path;
  size_t bytes = 0;
};

std::string pointer_token(std::string_view raw) {
  std::string name;
  unescape_json(raw, name);
  std::string token;
  for (const char c : name) token += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return token;
}

// Adds the arrays of objects that are in the object at the cursor, those in objects among them. False: the text ends
// before the object does.
bool find_arrays(JsonCursor& in, const std::string& path, size_t depth, std::vector<JsonArray>& found) {
  if (depth > kDeepest) return false;
  in.step();
  if (in.next() == '}') return in.step(), true;
  for (bool more = true; more;) {
    JsonString key;
    if (in.next() != '"' || !in.string(&key) || !in.colon()) return false;
    const std::string here = path + "/" + pointer_token(key.raw);
    const char first = in.next();
    if (in.at_end()) return false;
    const char* const from = in.at();
    bool whole = true;
    if (first == '{') {
      whole = find_arrays(in, here, depth + 1, found);
    } else {
      JsonCursor inside = in;
      if (first == '[') inside.step();
      const bool objects = first == '[' && inside.next() == '{' && !inside.at_end();
      whole = in.value();
      if (objects) found.push_back({here, in.since(from).size()});
    }
    if (!whole || !in.comma_or('}', &more)) return false;
  }
  return true;
}

Result<FormatGuess> guess_json(const std::string& first, size_t at, bool all) {
  FormatGuess guess = guess_of(FormatGuess::Type::json);
  const std::string_view text = std::string_view(first).substr(at);
  if (text.front() == '[') return guess;
  JsonCursor in(text);
  const char* const begin = in.at();
  std::vector<JsonArray> arrays;
  const bool whole = find_arrays(in, "", 0, arrays);
  const std::string_view object = in.since(begin);
  const auto largest = std::max_element(arrays.begin(), arrays.end(),
                                        [](const JsonArray& a, const JsonArray& b) { return a.bytes < b.bytes; });
  const bool only = !whole || (in.next(), in.at_end());
  if (only && largest != arrays.end() && 3 * largest->bytes > object.size()) {
    guess.records = largest->path;
    return guess;
  }
  const size_t newline = object.find('\n');
  if (newline != std::string_view::npos || (!whole && !all)) {
    return Status::bad_data(
        "is a JSON object in which no array of objects takes much of the place; --records PATH says which array holds "
        "the records, \"/data/items\"");
  }
  return guess;
}

// ---- XML: which elements are the records

struct XmlPath {
  size_t depth = 0;
  size_t repeated = 0;
  size_t first = 0;  // where it was seen first
};

Result<FormatGuess> guess_xml(std::string_view text) {
  std::map<std::string, XmlPath> repeated;
  struct Open {
    std::string path;
    std::map<std::string, size_t, std::less<>> children;
  };
  std::vector<Open> open(1);
  const char* const limit = text.data() + text.size();
  for (const char* at = text.data(); at < limit;) {
    const XmlToken token = next_xml_token(at, limit);
    if (token.kind == XmlKind::bad) {
      return Status::bad_data(
          fmt::format("begins like XML, but is none at byte {}: {}", token.end - text.data(), token.trouble));
    }
    if (token.kind == XmlKind::more) break;
    if (token.kind == XmlKind::start) {
      Open& parent = open.back();
      std::string path = parent.path + "/" + std::string(token.name);
      if (++parent.children[std::string(token.name)] > 1) {
        XmlPath& seen = repeated[path];
        seen.depth = open.size();
        if (seen.repeated++ == 0) seen.first = static_cast<size_t>(at - text.data());
      }
      if (open.size() > kDeepest) break;
      if (!token.closed) open.push_back({.path = std::move(path), .children = {}});
    } else if (token.kind == XmlKind::end && open.size() > 1) {
      open.pop_back();
    }
    at = token.end;
  }
  if (repeated.empty()) {
    return Status::bad_data(
        "is XML in which no element is there twice; --records PATH says which elements are the records, "
        "\"/RESPONSE/LIST/HOST\"");
  }
  const auto best = std::min_element(repeated.begin(), repeated.end(), [](const auto& a, const auto& b) {
    if (a.second.depth != b.second.depth) return a.second.depth < b.second.depth;
    if (a.second.repeated != b.second.repeated) return a.second.repeated > b.second.repeated;
    return a.second.first < b.second.first;
  });
  FormatGuess guess = guess_of(FormatGuess::Type::xml);
  guess.records = best->first;
  return guess;
}

// ---- CSV: what stands between the fields, and whether the first line has the names

constexpr size_t kCsvRecords = 200;

// Fields of the records that most have as many of, and how many records those are.
struct CsvFit {
  char delimiter = ',';
  size_t fields = 0;
  double share = 0;
};

CsvFit fit_csv(std::string_view text, bool all, char delimiter) {
  CsvReader reader(text, {.delimiter = delimiter});
  std::map<size_t, size_t> counts;
  size_t records = 0;
  while (records < kCsvRecords && reader.next()) {
    if ((!reader.complete() && !all) || reader.record().empty()) continue;
    ++records;
    if (reader.trouble() == CsvTrouble::none) ++counts[reader.fields().size()];
  }
  CsvFit fit{.delimiter = delimiter};
  for (const auto& [fields, count] : counts) {
    const double share = static_cast<double>(count) / static_cast<double>(records);
    if (share > fit.share) fit = {delimiter, fields, share};
  }
  return fit;
}

// Its columns when its first record is not their names. Names are texts and differ; the first one may be missing, as
// where pandas has written its index.
std::vector<std::string> csv_columns(std::string_view text, const CsvFit& fit, std::optional<bool> is_header) {
  CsvReader reader(text, {.delimiter = fit.delimiter});
  std::vector<TypeGuess> types(fit.fields);
  std::set<std::string_view> names;
  bool header = is_header.value_or(true);
  for (size_t record = 0; record < kCsvRecords && reader.next(); ++record) {
    for (size_t i = 0; i < std::min(fit.fields, reader.fields().size()); ++i) {
      const std::string_view value = reader.written(reader.fields()[i]);
      if (!value.empty()) types[i].see(value);
      if (record > 0 || is_header) continue;
      TypeGuess type;
      type.see(value);
      const bool is_text = value.empty() ? i == 0 : type.type() == Type::text;
      header = header && is_text && names.insert(value).second;
    }
  }
  std::vector<std::string> columns;
  if (header) return columns;
  for (size_t i = 0; i < types.size(); ++i) {
    columns.push_back(fmt::format("column{}:{}", i + 1, name_of(types[i].type())));
  }
  return columns;
}

}  // namespace

Result<FormatGuess> guess_format(const std::string& first, bool all, std::optional<bool> header) {
  const size_t mark = first.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  const size_t at = first.find_first_not_of(" \t\r\n", mark);
  if (at == std::string::npos) return Status::bad_data("is empty");
  if (first[at] == '{' || first[at] == '[') {
    return guess_json(first, at, all);
  }
  if (first[at] == '<') return guess_xml(std::string_view(first).substr(at));
  if (first.find('\0') != std::string::npos) {
    return Status::bad_data(
        "is not text: it holds zero bytes (CSV, JSON, XML and logs are known, also as gzip or zstd)");
  }
  const std::string_view text = std::string_view(first).substr(mark);
  const Recognition log = recognise_web_log(text);
  if (log.fit > 0 && 2 * log.fit > log.lines) return guess_of(FormatGuess::Type::web_log);
  constexpr double kMostRecords = 0.6;
  CsvFit best;
  const auto worth = [](const CsvFit& fit) { return static_cast<double>(fit.fields) * fit.share; };
  for (const char delimiter : {',', ';', '\t', '|'}) {
    const CsvFit fit = fit_csv(text, all, delimiter);
    if (fit.fields > 1 && fit.share >= kMostRecords && worth(fit) > worth(best)) best = fit;
  }
  if (best.fields == 0) {
    return Status::bad_data(
        "has no columns that ',', ';', '|' or tabs set apart, is no JSON, XML or log of a web server; --format says "
        "what "
        "it is");
  }
  FormatGuess guess = guess_of(FormatGuess::Type::csv);
  guess.delimiter = best.delimiter;
  guess.columns = csv_columns(text, best, header);
  return guess;
}

}  // namespace leat
