#pragma once

// Unix stream sockets beside a file, for processes of the same user. Messages are a length of four bytes
// (little-endian) and so many bytes. A socket is used by one thread at a time, but for stop().

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat::os {

class LocalSocket {
 public:
  explicit LocalSocket(int descriptor) : descriptor_(descriptor) {}
  LocalSocket(const LocalSocket&) = delete;
  LocalSocket& operator=(const LocalSocket&) = delete;
  ~LocalSocket();

  // How long one step may take to receive and to send; 0: as long as it takes.
  void set_patience(uint64_t receive_ms, uint64_t send_ms) const;
  // False: the other side has gone, or our patience has ended.
  [[nodiscard]] bool send(std::string_view message) const;
  // Nothing: likewise, or the message is longer than `most`.
  [[nodiscard]] std::optional<std::string> receive(uint64_t most) const;
  // Any thread: whatever waits at it ends.
  void stop() const;

 private:
  int descriptor_;
};

// Null: nobody listens at `path`, which may be longer than an address; its last name has at most 90 bytes.
std::unique_ptr<LocalSocket> connect_local(const std::string& path);

class LocalListener {
 public:
  // With mode 0600, in place of one that is left there. retry: it cannot be made; the message says why.
  static Result<std::unique_ptr<LocalListener>> open(const std::string& path);
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;
  // It is gone from its folder.
  ~LocalListener();

  // The next one who connects. Null: stop() was called.
  std::unique_ptr<LocalSocket> accept();
  // Any thread.
  void stop() const;

 private:
  LocalListener(std::string path, int descriptor, int wake)
      : path_(std::move(path)), descriptor_(descriptor), wake_(wake) {}

  std::string path_;
  int descriptor_;
  int wake_;  // an eventfd: readable when it is to stop
};

}  // namespace leat::os
