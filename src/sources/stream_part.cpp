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

StreamPart::StreamPart(std::string part, std::string origin, std::unique_ptr<Cutter> cutter, const StreamRules& rules)
    : part_(std::move(part)),
      origin_(std::move(origin)),
      cutter_(std::move(cutter)),
      rules_(rules),
      compression_(rules.compression) {}

Status StreamPart::push(std::string_view bytes) {
  if (!compression_) {
    undecided_ += bytes;
    compression_ = compression_of_bytes(undecided_, ended_);
    if (!compression_) return {};
    const std::string first = std::exchange(undecided_, {});
    return push(first);
  }
  if (*compression_ == Compression::none) return add_plain(bytes);
  if (decompressor_ == nullptr) decompressor_ = make_decompressor(*compression_);
  std::array<char, kPlainBytes> plain;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by next()
  for (;;) {
    auto n = decompressor_->next(bytes, plain.data(), plain.size());
    if (!n.ok()) return std::move(n).status().within(fmt::format("{}, byte {} of the plain data", origin_, plain_));
    if (*n == 0) return {};
    LEAT_TRY(add_plain({plain.data(), *n}));
  }
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

Status StreamPart::end() {
  ended_ = true;
  if (!compression_) LEAT_TRY(push({}));
  if (decompressor_ != nullptr && !decompressor_->may_end()) {
    return Status::bad_data(fmt::format("{}: its {} data is cut off after {} plain bytes", origin_,
                                        name_of(*compression_), with_commas(plain_)));
  }
  return {};
}

Result<std::optional<Chunk>> StreamPart::next() {
  if (skipping_) return skip();
  // What was looked at in vain is looked at again when there is twice as much.
  const size_t enough = std::max<size_t>(rules_.chunk_bytes, 2 * looked_at_);
  const bool too_long = buffer_.size() > rules_.max_record_bytes;
  if (!ended_ && !too_long && buffer_.size() < enough) return std::optional<Chunk>();
  if (buffer_.empty() && cutter_->open_ended()) return std::optional<Chunk>();
  std::string context = cutter_->save();
  const CutRule rule{.ended = ended_, .max_record = rules_.max_record_bytes};
  LEAT_ASSIGN(const Cut cut, cutter_->whole(buffer_, rule));
  if (context.empty()) context = cutter_->save();
  if (cut.too_long) {
    skipping_ = std::make_unique<Skipping>();
    skipping_->chunk = begin_chunk(std::move(context));
    return skip();
  }
  if (cut.bytes == 0) {
    looked_at_ = buffer_.size();
    return ended_ && cutter_->open_ended() ? last_record() : std::nullopt;
  }
  Chunk chunk = begin_chunk(std::move(context));
  std::string rest = buffer_.substr(cut.bytes);
  chunk.bytes = std::exchange(buffer_, std::move(rest));
  chunk.bytes.resize(cut.bytes);
  const uint64_t lines = count_newlines(chunk.bytes);
  return std::optional<Chunk>(finish(std::move(chunk), cut.bytes, lines));
}

Chunk StreamPart::begin_chunk(std::string context) const {
  Chunk chunk;
  chunk.start = offset_;
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
  return std::optional<Chunk>(finish(std::move(chunk), bytes, lines));
}

std::optional<Chunk> StreamPart::last_record() {
  if (buffer_.empty()) return std::nullopt;
  Chunk chunk = begin_chunk(cutter_->save());
  chunk.bytes = std::exchange(buffer_, {});
  const uint64_t bytes = chunk.bytes.size();
  const uint64_t lines = count_newlines(chunk.bytes) + 1;
  return finish(std::move(chunk), bytes, lines);
}

}  // namespace leat
