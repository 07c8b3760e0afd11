#include <fmt/format.h>

#include "base/text.h"
#include "os/clock.h"
#include "os/local_socket.h"
#include "sinks/duckdb.h"
#include "sinks/duckdb_listener.h"
#include "sinks/duckdb_store.h"
#include "sinks/store_messages.h"

namespace leat {
namespace {

// A leat that opens or closes the file has it for a moment, and does not listen.
constexpr int kTries = 20;
constexpr uint64_t kBetweenMs = 50;
// For one message of the answer, where nobody has said how long; `verify` may think longer.
constexpr uint64_t kAnswerMs = 30'000;

std::unique_ptr<os::LocalSocket> connect(const std::string& path) {
  return DuckDb::is_open_here(path) ? nullptr : os::connect_local(duckdb_socket(path));
}

// Asks the leat that has the file open; reads the file itself where nobody listens.
class AskingStore final : public Store {
 public:
  explicit AskingStore(std::string path) : path_(std::move(path)) {}

  Result<std::vector<PipelineState>> pipelines() override {
    return ask<std::vector<PipelineState>>(request(StoreQuestion::pipelines),
                                           [](Store& own) { return own.pipelines(); });
  }
  Result<Schema> schema(const std::string& pipeline) override {
    return ask<Schema>(request(StoreQuestion::schema).add(pipeline), [&](Store& own) { return own.schema(pipeline); });
  }
  Result<std::vector<AggregateSpec>> aggregates(const std::string& pipeline) override {
    return ask<std::vector<AggregateSpec>>(request(StoreQuestion::aggregates).add(pipeline),
                                           [&](Store& own) { return own.aggregates(pipeline); });
  }
  Result<StoredRows> aggregate_rows(const AggregateQuery& query) override {
    return ask<StoredRows>(request(StoreQuestion::aggregate_rows).add(query),
                           [&](Store& own) { return own.aggregate_rows(query); });
  }
  Status rejects(const RejectQuery& query, const std::function<bool(const StoredReject&)>& take) override {
    uint64_t taken = 0;
    bool enough = false;
    const auto give = [&](const StoredReject& reject) {
      ++taken;
      enough = !take(reject);
      return !enough;
    };
    const auto message = [&](StoreAnswer kind, MessageReader& reader) {
      StoredReject reject;
      return kind == StoreAnswer::reject && reader.read(reject) && give(reject);
    };
    // Where an answer breaks off, those that were taken are not asked for again.
    RejectQuery rest = query;
    const auto own = [&](Store& store) -> Result<bool> {
      rest.skip = query.skip + taken;
      rest.limit = query.limit - taken;
      LEAT_TRY(store.rejects(rest, give));
      return true;
    };
    const Result<bool> read = ask<bool>(request(StoreQuestion::rejects).add(query), own, message);
    return enough ? Status() : read.status().clone();
  }
  Result<VerifyReport> verify(const StoreProgress& progress) override {
    const auto message = [&](StoreAnswer kind, MessageReader& reader) {
      uint64_t done = 0;
      uint64_t total = 0;
      if (kind != StoreAnswer::progress || !reader.read(done, total)) return false;
      if (progress) progress(done, total);
      return true;
    };
    patience_ms_ = 0;
    Result<VerifyReport> report = ask<VerifyReport>(
        request(StoreQuestion::verify), [&](Store& own) { return own.verify(progress); }, message);
    answer_within(answer_ms_);
    return report;
  }
  void answer_within(uint64_t ms) override {
    answer_ms_ = ms;
    patience_ms_ = ms == 0 ? kAnswerMs : ms;
  }

