#include "decoders/json_document.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "decoders/json_cursor.h"
#include "decoders/json_extent.h"

namespace leat {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kLongestToken = 64 * 1024;  // a member's name, or a number, outside of records
constexpr size_t kMostAncestors = 4096;      // bytes, of all together: they are saved with each position

}  // namespace

JsonDocument::JsonDocument(const std::vector<std::string>& records, const std::vector<JsonAncestor>& ancestors,
                           const JsonWatch* watch)
    : records_(records),
      ancestors_(ancestors),
      watch_(watch),
      required_(records.empty() || records[0] == "*" ? 0 : 1),
      levels_(records.size() + 1),
      values_(ancestors.size()) {}

JsonDocument::Stand JsonDocument::advance(std::string_view bytes, size_t* taken) {
  *taken = 0;
  trouble_.clear();
  for (;;) {
    bool going = true;  // else: more is needed, or trouble
    if (state_ == State::skipping) {
      going = skip(bytes, taken);
    } else {
      while (*taken < bytes.size() && std::string_view(" \t\r\n").find(bytes[*taken]) != std::string_view::npos)
        ++*taken;
      if (*taken == bytes.size()) return state_ == State::done ? Stand::end : Stand::more;
      const std::string_view rest = bytes.substr(*taken);
      const char c = rest.front();
      switch (state_) {
        case State::begin:
          if (kByteOrderMark.starts_with(rest.substr(0, kByteOrderMark.size()))) {
            going = rest.size() >= kByteOrderMark.size();
            if (going) *taken += kByteOrderMark.size();
          } else {
            going = enter(rest, taken);
          }
          break;
        case State::first_value:
        case State::value:
          if (c == ']' && state_ == State::first_value) {
            going = close(taken);
          } else if (!detour_.empty()) {
            look_for(std::to_string(detour_.back().elements++));
          } else if (level_ == levels_.size()) {
            if (std::string_view("}],:").find(c) == std::string_view::npos) return Stand::record;
            going = wrong("a record", rest);
          } else {
            going = enter(rest, taken);
          }
          break;
        case State::first_key:
        case State::key:
          if (c == '}' && state_ == State::first_key) {
            going = close(taken);
          } else {
            going = c == '"' ? take_key(rest, taken) : wrong("'\"'", rest);
          }
          break;
        case State::way:
          going = enter(rest, taken);
          break;
        case State::other:
          going = take_other(rest, taken);
          break;
        case State::after: {
          const bool array = detour_.empty() ? is_array(level_ - 1) : detour_.back().array;
          if (c == ',') {
            ++*taken;
            state_ = array ? State::value : State::key;
          } else if (c == (array ? ']' : '}')) {
            going = close(taken);
          } else {
            going = wrong(array ? "',' or ']'" : "',' or '}'", rest);
          }
          break;
        }
        default:
          going = wrong("nothing behind the end of the document", rest);
      }
    }
    if (!trouble_.empty()) return Stand::trouble;
    if (!going) return Stand::more;
  }
}

void JsonDocument::record_taken() {
  state_ = State::after;
  if (levels_.back().has_records) return;
  for (Level& level : levels_) level.has_records = true;
}

std::string JsonDocument::path_of(size_t level) const {
  if (level == 0) return "the document";
  std::string path;
  for (size_t i = 0; i < level; ++i) path += '/' + records_[i];
  return quoted(path);
}

// A container on the way to the records is to begin here.
bool JsonDocument::enter(std::string_view bytes, size_t* taken) {
  const bool array = is_array(level_);
  if (bytes.front() == (array ? '[' : '{')) {
    ++*taken;
    if (level_ == required_) reached_ = true;
    levels_[level_] = {};
    for (size_t i = 0; i < ancestors_.size(); ++i) {
      if (ancestors_[i].level < level_) continue;
      values_[i].clear();
      ++version_;
    }
    ++level_;
    state_ = array ? State::first_value : State::first_key;
    return true;
  }
  constexpr std::string_view kNull = "null";
  if (level_ > 0 && kNull.starts_with(bytes.substr(0, kNull.size()))) {
    if (bytes.size() < kNull.size()) return false;
    *taken += kNull.size();
    if (level_ == required_) reached_ = true;
    state_ = State::after;
    return true;
  }
  const size_t shown = std::min<size_t>(bytes.size(), 40);
  return wrong(fmt::format("{} is not {}, it begins with {}", path_of(level_), array ? "an array" : "an object",
                           quoted(bytes.substr(0, shown))));
}

