// Any bytes as JSON, cut anywhere: each record is a row or a reject, and where it is cut changes nothing. Our reader of
// records agrees with simdjson on what is JSON, our borders with simdjson's on where the elements of an array are.
//
// Input: byte 0 chooses paths and columns, bytes 1–4 seed the cuts, the rest is the file.

#include <simdjson.h>

#include <cstdio>
#include <cstdlib>

#include "decoders/json.h"
#include "tests/support/pieces.h"
#include "tests/support/watched.h"

namespace {

using leat::JsonColumn;
using leat::JsonOptions;
using leat::Type;
using leat::testing::take_in_pieces;
using leat::testing::Taken;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void require_same(const Taken& whole, const Taken& pieces) {
  if (whole == pieces) return;
  for (const Taken* taken : {&whole, &pieces}) {
    std::fprintf(stderr, "%s:\n", taken == &whole ? "at once" : "in pieces");
    for (const std::string& row : taken->rows) std::fprintf(stderr, "  row    %s\n", row.c_str());
    for (const std::string& reject : taken->rejects) std::fprintf(stderr, "  reject %s\n", reject.c_str());
    std::fprintf(stderr, "  %llu bytes; %s\n", static_cast<unsigned long long>(taken->bytes), taken->error.c_str());
  }
  require(false, "cuts change nothing");
}

std::unique_ptr<leat::Decoder> decoder_of(const JsonOptions& options) {
  auto made = leat::make_json_decoder(options);
  require(made.ok(), "these paths are paths");
  return *std::move(made);
}

// A surrogate without its other half is text for us and none for simdjson, which also goes less deep, and takes no
// number that neither 64 bits nor a double can hold.
bool comparable(std::string_view text) {
  size_t brackets = 0;
  size_t digits = 0;
  bool power = false;  // they are an exponent's
  for (const char c : text) {
    brackets += c == '[' || c == '{' ? 1 : 0;
    if (c >= '0' && c <= '9') {
      if (++digits > (power ? 2 : 18)) return false;
    } else {
      digits = 0;
      power = c == 'e' || c == 'E' || (power && (c == '+' || c == '-'));
    }
  }
  return brackets < 500 && text.find("\\u") == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

// Whether simdjson says that this is one JSON object.
bool is_object(std::string_view text) {
  static simdjson::dom::parser parser;
  simdjson::dom::element element;
  return parser.parse(text.data(), text.size(), true).get(element) == simdjson::SUCCESS && element.is_object();
}

Taken take(leat::Decoder& decoder, const std::string& file, leat::testing::PieceRule rule) {
  Taken taken = take_in_pieces(decoder, file, rule);
  // How much is shown of what was found depends on how much was there.
  taken.error.resize(std::min(taken.error.find("begins with"), taken.error.size()));
  return taken;
}

// What is told of watched members, and what stands before the records, does not depend on the cuts either.
void check_watched(leat::Decoder& decoder, const std::string& file, int shape, uint64_t seed) {
  const std::vector<std::string> paths = shape == 1   ? std::vector<std::string>{"/t", "/i/0/j", "/h/*/i", "/h/*/d/*/a"}
                                         : shape == 2 ? std::vector<std::string>{"/a", "/t/b", "/d/*/a"}
                                                      : std::vector<std::string>{"/*/a"};
  const auto watched = [&](size_t first) {
    leat::testing::Watched page = leat::testing::watch_page(decoder, file, paths, first);
    page.error.resize(std::min({page.error.find("begins with"), page.error.find(", found "), page.error.size()}));
    return page;
  };
  require(watched(SIZE_MAX) == watched(seed % (file.size() + 1)), "cuts change nothing in what is watched");
}

void check_lines(const std::string& file, const Taken& taken) {
  if (!comparable(file) || file.starts_with("\xEF\xBB\xBF")) return;
  size_t objects = 0;
  size_t lines = 0;
  for (size_t at = 0; at < file.size();) {
    const size_t end = std::min(file.find('\n', at), file.size());
    const std::string_view line = std::string_view(file).substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      ++lines;
      objects += is_object(line) ? 1 : 0;
    }
    at = end + 1;
  }
  require(taken.rows.size() + taken.rejects.size() == lines, "each line is a row or a reject");
  require(taken.rows.size() == objects, "rows are the lines that simdjson takes for objects");
}

void check_array(const std::string& file, const Taken& taken) {
  if (!comparable(file)) return;
  static simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(file).get(array) != simdjson::SUCCESS) return;
  size_t objects = 0;
  for (const simdjson::dom::element element : array) objects += element.is_object() ? 1 : 0;
  require(taken.error.empty(), "what simdjson takes for an array is one");
  require(taken.rows.size() == objects, "rows are the objects in it");
  require(taken.rows.size() + taken.rejects.size() == array.size() || array.size() == 0xFFFFFF, "all elements");
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 5) return 0;
  uint64_t seed = 1;
  for (size_t i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  const std::string file(reinterpret_cast<const char*>(data) + 5, size - 5);
  const uint64_t max_record = (data[0] & 0x40) != 0 ? 8 : 1 << 20;

  JsonOptions options;
  const int shape = data[0] & 3;
  if (shape == 0) {
    options = {"", {{"all", "", Type::json}}, true};
  } else if (shape == 1) {
    options = {"/h/*/d",
               {{"t", "../../../../t"},
                {"i", "../../i", Type::integer},
                {"j", "../../i/0", Type::json},
                {"a", "/a/b"},
                {"rest", "", Type::json}},
               false};
  } else if (shape == 2) {
    options = {"/d", {{"a", "/a", Type::integer}, {"b", "/b/1", Type::real}, {"t", "/t", Type::time}}, true};
  }
  const auto decoder = decoder_of(options);
  const Taken whole = take(*decoder, file, {0, max_record});
  // Columns that are inferred depend on how much is seen at once: once they are known nothing does.
  const Taken pieces = take(*decoder, file, {seed, max_record});
  if (shape == 3 && decoder->schema() == nullptr) return 0;
  check_watched(*decoder, file, shape, seed);
  require_same(shape == 3 ? take(*decoder, file, {0, max_record}) : whole, pieces);
  if (shape == 3) {
    const auto again = decoder_of(options);
    require(again->restore_schema(decoder->save_schema()).ok(), "inferred columns can be restored");
    require(*again->schema() == *decoder->schema(), "and are the same");
  }
  if (shape != 0 || max_record < file.size()) return 0;
  const size_t first = file.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return 0;
  if (file[first] == '[') {
    check_array(file, whole);
  } else {
    check_lines(file, whole);
  }
  return 0;
}
