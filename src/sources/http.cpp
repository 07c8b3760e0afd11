#include "sources/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/redaction.h"
#include "base/text.h"
#include "base/time.h"
#include "sources/http_ledger.h"
#include "sources/http_pull.h"
#include "sources/http_url.h"

namespace leat {
namespace {

constexpr uint64_t kWaitMs = 250;
constexpr int64_t kClockBehind = 300 * kMicrosPerSecond;  // may be because clocks differ
constexpr uint64_t kHeldMs = 20;                          // looks again at what is held
constexpr uint64_t kNextWindowMs = 60'000;  // after one that reaches the present, while the source is followed

class HttpSource final : public Source {
 public:
  HttpSource(HttpOptions options, HttpAuthRules auth, std::unique_ptr<os::HttpClient> client, os::Clock& clock,
             Note note)
      : options_(std::move(options)),
        client_(std::move(client)),
        clock_(clock),
        note_(std::move(note)),
        limits_(options_.limits, clock),
        auth_(std::move(auth), origin_of(options_.url), clock),
        shared_{options_, *client_, clock, limits_, auth_, {}, shown_url(options_.url, options_.secrets), {}, {}} {}

  ~HttpSource() override {
    pulls_.clear();
    auth_.log_out(*client_);
  }

  Status open(SourceRequest request) override {
    pulls_.clear();
    last_.reset();
    full_under_way_ = false;
    begins_full_.reset();
    if (std::exchange(ended_, false)) {  // a run of a schedule was done: this is the next one
      begun_.reset();
      full_begun_.reset();
      once_horizon_.reset();
      once_by_server_ = false;
    }
    shared_.make_cutter = std::move(request.make_cutter);
    once_ = request.once;
    LEAT_ASSIGN(const Ledger ledger, read_ledger(request.resume, shared_.name));
    full_under_way_ = options_.windows.full_every > 0 && ledger.full_under_way;
    for (const LedgerWindow& each : ledger.windows) {
      last_ = each.window;
      if (each.token.done) continue;
      begun_ = each.window.number;
      pulls_.push_back(std::make_unique<HttpPull>(shared_, each));
    }
    since_ms_ = clock_.steady_ms();
    count(progress_of(ledger), 0);
    if (!last_ || last_->full != full_begun_) full_begun_.reset();  // its beginning was not committed
    return {};
  }

  Result<Reading> read(const std::stop_token& stop) override {
    const uint64_t until_ms = clock_.steady_ms() + kWaitMs;
    for (;;) {
      if (stop.stop_requested()) return Status::stopped();
      LEAT_ASSIGN(const bool more, add_windows());
      LEAT_ASSIGN(std::optional<Chunk> chunk, next_chunk());
      if (chunk) return Reading{.what = Reading::What::chunk, .chunk = *std::move(chunk)};
      if (pulls_.empty() && more) continue;
      if (pulls_.empty() && once_ && (!options_.parents || options_.parents->ended())) {
        ended_ = true;
        return Reading{.what = Reading::What::end, .chunk = {}};
      }
      const uint64_t now_ms = clock_.steady_ms();
      if (now_ms >= until_ms) return Reading{};
      const bool asking = std::any_of(pulls_.begin(), pulls_.end(), [](const auto& pull) { return pull->is_asking(); });
      if (asking) {
        client_->wait(until_ms - now_ms);
      } else if (!clock_.wait_ms(std::min(kHeldMs, until_ms - now_ms), stop)) {
        return Status::stopped();
      }
    }
  }

  void again(const std::string& part, uint64_t wait_ms) override {
    for (const auto& pull : pulls_) {
      if (pull->part() == part) pull->hold(wait_ms);
    }
  }

  void committed(const Positions& /*positions*/) override {}

  // All of them together are laid out anew: one after the other they would pull the same records again and again.
  Result<std::optional<Position>> at_beginning(const Position& position, bool all) const override {
    if (all) return std::optional<Position>();
    LEAT_ASSIGN(const HttpToken token, HttpToken::parse(position.token));
    if (options_.windows.by == WindowRules::By::id) {
      return Status::bad_config(fmt::format(
          "{}: a window by id is open above, so that it would bring what the windows behind it have brought, "
          "once more; --all takes everything back",
          visible(position.part, 1000)));
    }
    return std::optional(
        Position{.part = position.part, .origin = shared_.name, .offset = 0, .token = token.beginning().text()});
  }

