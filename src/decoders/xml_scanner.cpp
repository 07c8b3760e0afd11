#include "decoders/xml_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "base/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace leat {
namespace {

// 1: begins a name; 2: stands within one.
constexpr auto kNames = [] {
  std::array<uint8_t, 256> table{};
  for (size_t c = 0; c < table.size(); ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || c >= 0x80;
    const bool other = (c >= '0' && c <= '9') || c == '-' || c == '.';
    table[c] = letter ? 3 : other ? 2 : 0;
  }
  return table;
}();

bool begins_name(char c) {
  return (kNames[static_cast<unsigned char>(c)] & 1) != 0;
}

bool is_plain_text(char c) {
  return (c >= ' ' && c != '&' && c != ']') || c == '\n' ||
         c == '\t';  // char is signed: bytes from 80 on are below ' '
}

// The first '<' of [at, limit), or `limit`.
const char* find_tag(const char* at, const char* limit) {
#if defined(__SSE2__)
  const __m128i less = _mm_set1_epi8('<');
  while (limit - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, less)));
    if (mask != 0) return at + std::countr_zero(mask);
    at += 16;
  }
#endif
  while (at < limit && *at != '<') ++at;
  return at;
}

// The first two equal bytes `c` in [at, limit), or null.
const char* find_pair(const char* at, const char* limit, char c) {
#if defined(__SSE2__)
  const __m128i wanted = _mm_set1_epi8(c);
  while (limit - at > 16) {
    const __m128i here = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)), wanted);
    const __m128i next = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 1)), wanted);
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_and_si128(here, next)));
    if (mask != 0) return at + std::countr_zero(mask);
    at += 16;
  }
#endif
  for (; limit - at >= 2; ++at) {
    if (at[0] == c && at[1] == c) return at;
  }
  return nullptr;
}

XmlToken bad(const char* at, const char* trouble) {
  XmlToken token;
  token.kind = XmlKind::bad;
  token.end = at;
  token.trouble = trouble;
  return token;
}

XmlToken more(XmlKind inside) {
  XmlToken token;
  token.inside = inside;
  return token;
}

const char* skip_space(const char* at, const char* limit) {
  while (at < limit && is_xml_space(*at)) ++at;
  return at;
}

