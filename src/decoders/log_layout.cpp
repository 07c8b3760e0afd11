#include "decoders/log_layout.h"

#include <fmt/format.h>

#include <cstring>

#include "base/text.h"

namespace leat {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The format string itself, each character with its place in the pasted text.
struct Format {
  std::string text;
  std::vector<size_t> places;
  size_t end = 0;
  void add(char c, size_t at) {
    text += c;
    places.push_back(at);
  }
  [[nodiscard]] LayoutPlace place(size_t from, size_t to) const {
    const size_t first = from < places.size() ? places[from] : end;
    const size_t last = to > from && to <= places.size() ? places[to - 1] : first;
    return {first, last - first + 1};
  }
};

class LayoutReader {
 public:
  LayoutReader(std::string_view text, LayoutPlace* place) : text_(text), place_(place) {}

  Result<LogLayout> read() {
    LEAT_TRY(find_format());
    if (layout_.server == LogServer::nginx) {
      LEAT_TRY(read_nginx());
    } else {
      LEAT_TRY(read_apache());
    }
    join_uris();
    return std::move(layout_);
  }

 private:
  // %U%q and $uri$is_args$args are the request's target, written in pieces.
  void join_uris() {
    std::vector<LayoutPiece>& pieces = layout_.pieces;
    const auto is = [&](size_t at, std::string_view name) {
      return at < pieces.size() && pieces[at].variable && pieces[at].text == name;
    };
    for (size_t i = 0; i < pieces.size(); ++i) {
      const bool nginx = is(i, "uri") && is(i + 1, "is_args") && (is(i + 2, "args") || is(i + 2, "query_string"));
      if (!nginx && !(is(i, "U") && is(i + 1, "q"))) continue;
      pieces[i].text = "request_uri";
      const auto next = pieces.begin() + static_cast<ptrdiff_t>(i) + 1;
      pieces.erase(next, next + (nginx ? 2 : 1));
    }
  }

