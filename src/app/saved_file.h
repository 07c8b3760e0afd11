#pragma once

// A pipeline file that a command has made up, written for the user to go on with.

#include <string>

#include "base/status.h"
#include "config/value.h"

namespace leat::app {

// bad_config: it is there already, or cannot be made. fatal: it could not be written in whole.
Status save_pipeline_file(const Value& root, const std::string& path);

}  // namespace leat::app
