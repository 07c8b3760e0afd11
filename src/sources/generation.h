#pragma once

// One generation of a file: its descriptor, how far it is delivered, what identifies it. The states and the function on
// each arrow are in docs/formats/file-source.md. Owned by its family; the source's thread only.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/hash.h"
#include "base/status.h"
#include "data/position.h"
#include "flow/chunk.h"
#include "flow/cutter.h"
#include "os/file_system.h"
#include "sources/file_token.h"

namespace leat {

// What the end of the file means to next_chunk().
enum class Ending : uint8_t {
  open,  // more may follow: a last line without newline is held
  run,   // the run ends here: such a line is delivered as provisional
  file,  // the file is finished: such a line is a record
};

struct ReadSizes {
  uint64_t chunk_bytes = 0;
  uint64_t max_record_bytes = 0;
};

// True when both files have the same first `size` bytes.
Result<bool> begin_alike(os::File& a, os::File& b, uint64_t size);

class Generation {
 public:
  enum class State : uint8_t { sought, open, cut, refused, finished };

  // A new one, not yet attached.
  Generation(const std::string& family, uint64_t number) : part_(family + "#" + std::to_string(number)) {}
  // From what the sink has committed. bug: the token is damaged.
  static Result<std::unique_ptr<Generation>> restore(const Position& position);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::string& part() const { return part_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const os::FileInfo& info() const { return info_; }
  [[nodiscard]] uint64_t offset() const { return offset_; }
  // Something of it was delivered, if only a provisional record.
  [[nodiscard]] bool is_begun() const { return offset_ > 0 || held_; }
  // The sink knows of it, or will: also of one of which nothing but its being there was delivered.
  [[nodiscard]] bool has_position() const { return is_begun() || seen_; }
  // Only its inode tells it: it was empty, or nearly so, when it was last seen.
  [[nodiscard]] bool is_faint() const { return !is_begun() && (!seen_ || seen_->length < kTellingBytes); }
  // Bytes beyond the offset at the last look.
  [[nodiscard]] uint64_t unread() const {
    return state_ == State::open && info_.size > offset_ ? info_.size - offset_ : 0;
  }
  // Everything up to the size at the last look was delivered, or is a last line that is held.
  [[nodiscard]] bool exhausted() const { return info_.size <= examined_; }
  // True when `info` is the very file of this generation as it was last seen, unchanged.
  [[nodiscard]] bool is_unchanged(const os::FileInfo& info) const {
    return is_same_file(info) && info.stored_size == info_.stored_size && info.mtime_ns == info_.mtime_ns;
  }
  [[nodiscard]] bool is_same_file(const os::FileInfo& info) const { return info.is_same_file(info_); }
  [[nodiscard]] bool live() const { return live_; }
  [[nodiscard]] uint64_t changed_at_ms() const { return changed_at_ms_; }

  // True when `file` begins with the bytes that this generation has delivered, by head and tail; where it has delivered
  // none, with those that were seen.
  Result<bool> matches(os::File& file, const os::FileInfo& info) const;
  // True when `file` begins with the generation's first bytes, delivered or seen, as far as either has any: it may be a
  // copy.
  Result<bool> begins_like(os::File& file, const os::FileInfo& info) const;
  // True when all of `file`, which begins like this generation, are bytes that this generation has, had or will
  // deliver.
  Result<bool> covers(os::File& file, const os::FileInfo& info);

  // sought, finished or new → open. `now_ms`: os::Clock::steady_ms().
  Status attach(std::unique_ptr<os::File> file, const os::FileInfo& info, const MakeCutter& make_cutter,
                uint64_t now_ms);
  // Of an older generation of the family: stands in where the first lines of this one fit no format.
  void set_fallback(std::string cutter_state) { fallback_cutter_ = std::move(cutter_state); }
  [[nodiscard]] std::string cutter_state() const { return cutter_ ? cutter_->save() : saved_cutter_; }
  // Where it is now, and whether that is the live path. Any state.
  void found_at(const std::string& path, bool live);

  // Looks at the descriptor. The state becomes cut when the bytes before the offset are not those that were delivered,
  // or the first bytes not those that were seen: the file was truncated, and has maybe grown again. It becomes sought
  // when the file was closed by os::LimitedFiles, and another one is at its path now.
  Status look(uint64_t now_ms);

  // cut or open → sought: lets go of the file, which now holds another generation, or has another name. The rest may be
  // found in a sibling.
  void detach(uint64_t now_ms);
  // When it was given up as cut or restored: to look for a while before it is given up for good.
  [[nodiscard]] uint64_t sought_since_ms() const { return sought_since_ms_; }
  void seek_from(uint64_t now_ms) { sought_since_ms_ = now_ms; }
  // Bytes that the last look showed beyond the offset, when the file was still whole.
  [[nodiscard]] uint64_t unread_when_last_seen() const {
    return sound_size_ > delivered_to() ? sound_size_ - delivered_to() : 0;
  }
  // The offset, or the end of the provisional record that stands behind it.
  [[nodiscard]] uint64_t delivered_to() const { return held_ ? held_->length : offset_; }

  // Whole records from the offset on; nothing when there are none, or when the file was cut under it (state()). Where
  // there is no first one yet: first_sight().
  // bad_config: its format is none of ours; bad_data: it is malformed behind the offset. Both: refused (state() says so
  // from then on).
  Result<std::optional<Chunk>> next_chunk(const ReadSizes& sizes, Ending ending);

  // While nothing is delivered, once for what each look has seen: an empty chunk with the position at 0.
  std::optional<Chunk> first_sight();

  // open or sought → finished: closes the descriptor; the chunk carries only the position that says so, after a gap of
  // `lost` bytes. Nothing when it was never attached.
  std::optional<Chunk> finish(uint64_t lost = 0);

 private:
  // An over-long record whose end is not found yet.
  struct Skipping {
    explicit Skipping(uint64_t from) : at(from) {}
    uint64_t at;         // looked at up to here
    uint64_t lines = 0;  // that ended before
    bool newline = false;
    Hasher128 hash;
  };

  Result<Cut> whole(std::string_view bytes, const CutRule& rule);
  Chunk make_chunk(std::string bytes, size_t whole, std::string context);
  Result<std::optional<Chunk>> long_record(const ReadSizes& sizes, Ending ending);
  std::optional<Chunk> last_line(std::string bytes, Ending ending);
  void advance(const std::string& bytes, uint64_t offset_after, uint64_t lines);
  [[nodiscard]] Position position() const;
  // The bytes before the offset are those that were delivered; while it is 0, the first ones those that were seen.
  Result<bool> is_sound();
  // While the offset is 0: looks at the first bytes. False when they do not begin with those that were seen before.
  Result<bool> see();

  std::string part_;
  std::string path_;
  State state_ = State::sought;
  bool live_ = false;
  std::unique_ptr<os::File> file_;
  os::FileInfo info_;
  std::unique_ptr<Cutter> cutter_;
  std::string saved_cutter_;  // restored, until attach() makes the cutter
  std::string fallback_cutter_;

  uint64_t offset_ = 0;
  uint64_t line_ = 0;  // lines before the offset
  Fingerprint head_;
  Fingerprint tail_;
  std::string
      head_bytes_;  // once attached: the first min(offset, kHeadBytes) bytes; while it is 0, those that were seen
  std::string tail_bytes_;  // the last min(offset, kTailBytes) bytes before the offset, once attached
  std::optional<Fingerprint> held_;
  std::optional<Fingerprint> seen_;  // of the first bytes, while nothing is delivered
  bool seen_anew_ = false;           // since first_sight()

  uint64_t examined_ = 0;  // bytes before this offset were looked at without finding a record
  std::unique_ptr<Skipping> skipping_;
  uint64_t changed_at_ms_ = 0;  // when the size was last seen to change
  uint64_t sought_since_ms_ = 0;
  bool compressed_ = false;  // a finished file: it cannot be cut, and looking back in it is slow
  uint64_t sound_size_ = 0;  // at the last look that found it sound
};

}  // namespace leat