// The innermost container ends here.
bool JsonDocument::close(size_t* taken) {
  if (!detour_.empty()) {
    detour_.pop_back();
    ++*taken;
    state_ = State::after;
    return true;
  }
  if (level_ == 1 && !reached_) {
    is_another_ = true;
    return wrong(fmt::format("there is no {} in the document", path_of(required_)));
  }
  ++*taken;
  --level_;
  state_ = level_ == 0 ? State::done : State::after;
  return true;
}

// A member's name and its ':', and, of an ancestor's column, its value.
bool JsonDocument::take_key(std::string_view bytes, size_t* taken) {
  JsonExtent extent;
  bool ended = false;
  const size_t end = extent.take(bytes, &ended);
  const size_t colon = bytes.find_first_not_of(" \t\r\n", end);
  if (!ended || colon == std::string_view::npos) return too_long("a member's name", bytes.size(), kLongestToken);
  JsonCursor in(bytes.substr(0, colon + 1));
  JsonString key;
  in.next();
  if (!in.string(&key) || !in.colon()) return wrong(in.trouble());
  std::string name;
  unescape_json(key.raw, name);
  if (!detour_.empty()) {
    look_for(std::move(name));
    *taken += colon + 1;
    return true;
  }
  for (size_t i = 0; i < ancestors_.size(); ++i) {
    if (ancestors_[i].level == level_ - 1 && ancestors_[i].member == name) {
      return take_ancestor(i, bytes.substr(colon + 1), taken) && (*taken += colon + 1, true);
    }
  }
  const bool way = records_[level_ - 1] == name;
  if (way && levels_[level_ - 1].way_seen) return wrong(fmt::format("{} is there twice", path_of(level_)));
  if (way) levels_[level_ - 1].way_seen = true;
  *taken += colon + 1;
  state_ = State::way;
  if (!way) look_for(std::move(name));
  return true;
}

// `bytes`: behind the ':' of the member that ancestor `number`, and perhaps others, are in.
bool JsonDocument::take_ancestor(size_t number, std::string_view bytes, size_t* taken) {
  const JsonAncestor& ancestor = ancestors_[number];
  const std::string shown = quoted((ancestor.level == 0 ? "" : path_of(ancestor.level)) + "/" + ancestor.member);
  if (levels_[ancestor.level].has_records) {
    return wrong(
        fmt::format("{} stands behind records that a column takes it for; it can only be known before them", shown));
  }
  if (!values_[number].empty()) return wrong(fmt::format("{} is there twice", shown));
  const size_t begin = std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size());
  bool ended = false;
  JsonExtent extent;
  const size_t end = begin + extent.take(bytes.substr(begin), &ended);
  if (!ended) return too_long(shown, end, kLongestToken);
  JsonCursor in(bytes.substr(begin, end - begin));
  in.next();
  if (!in.value() || !in.nothing_more()) return wrong(fmt::format("{}: {}", shown, in.trouble()));
  std::vector<std::string> values = values_;
  size_t size = 0;
  for (size_t i = 0; i < ancestors_.size(); ++i) {
    if (ancestors_[i].level == ancestor.level && ancestors_[i].member == ancestor.member) {
      values[i] = json_value_at(bytes.substr(begin, end - begin), ancestors_[i].inner);
      // White space between tokens; in strings there is none of these.
      for (char& c : values[i]) c = c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
    }
    size += values[i].size();
  }
  if (size > kMostAncestors) return too_long("what the columns take from around the records", size, kMostAncestors);
  if (watch_ != nullptr) {
    std::string trouble = watch_->tell(place_of(ancestor.member), bytes.substr(begin, end - begin));
    if (!trouble.empty()) return wrong(std::move(trouble));
  }
  values_ = std::move(values);
  ++version_;
  *taken += end;
  state_ = State::after;
  return true;
}

