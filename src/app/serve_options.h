#pragma once

// The section [serve] of a pipeline file (docs/configuration.md). Plain values; one thread.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/complaints.h"
#include "config/options.h"
#include "config/value.h"
#include "server/http_server.h"
#include "server/table_request.h"

namespace leat::app {

struct ServedTable {
  std::string name;
  Place at;
  std::vector<std::vector<std::string>> indexes;  // columns of each, that of the range among them
};

struct ServeDeclared {
  std::string listen = "127.0.0.1:8080";
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
  std::string token;
  std::optional<TlsFiles> tls;
  uint64_t connections = 512;
  std::vector<ServedTable> tables;
  std::map<std::string, ApiRange> ranges;  // by table
};

ServeDeclared read_serve_options(const Entry& entry, const std::string& directory, Complaints& complaints);

// What [serve] and [serve.tables.NAME] may hold.
std::span<const Option> serve_options();
std::span<const Option> served_table_options();

}  // namespace leat::app
