#pragma once

// Where the records of an access log end, and which format a part has: docs/formats/web-log.md §8 and §9. The cutters
// of one decoder share its schema, which grows when a part has columns that were not expected.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "data/schema.h"
#include "decoders/web_log_format.h"
#include "flow/cutter.h"
#include "flow/note.h"

namespace leat {

// What one part is read by; what the cutter saves.
struct PartFormat {
  WebLogFormatId id = WebLogFormatId::nginx_combined;
  std::string fields;  // of w3c: as w3c_fields_of() gives them

  [[nodiscard]] std::string saved() const;
  // Nothing when `saved` is none.
  static std::optional<PartFormat> parse(std::string_view saved);
  // The columns besides the standard ones.
  [[nodiscard]] std::vector<Field> extra_fields() const;
};

std::string count_of(uint64_t number, std::string_view noun);  // "1 line", "2,000 lines"

// What the decoder and its cutters have in common. Any thread.
class WebLogShared {
 public:
  WebLogShared(std::vector<Field> extra, bool raw, Note note);

  [[nodiscard]] SchemaPtr schema() const;
  // Makes room for these columns; returns the names of those that were not there.
  std::vector<std::string> widen(const std::vector<Field>& fields);
  // The columns besides the standard ones as text, and back; "": there are none. False: the text is none.
  [[nodiscard]] std::string saved() const;
  [[nodiscard]] bool restore(std::string_view saved);
  // Says which format a file has, once for each.
  void tell_format(const std::string& origin, const Recognition& found);
  // Says once that there are fields which no column takes.
  void tell_extra(const std::string& origin, uint64_t line, uint32_t extra);

 private:
  [[nodiscard]] const char* extra_kept() const { return raw_ ? "kept in raw_log only" : "not kept"; }

  const bool raw_;
  mutable std::mutex mutex_;  // guards the next three
  std::vector<Field> extra_;
  SchemaPtr schema_;
  std::set<std::string> told_;
  std::atomic<bool> extra_told_ = false;
  const Note note_;
};

// `named`: the format that configuration names, or nginx_json for one that it gives.
std::unique_ptr<Cutter> make_web_log_cutter(std::shared_ptr<WebLogShared> shared, std::optional<WebLogFormatId> named,
                                            const std::string& origin);

}  // namespace leat
