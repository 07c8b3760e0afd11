#pragma once

// An HttpClient without a network: answers are made up for each request, requests are recorded. One thread.

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "os/http_client.h"
#include "tests/support/fake_clock.h"

namespace leat::testing {

struct FakeAnswer {
  int status = 200;                      // 0: no head comes, but `failure`
  os::HttpHeaders headers = {};          // names in lower case
  std::vector<std::string> pieces = {};  // of the body, one for each read()
  bool framed = true;
  std::optional<size_t> cut_at = {};  // the connection breaks after so many bytes of the body
  std::string failure = {};           // Kind::retry, in place of the end
  Kind failure_kind = Kind::retry;
  bool silent = false;  // in place of the end nothing more comes
  bool connects = true;
};

// A body cut into pieces of `size` bytes.
inline std::vector<std::string> in_pieces(std::string_view body, size_t size) {
  std::vector<std::string> pieces;
  for (; !body.empty(); body.remove_prefix(std::min(size, body.size()))) pieces.emplace_back(body.substr(0, size));
  return pieces;
}

class FakeHttp final : public os::HttpClient {
 public:
  using Handler = std::function<FakeAnswer(const os::HttpRequest&)>;

  explicit FakeHttp(Handler handler) : handler_(std::move(handler)) {}
  // The answers in turn; a request after the last one fails.
  explicit FakeHttp(std::vector<FakeAnswer> answers) {
    handler_ = [answers = std::move(answers), next = size_t{0}](const os::HttpRequest& request) mutable {
      if (next < answers.size()) return answers[next++];
      return FakeAnswer{.status = 0, .failure = request.url + ": no answer is left", .failure_kind = Kind::bug};
    };
  }

  // A request is sent by the first read() or wait() after it was started; the head is there at the next read(), then
  // the pieces come.
  std::unique_ptr<os::HttpTransfer> start(os::HttpRequest request) override {
    return std::make_unique<Transfer>(*this, std::move(request));
  }
  // The clock goes on while nothing comes.
  void wait(uint64_t wait_ms) override {
    bool silent = true;
    for (Transfer* transfer : transfers_) {
      transfer->send();
      silent = silent && transfer->is_silent();
    }
    if (silent && clock_ != nullptr) clock_->advance_ms(wait_ms);
  }

  void set_clock(FakeClock* clock) { clock_ = clock; }
  [[nodiscard]] const std::vector<os::HttpRequest>& requests() const { return requests_; }
  // How many transfers there are now, and how many there were at most.
  [[nodiscard]] size_t open() const { return transfers_.size(); }
  [[nodiscard]] size_t most_open() const { return most_open_; }

 private:
  class Transfer final : public os::HttpTransfer {
   public:
    Transfer(FakeHttp& http, os::HttpRequest request) : http_(http), request_(std::move(request)) {
      http_.transfers_.push_back(this);
      http_.most_open_ = std::max(http_.most_open_, http_.transfers_.size());
    }
    ~Transfer() override { std::erase(http_.transfers_, this); }

    void send() {
      if (answer_) return;
      http_.requests_.push_back(request_);
      answer_ = http_.handler_(request_);
      head_ = {answer_->status, answer_->headers, answer_->framed};
    }
    [[nodiscard]] bool is_silent() const {
      return answer_ && answer_->silent && has_head_ && next_ == answer_->pieces.size();
    }
    [[nodiscard]] bool connected() const override { return answer_ && answer_->connects; }
    [[nodiscard]] const os::HttpHead* head() const override { return has_head_ ? &head_ : nullptr; }

    Result<Read> read() override {
      if (!answer_) {
        send();
        return Read{};
      }
      if (!has_head_ && answer_->status != 0) {
        has_head_ = true;
        return Read{};
      }
      if (answer_->cut_at && taken_ >= *answer_->cut_at) return Status::retry(request_.url + ": the answer was cut");
      if (has_head_ && next_ < answer_->pieces.size()) {
        std::string_view piece = answer_->pieces[next_++];
        if (answer_->cut_at) piece = piece.substr(0, *answer_->cut_at - taken_);
        taken_ += piece.size();
        return Read{What::bytes, piece};
      }
      if (!answer_->failure.empty()) return Status::make(answer_->failure_kind, answer_->failure);
      return Read{answer_->silent ? What::nothing : What::end, {}};
    }

   private:
    FakeHttp& http_;
    os::HttpRequest request_;
    std::optional<FakeAnswer> answer_;
    os::HttpHead head_;
    bool has_head_ = false;
    size_t next_ = 0;   // of the pieces
    size_t taken_ = 0;  // bytes of the body
  };

  Handler handler_;
  FakeClock* clock_ = nullptr;
  std::vector<Transfer*> transfers_;
  std::vector<os::HttpRequest> requests_;
  size_t most_open_ = 0;
};

}  // namespace leat::testing
