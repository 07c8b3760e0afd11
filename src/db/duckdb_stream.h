#pragma once

// Rows on their way into a statement that reads them while they come, on a thread and a connection of its own: nothing
// is gathered but what the statement gathers. One thread.

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "db/duckdb.h"

namespace leat {

class DuckDbStream : public DuckDbCells {
 public:
  // Once for a database, before the first of them begins.
  static Status prepare(const DuckDb& db);
  // Begins the statement that `sql` makes, with what it is to read from: "COPY (FROM …) TO …". Its rows are read once,
  // in their order. `db` outlives it.
  static Result<std::unique_ptr<DuckDbStream>> begin(const DuckDb& db, std::vector<DuckDbColumn> columns,
                                                     const std::function<std::string(const std::string&)>& sql);
  // Without finish() the statement is broken off.
  ~DuckDbStream();

  // Waits until the statement takes one more row at least. Kinds as DuckDb::execute(): it has failed.
  Status make_room();
  // There are no more rows: the statement ends.
  Status finish();

 private:
  friend struct DuckDbStreamFunction;
  struct Meeting;
  explicit DuckDbStream(std::unique_ptr<Meeting> meeting);
  void hand_over();

  std::unique_ptr<Meeting> meeting_;
  std::unique_ptr<DuckDb> connection_;
  std::thread thread_;
  bool has_chunk_ = false;
};

}  // namespace leat