bool has_duplicates(std::string_view body, size_t count) {
  std::vector<std::string_view> names;
  names.reserve(count);
  for (XmlAttribute attribute; next_xml_attribute(body, attribute);) names.push_back(attribute.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// `at`: behind the name, where neither '>' nor "/>" stands.
XmlToken with_attributes(XmlToken token, const char* at, const char* limit) {
  const char* const begin = at;
  for (size_t count = 0;; ++count) {
    const char* const name = skip_space(at, limit);
    if (name == limit || (*name == '/' && name + 1 == limit)) return more(XmlKind::more);
    if (*name == '>' || (*name == '/' && name[1] == '>')) {
      token.closed = *name == '/';
      token.end = name + (token.closed ? 2 : 1);
      token.body = {begin, static_cast<size_t>(name - begin)};
      if (count > 1 && has_duplicates(token.body, count)) return bad(begin, "an attribute is there twice");
      return token;
    }
    if (!begins_name(*name) || name == at) return bad(name, "expected an attribute, '>' or '/>'");
    at = skip_space(find_xml_name_end(name, limit), limit);
    if (at == limit) return more(XmlKind::more);
    if (*at != '=') return bad(at, "expected '=' after the name of an attribute");
    at = skip_space(at + 1, limit);
    if (at == limit) return more(XmlKind::more);
    if (*at != '"' && *at != '\'') return bad(at, "expected the value of an attribute in quotes");
    const char quote = *at++;
    const auto* close = static_cast<const char*>(std::memchr(at, quote, static_cast<size_t>(limit - at)));
    const char* const stop = close == nullptr ? limit : close;
    if (const void* less = std::memchr(at, '<', static_cast<size_t>(stop - at)); less != nullptr) {
      return bad(static_cast<const char*>(less), "'<' stands in the value of an attribute");
    }
    if (close == nullptr) return more(XmlKind::more);
    at = close + 1;
  }
}

XmlToken start_tag(const char* at, const char* limit) {
  const char* const name = at + 1;
  const char* const stop = find_xml_name_end(name, limit);
  if (stop == limit || (*stop == '/' && stop + 1 == limit)) return more(XmlKind::more);
  XmlToken token;
  token.kind = XmlKind::start;
  token.name = {name, static_cast<size_t>(stop - name)};
  token.body = std::string_view(stop, stop);
  token.end = stop + 1;
  if (*stop == '>') return token;
  if (*stop == '/' && stop[1] == '>') {
    token.closed = true;
    token.end = stop + 2;
    return token;
  }
  return with_attributes(token, stop, limit);
}

XmlToken end_tag(const char* at, const char* limit) {
  const char* const name = at + 2;
  if (name == limit) return more(XmlKind::more);
  if (!begins_name(*name)) return bad(name, "expected the name of an element");
  const char* const stop = find_xml_name_end(name, limit);
  const char* const close = skip_space(stop, limit);
  if (close == limit) return more(XmlKind::more);
  if (*close != '>') return bad(close, "expected '>' at the end of a tag");
  XmlToken token;
  token.kind = XmlKind::end;
  token.name = {name, static_cast<size_t>(stop - name)};
  token.end = close + 1;
  return token;
}

// A text, CDATA, comment or instruction; `body`: where its content begins; `tail`: how long its end is.
XmlToken enclosed(XmlKind kind, const char* body, const char* limit, size_t tail) {
  size_t kept = 0;
  const char* trouble = nullptr;
  const char* const end = find_xml_end(kind, body, limit, &kept, &trouble);
  if (trouble != nullptr) return bad(end, trouble);
  if (end == nullptr) return more(kind);
  XmlToken token;
  token.kind = kind;
  token.end = end;
  token.body = {body, static_cast<size_t>(end - body) - tail};
  return token;
}

XmlToken instruction(const char* at, const char* limit) {
  const char* const name = at + 2;
  if (name == limit) return more(XmlKind::more);
  if (!begins_name(*name)) return bad(name, "expected the name of a processing instruction");
  const char* const stop = find_xml_name_end(name, limit);
  if (limit - stop < 2) return more(XmlKind::more);
  if (!is_xml_space(*stop) && (stop[0] != '?' || stop[1] != '>')) {
    return bad(stop, "expected a space after the name of a processing instruction");
  }
  XmlToken token = enclosed(XmlKind::instruction, stop, limit, 2);
  token.name = {name, static_cast<size_t>(stop - name)};
  return token;
}

// Goes over it without reading it: quotes, comments, instructions and the brackets of the internal subset count.
XmlToken doctype(const char* at, const char* limit) {
  constexpr std::string_view kWord = "<!DOCTYPE";
  bool subset = false;
  const char* next = at + kWord.size();
  if (next < limit && !is_xml_space(*next)) return bad(next, "expected a space after <!DOCTYPE");
  while (next < limit) {
    const char c = *next;
    if (c == '"' || c == '\'') {
      next = static_cast<const char*>(std::memchr(next + 1, c, static_cast<size_t>(limit - next - 1)));
      if (next == nullptr) return more(XmlKind::doctype);
    } else if (c == '<') {
      if (!subset) return bad(next, "'<' stands in the DOCTYPE");
      if (limit - next < 4) return more(XmlKind::doctype);
      const bool comment = std::memcmp(next, "<!--", 4) == 0;
      if (comment || next[1] == '?') {
        size_t kept = 0;
        const char* trouble = nullptr;
        next = find_xml_end(comment ? XmlKind::comment : XmlKind::instruction, next + (comment ? 4 : 2), limit, &kept,
                            &trouble);
        if (trouble != nullptr) return bad(next, trouble);
        if (next == nullptr) return more(XmlKind::doctype);
        continue;
      }
    } else if (c == '[') {
      subset = true;
    } else if (c == ']') {
      subset = false;
    } else if (c == '>' && !subset) {
      XmlToken token;
      token.kind = XmlKind::doctype;
      token.end = next + 1;
      token.body = {at + kWord.size(), static_cast<size_t>(next - at) - kWord.size()};
      return token;
    }
    ++next;
  }
  return more(XmlKind::doctype);
}

XmlToken declaration(const char* at, const char* limit) {
  constexpr std::string_view kComment = "<!--";
  constexpr std::string_view kCdata = "<![CDATA[";
  constexpr std::string_view kDoctype = "<!DOCTYPE";
  const std::string_view there(at, static_cast<size_t>(limit - at));
  for (const std::string_view word : {kComment, kCdata, kDoctype}) {
    if (there.size() < word.size() && word.starts_with(there)) return more(XmlKind::more);
  }
  if (there.starts_with(kComment)) return enclosed(XmlKind::comment, at + kComment.size(), limit, 3);
  if (there.starts_with(kCdata)) return enclosed(XmlKind::cdata, at + kCdata.size(), limit, 3);
  if (there.starts_with(kDoctype)) return doctype(at, limit);
  return bad(at, "expected a comment, CDATA or DOCTYPE after '<!'");
}

}  // namespace

const char* find_xml_name_end(const char* at, const char* limit) {
  while (at < limit && kNames[static_cast<unsigned char>(*at)] != 0) ++at;
  return at;
}

const char* find_xml_text_end(const char* at, const char* limit, bool* plain) {
  bool strange = false;
#if defined(__SSE2__)
  const __m128i less = _mm_set1_epi8('<');
  const __m128i lowest = _mm_set1_epi8(' ');
  const __m128i newline = _mm_set1_epi8('\n');
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i ampersand = _mm_set1_epi8('&');
  const __m128i bracket = _mm_set1_epi8(']');
  while (limit - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto ends = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, less)));
    const __m128i spaces = _mm_or_si128(_mm_cmpeq_epi8(bytes, newline), _mm_cmpeq_epi8(bytes, tab));
    const __m128i low = _mm_andnot_si128(spaces, _mm_cmplt_epi8(bytes, lowest));  // signed: from 80 on as well
    const __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, ampersand), _mm_cmpeq_epi8(bytes, bracket));
    auto stranges = static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(low, marks)));
    if (ends != 0) {
      const int length = std::countr_zero(ends);
      stranges &= (1U << length) - 1;
      *plain = !strange && stranges == 0;
      return at + length;
    }
    strange = strange || stranges != 0;
    at += 16;
  }
