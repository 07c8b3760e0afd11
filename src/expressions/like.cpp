#include "expressions/like.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace leat::expressions {

size_t find_text(std::string_view text, std::string_view part) {
  if (part.empty()) return 0;
  if (text.empty()) return std::string_view::npos;
  const void* found = memmem(text.data(), text.size(), part.data(), part.size());
  return found == nullptr ? std::string_view::npos : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

LikePattern::LikePattern(std::string_view pattern, std::optional<char> escape) : pieces_(1) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool escaped = escape && pattern[i] == *escape && i + 1 < pattern.size();
    if (escaped) ++i;
    if (!escaped && pattern[i] == '%') {
      pieces_.emplace_back();
      continue;
    }
    Piece& piece = pieces_.back();
    const bool any = !escaped && pattern[i] == '_';
    piece.bytes += pattern[i];
    piece.any.push_back(any);
    piece.plain = piece.plain && !any;
  }
}

bool LikePattern::begins(const Piece& piece, std::string_view text, size_t& length) {
  length = piece.bytes.size();
  if (piece.plain) return text.starts_with(piece.bytes);
  size_t at = 0;
  for (size_t i = 0; i < piece.bytes.size(); ++i) {
    if (at >= text.size()) return false;
    if (piece.any[i]) {
      at += std::max<size_t>(1, utf8_sequence(text.substr(at)));
    } else if (text[at++] != piece.bytes[i]) {
      return false;
    }
  }
  length = at;
  return true;
}

bool LikePattern::ends(const Piece& piece, std::string_view text) {
  if (piece.plain) return text.ends_with(piece.bytes);
  for (size_t at = 0; at <= text.size(); ++at) {
    // A _ begins at a character, not within one.
    if (at > 0 && at < text.size() && (text[at] & 0xC0) == 0x80) continue;
    size_t length = 0;
    if (begins(piece, text.substr(at), length) && at + length == text.size()) return true;
  }
  return false;
}

bool LikePattern::matches(std::string_view text) const {
  size_t length = 0;
  if (!begins(pieces_.front(), text, length)) return false;
  if (pieces_.size() == 1) return length == text.size();
  text.remove_prefix(length);
  // Each piece where it first fits: a later place leaves less for the others.
  for (size_t i = 1; i + 1 < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    size_t at = 0;
    if (piece.plain) {
      at = find_text(text, piece.bytes);
      if (at == std::string_view::npos) return false;
      length = piece.bytes.size();
    } else {
      while (!begins(piece, text.substr(at), length)) {
        if (at >= text.size()) return false;
        at += std::max<size_t>(1, utf8_sequence(text.substr(at)));
      }
    }
    text.remove_prefix(at + length);
  }
  return ends(pieces_.back(), text);
}

}  // namespace leat::expressions
