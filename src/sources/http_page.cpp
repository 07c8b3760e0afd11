#include "sources/http_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redaction.h"
#include "base/text.h"

namespace leat {
namespace {

Status refused(Status status) {
  return status.kind() == Kind::bad_config ? Status::bad_data(status.message()) : std::move(status);
}

// Absent: told by the first bytes.
Result<std::optional<Compression>> content_encoding(const os::HttpHead& head) {
  const std::string* header = head.find("content-encoding");
  if (header == nullptr) return std::optional<Compression>();
  const std::string name = lower_case(trim(*header));
  if (name.empty() || name == "identity") return std::optional<Compression>();
  if (name == "gzip" || name == "x-gzip") return std::optional(Compression::gzip);
  if (name == "deflate") return std::optional(Compression::deflate);
  if (name == "br") return std::optional(Compression::brotli);
  if (name == "zstd") return std::optional(Compression::zstd);
  return Status::fatal(
      fmt::format("the answer's Content-Encoding {} is not known; headers = {{ Accept-Encoding = "
                  "\"gzip\" }} asks for another one",
                  quoted(*header)));
}

}  // namespace

HttpPage::HttpPage(const HttpOptions& options, PageStart start)
    : options_(options),
      rules_{.errors = options.errors, .wait_headers = options.limits.wait_headers, .secrets = options.secrets},
      request_(std::move(start.request)),
      place_(shown_url(request_.url, options.secrets)),
      part_(std::move(start.part)),
      base_(start.base),
      before_(start.before) {}

Result<std::unique_ptr<HttpPage>> HttpPage::ask(const HttpOptions& options, os::HttpClient& client,
                                                const MakeCutter& make_cutter, PageStart start) {
  auto page = std::unique_ptr<HttpPage>(new HttpPage(options, std::move(start)));
  page->cutter_ = make_cutter(page->place_);
  LEAT_TRY(page->watch());
  page->transfer_ = client.start(page->request_);
  return page;
}

Status HttpPage::watch() {
  const PagingRules& paging = options_.paging;
  for (const std::string* path : {&paging.path, &paging.total, &paging.total_pages, &options_.id_path}) {
    if (!path->empty()) paths_.push_back(*path);
  }
  watched_.resize(paths_.size());
  open_ended_ = cutter_->open_ended();
  return cutter_->watch(paths_, [this](size_t path, std::string_view text) {
    watched_[path] = text;
    if (options_.id_path.empty() || path + 1 != paths_.size()) return;
    if (const auto id = parse_integer(trim(text))) largest_id_ = std::max(*id, largest_id_.value_or(*id));
  });
}

// The head has come.
Status HttpPage::begin() {
  StreamRules rules = options_.stream;
  LEAT_ASSIGN(const std::optional<Compression> encoding, content_encoding(head()));
  if (encoding) rules.compression = encoding;
  stream_ = std::make_unique<StreamPart>(part_, place_, std::move(cutter_), rules, base_);
  if (before_) stream_->pass_over(*before_);
  return {};
}

Result<HttpPage::Event> HttpPage::step(int64_t now_micros) {
  if (stream_ == nullptr) {
    if (transfer_->head() == nullptr) {
      LEAT_ASSIGN(const os::HttpTransfer::Read read, transfer_->read());
      early_ += read.bytes;
      ended_ = read.what == os::HttpTransfer::What::end;
    }
    if (transfer_->head() == nullptr) return Event{};
    Status begun = begin();
    if (!begun.ok()) return std::move(begun).within(place_);
    return Event{.what = What::head};
  }
  for (;;) {
    if (is_page_) {
      LEAT_ASSIGN(Event event, deliver());
      if (event.what != What::nothing) return event;
    } else {
      LEAT_ASSIGN(std::optional<Verdict> verdict, judged(now_micros));
      if (verdict && verdict->then != Verdict::Then::page) {
        return Event{.what = What::other, .verdict = *std::move(verdict)};
      }
      is_page_ = verdict.has_value();
      if (is_page_) continue;
    }
    LEAT_ASSIGN(const bool more, take());
    if (!more) return Event{};
  }
}

// Some more of the body. False: nothing has come.
Result<bool> HttpPage::take() {
  std::string early = std::exchange(early_, {});
  if (early.empty() && !ended_) {
    LEAT_ASSIGN(const os::HttpTransfer::Read read, transfer_->read());
    if (read.what == os::HttpTransfer::What::nothing) return false;
    ended_ = read.what == os::HttpTransfer::What::end;
    if (!read.bytes.empty()) {
      Status pushed = stream_->push(read.bytes);
      if (!pushed.ok()) return refused(std::move(pushed));
    }
  } else if (!early.empty()) {
    Status pushed = stream_->push(early);
    if (!pushed.ok()) return refused(std::move(pushed));
  }
  if (ended_) completed_ = refused(stream_->end());
  return true;
}

// Nothing: more of the body is needed.
Result<std::optional<Verdict>> HttpPage::judged(int64_t now_micros) {
  const std::string_view body = stream_->waiting();
  const bool all = ended_ && early_.empty();
  if (!all && body.size() < judged_bytes(rules_, head())) return std::optional<Verdict>();
  Verdict verdict = judge(rules_, head(), body, now_micros);
  const bool may_be_cut = !head().framed && open_ended_ && !options_.unframed;
  if (verdict.then == Verdict::Then::page && may_be_cut) {
    verdict.then = Verdict::Then::stop;
    verdict.message =
        "the answer has neither a length nor an end of its own, so that a cut could not be told; unframed = true takes "
        "it as it is";
  }
  return std::optional(std::move(verdict));
}

Result<HttpPage::Event> HttpPage::deliver() {
  auto chunk = stream_->next();
  if (!chunk.ok()) return refused(std::move(chunk).status());
  if (stream_->changed()) return Event{.what = What::changed};
  if (*chunk) return Event{.what = What::chunk, .chunk = **std::move(chunk)};
  if (!ended_ || !early_.empty()) return Event{};
  if (!completed_.ok()) return completed_.clone();
  return Event{.what = What::complete};
}

Result<std::optional<uint64_t>> HttpPage::number(const std::string& path) const {
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (path.empty() || paths_[i] != path || watched_[i].empty()) continue;
    const auto value = parse_integer(trim(watched_[i]));
    if (!value || *value < 0) {
      return Status::fatal(
          fmt::format("{}: {} at {} is not a number of records or pages", place_, quoted(watched_[i]), visible(path)));
    }
    return std::optional(static_cast<uint64_t>(*value));
  }
  return std::optional<uint64_t>();
}

Result<PageSeen> HttpPage::seen() const {
  const PagingRules& paging = options_.paging;
  PageSeen seen;
  seen.url = request_.url;
  if (!paging.path.empty()) seen.next = watched_.front();
  if (!paging.header.empty()) {
    if (const std::string* header = head().find(lower_case(paging.header)); header != nullptr) seen.next = *header;
  }
  if (paging.type == PagingRules::Type::link_header) {
    for (const auto& [name, value] : head().headers) {
      if (name == "link" && seen.next.empty()) seen.next = next_link(value);
    }
  }
  LEAT_ASSIGN(seen.total, number(paging.total));
  LEAT_ASSIGN(seen.total_pages, number(paging.total_pages));
  if (!is_page_) return seen;
  const Delivered all = stream_->delivered();
  seen.records = all.records;
  seen.body = all.to_last_record;
  return seen;
}

}  // namespace leat
