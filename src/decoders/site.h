#pragma once

// The column `site`: which of several logs a row is of (docs/formats/log-format.md §8). Pure functions; who calls the
// decoder: flow/decoder.h.

#include <memory>
#include <string>
#include <string_view>

#include "flow/decoder.h"

namespace leat {

// "/var/log/nginx/a.example.access.log#3" → "a.example": the name of a part's file without directory, rotation
// suffix, ".log" and ".access"; never empty for a file.
std::string site_of(std::string_view part);

// The live path of a file by its name alone: "/logs/a.log.2.gz" → "/logs/a.log".
std::string_view live_path_of(std::string_view path);

// `inner` with one more column, before raw_log. `name`: what it says; empty: site_of() each part.
std::unique_ptr<Decoder> with_site(std::unique_ptr<Decoder> inner, const std::string& name);

}  // namespace leat
