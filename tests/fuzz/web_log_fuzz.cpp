// Any bytes as an access log, cut anywhere, recognised or by a named format (tests/fuzz/log_checks.h).
//
// Input: byte 0 chooses the format and whether raw_log is kept, bytes 1–4 seed the cuts, the rest is the file.

#include "tests/fuzz/log_checks.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leat::fuzz;  // NOLINT(google-build-using-namespace): this file is about nothing else
  if (size < 5) return 0;
  constexpr size_t kNamed = 4;  // those with a parser of their own; the others are log_format_fuzz's
  leat::WebLogOptions options;
  options.raw = (data[0] & 0x80) != 0;
  if (const size_t chosen = (data[0] & 0x7FU) % (kNamed + 1); chosen > 0) {
    options.format = leat::web_log_formats()[chosen - 1].name;
  }
  uint64_t seed = 0;
  for (size_t i = 1; i < 5; ++i) seed = seed << 8 | data[i];
  const std::string file(reinterpret_cast<const char*>(data) + 5, size - 5);

  auto decoder =
      *leat::make_web_log_decoder(options, [](leat::NoteLevel, const std::string& text) { check_cell(text); });
  Outcome pieces;
  std::string context;
  if (!take_in_pieces(*decoder, file, seed, options.format.empty(), 100, &context, pieces)) return 0;
  const bool w3c = context.starts_with("format=w3c");
  const std::vector<Line> lines = lines_of(file, w3c);
  check(pieces, lines);
  if (w3c) return 0;  // its fields may change in the file

  Outcome all;
  take(*decoder, file, 0, 1, context, all);
  check(all, lines);
  same(all, pieces);
  return 0;
}
