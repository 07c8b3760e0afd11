#include "sources/http_pull.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redaction.h"
#include "base/text.h"
#include "base/time.h"
#include "data/reject.h"
#include "sources/http_request.h"
#include "sources/http_url.h"

namespace leat {
namespace {

constexpr uint64_t kMostRedirects = 10;
constexpr uint64_t kMostRefusals = 3;
constexpr uint64_t kFailuresToShrink = 2;  // of a page, in a row
constexpr uint64_t kFailuresToSplit = 3;   // of the first page of a window, or of a piece of it
constexpr uint64_t kGoodPagesToGrow = 5;
constexpr uint64_t kMostPassedOver = 3;  // pages in a row: what is behind them in their window is not asked for
constexpr uint64_t kMostGivenUp = 2;     // likewise, of all windows: the next one ends the run

}  // namespace

int64_t HttpShared::now_micros() const {
  if (!server_clock) return clock.now_micros();
  return server_clock->micros + static_cast<int64_t>(clock.steady_ms() - server_clock->steady_ms) * 1000;
}

HttpPull::HttpPull(HttpShared& shared, const Window& window)
    : shared_(shared), number_(window.number), part_(fmt::format("{}#{}", shared.name, window.number)) {
  token_.after = window.after;
  token_.before = window.before;
  token_.full = window.full;
  token_.last = window.last && window.full;
  token_.to = window.to;
  token_.is_time = window.is_time;
  token_.parents = window.parents;
  token_.at = shared.clock.now_micros();
  place_ = shown_url(shared_.options.url, shared_.options.secrets);
}

HttpPull::HttpPull(HttpShared& shared, const LedgerWindow& from)
    : shared_(shared),
      number_(from.window.number),
      part_(from.position->part),
      token_(from.token),
      offset_(from.position->offset),
      place_(from.position->origin),
      announced_(true) {}

void HttpPull::hold(uint64_t wait_ms) {
  held_until_ms_ = shared_.clock.steady_ms() + wait_ms;
}

Result<std::optional<Chunk>> HttpPull::step(bool newest) {
  if (!announced_) {
    announced_ = true;
    return std::optional(position_chunk());
  }
  for (;;) {
    if (token_.done || shared_.clock.steady_ms() < held_until_ms_) return std::optional<Chunk>();
    if (page_ == nullptr) {
      LEAT_ASSIGN(const bool any, find_parent());
      if (!any) return std::optional(position_chunk());
      auto asked = ask();
      if (asked.status().kind() == Kind::bad_data) {  // of a parent that cannot be asked about there are no pages
        place_ = shown_url(shared_.options.url, shared_.options.secrets);
        return pass_over(asked.status().message(), true);
      }
      if (!asked.ok()) return std::move(asked).status();
      if (!*asked) return std::optional<Chunk>();
    }
    auto event = page_->step(shared_.now_micros());
    if (!event.ok()) return fail(std::move(event).status());
    if (event->what == HttpPage::What::nothing) return std::optional<Chunk>();
    LEAT_ASSIGN(std::optional<Chunk> chunk, take(*std::move(event), newest));
    if (chunk) return chunk;
  }
}

// False: not yet.
Result<bool> HttpPull::ask() {
  LEAT_ASSIGN(const bool ready, shared_.auth.prepare(shared_.client));
  if (!ready || shared_.limits.wait_ms() > 0) return false;
  LEAT_ASSIGN(os::HttpRequest request, page_request(shared_.options, token_, parent_ ? &*parent_ : nullptr));
  if (by_get_) {
    request.method = "GET";
    request.body.clear();
  }
  LEAT_TRY(send_to(shared_.options, elsewhere_.empty() ? request.url : elsewhere_, request));
  if (is_own_origin(shared_.options, request.url)) generation_ = shared_.auth.add_to(request);
  PageStart start{.request = std::move(request), .part = part_, .base = token_.base, .before = {}};
  if (token_.taken > 0) start.before = Delivered{.lead = token_.lead, .bytes = token_.taken, .hash = token_.hash};
  LEAT_ASSIGN(page_, HttpPage::ask(shared_.options, shared_.client, shared_.make_cutter, std::move(start)));
  place_ = page_->place();
  shared_.limits.sent();
  return true;
}

// False: there is none behind the last one, the window is done.
Result<bool> HttpPull::find_parent() {
  if (!shared_.options.parents || parent_) return true;
  const auto after = static_cast<uint64_t>(token_.after.value_or(0));
  LEAT_ASSIGN(parent_, shared_.options.parents->row(std::max(token_.row, after + 1),
                                                    static_cast<uint64_t>(token_.before.value_or(0))));
  if (!parent_) {
    token_.done = true;
  } else if (parent_->number != token_.row) {
    begin_parent(parent_->number);
  }
  return parent_.has_value();
}

// Its pages begin anew.
void HttpPull::begin_parent(uint64_t number) {
  begin_pages();
  token_.row = number;
}

// Asks for the next piece of the window, which is as long as the last one.
void HttpPull::begin_piece() {
  const int64_t from = *token_.upto;
  const int64_t upto = from + (from - token_.from.value_or(*token_.after));
  begin_pages();
  token_.from = from;
  if (upto < *token_.before) token_.upto = upto;
}

void HttpPull::begin_pages() {
  HttpToken next = token_.beginning();
  next.base = offset_;
  next.size = token_.size;
  token_ = std::move(next);
  asked_.clear();
  passed_over_ = 0;
}

// Nothing: go on.
Result<std::optional<Chunk>> HttpPull::take(HttpPage::Event event, bool newest) {
  switch (event.what) {
    case HttpPage::What::nothing:
      break;
    case HttpPage::What::head:
      return answered(newest);
    case HttpPage::What::chunk: {
      const Delivered all = page_->delivered();
      token_.lead = all.lead;
      token_.taken = all.bytes;
      token_.hash = all.hash;
      offset_ = token_.base + all.bytes;
      shared_.failures.erase(part_);
      if (parent_) event.chunk.parent = parent_->added;
      return std::optional(marked(std::move(event.chunk)));
    }
    case HttpPage::What::changed:
      if (!void_) void_ = token_.base;
      token_.base = offset_;
      token_.lead = token_.taken = 0;
      token_.hash = {};
      drop_page();
      break;
    case HttpPage::What::complete:
      return turn(false);
    case HttpPage::What::other:
      return take_other(event.verdict);
  }
  return std::optional<Chunk>();
}

// The head of an answer is there. A window must not go on behind what the server's clock allows.
std::optional<Chunk> HttpPull::answered(bool newest) {
  const os::HttpHead& head = page_->head();
  shared_.limits.answered(head);
  const bool own = is_own_origin(shared_.options, page_->request().url);
  if (own && head.status != 401) shared_.auth.accepted(generation_);
  if (const std::string* date = head.find("date"); date != nullptr) {
    if (const auto micros = parse_http_date(*date)) shared_.server_clock = {*micros, shared_.clock.steady_ms()};
  }
  const WindowRules& rules = shared_.options.windows;
  const bool may_move = newest && token_.page == 0 && token_.taken == 0 && rules.by == WindowRules::By::time;
  if (!may_move || !token_.before || head.status >= 300) return std::nullopt;
  const int64_t horizon = horizon_of(rules, shared_.now_micros());
  if (*token_.before <= horizon) return std::nullopt;
  drop_page();
  const int64_t from = token_.from.value_or(token_.after.value_or(horizon));
  token_.before = std::max(horizon, from);
  token_.to = token_.before;
  if (token_.upto >= token_.before) token_.upto.reset();
  token_.done = *token_.before == from;
  token_.last = token_.last && !token_.done;
  return position_chunk();
}

Result<std::optional<Chunk>> HttpPull::take_other(const Verdict& verdict) {
  const std::string message = fmt::format("{}: {}", place_, verdict.message);
  const bool own = is_own_origin(shared_.options, page_->request().url);
  switch (verdict.then) {
    case Verdict::Then::page:
    case Verdict::Then::empty:
      return turn(false);
    case Verdict::Then::end:
      return turn(true);
    case Verdict::Then::redirect:
      return redirect();
    case Verdict::Then::log_in:
      if (!own || !shared_.auth.refused(generation_)) {
        return Status::bad_config(redacted(message, shared_.options.secrets));
      }
      drop_page();
      return std::optional<Chunk>();
    case Verdict::Then::wait:
      if (!verdict.wait_ms) break;
      drop_page();
      hold(*verdict.wait_ms);
      return std::optional<Chunk>();
    case Verdict::Then::retry:
      break;
    case Verdict::Then::skip:
      return pass_over(verdict.message);
    case Verdict::Then::stop:
      return fatal(message);
  }
  Status failed = Status::retry(message);
  if (verdict.wait_ms) failed = std::move(failed).with_retry_after_ms(std::max<uint64_t>(1, *verdict.wait_ms));
  return fail(std::move(failed));
}

Result<std::optional<Chunk>> HttpPull::fatal(const std::string& message) const {
  return Status::fatal(redacted(message, shared_.options.secrets));
}

Result<std::optional<Chunk>> HttpPull::redirect() {
  const std::string* location = page_->head().find("location");
  if (location == nullptr) return Status::bug(place_ + ": a redirect without Location");  // judge() has looked
  if (++redirects_ > kMostRedirects) {
    return fatal(fmt::format("{}: the server sends elsewhere {} times in a row", place_, redirects_));
  }
  auto url = resolve_url(page_->request().url, *location);
  if (!url.ok()) return fatal(fmt::format("{}: the server sends elsewhere: {}", place_, url.status().message()));
  by_get_ = by_get_ || page_->head().status == 303;
  elsewhere_ = *std::move(url);
  page_.reset();
  return std::optional<Chunk>();
}

// The page is complete.
Result<std::optional<Chunk>> HttpPull::turn(bool last) {
  LEAT_ASSIGN(PageSeen seen, page_->seen());
  seen.last = last;
  if (const auto id = page_->largest_id(); id && !token_.done) {
    token_.before = std::max(*id, token_.before.value_or(*id));
  }
  LEAT_ASSIGN(token_, turn_page(shared_.options.paging, token_, seen, asked_));
  token_.ask.text = redacted(token_.ask.text, shared_.options.secrets);
  if (token_.size > 0 && ++good_pages_ % kGoodPagesToGrow == 0) {
    token_.size = 2 * token_.size < shared_.options.paging.size ? 2 * token_.size : 0;
  }
  passed_over_ = 0;
  shared_.given_up = 0;
  page_is_over();
  return std::optional(position_chunk());
}

void HttpPull::page_is_over() {
  token_.base = offset_;
  if (token_.done && shared_.options.windows.by == WindowRules::By::id && !token_.before) token_.before = token_.after;
  if (token_.done && parent_) {
    begin_parent(parent_->number + 1);
    parent_.reset();
  } else if (token_.done && token_.upto) {
    begin_piece();
  }
  refusals_ = 0;
  shared_.failures.erase(part_);
  drop_page();
}

// The page never comes: one reject stands for it, and it goes on behind it; with `all` behind all of its kind.
Result<std::optional<Chunk>> HttpPull::pass_over(std::string why, bool all) {
  const bool fresh = offset_ == token_.base;
  Chunk chunk;
  chunk.start = chunk.base = offset_;
  if (page_) chunk.bytes = redacted(page_->waiting(), shared_.options.secrets).substr(0, kRejectRawLimit);
  offset_ += std::max<size_t>(1, chunk.bytes.size());
  token_ = pass_page(shared_.options.paging, token_);
  if (all || ++passed_over_ >= kMostPassedOver) token_.done = true;
  if (why.starts_with(place_ + ": ")) why.erase(0, place_.size() + 2);
  const bool more = !all && shared_.options.paging.type != PagingRules::Type::none && token_.done;
  chunk.refused = redacted(why, shared_.options.secrets) + "; passed over" +
                  (more ? fmt::format(", with what {} behind it", parent_ ? "that row has" : "its window has") : "");
  page_is_over();
  void_.reset();  // what was taken of the page stays
  chunk = marked(std::move(chunk));
  chunk.fresh = fresh;
  return std::optional(std::move(chunk));
}

Result<std::optional<Chunk>> HttpPull::fail(Status status) {
  const bool refused = status.kind() == Kind::bad_data;
  if (!refused && (status.kind() != Kind::retry || status.retry_after_ms() == 0U)) {
    drop_page();
    return status;
  }
  const uint64_t failures = ++shared_.failures[part_];
  if ((refused && ++refusals_ >= kMostRefusals) || failures >= shared_.options.tries) {
    const std::string message = fmt::format("{} (given up after {} attempts)", status.message(), failures);
    // A server that is not there at all would make rejects of everything.
    const bool passes = shared_.options.skip_failing && page_->has_begun() && shared_.given_up < kMostGivenUp;
    if (!passes) return fatal(message);
    ++shared_.given_up;
    return pass_over(message);
  }
  const bool connected = page_->connected();
  drop_page();
  if (!refused && connected) ask_for_less(failures);
  const auto wait_ms = status.retry_after_ms();
  Status failed = Status::retry(redacted(status.message(), shared_.options.secrets)).with_part(part_);
  if (wait_ms) failed = std::move(failed).with_retry_after_ms(*wait_ms);
  return failed;
}

// What fails may be too much at once: pages shrink, then what is asked for of the window. Both are written down, and
// the attempts begin anew.
void HttpPull::ask_for_less(uint64_t failures) {
  good_pages_ = 0;
  if (token_.taken > 0) return;
  const PagingRules& paging = shared_.options.paging;
  const uint64_t size = token_.size > 0 ? token_.size : paging.size;
  if (paging.smallest > 0 && size > paging.smallest) {
    if (failures < kFailuresToShrink) return;
    token_.size = std::max(paging.smallest, size / 2);
  } else {
    const WindowRules& rules = shared_.options.windows;
    if (token_.page > 0 || !rules.has_before || !token_.before || failures < kFailuresToSplit) return;
    const int64_t unit = rules.by == WindowRules::By::time ? kMicrosPerSecond : 1;
    const int64_t from = token_.from.value_or(*token_.after);
    const int64_t half = (token_.upto.value_or(*token_.before) - from) / unit / 2 * unit;
    if (half == 0) return;
    token_.upto = from + half;
  }
  announced_ = false;
  shared_.failures.erase(part_);
}

void HttpPull::drop_page() {
  page_.reset();
  elsewhere_.clear();
  by_get_ = false;
  redirects_ = 0;
}

Chunk HttpPull::position_chunk() {
  Chunk chunk;
  chunk.start = chunk.base = offset_;
  return marked(std::move(chunk));
}

Chunk HttpPull::marked(Chunk chunk) {
  chunk.fresh = chunk.start == token_.base;
  if (void_) chunk.void_from = std::exchange(void_, std::nullopt);
  chunk.end = {.part = part_, .origin = place_, .offset = offset_, .token = token_.text()};
  return chunk;
}

}  // namespace leat
