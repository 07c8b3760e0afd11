// Any string as a log format, and any bytes as a log of it (tests/fuzz/log_checks.h).
//
// Input: byte 0: even: a log_format follows up to the first newline; odd: a named format (1: w3c). Bytes 1–4 seed the
// cuts, then the format, then the file.

#include "tests/fuzz/log_checks.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leat::fuzz;  // NOLINT(google-build-using-namespace): this file is about nothing else
  if (size < 6) return 0;
  leat::WebLogOptions options;
  options.raw = (data[0] & 0x80) != 0;
  uint64_t seed = 0;
  for (size_t i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  std::string file(reinterpret_cast<const char*>(data) + 5, size - 5);
  const bool w3c = (data[0] & 3) == 1;
  if ((data[0] & 1) != 0) {
    options.format = w3c ? "w3c" : (data[0] & 4) != 0 ? "npm_proxy" : "npm_standard";
  } else {
    options.log_format = file.substr(0, file.find('\n'));
    file.erase(0, std::min(file.size(), options.log_format.size() + 1));
    if (options.log_format.empty()) return 0;
    size_t at = 0;
    size_t length = 0;
    const std::string trouble = leat::trouble_with_log_format(options.log_format, &at, &length);
    require(at <= options.log_format.size(), "a complaint is about a place of the format");
    check_cell(trouble);
    if (!trouble.empty()) return 0;
  }
  auto made = leat::make_web_log_decoder(options, [](leat::NoteLevel, const std::string& text) { check_cell(text); });
  require(made.ok(), "a format without trouble makes a decoder");
  const auto decoder = *std::move(made);

  std::vector<std::string> names;
  for (const leat::Field& field : decoder->schema()->fields) names.push_back(field.name);
  std::sort(names.begin(), names.end());
  require(std::adjacent_find(names.begin(), names.end()) == names.end(), "columns have names of their own");
  require(std::none_of(names.begin(), names.end(), [](const std::string& name) { return name.starts_with('_'); }),
          "no column has a name of leat's");

  const std::vector<Line> lines = lines_of(file, w3c);
  Outcome pieces;
  std::string context;
  require(take_in_pieces(*decoder, file, seed, false, 500, &context, pieces), "a named format refuses nothing");
  check(pieces, lines);
  if (w3c) return 0;  // its fields may change in the file

  Outcome all;
  take(*decoder, file, 0, 1, context, all);
  check(all, lines);
  same(all, pieces);
  return 0;
}
