#pragma once

// What `leat rebuild` and `leat state rewind` are asked to mend, in whichever database the books are. `where`: the
// database, as it is shown.

#include <string>
#include <vector>

#include "base/status.h"
#include "flow/sink.h"
#include "flow/store.h"
#include "sinks/part_books.h"

namespace leat {

// bad_config: there is no such aggregate, but these.
Status no_aggregate(const std::string& where, const std::string& asked, const std::vector<std::string>& known);

// fatal: somebody has dropped the table.
Status table_is_gone(const std::string& where, const std::string& table, const std::string& pipeline);

// bad_config: rows of this write mode cannot be taken back by part.
Status check_rewind(const std::string& where, const SinkPlan& plan, const RewindRequest& request);

// bad_config: there is no such part.
Result<std::vector<const BookedPart*>> choose_parts(const std::string& where, const PartBooks& books,
                                                    const RewindRequest& request);

// Where the source finds the part again; null: it is to be forgotten.
const Position* beginning_of(const RewindRequest& request, const std::string& part);

}  // namespace leat
