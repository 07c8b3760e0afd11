#include "decoders/web_log_cutter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "decoders/line_cutter.h"
#include "decoders/log_columns.h"
#include "decoders/log_w3c.h"

namespace leat {
namespace {

constexpr std::string_view kSavedPrefix = "format=";
constexpr std::string_view kSavedFields = " fields=";
constexpr std::string_view kSavedColumns = "web_log 1\n";
constexpr size_t kMostExtra = 400;  // columns besides the standard ones; a table of SQLite has room for 2,000

SchemaPtr make_schema(const std::vector<Field>& extra, bool raw) {
  Schema schema{standard_log_fields()};
  schema.fields.insert(schema.fields.end(), extra.begin(), extra.end());
  if (raw) schema.fields.push_back({"raw_log", Type::text, true});
  return std::make_shared<const Schema>(std::move(schema));
}

class WebLogCutter final : public Cutter {
 public:
  WebLogCutter(std::shared_ptr<WebLogShared> shared, std::optional<WebLogFormatId> named, const std::string& origin)
      : shared_(std::move(shared)), named_(named), origin_(visible(origin, 4096)) {}

  Result<Cut> whole(std::string_view bytes, const CutRule& rule) override {
    LEAT_ASSIGN(const size_t lines, known_lines(bytes, rule.ended));
    if (lines == 0 && bytes.find('\n') != std::string_view::npos) return Cut{};
    return cut_lines(lines == 0 ? bytes : bytes.substr(0, lines), rule);
  }

  Result<std::optional<size_t>> skip(std::string_view bytes) override { return skip_line(bytes); }

  // Of another file of the same log.
  [[nodiscard]] bool may_inherit() const override { return true; }

  std::string save() const override { return found_ ? found_->saved() : std::string(); }

  Status restore(std::string_view saved) override {
    found_.reset();
    if (saved.empty()) return {};
    std::optional<PartFormat> format = PartFormat::parse(saved);
    if (!format) {
      return Status::bad_config(
          fmt::format("{}: its saved state {} names no known format; it was written by another version of leat",
                      origin_, quoted(saved)));
    }
    if (named_ && (*named_ != WebLogFormatId::w3c || format->id != WebLogFormatId::w3c)) return {};
    LEAT_TRY(make_room(*format));
    found_ = std::move(format);
    return {};
  }

 private:
  // How many of `bytes` are whole lines whose format is known.
  Result<size_t> known_lines(std::string_view bytes, bool ended) {
    const auto* newline =
        bytes.empty() ? nullptr : static_cast<const char*>(::memrchr(bytes.data(), '\n', bytes.size()));
    const size_t cut = newline == nullptr ? 0 : static_cast<size_t>(newline - bytes.data()) + 1;
    if (is_w3c()) return stretch(bytes.substr(0, cut));
    if (named_ || found_ || bytes.empty() || (cut == 0 && !ended)) return cut;

    const bool may_wait = !ended && bytes.size() < kRecognitionBytes;
    bool decided = true;
    if (!looks_like_w3c(bytes.substr(0, cut), &decided) && !decided && cut > 0 && may_wait) return size_t{0};
    const Recognition seen = recognise_web_log(bytes);
    if (seen.fit == 0) {
      if (seen.lines == 0 || seen.torn) return cut;  // blank lines, but for the torn one
      if (may_wait && seen.lines < kRecognitionLines) return size_t{0};
      return Status::bad_config(fmt::format(
          "{}: no known format fits its first {} (first line: {}; nearest is {}); {}", origin_,
          seen.lines == 1 ? "line" : count_of(seen.lines, "line"), quoted(seen.first, 120), seen.nearest,
          seen.first.starts_with('{') ? "lines of JSON need the log_format that wrote them, as it stands in nginx's "
                                        "configuration: --format '{\"time\":\"$time_iso8601\",…}'"
                                      : "name one with --format, see 'leat list formats'"));
    }
    PartFormat format{seen.format, {}};
    if (seen.format == WebLogFormatId::w3c) (void)w3c_stretch(bytes.substr(0, cut), &format.fields);
    LEAT_TRY(make_room(format));
    shared_->tell_format(origin_, seen);
    if (seen.partial) return cut;
    found_ = std::move(format);
    return is_w3c() ? stretch(bytes.substr(0, cut)) : Result<size_t>(cut);
  }

  [[nodiscard]] bool is_w3c() const {
    return (named_ == WebLogFormatId::w3c && !found_) || (found_ && found_->id == WebLogFormatId::w3c);
  }

  // A chunk never goes on behind a change of the fields, so that it begins with the lines that change them.
  Result<size_t> stretch(std::string_view lines) {
    if (lines.empty()) return size_t{0};
    PartFormat format{WebLogFormatId::w3c, found_ ? found_->fields : std::string()};
    const size_t cut = w3c_stretch(lines, &format.fields);
    LEAT_TRY(make_room(format));
    found_ = std::move(format);
    return cut;
  }

  Status make_room(const PartFormat& format) {
    const std::vector<std::string> added = shared_->widen(format.extra_fields());
    if (added.empty()) return {};
    return Status::retry(fmt::format("{}: format {}: the table gets {} {}", origin_, name_of(format.id),
                                     added.size() == 1 ? "column" : "columns", list_of(added)))
        .with_retry_after_ms(0);
  }

