#include "sources/file_token.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace leat {
namespace {

template <class T>
bool parse_number(std::string_view text, T* out, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

std::string text_of(const Fingerprint& print) {
  return fmt::format("{}:{}", print.length, hex(print.hash));
}

bool parse_fingerprint(std::string_view text, Fingerprint* out) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() - colon - 1 != 32) return false;
  return parse_number(text.substr(0, colon), &out->length) &&
         parse_number(text.substr(colon + 1, 16), &out->hash.high, 16) &&
         parse_number(text.substr(colon + 17, 16), &out->hash.low, 16);
}

}  // namespace

Fingerprint fingerprint_of(std::string_view bytes) {
  return {bytes.size(), hash128(bytes)};
}

std::string FileToken::text() const {
  std::string out =
      fmt::format("v=1 line={} head={} tail={} dev={} ino={} born={} size={} mtime={} done={}", line, text_of(head),
                  text_of(tail), info.device, info.inode, info.born_ns, info.stored_size, info.mtime_ns, done ? 1 : 0);
  if (held) out += " held=" + text_of(*held);
  if (seen) out += " seen=" + text_of(*seen);
  out += " cutter=" + cutter;
  return out;
}

Result<FileToken> FileToken::parse(std::string_view text) {
  FileToken token;
  const auto damaged = [&] { return Status::bug("the position's token is damaged: " + quoted(text)); };
  bool versioned = false;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return damaged();
    const std::string_view name = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
    if (name == "cutter") {
      token.cutter = rest;
      break;
    }
    const size_t space = std::min(rest.find(' '), rest.size());
    const std::string_view value = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    bool good = true;
    uint64_t flag = 0;
    if (name == "v") {
      good = versioned = value == "1";
    } else if (name == "line") {
      good = parse_number(value, &token.line);
    } else if (name == "head") {
      good = parse_fingerprint(value, &token.head);
    } else if (name == "tail") {
      good = parse_fingerprint(value, &token.tail);
    } else if (name == "dev") {
      good = parse_number(value, &token.info.device);
    } else if (name == "ino") {
      good = parse_number(value, &token.info.inode);
    } else if (name == "born") {  // older tokens have none
      good = parse_number(value, &token.info.born_ns);
    } else if (name == "size") {
      good = parse_number(value, &token.info.stored_size);
      token.info.size = token.info.stored_size;
    } else if (name == "mtime") {
      good = parse_number(value, &token.info.mtime_ns);
    } else if (name == "done") {
      good = parse_number(value, &flag);
      token.done = flag == 1;
    } else if (name == "held") {
      token.held.emplace();
      good = parse_fingerprint(value, &*token.held);
    } else if (name == "seen") {
      token.seen.emplace();
      good = parse_fingerprint(value, &*token.seen);
    } else {
      good = false;
    }
    if (!good) return damaged();
  }
  if (!versioned) return damaged();
  return token;
}

std::optional<PartName> parse_part(std::string_view part) {
  const size_t hash = part.rfind('#');
  PartName name;
  if (hash == std::string_view::npos || !parse_number(part.substr(hash + 1), &name.number)) return std::nullopt;
  name.family = part.substr(0, hash);
  return name;
}

}  // namespace leat
