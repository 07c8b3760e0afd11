#pragma once

// Walks through a document from record to record: prolog, the elements around the records, what columns take of them,
// the end. What it has learned is the state that travels with each chunk (docs/formats/xml.md §6). The cutter and the
// decoder walk the same bytes and learn the same. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/schema.h"
#include "decoders/xml_element.h"
#include "decoders/xml_paths.h"
#include "decoders/xml_scanner.h"
#include "decoders/xml_text.h"
#include "flow/cutter.h"

namespace leat {

// What a document is read by. Immutable and shared.
struct XmlPlan {
  XmlPaths paths;
  std::vector<XmlColumn> columns;
  SchemaPtr schema;  // null: not known yet
  Saw saw;           // of the paths that are watched
};
using XmlPlanPtr = std::shared_ptr<const XmlPlan>;

class XmlDocument {
 public:
  enum class What : uint8_t {
    record,  // `at` is the '<' of a record; record_done() before the next call, which begins behind it
    more,    // `at` is before what is not complete
    bad,     // trouble(), at trouble_at(); what is before `at` is sound
  };

  explicit XmlDocument(XmlPlanPtr plan);

  // `at`: a border.
  What next(const char*& at, const char* limit);
  void record_done();
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] const char* trouble_at() const { return trouble_at_; }
  // Tells what is watched in a record, which goes from `record` to `end`. "": done; else why it cannot be read.
  std::string watch_record(const char* record, const char* end);
  [[nodiscard]] bool refused() const { return refused_; }  // it is not malformed, but of a kind that cannot be read

  // "": it is complete; else what is missing: "inside <HOST>", "before its document element".
  [[nodiscard]] std::string unfinished() const;
  [[nodiscard]] size_t depth() const { return open_.size(); }
  // A record was in it, or it is over.
  [[nodiscard]] bool recorded() const { return open_.empty() ? phase_ == Phase::end : open_.front().recorded; }
  [[nodiscard]] const XmlEncoding& encoding() const { return encoding_; }
  // Of plan.paths.outer, in its order; changes only in next(). `changes` counts how often they did.
  [[nodiscard]] const std::vector<XmlHeld>& outer() const { return outer_; }
  [[nodiscard]] uint64_t changes() const { return changes_; }
  XmlScopes& scopes() { return scopes_; }

  // Printable text without newlines; never empty.
  [[nodiscard]] std::string save() const;
  // "": the beginning. bad_config: it is of another configuration.
  Status restore(std::string_view saved);

 private:
  class Outer;
  enum class Phase : uint8_t { start, prolog, typed, content, end };  // typed: behind a DOCTYPE
  struct Open {
    std::string name;
    uint32_t node = 0;
    bool recorded = false;  // a record was in it
  };

  What bad(std::string trouble, const char* at = nullptr);
  bool begin(const char*& at, const char* limit);
  What start(const XmlToken& token, const char*& at, const char* limit);
  bool end(const XmlToken& token);
  bool text(const XmlToken& token);
  bool instruction(const XmlToken& token);
  bool declaration(std::string_view body);
  What whole_element(const char*& at, const char* limit);

  XmlPlanPtr plan_;
  Phase phase_ = Phase::start;
  bool declared_ = false;  // the XML declaration was there
  XmlKind inside_ = XmlKind::more;
  XmlEncoding encoding_;
  std::vector<Open> open_;
  XmlScopes scopes_;
  std::vector<XmlHeld> outer_;
  uint64_t changes_ = 1;
  XmlNesting nesting_;
  XmlElementReader reader_;
  std::string trouble_;
  const char* trouble_at_ = nullptr;
  bool refused_ = false;
};

}  // namespace leat
