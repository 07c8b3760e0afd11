#pragma once

// Whether what a pipeline file says of columns fits them: each thing that does not, with its place. One thread.

#include "config/complaints.h"
#include "config/value.h"
#include "data/schema.h"

namespace leat::app {

// That there is the column that `column` names.
void check_column(const Value& column, const Schema& schema, Complaints& complaints);

// That there are all columns of an expression and that its types fit; of a measure, those of what it counts.
void check_expression(const Value& value, const Schema& schema, Complaints& complaints);

}  // namespace leat::app
