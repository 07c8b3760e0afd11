#include "decoders/xml_document.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace leat {
namespace {

constexpr size_t kMostOuterBytes = 32 * 1024;    // of the values that are kept for the records to come
constexpr size_t kMostElementBytes = 64 * 1024;  // of an element that is read as a whole

bool is_space(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_xml_space);
}

}  // namespace

// Keeps what columns take of the elements around the records, and tells what is watched.
class XmlDocument::Outer final : public XmlValues {
 public:
  Outer(XmlDocument& document, std::string_view name) : document_(document), name_(name) {}
  std::string trouble;

  void attribute(uint32_t column, std::string_view raw) override {
    std::string made;
    std::string_view text;
    if (column < columns()) return take(column, raw);
    if (xml_attribute_text(raw, document_.encoding_, made, &text, &trouble)) tell(column, text);
  }
  void element(uint32_t column, const XmlElement& element) override {
    std::string made;
    std::string_view text;
    if (column < columns()) return take(column, element);
    if (xml_element_text(element, document_.encoding_, made, &text, &trouble)) tell(column, text);
  }

 private:
  [[nodiscard]] size_t columns() const { return document_.plan_->columns.size(); }

  void tell(uint32_t column, std::string_view text) {
    text = trim(text);
    if (text.size() > kMostElementBytes) {
      trouble = fmt::format("{} is longer than {}", quoted(name_, 80), human_bytes(kMostElementBytes));
    } else {
      document_.plan_->saw(column - columns(), text);
    }
  }

  template <class Found>
  void take(uint32_t column, const Found& found) {
    const auto& outer = document_.plan_->paths.outer;
    const auto place =
        std::find_if(outer.begin(), outer.end(), [&](const auto& known) { return known.first == column; });
    if (place == outer.end()) return;
    const XmlColumn& wanted = document_.plan_->columns[column];
    XmlHeld& held = document_.outer_[static_cast<size_t>(place - outer.begin())];
    if (wanted.repeated == XmlRepeated::first && held.count > 0) return;
    if (place->second > 0 && place->second <= document_.open_.size() && document_.open_[place->second - 1].recorded) {
      trouble = fmt::format(
          "column {}: {} stands behind records of the same <{}>, which have gone without it; a value around the "
          "records has to come before them",
          quoted(wanted.name, 80), quoted(name_, 80), visible(document_.open_[place->second - 1].name, 80));
      return;
    }
    hold_xml(wanted, document_.encoding_, found, held);
    ++document_.changes_;
    size_t bytes = 0;
    for (const XmlHeld& each : document_.outer_) bytes += each.text.size();
    if (bytes > kMostOuterBytes) {
      trouble = fmt::format("column {}: what columns take from around the records is more than {}",
                            quoted(wanted.name, 80), human_bytes(kMostOuterBytes));
    }
  }

  XmlDocument& document_;
  std::string_view name_;
};

XmlDocument::XmlDocument(XmlPlanPtr plan) : plan_(std::move(plan)), outer_(plan_->paths.outer.size()) {}

XmlDocument::What XmlDocument::bad(std::string trouble, const char* at) {
  trouble_ = std::move(trouble);
  if (at != nullptr) trouble_at_ = at;
  return What::bad;
}

void XmlDocument::record_done() {
  for (Open& open : open_) open.recorded = true;
  if (open_.empty()) phase_ = Phase::end;
}

