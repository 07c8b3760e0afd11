#include <algorithm>
#include <array>
#include <cstdlib>

#include "catalog/sink_kinds.h"
#include "sinks/bigquery.h"

namespace leat {
namespace {

std::vector<std::string_view> partitions() {
  return {"hour", "day", "month", "year"};
}

std::vector<std::string_view> replaced() {
  return {"table", "partitions"};
}

constexpr std::array<Option, 13> kBigQueryOptions{{
    {.name = "dataset", .required = true, .help = "where the tables are; made when it is not there"},
    {.name = "spool",
     .type = OptionType::path,
     .required = true,
     .help = "a folder on a disk that keeps what was synced: what is taken from sources and not loaded yet, and the "
             "journal of it"},
    {.name = "project", .help = "who pays for the jobs; without it that of the credentials"},
    {.name = "location", .standard = "US", .help = "of a dataset that is made: \"EU\", \"europe-west3\", …"},
    {.name = "credentials",
     .type = OptionType::path,
     .help =
         "a key of a service account, or what `gcloud auth application-default login` has written; without it where "
         "Google's own tools look: GOOGLE_APPLICATION_CREDENTIALS, gcloud's folder, the metadata server"},
    {.name = "endpoint",
     .help =
         "in place of https://bigquery.googleapis.com; with http:// nobody logs in without 'credentials'. Without it "
         "BIGQUERY_EMULATOR_HOST"},
    {.name = "segment",
     .type = OptionType::size,
     .standard = "256MiB",
     .help = "rows are loaded when they are so large, compressed"},
    {.name = "every",
     .type = OptionType::duration,
     .standard = "5m",
     .help = "and when they are so old, with the next commit, and at the end of a run. A table takes 1,500 load jobs a "
             "day"},
    {.name = "max_spool",
     .type = OptionType::size,
     .standard = "10GiB",
     .help = "how much may wait in the spool while BigQuery is slow, or cannot be reached; then nothing is read until "
             "there is room"},
    {.name = "partition_by", .help = "of a table that is made: the column of type time that it is partitioned by"},
    {.name = "partition",
     .type = OptionType::choice,
     .standard = "day",
     .choices = partitions,
     .help = "how long one is"},
    {.name = "replace",
     .type = OptionType::choice,
     .standard = "table",
     .choices = replaced,
     .help = "with write = \"replace\", what a run takes the place of: all that was there, or the partitions that it "
             "has rows "
             "in, while the others stay"},
    {.name = "cluster_by", .type = OptionType::names, .help = "of a table that is made: up to four columns"},
}};

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): never set
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

BigQueryOptions options_of(const Settings& settings) {
  BigQueryOptions options;
  options.project = settings.text("project");
  options.dataset = settings.text("dataset");
  options.location = settings.text("location");
  options.credentials = settings.text("credentials");
  options.endpoint = settings.text("endpoint");
  options.spool = settings.text("spool");
  options.segment_bytes = settings.bytes("segment");
  options.max_spool = settings.bytes("max_spool");
  options.every_ms = settings.milliseconds("every");
  options.partition_by = settings.text("partition_by");
  options.partition = settings.text("partition");
  std::transform(options.partition.begin(), options.partition.end(), options.partition.begin(),
                 [](char c) { return static_cast<char>(c & ~0x20); });
  options.replaces_partitions = settings.text("replace") == "partitions";
  options.cluster_by = settings.texts("cluster_by");
  return options;
}

void check_bigquery(const Settings& settings, Complaints& complaints) {
  if (settings.text("replace") != "partitions" || settings.has("partition_by")) return;
  complaints.add(settings.place("replace"),
                 "replace = \"partitions\" needs partition_by = \"…\", the column of type time that the table is "
                 "partitioned by");
}

std::unique_ptr<Sink> make_bigquery(const Settings& settings, const Making& making) {
  return make_bigquery_sink(options_of(settings), environment, making.clock, making.note);
}

Result<std::unique_ptr<Store>> open_bigquery(const Settings& settings) {
  return open_bigquery_store(options_of(settings), environment, os::clock());
}

// The table and its journal belong together.
std::string bigquery_place(const Settings& settings) {
  return "BigQuery dataset " + settings.text("dataset") + ", spool " + settings.text("spool");
}

}  // namespace

SinkKind bigquery_kind() {
  return {.name = "bigquery",
          .help = "a table in BigQuery, filled by load jobs: free, each row once",
          .options = kBigQueryOptions,
          .make = make_bigquery,
          .open_store = open_bigquery,
          .place = bigquery_place,
          .check = check_bigquery,
          .modes = kAllModes,
          .check_plan = check_bigquery_plan,
          .rows_read_by = "BigQuery itself"};
}

}  // namespace leat
