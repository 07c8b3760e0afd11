#include "os/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/redaction.h"
#include "base/text.h"
#include "os/clock.h"

namespace leat::os {
namespace {

constexpr size_t kMaxHeadBytes = 256 * 1024;  // libcurl's own limit, where it has one, is higher
constexpr long kReceiveBytes = 128L * 1024;
constexpr uint64_t kUnwatchedMs = 1000;  // longer between two looks: nobody was looking, and no timeout ran
constexpr size_t kShownUrl = 500;

std::string duration(uint64_t ms) {
  return ms % 1000 == 0 ? human_seconds(ms / 1000) : fmt::format("{} ms", ms);
}

Status check_url(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), curl_url_cleanup);
  const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK || url.find('\0') != std::string::npos) {
    return Status::bad_config(fmt::format("this is no URL ({}); it is written https://host/path",
                                          code == CURLUE_OK ? "it holds a NUL character" : curl_url_strerror(code)));
  }
  const auto part = [&](CURLUPart which) -> std::optional<std::string> {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), which, &text, 0) != CURLUE_OK) return std::nullopt;
    std::string copy = text;
    curl_free(text);
    return copy;
  };
  const std::string scheme = part(CURLUPART_SCHEME).value_or("");
  if (scheme != "http" && scheme != "https") {
    return Status::bad_config(fmt::format("{} is not spoken here; use http:// or https://", quoted(scheme)));
  }
  if (part(CURLUPART_USER) || part(CURLUPART_PASSWORD)) {
    return Status::bad_config("a user and a password do not belong into a URL; give them as `auth`");
  }
  return {};
}

class CurlTransfer;

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(HttpClientOptions options) : options_(std::move(options)) {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (global == CURLE_OK) multi_ = curl_multi_init();
    // A transfer that is held up would hold up the others of its connection.
    if (multi_ != nullptr) curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  }
  ~CurlClient() override {
    if (multi_ != nullptr) curl_multi_cleanup(multi_);
  }
  std::unique_ptr<HttpTransfer> start(HttpRequest request) override;
  void wait(uint64_t wait_ms) override;

  // Lets all transfers go on, without waiting.
  void perform();
  [[nodiscard]] const HttpClientOptions& options() const { return options_; }
  [[nodiscard]] CURLM* multi() const { return multi_; }
  void something_came() { came_ = true; }
  void forget(CurlTransfer* transfer) { std::erase(running_, transfer); }

 private:
  HttpClientOptions options_;
  CURLM* multi_ = nullptr;
  std::vector<CurlTransfer*> running_;
  uint64_t looked_ms_ = clock().steady_ms();
  bool came_ = false;  // since the last wait()
};

class CurlTransfer final : public HttpTransfer {
 public:
  CurlTransfer(CurlClient& client, HttpRequest request) : client_(client), request_(std::move(request)) {
    if (Status status = begin(); !status.ok()) fail(std::move(status));
  }
  ~CurlTransfer() override {
    stop();
    if (easy_ != nullptr) curl_easy_cleanup(easy_);
    curl_slist_free_all(lines_);
  }

  [[nodiscard]] const HttpHead* head() const override { return head_complete_ ? &head_ : nullptr; }
  [[nodiscard]] bool connected() const override { return connected_; }

  Result<Read> read() override {
    if (buffer_.empty() && running_) client_.perform();
    if (!buffer_.empty()) {
      given_.swap(buffer_);
      buffer_.clear();
      if (paused_) go_on();
      return Read{What::bytes, given_};
    }
    if (!failure_.ok()) return failure_.clone();
    return Read{running_ ? What::nothing : What::end, {}};
  }

  [[nodiscard]] bool running() const { return running_; }

