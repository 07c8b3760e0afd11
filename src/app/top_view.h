#pragma once

// The live view as a picture of a given size: pipelines, days, lists, in one to three columns; what does not fit is
// left out, the least important first. Pure; any thread.

#include <cstddef>

#include "app/frame.h"
#include "app/top_model.h"

namespace leat::app {

Frame draw_top(const TopModel& model, size_t columns, size_t rows, bool live);

// Only days and lists, below another text: at most `rows` of them, fewer when there is not so much to show.
Frame draw_days_and_lists(const TopModel& model, size_t columns, size_t rows);

}  // namespace leat::app
