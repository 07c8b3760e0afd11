#pragma once

// The REST API over the tables of some databases (docs/api.md): answers requests, reads through flow::Store, changes
// nothing. Any number of threads: each answer takes a Store of its own for as long as it reads, not for as long as a
// client waits.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/store.h"
#include "server/http.h"
#include "server/table_request.h"

namespace leat {

struct ApiDatabase {
  std::string name;                    // for people
  std::vector<std::string> pipelines;  // whose tables are served; empty: of all
  // A null pointer: it is not there yet.
  std::function<Result<std::unique_ptr<Store>>()> open;
};

struct ApiOptions {
  std::vector<std::string> hosts;          // allowed in `Host`, besides localhost and the address that is listened on
  std::vector<std::string> origins;        // allowed in `Origin`, besides the server's own; these get CORS headers
  std::string token;                       // asked for as `Authorization: Bearer …`; empty: none
  std::map<std::string, ApiRange> ranges;  // by table
};

class Api {
 public:
  Api(ApiOptions options, std::vector<ApiDatabase> databases);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  ~Api();

  HttpResponse answer(const HttpRequest& request);
  // What stands in the way of serving: a declared range of a table that is there and has no such column or no index for
  // it, a table of one name in two databases. bad_config, with what to do.
  Status check();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace leat
