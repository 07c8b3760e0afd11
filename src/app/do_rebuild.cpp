#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "app/commands.h"
#include "app/rows_bar.h"
#include "app/talk.h"
#include "app/target.h"
#include "base/text.h"

namespace leat::app {

int do_rebuild(const RebuildCommand& command, const Surroundings& surroundings) {
  // A transaction that is left ends where it began: leave at once.
  const std::stop_callback leave(surroundings.stop, [] { std::_Exit(130); });
  Talk talk(surroundings.err, surroundings.err_is_terminal ? Manner::terminal : Manner::plain, surroundings.colour,
            command.quiet);
  const auto fail = [&](const Status& status) {
    talk.wipe();
    talk.message(NoteLevel::info, status.message());
    return status.kind() == Kind::bad_config ? 2 : 1;
  };
  auto databases = open_target(command.target);
  if (!databases.ok()) return fail(databases.status());
  std::vector<Rebuilt> all;
  Status unknown;
  for (Database& database : *databases) {
    if (database.store == nullptr) {
      return fail(Status::bad_config(
          fmt::format("{}: leat has written nothing there yet; run the pipeline first", visible(database.name))));
    }
    RowsBar bar(talk, "rebuild");
    Result<std::vector<Rebuilt>> rebuilt = database.store->rebuild(
        {database.pipelines, command.aggregate}, [&](uint64_t done, uint64_t total) { bar(done, total); });
    if (rebuilt.ok()) {
      all.insert(all.end(), rebuilt->begin(), rebuilt->end());
    } else if (rebuilt.status().kind() == Kind::bad_config && databases->size() > 1) {
      unknown = std::move(rebuilt).status();  // another database of the file may know it
    } else {
      return fail(rebuilt.status());
    }
  }
  talk.wipe();
  if (all.empty() && !unknown.ok()) return fail(unknown);
  for (const Rebuilt& one : all) {
    surroundings.out << fmt::format("rebuilt: {}, {} {} from {} {} of pipeline {}\n", visible(one.aggregate),
                                    with_commas(one.buckets), one.buckets == 1 ? "bucket" : "buckets",
                                    with_commas(one.rows), one.rows == 1 ? "row" : "rows", visible(one.pipeline));
  }
  if (all.empty()) surroundings.out << "there are no aggregates\n";
  return 0;
}

}  // namespace leat::app