  // What is not asked of others.
  Result<std::vector<StoredTable>> tables() override {
    LEAT_ASSIGN(const auto own, open_own());
    return own->tables();
  }
  Result<int64_t> last_row(const std::string& table) override {
    LEAT_ASSIGN(const auto own, open_own());
    return own->last_row(table);
  }
  Result<ScanPiece> scan(const ScanQuery& query, const std::optional<ScanKey>& after, const TakeRow& take) override {
    LEAT_ASSIGN(const auto own, open_own());
    return own->scan(query, after, take);
  }
  Result<std::vector<Rebuilt>> rebuild(const RebuildRequest& request, const StoreProgress& progress) override {
    LEAT_ASSIGN(const auto own, open_own());
    return own->rebuild(request, progress);
  }
  Result<Undone> rewind(const RewindRequest& request) override {
    LEAT_ASSIGN(const auto own, open_own());
    return own->rewind(request);
  }

 private:
  using Message = std::function<bool(StoreAnswer, MessageReader&)>;

  [[nodiscard]] MessageWriter request(StoreQuestion question) const {
    MessageWriter message(question);
    message.add(kStoreProtocol, answer_ms_);
    return message;
  }
  [[nodiscard]] Result<std::unique_ptr<Store>> open_own() const {
    LEAT_ASSIGN(auto own, open_duckdb_file_store(path_));
    own->answer_within(answer_ms_);
    return own;
  }

  // `message`: takes what comes before the last message; false: no more of it.
  template <class T>
  Result<T> ask(const MessageWriter& question, const std::function<Result<T>(Store&)>& own,
                const Message& message = {}) {
    for (int tries = 0;; ++tries) {
      if (const auto socket = connect(path_)) {
        std::optional<Result<T>> answer = exchange<T>(*socket, question, message);
        if (answer) return std::move(*answer);
      } else {
        Result<std::unique_ptr<Store>> store = open_own();
        if (store.ok()) return own(**store);
        if (!DuckDb::is_open_in_leat(store.status()) || tries >= kTries) return std::move(store).status();
      }
      if (tries >= kTries) return Status::retry(visible(path_) + ": the leat that has it open does not answer");
      os::clock().wait_ms(kBetweenMs, {});
    }
  }

  // Nothing: it broke off, as the other side does when it closes the file.
  template <class T>
  std::optional<Result<T>> exchange(const os::LocalSocket& socket, const MessageWriter& question,
                                    const Message& message) {
    socket.set_patience(patience_ms_, patience_ms_);
    if (!socket.send(question.bytes())) return std::nullopt;
    uint64_t since_ms = os::clock().steady_ms();
    for (;;) {
      const std::optional<std::string> answer = socket.receive(kMostMessage);
      const uint64_t now_ms = os::clock().steady_ms();
      if (!answer && patience_ms_ > 0 && now_ms - since_ms >= patience_ms_) {
        return Result<T>(Status::retry(visible(path_) + ": the leat that has it open does not answer in time"));
      }
      if (!answer || answer->empty()) return std::nullopt;
      since_ms = now_ms;
      MessageReader reader(std::string_view(*answer).substr(1));
      const auto kind = static_cast<StoreAnswer>(answer->front());
      if (kind == StoreAnswer::result) {
        T value{};
        if (!reader.read(value) || !reader.ended()) return malformed();
        return Result<T>(std::move(value));
      }
      if (kind == StoreAnswer::failure) {
        Kind what = Kind::bug;
        std::string why;
        if (!reader.read(what, why) || what == Kind::ok || what > Kind::bug) return malformed();
        return Result<T>(Status::make(what, std::move(why)));
      }
      if (!message || !message(kind, reader)) return malformed();
    }
  }
  [[nodiscard]] Status malformed() const {
    return Status::bug(visible(path_) + ": what the leat that has it open answers cannot be read");
  }

  std::string path_;
  uint64_t answer_ms_ = 0;            // that it may take; 0: as long as it takes
  uint64_t patience_ms_ = kAnswerMs;  // for a message
};

}  // namespace

Result<std::unique_ptr<Store>> open_duckdb_store(const std::string& path) {
  auto store = std::make_unique<AskingStore>(path);
  // Whether it is one of ours is known to who listens.
  LEAT_TRY(store->pipelines().status().clone());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace leat
