#pragma once

// What a JSON decoder and its cutters have in common: the paths, and the columns once they are known. Any thread.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "decoders/json_layout.h"
#include "flow/cutter.h"

namespace leat {

class JsonShared {
 public:
  // `layout`: null when the first records have to say what the columns are.
  JsonShared(std::vector<std::string> records, JsonLayoutPtr layout, bool raw)
      : records_(std::move(records)), raw_(raw), layout_(std::move(layout)) {}

  [[nodiscard]] const std::vector<std::string>& records() const { return records_; }
  // Null: not known yet.
  [[nodiscard]] JsonLayoutPtr layout() const;
  // Infers the columns from these records, unless they are known. Says what was inferred; "": none is an object.
  std::string infer(const std::vector<std::string_view>& sample);

  // What was inferred, as text; "": nothing was.
  [[nodiscard]] std::string save() const;
  Status restore(std::string_view saved);

 private:
  void set(std::vector<JsonColumn> columns);

  const std::vector<std::string> records_;
  const bool raw_;
  mutable std::mutex mutex_;  // guards what follows
  JsonLayoutPtr layout_;
  std::vector<JsonColumn> inferred_;
};

constexpr size_t kJsonSampleRecords = 100;
constexpr size_t kJsonSampleBytes = 256 * 1024;

std::unique_ptr<Cutter> make_json_cutter(std::shared_ptr<JsonShared> shared, const std::string& origin);

// What Cutter::save() says of lines and how it begins for a document.
constexpr std::string_view kJsonLines = "lines";
constexpr std::string_view kJsonDocument = "document ";

// Whether a part that begins so is one document; else lines. Nothing: that has to be seen yet.
std::optional<bool> begins_json_document(const std::vector<std::string>& records, std::string_view bytes);

}  // namespace leat
