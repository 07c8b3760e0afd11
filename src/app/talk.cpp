#include "app/talk.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/text_width.h"
#include "base/time.h"
#include "os/clock.h"

namespace leat::app {
namespace {

constexpr size_t kLongestLine = 4000;
constexpr uint64_t kSameInfos = 3;
constexpr size_t kMostTexts = 1000;

const char* name_of(NoteLevel level) {
  switch (level) {
    case NoteLevel::info:
      return "info";
    case NoteLevel::warning:
      return "warning";
    case NoteLevel::error:
      return "error";
  }
  return "?";
}

}  // namespace

std::string log_value(const std::string& text) {
  std::string safe = visible(text, kLongestLine);
  if (!safe.empty() && safe.find_first_of(" \"=") == std::string::npos) return safe;
  std::string out = "\"";
  for (const char c : safe) {
    if (c == '"') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string Talk::marked(NoteLevel level) const {
  if (level == NoteLevel::info) return "";
  const bool error = level == NoteLevel::error;
  const std::string word = error ? "error: " : "warning: ";
  return colour_ ? fmt::format("\x1B[{}m{}\x1B[0m", error ? "1;31" : "1;33", word) : word;
}

void Talk::write(const std::string& text) {
  std::string out;
  if (!block_.empty()) {
    if (block_.size() > 1) out += fmt::format("\x1B[{}A", block_.size() - 1);
    out += "\r\x1B[J";
  }
  out += text;
  for (size_t i = 0; i < block_.size(); ++i) out += (i == 0 ? "" : "\n") + block_[i];
  err_ << out << std::flush;
}

void Talk::write_log(NoteLevel level, const std::string& event, const Fields& fields) {
  std::string time = format_time(os::clock().now_micros() / kMicrosPerSecond * kMicrosPerSecond) + "Z";
  time[10] = 'T';
  std::string line = fmt::format("time={} level={} event={}", time, name_of(level), event);
  for (const auto& [key, value] : fields) line += fmt::format(" {}={}", key, log_value(value));
  write(line + "\n");
}

void Talk::note(NoteLevel level, const std::string& event, const std::string& about, const std::string& text) {
  if (quiet_ && level == NoteLevel::info) return;
  const std::lock_guard lock(mutex_);
  if (manner_ == Manner::log) return write_log(level, event, {{"pipeline", about}, {"text", text}});
  const size_t colon = text.find(": ");
  if (level == NoteLevel::info && colon != std::string::npos && infos_.size() < kMostTexts) {
    if (++infos_[text.substr(colon + 2)] > kSameInfos) return;
  }
  write(marked(level) + visible(text, kLongestLine) + "\n");
}

void Talk::more() {
  const std::lock_guard lock(mutex_);
  for (const auto& [text, count] : infos_) {
    if (count > kSameInfos) write(fmt::format("(and {} more: {})\n", count - kSameInfos, visible(text, kLongestLine)));
  }
  infos_.clear();
}

void Talk::event(NoteLevel level, const std::string& event, const Fields& fields) {
  if (manner_ != Manner::log || (quiet_ && level == NoteLevel::info)) return;
  const std::lock_guard lock(mutex_);
  write_log(level, event, fields);
}

void Talk::message(NoteLevel level, const std::string& text) {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const std::string_view line : split(text, '\n')) {
    if (manner_ == Manner::log) {
      write_log(level, "failure", {{"text", std::string(line)}});
    } else {
      out += visible(line, kLongestLine) + "\n";
    }
  }
  if (!out.empty()) write(marked(level) + out);
}

void Talk::line(const std::string& text) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  write(visible(text, kLongestLine) + "\n");
}

void Talk::draw(const std::vector<std::string>& lines, size_t width) {
  if (manner_ != Manner::terminal || quiet_) return;
  const std::lock_guard lock(mutex_);
  std::vector<std::string> next;
  next.reserve(lines.size());
  for (const std::string& line : lines) next.push_back(shorten_end(visible(line, kLongestLine), width));
  if (next == block_) return;
  std::string out;
  if (block_.size() > 1) out += fmt::format("\x1B[{}A", block_.size() - 1);
  if (!block_.empty()) out += "\r\x1B[J";
  block_ = std::move(next);
  for (size_t i = 0; i < block_.size(); ++i) out += (i == 0 ? "" : "\n") + block_[i];
  err_ << out << std::flush;
}

void Talk::wipe() {
  const std::lock_guard lock(mutex_);
  if (block_.empty()) return;
  std::string out;
  if (block_.size() > 1) out = fmt::format("\x1B[{}A", block_.size() - 1);
  block_.clear();
  err_ << out << "\r\x1B[J" << std::flush;
}

}  // namespace leat::app