XmlDocument::What XmlDocument::next(const char*& at, const char* limit) {
  while (at < limit) {
    trouble_at_ = at;
    if (inside_ != XmlKind::more) {
      const char* trouble = nullptr;
      if (!leave_xml_token(inside_, at, limit, &trouble)) return trouble != nullptr ? bad(trouble, at) : What::more;
      inside_ = XmlKind::more;
      continue;
    }
    if (phase_ == Phase::start && !begin(at, limit)) return trouble_.empty() ? What::more : What::bad;
    if (at == limit) break;
    const XmlToken token = next_xml_token(at, limit);
    bool good = true;
    switch (token.kind) {
      case XmlKind::bad:
        return bad(token.trouble, token.end);
      case XmlKind::more: {
        if (token.inside == XmlKind::text || token.inside == XmlKind::cdata) {
          XmlToken begun = token;
          begun.kind = token.inside;
          begun.body = {at, static_cast<size_t>(limit - at)};
          if (!text(begun)) return What::bad;
        }
        inside_ = enter_xml_token(token, at, limit);
        return What::more;
      }
      case XmlKind::start: {
        const char* const before = at;
        const What what = start(token, at, limit);
        if (what != What::more) return what;
        if (at == before) return What::more;
        continue;
      }
      case XmlKind::end:
        good = end(token);
        break;
      case XmlKind::text:
      case XmlKind::cdata:
        good = text(token);
        break;
      case XmlKind::instruction:
        good = instruction(token);
        break;
      case XmlKind::doctype:
        if (phase_ > Phase::prolog) return bad("a DOCTYPE stands only before the document element, and once");
        phase_ = Phase::typed;
        break;
      case XmlKind::comment:
        break;
    }
    if (!good) return What::bad;
    at = token.end;
  }
  return What::more;
}

// The first bytes. False: more are needed, or trouble_.
bool XmlDocument::begin(const char*& at, const char* limit) {
  const std::string_view bytes(at, static_cast<size_t>(limit - at));
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  const auto wide = [&](std::string_view first) { return bytes.starts_with(first); };
  using std::string_view_literals::operator""sv;
  if (wide("\xFF\xFE") || wide("\xFE\xFF") || wide("<\0"sv) || wide("\0<"sv) || wide("\0\0"sv)) {
    refused_ = true;
    trouble_ = "this is UTF-16 or UTF-32, which is not read; make it UTF-8 first: iconv -f UTF-16 -t UTF-8";
    return false;
  }
  if (bytes.size() < kMark.size() && (kMark.starts_with(bytes) || bytes[0] == '\xFF' || bytes[0] == '\xFE')) {
    return false;
  }
  if (bytes.size() == 1) return false;
  if (bytes.starts_with(kMark)) at += kMark.size();
  phase_ = Phase::prolog;
  return true;
}

bool XmlDocument::text(const XmlToken& token) {
  if (!open_.empty() || (token.kind == XmlKind::text && is_space(token.body))) return true;
  const auto* found = std::find_if_not(token.body.begin(), token.body.end(), is_xml_space);
  (void)bad(token.kind == XmlKind::cdata ? "CDATA stands outside of the document element"
            : phase_ == Phase::end       ? "text stands behind the end of the document"
                                         : "this is not XML: expected '<'",
            token.kind == XmlKind::cdata ? nullptr : found);
  return false;
}

bool XmlDocument::instruction(const XmlToken& token) {
  if (!equal_ignoring_case(token.name, "xml")) return true;
  if (token.name == "xml" && phase_ == Phase::prolog && !declared_) return declaration(token.body);
  (void)bad(phase_ == Phase::end ? "a second document begins behind the end of the first"
                                 : "an XML declaration stands only at the beginning of a document, and once");
  return false;
}

bool XmlDocument::declaration(std::string_view body) {
  XmlAttribute attribute;
  if (!next_xml_attribute(body, attribute) || attribute.name != "version" || !attribute.value.starts_with("1.")) {
    (void)bad("an XML declaration begins with version=\"1.0\"");
    return false;
  }
  while (next_xml_attribute(body, attribute)) {
    if (attribute.name != "encoding") continue;
    auto encoding = XmlEncoding::named(attribute.value);
    if (!encoding.ok()) {
      refused_ = true;
      (void)bad(encoding.status().message());
      return false;
    }
    encoding_ = *std::move(encoding);
  }
  declared_ = true;
  return true;
}

