#pragma once

// An HTTP API as a source: windows of its records, page by page, each taken up again where it was left off
// (docs/formats/http-source.md).

#include <memory>
#include <string>
#include <vector>

#include "flow/note.h"
#include "flow/source.h"
#include "os/clock.h"
#include "os/http_client.h"
#include "sources/http_auth.h"
#include "sources/http_errors.h"
#include "sources/http_limits.h"
#include "sources/http_paging.h"
#include "sources/http_parents.h"
#include "sources/http_window.h"
#include "sources/stream_part.h"

namespace leat {

struct HttpOptions {
  std::string url;
  std::string method = "GET";
  os::HttpHeaders params;   // in the query; in a form when it is a POST without `body`
  os::HttpHeaders headers;  //
  std::string body;
  std::vector<std::string> secrets;  // values that are shown to nobody and go to the origin of `url` only
  PagingRules paging;
  WindowRules windows;
  std::string after_param;
  std::string before_param;
  std::string id_path;  // in a record, of windows by id
  HttpLimitRules limits;
  std::vector<ErrorRule> errors;
  std::vector<std::string> allow_hosts;  // names, maybe with a port
  StreamRules stream;
  bool unframed = false;
  uint64_t concurrency = 1;
  uint64_t tries = 7;                    // of a page
  std::shared_ptr<HttpParents> parents;  // whose rows are asked about; null: none
  bool skip_failing = false;             // one that failed so often becomes a reject
};

std::unique_ptr<Source> make_http_source(HttpOptions options, HttpAuthRules auth,
                                         std::unique_ptr<os::HttpClient> client, os::Clock& clock, Note note);

}  // namespace leat
