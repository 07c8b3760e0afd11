#include "app/serve_options.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "server/http_server.h"

namespace leat::app {
namespace {

constexpr std::array<Option, 2> kTlsOptions{{
    {.name = "certificate",
     .type = OptionType::path,
     .required = true,
     .help = "PEM file: the server's certificate, then those that vouch for it"},
    {.name = "key",
     .type = OptionType::path,
     .required = true,
     .help = "PEM file: its private key, without a password"},
}};

constexpr std::array<Option, 7> kServeOptions{{
    {.name = "listen",
     .standard = "127.0.0.1:8080",
     .help = "address and port; one that other machines can reach needs a token"},
    {.name = "token", .help = "asked of every request as `Authorization: Bearer TOKEN`; without it, of none"},
    {.name = "tls", .type = OptionType::section, .inner = kTlsOptions, .help = "answers over TLS, and only so"},
    {.name = "hosts",
     .type = OptionType::names,
     .help = "names by which the server may be called, besides localhost and its address"},
    {.name = "origins",
     .type = OptionType::names,
     .help = "sites whose pages may ask here (CORS): \"https://app.example.org\""},
    {.name = "connections",
     .type = OptionType::integer,
     .standard = "512",
     .help = "how many clients may be connected at the same time"},
    {.name = "tables", .type = OptionType::tables, .help = "what is declared of single tables: [serve.tables.NAME]"},
}};

constexpr std::array<Option, 3> kRangeOptions{{
    {.name = "column", .required = true, .help = "the column that the range is of"},
    {.name = "after", .required = true, .help = "the name of the parameter above which values are"},
    {.name = "before", .required = true, .help = "the name of the parameter up to which values are"},
}};

constexpr std::array<Option, 2> kTableOptions{{
    {.name = "index",
     .type = OptionType::names,
     .help = "columns to filter and order by, each an index that the pipeline makes; \"a, b\" is one over both"},
    {.name = "range",
     .type = OptionType::section,
     .inner = kRangeOptions,
     .help = "two parameters of the API for a range of a column, with an index for it"},
}};

ServedTable read_table(const Entry& entry, const std::string& directory, ServeDeclared& serve, Complaints& complaints) {
  ServedTable table{entry.key, entry.key_at, {}};
  const Settings settings = check_options(
      {entry.value, entry.key_at, kTableOptions, fmt::format("table {}", quoted(entry.key)), directory}, complaints);
  for (const std::string& index : settings.texts("index")) {
    std::vector<std::string>& columns = table.indexes.emplace_back();
    for (const std::string_view column : split(index, ',')) columns.emplace_back(trim(column));
  }
  if (!settings.has("range")) return table;
  const Settings range = settings.section("range");
  const ApiRange declared{range.text("column"), range.text("after"), range.text("before")};
  if (declared.column.empty() || declared.after.empty() || declared.before.empty()) return table;
  table.indexes.push_back({declared.column});
  serve.ranges[entry.key] = declared;
  for (const std::string_view taken : {"format", "limit", "fields", "order", "after"}) {
    for (const std::string_view name : {"after", "before"}) {
      if (range.text(name) != taken) continue;
      complaints.add(range.place(name),
                     fmt::format("{} is a parameter of its own; name this one otherwise", quoted(taken)));
    }
  }
  if (declared.after == declared.before) {
    complaints.add(range.place("before"), "'after' and 'before' must have two names");
  }
  return table;
}

}  // namespace

std::span<const Option> serve_options() {
  return kServeOptions;
}

std::span<const Option> served_table_options() {
  return kTableOptions;
}

ServeDeclared read_serve_options(const Entry& entry, const std::string& directory, Complaints& complaints) {
  ServeDeclared serve;
  if (!entry.value.is_table()) {
    complaints.add(entry.key_at, "'serve' must be a table: [serve]");
    return serve;
  }
  const Settings settings = check_options({entry.value, entry.key_at, kServeOptions, "[serve]", directory}, complaints);
  serve.listen = settings.text("listen");
  if (const auto address = parse_listen_address(serve.listen); !address.ok()) {
    complaints.add(settings.place("listen"), fmt::format("'listen' of [serve]: {}", address.status().message()));
  }
  serve.token = settings.text("token");
  if (settings.has("tls")) {
    const Settings tls = settings.section("tls");
    serve.tls = TlsFiles{tls.text("certificate"), tls.text("key")};
  }
  serve.hosts = settings.texts("hosts");
  serve.origins = settings.texts("origins");
  serve.connections = settings.integer("connections");
  if (const Value* tables = settings.find("tables"); tables != nullptr) {
    for (const Entry& table : tables->entries) {
      if (table.value.is_table()) {
        serve.tables.push_back(read_table(table, directory, serve, complaints));
      } else {
        complaints.add(table.key_at,
                       fmt::format("{} must be a table: [serve.tables.NAME] and its options below", quoted(table.key)));
      }
    }
  }
  return serve;
}

}  // namespace leat::app