  // What is not done, in order; at most some thousand of those to come.
  Result<std::vector<PartOutline>> outline() override {
    constexpr size_t kMost = 10'000;
    std::vector<PartOutline> parts(windows_.done,
                                   {.place = shared_.name, .state = PartOutline::State::finished, .unsized = true});
    for (const auto& pull : pulls_) {
      PartOutline part{.place = shown(pull->window()), .state = PartOutline::State::begun, .unsized = true};
      part.why = fmt::format("page {}", pull->page() + 1);
      parts.push_back(std::move(part));
    }
    pulls_.clear();
    for (size_t most = parts.size() + kMost; parts.size() < most && may_begin();) {
      Result<std::optional<Window>> next = lay_out();
      if (!next.ok()) {
        const bool awaited = options_.parents && !options_.parents->missing().empty();
        parts.push_back({.place = shared_.name,
                         .state = awaited ? PartOutline::State::awaited : PartOutline::State::trouble,
                         .why = next.status().message()});
      }
      if (!next.ok() || !*next) break;
      parts.push_back({.place = shown(**next), .unsized = true});
    }
    return parts;
  }

  [[nodiscard]] std::optional<uint64_t> backlog_bytes() const override { return std::nullopt; }
  [[nodiscard]] std::optional<Windows> windows() const override {
    const std::lock_guard lock(mutex_);
    Windows windows = windows_;
    windows.pulled = pulled_here_.size();
    windows.seconds_left.reset();
    if (pulled_ > 0 && windows.begun + windows.to_come > 0) {
      windows.seconds_left = (clock_.steady_ms() - since_ms_) * (windows.begun + windows.to_come) / pulled_ / 1000;
    }
    return windows;
  }

 private:
  // Begins the windows that may be pulled now. True: there is one.
  Result<bool> add_windows() {
    bool added = false;
    while (pulls_.size() < options_.concurrency && may_begin()) {
      LEAT_ASSIGN(const std::optional<Window> next, lay_out());
      if (!next) break;
      pulls_.push_back(std::make_unique<HttpPull>(shared_, *next));
      added = true;
    }
    return added;
  }

  // The window behind the last one begins; nothing: there is none now.
  Result<std::optional<Window>> lay_out() {
    const WindowRules& rules = options_.windows;
    const int64_t now = clock_.now_micros();
    const bool full = !full_under_way_ && pulls_.empty() && !full_begun_ && is_full_due(rules, last_, now);
    std::optional<Window> next;
    if (options_.parents) {
      LEAT_ASSIGN(next, options_.parents->next_block(last_, once_));
    } else {
      next = full ? first_of_full(rules, last_, horizon(), now) : next_window(rules, last_, horizon());
    }
    if (!next) {
      note_clock_behind();
      return next;
    }
    const bool reaches_present = next->last;
    next->last = next->last && (full || full_under_way_);
    if (next->last && next->is_time && !pulls_.empty()) return std::optional<Window>();
    next_window_ms_ = reaches_present ? clock_.steady_ms() + kNextWindowMs : 0;
    if (full) {
      begins_full_ = next->number;
      full_under_way_ = true;
      if (once_) full_begun_ = next->full;
    }
    last_ = next;
    begun_ = next->number;
    Windows windows = full ? Windows() : windows_;
    ++windows.begun;
    windows.to_come = windows_behind(*next, rules.length);
    count(windows, pulled_);
    return next;
  }

  // Before the server has told its clock, one of the machine that is wrong would look as if there were nothing new.
  void note_clock_behind() {
    const WindowRules& rules = options_.windows;
    if (rules.by != WindowRules::By::time || shared_.server_clock || told_clock_behind_) return;
    const int64_t begin = last_ ? last_->before.value_or(rules.start) : rules.start;
    if (horizon_of(rules, clock_.now_micros()) + kClockBehind >= std::min(begin, rules.until.value_or(begin))) return;
    told_clock_behind_ = true;
    note_(
        NoteLevel::warning,
        fmt::format("{}: the machine's clock shows {} UTC, but the next window begins at {} UTC: nothing is asked for "
                    "until then; set the clock, or 'start'",
                    shared_.name, format_time(clock_.now_micros()), format_time(begin)));
  }

  void count(const Windows& windows, uint64_t pulled) {
    const std::lock_guard lock(mutex_);
    windows_ = windows;
    pulled_ = pulled;
  }

  // The next window begins where the last one ends, which has to be known: by id when it is done, by the clock when the
  // server has told its own.
  [[nodiscard]] bool may_begin() const {
    const WindowRules& rules = options_.windows;
    if (options_.parents) return true;                          // they say where one ends
    if (full_under_way_ && last_ && last_->last) return false;  // it is not done
    const bool is_cut = rules.has_before && (rules.by == WindowRules::By::number || shared_.server_clock);
    if (!pulls_.empty() && !is_cut) return false;
    const bool is_one = rules.by == WindowRules::By::run || rules.by == WindowRules::By::id;
    if (once_) return !is_one || !begun_ || !last_ || last_->number > *begun_;
    return !pulls_.empty() || clock_.steady_ms() >= next_window_ms_;
  }

