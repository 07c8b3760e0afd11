#include "decoders/xml_cutter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "decoders/xml_shape.h"

namespace leat {
namespace {

constexpr size_t kLearnBytes = 256 * 1024;  // as much is looked at to infer columns,
constexpr uint64_t kLearnRecords = 1000;    // or so many records
constexpr size_t kMostSaved = 64 * 1024;
constexpr size_t kMostCarried = 1024 * 1024;  // of one tag within a record that is too long
constexpr size_t kShown = 60;                 // bytes of what is wrong
constexpr size_t kShownOfAnother = 200;       // of what is no such document: an API's error message

class XmlCutter final : public Cutter {
 public:
  XmlCutter(std::shared_ptr<XmlShared> shared, const std::string& origin)
      : shared_(std::move(shared)), plan_(shared_->plan()), document_(plan_), origin_(visible(origin, 4096)) {}

  Result<Cut> whole(std::string_view bytes, const CutRule& rule) override {
    if (skipping_) start_record();  // the source begins again at the record
    if (!plan_->schema) return learn(bytes, rule);
    const char* const base = bytes.data();
    const char* const limit = base + bytes.size();
    const char* border = base;
    const char* record_end = base;
    const char* at = base + std::min(scanned_, bytes.size());
    uint64_t records = 0;
    while (records < rule.most_records) {
      if (!in_record_) {
        const auto what = document_.next(at, limit);
        border = at;
        if (what == XmlDocument::What::bad) {
          if (border > base || is_early(document_, limit, rule)) break;
          return failure(document_.trouble(), bytes, document_.trouble_at());
        }
        if (what == XmlDocument::What::more || (!recorded_ && border > base)) break;
        in_record_ = true;
        start_record();
      }
      const auto what = nesting_.go(at, limit);
      scanned_ = static_cast<size_t>(at - border);
      const char* const known = what == XmlNesting::What::done ? at : limit;
      if (what != XmlNesting::What::bad && static_cast<uint64_t>(known - border) > rule.max_record) {
        start_record();
        skipping_ = border == base;
        return taken(bytes, border, records, skipping_);
      }
      if (what == XmlNesting::What::more) break;
      const bool sound = what == XmlNesting::What::done;
      if (!sound || (shared_->infers() && !known_shape().knows({border, static_cast<size_t>(at - border)}))) {
        if (border == base && !sound) return failure(nesting_.trouble(), bytes, at);
        if (border == base) return learn(bytes, rule);
        start_record();
        break;
      }
      if (plan_->paths.watched_inside) {
        const std::string trouble = document_.watch_record(border, at);
        if (!trouble.empty() && border == base) return failure(trouble, bytes, border);
        if (!trouble.empty()) {
          start_record();
          break;
        }
      }
      end_record();
      border = record_end = at;
      ++records;
    }
    if (border == base && rule.ended) LEAT_TRY(closed(bytes));
    if (border == base && bytes.size() > rule.max_record) {
      return failure(fmt::format("a tag or a DOCTYPE is longer than {}", human_bytes(rule.max_record)), bytes, base);
    }
    LEAT_ASSIGN(Cut cut, taken(bytes, border, records, false));
    cut.tail = static_cast<size_t>(border - record_end);
    return cut;
  }

  Result<std::optional<size_t>> skip(std::string_view bytes) override {
    skipping_ = true;
    carried_.append(bytes);
    const char* at = carried_.data();
    const auto what = nesting_.go(at, at + carried_.size());
    if (what == XmlNesting::What::bad) return failure(nesting_.trouble(), carried_, at);
    const auto gone = static_cast<size_t>(at - carried_.data());
    if (what == XmlNesting::What::more && carried_.size() - gone > kMostCarried) {
      return failure(fmt::format("a tag is longer than {}", human_bytes(kMostCarried)), carried_, at);
    }
    skipped_ += gone;
    skipped_lines_ += count_newlines(std::string_view(carried_).substr(0, gone));
    if (what == XmlNesting::What::more) {
      carried_.erase(0, gone);
      return std::optional<size_t>();
    }
    const size_t left = carried_.size() - gone;
    offset_ += skipped_;
    line_ += skipped_lines_;
    end_record();
    return std::optional<size_t>(bytes.size() - left);
  }

  bool open_ended() const override { return false; }

  Status watch(const std::vector<std::string>& paths, Saw saw) override {
    LEAT_ASSIGN(plan_, shared_->watching(paths, std::move(saw)));
    document_ = XmlDocument(plan_);
    return {};
  }

  std::string inherited() const override { return document_.save(); }

  std::string save() const override { return fmt::format("{}:{} {}", offset_, line_, document_.save()); }

