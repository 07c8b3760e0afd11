#include "app/top_model.h"

#include <algorithm>
#include <cmath>

#include "app/backlog.h"
#include "base/text.h"
#include "base/time.h"
#include "os/file_system.h"

namespace leat::app {
namespace {

constexpr uint64_t kAnswerMs = 250;    // a read that takes longer is given up
constexpr uint64_t kWindowMs = 5000;   // of the rate
constexpr uint64_t kListsMs = 2000;    // between two looks at days and lists,
constexpr uint64_t kShareOfTime = 20;  // or so many times as long as the last one took
constexpr int64_t kFreshMicros = 3 * kMicrosPerSecond;
constexpr size_t kMostDays = 60;
constexpr size_t kMostEntries = 60;

std::string text_of(const StoredValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return std::to_string(*real);
  return "";
}

std::optional<uint64_t> count_of(const StoredValue& value) {
  const auto* integer = std::get_if<int64_t>(&value);
  return integer == nullptr || *integer < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(*integer));
}

bool is_null(const StoredValue& value) {
  return std::holds_alternative<std::monostate>(value);
}

const NamedExpression* with(const std::vector<NamedExpression>& columns, std::string_view beginning) {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const NamedExpression& each) { return each.expression.starts_with(beginning); });
  return at == columns.end() ? nullptr : &*at;
}

// "pages_per_day" → "pages". The standard ones first, in the order of what people ask for.
std::string title_of(const std::string& name) {
  constexpr std::string_view kEnd = "_per_day";
  return name.ends_with(kEnd) ? name.substr(0, name.size() - kEnd.size()) : name;
}
size_t rank_of(const std::string& title) {
  constexpr std::string_view kOrder[] = {"pages", "statuses", "browsers", "referrers", "countries"};
  return static_cast<size_t>(std::find(std::begin(kOrder), std::end(kOrder), title) - std::begin(kOrder));
}

Result<std::vector<TopDay>> read_days(Store& store, const AggregateSpec& spec) {
  const NamedExpression* visitors = with(spec.value, "count_distinct(");
  const NamedExpression* hits = with(spec.value, "count()");
  AggregateQuery query;
  query.aggregate = spec;
  query.columns = {spec.by[0].name};
  if (visitors != nullptr) query.columns.push_back(visitors->name);
  if (hits != nullptr) query.columns.push_back(hits->name);
  query.order = spec.by[0].name;
  query.limit = kMostDays;
  LEAT_ASSIGN(const StoredRows rows, store.aggregate_rows(query));
  std::vector<TopDay> days;
  for (const std::vector<StoredValue>& row : rows) {
    if (is_null(row[0])) continue;
    TopDay& day = days.emplace_back();
    day.day = text_of(row[0]);
    if (visitors != nullptr) day.visitors = count_of(row[1]);
    if (hits != nullptr) day.hits = count_of(row.back());
  }
  return days;
}

Result<TopList> read_list(Store& store, const AggregateSpec& spec, const TopDay& newest) {
  const size_t day = spec.by[0].expression.starts_with("day(") ? 0 : 1;
  const NamedExpression& label = spec.by[1 - day];
  const NamedExpression* hits = with(spec.value, "count()");
  AggregateQuery query;
  query.aggregate = spec;
  query.columns = {label.name, hits->name};
  query.key = spec.by[day].name;
  query.is = newest.day;
  query.order = hits->name;
  query.limit = kMostEntries;
  LEAT_ASSIGN(const StoredRows rows, store.aggregate_rows(query));
  TopList list;
  list.title = title_of(spec.name);
  list.day = newest.day;
  list.statuses = label.expression == "status";
  list.all = newest.hits;
  for (const std::vector<StoredValue>& row : rows) {
    list.entries.push_back({is_null(row[0]) ? "(none)" : text_of(row[0]), count_of(row[1]).value_or(0)});
  }
  return list;
}

}  // namespace

