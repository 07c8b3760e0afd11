#pragma once

// Finds record borders in a stream, so that a source hands out whole records only. Made by a decoder (which knows what
// a record is), one for each part, used by the source's thread.
//
// Postcondition of whole(): bytes == whole + partial; `whole` ends at a record border or is empty.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace leat {

struct CutRule {
  bool ended = false;  // nothing more will follow for now: end of a finished file, or of a `--once` run
  uint64_t max_record = 16 * 1024 * 1024;  // bytes; a longer record is a reject
  uint64_t most_records =
      4096;  // in one chunk: bounds what very short records become, a reject is larger than its line
};

struct Cut {
  size_t bytes = 0;       // whole records; 0: give more
  size_t lead = 0;        // all of them, or 0: they stand before the first record: a header, how a document begins
  uint64_t records = 0;   // in `bytes`; blank lines may count
  size_t tail = 0;        // of `bytes`: of a document, what is behind the last one of these records
  bool too_long = false;  // the record behind the last border is longer than max_record: skip() finds its end
};

// `path`: the index of the one that was asked for. Valid during the call.
using Saw = std::function<void(size_t path, std::string_view text)>;

class Cutter {
 public:
  Cutter() = default;
  Cutter(const Cutter&) = delete;
  Cutter& operator=(const Cutter&) = delete;
  virtual ~Cutter() = default;

  // `bytes` begin at the last border returned (or restored). With rule.ended decide with what is there; of an
  // open-ended stream a last record without its end is not counted, the source delivers it itself.
  // bad_data: a document that is malformed behind the last border, or, with rule.ended, not closed.
  // bad_config: the part cannot be what was configured (no format fits it). Both: the part is refused.
  // retry: the decoder's schema() has just grown or become known: the engine opens everything anew.
  virtual Result<Cut> whole(std::string_view bytes, const CutRule& rule) = 0;

  // After Cut::too_long. `bytes`: what is behind the last border at the first call, what follows it at the next ones.
  // How many of them belong to the record, its end included, which is then the last border; nothing: all of them, and
  // the record goes on.
  virtual Result<std::optional<size_t>> skip(std::string_view bytes) = 0;

  // A last record may lack its end, as a line its newline. Otherwise the bytes are a document that says itself where it
  // ends: whole() takes also what follows the last record, in a chunk that may have none.
  [[nodiscard]] virtual bool open_ended() const { return true; }

  // The state that an older generation of the same log has saved may stand in where nothing is recognised in this one.
  [[nodiscard]] virtual bool may_inherit() const { return false; }

  // From now on `saw` is called with the text that stands at each of these absolute paths, as whole() passes it, maybe
  // more than once; the last call for a path holds. Of a path into the records it is called for each of them. Before
  // restore() and whole(); what a restored cutter stands in may be missed. A text is at most 64 KiB: a longer one, or
  // what is no text, is bad_data of whole(). bad_config: no such path can be, or the format has none.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): those that can watch keep it
  virtual Status watch(const std::vector<std::string>& paths, Saw /*saw*/) {
    return paths.empty() ? Status() : Status::bad_config("records of this format have nothing around them");
  }

  // What is needed to go on at the last border returned: printable text without newlines, at most 64 KiB, seldom over
  // 4; "" at the beginning of a part. Travels as Chunk::context and within the position.
  [[nodiscard]] virtual std::string save() const = 0;
  virtual Status restore(std::string_view saved) = 0;
  // What the records behind the last border get from before it, wherever that stands: with equal texts equal bytes
  // become equal rows. Behind the last cut with a lead, that is what all records of the part begin with.
  [[nodiscard]] virtual std::string inherited() const { return {}; }
};

// `origin`: the place, for messages.
using MakeCutter = std::function<std::unique_ptr<Cutter>(const std::string& origin)>;

}  // namespace leat