  // Milliseconds until nothing has come for too long.
  [[nodiscard]] uint64_t patience_ms(uint64_t now_ms) const {
    const uint64_t limit = client_.options().idle_timeout_ms;
    const uint64_t passed = now_ms - std::min(now_ms, since_ms_);
    return !connected_ || paused_ ? limit : limit - std::min(limit, passed);
  }
  void fail_when_idle(uint64_t now_ms) {
    if (patience_ms(now_ms) > 0) return;
    fail(Status::retry(fmt::format("nothing has come for {}{}", duration(client_.options().idle_timeout_ms),
                                   head_complete_ ? ", in the middle of the answer" : ", the answer has not begun")));
  }
  // Nobody has looked for so long.
  void add_unwatched(uint64_t ms) {
    since_ms_ += ms;
    if (connected_) return;
    connect_ms_ += ms;
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_ms_));
  }
  void done(CURLcode code) {
    if (code == CURLE_OK && !head_complete_) {  // libcurl takes what came of a head for all of it
      fail(Status::retry("the answer was cut in its head"));
    } else if (code == CURLE_OK) {
      stop();
      client_.something_came();
    } else {
      fail(failure_of(code));
    }
  }

 private:
  // Prepares the request and hands it to libcurl.
  Status begin() {
    if (client_.multi() != nullptr) easy_ = curl_easy_init();
    if (easy_ == nullptr) return Status::fatal("libcurl cannot be used: out of memory");
    LEAT_TRY(check_url(request_.url));
    const HttpClientOptions& options = client_.options();
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
    set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_ms_));
    set(CURLOPT_BUFFERSIZE, kReceiveBytes);
    if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_ERRORBUFFER, detail_.data());
    set(CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &CurlTransfer::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_PREREQFUNCTION, &CurlTransfer::on_connected);
    set(CURLOPT_PREREQDATA, this);
    if (request_.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (request_.method != "GET") {
      set(CURLOPT_POSTFIELDS, request_.body.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
      lines_ = curl_slist_append(lines_, "Expect:");  // no waiting for "100 Continue"
    }
    for (const auto& [name, value] : request_.headers) {
      if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos || name.empty()) {
        return Status::bad_config(
            fmt::format("header {} holds a line break or a NUL character, which no header can", quoted(name)));
      }
      lines_ = curl_slist_append(lines_, (value.empty() ? name + ";" : name + ": " + value).c_str());
    }
    set(CURLOPT_HTTPHEADER, lines_);
    since_ms_ = clock().steady_ms();
    running_ = curl_multi_add_handle(client_.multi(), easy_) == CURLM_OK;
    return running_ ? Status() : Status::fatal("libcurl cannot be used: out of memory");
  }

  void stop() {
    if (running_) curl_multi_remove_handle(client_.multi(), easy_);
    running_ = false;
    client_.forget(this);
  }

  void fail(Status status) {
    stop();
    client_.something_came();
    failure_ = std::move(status).within(visible(shown_url(request_.url, client_.options().secrets), kShownUrl));
  }

  // The transfer goes on when what has come was taken.
  void go_on() {
    paused_ = false;
    since_ms_ = clock().steady_ms();
    curl_easy_pause(easy_, CURLPAUSE_CONT);
  }

  static CurlTransfer& self(void* data) { return *static_cast<CurlTransfer*>(data); }

  static int on_connected(void* data, char* /*to*/, char* /*from*/, int /*to_port*/, int /*from_port*/) {
    self(data).connected_ = true;
    self(data).since_ms_ = clock().steady_ms();
    return CURL_PREREQFUNC_OK;
  }

  static size_t on_header(const char* bytes, size_t /*one*/, size_t size, void* data) {
    CurlTransfer& transfer = self(data);
    transfer.came();
    return transfer.take_header({bytes, size}) ? size : 0;
  }

  static size_t on_body(const char* bytes, size_t /*one*/, size_t size, void* data) {
    CurlTransfer& transfer = self(data);
    transfer.came();
    if (!transfer.buffer_.empty() && transfer.buffer_.size() + size > transfer.client_.options().buffer_bytes) {
      transfer.paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    transfer.buffer_.append(bytes, size);
    transfer.body_bytes_ += size;
    return size;
  }

  void came() {
    since_ms_ = clock().steady_ms();
    client_.something_came();
  }

  // One line. False: the head is too large.
  bool take_header(std::string_view line) {
    if (head_complete_) return true;  // behind a chunked body
    head_bytes_ += line.size();
    if (head_bytes_ > kMaxHeadBytes) return false;
    const bool continued = line.starts_with(' ') || line.starts_with('\t');
    line = trim(line);
    if (line.starts_with("HTTP/")) {
      head_ = HttpHead{};
      long status = 0;
      curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
      head_.status = static_cast<int>(status);
      head_.framed = line.starts_with("HTTP/2");
    } else if (line.empty()) {
      head_complete_ = head_.status >= 200;  // else an interim one
      head_.framed = head_.framed || is_framed();
    } else if (continued && !head_.headers.empty()) {
      head_.headers.back().second += " " + std::string(line);
    } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
      head_.headers.emplace_back(lower_case(trim(line.substr(0, colon))), trim(line.substr(colon + 1)));
    }
    return true;
  }

  // RFC 9112 §6.3.
  [[nodiscard]] bool is_framed() const {
    if (request_.method == "HEAD" || head_.status == 204 || head_.status == 304) return true;
    if (const std::string* coding = head_.find("transfer-encoding")) {
      return lower_case(*coding).ends_with("chunked");
    }
    return head_.find("content-length") != nullptr;
  }

  [[nodiscard]] Status failure_of(CURLcode code) const {
    const std::string detail =
        visible(redacted(detail_[0] != '\0' ? detail_.data() : curl_easy_strerror(code), client_.options().secrets));
    const std::string progress = !head_complete_ ? std::string("before an answer came")
                                                 : fmt::format("after {} bytes of the body", with_commas(body_bytes_));
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_RESOLVE_PROXY:
        return Status::retry(fmt::format("the host is not known ({})", detail));
      case CURLE_COULDNT_CONNECT: {
        long number = 0;
        curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &number);
        return Status::retry(
            fmt::format("cannot connect ({})", number != 0 ? std::strerror(static_cast<int>(number)) : detail));
      }
      case CURLE_OPERATION_TIMEDOUT:
        return Status::retry(fmt::format("no connection within {}", duration(client_.options().connect_timeout_ms)));
      case CURLE_PARTIAL_FILE:
      case CURLE_HTTP2_STREAM:
        return Status::retry(fmt::format("the answer was cut {} ({})", progress, detail));
      case CURLE_GOT_NOTHING:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_HTTP2:
        return Status::retry(fmt::format("the connection broke {} ({})", progress, detail));
      case CURLE_WRITE_ERROR:  // only take_header() refuses anything
        return Status::retry(fmt::format("the head of the answer is larger than {}", human_bytes(kMaxHeadBytes)));
      case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9, as libcurl takes it
      case CURLE_WEIRD_SERVER_REPLY:
        return Status::retry("the server does not answer with HTTP");
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_ISSUER_ERROR:
        return Status::bad_config(
            fmt::format("the server's certificate is not trusted ({}); `ca_file` names who is trusted", detail));
      case CURLE_SSL_CACERT_BADFILE:
        return Status::bad_config(fmt::format("ca_file {} cannot be used: it must hold certificates as PEM",
                                              quoted(client_.options().ca_file)));
      case CURLE_SSL_CONNECT_ERROR:
        return Status::retry(fmt::format("no TLS with this server ({})", detail));
      default:
        return Status::retry(fmt::format("the request failed {} ({})", progress, detail));
    }
  }

  CurlClient& client_;
  HttpRequest request_;  // libcurl reads it while it is sent
  CURL* easy_ = nullptr;
  curl_slist* lines_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> detail_{};
  HttpHead head_;
  size_t head_bytes_ = 0;
  bool head_complete_ = false;
  bool running_ = false;
  bool connected_ = false;
  bool paused_ = false;
  uint64_t connect_ms_ = client_.options().connect_timeout_ms;
  uint64_t since_ms_ = 0;  // when something has come last
  uint64_t body_bytes_ = 0;
  std::string buffer_;  // not yet given
  std::string given_;   // by the last read()
  Status failure_;
};

