#pragma once

// A pipeline file that a command has made up, written for the user to go on with.

#include <string>

#include "app/talk.h"
#include "base/status.h"
#include "config/value.h"

namespace leat::app {

// bad_config: it is there already, or cannot be made. fatal: it could not be written in whole.
Status save_pipeline_file(const Value& root, const std::string& path);

// After a run of it that ended with `status`: where it has to be changed first (2), the file is removed again, so that
// the corrected command can save under the same name.
void take_back_saved_file(const std::string& path, int status, Talk& talk);

}  // namespace leat::app