  Status restore(std::string_view saved) override {
    const std::string_view place = saved.substr(0, saved.find(' '));
    const size_t colon = std::min(place.find(':'), place.size());
    offset_ = static_cast<uint64_t>(parse_integer(place.substr(0, colon)).value_or(0));
    line_ = static_cast<uint64_t>(parse_integer(place.substr(std::min(colon + 1, place.size()))).value_or(1));
    in_record_ = false;
    end_scan();
    LEAT_TRY(restore_xml_document(saved, document_).within(origin_));
    recorded_ = document_.recorded();
    return {};
  }

 private:
  // The record at the border is looked at from its beginning.
  void start_record() {
    nesting_.reset(document_.depth());
    end_scan();
  }
  void end_record() {
    document_.record_done();
    recorded_ = true;
    in_record_ = false;
    end_scan();
  }
  void end_scan() {
    scanned_ = 0;
    skipping_ = false;
    carried_.clear();
    skipped_ = 0;
    skipped_lines_ = 0;
  }

  Result<Cut> taken(std::string_view bytes, const char* border, uint64_t records, bool too_long) {
    const auto size = static_cast<size_t>(border - bytes.data());
    if (size > 0) {
      offset_ += size;
      line_ += count_newlines(bytes.substr(0, size));
      if (save().size() > kMostSaved) {
        return Status::bad_data(
            fmt::format("{}: byte {}: the elements around the records, with their namespaces, take "
                        "more than {} to write down",
                        origin_, offset_, human_bytes(kMostSaved)));
      }
    }
    return Cut{.bytes = size, .lead = recorded_ ? 0 : size, .records = records, .too_long = too_long};
  }

  // With all bytes there.
  Status closed(std::string_view rest) {
    std::string inside = document_.unfinished();
    if (in_record_) {
      const std::string_view open = nesting_.open();
      const std::string_view record = plan_->paths.nodes[plan_->paths.record()].name.text;
      inside = fmt::format("inside <{}>", visible(open.empty() ? record : open, 80));
    } else if (inside.empty() && !rest.empty()) {
      inside = "inside a tag";
    }
    if (inside.empty()) return {};
    if (offset_ == 0 && rest.empty())
      return Status::bad_data(fmt::format("{}: is empty, which is no XML document", origin_));
    return Status::bad_data(fmt::format("{}:{}: ends at byte {} {}: the document is not closed; its last bytes are {}",
                                        origin_, line_ + count_newlines(rest), offset_ + rest.size(), inside,
                                        quoted(rest.substr(rest.size() - std::min<size_t>(rest.size(), 60)), 60)));
  }

  // `at` lies in `bytes`, which begin at offset_ + skipped_.
  Status failure(const std::string& trouble, std::string_view bytes, const char* at) {
    const auto before = static_cast<size_t>(at - bytes.data());
    std::string text =
        fmt::format("{}:{}: byte {}: {}", origin_, line_ + skipped_lines_ + count_newlines(bytes.substr(0, before)),
                    offset_ + skipped_ + before, trouble);
    if (document_.refused()) return Status::bad_config(std::move(text));
    const size_t shown = document_.depth() == 0 ? kShownOfAnother : kShown;
    const std::string_view there = bytes.substr(before, shown);
    if (!there.empty()) text += fmt::format("; there stands {}", quoted(there, shown));
    return Status::bad_data(std::move(text));
  }

  // Whether there will be more to show of what is no such document.
  static bool is_early(const XmlDocument& document, const char* limit, const CutRule& rule) {
    return !rule.ended && document.depth() == 0 &&
           limit - document.trouble_at() < static_cast<std::ptrdiff_t>(kShownOfAnother);
  }

  XmlShape& known_shape() {
    if (!shape_) shape_ = std::make_unique<XmlShape>(plan_->columns);
    return *shape_;
  }

