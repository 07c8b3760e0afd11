#pragma once

// One page: asked for, judged, cut into chunks. The reader thread.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/chunk.h"
#include "flow/cutter.h"
#include "sources/http.h"
#include "sources/http_paging.h"

namespace leat {

struct PageStart {
  os::HttpRequest request;
  std::string part;
  uint64_t base = 0;                // offset in the part at which the page begins
  std::optional<Delivered> before;  // by an earlier reading
};

class HttpPage {
 public:
  enum class What : uint8_t {
    nothing,   // nothing has come
    head,      // once: head() is there
    chunk,     //
    other,     // it is no page: `verdict`
    changed,   // what was delivered before is not what it has now: ask anew
    complete,  // seen()
  };
  struct Event {
    What what = What::nothing;
    Chunk chunk = {};
    Verdict verdict = {};
  };

  // bad_config: the format has no such paths as are to be watched.
  static Result<std::unique_ptr<HttpPage>> ask(const HttpOptions& options, os::HttpClient& client,
                                               const MakeCutter& make_cutter, PageStart start);

  // retry: the connection failed, or the decoder has learned its columns (then with retry_after_ms 0); bad_data: the
  // bytes are refused; others as of HttpTransfer::read(). Messages begin with the place.
  Result<Event> step(int64_t now_micros);

  [[nodiscard]] const os::HttpHead& head() const { return *transfer_->head(); }
  [[nodiscard]] const os::HttpRequest& request() const { return request_; }
  [[nodiscard]] const std::string& place() const { return place_; }
  [[nodiscard]] bool connected() const { return transfer_->connected(); }
  // An answer has begun to come.
  [[nodiscard]] bool has_begun() const { return stream_ != nullptr; }
  // What has come of it, plain, and is not delivered.
  [[nodiscard]] std::string_view waiting() const { return has_begun() ? stream_->waiting() : std::string_view(); }
  [[nodiscard]] Delivered delivered() const { return stream_->delivered(); }
  [[nodiscard]] std::optional<int64_t> largest_id() const { return largest_id_; }
  // When it is complete, or no page. fatal: what it says cannot be read.
  [[nodiscard]] Result<PageSeen> seen() const;

 private:
  HttpPage(const HttpOptions& options, PageStart start);
  Status watch();
  Status begin();
  Result<bool> take();
  Result<std::optional<Verdict>> judged(int64_t now_micros);
  Result<Event> deliver();
  [[nodiscard]] Result<std::optional<uint64_t>> number(const std::string& path) const;

  const HttpOptions& options_;
  const AnswerRules rules_;
  const os::HttpRequest request_;
  const std::string place_;
  const std::string part_;
  const uint64_t base_;
  const std::optional<Delivered> before_;
  std::vector<std::string> paths_;    // watched
  std::vector<std::string> watched_;  // what stands there
  std::optional<int64_t> largest_id_;
  std::unique_ptr<Cutter> cutter_;  // until the stream has it
  bool open_ended_ = true;
  std::unique_ptr<os::HttpTransfer> transfer_;
  std::unique_ptr<StreamPart> stream_;
  std::string early_;  // bytes that came with the head
  bool is_page_ = false;
  bool ended_ = false;
  Status completed_;  // of the stream, when ended
};

}  // namespace leat
