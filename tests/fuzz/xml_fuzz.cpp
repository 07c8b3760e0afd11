// Any bytes as an XML document: cut anywhere, and taken up again by another cutter at each border, it gives the same;
// as one record it is what libxml2 makes of it, and malformed where libxml2 says so, but for what docs/formats/xml.md
// §3 lets pass.
//
// Input: byte 0 chooses what columns there are, bytes 1–4 seed the cuts, the rest is the document.

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "base/json_writer.h"
#include "decoders/xml_element.h"
#include "tests/support/watched.h"
#include "tests/support/xml_rows.h"

namespace leat::fuzz {
namespace {

using testing::take_xml;
using testing::watch_page;
using testing::Watched;
using testing::XmlTaken;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

void check(bool good, const std::string& what) {
  if (!good) fail(what);
}

std::string shown(const XmlTaken& taken) {
  std::string text = "failure: " + taken.failure + "\n";
  for (const std::string& row : taken.rows) text += "row: " + row + "\n";
  for (const std::string& reject : taken.rejects) text += "reject: " + reject + "\n";
  return text;
}

// A failure without the bytes that it shows: how many are there depends on the pieces.
std::string without_evidence(const std::string& failure) {
  size_t end = failure.size();
  for (const char* mark : {"; there stands", ", found '", ": '", "; its last bytes"}) {
    end = std::min(end, failure.find(mark));
  }
  return failure.substr(0, end);
}

bool same(const XmlTaken& a, const XmlTaken& b) {
  return a.rows == b.rows && a.rejects == b.rejects && a.raws == b.raws && a.reject_raws == b.reject_raws &&
         without_evidence(a.failure) == without_evidence(b.failure);
}

XmlColumn column(std::string name, std::string path, Type type, XmlRepeated repeated = XmlRepeated::refuse) {
  XmlColumn made;
  made.name = std::move(name);
  made.path = std::move(path);
  made.type = type;
  made.repeated = repeated;
  return made;
}

XmlOptions options_of(uint8_t chosen) {
  XmlOptions options;
  options.record = "/a/b";
  switch (chosen % 4) {
    case 0:
      options.record = "/a";
      options.columns = {column("all", ".", Type::json)};
      break;
    case 1:
      options.columns = {column("id", "@id", Type::text),
                         column("c", "c", Type::text),
                         column("n", "c/d", Type::integer),
                         column("list", "e", Type::json, XmlRepeated::json),
                         column("joined", "e", Type::text, XmlRepeated::join),
                         column("outer", "../c", Type::text, XmlRepeated::first),
                         column("outer_list", "../e/d", Type::json, XmlRepeated::json),
                         column("outer_id", "../@id", Type::text)};
      break;
    case 2:
      options.namespaces = {{"p", "u"}};
      options.columns = {column("c", "p:c", Type::text), column("id", "@p:id", Type::text),
                         column("outer", "../p:c", Type::text)};
      break;
    default:  // inferred
      break;
  }
  return options;
}

// What docs/formats/xml.md §5 makes of an element, from libxml2's tree.
std::string json_of(const xmlNode* element) {
  std::vector<std::pair<std::string, std::vector<std::string>>> members;
  const auto add = [&](const std::string& name, std::string value) {
    for (auto& [known, values] : members) {
      if (known == name) return values.push_back(std::move(value));
    }
    members.push_back({name, {std::move(value)}});
  };
  for (const xmlAttr* attribute = element->properties; attribute != nullptr; attribute = attribute->next) {
    xmlChar* value = xmlNodeListGetString(element->doc, attribute->children, 1);
    JsonWriter json;
    json.value(value == nullptr ? std::string_view() : reinterpret_cast<const char*>(value));
    add("@" + std::string(reinterpret_cast<const char*>(attribute->name)), json.text());
    xmlFree(value);
  }
  std::string text;
  for (const xmlNode* child = element->children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) add(reinterpret_cast<const char*>(child->name), json_of(child));
    if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) {
      text += reinterpret_cast<const char*>(child->content);
    }
  }
  std::string value;
  append_json_text(text, value);
  if (members.empty()) return value;
  if (value != "null") add("#text", value);
  std::string out = "{";
  for (const auto& [name, values] : members) {
    if (out.size() > 1) out += ',';
    JsonWriter key;
    key.value(std::string_view(name));
    out += key.text() + ":" + (values.size() > 1 ? "[" : "");
    for (size_t i = 0; i < values.size(); ++i) out += (i > 0 ? "," : "") + values[i];
    if (values.size() > 1) out += ']';
  }
  return out + "}";
}