// more: goes on, unless `at` was left where it was.
XmlDocument::What XmlDocument::start(const XmlToken& token, const char*& at, const char* limit) {
  const XmlPaths& paths = plan_->paths;
  if (phase_ == Phase::end) {
    return bad(fmt::format("<{}> begins a second document behind the end of the first", visible(token.name, 80)));
  }
  const auto depth = static_cast<uint32_t>(open_.size()) + 1;
  if (depth > kDeepestXml) return bad(fmt::format("more than {} elements within each other", kDeepestXml));
  if (paths.namespaces) scopes_.open(depth, token.body);
  uint32_t hint = 0;
  uint32_t node = 0;
  if (open_.empty() || open_.back().node != 0) {
    node = find_xml_child(paths, open_.empty() ? 0 : open_.back().node, token.name, scopes_, &hint);
  }
  if (open_.empty() && node == 0) {
    scopes_.close(depth);
    return bad(fmt::format("the document element is <{}>, and records are looked for in <{}>", visible(token.name, 80),
                           visible(paths.nodes[paths.way.front()].name.text, 80)));
  }
  if (node == paths.record()) {
    if (paths.namespaces) scopes_.close(depth);
    return What::record;
  }
  if (node != 0 && !paths.nodes[node].values.empty()) {
    if (paths.namespaces) scopes_.close(depth);
    return whole_element(at, limit);
  }
  open_.push_back({std::string(token.name), node});
  if (node != 0 && !paths.nodes[node].attributes.empty()) {
    Outer outer(*this, token.name);
    read_xml_attributes(token.body, paths.nodes[node], scopes_, outer);
    if (!outer.trouble.empty()) {
      open_.pop_back();
      scopes_.close(depth);
      return bad(outer.trouble);
    }
  }
  phase_ = Phase::content;
  if (token.closed) end(token);
  at = token.end;
  return What::more;
}

// An element that a column takes: it is read when it is there as a whole.
XmlDocument::What XmlDocument::whole_element(const char*& at, const char* limit) {
  const char* end = at;
  nesting_.reset(open_.size());
  switch (nesting_.go(end, limit)) {
    case XmlNesting::What::more:
      if (limit - at <= static_cast<std::ptrdiff_t>(kMostElementBytes)) return What::more;
      return bad(fmt::format("<{}> is longer than {}, and has to be read as a whole",
                             visible(next_xml_token(at, limit).name, 80), human_bytes(kMostElementBytes)));
    case XmlNesting::What::bad:
      return bad(nesting_.trouble(), end);
    case XmlNesting::What::done:
      break;
  }
  const XmlToken token = next_xml_token(at, limit);
  const auto depth = static_cast<uint32_t>(open_.size()) + 1;
  uint32_t hint = 0;
  if (plan_->paths.namespaces) scopes_.open(depth, token.body);
  const uint32_t node = find_xml_child(plan_->paths, open_.back().node, token.name, scopes_, &hint);
  if (plan_->paths.namespaces) scopes_.close(depth);
  Outer outer(*this, token.name);
  reader_.read(at, end, depth - 1, plan_->paths, node, scopes_, outer);
  if (!outer.trouble.empty()) return bad(outer.trouble);
  at = end;
  return What::more;
}

std::string XmlDocument::watch_record(const char* record, const char* end) {
  Outer outer(*this, plan_->paths.nodes[plan_->paths.record()].name.text);
  reader_.read(record, end, static_cast<uint32_t>(depth()), plan_->paths, plan_->paths.record(), scopes_, outer);
  return outer.trouble;
}

bool XmlDocument::end(const XmlToken& token) {
  if (open_.empty() || open_.back().name != token.name) {
    (void)bad(open_.empty() ? fmt::format("</{}> ends an element that has not begun", visible(token.name, 80))
                            : fmt::format("expected </{}>, found </{}>", visible(open_.back().name, 80),
                                          visible(token.name, 80)));
    return false;
  }
  const std::vector<std::pair<uint32_t, uint32_t>>& outer = plan_->paths.outer;
  for (size_t i = 0; i < outer.size(); ++i) {
    if (outer[i].second != open_.size() || outer_[i].count == 0) continue;
    outer_[i] = {};
    ++changes_;
  }
  open_.pop_back();
  if (plan_->paths.namespaces) scopes_.close(static_cast<uint32_t>(open_.size()) + 1);
  if (open_.empty()) phase_ = Phase::end;
  return true;
}

std::string XmlDocument::unfinished() const {
  if (inside_ == XmlKind::comment) return "inside a comment";
  if (phase_ == Phase::end) return {};
  if (phase_ != Phase::content) return "before its document element";
  return fmt::format("inside <{}>", visible(open_.back().name, 80));
}

}  // namespace leat
