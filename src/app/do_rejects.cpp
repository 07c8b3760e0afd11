#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "app/commands.h"
#include "app/talk.h"
#include "app/target.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "config/complaints.h"
#include "data/reject.h"

namespace leat::app {
namespace {

constexpr size_t kShownBytes = 200;

struct Found {
  const Database* database;
  std::string pipeline;
  uint64_t rejects = 0;
};

std::string text_of(const StoredReject& reject) {
  std::string out = visible(reject.origin, 1000);
  out += reject.line > 0 ? fmt::format(":{}", reject.line) : fmt::format(" at byte {}", reject.byte_offset);
  if (!reject.column.empty()) out += fmt::format(": column {}", quoted(reject.column));
  out += fmt::format(": {}\n  {}", visible(reject.reason, 1000), visible(reject.raw, kShownBytes));
  if (reject.raw_length > kShownBytes) out += fmt::format(" ({} bytes)", with_commas(reject.raw_length));
  return out + '\n';
}

std::string json_of(const StoredReject& reject) {
  JsonWriter json;
  json.begin_object().field("reject", reject.number).field("pipeline", std::string_view(reject.pipeline));
  json.field("origin", std::string_view(reject.origin)).field("line", reject.line);
  json.field("byte_offset", reject.byte_offset).field("column", std::string_view(reject.column));
  json.field("reason", std::string_view(reject.reason)).field("raw", std::string_view(reject.raw));
  json.field("raw_length", reject.raw_length).field("at", std::string_view(reject.at)).end_object();
  return json.text() + '\n';
}

}  // namespace

int do_rejects(const RejectsCommand& command, const Surroundings& surroundings) {
  const std::stop_callback leave(surroundings.stop, [] { std::_Exit(130); });
  Talk talk(surroundings.err, Manner::plain, surroundings.colour, false);
  const auto fail = [&](const Status& status) {
    talk.message(NoteLevel::info, status.message());
    return status.kind() == Kind::bad_config ? 2 : 1;
  };
  auto databases = open_target(command.target);
  if (!databases.ok()) return fail(databases.status());
  std::vector<Found> chosen;
  std::vector<std::string> names;  // of all pipelines, for a suggestion
  for (const Database& database : *databases) {
    names.insert(names.end(), database.pipelines.begin(), database.pipelines.end());
    if (database.store == nullptr) continue;
    const auto states = database.store->pipelines();
    if (!states.ok()) return fail(states.status());
    for (const PipelineState& state : *states) {
      const std::vector<std::string>& wanted = database.pipelines;
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), state.pipeline) == wanted.end()) continue;
      if (wanted.empty()) names.push_back(state.pipeline);
      if (!command.pipeline.empty() && command.pipeline != state.pipeline) continue;
      Found& found = chosen.emplace_back(Found{&database, state.pipeline, 0});
      for (const PartState& part : state.parts) found.rejects += part.counts.rejected;
    }
  }
  if (!command.pipeline.empty() && std::find(names.begin(), names.end(), command.pipeline) == names.end()) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    return fail(Status::bad_config(fmt::format("{}: there is no pipeline {}{}", visible(command.target),
                                               quoted(command.pipeline), suggestion(command.pipeline, views))));
  }
  // The options count over all pipelines, one after the other.
  uint64_t skip = command.skip;
  uint64_t left = command.limit;
  uint64_t all = 0;
  uint64_t shown = 0;
  for (const Found& found : chosen) {
    all += found.rejects;
    if (skip >= found.rejects) {
      skip -= found.rejects;
      continue;
    }
    if (left == 0) continue;
    RejectQuery query;
    query.pipeline = found.pipeline;
    query.by_place = command.by_file;
    query.skip = skip;
    query.limit = left;
    query.raw_bytes = command.json ? kRejectRawLimit : kShownBytes + 1;
    skip = 0;
    if (!command.json && chosen.size() > 1) {
      surroundings.out << fmt::format("pipeline {}\n", visible(found.pipeline));
    }
    const Status listed = found.database->store->rejects(query, [&](const StoredReject& reject) {
      surroundings.out << (command.json ? json_of(reject) : text_of(reject));
      --left;
      ++shown;
      return static_cast<bool>(surroundings.out);
    });
    if (!listed.ok()) return fail(listed);
  }
  surroundings.out << std::flush;
  if (all == 0) {
    talk.line("no rejects");
  } else if (shown == 0) {
    talk.line(fmt::format("there are only {} rejects", with_commas(all)));
  } else if (shown == all) {
    talk.line(fmt::format("{} {}", with_commas(all), all == 1 ? "reject" : "rejects"));
  } else {
    const uint64_t last = command.skip + shown;
    talk.line(fmt::format("{} to {} of {} rejects{}", with_commas(command.skip + 1), with_commas(last),
                          with_commas(all), last < all ? fmt::format("; the next: --skip {}", last) : ""));
  }
  return 0;
}

}  // namespace leat::app