bool has(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

// Where the two are meant to differ: what is declared in a DOCTYPE, namespaces, encodings, and, in what is not a
// record's text, characters that are none of XML's.
bool comparable(std::string_view file) {
  if (has(file, "<!D") || has(file, ":") || has(file, "xmlns") || has(file, "<?")) return false;
  for (const char c : file) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || (byte < 0x20 && c != '\n' && c != '\t' && c != '\r')) return false;
  }
  return true;
}

void compare_with_libxml2(const std::string& file, const XmlTaken& taken) {
  if (!comparable(file) || has(taken.failure, "within each other")) return;
  xmlDocPtr document = xmlReadMemory(file.data(), static_cast<int>(file.size()), nullptr, nullptr,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  const xmlNode* root = document == nullptr ? nullptr : xmlDocGetRootElement(document);
  const bool accepted = taken.failure.empty() && taken.rejects.empty();
  if (root == nullptr) {
    check(!accepted || taken.rows.empty(), "libxml2 refuses what gives\n" + shown(taken));
  } else if (std::string_view(reinterpret_cast<const char*>(root->name)) == "a") {
    const std::string json = json_of(root);
    const std::string row = json == "null" ? "" : "all=" + json;
    check(accepted && taken.rows.size() == 1 && taken.rows[0] == row, "libxml2 has " + row + "\n" + shown(taken));
  } else {
    check(has(taken.failure, "the document element is"), shown(taken));
  }
  xmlFreeDoc(document);
}

}  // namespace
}  // namespace leat::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leat::fuzz;  // NOLINT(google-build-using-namespace): this file is about nothing else
  if (size < 5) return 0;
  uint64_t seed = 0;
  for (size_t i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  const std::string file(reinterpret_cast<const char*>(data) + 5, size - 5);
  const auto step = [&] {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return 1 + (seed >> 33) % ((seed >> 60) == 0 ? 1000 : 20);
  };
  const leat::XmlOptions options = options_of(data[0]);
  auto decoder = *leat::make_xml_decoder(options);
  const XmlTaken all = take_xml(*decoder, file);
  // What was inferred from the first bytes is known to the second run.
  const XmlTaken pieces = take_xml(*decoder, file, {.step = step, .most_records = 1U + data[0] / 4U});
  check(same(pieces, all), "at once\n" + shown(all) + "in pieces\n" + shown(pieces));
  const XmlTaken limited = take_xml(*decoder, file, {.step = step, .max_record = 40});
  check(limited.rows.size() <= all.rows.size(), "more rows with a limit\n" + shown(limited));
  if (all.failure.empty() && limited.failure.empty()) {
    check(limited.rows.size() + limited.rejects.size() == all.rows.size() + all.rejects.size(),
          "at once\n" + shown(all) + "with a limit\n" + shown(limited));
  }
  if (data[0] % 4 == 0) compare_with_libxml2(file, all);
  const std::vector<std::string> paths = data[0] % 4 == 0 ? std::vector<std::string>{"/a/@id", "/a/b/c"}
                                                          : std::vector<std::string>{"/a/@id", "/a/c/d", "/a/b/c"};
  Watched page = watch_page(*decoder, file, paths);
  Watched two = watch_page(*decoder, file, paths, file.empty() ? 0 : step() % file.size());
  for (Watched* each : {&page, &two}) each->error = without_evidence(each->error);
  check(page == two, "watched at once: " + page.error + "\nin two pieces: " + two.error);
  if (all.failure.empty() && page.error.empty())
    check(page.bytes == file.size() || !decoder->schema(), "not all is cut");
  return 0;
}
