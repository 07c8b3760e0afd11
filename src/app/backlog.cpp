#include "app/backlog.h"

#include <algorithm>
#include <map>
#include <string>

#include "os/file_system.h"

namespace leat::app {

bool counts_rows(const Position& position) {
  return position.token.starts_with("table");
}

std::optional<Backlog> backlog_of(const PipelineState& state) {
  std::map<std::string, uint64_t> offsets;
  for (const PartState& part : state.parts) {
    // The name of a finished file may be another one's by now.
    if (part.position.token.find(" done=1 ") != std::string::npos) continue;
    offsets[part.position.origin] = part.position.offset;
  }
  std::optional<Backlog> found;
  for (const auto& [origin, offset] : offsets) {
    const auto info = os::file_system().info(origin, os::Links::follow);
    if (!info.ok() || !*info || !(*info)->regular) continue;
    if (!found) found.emplace();
    if (origin.ends_with(".gz")) continue;  // its size says nothing about the bytes in it
    const uint64_t size = (*info)->size;
    found->taken += std::min(offset, size);
    found->behind += size > offset ? size - offset : 0;
  }
  return found;
}

}  // namespace leat::app
