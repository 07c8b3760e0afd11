#pragma once

// An access token for Google's APIs: of a service account's key, of a person's refresh token, of the machine that leat
// runs on, or none at all (a stand-in). One thread.

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "os/http_client.h"

namespace leat {

enum class GoogleLogin : uint8_t { none, service_account, authorized_user, metadata };

struct GoogleCredentials {
  GoogleLogin login = GoogleLogin::none;
  std::string where;                                    // the file, for messages
  std::string email, key_id, private_key;               // service_account; the key as PEM
  std::string client_id, client_secret, refresh_token;  // authorized_user
  std::string token_url;                                // of both; of metadata where it answers
  std::string project;                                  // that the file names; empty: none
};

// What a file of Google's says. bad_config: it is none, or of a kind that is not known here, which the message names.
Result<GoogleCredentials> parse_google_credentials(std::string_view content, const std::string& where);

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
// Where Google's own tools look: GOOGLE_APPLICATION_CREDENTIALS, then what `gcloud auth application-default login` has
// left, then the metadata server of the machine. bad_config: as parse_google_credentials().
Result<GoogleCredentials> find_google_credentials(os::FileSystem& files, const Environment& environment);

// The signed question for a token (RFC 7523), valid for an hour. bad_config: the key is no RSA key as PEM.
Result<std::string> make_jwt(const GoogleCredentials& credentials, int64_t now_micros);

class GoogleAuth {
 public:
  GoogleAuth(GoogleCredentials credentials, os::Clock& clock) : credentials_(std::move(credentials)), clock_(clock) {}

  // What the header Authorization says; empty: it is not sent. Asks for a new token five minutes before the old one
  // ends. retry: no answer, or the server cannot now; bad_config: it refuses the credentials.
  Result<std::string> authorization(os::HttpClient& http, const std::stop_token& stop);
  // A token was refused: the next call asks for a new one.
  void forget() { token_.clear(); }
  // Of the credentials and what was obtained.
  [[nodiscard]] std::vector<std::string> secrets() const;

 private:
  Result<os::HttpRequest> token_request() const;

  GoogleCredentials credentials_;
  os::Clock& clock_;
  std::string token_;
  uint64_t renew_at_ms_ = 0;  // of the clock's steady time
};

}  // namespace leat
