#include "app/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redaction.h"
#include "base/text.h"
#include "catalog/catalog.h"

namespace leat::app {
Database database_of(const PipelineDeclared& pipeline) {
  const std::string place = pipeline.sink.kind->place(pipeline.sink.settings);
  return {place,
          nullptr,
          {pipeline.name},
          [sink = pipeline.sink] { return sink.kind->open_store(sink.settings); },
          pipeline.sink.kind->rows_read_by};
}

Result<std::vector<Database>> open_target(const std::string& target) {
  if (!is_database_address(target)) LEAT_TRY(check_is_path(target));
  std::vector<Database> databases;
  if (!target.ends_with(".toml")) {
    const auto open = [target] { return open_database(target); };
    LEAT_ASSIGN(auto store, open());
    databases.push_back({shown_url(target), std::move(store), {}, open});
    return databases;
  }
  LEAT_ASSIGN(const PipelineFile file, read_pipeline_file(target));
  for (const PipelineDeclared& pipeline : file.pipelines) {
    if (pipeline.sink.kind->open_store == nullptr) continue;  // it keeps nothing
    const std::string place = pipeline.sink.kind->place(pipeline.sink.settings);
    const auto same = std::find_if(databases.begin(), databases.end(),
                                   [&](const Database& database) { return database.name == place; });
    if (same != databases.end()) {
      same->pipelines.push_back(pipeline.name);
      continue;
    }
    databases.push_back(database_of(pipeline));
    LEAT_ASSIGN(databases.back().store, databases.back().open());
  }
  if (databases.empty() && !file.pipelines.empty()) {
    return Status::bad_config(
        fmt::format("{}: its pipelines keep nothing that could be looked at here (their sinks are of type 'null'); "
                    "name a sink that is a database",
                    visible(target)));
  }
  return databases;
}

}  // namespace leat::app