#endif
  for (; at < limit && *at != '<'; ++at) strange = strange || !is_plain_text(*at);
  *plain = !strange;
  return at;
}

const char* find_xml_end(XmlKind inside, const char* at, const char* limit, size_t* kept, const char** trouble) {
  const auto left = static_cast<size_t>(limit - at);
  *kept = 0;
  switch (inside) {
    case XmlKind::text:
      return static_cast<const char*>(std::memchr(at, '<', left));
    case XmlKind::instruction:
      for (const char* mark = at; mark < limit; ++mark) {
        mark = static_cast<const char*>(std::memchr(mark, '?', static_cast<size_t>(limit - mark)));
        if (mark == nullptr) return nullptr;
        if (mark + 1 == limit) break;
        if (mark[1] == '>') return mark + 2;
      }
      *kept = std::min<size_t>(left, 1);
      return nullptr;
    case XmlKind::comment:
      if (const char* pair = find_pair(at, limit, '-'); pair != nullptr && limit - pair > 2) {
        if (pair[2] == '>') return pair + 3;
        *trouble = "'--' stands in a comment";
        return pair;
      }
      break;
    default:  // CDATA
      for (const char* from = at; (from = find_pair(from, limit, ']')) != nullptr; ++from) {
        if (limit - from > 2 && from[2] == '>') return from + 3;
      }
  }
  *kept = std::min<size_t>(left, 2);
  return nullptr;
}

XmlToken next_xml_token(const char* at, const char* limit) {
  if (*at != '<') {
    XmlToken token;
    token.end = find_xml_text_end(at, limit, &token.plain);
    if (token.end == limit) return more(XmlKind::text);
    token.kind = XmlKind::text;
    token.body = {at, static_cast<size_t>(token.end - at)};
    return token;
  }
  if (at + 1 == limit) return more(XmlKind::more);
  const char next = at[1];
  if (next == '/') return end_tag(at, limit);
  if (begins_name(next)) return start_tag(at, limit);
  if (next == '!') return declaration(at, limit);
  if (next == '?') return instruction(at, limit);
  return bad(at + 1, "expected the name of an element after '<'; a '<' that is meant as text is written &lt;");
}

