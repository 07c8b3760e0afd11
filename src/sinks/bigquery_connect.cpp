#include "sinks/bigquery_connect.h"

#include <algorithm>

#include "os/file_system.h"

namespace leat {
namespace {

constexpr std::string_view kGoogle = "https://bigquery.googleapis.com";
constexpr size_t kLargestCredentials = 1024 * 1024;

}  // namespace

std::string bigquery_id_part(std::string_view name) {
  std::string out(name);
  std::replace_if(
      out.begin(), out.end(),
      [](char c) {
        const int lower = c | 0x20;
        return !((lower >= 'a' && lower <= 'z' && c > 0) || (c >= '0' && c <= '9') || c == '-' || c == '_');
      },
      '-');
  return out.substr(0, 100);
}

std::string bigquery_folder(const BigQueryOptions& options, std::string_view pipeline) {
  return options.spool + "/" + bigquery_id_part(pipeline);
}

std::string bigquery_journal_path(const BigQueryOptions& options, std::string_view pipeline) {
  return bigquery_folder(options, pipeline) + "/journal.db";
}

Result<BigQueryConnection> connect_bigquery(const BigQueryOptions& options, const Environment& environment,
                                            os::Clock& clock, std::stop_token stop) {
  GoogleCredentials credentials;
  std::string endpoint =
      options.endpoint.empty() ? environment("BIGQUERY_EMULATOR_HOST").value_or("") : options.endpoint;
  const bool stand_in = !endpoint.empty() && !endpoint.starts_with("https://");
  if (endpoint.empty()) endpoint = kGoogle;
  if (endpoint.find("://") == std::string::npos) endpoint = "http://" + endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!options.credentials.empty()) {
    LEAT_ASSIGN(const std::string content, os::read_file(os::file_system(), options.credentials, kLargestCredentials));
    LEAT_ASSIGN(credentials, parse_google_credentials(content, options.credentials));
  } else if (!stand_in) {
    LEAT_ASSIGN(credentials, find_google_credentials(os::file_system(), environment));
  }
  BigQueryAccess access;
  access.endpoint = endpoint;
  access.project = options.project.empty() ? credentials.project : options.project;
  if (access.project.empty()) {
    return Status::bad_config("sink of type bigquery: the credentials name no project; say it: project = \"…\"");
  }
  BigQueryConnection made;
  made.http = os::make_http_client({});
  made.client = std::make_unique<BigQueryClient>(access, GoogleAuth(std::move(credentials), clock), *made.http, clock,
                                                 std::move(stop));
  return made;
}

}  // namespace leat
