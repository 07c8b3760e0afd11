#include "decoders/json.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "decoders/json_document.h"
#include "decoders/json_extent.h"
#include "decoders/json_reader.h"
#include "decoders/json_shared.h"
#include "decoders/line_cutter.h"

namespace leat {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class JsonDecoder final : public Decoder {
 public:
  explicit JsonDecoder(std::shared_ptr<JsonShared> shared) : shared_(std::move(shared)) {}

  [[nodiscard]] SchemaPtr schema() const override {
    const JsonLayoutPtr layout = shared_->layout();
    return layout ? layout->schema : nullptr;
  }
  [[nodiscard]] std::string save_schema() const override { return shared_->save(); }
  Status restore_schema(std::string_view saved) override { return shared_->restore(saved); }
  [[nodiscard]] std::unique_ptr<Cutter> make_cutter(const std::string& origin) override {
    return make_json_cutter(shared_, origin);
  }

  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    batch.part = chunk.end.part;
    batch.origin = chunk.end.origin;
    batch.provisional = chunk.provisional;
    batch.arena = std::move(chunk.bytes);
    if (chunk.truncated) return reject_truncated(chunk, "record", batch, rejects);
    const JsonLayoutPtr layout = shared_->layout();
    JsonReader reader(*layout, batch);
    const bool document = chunk.context.empty() ? begins_json_document(shared_->records(), batch.arena).value_or(false)
                                                : chunk.context.starts_with(kJsonDocument);
    if (document) {
      read_records(chunk, *layout, reader, batch, rejects);
    } else {
      read_lines(chunk, reader, batch, rejects);
    }
    reader.finish();
  }

 private:
  static void read_lines(const Chunk& chunk, JsonReader& reader, const RecordBatch& batch, Rejects& rejects) {
    const std::string_view bytes = batch.arena;
    size_t at = chunk.start == chunk.base && bytes.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    for (uint64_t number = chunk.first_line; at < bytes.size(); ++number) {
      size_t end = at;
      while (end < bytes.size() && (bytes[end] == ' ' || bytes[end] == '\t' || bytes[end] == '\r')) ++end;
      if (end == bytes.size()) return;
      if (bytes[end] != '\n') {  // else a blank line
        const auto size = reader.read(bytes.substr(at), true, chunk.start + at, number);
        end = at + size.value_or(0);
        while (end < bytes.size() && bytes[end] != '\n') ++end;
        if (!size) {
          std::string_view line = bytes.substr(at, end - at);
          if (line.ends_with('\r')) line.remove_suffix(1);
          reject(chunk, reader, line, at, number, batch, rejects);
        }
      }
      at = end + 1;
    }
  }

  void read_records(const Chunk& chunk, const JsonLayout& layout, JsonReader& reader, const RecordBatch& batch,
                    Rejects& rejects) const {
    const std::string_view bytes = batch.arena;
    JsonDocument document(shared_->records(), layout.ancestors);
    if (chunk.start > chunk.base) {
      // After the offset and the line, which are the cutter's.
      std::string_view saved = std::string_view(chunk.context).substr(kJsonDocument.size());
      for (int i = 0; i < 2; ++i) saved.remove_prefix(std::min(saved.find(' ') + 1, saved.size()));
      (void)document.restore(saved);  // the cutter would have failed
    }
    uint64_t version = 0;
    uint64_t line = chunk.first_line;
    size_t counted = 0;
    for (size_t at = 0;;) {
      size_t taken = 0;
      if (document.advance(bytes.substr(at), &taken) != JsonDocument::Stand::record) break;
      at += taken;
      line += static_cast<uint64_t>(std::count(bytes.data() + counted, bytes.data() + at, '\n'));
      counted = at;
      if (document.version() != version) reader.set_ancestors(document.ancestors());
      version = document.version();
      // What the reader takes goes as far as its brackets say, which is where the cutter saw its end.
      auto size = reader.read(bytes.substr(at), false, chunk.start + at, line);
      if (!size) {
        bool ended = false;
        size = JsonExtent().take(bytes.substr(at), &ended);
        const std::string_view record = bytes.substr(at, *size);
        // Once more with nothing behind it: the reason does not depend on where the chunk ends.
        if (!reader.read(record, false, chunk.start + at, line))
          reject(chunk, reader, record, at, line, batch, rejects);
      }
      document.record_taken();
      at += *size;
    }
  }

  static void reject(const Chunk& chunk, const JsonReader& reader, std::string_view record, size_t at, uint64_t line,
                     const RecordBatch& batch, Rejects& rejects) {
    rejects.push_back(
        make_reject(batch.part, batch.origin, chunk.start + at, line, reader.column(), reader.reason(), record));
  }

  std::shared_ptr<JsonShared> shared_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> make_json_decoder(const JsonOptions& options, size_t* wrong) {
  if (wrong != nullptr) *wrong = options.columns.size();
  auto records = parse_json_pointer(options.records);
  if (!records) {
    return Status::bad_config(fmt::format(
        "records {} is no path of an array: \"/data/items\", with '*' for every element of an array on the way, '~0' "
        "for '~' and '~1' for '/'",
        quoted(options.records)));
  }
  JsonLayoutPtr layout;
  if (!options.columns.empty()) {
    LEAT_ASSIGN(layout, JsonLayout::make(*records, options.columns, options.raw, wrong));
  }
  return std::unique_ptr<Decoder>(
      std::make_unique<JsonDecoder>(std::make_shared<JsonShared>(*std::move(records), std::move(layout), options.raw)));
}

}  // namespace leat
