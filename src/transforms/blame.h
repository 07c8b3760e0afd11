#pragma once

// How a transform says that what was written in the pipeline file does not fit the columns: with the place in the file,
// also when that shows only once a run begins. Plain functions; one thread.

#include <functional>
#include <string>

#include "base/status.h"
#include "config/value.h"
#include "data/schema.h"
#include "expressions/bound_expression.h"

namespace leat {

// Makes a bad_config of a place in the file and what is wrong there.
using Blame = std::function<Status(const Place& at, const std::string& what)>;

// The column that `written` names; else says that there is none, with a suggestion.
Result<size_t> column_named(const std::string& name, const Place& at, const Schema& schema, const Blame& blame);

// The expression that `written` holds, over these columns.
Result<std::shared_ptr<const BoundExpression>> bind_written(const Value& written, const Schema& schema,
                                                            const std::string& timezone, const Blame& blame);

// That no two columns have one name; SQL's names do not tell upper from lower case.
bool same_name(std::string_view a, std::string_view b);

}  // namespace leat
