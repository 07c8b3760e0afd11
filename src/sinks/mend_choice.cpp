#include "sinks/mend_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {

Status no_aggregate(const std::string& where, const std::string& asked, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  const std::string_view meant = did_you_mean(asked, names);
  std::string there = known.empty() ? "it keeps none" : "there are: " + visible(join(known, ", "), 1000);
  if (!meant.empty()) there = fmt::format("did you mean {}?", quoted(meant));
  return Status::bad_config(fmt::format("{}: there is no aggregate {} ({})", where, quoted(asked), there));
}

Status table_is_gone(const std::string& where, const std::string& table, const std::string& pipeline) {
  return Status::fatal(fmt::format(
      "{}: table {} is gone, though pipeline {} has filled it; put it back, or have it made and filled anew: "
      "leat state rewind FILE.toml {} --all (after leat load: name another --table)",
      where, quoted(table), quoted(pipeline), visible(pipeline)));
}

Status check_rewind(const std::string& where, const SinkPlan& plan, const RewindRequest& request) {
  if (request.all || (plan.mode != WriteMode::merge && plan.mode != WriteMode::replace)) return {};
  return Status::bad_config(
      plan.mode == WriteMode::merge
          ? fmt::format("{}: table {} is written with write = 'merge': what a row was before a later record took it "
                        "over is not kept, so one part cannot be taken back; --all takes everything back",
                        where, quoted(plan.table))
          : fmt::format("{}: table {} is written with write = 'replace': each run reads everything anew; --all "
                        "empties it",
                        where, quoted(plan.table)));
}

Result<std::vector<const BookedPart*>> choose_parts(const std::string& where, const PartBooks& books,
                                                    const RewindRequest& request) {
  std::vector<const BookedPart*> chosen;
  std::vector<std::string_view> names;
  for (const auto& part : books.all()) {
    names.push_back(part->name);
    if (request.all || part->name == request.part) chosen.push_back(part.get());
  }
  if (request.all || !chosen.empty()) return chosen;
  const std::string_view meant = did_you_mean(request.part, names);
  return Status::bad_config(fmt::format("{}: pipeline {} has no part {}{}; see: leat state show", where,
                                        quoted(request.pipeline), quoted(request.part),
                                        meant.empty() ? "" : fmt::format(" (did you mean {}?)", quoted(meant))));
}

const Position* beginning_of(const RewindRequest& request, const std::string& part) {
  const auto found = std::find_if(request.beginnings.begin(), request.beginnings.end(),
                                  [&](const Position& position) { return position.part == part; });
  return found == request.beginnings.end() ? nullptr : &*found;
}

}  // namespace leat
