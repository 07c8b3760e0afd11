#pragma once

// Where bytes come from. Every call is made by the pipeline's reader thread, but backlog_bytes() and windows().
// A Source is opened again after every failure: open() forgets all that happened before.

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "flow/chunk.h"
#include "flow/cutter.h"

namespace leat {

struct SourceRequest {
  Positions resume;        // what the sink has committed
  MakeCutter make_cutter;  // from the decoder
  bool once = false;       // end when nothing more is there now
};

struct Reading {
  enum class What : uint8_t {
    chunk,  // `chunk` holds records
    idle,   // nothing new now (the source has waited a moment): commit what is there
    end,    // the source has said that it ended (`--once`: nothing more now); read() is not called again
  };
  What what = What::idle;
  Chunk chunk;
};

// Something that a source would read, as it is now.
struct PartOutline {
  enum class State : uint8_t {
    fresh,     // from its beginning
    begun,     // goes on at `offset`
    finished,  // nothing more is expected of it
    copy,      // has the bytes of another one, and is passed over
    gone,      // had a position, and is not found any more
    trouble,   // cannot be read now; `why`
    awaited,   // is not there yet; `why`
  };
  std::string place;
  State state = State::fresh;
  uint64_t offset = 0;
  uint64_t left = 0;  // bytes from there to its end; of a gone one, those that are known to be lost
  std::string why = {};
  std::string part = {};  // empty: it is none yet, or not known
  bool rows = false;      // `offset` and `left` are of rows, not of bytes
  bool unsized = false;   // `offset` and `left` are not known
};

// How much of what a source has laid out is pulled, where it is pulled in windows.
struct Windows {
  uint64_t done = 0;
  uint64_t begun = 0;
  uint64_t to_come = 0;  // about
  uint64_t pulled = 0;   // by this source since it was made; those that had no records, too
  std::optional<uint64_t> seconds_left = {};
  friend bool operator==(const Windows&, const Windows&) = default;
};

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  virtual Status open(SourceRequest request) = 0;
  // Blocks for at most about a quarter of a second. Kind::stopped after a stop. A failure that concerns only some of
  // what was asked for (a named file is missing) is returned in place of `end`, after everything else was delivered.
  virtual Result<Reading> read(const std::stop_token& stop) = 0;
  // After read() has failed with Kind::retry and a part: only that part has failed, and all that was delivered of it
  // stands. It is taken up again in `wait_ms` milliseconds; meanwhile read() goes on with the others.
  virtual void again(const std::string& /*part*/, uint64_t /*wait_ms*/) {}
  // These positions are committed in the sink: what lies before them need not be kept.
  virtual void committed(const Positions& positions) = 0;
  // The position at the beginning of a part that has a position, by which it is found again; nothing: it is found like
  // one that was never read. `all`: every part goes back. At any time. bad_config: that part alone cannot go back.
  virtual Result<std::optional<Position>> at_beginning(const Position& /*position*/, bool /*all*/) const {
    return std::optional<Position>();
  }
  // Cutter::save() as it stood there. At any time.
  virtual Result<std::string> cutter_state(const Position& /*position*/) const { return std::string(); }
  // In place of read(), after open(): what would be read, in that order. Nothing: it cannot be told.
  virtual Result<std::vector<PartOutline>> outline() { return std::vector<PartOutline>(); }
  // Bytes known to be waiting, as of the last look; nothing when it is not known. Any thread.
  [[nodiscard]] virtual std::optional<uint64_t> backlog_bytes() const = 0;
  // Of the present pull; nothing: there are no windows. Any thread.
  [[nodiscard]] virtual std::optional<Windows> windows() const { return std::nullopt; }
};

}  // namespace leat