bool next_xml_attribute(std::string_view& body, XmlAttribute& attribute) {
  const char* const begin = body.data();
  const char* const limit = begin + body.size();
  const char* const name = skip_space(begin, limit);
  const char* const stop = find_xml_name_end(name, limit);
  const char* at = skip_space(stop, limit);
  if (stop == name || at == limit || *at != '=') return false;
  at = skip_space(at + 1, limit);
  if (at == limit || (*at != '"' && *at != '\'')) return false;
  const auto* close = static_cast<const char*>(std::memchr(at + 1, *at, static_cast<size_t>(limit - at - 1)));
  if (close == nullptr) return false;
  attribute.name = {name, static_cast<size_t>(stop - name)};
  attribute.value = {at + 1, static_cast<size_t>(close - at - 1)};
  body.remove_prefix(static_cast<size_t>(close + 1 - body.data()));
  return true;
}

XmlKind enter_xml_token(const XmlToken& token, const char*& at, const char* limit) {
  if (token.inside == XmlKind::text) at = limit;
  if (token.inside != XmlKind::comment && token.inside != XmlKind::cdata) return XmlKind::more;
  constexpr size_t kComment = 4;  // <!--
  constexpr size_t kCdata = 9;    // <![CDATA[
  at += token.inside == XmlKind::comment ? kComment : kCdata;
  const char* trouble = nullptr;
  leave_xml_token(token.inside, at, limit, &trouble);
  return token.inside;
}

bool leave_xml_token(XmlKind inside, const char*& at, const char* limit, const char** trouble) {
  size_t kept = 0;
  const char* const end = find_xml_end(inside, at, limit, &kept, trouble);
  at = end != nullptr ? end : limit - kept;
  return end != nullptr && *trouble == nullptr;
}

void XmlNesting::push(std::string_view name) {
  names_.append(name);
  lengths_.push_back(static_cast<uint32_t>(name.size()));
}

void XmlNesting::pop() {
  names_.resize(names_.size() - lengths_.back());
  lengths_.pop_back();
}

std::string_view XmlNesting::open() const {
  if (lengths_.empty()) return {};
  return std::string_view(names_).substr(names_.size() - lengths_.back());
}

void XmlNesting::reset(size_t depth) {
  names_.clear();
  lengths_.clear();
  depth_ = depth;
  inside_ = XmlKind::more;
}

XmlNesting::What XmlNesting::bad(std::string trouble) {
  trouble_ = std::move(trouble);
  return What::bad;
}

XmlNesting::What XmlNesting::go(const char*& at, const char* limit) {
  for (;;) {
    if (inside_ != XmlKind::more) {
      const char* trouble = nullptr;
      if (!leave_xml_token(inside_, at, limit, &trouble)) return trouble != nullptr ? bad(trouble) : What::more;
      inside_ = XmlKind::more;
    }
    at = find_tag(at, limit);
    if (limit - at < 2) return What::more;
    // Most tags have no attributes, and those that end an element bear its name.
    if (at[1] == '/' && !lengths_.empty()) {
      const size_t length = lengths_.back();
      const char* const close = at + 2 + length;
      if (close < limit && *close == '>' && same_xml_name({at + 2, length}, open())) {
        at = close + 1;
        pop();
        if (lengths_.empty()) return What::done;
        continue;
      }
    } else if (begins_name(at[1])) {
      const char* const stop = find_xml_name_end(at + 1, limit);
      if (stop < limit && *stop == '>' && depth_ + lengths_.size() < kDeepestXml) {
        push({at + 1, static_cast<size_t>(stop - at - 1)});
        at = stop + 1;
        continue;
      }
    }
    const XmlToken token = next_xml_token(at, limit);
    switch (token.kind) {
      case XmlKind::more:
        inside_ = enter_xml_token(token, at, limit);
        return What::more;
      case XmlKind::bad:
        at = token.end;
        return bad(token.trouble);
      case XmlKind::start:
        if (depth_ + lengths_.size() >= kDeepestXml)
          return bad(fmt::format("more than {} elements within each other", kDeepestXml));
        if (!token.closed) push(token.name);
        break;
      case XmlKind::end:
        if (token.name != open()) {
          return bad(fmt::format("expected </{}>, found </{}>", visible(open(), 80), visible(token.name, 80)));
        }
        pop();
        break;
      case XmlKind::doctype:
        return bad("a DOCTYPE stands in an element");
      case XmlKind::instruction:
        if (equal_ignoring_case(token.name, "xml"))
          return bad("an XML declaration stands in an element: a second document begins before the first is closed");
        break;
      default:
        break;
    }
    at = token.end;
    if (lengths_.empty()) return What::done;
  }
}

}  // namespace leat
