#include "decoders/json_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "decoders/json_cursor.h"
#include "decoders/json_layout.h"

namespace leat {
namespace {

bool begins_with(const std::vector<std::string>& path, std::span<const std::string> place) {
  return path.size() >= place.size() && std::equal(place.begin(), place.end(), path.begin());
}

std::string pointer_of(std::span<const std::string> tokens) {
  std::string text;
  for (const std::string& token : tokens) text += "/" + token;
  return quoted(text);
}

}  // namespace

Result<JsonWatch> JsonWatch::make(const std::vector<std::string>& records, const std::vector<std::string>& paths,
                                  Saw saw) {
  JsonWatch watch;
  watch.saw_ = std::move(saw);
  watch.record_ = records;
  watch.record_.emplace_back("*");
  for (const std::string& path : paths) {
    auto tokens = parse_json_pointer(path);
    if (!tokens || tokens->empty()) {
      return Status::bad_config(
          fmt::format("{} is no path of a member: \"/meta/next\", with '~0' for '~' and '~1' for '/'", quoted(path)));
    }
    if (records.empty() && tokens->front() != "*") {
      return Status::bad_config(fmt::format(
          "{}: records that are lines, or elements of the outermost array, have nothing around them", quoted(path)));
    }
    const auto [token, way] = std::mismatch(tokens->begin(), tokens->end(), watch.record_.begin(), watch.record_.end());
    if (token == tokens->end()) {
      return Status::bad_config(fmt::format("{} is on the way to the records, or is one of them", quoted(path)));
    }
    if (way == watch.record_.end()) {
      watch.inside_records_ = true;
    } else if (*way == "*") {
      return Status::bad_config(fmt::format("{} is in one element of the array {}; take those of all with '*' for {}",
                                            quoted(path), pointer_of({watch.record_.begin(), way}), quoted(*token)));
    }
    if (std::find(token, tokens->end(), "*") != tokens->end()) {
      return Status::bad_config(
          fmt::format("{}: '*' stands only for the elements on the way to the records, and for these", quoted(path)));
    }
    watch.paths_.push_back(*std::move(tokens));
  }
  return watch;
}

JsonWatch::At JsonWatch::at(std::span<const std::string> place) const {
  At found = At::nothing;
  for (const std::vector<std::string>& path : paths_) {
    if (!begins_with(path, place)) continue;
    if (path.size() == place.size()) return At::value;
    found = At::inside;
  }
  return found;
}

std::string JsonWatch::tell(std::span<const std::string> place, std::string_view value) const {
  for (size_t i = 0; i < paths_.size(); ++i) {
    if (!begins_with(paths_[i], place)) continue;
    std::string_view found = json_value_at(value, std::span(paths_[i]).subspan(place.size()));
    if (found == "null") continue;
    if (found.starts_with('{') || found.starts_with('[')) {
      return fmt::format("{} is {}, where a text or number is looked for", pointer_of(paths_[i]),
                         found[0] == '{' ? "an object" : "an array");
    }
    std::string text;
    if (found.starts_with('"')) {
      unescape_json(found.substr(1, found.size() - 2), text);
      found = text;
    }
    if (found.size() > kLongestWatched) {
      return fmt::format("{} is longer than {}", pointer_of(paths_[i]), human_bytes(kLongestWatched));
    }
    saw_(i, found);
  }
  return {};
}

std::string_view json_value_at(std::string_view text, std::span<const std::string> tokens) {
  for (const std::string& token : tokens) {
    JsonCursor in(text);
    const char opening = in.next();
    if (opening != '{' && opening != '[') return "null";
    const char closing = opening == '{' ? '}' : ']';
    in.step();
    bool found = false;
    bool more = in.next() != closing;
    for (size_t index = 0; more && !found; ++index) {
      std::string name = std::to_string(index);
      if (opening == '{') {
        JsonString key;
        if (in.next() != '"' || !in.string(&key) || !in.colon()) return "null";
        name.clear();
        unescape_json(key.raw, name);
      }
      in.next();
      const char* const begin = in.at();
      if (!in.value() || in.at_end()) return "null";  // at the end: it goes on behind the text
      found = name == token;
      if (found) {
        text = in.since(begin);
      } else if (!in.comma_or(closing, &more)) {
        return "null";
      }
    }
    if (!found) return "null";
  }
  return text;
}

}  // namespace leat
