#include "sinks/duckdb_listener.h"

#include <atomic>
#include <map>
#include <mutex>

#include "os/clock.h"
#include "sinks/duckdb_store.h"
#include "sinks/store_messages.h"

namespace leat {
namespace {

constexpr size_t kMostClients = 8;
constexpr uint64_t kRequestMs = 2000;
constexpr uint64_t kAnswerMs = 5000;
constexpr uint64_t kMostRequest = 64 * 1024;
constexpr uint64_t kProgressMs = 100;  // between two of them

// One request and its answer. Kept apart from the socket: what fails is an answer, too.
class Answering {
 public:
  Answering(const os::LocalSocket& socket, const std::string& path, std::stop_source stop)
      : socket_(socket), path_(path), stop_(std::move(stop)) {}

  void run() {
    socket_.set_patience(kRequestMs, kAnswerMs);
    const std::optional<std::string> request = socket_.receive(kMostRequest);
    if (!request || request->empty()) return;
    MessageReader reader(std::string_view(*request).substr(1));
    uint64_t protocol = 0;
    uint64_t within_ms = 0;
    if (!reader.read(protocol, within_ms)) return;
    if (protocol != kStoreProtocol) {
      return fail(Status::fatal(path_ + ": is open in a leat of another version; ask with that one"));
    }
    Result<std::unique_ptr<Store>> store = open_duckdb_file_store(path_, stop_.get_token());
    if (!store.ok()) return fail(store.status());
    (*store)->answer_within(within_ms);
    answer(**store, static_cast<StoreQuestion>(request->front()), reader);
  }

 private:
  void answer(Store& store, StoreQuestion question, MessageReader& reader) {
    switch (question) {
      case StoreQuestion::pipelines:
        return reader.ended() ? give(store.pipelines()) : void();
      case StoreQuestion::schema:
      case StoreQuestion::aggregates: {
        std::string pipeline;
        if (!reader.read(pipeline) || !reader.ended()) return;
        return question == StoreQuestion::schema ? give(store.schema(pipeline)) : give(store.aggregates(pipeline));
      }
      case StoreQuestion::aggregate_rows: {
        AggregateQuery query;
        if (!reader.read(query) || !reader.ended()) return;
        return give(store.aggregate_rows(query));
      }
      case StoreQuestion::rejects: {
        RejectQuery query;
        if (!reader.read(query) || !reader.ended()) return;
        const Status read = store.rejects(
            query, [&](const StoredReject& reject) { return send(MessageWriter(StoreAnswer::reject).add(reject)); });
        return read.ok() ? give(Result<bool>(true)) : fail(read);
      }
      case StoreQuestion::verify: {
        uint64_t last_ms = 0;
        return give(store.verify([&](uint64_t done, uint64_t total) {
          const uint64_t now_ms = os::clock().steady_ms();
          if (now_ms - last_ms < kProgressMs) return;
          last_ms = now_ms;
          // Nobody waits for it any more.
          if (!send(MessageWriter(StoreAnswer::progress).add(done, total))) stop_.request_stop();
        }));
      }
    }
  }

  bool send(const MessageWriter& message) { return socket_.send(message.bytes()); }
  // One that is broken off by us has no last message: the client begins again.
  void fail(const Status& status) {
    if (stop_.stop_requested()) return;
    send(MessageWriter(StoreAnswer::failure).add(status.kind(), status.message()));
  }
  template <class T>
  void give(const Result<T>& result) {
    if (!result.ok()) return fail(result.status());
    send(MessageWriter(StoreAnswer::result).add(*result));
  }

  const os::LocalSocket& socket_;
  const std::string& path_;
  std::stop_source stop_;
};

}  // namespace

struct DuckDbListener::Client {
  std::unique_ptr<os::LocalSocket> socket;
  std::stop_source stop;
  std::atomic<bool> ended = false;
  std::jthread thread;  // the last one: it uses the others
};

std::string duckdb_socket(const std::string& path) {
  return path + ".sock";
}

Result<std::shared_ptr<DuckDbListener>> DuckDbListener::of(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<DuckDbListener>> all;  // by path
  const std::lock_guard lock(mutex);
  if (std::shared_ptr<DuckDbListener> there = all[path].lock()) return there;
  LEAT_ASSIGN(auto listener, os::LocalListener::open(duckdb_socket(path)));
  std::shared_ptr<DuckDbListener> made(new DuckDbListener(path, std::move(listener)));
  all[path] = made;
  return made;
}

DuckDbListener::DuckDbListener(std::string path, std::unique_ptr<os::LocalListener> listener)
    : path_(std::move(path)), listener_(std::move(listener)), thread_([this] { listen(); }) {}

DuckDbListener::~DuckDbListener() {
  listener_->stop();
  thread_.join();
  for (Client& client : clients_) {
    client.stop.request_stop();
    client.socket->stop();
  }
}

void DuckDbListener::listen() {
  while (std::unique_ptr<os::LocalSocket> socket = listener_->accept()) {
    std::erase_if(clients_, [](const Client& client) { return client.ended.load(); });
    if (clients_.size() >= kMostClients) continue;
    Client& client = clients_.emplace_back();
    client.socket = std::move(socket);
    client.thread = std::jthread([this, &client] {
      Answering(*client.socket, path_, client.stop).run();
      // The other side sees the end now, not when the next one comes.
      client.socket->stop();
      client.ended = true;
    });
  }
}

}  // namespace leat
