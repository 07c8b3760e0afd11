#include <fmt/format.h>

#include <cstdlib>

#include "app/commands.h"
#include "app/rows_bar.h"
#include "app/talk.h"
#include "app/target.h"
#include "base/json_writer.h"
#include "base/text.h"

namespace leat::app {
namespace {

std::string json_of(const VerifyReport& report, bool ok) {
  JsonWriter json;
  json.begin_object().field("ok", ok);
  json.field("records", report.records).field("rows", report.rows).field("rejects", report.rejects);
  json.field("updated", report.updated).field("filtered", report.filtered).field("ignored", report.ignored);
  json.field("lost", report.lost).field("doubled", report.doubled).field("gaps", report.gap_bytes);
  json.key("problems").begin_array();
  for (const std::string& problem : report.problems) json.value(std::string_view(problem));
  json.end_array().end_object();
  return json.text();
}

}  // namespace

int do_verify(const VerifyCommand& command, const Surroundings& surroundings) {
  // There is nothing to finish: leave at once.
  const std::stop_callback leave(surroundings.stop, [] { std::_Exit(130); });
  Talk talk(surroundings.err, surroundings.err_is_terminal ? Manner::terminal : Manner::plain, surroundings.colour,
            command.quiet);
  const auto fail = [&](const Status& status) {
    talk.message(NoteLevel::info, status.message());
    return status.kind() == Kind::bad_config ? 2 : 1;
  };
  auto databases = open_target(command.target);
  if (!databases.ok()) return fail(databases.status());
  VerifyReport sum;
  for (Database& database : *databases) {
    if (database.store == nullptr) {
      return fail(Status::bad_config(
          fmt::format("{}: leat has written nothing there yet; run the pipeline first", visible(database.name))));
    }
    RowsBar bar(talk, "verify");
    const Result<VerifyReport> report =
        database.store->verify([&](uint64_t done, uint64_t total) { bar(done, total); });
    talk.wipe();
    if (!report.ok()) return fail(report.status());
    sum.add(*report);
  }
  const bool strict_gap = command.strict && sum.gap_bytes > 0;
  const bool ok = sum.problems.empty() && !strict_gap;
  if (command.json) {
    surroundings.out << json_of(sum, ok) << '\n';
    return ok ? 0 : 1;
  }
  for (const std::string& problem : sum.problems) surroundings.out << visible(problem, 4000) << '\n';
  const std::string counts = fmt::format("{} records, {} rows, {} rejects, {} bytes of gaps", sum.records, sum.rows,
                                         sum.rejects, sum.gap_bytes);
  if (ok) {
    surroundings.out << "ok: " << counts << '\n';
    return 0;
  }
  if (!sum.problems.empty()) {
    surroundings.out << std::flush;
    const bool only_aggregates = sum.aggregate_problems == sum.problems.size();
    talk.line(only_aggregates
                  ? fmt::format("what is counted does not fit the rows; make it again from them: leat rebuild {}",
                                visible(command.target))
                  : "what leat has written was changed or damaged afterwards; restore a backup, or move the "
                    "database away and run again while the sources still have everything");
    surroundings.out << fmt::format("broken: {} {}; {}, {} lost, {} doubled\n", sum.problems.size(),
                                    sum.problems.size() == 1 ? "problem" : "problems", counts, sum.lost, sum.doubled);
  } else {
    surroundings.out << fmt::format("broken: {} are gaps (--strict); {}\n", human_bytes(sum.gap_bytes), counts);
  }
  return 1;
}

}  // namespace leat::app
