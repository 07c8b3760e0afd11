#pragma once

// Compresses bytes to one gzip member (RFC 1952), piece by piece. One thread.

#include <memory>
#include <string>
#include <string_view>

namespace leat {

class GzipStream {
 public:
  GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;
  ~GzipStream();
  // What can be written after `bytes`; may be empty. `last`: the member ends here.
  std::string add(std::string_view bytes, bool last);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace leat