// Of the innermost container a member, or an element, that is not on the way to the records: its value follows.
void JsonDocument::look_for(std::string name) {
  name_ = std::move(name);
  wanted_ = watch_ == nullptr ? JsonWatch::At::nothing : watch_->at(place_of(name_));
  state_ = State::other;
}

std::vector<std::string> JsonDocument::place_of(const std::string& name) const {
  std::vector<std::string> place(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(level_ - 1));
  for (const Detour& open : detour_) place.push_back(open.name);
  place.push_back(name);
  return place;
}

// The value of a member that is watched, or in which something is.
bool JsonDocument::take_watched(std::string_view bytes, size_t* taken) {
  const char c = bytes.front();
  if (wanted_ == JsonWatch::At::inside && (c == '{' || c == '[')) {
    detour_.push_back({std::move(name_), c == '['});
    ++*taken;
    state_ = c == '[' ? State::first_value : State::first_key;
    return true;
  }
  std::string trouble;
  if (c == '{' || c == '[') return wrong(watch_->tell(place_of(name_), c == '{' ? "{}" : "[]"));
  bool ended = false;
  const size_t end = JsonExtent().take(bytes, &ended);
  if (!ended) return too_long("the value of " + quoted(name_, 80), end, 6 * kLongestWatched);
  JsonCursor in(bytes.substr(0, end));
  if (!in.value() || !in.at_end()) return wrong("a value", bytes);
  trouble = watch_->tell(place_of(name_), bytes.substr(0, end));
  if (!trouble.empty()) return wrong(std::move(trouble));
  *taken += end;
  state_ = State::after;
  return true;
}

// A member's value that nobody asked for.
bool JsonDocument::take_other(std::string_view bytes, size_t* taken) {
  if (wanted_ != JsonWatch::At::nothing) return take_watched(bytes, taken);
  const char c = bytes.front();
  if (c == '{' || c == '[') {
    open_ = c == '{' ? '}' : ']';
    ++*taken;
    state_ = State::skipping;
    return true;
  }
  if (c == '"') {
    in_string_ = true;
    ++*taken;
    state_ = State::skipping;
    return true;
  }
  bool ended = false;
  JsonExtent extent;
  const size_t end = extent.take(bytes, &ended);
  if (!ended) return too_long("a number", end, kLongestToken);
  JsonCursor in(bytes.substr(0, end));
  if (!in.value() || !in.at_end()) return wrong("a value", bytes);
  *taken += end;
  state_ = State::after;
  return true;
}

// In a value that nobody asked for: its brackets match and its strings end.
bool JsonDocument::skip(std::string_view bytes, size_t* taken) {
  const char* const end = bytes.data() + bytes.size();
  const char* at = bytes.data() + *taken;
  while (at < end && (in_string_ || !open_.empty())) {
    if (escaped_) {
      escaped_ = false;
      ++at;
    } else if (in_string_) {
      bool high = false;
      at = skip_string_bytes(at, end, &high);
      if (at == end) break;
      if (*at == '"') in_string_ = false;
      if (*at == '\\') escaped_ = true;
      if (static_cast<unsigned char>(*at) < 0x20) {
        *taken = static_cast<size_t>(at - bytes.data());
        return wrong("'\"' or an escaped character", bytes.substr(*taken));
      }
      ++at;
    } else if (*at == '"') {
      in_string_ = true;
      ++at;
    } else if (*at == '{' || *at == '[') {
      if (open_.size() + detour_.size() >= kJsonDeepest) break;
      open_ += *at++ == '{' ? '}' : ']';
    } else if (*at == '}' || *at == ']') {
      if (*at != open_.back()) break;
      open_.pop_back();
      ++at;
    } else {
      ++at;
    }
  }
  *taken = static_cast<size_t>(at - bytes.data());
  if (!in_string_ && open_.empty()) {
    state_ = State::after;
    return true;
  }
  if (at == end) return false;
  if (*at == '{' || *at == '[') return wrong(fmt::format("more than {} brackets are open", kJsonDeepest));
  return wrong(open_.back() == '}' ? "'}'" : "']'", bytes.substr(*taken));
}

