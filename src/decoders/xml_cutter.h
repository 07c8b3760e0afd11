#pragma once

// Where the records of a document end, and which columns they have when only they can say: docs/formats/xml.md §5, §6.
// The cutters of one decoder share its plan, which grows when records have columns that were not expected.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "decoders/xml.h"
#include "decoders/xml_document.h"
#include "flow/cutter.h"

namespace leat {

// What the decoder and its cutters have in common. Any thread.
class XmlShared {
 public:
  // The paths are sound.
  explicit XmlShared(XmlOptions options);

  [[nodiscard]] bool infers() const { return infers_; }
  [[nodiscard]] XmlPlanPtr plan() const;
  // The plan with these absolute paths to be told; for one cutter. bad_config: names the one that can be none.
  [[nodiscard]] Result<XmlPlanPtr> watching(const std::vector<std::string>& paths, Saw saw) const;
  // These are the columns from now on.
  Status widen(std::vector<XmlColumn> columns);

 private:
  const XmlOptions options_;
  const bool infers_;
  mutable std::mutex mutex_;  // guards plan_
  XmlPlanPtr plan_;
};

std::unique_ptr<Cutter> make_xml_cutter(std::shared_ptr<XmlShared> shared, const std::string& origin);

// What the document says at the border where the cutter saved this.
Status restore_xml_document(std::string_view saved, XmlDocument& document);

}  // namespace leat