  Status wrong(const LayoutPlace& place, std::string message) {
    *place_ = place;
    return Status::bad_config(std::move(message));
  }

  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word) || at_ + word.size() >= text_.size() ||
        !is_space(text_[at_ + word.size()]))
      return false;
    at_ += word.size();
    skip_spaces();
    return true;
  }

  void skip_word() {
    while (at_ < text_.size() && !is_space(text_[at_])) ++at_;
    skip_spaces();
  }

  // What the server's configuration puts around the format, if the whole line was pasted.
  Status find_format() {
    skip_spaces();
    format_.end = text_.size();
    if (take_word("LogFormat")) {
      layout_.server = LogServer::apache;
      return read_argument();
    }
    const bool whole_line = take_word("log_format");
    if (whole_line) skip_word();
    bool escape_given = false;
    LEAT_TRY(read_escape(&escape_given));
    if (whole_line || (at_ < text_.size() && text_[at_] == '\'')) {
      LEAT_TRY(read_nginx_strings());
    } else {
      size_t end = text_.size();
      while (end > at_ && is_space(text_[end - 1])) --end;
      for (; at_ < end; ++at_) format_.add(text_[at_], at_);
    }
    const bool nginx = whole_line || escape_given || has_nginx_variable();
    if (!nginx && format_.text.find('%') == std::string::npos) {
      return wrong({0, 1}, "holds no variable; nginx's look like $remote_addr, Apache's like %h");
    }
    layout_.server = nginx ? LogServer::nginx : LogServer::apache;
    // A JSON layout is of use with escape=json only, so that is what it has when nothing is said.
    if (nginx && !escape_given && trim(format_.text).starts_with('{')) layout_.escape = Escape::json;
    return {};
  }

  [[nodiscard]] bool has_nginx_variable() const {
    for (size_t i = 0; i + 1 < format_.text.size(); ++i) {
      if (format_.text[i] == '$' && (is_name(format_.text[i + 1]) || format_.text[i + 1] == '{')) return true;
    }
    return false;
  }

  Status read_escape(bool* given) {
    constexpr std::string_view kEscape = "escape=";
    if (!text_.substr(at_).starts_with(kEscape)) return {};
    const size_t begin = at_ + kEscape.size();
    size_t end = begin;
    while (end < text_.size() && is_name(text_[end])) ++end;
    const std::string_view word = text_.substr(begin, end - begin);
    if (word == "json") {
      layout_.escape = Escape::json;
    } else if (word == "none") {
      layout_.escape = Escape::none;
    } else if (word != "default") {
      return wrong({begin, std::max<size_t>(1, word.size())},
                   fmt::format("unknown escape {}; nginx has default, json and none", quoted(word)));
    }
    *given = true;
    at_ = end;
    skip_spaces();
    return {};
  }

  // 'a' "b" c; – pieces that nginx puts together, as its configuration reads them.
  Status read_nginx_strings() {
    for (;; skip_spaces()) {
      if (at_ >= text_.size() || text_[at_] == ';') return {};
      const char quote = text_[at_];
      if (quote != '\'' && quote != '"') {
        while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != ';') {
          format_.add(text_[at_], at_);
          ++at_;
        }
        continue;
      }
      LEAT_TRY(read_quoted("\\\"'trn"));
    }
  }

  // Apache's one argument; what follows is the format's name.
  Status read_argument() {
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) return read_quoted("\\\"'");
    for (; at_ < text_.size() && !is_space(text_[at_]); ++at_) format_.add(text_[at_], at_);
    return {};
  }

  // From a quote to its partner; a backslash before one of `escapable` is taken away.
  Status read_quoted(std::string_view escapable) {
    const size_t opening = at_;
    const char quote = text_[at_++];
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == quote) {
        ++at_;
        return {};
      }
      if (c == '\\' && at_ + 1 < text_.size() && escapable.find(text_[at_ + 1]) != std::string_view::npos) {
        // Apache's \\ is left for its log module, which reads it again.
        c = text_[++at_];
        if (c == 't') c = '\t';
        if (c == 'r') c = '\r';
        if (c == 'n') c = '\n';
      }
      format_.add(c, at_);
    }
    return wrong({opening, 1}, fmt::format("the quote {} is not closed", quote));
  }

  void add_literal(char c, size_t at) {
    if (layout_.pieces.empty() || layout_.pieces.back().variable) {
      layout_.pieces.push_back({false, "", "", format_.place(at, at + 1), {}});
    }
    layout_.pieces.back().text += c;
    layout_.pieces.back().places.push_back(format_.place(at, at + 1).at);
  }

  void add_variable(std::string name, std::string argument, size_t from, size_t to) {
    layout_.pieces.push_back({true, std::move(name), std::move(argument), format_.place(from, to), {}});
  }

  Status read_nginx() {
    const std::string& text = format_.text;
    for (size_t at = 0; at < text.size();) {
      if (text[at] != '$') {
        add_literal(text[at], at);
        ++at;
        continue;
      }
      const bool braces = at + 1 < text.size() && text[at + 1] == '{';
      const size_t begin = at + (braces ? 2 : 1);
      size_t end = begin;
      while (end < text.size() && is_name(text[end])) ++end;
      const bool closed = !braces || (end < text.size() && text[end] == '}');
      if (end == begin || !closed) {
        return wrong(format_.place(at, end == begin ? at + 1 : end),
                     end == begin ? "a variable's name must follow '$'" : "'}' is missing after the variable's name");
      }
      std::string name = text.substr(begin, end - begin);
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      if (braces) ++end;
      add_variable(std::move(name), "", at, end);
      at = end;
    }
    return {};
  }

  Status read_apache() {
    const std::string& text = format_.text;
    for (size_t at = 0; at < text.size();) {
      if (text[at] == '%') {
        LEAT_TRY(read_directive(&at));
      } else if (text[at] == '\\' && at + 1 < text.size() && std::strchr("\\\"tnr", text[at + 1]) != nullptr) {
        const char kind = text[at + 1];
        add_literal(kind == 't' ? '\t' : kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind, at);
        at += 2;
      } else {
        add_literal(text[at], at);
        ++at;
      }
    }
    return {};
  }

  // %, conditions and modifiers ("!200,304", "<", ">"), an argument in braces before or after them, the letter.
  Status read_directive(size_t* at) {
    const std::string& text = format_.text;
    const size_t from = *at;
    size_t i = from + 1;
    std::string argument;
    while (i < text.size()) {
      const char c = text[i];
      if (c == '{') {
        const size_t close = text.find('}', i);
        if (close == std::string::npos) return wrong(format_.place(i, i + 1), "'}' is missing after '%{'");
        argument = text.substr(i + 1, close - i - 1);
        i = close + 1;
      } else if (c == '!' || c == ',' || c == '<' || c == '>' || (c >= '0' && c <= '9')) {
        ++i;
      } else {
        break;
      }
    }
    if (i >= text.size()) return wrong(format_.place(from, i), "a letter must follow '%'");
    if (text[i] == '%') {
      add_literal('%', from);
      *at = i + 1;
      return {};
    }
    size_t end = i + 1;
    if (text[i] == '^') end = std::min(text.size(), i + 3);
    add_variable(text.substr(i, end - i), std::move(argument), from, end);
    *at = end;
    return {};
  }

  std::string_view text_;
  LayoutPlace* place_;
  size_t at_ = 0;
  Format format_;
  LogLayout layout_;
};

}  // namespace

Result<LogLayout> parse_log_layout(std::string_view text, LayoutPlace* place) {
  *place = {};
  return LayoutReader(text, place).read();
}

}  // namespace leat
