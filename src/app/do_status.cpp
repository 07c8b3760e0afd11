#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "app/backlog.h"
#include "app/commands.h"
#include "app/progress.h"
#include "app/talk.h"
#include "app/target.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"
#include "sources/http_ledger.h"

namespace leat::app {
namespace {

constexpr size_t kMostParts = 15;

struct Line {
  std::string database;
  PipelineState state;
  bool started = true;  // it has run before
  bool database_there = true;
  std::optional<uint64_t> behind_bytes;  // of the files that are still where they were last seen
};

// Of an API that is pulled in windows; its positions are those of `state`.
struct Pulled {
  explicit Pulled(const PipelineState& state) {
    for (const PartState& part : state.parts) positions.push_back(part.position);
    ledger = find_ledger(positions);
    if (!ledger.windows.empty()) progress = progress_of(ledger);
    if (progress && !state.running) progress->seconds_left.reset();
  }
  Positions positions;
  Ledger ledger;
  std::optional<Windows> progress;
};

struct Totals {
  Counts counts;
  uint64_t gap_bytes = 0;
};

Totals totals_of(const PipelineState& state) {
  Totals totals;
  for (const PartState& part : state.parts) {
    totals.counts.add(part.counts);
    totals.gap_bytes += part.gap_bytes;
  }
  return totals;
}

void optional_time(JsonWriter& json, std::string_view name, const std::optional<int64_t>& micros) {
  json.key(name);
  if (micros) {
    json.value(std::string_view(format_time(*micros)));
  } else {
    json.null();
  }
}

void counts_to_json(JsonWriter& json, const Counts& counts, uint64_t gap_bytes) {
  json.field("records", counts.records()).field("rows", counts.inserted + counts.updated);
  json.field("rejects", counts.rejected).field("filtered", counts.filtered).field("ignored", counts.ignored);
  json.field("gaps", gap_bytes);
}

void loads_to_json(JsonWriter& json, const std::optional<LoadState>& loads) {
  json.key("loads");
  if (!loads) {
    json.null();
    return;
  }
  json.begin_object().field("loaded", loads->loaded).field("waiting", loads->waiting);
  json.field("waiting_rows", loads->waiting_rows).field("waiting_bytes", loads->waiting_bytes);
  json.field("jobs", loads->jobs).field("bytes_billed", loads->bytes_billed);
  json.field("last_job", std::string_view(loads->last_job));
  json.field("last_job_link", std::string_view(loads->last_job_link));
  optional_time(json, "last_job_at", loads->last_job_micros);
  json.end_object();
}

std::string json_of(const std::vector<Line>& lines) {
  JsonWriter json;
  json.begin_object().key("pipelines").begin_array();
  for (const Line& line : lines) {
    const PipelineState& state = line.state;
    const Totals totals = totals_of(state);
    json.begin_object().field("pipeline", std::string_view(state.pipeline));
    json.field("database", std::string_view(line.database)).field("table", std::string_view(state.table));
    json.field("started", line.started).field("running", state.running).field("waiting", state.is_waiting());
    json.field("writer", std::string_view(state.writer));
    counts_to_json(json, totals.counts, totals.gap_bytes);
    json.field("rows_per_second", state.rows_per_second);
    json.key("behind_bytes");
    if (line.behind_bytes) {
      json.value(*line.behind_bytes);
    } else {
      json.null();
    }
    optional_time(json, "last_commit", state.committed_micros);
    json.field("last_error", std::string_view(state.last_error));
    optional_time(json, "error_at", state.error_micros);
    json.key("last_run");
    if (state.run) {
      json.begin_object();
      optional_time(json, "started", state.run->started_micros);
      optional_time(json, "ended", state.run->ended_micros);
      json.field("error", std::string_view(state.run->error)).end_object();
    } else {
      json.null();
    }
    optional_time(json, "next_run", state.run ? state.run->next_micros : std::nullopt);
    loads_to_json(json, state.loads);
    json.key("aggregates").begin_array();
    for (size_t i = 0; i < state.aggregates.size(); ++i) {
      json.begin_object().field("name", std::string_view(state.aggregates[i])).key("timezone");
      json.value(i < state.timezones.size() ? std::string_view(state.timezones[i]) : std::string_view()).end_object();
    }
    json.end_array().key("windows");
    if (const Pulled pulled(state); pulled.progress) {
      const Windows& windows = *pulled.progress;
      json.begin_object().field("done", windows.done).field("under_way", windows.begun);
      json.field("to_come", windows.to_come).field("full_pull", pulled.ledger.full_under_way).key("seconds_left");
      if (windows.seconds_left) {
        json.value(*windows.seconds_left);
      } else {
        json.null();
      }
      json.end_object();
    } else {
      json.null();
    }
    json.key("positions").begin_array();
    for (const PartState& part : state.parts) {
      json.begin_object().field("part", std::string_view(part.position.part));
      json.field("origin", std::string_view(part.position.origin)).field("offset", part.position.offset);
      counts_to_json(json, part.counts, part.gap_bytes);
      json.end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json.text();
}

std::string ago(int64_t micros, int64_t now) {
  if (now < micros) return "just now";
  return human_seconds(static_cast<uint64_t>((now - micros) / kMicrosPerSecond)) + " ago";
}

std::string count_of(uint64_t number, std::string_view word) {
  return fmt::format("{} {}{}", with_commas(number), word, number == 1 ? "" : "s");
}

std::string run_in_words(const PipelineRun& run, int64_t now) {
  const auto whole_seconds = [](int64_t micros) { return format_time(micros / kMicrosPerSecond * kMicrosPerSecond); };
  const int64_t took = std::max<int64_t>(run.ended_micros - run.started_micros, 0) / kMicrosPerSecond;
  std::string out = fmt::format("  last run {} UTC ({}), {}", whole_seconds(run.started_micros),
                                ago(run.started_micros, now), human_seconds(static_cast<uint64_t>(took)));
  out += run.error.empty() ? "\n" : ", failed: " + visible(run.error, 1000) + "\n";
  if (run.next_micros) {
    out += fmt::format("  next run {}{} UTC\n", *run.next_micros <= now ? "is due since " : "",
                       whole_seconds(*run.next_micros));
  }
  return out;
}

std::string loads_in_words(const LoadState& loads, int64_t now) {
  std::string out = fmt::format("  {} loaded, ", count_of(loads.loaded, "segment"));
  out += loads.waiting == 0 ? "none waits\n"
                            : fmt::format("{} with {} and {} to be loaded\n", with_commas(loads.waiting),
                                          count_of(loads.waiting_rows, "row"), human_bytes(loads.waiting_bytes));
  if (loads.last_job.empty()) return out;
  out +=
      fmt::format("  {}, {} billed; the last one{}: {}\n", count_of(loads.jobs, "job"), human_bytes(loads.bytes_billed),
                  loads.last_job_micros ? " " + ago(*loads.last_job_micros, now) : "", visible(loads.last_job));
  return out + "  " + visible(loads.last_job_link, 1000) + "\n";
}

std::string windows_in_words(const Pulled& pulled) {
  const Windows& windows = *pulled.progress;
  std::string out =
      fmt::format("  {}{} done", pulled.ledger.full_under_way ? "full pull: " : "", count_of(windows.done, "window"));
  if (windows.begun > 0) out += fmt::format(", {} under way", with_commas(windows.begun));
  if (windows.to_come > 0) out += fmt::format(", about {} to come", with_commas(windows.to_come));
  if (windows.seconds_left) out += fmt::format(", about {} left", human_seconds(*windows.seconds_left));
  const Window& last = pulled.ledger.windows.back().window;
  if (windows.begun + windows.to_come == 0 && last.is_time && last.before) {
    out += fmt::format(", up to {} UTC", format_time(*last.before));
  }
  return out + '\n';
}

std::string text_of(const Line& line, int64_t now) {
  const PipelineState& state = line.state;
  if (!line.started) {
    return fmt::format("{}: has not run yet ({} {})\n", visible(state.pipeline), visible(line.database),
                       line.database_there ? "does not know it" : "is not there");
  }
  const Totals totals = totals_of(state);
  const Counts& counts = totals.counts;
  std::string out = fmt::format("{}: {}, table {} of {}\n", visible(state.pipeline),
                                state.running        ? "running (" + visible(state.writer) + ")"
                                : state.is_waiting() ? "waiting for its next run (" + visible(state.writer) + ")"
                                                     : "not running",
                                visible(state.table), visible(line.database));
  out += fmt::format("  {}: ", count_of(counts.records(), "record"));
  out += counts.updated == 0
             ? count_of(counts.inserted, "row")
             : fmt::format("{} inserted, {} updated", with_commas(counts.inserted), with_commas(counts.updated));
  out += ", " + count_of(counts.rejected, "reject");
  if (counts.filtered > 0) out += fmt::format(", {} filtered", with_commas(counts.filtered));
  if (counts.ignored > 0) out += fmt::format(", {} ignored", with_commas(counts.ignored));
  if (totals.gap_bytes > 0) out += fmt::format(", {} lost in gaps", human_bytes(totals.gap_bytes));
  out += '\n';
  if (state.committed_micros) {
    out += fmt::format("  last commit {} UTC ({}), {} rows/s then\n",
                       format_time(*state.committed_micros / kMicrosPerSecond * kMicrosPerSecond),
                       ago(*state.committed_micros, now), human_rate(state.rows_per_second));
  }
  if (state.loads) out += loads_in_words(*state.loads, now);
  const Pulled pulled(state);
  if (pulled.progress) out += windows_in_words(pulled);
  if (line.behind_bytes) {
    out += *line.behind_bytes == 0 ? "  up to date\n" : fmt::format("  {} behind\n", human_bytes(*line.behind_bytes));
  }
  if (state.run) out += run_in_words(*state.run, now);
  if (!state.last_error.empty()) {
    out += fmt::format("  last error{}: {}\n", state.error_micros ? " " + ago(*state.error_micros, now) : "",
                       visible(state.last_error, 1000));
  }
  for (size_t i = 0; i < state.aggregates.size(); ++i) {
    out += fmt::format("  keeps {}", visible(state.aggregates[i]));
    if (i < state.timezones.size()) out += fmt::format(", in the time of {}", visible(state.timezones[i]));
    out += '\n';
  }
  if (pulled.progress) {
    size_t shown_windows = 0;
    for (const LedgerWindow& each : pulled.ledger.windows) {
      if (each.token.done || ++shown_windows > kMostParts) continue;
      const Counts& of_part = state.parts[static_cast<size_t>(each.position - pulled.positions.data())].counts;
      out += fmt::format("  {}, page {}: {}, {}\n", shown(each.window), each.token.page + 1,
                         count_of(of_part.inserted + of_part.updated, "row"), count_of(of_part.rejected, "reject"));
    }
    return out;
  }
  const size_t first = state.parts.size() > kMostParts ? state.parts.size() - kMostParts : 0;
  if (first > 0) out += fmt::format("  … {} earlier parts (--json has all)\n", with_commas(first));
  for (size_t i = first; i < state.parts.size(); ++i) {
    const PartState& part = state.parts[i];
    out += fmt::format("  {} up to {} {}: {}, {}\n", visible(part.position.origin),
                       counts_rows(part.position) ? "row" : "byte", with_commas(part.position.offset),
                       count_of(part.counts.inserted + part.counts.updated, "row"),
                       count_of(part.counts.rejected, "reject"));
  }
  return out;
}

}  // namespace

int do_status(const StatusCommand& command, const Surroundings& surroundings) {
  const std::stop_callback leave(surroundings.stop, [] { std::_Exit(130); });
  const auto fail = [&](const Status& status) {
    Talk(surroundings.err, Manner::plain, surroundings.colour, false).message(NoteLevel::info, status.message());
    return status.kind() == Kind::bad_config ? 2 : 1;
  };
  auto databases = open_target(command.target);
  if (!databases.ok()) return fail(databases.status());
  std::vector<Line> lines;
  for (Database& database : *databases) {
    std::vector<PipelineState> states;
    if (database.store != nullptr) {
      auto found = database.store->pipelines();
      if (!found.ok()) return fail(found.status());
      states = *std::move(found);
    }
    const std::vector<std::string>& wanted = database.pipelines;  // empty: all
    for (PipelineState& state : states) {
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), state.pipeline) == wanted.end()) continue;
      const std::optional<Backlog> backlog = backlog_of(state);
      lines.push_back({database.name, std::move(state), true, true, {}});
      if (backlog) lines.back().behind_bytes = backlog->behind;
    }
    for (const std::string& name : wanted) {
      const bool known = std::any_of(lines.begin(), lines.end(), [&](const Line& line) {
        return line.database == database.name && line.state.pipeline == name;
      });
      if (known) continue;
      Line line{database.name, {}, false, database.store != nullptr, {}};
      line.state.pipeline = name;
      lines.push_back(std::move(line));
    }
  }
  if (command.json) {
    surroundings.out << json_of(lines) << '\n';
    return 0;
  }
  const int64_t now = os::clock().now_micros();
  for (const Line& line : lines) surroundings.out << text_of(line, now);
  if (lines.empty()) surroundings.out << "no pipeline has written here yet\n";
  return 0;
}

}  // namespace leat::app
