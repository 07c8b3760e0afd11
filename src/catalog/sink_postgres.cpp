#include <array>

#include "catalog/sink_kinds.h"
#include "sinks/postgres.h"

namespace leat {
namespace {

constexpr std::array<Option, 2> kPostgresOptions{{
    {.name = "url",
     .type = OptionType::text,
     .required = true,
     .help = "postgresql://USER:${env:PGPASSWORD}@HOST:5432/DATABASE, as libpq takes it; ?sslmode=verify-full asks for "
             "TLS"},
    {.name = "schema",
     .type = OptionType::text,
     .standard = "public",
     .help = "where the tables are; it must be there"},
}};

PostgresOpen postgres_open(const Settings& settings) {
  return {.url = settings.text("url"), .schema = settings.text("schema")};
}

std::unique_ptr<Sink> make_postgres(const Settings& settings, const Making& making) {
  return make_postgres_sink(postgres_open(settings), making.clock, making.note);
}

Result<std::unique_ptr<Store>> open_postgres(const Settings& settings) {
  return open_postgres_store(postgres_open(settings));
}

std::string postgres_where(const Settings& settings) {
  const Result<std::string> place = postgres_place(postgres_open(settings));
  return place.ok() ? *place : "";
}

void check_postgres(const Settings& settings, Complaints& complaints) {
  const Result<std::string> place = postgres_place(postgres_open(settings));
  if (!place.ok()) complaints.add(settings.place("url"), place.status().message());
}

// A COMMIT waits for the disk of the server: at that size for a twentieth of the time.
CommitRule commits(const Settings& /*settings*/) {
  return {.rows = 131'072};
}

}  // namespace

SinkKind postgres_kind() {
  return {.name = "postgres",
          .help = "a table in a PostgreSQL database, 15 or newer",
          .options = kPostgresOptions,
          .make = make_postgres,
          .open_store = open_postgres,
          .place = postgres_where,
          .check = check_postgres,
          .modes = kAllModes,
          .check_plan = nullptr,
          .commit_rule = commits};
}

}  // namespace leat
