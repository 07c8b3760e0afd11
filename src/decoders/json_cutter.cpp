#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "decoders/json_document.h"
#include "decoders/json_extent.h"
#include "decoders/json_shared.h"
#include "decoders/line_cutter.h"

namespace leat {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr size_t kShown = 200;  // bytes of a document that is another one
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class JsonCutter final : public Cutter {
 public:
  JsonCutter(std::shared_ptr<JsonShared> shared, const std::string& origin)
      : shared_(std::move(shared)), layout_(shared_->layout()), origin_(visible(origin, 4096)) {
    if (!shared_->records().empty()) begin(true);
  }

  Result<Cut> whole(std::string_view bytes, const CutRule& rule) override {
    if (!is_document_) {
      const auto found = begins_json_document(shared_->records(), bytes);
      if (!found && !rule.ended) return Cut{};
      begin(found.value_or(false));
    }
    if (!layout_) return learn(bytes, rule);
    if (!*is_document_) {
      const Cut cut = cut_lines(bytes, rule);
      LEAT_TRY(tell_lines(bytes.substr(0, cut.bytes)));
      moved_ = moved_ || cut.bytes > 0 || cut.too_long;
      return cut;
    }
    return cut_document(bytes, rule);
  }

  Status watch(const std::vector<std::string>& paths, Saw saw) override {
    LEAT_ASSIGN(watch_, JsonWatch::make(shared_->records(), paths, std::move(saw)));
    if (document_) begin(true);
    return {};
  }

  Result<std::optional<size_t>> skip(std::string_view bytes) override {
    if (!*is_document_) return skip_line(bytes);
    if (!skipping_) forget_record();
    skipping_ = true;
    bool ended = false;
    const size_t size = record_.take(bytes, &ended);
    move(bytes.substr(0, size));
    if (!ended) return std::optional<size_t>();
    forget_record();
    recorded_ = true;
    document_->record_taken();
    return std::optional(size);
  }

  [[nodiscard]] bool open_ended() const override { return !is_document_.value_or(false); }

  [[nodiscard]] std::string save() const override {
    if (!moved_) return {};
    if (!*is_document_) return std::string(kJsonLines);
    return fmt::format("{}{} {} {}", kJsonDocument, offset_, line_, document_->save());
  }

  [[nodiscard]] std::string inherited() const override { return document_ ? document_->save() : std::string(); }

  Status restore(std::string_view saved) override {
    moved_ = !saved.empty();
    if (saved.empty()) {
      is_document_.reset();
      if (!shared_->records().empty()) begin(true);
      return {};
    }
    if (saved == kJsonLines && shared_->records().empty()) {
      begin(false);
      return {};
    }
    const std::string_view text = saved;
    if (saved.starts_with(kJsonDocument)) {
      begin(true);
      saved.remove_prefix(kJsonDocument.size());
      const size_t first = std::min(saved.find(' '), saved.size());
      const size_t second = std::min(saved.find(' ', first + 1), saved.size());
      const auto offset = parse_integer(saved.substr(0, first));
      const auto line = second > first ? parse_integer(saved.substr(first + 1, second - first - 1)) : std::nullopt;
      if (offset && line && second < saved.size() && document_->restore(saved.substr(second + 1))) {
        offset_ = static_cast<uint64_t>(*offset);
        line_ = static_cast<uint64_t>(*line);
        recorded_ = document_->recorded();
        return {};
      }
    }
    return Status::bad_config(fmt::format(
        "{}: its saved state {} does not fit the format; 'records' or the columns from around the records have changed",
        origin_, quoted(text, 80)));
  }

 private:
  void begin(bool document) {
    is_document_ = document;
    offset_ = 0;
    line_ = 1;
    recorded_ = false;
    first_bytes_.clear();
    forget_record();
    document_.reset();
    static const std::vector<JsonAncestor> none;
    if (document) document_.emplace(shared_->records(), layout_ ? layout_->ancestors : none, &watch_);
  }

  Status tell_lines(std::string_view bytes) {
    while (watch_.inside_records() && !bytes.empty()) {
      const std::string_view line = bytes.substr(0, bytes.find('\n'));
      const std::string trouble = watch_.tell_record(line);
      if (!trouble.empty()) return Status::bad_data(fmt::format("{}: {}; in {}", origin_, trouble, quoted(line, 80)));
      bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    }
    return {};
  }

  // Goes over `bytes`, which are whole records and what is between them.
  void move(std::string_view bytes) {
    offset_ += bytes.size();
    line_ += count_newlines(bytes);
    moved_ = true;
    if (first_bytes_.size() < kShown) first_bytes_ += bytes.substr(0, kShown - first_bytes_.size());
  }

  void forget_record() {
    record_ = {};
    seen_ = 0;
    at_record_ = skipping_ = false;
  }

  Result<Cut> cut_document(std::string_view bytes, const CutRule& rule) {
    if (skipping_) forget_record();
    size_t at = 0;
    size_t record_end = 0;
    auto stand = JsonDocument::Stand::more;
    uint64_t records = 0;
    while (records < rule.most_records) {
      if (!at_record_) {
        size_t taken = 0;
        stand = document_->advance(bytes.substr(at), &taken);
        at += taken;
        if (stand != JsonDocument::Stand::record || (!recorded_ && at > 0)) break;
        at_record_ = true;
      }
      stand = JsonDocument::Stand::record;
      bool ended = false;
      if (bytes.size() - at > seen_) seen_ += record_.take(bytes.substr(at + seen_), &ended);
      if (seen_ > rule.max_record) {
        if (at == 0) return Cut{.too_long = true};
        break;
      }
      if (!ended) break;
      if (watch_.inside_records()) {
        std::string trouble = watch_.tell_record(bytes.substr(at, seen_));
        if (!trouble.empty() && at == 0) return malformed(trouble, at, bytes);
        if (!trouble.empty()) {
          seen_ = 0;
          record_ = {};
          break;
        }
      }
      at += seen_;
      record_end = at;
      forget_record();
      recorded_ = true;
      document_->record_taken();
      ++records;
    }
    if (at > 0) {
      move(bytes.substr(0, at));
      return Cut{.bytes = at, .lead = recorded_ ? 0 : at, .records = records, .tail = at - record_end};
    }
    if (stand == JsonDocument::Stand::trouble) {
      std::string trouble = document_->trouble();
      if (document_->is_another()) {
        const std::string all = first_bytes_ + std::string(bytes.substr(0, kShown));
        trouble += fmt::format("; it begins with {}", quoted(all, kShown));
      }
      return malformed(trouble, at, bytes);
    }
    if (!rule.ended || stand == JsonDocument::Stand::end) return Cut{};
    return malformed(document_->unclosed(), bytes.size(), bytes);
  }

  // Where the columns are not known yet, the first records say them; nothing is taken before.
  Result<Cut> learn(std::string_view bytes, const CutRule& rule) {
    if (!shared_->layout()) {
      std::vector<std::string_view> sample;
      bool ended = rule.ended;
      if (bytes.empty() && !*is_document_) return Cut{};
      if (!*is_document_) {
        sample = first_lines(bytes, rule.ended);
      } else {
        JsonDocument document = *document_;
        Status trouble;
        sample = first_records(document, bytes, rule, trouble, &ended);
        if (sample.empty() && !trouble.ok()) return trouble;
        if (sample.empty() && ended) return Cut{};  // no record is in it
      }
      if (sample.empty() && !ended && bytes.size() <= rule.max_record) return Cut{};
      if (!ended && sample.size() < kJsonSampleRecords && bytes.size() < kJsonSampleBytes) return Cut{};
      const std::string inferred = shared_->infer(sample);
      if (inferred.empty()) {
        return Status::bad_config(fmt::format(
            "{}: no record in its first {} is a JSON object, so the columns cannot be inferred; {}", origin_,
            human_bytes(bytes.size()),
            *is_document_ ? "'records' has to name another array, or declare 'columns'"
                          : "each line has to be a record, or 'records' has to name an array; or declare 'columns'"));
      }
      return Status::retry(fmt::format("{}: {}", origin_, inferred)).with_retry_after_ms(0);
    }
    return Status::retry(fmt::format("{}: the columns are known now", origin_)).with_retry_after_ms(0);
  }

  static std::vector<std::string_view> first_lines(std::string_view bytes, bool ended) {
    std::vector<std::string_view> sample;
    if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
    while (!bytes.empty() && sample.size() < kJsonSampleRecords) {
      const size_t newline = bytes.find('\n');
      if (newline == std::string_view::npos && !ended) break;
      const std::string_view line = bytes.substr(0, newline);
      if (line.find_first_not_of(kSpaces) != std::string_view::npos) sample.push_back(line);
      bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    }
    return sample;
  }

  // `*ended`: no more records will come. `trouble`: why.
  std::vector<std::string_view> first_records(JsonDocument& document, std::string_view bytes, const CutRule& rule,
                                              Status& trouble, bool* ended) const {
    std::vector<std::string_view> sample;
    size_t at = 0;
    while (sample.size() < kJsonSampleRecords) {
      size_t taken = 0;
      const auto stand = document.advance(bytes.substr(at), &taken);
      at += taken;
      if (stand == JsonDocument::Stand::record) {
        bool whole = false;
        const size_t size = JsonExtent().take(bytes.substr(at), &whole);
        if (whole) {
          sample.push_back(bytes.substr(at, size));
          at += size;
          document.record_taken();
          continue;
        }
      }
      if (stand == JsonDocument::Stand::trouble) trouble = malformed(document.trouble(), at, bytes);
      if (stand != JsonDocument::Stand::trouble && stand != JsonDocument::Stand::end && rule.ended) {
        trouble = malformed(document.unclosed(), bytes.size(), bytes);
      }
      *ended = rule.ended || stand == JsonDocument::Stand::trouble || stand == JsonDocument::Stand::end;
      break;
    }
    return sample;
  }

  [[nodiscard]] Status malformed(const std::string& what, size_t at, std::string_view bytes) const {
    return Status::bad_data(
        fmt::format("{}:{}: byte {}: {}", origin_, line_ + count_newlines(bytes.substr(0, at)), offset_ + at, what));
  }

  std::shared_ptr<JsonShared> shared_;
  const JsonLayoutPtr layout_;  // null: not known when this was made
  const std::string origin_;
  JsonWatch watch_;
  std::optional<bool> is_document_;
  std::optional<JsonDocument> document_;
  bool moved_ = false;
  uint64_t offset_ = 0;    // of the last border, in the document
  uint64_t line_ = 1;      // there
  bool recorded_ = false;  // a record was before it
  std::string first_bytes_;

  JsonExtent record_;  // the record at the border, as far as it was seen
  uint64_t seen_ = 0;
  bool at_record_ = false;
  bool skipping_ = false;
};

}  // namespace

std::optional<bool> begins_json_document(const std::vector<std::string>& records, std::string_view bytes) {
  if (!records.empty()) return true;
  if (kByteOrderMark.starts_with(bytes)) return std::nullopt;
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  const size_t first = bytes.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return std::nullopt;
  return bytes[first] == '[';
}

std::unique_ptr<Cutter> make_json_cutter(std::shared_ptr<JsonShared> shared, const std::string& origin) {
  return std::make_unique<JsonCutter>(std::move(shared), origin);
}

}  // namespace leat