bool JsonDocument::wrong(std::string what) {
  trouble_ = std::move(what);
  return false;
}

// The character that was found is shown whole: without the rest of it more is needed.
bool JsonDocument::wrong(std::string_view expected, std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes.front());
  const size_t needed = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  if (bytes.size() < needed && std::all_of(bytes.begin() + 1, bytes.end(), continues)) return false;
  const size_t length = std::max<size_t>(1, utf8_sequence(bytes));
  return wrong(fmt::format("expected {}, found {}", expected, quoted(bytes.substr(0, length))));
}

// More bytes are needed, if that is not too many.
bool JsonDocument::too_long(std::string_view what, size_t bytes, size_t most) {
  return bytes > most ? wrong(fmt::format("{} is longer than {}", what, human_bytes(most))) : false;
}

std::string JsonDocument::unclosed() const {
  if (state_ == State::begin) return "there is no document";
  if (state_ == State::done) return "expected nothing behind the end of the document, found a part of a character";
  return fmt::format("the document ends before {} is closed: it was cut off, or is still being written",
                     path_of(level_ - 1));
}

std::string JsonDocument::save() const {
  std::string flags;
  for (const Level& level : levels_)
    flags += static_cast<char>('0' + (level.way_seen ? 1 : 0) + (level.has_records ? 2 : 0));
  // To who watches nothing, a detour is a value that is passed over.
  std::string open;
  for (const Detour& detour : detour_) open += detour.array ? ']' : '}';
  const State state = detour_.empty() ? state_ : State::skipping;
  std::string text = fmt::format("{} {} {}{}{} {} {}{}.", static_cast<int>(state), level_, reached_ ? 1 : 0,
                                 in_string_ ? 1 : 0, escaped_ ? 1 : 0, flags, open, open_);
  for (const std::string& value : values_) text += fmt::format(" {}:{}", value.size(), value);
  return text;
}

bool JsonDocument::restore(std::string_view saved) {
  const auto word = [&] {
    const size_t end = std::min(saved.find(' '), saved.size());
    const std::string_view found = saved.substr(0, end);
    saved.remove_prefix(std::min(end + 1, saved.size()));
    return found;
  };
  const auto state = parse_integer(word());
  const auto level = parse_integer(word());
  const std::string_view marks = word();
  const std::string_view flags = word();
  std::string_view open = word();
  if (!state || *state < 0 || *state > static_cast<int>(State::done) || !level || *level < 0 ||
      static_cast<uint64_t>(*level) > levels_.size() || marks.size() != 3 || flags.size() != levels_.size() ||
      !open.ends_with('.') || open.size() > kJsonDeepest + 1) {
    return false;
  }
  open.remove_suffix(1);
  state_ = static_cast<State>(*state);
  level_ = static_cast<size_t>(*level);
  const bool inside = state_ != State::begin && state_ != State::done;
  reached_ = marks[0] == '1';
  in_string_ = marks[1] == '1';
  escaped_ = marks[2] == '1';
  for (size_t i = 0; i < flags.size(); ++i) levels_[i] = {((flags[i] - '0') & 1) != 0, ((flags[i] - '0') & 2) != 0};
  open_ = open;
  detour_.clear();
  wanted_ = JsonWatch::At::nothing;
  ++version_;
  for (std::string& value : values_) {
    const size_t colon = std::min(saved.find(':'), saved.size());
    const auto size = parse_integer(saved.substr(0, colon));
    if (!size || *size < 0 || saved.size() - colon < static_cast<size_t>(*size) + 1) return false;
    value = saved.substr(colon + 1, static_cast<size_t>(*size));
    saved.remove_prefix(std::min(colon + 2 + value.size(), saved.size()));
  }
  return saved.empty() && inside == (level_ > 0) && open_.find_first_not_of("}]") == std::string::npos;
}

}  // namespace leat