TopPipeline TopReader::pipeline_of(const Database& database, const PipelineState& state) {
  TopPipeline pipeline;
  pipeline.name = state.pipeline;
  pipeline.database = database.name;
  pipeline.started = true;
  pipeline.running = state.running;
  if (state.is_waiting()) pipeline.waits_until = state.run->next_micros;
  pipeline.committed_micros = state.committed_micros;
  pipeline.last_error = state.last_error;
  pipeline.error_micros = state.error_micros;
  Sample now{clock_.steady_ms(), 0, 0};
  uint64_t records = 0;
  for (const PartState& part : state.parts) {
    pipeline.rows += part.counts.inserted + part.counts.updated;
    pipeline.rejects += part.counts.rejected;
    pipeline.gap_bytes += part.gap_bytes;
    records += part.counts.records();
    now.bytes += part.position.offset;
  }
  now.rows = pipeline.rows;
  std::deque<Sample>& samples = samples_[database.name + '\n' + state.pipeline];
  if (!samples.empty() && (samples.back().rows > now.rows || samples.back().bytes > now.bytes)) samples.clear();
  samples.push_back(now);
  while (samples.size() > 2 && samples[1].at_ms + kWindowMs <= now.at_ms) samples.pop_front();
  const Sample& then = samples.front();
  const uint64_t passed_ms = now.at_ms - then.at_ms;
  double bytes_per_second = 0;
  if (passed_ms >= 1000) {
    pipeline.rows_per_second = static_cast<double>(now.rows - then.rows) * 1000 / static_cast<double>(passed_ms);
    bytes_per_second = static_cast<double>(now.bytes - then.bytes) * 1000 / static_cast<double>(passed_ms);
  } else if (state.running && state.committed_micros && clock_.now_micros() - *state.committed_micros < kFreshMicros) {
    // The first look: what the last commit has kept.
    pipeline.rows_per_second = state.rows_per_second;
    if (records > 0) {
      bytes_per_second = state.rows_per_second * static_cast<double>(now.bytes) / static_cast<double>(records);
    }
  }
  if (const std::optional<Backlog> backlog = backlog_of(state)) {
    pipeline.behind_bytes = backlog->behind;
    const auto behind = static_cast<double>(backlog->behind);
    const auto total = static_cast<double>(backlog->behind + backlog->taken);
    if (total > 0) pipeline.taken_share = static_cast<double>(backlog->taken) / total;
    if (state.running && behind > 0 && bytes_per_second > 0) {
      pipeline.left_seconds = static_cast<uint64_t>(std::ceil(std::min(behind / bytes_per_second, 1e9)));
    }
  }
  return pipeline;
}

Status TopReader::look_at(Database& database, std::vector<TopPipeline>& pipelines) {
  // Deleted, replaced, or begun to be written to (what can only be read is opened as a file that does not change).
  LEAT_ASSIGN(const auto info, os::file_system().info(database.name, os::Links::follow));
  LEAT_ASSIGN(const auto log, os::file_system().info(database.name + "-wal", os::Links::follow));
  const OpenFile file{info ? info->device : 0, info ? info->inode : 0, log.has_value()};
  if (file != files_[database.name]) database.store.reset();
  if (database.store == nullptr) {
    LEAT_ASSIGN(database.store, database.open());
    files_[database.name] = file;
  }
  std::vector<PipelineState> states;
  if (database.store != nullptr) {
    database.store->answer_within(kAnswerMs);
    LEAT_ASSIGN(states, database.store->pipelines());
  }
  const std::vector<std::string>& wanted = database.pipelines;
  for (const PipelineState& state : states) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), state.pipeline) == wanted.end()) continue;
    pipelines.push_back(pipeline_of(database, state));
  }
  for (const std::string& name : wanted) {
    const bool known =
        std::any_of(states.begin(), states.end(), [&](const PipelineState& state) { return state.pipeline == name; });
    if (known) continue;
    TopPipeline& fresh = pipelines.emplace_back();
    fresh.name = name;
    fresh.database = database.name;
  }
  return {};
}

