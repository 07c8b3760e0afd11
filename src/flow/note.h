#pragma once

// What a component tells the user while it works; app/ decides how it looks. Called by any thread; must not block.

#include <cstdint>
#include <functional>
#include <string>

namespace leat {

enum class NoteLevel : uint8_t { info, warning, error };

using Note = std::function<void(NoteLevel level, const std::string& text)>;

}  // namespace leat
