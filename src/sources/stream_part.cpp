#include "sources/stream_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "data/reject.h"

namespace leat {
namespace {

constexpr size_t kPlainBytes = 128 * 1024;

}  // namespace

StreamPart::StreamPart(std::string part, std::string origin, std::unique_ptr<Cutter> cutter, const StreamRules& rules,
                       uint64_t base)
    : part_(std::move(part)),
      origin_(std::move(origin)),
      cutter_(std::move(cutter)),
      rules_(rules),
      base_(base),
      compression_(rules.compression),
      offset_(base) {}

void StreamPart::pass_over(const Delivered& before) {
  before_ = before;
  lead_ = before.lead;
  offset_ = base_ + before.lead;
}

Delivered StreamPart::delivered() const {
  return {.lead = lead_,
          .bytes = offset_ - base_,
          .hash = hash_.hash(),
          .records = records_,
          .to_last_record = to_last_record_};
}

Status StreamPart::push(std::string_view bytes) {
  if (compression_ == Compression::none) return add_plain(bytes);
  packed_.erase(0, std::exchange(unpacked_, 0));
  packed_.append(bytes);
  return unpack_first();
}

Status StreamPart::end() {
  input_ended_ = true;
  if (compression_ == Compression::none) {
    ended_ = true;
    return {};
  }
  return unpack_first();
}

// As much as tells what the document is. The rest is unpacked when it is asked for: a few compressed bytes may be many
// plain ones.
Status StreamPart::unpack_first() {
  for (bool more = true; more && buffer_.size() < kPlainBytes;) {
    LEAT_ASSIGN(more, unpack());
  }
  return {};
}

// Some more of what has come. False: nothing is left of it.
Result<bool> StreamPart::unpack() {
  if (ended_ || compression_ == Compression::none) return false;
  if (!compression_) {
    compression_ = compression_of_bytes(packed_, input_ended_);
    if (!compression_) return false;
    if (compression_ == Compression::none) {
      ended_ = input_ended_;
      LEAT_TRY(add_plain(std::exchange(packed_, {})));
      return true;
    }
  }
  if (decompressor_ == nullptr) decompressor_ = make_decompressor(*compression_);
  std::array<char, kPlainBytes> plain;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by next()
  std::string_view rest = std::string_view(packed_).substr(unpacked_);
  auto n = decompressor_->next(rest, plain.data(), plain.size());
  if (!n.ok()) return std::move(n).status().within(fmt::format("{}, byte {} of the plain data", origin_, plain_));
  unpacked_ = packed_.size() - rest.size();
  if (*n > 0) {
    LEAT_TRY(add_plain({plain.data(), *n}));
    return true;
  }
  packed_.clear();
  unpacked_ = 0;
  if (!input_ended_) return false;
  if (!decompressor_->may_end()) {
    return Status::bad_data(fmt::format("{}: its {} data is cut off after {} plain bytes", origin_,
                                        name_of(*compression_), with_commas(plain_)));
  }
  ended_ = true;
  return true;
}

Status StreamPart::add_plain(std::string_view bytes) {
  plain_ += bytes.size();
  if (plain_ > rules_.max_body_bytes) {
    return Status::bad_data(
        fmt::format("{}: has more than max_body = {}", origin_, human_bytes(rules_.max_body_bytes)));
  }
  buffer_ += bytes;
  return {};
}

Result<std::optional<Chunk>> StreamPart::next() {
  const uint64_t end = before_ ? base_ + before_->bytes : 0;
  while (!changed_) {
    const uint64_t to_pass = std::max(end, offset_) - offset_;
    LEAT_ASSIGN(std::optional<Piece> piece, cut(to_pass));
    if (!piece) {
      LEAT_ASSIGN(const bool more, unpack());
      if (more) continue;
      changed_ = to_pass > 0 && is_stuck(to_pass);
      break;
    }
    if (!piece->passed) return std::optional(std::move(piece->chunk));
    changed_ = offset_ > end || (offset_ == end && !in_lead_ && hash_.hash() != before_->hash);
  }
  return std::optional<Chunk>();
}

// All that is needed to find the border at which the earlier reading stopped is there. With not a byte behind it the
// end may have to come first, of a last record that has none of its own.
bool StreamPart::is_stuck(uint64_t to_pass) const {
  return ended_ || (!in_lead_ && !skipping_ && buffer_.size() > to_pass);
}

// The next whole records. Of bytes that are to be passed over no more than those, so that a border is found at their
// end; while the lead is not over, which may be another one, a single record.
Result<std::optional<StreamPart::Piece>> StreamPart::cut(uint64_t to_pass) {
  const auto whole = [&](std::optional<Chunk> chunk) -> std::optional<Piece> {
    if (!chunk) return std::nullopt;
    return Piece{.chunk = *std::move(chunk), .passed = to_pass > 0};
  };
  if (skipping_) {
    LEAT_ASSIGN(std::optional<Chunk> skipped, skip());
    return whole(std::move(skipped));
  }
  std::string_view bytes(buffer_);
  if (to_pass > 0 && !in_lead_) bytes = bytes.substr(0, to_pass);
  const bool all = bytes.size() == buffer_.size();
  const bool to_the_border = to_pass > 0 && !in_lead_ && bytes.size() == to_pass;
  // What was looked at in vain is looked at again when there is twice as much.
  const size_t enough = std::max<size_t>(rules_.chunk_bytes, 2 * looked_at_);
  const bool too_long = bytes.size() > rules_.max_record_bytes;
  if (!ended_ && !too_long && !to_the_border && bytes.size() < enough) return std::optional<Piece>();
  if (bytes.empty() && cutter_->open_ended()) return std::optional<Piece>();
  std::string context = cutter_->save();
  CutRule rule{.ended = ended_ && all, .max_record = rules_.max_record_bytes};
  if (to_pass > 0 && in_lead_) rule.most_records = 1;
  LEAT_ASSIGN(const Cut cut, cutter_->whole(bytes, rule));
  if (context.empty()) context = cutter_->save();
  if (cut.lead == 0 && (cut.bytes > 0 || cut.too_long)) begin_records();
  if (cut.too_long) {
    skipping_ = std::make_unique<Skipping>();
    skipping_->chunk = begin_chunk(std::move(context));
    LEAT_ASSIGN(std::optional<Chunk> skipped, skip());
    return whole(std::move(skipped));
  }
  if (cut.bytes == 0) {
    looked_at_ = bytes.size();
    return whole(rule.ended && cutter_->open_ended() ? last_record() : std::nullopt);
  }
  Chunk chunk = begin_chunk(std::move(context));
  std::string rest;
  rest.reserve(std::max<size_t>(buffer_.size(), 2 * rules_.chunk_bytes));  // as much as the next chunk will need
  rest.append(buffer_, cut.bytes);
  chunk.bytes = std::exchange(buffer_, std::move(rest));
  chunk.bytes.resize(cut.bytes);
  const uint64_t lines = count_newlines(chunk.bytes);
  if (cut.lead == 0) {
    const std::string_view all_bytes(chunk.bytes);
    if (cut.records > 0) {
      records_ += cut.records;
      hash_.add(all_bytes.substr(0, cut.bytes - cut.tail));
      to_last_record_ = hash_.hash();
    }
    hash_.add(all_bytes.substr(cut.records > 0 ? cut.bytes - cut.tail : 0));
    return whole(finish(std::move(chunk), cut.bytes, lines));
  }
  inherited_ = cutter_->inherited();
  if (before_) {  // it stands where the earlier one stood
    line_ += lines;
    looked_at_ = 0;
    return std::optional(Piece{.chunk = std::move(chunk), .passed = true});
  }
  lead_ += cut.bytes;
  return whole(finish(std::move(chunk), cut.bytes, lines));
}

void StreamPart::begin_records() {
  if (in_lead_) hash_.add(inherited_);
  in_lead_ = false;
}

Chunk StreamPart::begin_chunk(std::string context) const {
  Chunk chunk;
  chunk.start = offset_;
  chunk.base = base_;
  chunk.first_line = line_ + 1;
  chunk.context = std::move(context);
  return chunk;
}

Chunk StreamPart::finish(Chunk chunk, uint64_t bytes, uint64_t lines) {
  offset_ += bytes;
  line_ += lines;
  looked_at_ = 0;
  chunk.end = {.part = part_, .origin = origin_, .offset = offset_, .token = cutter_->save()};
  return chunk;
}

Result<std::optional<Chunk>> StreamPart::skip() {
  Skipping& skipping = *skipping_;
  LEAT_ASSIGN(const std::optional<size_t> end, cutter_->skip(buffer_));
  std::string_view seen(buffer_);
  if (end) seen = seen.substr(0, *end);
  const size_t kept = skipping.chunk.bytes.size();
  const size_t keep = std::min<uint64_t>(kRejectRawLimit, rules_.max_record_bytes);
  if (kept < keep) skipping.chunk.bytes.append(seen.substr(0, keep - kept));
  skipping.bytes += seen.size();
  skipping.lines += count_newlines(seen);
  skipping.newline = end && seen.ends_with('\n');
  hash_.add(seen);
  skipping.hash.add(skipping.newline ? seen.substr(0, seen.size() - 1) : seen);
  buffer_.erase(0, seen.size());
  if (!end && !ended_) return std::optional<Chunk>();
  if (!end && !cutter_->open_ended()) {
    return Status::bad_data(fmt::format("{}: ends inside a record of more than {} that begins at byte {}", origin_,
                                        human_bytes(rules_.max_record_bytes), offset_));
  }
  Chunk chunk = std::move(skipping.chunk);
  chunk.truncated = true;
  chunk.skipped = skipping.bytes - (skipping.newline ? 1 : 0) - chunk.bytes.size();
  chunk.whole_hash = skipping.hash.hash();
  const uint64_t bytes = skipping.bytes;
  const uint64_t lines = std::max<uint64_t>(1, skipping.lines);
  skipping_.reset();
  ++records_;
  to_last_record_ = hash_.hash();
  return std::optional<Chunk>(finish(std::move(chunk), bytes, lines));
}

std::optional<Chunk> StreamPart::last_record() {
  if (buffer_.empty()) return std::nullopt;
  begin_records();
  Chunk chunk = begin_chunk(cutter_->save());
  chunk.bytes = std::exchange(buffer_, {});
  hash_.add(chunk.bytes);
  ++records_;
  to_last_record_ = hash_.hash();
  const uint64_t bytes = chunk.bytes.size();
  const uint64_t lines = count_newlines(chunk.bytes) + 1;
  return finish(std::move(chunk), bytes, lines);
}

}  // namespace leat
