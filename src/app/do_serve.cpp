#include <fmt/format.h>

#include <algorithm>

#include "app/commands.h"
#include "app/talk.h"
#include "app/target.h"
#include "base/text.h"
#include "os/process.h"
#include "server/api.h"
#include "server/http_server.h"

namespace leat::app {
namespace {

constexpr uint64_t kOtherFiles = 64;  // open besides the connections

void log_answer(Talk& talk, const HttpLog& log) {
  Talk::Fields fields = {{"client", log.client},
                         {"method", log.method},
                         {"target", log.target},
                         {"status", std::to_string(log.status)},
                         {"bytes", std::to_string(log.bytes)},
                         {"ms", std::to_string(log.ms)}};
  if (!log.whole) fields.emplace_back("cut", log.failure.empty() ? "client" : log.failure);
  const bool failed = log.status >= 500 || !log.failure.empty();
  talk.event(failed ? NoteLevel::error : NoteLevel::info, "answer", fields);
}

// What is served and how; the command line comes before the file.
Result<ServeDeclared> declared(const ServeCommand& command) {
  ServeDeclared serve;
  if (command.target.ends_with(".toml")) {
    LEAT_ASSIGN(PipelineFile file, read_pipeline_file(command.target));
    serve = std::move(file.serve);
  }
  if (!command.listen.empty()) serve.listen = command.listen;
  return serve;
}

Result<std::unique_ptr<Api>> make_api(const std::string& target, const ServeDeclared& serve) {
  LEAT_ASSIGN(std::vector<Database> databases, open_target(target));
  std::vector<ApiDatabase> served;
  served.reserve(databases.size());
  for (Database& database : databases) {
    if (!database.rows_read_by.empty()) continue;
    served.push_back({database.name, std::move(database.pipelines), std::move(database.open)});
  }
  if (served.empty() && !databases.empty()) {
    return Status::bad_config(
        fmt::format("{}: the rows in {} are read by {}; leat serves those in SQLite, PostgreSQL and DuckDB", target,
                    visible(databases.front().name), databases.front().rows_read_by));
  }
  auto api =
      std::make_unique<Api>(ApiOptions{serve.hosts, serve.origins, serve.token, serve.ranges}, std::move(served));
  LEAT_TRY(api->check());
  return api;
}

Status serve_until_stopped(const ServeCommand& command, const Surroundings& surroundings) {
  LEAT_ASSIGN(ServeDeclared serve, declared(command));
  HttpServerOptions options;
  LEAT_ASSIGN(options.listen, parse_listen_address(serve.listen));
  if (!options.listen.loopback && serve.token.empty()) {
    return Status::bad_config(
        fmt::format("{}: other machines can reach this address, and anybody could read all tables; listen on "
                    "127.0.0.1, or set a token: [serve] token = \"${{file:/path}}\" in a pipeline file",
                    serve.listen));
  }
  options.tls = serve.tls;
  LEAT_ASSIGN(const std::unique_ptr<Api> api, make_api(command.target, serve));
  const uint64_t files = os::allow_open_files(serve.connections + kOtherFiles);
  options.connections = static_cast<size_t>(files - std::min(files / 2, kOtherFiles));
  Talk talk(surroundings.err, Manner::log, surroundings.colour, command.quiet);
  LEAT_ASSIGN(const std::unique_ptr<HttpServer> server,
              HttpServer::listen(
                  options, [&](const HttpRequest& request) { return api->answer(request); },
                  [&](const HttpLog& log) { log_answer(talk, log); }));
  surroundings.err << fmt::format("listening on {}\n", server->url()) << std::flush;
  server->run(surroundings.stop);
  return {};
}

}  // namespace

int do_serve(const ServeCommand& command, const Surroundings& surroundings) {
  const Status outcome = serve_until_stopped(command, surroundings);
  if (outcome.ok()) return 0;
  Talk(surroundings.err, Manner::plain, surroundings.colour, false).message(NoteLevel::info, outcome.message());
  return outcome.kind() == Kind::bad_config ? 2 : 1;
}

}  // namespace leat::app
