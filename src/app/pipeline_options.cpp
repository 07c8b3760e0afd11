#include <fmt/format.h>

#include <array>

#include "app/pipeline_file.h"
#include "base/text.h"

namespace leat::app {
namespace {

std::vector<std::string_view> write_modes() {
  return {kWriteModes.begin(), kWriteModes.end()};
}

constexpr std::array<Option, 2> kCommitOptions{{
    {.name = "rows",
     .type = OptionType::integer,
     .standard = "32768",
     .help = "commit after so many records; 245760 where the sink is of type duckdb, max_rows where it writes parquet"},
    {.name = "every",
     .type = OptionType::duration,
     .standard = "1s",
     .help = "and at the latest so long after the first record that is not yet committed; max_age where the sink "
             "writes parquet"},
}};

constexpr std::array<Option, 12> kPipelineOptions{{
    {.name = "from", .required = true, .help = "the name of a source"},
    {.name = "to",
     .required = true,
     .help = "\"SINK.TABLE\", or \"SINK\" for a table that bears the name of the pipeline"},
    {.name = "write",
     .type = OptionType::choice,
     .standard = "append",
     .choices = write_modes,
     .help = "append: every record becomes a row; ignore: unless one with its key is there; merge: it takes over the "
             "row with its key; replace: each run to its end (--once, or by a schedule) fills the table anew, readers "
             "see the old rows until it is complete"},
    {.name = "key",
     .type = OptionType::names,
     .may_be_empty = true,
     .help = "the columns that make a record unique, for ignore and merge; a record with a NULL there is a reject"},
    {.name = "newest",
     .help = "for merge: a record takes over a row only when it is not older in this column; without it the later "
             "record does"},
    {.name = "reconcile",
     .help =
         "for merge, with a source that is an API: \"full every 30d\" pulls everything again so often, and deletes the "
         "rows that are gone there"},
    {.name = "raw",
     .type = OptionType::boolean,
     .help = "keep the exact bytes of each record in the column raw_log; without it true for logs, false for others"},
    {.name = "transforms",
     .type = OptionType::transforms,
     .help = "what happens to the rows before they are written, in order: [ { type = \"filter\", … }, … ]"},
    {.name = "schedule",
     .help = "when it runs, each time to the end of its source: \"every 3h\", or the five fields of cron, \"0 */3 * * "
             "*\"; without it it follows its source"},
    {.name = "timezone", .standard = "UTC", .help = "the time zone of the fields of cron: \"Europe/Berlin\""},
    {.name = "commit",
     .type = OptionType::section,
     .inner = kCommitOptions,
     .help = "when rows, counts and positions are committed; also whenever the source has nothing new (not where the "
             "sink writes parquet), and at the end"},
    {.name = "standard_aggregates",
     .type = OptionType::boolean,
     .standard = "false",
     .help = "keep visitors_per_day, browsers_per_day, pages_per_day, statuses_per_day and referrers_per_day, "
             "with days in UTC"},
}};

constexpr std::array<Option, 4> kAggregateOptions{{
    {.name = "from", .required = true, .help = "the name of the pipeline whose rows are counted"},
    {.name = "by",
     .type = OptionType::expressions,
     .required = true,
     .help = "the keys, { NAME = \"expression\" }: columns or expressions such as day(time), path(request_uri)"},
    {.name = "value",
     .type = OptionType::expressions,
     .required = true,
     .help =
         "what is counted, { NAME = \"expression\" }: count, sum, min, max, count_distinct of columns or expressions"},
    {.name = "timezone", .standard = "UTC", .help = "the time zone of minute, hour, day and month: \"Europe/Berlin\""},
}};

}  // namespace

std::span<const Option> pipeline_options() {
  return kPipelineOptions;
}

std::span<const Option> aggregate_options() {
  return kAggregateOptions;
}

void take_reconcile(const Settings& settings, PipelineDeclared& pipeline, Complaints& complaints) {
  if (!settings.has("reconcile")) return;
  const auto complain = [&](const std::string& text) {
    complaints.add(settings.place("reconcile"),
                   fmt::format("'reconcile' of pipeline {} {}", quoted(pipeline.name), text));
  };
  constexpr std::string_view kFull = "full every ";
  const std::string text = settings.text("reconcile");
  const auto every = text.starts_with(kFull) ? parse_duration_ms(text.substr(kFull.size())) : std::nullopt;
  if (!every || *every == 0) {
    complain(
        fmt::format("must be \"full every 30d\", or another duration, not {}", shown(*settings.find("reconcile"))));
  } else if (!pipeline.source.kind->pulls_in_full) {
    complain(fmt::format("is for sources that can pull everything again ('http'); {} is of type {}",
                         quoted(pipeline.source.name), quoted(pipeline.source.kind->name)));
  } else if (pipeline.plan.mode != WriteMode::merge) {
    complain(fmt::format(
        "needs write = \"merge\", by whose key a row is found again, not {}{}", quoted(name_of(pipeline.plan.mode)),
        pipeline.plan.mode == WriteMode::replace ? ", which has only what the last pull has brought" : ""));
  } else {
    pipeline.full_every_ms = *every;
    pipeline.plan.reconcile = true;
  }
}

std::vector<AggregateSpec> standard_aggregates(const std::string& pipeline, const std::string& timezone) {
  return {
      {"visitors_per_day",
       pipeline,
       timezone,
       {{"day", "day(time)"}},
       {{"visitors", "count_distinct(remote_addr)"}, {"hits", "count()"}, {"bytes", "sum(body_bytes_sent)"}}},
      {"browsers_per_day",
       pipeline,
       timezone,
       {{"day", "day(time)"}, {"browser", "browser(http_user_agent)"}},
       {{"hits", "count()"}}},
      {"pages_per_day",
       pipeline,
       timezone,
       {{"day", "day(time)"}, {"page", "path(request_uri)"}},
       {{"hits", "count()"}}},
      {"statuses_per_day", pipeline, timezone, {{"day", "day(time)"}, {"status", "status"}}, {{"hits", "count()"}}},
      {"referrers_per_day",
       pipeline,
       timezone,
       {{"day", "day(time)"}, {"referrer", "referrer(http_referer)"}},
       {{"hits", "count()"}}},
  };
}

}  // namespace leat::app