Status TopReader::look_at_lists(Store& store, const std::string& pipeline, Lists& lists) {
  LEAT_ASSIGN(std::vector<AggregateSpec> specs, store.aggregates(pipeline));
  std::stable_sort(specs.begin(), specs.end(), [](const AggregateSpec& a, const AggregateSpec& b) {
    return rank_of(title_of(a.name)) < rank_of(title_of(b.name));
  });
  const auto per_day = [](const AggregateSpec& spec) { return with(spec.by, "day(") != nullptr; };
  const AggregateSpec* days = nullptr;
  for (const AggregateSpec& spec : specs) {
    const bool counts = with(spec.value, "count_distinct(") != nullptr || with(spec.value, "count()") != nullptr;
    if (spec.by.size() != 1 || !per_day(spec) || !counts) continue;
    if (days == nullptr || with(days->value, "count_distinct(") == nullptr) days = &spec;
  }
  // What cannot be read leaves `lists` as they are.
  std::vector<TopDay> found_days;
  std::vector<TopList> found;
  if (days != nullptr) {
    LEAT_ASSIGN(found_days, read_days(store, *days));
  }
  for (const AggregateSpec& spec : specs) {
    const bool fits = spec.by.size() == 2 && per_day(spec) && with(spec.value, "count()") != nullptr;
    if (!fits || found_days.empty()) continue;
    Result<TopList> list = read_list(store, spec, found_days.front());
    if (list.ok()) {
      found.push_back(*std::move(list));
    } else if (list.status().kind() == Kind::retry) {
      const std::string title = title_of(spec.name);
      const auto old = std::find_if(lists.lists.begin(), lists.lists.end(),
                                    [&](const TopList& each) { return each.title == title; });
      TopList& late = found.emplace_back();
      if (old != lists.lists.end()) late = *old;
      late.title = title;
      late.late = true;
    } else {
      return std::move(list).status();
    }
  }
  lists.by_day = days != nullptr;
  lists.days = std::move(found_days);
  lists.lists = std::move(found);
  return {};
}

const TopModel& TopReader::look() {
  model_.target = target_;
  model_.now_micros = clock_.now_micros();
  model_.trouble.clear();
  std::vector<TopPipeline> pipelines;
  const auto failed = [&](Database& database, const Status& status) {
    model_.trouble = status.message();
    if (status.kind() != Kind::retry) database.store.reset();
  };
  for (Database& database : databases_) {
    const size_t before = pipelines.size();
    if (const Status looked = look_at(database, pipelines); !looked.ok()) {
      failed(database, looked);
      pipelines.resize(before);
      for (const TopPipeline& old : model_.pipelines) {
        if (old.database == database.name) pipelines.push_back(old);
      }
    }
  }
  model_.pipelines = std::move(pipelines);
  if (model_.pipelines.empty()) return model_;
  model_.chosen = chosen_ % model_.pipelines.size();
  const TopPipeline& chosen = model_.pipelines[model_.chosen];
  Lists& lists = lists_[chosen.database + '\n' + chosen.name];
  const auto database = std::find_if(databases_.begin(), databases_.end(),
                                     [&](const Database& each) { return each.name == chosen.database; });
  const uint64_t now_ms = clock_.steady_ms();
  if (chosen.started && database->store != nullptr && now_ms >= lists.due_ms) {
    if (const Status looked = look_at_lists(*database->store, chosen.name, lists); !looked.ok()) {
      failed(*database, looked);
    }
    const uint64_t took_ms = clock_.steady_ms() - now_ms;
    lists.due_ms = now_ms + std::max(kListsMs, took_ms * kShareOfTime);
  }
  model_.days = lists.days;
  model_.lists = lists.lists;
  model_.by_day = lists.by_day;
  return model_;
}

}  // namespace leat::app
