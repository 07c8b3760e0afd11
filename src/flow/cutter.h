#pragma once

// Finds record borders in a stream, so that a source hands out whole records only. Made by a decoder (which knows what
// a record is), one for each part, used by the source's thread.
//
// Postcondition of whole(): bytes == whole + partial; `whole` ends at a record border or is empty.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat {

class Cutter {
 public:
  Cutter() = default;
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;
  virtual ~Cutter() = default;

  // `bytes` begin at the last border returned (or restored). How many of them are whole records; 0: give more.
  // `ended`: nothing more will follow for now (end of a finished file, or of a `--once` run), decide with what is
  // there; a last record without its end is then not counted, the source delivers it itself.
  // bad_config: the part cannot be what was configured (no format fits it); it is refused.
  // retry: the decoder's schema() has just grown: the engine opens everything anew.
  virtual Result<size_t> whole(std::string_view bytes, bool ended) = 0;

  // What is needed to go on at the last border returned, at most 4 KiB of printable text without newlines; "" at the
  // beginning of a part. Travels as Chunk::context and within the position.
  [[nodiscard]] virtual std::string save() const = 0;
  virtual Status restore(std::string_view saved) = 0;
};

// `origin`: the place, for messages.
using MakeCutter = std::function<std::unique_ptr<Cutter>(const std::string& origin)>;

}  // namespace leat