  // A run that is to end does not run after the clock: it ends where the server's stands when it is known first.
  int64_t horizon() {
    if (options_.windows.by != WindowRules::By::time) return 0;
    const int64_t now = horizon_of(options_.windows, shared_.now_micros());
    if (!once_) return now;
    if (!once_horizon_ || (shared_.server_clock && !once_by_server_)) {
      once_horizon_ = now;
      once_by_server_ = shared_.server_clock.has_value();
    }
    once_horizon_ = std::min(now, *once_horizon_);  // the clock may have been ahead
    return *once_horizon_;
  }

  Result<std::optional<Chunk>> next_chunk() {
    const size_t most = std::min<size_t>(pulls_.size(), options_.concurrency);
    // A window is in the ledger before the next one is: else a kill between the two would leave it out for ever.
    const auto planned =
        std::find_if(pulls_.begin(), pulls_.end(), [](const auto& pull) { return !pull->announced(); });
    if (planned != pulls_.end()) turn_ = static_cast<size_t>(planned - pulls_.begin()) + most - 1;
    for (size_t i = 0; i < most; ++i) {
      turn_ = (turn_ + 1) % most;
      HttpPull& pull = *pulls_[turn_];
      const bool newest = last_ && pull.window().number == last_->number;
      auto chunk = pull.step(newest);
      if (newest) last_ = pull.window();  // its end may have moved
      if (!chunk.ok()) return std::move(chunk).status();
      if (!*chunk) continue;
      if (begins_full_ == pull.window().number) {
        begins_full_.reset();
        (*chunk)->full = FullPull::begins;
      }
      if (!(*chunk)->refused.empty()) {
        const auto& [place, why] = std::tie((*chunk)->end.origin, (*chunk)->refused);
        note_(NoteLevel::warning, why.starts_with(place) ? why : fmt::format("{}: {}", place, why));
      }
      if (!pull.done()) return chunk;
      const uint64_t number = pull.window().number;
      pulls_.erase(pulls_.begin() + static_cast<std::ptrdiff_t>(turn_));
      Windows windows = windows_;
      --windows.begun;
      ++windows.done;
      windows.to_come = windows_behind(*last_, options_.windows.length);
      count(windows, pulled_ + 1);
      {
        const std::lock_guard lock(mutex_);
        pulled_here_.insert(number);
      }
      if (full_under_way_ && last_->last && pulls_.empty()) {
        full_under_way_ = false;
        (*chunk)->full = FullPull::ends;
      }
      return chunk;
    }
    return std::optional<Chunk>();
  }

  const HttpOptions options_;
  const std::unique_ptr<os::HttpClient> client_;
  os::Clock& clock_;
  const Note note_;
  HttpLimits limits_;
  HttpAuth auth_;
  HttpShared shared_;
  std::vector<std::unique_ptr<HttpPull>> pulls_;  // in the order of their windows
  std::optional<Window> last_;                    // that was begun
  size_t turn_ = 0;                               // of pulls_, which was asked last
  bool once_ = false;
  bool ended_ = false;
  bool full_under_way_ = false;          // its last window is not done
  std::optional<int64_t> full_begun_;    // by this run, which is to end
  std::optional<uint64_t> begins_full_;  // the window whose first chunk begins one
  std::optional<uint64_t> begun_;        // the last window that this run has begun
  std::optional<int64_t> once_horizon_;  // of this run …
  bool once_by_server_ = false;          // … by the server's clock, not the machine's
  uint64_t next_window_ms_ = 0;
  bool told_clock_behind_ = false;
  std::atomic<uint64_t> since_ms_ = 0;  // when it was opened
  mutable std::mutex mutex_;            // guards what follows, which only the reader changes
  Windows windows_;
  uint64_t pulled_ = 0;             // windows that were done since
  std::set<uint64_t> pulled_here_;  // numbers of those that were done since this was made
};

}  // namespace

std::unique_ptr<Source> make_http_source(HttpOptions options, HttpAuthRules auth,
                                         std::unique_ptr<os::HttpClient> client, os::Clock& clock, Note note) {
  return std::make_unique<HttpSource>(std::move(options), std::move(auth), std::move(client), clock, std::move(note));
}

}  // namespace leat
