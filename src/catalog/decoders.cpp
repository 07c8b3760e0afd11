#include <array>

#include "catalog/catalog.h"
#include "decoders/web_log.h"

namespace leat {
namespace {

std::vector<std::string_view> web_log_names() {
  std::vector<std::string_view> names;
  for (const WebLogFormat& format : web_log_formats()) names.push_back(format.name);
  return names;
}

constexpr std::array<Option, 1> kWebLogOptions{{
    {.name = "format",
     .type = OptionType::choice,
     .choices = web_log_names,
     .help = "the layout of the lines; without it each file's is recognised from its first 100 lines"},
}};

Result<std::unique_ptr<Decoder>> make_web_log(const Settings& settings, bool raw, Note note) {
  return make_web_log_decoder({settings.text("format"), raw}, std::move(note));
}

constexpr std::array<DecoderKind, 1> kDecoders{{
    {"web_log", "access logs of nginx and Apache", kWebLogOptions, make_web_log},
}};

}  // namespace

std::span<const DecoderKind> decoder_kinds() {
  return kDecoders;
}

std::vector<FormatName> format_names() {
  std::vector<FormatName> names;
  for (const WebLogFormat& format : web_log_formats()) {
    names.push_back({format.name, "web_log", format.layout, format.help, format.sample});
  }
  return names;
}

}  // namespace leat
