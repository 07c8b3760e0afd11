#include "decoders/json_check.h"

#include <string>

#include "base/text.h"

namespace leat {
namespace {

constexpr size_t kDeepest = 1000;

class JsonChecker {
 public:
  explicit JsonChecker(std::string_view text) : text_(text) {}

  JsonCheck check() {
    if (!is_utf8(text_)) {
      while (const size_t length = utf8_sequence(text_.substr(at_))) at_ += length;
      return {false, at_, "UTF-8"};
    }
    const bool ok = values();
    return {ok, at_, expected_};
  }

 private:
  bool fail(std::string_view expected) {
    expected_ = expected;
    return false;
  }
  [[nodiscard]] char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (next() == ' ' || next() == '\t' || next() == '\n' || next() == '\r') ++at_;
  }

  // One value, with all that is in it; without recursion, as the depth is the text's.
  bool values() {
    std::string open;
    for (;;) {
      skip_spaces();
      if (next() == '{' || next() == '[') {
        if (open.size() == kDeepest) return fail("fewer brackets");
        const char close = next() == '{' ? '}' : ']';
        ++at_;
        skip_spaces();
        if (!take(close)) {
          open += close;
          if (close == '}' && !key()) return false;
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      // A value has ended: what is open ends as well, or goes on.
      for (skip_spaces(); !open.empty() && take(open.back()); skip_spaces()) open.pop_back();
      if (open.empty()) return at_ == text_.size() || fail("the end");
      if (!take(',')) return fail(open.back() == '}' ? "',' or '}'" : "',' or ']'");
      if (open.back() == '}' && !key()) return false;
    }
  }

  bool key() {
    skip_spaces();
    if (next() != '"') return fail("'\"'");
    if (!string()) return false;
    skip_spaces();
    return take(':') || fail("':'");
  }

  bool scalar() {
    if (next() == '"') return string();
    if (next() == '-' || is_digit(next())) return number();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return true;
    }
    return fail("a value");
  }

  bool string() {
    for (++at_; !take('"'); ++at_) {
      if (at_ >= text_.size()) return fail("'\"'");
      if (static_cast<unsigned char>(next()) < 0x20) return fail("a character that is not a control character");
      if (!take('\\')) continue;
      if (next() == 'u') {
        for (int i = 0; i < 4; ++i) {
          ++at_;
          if (!is_digit(next()) && std::string_view("abcdefABCDEF").find(next()) == std::string_view::npos) {
            return fail("a hexadecimal digit");
          }
        }
      } else if (next() == '\0' || std::string_view("\"\\/bfnrt").find(next()) == std::string_view::npos) {
        return fail("an escape");
      }
    }
    return true;
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  bool digits() {
    if (!is_digit(next())) return fail("a digit");
    while (is_digit(next())) ++at_;
    return true;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string_view expected_;
};

}  // namespace

JsonCheck check_json(std::string_view text) {
  return JsonChecker(text).check();
}

}  // namespace leat
