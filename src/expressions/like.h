#pragma once

// A pattern of SQL's LIKE: % stands for any text, _ for one character; everything else for itself. Letters are told
// apart by case. Immutable; any thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::expressions {

class LikePattern {
 public:
  // `escape` before %, _ or itself takes their meaning; nothing: there is none.
  LikePattern(std::string_view pattern, std::optional<char> escape);
  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  // What stands between two %: `bytes` with a mark for each that is a _.
  struct Piece {
    std::string bytes;
    std::vector<bool> any;
    bool plain = true;  // no _
  };
  // Whether `text` begins with the piece; `length`: how much of it that takes.
  static bool begins(const Piece& piece, std::string_view text, size_t& length);
  static bool ends(const Piece& piece, std::string_view text);

  std::vector<Piece> pieces_;  // at least one
};

// Where `part` begins in `text`, npos: nowhere.
size_t find_text(std::string_view text, std::string_view part);

}  // namespace leat::expressions
