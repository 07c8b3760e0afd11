#include "base/status.h"

namespace leat {

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::ok:
      return "ok";
    case Kind::retry:
      return "retry";
    case Kind::bad_data:
      return "bad_data";
    case Kind::bad_config:
      return "bad_config";
    case Kind::stopped:
      return "stopped";
    case Kind::fatal:
      return "fatal";
    case Kind::bug:
      return "bug";
  }
  return "?";
}

Status Status::make(Kind kind, std::string message) {
  Status status;
  status.state_ = std::make_unique<State>();
  status.state_->kind = kind;
  status.state_->message = std::move(message);
  return status;
}

namespace {
const std::string kEmpty;
}

const std::string& Status::message() const {
  return state_ ? state_->message : kEmpty;
}
const std::string& Status::part() const {
  return state_ ? state_->part : kEmpty;
}
std::optional<uint64_t> Status::retry_after_ms() const {
  return state_ ? state_->retry_after_ms : std::nullopt;
}

Status Status::with_part(std::string part) && {
  if (state_) state_->part = std::move(part);
  return std::move(*this);
}

Status Status::with_retry_after_ms(uint64_t ms) && {
  if (state_) state_->retry_after_ms = ms;
  return std::move(*this);
}

Status Status::within(const std::string& where) && {
  if (state_) state_->message = where + ": " + state_->message;
  return std::move(*this);
}

Status Status::clone() const {
  Status copy;
  if (state_) copy.state_ = std::make_unique<State>(*state_);
  return copy;
}

}  // namespace leat
