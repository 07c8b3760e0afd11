#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "decoders/xml_element.h"
#include "decoders/xml_scanner.h"

namespace leat {
namespace {

// Of an object, in the order in which their names came up.
class Members {
 public:
  struct Member {
    std::string name;
    std::vector<std::string> values;  // JSON
  };

  void add(std::string name, std::string value) {
    const auto [place, is_new] = index_.try_emplace(name, all_.size());
    if (is_new) all_.push_back({std::move(name), {}});
    all_[place->second].values.push_back(std::move(value));
  }
  [[nodiscard]] const std::vector<Member>& all() const { return all_; }

 private:
  std::vector<Member> all_;
  std::unordered_map<std::string, size_t> index_;
};

class JsonMaker {
 public:
  JsonMaker(const XmlEncoding& encoding, std::string* trouble) : encoding_(encoding), trouble_(trouble) {}

  // `at`: the '<' of a start tag; it becomes what is behind the element.
  bool element(const char*& at, const char* limit, std::string& out) {
    const XmlToken start = next_xml_token(at, limit);
    if (start.kind != XmlKind::start) return false;
    at = start.end;
    Members members;
    if (!attributes(start.body, members)) return false;
    std::string text;
    while (!start.closed) {
      const XmlToken token = next_xml_token(at, limit);
      if (token.kind == XmlKind::more || token.kind == XmlKind::bad) return false;
      if (token.kind == XmlKind::start) {
        std::string child;
        if (!element(at, limit, child)) return false;
        members.add(std::string(token.name), std::move(child));
        continue;
      }
      at = token.end;
      if (token.kind == XmlKind::end) break;
      if (token.kind != XmlKind::text && token.kind != XmlKind::cdata) continue;
      const XmlTextKind kind = token.kind == XmlKind::text ? XmlTextKind::text : XmlTextKind::cdata;
      if (!decode_xml_text(token.body, kind, encoding_, text, trouble_)) return false;
    }
    if (members.all().empty()) {
      append_json_text(text, out);
      return true;
    }
    if (!is_xml_null(text)) {
      std::string value;
      append_json_text(text, value);
      members.add("#text", std::move(value));
    }
    write(members, out);
    return true;
  }

 private:
  bool attributes(std::string_view body, Members& members) {
    for (XmlAttribute attribute; next_xml_attribute(body, attribute);) {
      std::string text;
      if (!decode_xml_text(attribute.value, XmlTextKind::attribute, encoding_, text, trouble_)) return false;
      JsonWriter value;
      value.value(std::string_view(text));
      members.add("@" + std::string(attribute.name), value.text());
    }
    return true;
  }

  void write(const Members& members, std::string& out) const {
    out += '{';
    for (const Members::Member& member : members.all()) {
      if (&member != &members.all().front()) out += ',';
      std::string name;
      encoding_.append(member.name, name);
      JsonWriter key;
      key.value(std::string_view(name));
      out += key.text();
      out += ':';
      const bool several = member.values.size() > 1;
      if (several) out += '[';
      for (const std::string& value : member.values) {
        if (&value != &member.values.front()) out += ',';
        out += value;
      }
      if (several) out += ']';
    }
    out += '}';
  }

  const XmlEncoding& encoding_;
  std::string* trouble_;
};

}  // namespace

bool append_xml_json(std::string_view element, const XmlEncoding& encoding, std::string& out, std::string* trouble) {
  const char* at = element.data();
  return JsonMaker(encoding, trouble).element(at, element.data() + element.size(), out);
}

void append_json_text(std::string_view text, std::string& out) {
  JsonWriter json;
  if (is_xml_null(text)) {
    json.null();
  } else {
    json.value(text);
  }
  out += json.text();
}

}  // namespace leat
