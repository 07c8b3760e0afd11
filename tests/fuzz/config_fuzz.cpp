// Any text as a pipeline file: nothing crashes; each complaint names a place of the text and is fit to be shown;
// secrets do not appear; what is accepted can be made.

#include <algorithm>
#include <charconv>

#include "app/pipeline_file.h"
#include "base/text.h"
#include "config/secrets.h"
#include "config/toml.h"
#include "tests/fuzz/log_checks.h"

namespace {

using leat::fuzz::require;

constexpr std::string_view kFile = "fuzz.toml:";
constexpr std::string_view kSecret = "s3cr3t-0f-th3-fuzz3r";

uint64_t number_before_colon(std::string_view* text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  require(error == std::errc() && end != text->data() + text->size() && *end == ':', "a place is LINE:COLUMN:");
  text->remove_prefix(static_cast<size_t>(end - text->data()) + 1);
  return number;
}

void check_complaints(const std::string& shown, std::string_view text) {
  const std::vector<std::string_view> lines = leat::split(text, '\n');
  require(shown.find(kSecret) == std::string::npos, "a secret is not shown");
  for (std::string_view line : leat::split(shown, '\n')) {
    leat::fuzz::check_cell(line);
    if (!line.starts_with(kFile)) {
      require(line.starts_with("  "), "what is no message is an excerpt");
      continue;
    }
    line.remove_prefix(kFile.size());
    if (line.starts_with(' ')) {
      require(line.starts_with(" there is no pipeline"), "only what is not there has no place");
      continue;
    }
    const uint64_t number = number_before_colon(&line);
    require(number >= 1 && number <= lines.size(), "the line is one of the file");
    const uint64_t column = number_before_colon(&line);
    require(column >= 1 && column <= lines[number - 1].size() + 1, "the column is one of the line, or behind it");
    require(line.size() > 1, "a complaint says something");
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer wants this name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find(kSecret) != std::string::npos) return 0;
  leat::Complaints complaints("fuzz.toml", text);
  leat::Value root = leat::parse_toml(text, complaints);
  leat::app::PipelineFile file;
  if (complaints.empty()) {
    const auto look_up = [](const std::string& scheme, const std::string& name) -> leat::Result<std::string> {
      if (scheme == "env" && name.size() % 2 == 1) return std::string(kSecret);
      return leat::Status::bad_config("is not set");
    };
    leat::put_secrets(root, look_up, complaints);
    file = leat::app::plan_pipelines(root, "/fuzz", complaints);
  }
  if (!complaints.empty()) {
    check_complaints(complaints.text(), text);
    return 0;
  }
  require(!file.pipelines.empty(), "a file without a complaint has a pipeline");
  for (const leat::app::PipelineDeclared& pipeline : file.pipelines) {
    const auto decoder = leat::app::make_decoder(pipeline, [](leat::NoteLevel, const std::string&) {});
    require(decoder.ok() && *decoder != nullptr, "a decoder that was accepted can be made");
  }
  return 0;
}
