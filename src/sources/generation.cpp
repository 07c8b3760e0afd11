#include "sources/generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "data/reject.h"
#include "sources/decompressor.h"

namespace leat {
namespace {

// Large enough to see many records at once; a smaller wish (tests) still reads this much at a time.
constexpr size_t kLargestStep = 4 * 1024 * 1024;
constexpr size_t kCompareBytes = 256 * 1024;

// True when the bytes [end - print.length, end) of `file` have that hash.
Result<bool> has(os::File& file, uint64_t start, const Fingerprint& print) {
  std::string bytes(print.length, '\0');
  LEAT_ASSIGN(const size_t size, file.read_at(start, bytes.data(), bytes.size()));
  return size == bytes.size() && fingerprint_of(bytes) == print;
}

}  // namespace

Result<bool> begin_alike(os::File& a, os::File& b, uint64_t size) {
  std::string a_bytes(std::min<uint64_t>(kCompareBytes, size), '\0');
  std::string b_bytes(a_bytes.size(), '\0');
  for (uint64_t at = 0; at < size; at += a_bytes.size()) {
    const size_t want = std::min<uint64_t>(a_bytes.size(), size - at);
    LEAT_ASSIGN(const size_t a_size, a.read_at(at, a_bytes.data(), want));
    LEAT_ASSIGN(const size_t b_size, b.read_at(at, b_bytes.data(), want));
    if (a_size != want || b_size != want || std::memcmp(a_bytes.data(), b_bytes.data(), want) != 0) return false;
  }
  return true;
}

Result<std::unique_ptr<Generation>> Generation::restore(const Position& position) {
  auto parsed = FileToken::parse(position.token);
  if (!parsed.ok()) return std::move(parsed).status().within(visible(position.part));
  auto generation = std::make_unique<Generation>("", 0);
  generation->part_ = position.part;
  generation->path_ = position.origin;
  generation->offset_ = position.offset;
  generation->line_ = parsed->line;
  generation->head_ = parsed->head;
  generation->tail_ = parsed->tail;
  generation->held_ = parsed->held;
  generation->seen_ = parsed->seen;
  generation->info_ = parsed->info;
  generation->saved_cutter_ = parsed->cutter;
  generation->sound_size_ = parsed->info.size;
  generation->state_ = parsed->done ? State::finished : State::sought;
  return generation;
}

Result<bool> Generation::matches(os::File& file, const os::FileInfo& info) const {
  if (info.size < offset_ || (!has_position() && state_ != State::sought)) return false;
  if (!is_begun()) {
    // Few bytes may stand in many files, and a compressed one never had the inode of the plain one.
    if (is_faint() && (!is_same_file(info) || info.size != info.stored_size)) return false;
    const Fingerprint seen = seen_.value_or(fingerprint_of(""));
    return info.size >= seen.length ? has(file, 0, seen) : Result<bool>(false);
  }
  if (head_.length < std::min<uint64_t>(offset_, kHeadBytes)) return false;  // after a gap
  if (held_) {
    if (info.size < held_->length) return false;
    LEAT_ASSIGN(const bool last, has(file, offset_, {held_->length - offset_, held_->hash}));
    if (!last || offset_ == 0) return last;
  }
  LEAT_ASSIGN(const bool head, has(file, 0, head_));
  if (!head) return false;
  return has(file, offset_ - tail_.length, tail_);
}

Result<bool> Generation::begins_like(os::File& file, const os::FileInfo& info) const {
  const Fingerprint first = offset_ > 0 ? head_ : seen_.value_or(Fingerprint());
  if (first.length == 0) return false;
  if (info.size >= first.length) return has(file, 0, first);
  if (info.size == 0 || head_bytes_.size() < first.length) return false;  // too short to tell
  return has(file, 0, fingerprint_of(std::string_view(head_bytes_).substr(0, info.size)));
}

Result<bool> Generation::covers(os::File& file, const os::FileInfo& info) {
  // Without the file there are only the first bytes to go by.
  if (state_ != State::open) return head_.length == kHeadBytes && info.size < offset_;
  if (info.size > info_.size) return false;
  return begin_alike(file, *file_, info.size);
}

Status Generation::attach(std::unique_ptr<os::File> file, const os::FileInfo& info, const MakeCutter& make_cutter,
                          uint64_t now_ms) {
  head_bytes_.resize(std::min<uint64_t>(offset_, kHeadBytes));
  tail_bytes_.resize(std::min<uint64_t>(offset_, kTailBytes));
  LEAT_ASSIGN(const size_t head, file->read_at(0, head_bytes_.data(), head_bytes_.size()));
  LEAT_ASSIGN(const size_t tail, file->read_at(offset_ - tail_bytes_.size(), tail_bytes_.data(), tail_bytes_.size()));
  if (head != head_bytes_.size() || tail != tail_bytes_.size()) {
    return Status::retry(visible(path_) + ": became shorter while it was opened");
  }
  cutter_ = make_cutter(path_);
  if (!saved_cutter_.empty()) LEAT_TRY(cutter_->restore(saved_cutter_));
  file_ = std::move(file);
  info_ = info;
  state_ = State::open;
  examined_ = offset_;
  changed_at_ms_ = now_ms;
  sound_size_ = info.size;
  compressed_ = compression_of_name(path_) != Compression::none;
  return offset_ == 0 ? see().status() : Status();
}

void Generation::found_at(const std::string& path, bool live) {
  path_ = path;
  live_ = live;
}

Status Generation::look(uint64_t now_ms) {
  LEAT_ASSIGN(const os::FileInfo info, file_->info());
  if (!is_same_file(info)) {
    detach(now_ms);
    return {};
  }
  const bool changed = info.size != info_.size || info.mtime_ns != info_.mtime_ns;
  info_ = info;
  if (!changed) return {};
  changed_at_ms_ = now_ms;
  if (info.size < examined_) {
    examined_ = offset_;
    skipping_.reset();
  }
  LEAT_ASSIGN(const bool sound, is_sound());
  if (!sound) {
    state_ = State::cut;
  } else {
    sound_size_ = info.size;
  }
  return {};
}

Result<bool> Generation::is_sound() {
  if (compressed_) return true;
  if (offset_ == 0) return see();
  std::string bytes(tail_bytes_.size(), '\0');
  LEAT_ASSIGN(const size_t size, file_->read_at(offset_ - bytes.size(), bytes.data(), bytes.size()));
  return size == bytes.size() && bytes == tail_bytes_;
}

Result<bool> Generation::see() {
  std::string bytes(std::min<uint64_t>(info_.size, kHeadBytes), '\0');
  LEAT_ASSIGN(const size_t size, file_->read_at(0, bytes.data(), bytes.size()));
  bytes.resize(size);
  if (!bytes.starts_with(head_bytes_)) return false;
  head_bytes_ = std::move(bytes);
  if (held_) return true;
  const Fingerprint seen = fingerprint_of(head_bytes_);
  if (seen_ != seen) seen_anew_ = true;
  seen_ = seen;
  return true;
}

void Generation::detach(uint64_t now_ms) {
  saved_cutter_ = cutter_->save();
  cutter_.reset();
  file_.reset();
  state_ = State::sought;
  live_ = false;
  sought_since_ms_ = now_ms;
}

Result<std::optional<Chunk>> Generation::next_chunk(const ReadSizes& sizes, Ending ending) {
  if (state_ != State::open) return std::optional<Chunk>();
  // Nothing after what was examined, and the end means no more than it did.
  if (ending == Ending::open && info_.size <= examined_) return first_sight();
  if (skipping_) return long_record(sizes, ending);
  std::string context = cutter_->save();
  std::string bytes;
  size_t have = 0;
  const size_t most = std::max<uint64_t>(kLargestStep, sizes.max_record_bytes + 1);
  for (size_t want = sizes.chunk_bytes;; want = want < 1024 ? want + 16 : std::min(want * 2, most)) {
    bytes.resize(want);
    LEAT_ASSIGN(const size_t more, file_->read_at(offset_ + have, bytes.data() + have, want - have));
    have += more;
    bytes.resize(have);
    const CutRule rule{.ended = have < want && ending != Ending::open, .max_record = sizes.max_record_bytes};
    // The end of a document is asked for also where nothing is left.
    if (have == 0 && (!rule.ended || cutter_->open_ended())) break;
    // After the read: bytes that a writer put there since the file was cut are not ours.
    LEAT_ASSIGN(const bool sound, is_sound());
    if (!sound) {
      state_ = State::cut;
      return std::optional<Chunk>();
    }
    auto cut = whole(bytes, rule);
    if (!cut.ok()) {
      if (cut.status().kind() == Kind::bad_config || cut.status().kind() == Kind::bad_data) {
        state_ = State::refused;
        file_.reset();
      }
      return std::move(cut).status();
    }
    if (cut->too_long) return long_record(sizes, ending);
    if (cut->bytes > 0) {
      if (context.empty()) context = cutter_->save();
      return std::optional<Chunk>(make_chunk(std::move(bytes), cut->bytes, std::move(context)));
    }
    if (have < want) break;
    if (want == most) return Status::bug(visible(path_) + ": no record border in " + human_bytes(want));
  }
  examined_ = offset_ + have;
  if (ending == Ending::open) return first_sight();
  if (have == 0 || !cutter_->open_ended()) return std::optional<Chunk>();
  return last_line(std::move(bytes), ending);
}

// What the cutter says; in the format of the family's older files where it recognises nothing.
Result<Cut> Generation::whole(std::string_view bytes, const CutRule& rule) {
  auto cut = cutter_->whole(bytes, rule);
  const bool unknown = cut.ok() ? cut->bytes == 0 && !cut->too_long && bytes.find('\n') != std::string_view::npos &&
                                      cutter_->save().empty()
                                : cut.status().kind() == Kind::bad_config;
  if (!unknown || fallback_cutter_.empty() || !cutter_->may_inherit()) return cut;
  // A log does not become another one because its first lines are none.
  LEAT_TRY(cutter_->restore(fallback_cutter_));
  fallback_cutter_.clear();
  return cutter_->whole(bytes, rule);
}

std::optional<Chunk> Generation::first_sight() {
  if (!seen_anew_ || is_begun() || state_ == State::refused) return std::nullopt;
  seen_anew_ = false;
  Chunk chunk;
  chunk.end = position();
  return chunk;
}

// The first `whole` of `bytes` are records.
Chunk Generation::make_chunk(std::string bytes, size_t whole, std::string context) {
  bytes.resize(whole);
  Chunk chunk;
  chunk.start = offset_;
  chunk.first_line = line_ + 1;
  chunk.context = std::move(context);
  advance(bytes, offset_ + whole, count_newlines(bytes));
  chunk.bytes = std::move(bytes);
  chunk.end = position();
  return chunk;
}

// At the offset is a record longer than allowed; its end may be far away.
Result<std::optional<Chunk>> Generation::long_record(const ReadSizes& sizes, Ending ending) {
  if (!skipping_) skipping_ = std::make_unique<Skipping>(offset_);
  std::string window(kCompareBytes, '\0');
  for (std::optional<size_t> end; !end;) {
    LEAT_ASSIGN(const size_t size, file_->read_at(skipping_->at, window.data(), window.size()));
    if (size == 0) {
      examined_ = skipping_->at;
      if (ending == Ending::file && cutter_->open_ended()) break;
      if (ending == Ending::open || cutter_->open_ended()) return std::optional<Chunk>();
      state_ = State::refused;
      file_.reset();
      return Status::bad_data(fmt::format("{}: ends at byte {} inside a record of more than {} that begins at byte {}",
                                          visible(path_), examined_, human_bytes(sizes.max_record_bytes), offset_));
    }
    std::string_view seen(window.data(), size);
    LEAT_ASSIGN(end, cutter_->skip(seen));
    if (end) seen = seen.substr(0, *end);
    skipping_->at += seen.size();
    skipping_->lines += count_newlines(seen);
    skipping_->newline = end && seen.ends_with('\n');
    if (skipping_->newline) seen.remove_suffix(1);
    skipping_->hash.add(seen);
  }
  const uint64_t after = skipping_->at;
  std::string bytes(std::min<uint64_t>({after - offset_, kRejectRawLimit, sizes.max_record_bytes}), '\0');
  LEAT_ASSIGN(const size_t kept, file_->read_at(offset_, bytes.data(), bytes.size()));
  LEAT_ASSIGN(const bool sound, is_sound());
  if (!sound || kept != bytes.size()) {
    state_ = State::cut;
    return std::optional<Chunk>();
  }
  Chunk chunk;
  chunk.start = offset_;
  chunk.first_line = line_ + 1;
  chunk.context = cutter_->save();
  chunk.truncated = true;
  chunk.skipped = after - (skipping_->newline ? 1 : 0) - offset_ - kept;
  chunk.whole_hash = skipping_->hash.hash();
  // The tail is of the bytes before the new offset, which lie far from `bytes`.
  std::string last(std::min<uint64_t>(after, kTailBytes), '\0');
  LEAT_ASSIGN(const size_t tail_size, file_->read_at(after - last.size(), last.data(), last.size()));
  if (tail_size != last.size()) return Status::retry(visible(path_) + ": became shorter while it was read");
  advance(bytes, after, std::max<uint64_t>(1, skipping_->lines));
  if (head_bytes_.size() < std::min<uint64_t>(after, kHeadBytes)) {
    head_bytes_.resize(std::min<uint64_t>(after, kHeadBytes));
    LEAT_ASSIGN(const size_t head_size, file_->read_at(0, head_bytes_.data(), head_bytes_.size()));
    if (head_size != head_bytes_.size()) return Status::retry(visible(path_) + ": became shorter while it was read");
    head_ = fingerprint_of(head_bytes_);
  }
  tail_bytes_ = last;
  tail_ = fingerprint_of(tail_bytes_);
  skipping_.reset();
  chunk.bytes = std::move(bytes);
  chunk.end = position();
  return std::optional<Chunk>(std::move(chunk));
}

std::optional<Chunk> Generation::last_line(std::string bytes, Ending ending) {
  const Fingerprint held{offset_ + bytes.size(), hash128(bytes)};
  if (ending == Ending::run && held_ == held) return std::nullopt;
  Chunk chunk;
  chunk.start = offset_;
  chunk.first_line = line_ + 1;
  chunk.context = cutter_->save();
  if (ending == Ending::run) {
    chunk.provisional = true;
    held_ = held;
    seen_.reset();
  } else {
    advance(bytes, offset_ + bytes.size(), 1);
  }
  chunk.bytes = std::move(bytes);
  chunk.end = position();
  return chunk;
}

void Generation::advance(const std::string& bytes, uint64_t offset_after, uint64_t lines) {
  if (offset_ == 0) head_bytes_.clear();
  if (head_bytes_.size() < kHeadBytes) {
    head_bytes_.append(bytes, 0, kHeadBytes - head_bytes_.size());
    head_ = fingerprint_of(head_bytes_);
  }
  if (bytes.size() >= kTailBytes) {
    tail_bytes_.assign(bytes, bytes.size() - kTailBytes, kTailBytes);
  } else {
    tail_bytes_ += bytes;
    if (tail_bytes_.size() > kTailBytes) tail_bytes_.erase(0, tail_bytes_.size() - kTailBytes);
  }
  tail_ = fingerprint_of(tail_bytes_);
  offset_ = offset_after;
  line_ += lines;
  held_.reset();
  seen_.reset();
  examined_ = std::max(examined_, offset_);
}

std::optional<Chunk> Generation::finish(uint64_t lost) {
  file_.reset();
  state_ = State::finished;
  live_ = false;
  if (!has_position()) return std::nullopt;
  Chunk chunk;
  chunk.start = offset_;
  chunk.first_line = line_ + 1;
  // Behind a provisional record nothing can be declared: it stays what it is.
  chunk.gap_bytes = held_ ? 0 : lost;
  offset_ += chunk.gap_bytes;
  if (offset_ > 0) seen_.reset();
  chunk.end = position();
  return chunk;
}

Position Generation::position() const {
  FileToken token;
  token.line = line_;
  token.head = head_;
  token.tail = tail_;
  token.info = info_;
  token.done = state_ == State::finished;
  token.held = held_;
  token.seen = seen_;
  token.cutter = cutter_ ? cutter_->save() : saved_cutter_;
  return {.part = part_, .origin = path_, .offset = offset_, .token = token.text()};
}

}  // namespace leat