std::unique_ptr<HttpTransfer> CurlClient::start(HttpRequest request) {
  auto transfer = std::make_unique<CurlTransfer>(*this, std::move(request));
  if (transfer->running()) running_.push_back(transfer.get());
  return transfer;
}

void CurlClient::perform() {
  const uint64_t unwatched = clock().steady_ms() - looked_ms_;
  if (unwatched > kUnwatchedMs) {
    for (CurlTransfer* transfer : running_) transfer->add_unwatched(unwatched);
  }
  int left = 0;
  curl_multi_perform(multi_, &left);
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    if (message->msg == CURLMSG_DONE) transfer->done(message->data.result);
  }
  looked_ms_ = clock().steady_ms();
  const std::vector<CurlTransfer*> all = running_;
  for (CurlTransfer* transfer : all) transfer->fail_when_idle(looked_ms_);
}

void CurlClient::wait(uint64_t wait_ms) {
  const uint64_t end = clock().steady_ms() + wait_ms;
  perform();
  while (!came_ && looked_ms_ < end && !running_.empty()) {
    uint64_t patience = end - looked_ms_;
    for (const CurlTransfer* transfer : running_) patience = std::min(patience, transfer->patience_ms(looked_ms_));
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::min<uint64_t>(patience, 60'000)), nullptr);
    looked_ms_ = clock().steady_ms();
    perform();
  }
  came_ = false;
}

}  // namespace

const std::string* HttpHead::find(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::unique_ptr<HttpClient> make_http_client(HttpClientOptions options) {
  return std::make_unique<CurlClient>(std::move(options));
}

}  // namespace leat::os
