#pragma once

// Answers for a DuckDB file that this process has open for writing (docs/formats/duckdb-socket.md). Owned by all sinks
// of the file together; its threads are its own.

#include <list>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/status.h"
#include "os/local_socket.h"

namespace leat {

// Where it listens: beside the file.
std::string duckdb_socket(const std::string& path);

class DuckDbListener {
 public:
  // That of this process for the file at `path`, which is open for writing and stays so until the last of these is
  // gone. retry: it cannot listen there; the message says why.
  static Result<std::shared_ptr<DuckDbListener>> of(const std::string& path);
  DuckDbListener(const DuckDbListener&) = delete;
  DuckDbListener& operator=(const DuckDbListener&) = delete;
  // What is being answered is broken off.
  ~DuckDbListener();

 private:
  struct Client;
  DuckDbListener(std::string path, std::unique_ptr<os::LocalListener> listener);
  void listen();

  std::string path_;
  std::unique_ptr<os::LocalListener> listener_;
  std::list<Client> clients_;  // of the thread, which has ended when others look
  std::thread thread_;
};

}  // namespace leat