  // "a", "a and b", "a, b and c".
  static std::string list_of(const std::vector<std::string>& names) {
    std::string out;
    for (size_t i = 0; i < names.size(); ++i) {
      out += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
    }
    return out;
  }

  std::shared_ptr<WebLogShared> shared_;
  std::optional<WebLogFormatId> named_;
  std::optional<PartFormat> found_;
  std::string origin_;
};

}  // namespace

std::string count_of(uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", with_commas(number), noun, number == 1 ? "" : "s");
}

std::string PartFormat::saved() const {
  std::string text = fmt::format("{}{}", kSavedPrefix, name_of(id));
  if (!fields.empty()) text += fmt::format("{}{}", kSavedFields, fields);
  return text;
}

std::optional<PartFormat> PartFormat::parse(std::string_view saved) {
  if (!saved.starts_with(kSavedPrefix)) return std::nullopt;
  saved.remove_prefix(kSavedPrefix.size());
  const size_t fields = saved.find(kSavedFields);
  PartFormat format;
  if (!find_web_log_format(saved.substr(0, fields), &format.id)) return std::nullopt;
  if (fields != std::string_view::npos) {
    format.fields = w3c_fields_of(fmt::format("#Fields: {}", saved.substr(fields + kSavedFields.size())));
    if (format.fields.empty() || format.id != WebLogFormatId::w3c) return std::nullopt;
  }
  return format;
}

std::vector<Field> PartFormat::extra_fields() const {
  if (id == WebLogFormatId::apache_vhost_combined) return {{"host"}, {"server_port", Type::integer}};
  if (id == WebLogFormatId::w3c) return w3c_extra_fields(fields);
  const LogFormatPtr compiled = compiled_format(id);
  return compiled ? compiled->extra_fields() : std::vector<Field>();
}

WebLogShared::WebLogShared(std::vector<Field> extra, bool raw, Note note)
    : raw_(raw), extra_(std::move(extra)), schema_(make_schema(extra_, raw)), note_(std::move(note)) {}

SchemaPtr WebLogShared::schema() const {
  const std::lock_guard lock(mutex_);
  return schema_;
}

std::vector<std::string> WebLogShared::widen(const std::vector<Field>& fields) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> added;
  for (const Field& field : fields) {
    const bool there =
        std::any_of(extra_.begin(), extra_.end(), [&](const Field& known) { return known.name == field.name; });
    if (there || extra_.size() >= kMostExtra) continue;
    extra_.push_back(field);
    added.push_back(field.name);
  }
  if (!added.empty()) schema_ = make_schema(extra_, raw_);
  return added;
}

std::string WebLogShared::saved() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const Field& field : extra_) text += fmt::format("{} {}\n", name_of(field.type), field.name);
  return text.empty() ? text : std::string(kSavedColumns) + text;
}

bool WebLogShared::restore(std::string_view saved) {
  if (!saved.starts_with(kSavedColumns)) return false;
  saved.remove_prefix(kSavedColumns.size());
  if (!saved.ends_with('\n')) return false;
  saved.remove_suffix(1);
  std::vector<Field> fields;
  for (const std::string_view line : split(saved, '\n')) {
    const size_t space = line.find(' ');
    const auto type = type_named(line.substr(0, space));
    if (!type || space == std::string_view::npos || space + 1 == line.size()) return false;
    fields.push_back({std::string(line.substr(space + 1)), *type});
  }
  widen(fields);
  return true;
}

void WebLogShared::tell_format(const std::string& origin, const Recognition& found) {
  std::string text = fmt::format("{}: format {}, recognised from its first {}", origin, name_of(found.format),
                                 found.lines == 1 ? "line" : count_of(found.lines, "line"));
  if (found.most_extra > 0) {
    extra_told_ = true;
    const bool all = found.least_extra == found.most_extra;
    text += fmt::format(", with {}{} at the end of {}, {}", all ? "" : "up to ",
                        count_of(found.most_extra, "more quoted field"), all ? "each line" : "its lines", extra_kept());
  }
  if (found.fit < found.lines) {
    text += fmt::format("; {} of them {} not fit and will be rejects", found.lines - found.fit,
                        found.lines - found.fit == 1 ? "does" : "do");
  }
  {
    const std::lock_guard lock(mutex_);
    if (!told_.insert(fmt::format("{}\n{}", origin, name_of(found.format))).second) return;
  }
  if (note_) note_(NoteLevel::info, text);
}

void WebLogShared::tell_extra(const std::string& origin, uint64_t line, uint32_t extra) {
  if (extra_told_.exchange(true) || !note_) return;
  note_(NoteLevel::info, fmt::format("{}:{}: {} at the end of the line, {}", origin, line,
                                     count_of(extra, "more quoted field"), extra_kept()));
}

std::unique_ptr<Cutter> make_web_log_cutter(std::shared_ptr<WebLogShared> shared, std::optional<WebLogFormatId> named,
                                            const std::string& origin) {
  return std::make_unique<WebLogCutter>(std::move(shared), named, origin);
}

}  // namespace leat
