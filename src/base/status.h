#pragma once

// How a call says that it failed: a Status is one pointer, null when all is well, and cannot be ignored. It says
// what to do next (Kind), what a person reads (message), and which part is concerned. A Result is a value or a Status.
// Any thread; a Status is owned by whoever holds it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace leat {

// What to do next, not who complained.
enum class Kind : uint8_t {
  ok,
  retry,       // the same call may succeed later: the engine rolls back, waits, opens and goes on
  bad_data,    // these rows are refused: the engine halves the batch until single rows remain, and rejects those
  bad_config,  // the user must change a file or an option: exit status 2
  stopped,     // a stop was asked for: not an error
  fatal,       // going on would be wrong or useless: exit status 1
  bug,         // an invariant of the program does not hold: exit status 1
};

const char* name_of(Kind kind);

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(Status&&) = default;
  Status& operator=(Status&&) = default;
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  ~Status() = default;

  // `message` is what a person reads: "where: what, with the value; what to do".
  static Status make(Kind kind, std::string message);
  static Status retry(std::string message) { return make(Kind::retry, std::move(message)); }
  static Status bad_data(std::string message) { return make(Kind::bad_data, std::move(message)); }
  static Status bad_config(std::string message) { return make(Kind::bad_config, std::move(message)); }
  static Status stopped() { return make(Kind::stopped, "stopped"); }
  static Status fatal(std::string message) { return make(Kind::fatal, std::move(message)); }
  static Status bug(std::string message) { return make(Kind::bug, std::move(message)); }

  [[nodiscard]] bool ok() const { return state_ == nullptr; }
  [[nodiscard]] Kind kind() const { return state_ ? state_->kind : Kind::ok; }
  [[nodiscard]] const std::string& message() const;
  // The part (a Position's part) that failed; empty when the whole pipeline is concerned.
  [[nodiscard]] const std::string& part() const;
  // The wait that the server named, if it named one.
  [[nodiscard]] std::optional<uint64_t> retry_after_ms() const;

  Status with_part(std::string part) &&;
  Status with_retry_after_ms(uint64_t ms) &&;
  // The same, with `where` and ": " before the message.
  Status within(const std::string& where) &&;
  [[nodiscard]] Status clone() const;

 private:
  struct State {
    Kind kind = Kind::bug;
    std::string message;
    std::string part;
    std::optional<uint64_t> retry_after_ms;
  };
  std::unique_ptr<State> state_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor): a value is a result
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor): so is a failure
    if (status_.ok()) status_ = Status::bug("a Result was made from a Status that is ok");
  }

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  [[nodiscard]] const Status& status() const& { return status_; }
  [[nodiscard]] Status&& status() && { return std::move(status_); }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace leat

// Returns from the function when `expression` (a Status) is not ok.
#define LEAT_TRY(expression)                                                                 \
  do {                                                                                       \
    if (::leat::Status leat_status_ = (expression); !leat_status_.ok()) return leat_status_; \
  } while (false)

#define LEAT_CONCAT_(a, b) a##b
#define LEAT_CONCAT(a, b) LEAT_CONCAT_(a, b)
// LEAT_ASSIGN(auto x, call()): `call()` gives a Result; returns its Status when it failed.
#define LEAT_ASSIGN_(temporary, target, expression)          \
  auto temporary = (expression);                             \
  if (!temporary.ok()) return std::move(temporary).status(); \
  target = *std::move(temporary)
#define LEAT_ASSIGN(target, ...) LEAT_ASSIGN_(LEAT_CONCAT(leat_result_, __LINE__), target, (__VA_ARGS__))
