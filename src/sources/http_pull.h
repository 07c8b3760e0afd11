#pragma once

// One window being pulled: its pages one after the other, and where it stands. The reader thread.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sources/http.h"
#include "sources/http_auth.h"
#include "sources/http_ledger.h"
#include "sources/http_page.h"
#include "sources/http_paging.h"
#include "sources/http_token.h"
#include "sources/http_window.h"

namespace leat {

// What all windows of a source have in common.
struct HttpShared {
  const HttpOptions& options;
  os::HttpClient& client;
  os::Clock& clock;
  HttpLimits& limits;
  HttpAuth& auth;
  MakeCutter make_cutter;
  std::string name;  // of the source: the parts are NAME#N
  // The server's clock at `steady_ms`, as of the latest answer of this process.
  struct ServerClock {
    int64_t micros = 0;
    uint64_t steady_ms = 0;
  };
  std::optional<ServerClock> server_clock;
  std::map<std::string, uint64_t> failures;  // of each part's page in a row; kept when the source is opened anew
  uint64_t given_up = 0;                     // pages in a row, of all windows

  // By the server's clock, else by the machine's.
  [[nodiscard]] int64_t now_micros() const;
};

class HttpPull {
 public:
  HttpPull(HttpShared& shared, const Window& window);  // a new one
  HttpPull(HttpShared& shared, const LedgerWindow& from);
  HttpPull(const HttpPull&) = delete;
  HttpPull& operator=(const HttpPull&) = delete;
  ~HttpPull() = default;

  // The next chunk; nothing: nothing has come, or it is done. `newest`: no other window has begun behind its end.
  // retry with the part: the page failed; fatal; retry without a part: see HttpPage::step().
  Result<std::optional<Chunk>> step(bool newest);
  // All is delivered.
  [[nodiscard]] bool done() const { return token_.done; }
  // An answer is on its way.
  [[nodiscard]] bool is_asking() const { return page_ != nullptr; }
  [[nodiscard]] Window window() const { return window_of(number_, token_); }
  [[nodiscard]] uint64_t page() const { return token_.page; }  // from 0
  [[nodiscard]] const std::string& part() const { return part_; }
  // Its position was given: with what was read since, or as it began.
  [[nodiscard]] bool announced() const { return announced_; }
  // Nothing is asked until then.
  void hold(uint64_t wait_ms);

 private:
  Result<bool> find_parent();
  void begin_parent(uint64_t number);
  void begin_piece();
  void begin_pages();
  Result<bool> ask();
  Result<std::optional<Chunk>> take(HttpPage::Event event, bool newest);
  Result<std::optional<Chunk>> take_other(const Verdict& verdict);
  Result<std::optional<Chunk>> turn(bool last);
  Result<std::optional<Chunk>> fail(Status status);
  void ask_for_less(uint64_t failures);
  Result<std::optional<Chunk>> pass_over(std::string why, bool all = false);
  void page_is_over();
  Result<std::optional<Chunk>> fatal(const std::string& message) const;
  Result<std::optional<Chunk>> redirect();
  std::optional<Chunk> answered(bool newest);
  Chunk position_chunk();
  Chunk marked(Chunk chunk);
  void drop_page();

  HttpShared& shared_;
  const uint64_t number_;
  const std::string part_;
  HttpToken token_;
  uint64_t offset_ = 0;
  std::string place_;             // of the page that was asked last
  bool announced_ = false;        // its first position is delivered
  std::optional<uint64_t> void_;  // where what is void begins, until it is said
  uint64_t held_until_ms_ = 0;    //
  uint64_t generation_ = 0;       // of the credentials
  std::string elsewhere_;         // where a redirect has sent us
  bool by_get_ = false;           // with 303
  uint64_t redirects_ = 0;
  uint64_t refusals_ = 0;     // of the page by the decoder, in a row
  uint64_t good_pages_ = 0;   // in a row
  uint64_t passed_over_ = 0;  // pages in a row
  PagesAsked asked_;
  std::optional<ParentRow> parent_;  // that token_.row is the number of
  std::unique_ptr<HttpPage> page_;
};

}  // namespace leat