  // Nothing was cut that has columns which are not known. `bytes` begin at the border.
  Result<Cut> learn(std::string_view bytes, const CutRule& rule) {
    XmlDocument document = document_;
    XmlShape shape(plan_->columns);
    XmlNesting nesting;
    uint64_t records = 0;
    const char* at = bytes.data();
    const char* const limit = at + bytes.size();
    while (records < kLearnRecords) {
      const auto what = document.next(at, limit);
      if (what == XmlDocument::What::bad && records == 0) {
        if (is_early(document, limit, rule)) return Cut{};
        refused_by(document);
        return failure(document.trouble(), bytes, document.trouble_at());
      }
      if (what != XmlDocument::What::record) break;
      const char* const begin = at;
      nesting.reset(document.depth());
      const auto inside = nesting.go(at, limit);
      if (inside == XmlNesting::What::bad && records == 0) return failure(nesting.trouble(), bytes, at);
      if (inside != XmlNesting::What::done) break;
      shape.see({begin, static_cast<size_t>(at - begin)}, document.encoding());
      document.record_done();
      ++records;
    }
    const bool first = !plan_->schema;
    const bool full = bytes.size() >= std::min<uint64_t>(kLearnBytes, rule.max_record);
    if (first && records == 0 && rule.ended) return nothing_learned(document, bytes);
    if (records == 0 && bytes.size() > rule.max_record) {
      return Status::bad_config(fmt::format(
          "{}: no whole record {} within its first {}, so its columns cannot be inferred; name them with "
          "columns = {{ … }}",
          origin_, quoted(plan_->paths.nodes[plan_->paths.record()].name.text, 80), human_bytes(bytes.size())));
    }
    if (first && records < kLearnRecords && !full && !rule.ended) return Cut{};
    if (records == 0) return Cut{};
    if (shape.too_many()) {
      return Status::bad_config(
          fmt::format("{}: its records have more than {} different elements and attributes; name the columns with "
                      "columns = {{ … }}",
                      origin_, XmlShape::kMostColumns));
    }
    std::vector<XmlColumn> columns = shape.columns();
    if (columns.empty()) {
      return Status::bad_config(fmt::format("{}: its first {} have no content that could become columns", origin_,
                                            records == 1 ? "record" : with_commas(records) + " records"));
    }
    if (columns.size() == plan_->columns.size())
      return Status::bug(origin_ + ": nothing new in a record with new columns");
    std::string names;
    for (size_t i = plan_->columns.size(); i < columns.size(); ++i) {
      names +=
          fmt::format("{}{} ({})", names.empty() ? "" : ", ", visible(columns[i].name, 80), name_of(columns[i].type));
    }
    LEAT_TRY(shared_->widen(std::move(columns)));
    return Status::retry(fmt::format("{}: {} {}", origin_,
                                     first ? fmt::format("columns from its first {}:",
                                                         records == 1 ? "record" : with_commas(records) + " records")
                                           : "the table gets",
                                     names))
        .with_retry_after_ms(0);
  }

  // A document without any record has nothing to say of columns, but must be whole.
  Result<Cut> nothing_learned(const XmlDocument& document, std::string_view bytes) {
    const std::string inside = document.unfinished();
    if (inside.empty()) return Cut{};
    return Status::bad_data(
        fmt::format("{}: ends at byte {} {}: the document is not closed", origin_, offset_ + bytes.size(), inside));
  }

  void refused_by(const XmlDocument& document) {
    if (document.refused()) document_ = document;
  }

  std::shared_ptr<XmlShared> shared_;
  XmlPlanPtr plan_;
  XmlDocument document_;  // at the border
  std::string origin_;
  uint64_t offset_ = 0;  // of the border, in the document
  uint64_t line_ = 1;
  bool recorded_ = false;   // a record was before it
  bool in_record_ = false;  // the border is the '<' of a record,
  size_t scanned_ = 0;      // of which so much is understood
  XmlNesting nesting_;
  bool skipping_ = false;
  std::string carried_;  // of the last piece, what was not complete
  uint64_t skipped_ = 0;
  uint64_t skipped_lines_ = 0;
  std::unique_ptr<XmlShape> shape_;
};

XmlPlanPtr make_plan(const XmlOptions& options, std::vector<XmlColumn> columns, bool known) {
  size_t wrong = 0;
  auto paths = XmlPaths::compile(options.record, columns, options.namespaces, &wrong);
  if (!paths.ok()) return nullptr;
  XmlPlan plan{*std::move(paths), std::move(columns), nullptr, nullptr};
  if (known) {
    Schema schema;
    for (const XmlColumn& column : plan.columns) schema.fields.push_back({column.name, column.type});
    if (options.raw) schema.fields.push_back({"raw_log", Type::text, true});
    plan.schema = std::make_shared<const Schema>(std::move(schema));
  }
  return std::make_shared<const XmlPlan>(std::move(plan));
}

}  // namespace

XmlShared::XmlShared(XmlOptions options)
    : options_(std::move(options)),
      infers_(options_.columns.empty()),
      plan_(make_plan(options_, options_.columns, !infers_)) {}

XmlPlanPtr XmlShared::plan() const {
  const std::lock_guard lock(mutex_);
  return plan_;
}

Result<XmlPlanPtr> XmlShared::watching(const std::vector<std::string>& paths, Saw saw) const {
  XmlPlan plan = *this->plan();
  size_t wrong = 0;
  LEAT_ASSIGN(plan.paths, XmlPaths::compile(options_.record, plan.columns, options_.namespaces, &wrong, paths));
  plan.saw = std::move(saw);
  return std::make_shared<const XmlPlan>(std::move(plan));
}

Status XmlShared::widen(std::vector<XmlColumn> columns) {
  XmlPlanPtr plan = make_plan(options_, std::move(columns), true);
  if (!plan) return Status::bug("inferred columns have paths that are none");
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
  return {};
}

std::unique_ptr<Cutter> make_xml_cutter(std::shared_ptr<XmlShared> shared, const std::string& origin) {
  return std::make_unique<XmlCutter>(std::move(shared), origin);
}

Status restore_xml_document(std::string_view saved, XmlDocument& document) {
  const size_t space = saved.find(' ');
  if (space == std::string_view::npos) return document.restore({});
  return document.restore(saved.substr(space + 1));
}

}  // namespace leat
