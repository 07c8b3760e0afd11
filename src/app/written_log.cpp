#include "app/written_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"
#include "base/text.h"
#include "base/time.h"
#include "os/file_system.h"

namespace leat::app {
namespace {

constexpr uint64_t kSaveEveryMs = 1000;
constexpr uint64_t kSaveAfterTruncationMs = 100;
constexpr uint64_t kSavingShare = 20;  // of the time, at most one part in so many goes into the journal
constexpr int64_t kStretchMicros = 100'000;
constexpr uint64_t kMostLate = 400;  // lines to the old descriptor
constexpr uint64_t kLeastSlice = 16 * 1024;

}  // namespace

WrittenLog::WrittenLog(WrittenLogSettings settings, os::Clock& clock)
    : settings_(std::move(settings)), clock_(clock), random_(settings_.seed + 0x10C5) {}

WrittenLog::~WrittenLog() = default;

Result<std::unique_ptr<WrittenLog>> WrittenLog::make(WrittenLogSettings settings, os::Clock& clock) {
  std::unique_ptr<WrittenLog> log(new WrittenLog(std::move(settings), clock));
  LEAT_TRY(log->open());
  return log;
}

Status WrittenLog::open() {
  const bool alternate = settings_.rotation == RotationKind::alternate;
  const std::string& folder = settings_.directory;
  LEAT_TRY(os::make_directory(folder));
  LEAT_ASSIGN(auto names, os::file_system().list(folder));
  for (const std::string& name : names) {
    const bool ours = name == "journal.json" ||
                      (alternate ? name == "log_a.txt" || name == "log_b.txt" : name.starts_with("access.log"));
    if (!ours) continue;
    LEAT_ASSIGN(const auto info, os::file_system().info(folder + "/" + name, os::Links::follow));
    if (info && info->size == 0) continue;  // waiting for its first line
    return Status::bad_config(visible(folder + "/" + name) +
                              ": is there already; name an empty folder with --out, or remove it");
  }
  live_ = folder + (alternate ? "/log_a.txt" : "/access.log");
  LEAT_ASSIGN(log_, os::OutputFile::append_to(live_));
  if (alternate) {
    other_path_ = folder + "/log_b.txt";
    LEAT_ASSIGN(other_, os::OutputFile::append_to(other_path_));
  }
  if (!settings_.copy.empty()) {
    LEAT_ASSIGN(const auto info, os::file_system().info(settings_.copy, os::Links::follow));
    if (info && info->size > 0) {
      return Status::bad_config(visible(settings_.copy) + ": is there already; name another file with --copy");
    }
    LEAT_ASSIGN(copy_, os::OutputFile::append_to(settings_.copy));
  }
  wait(Step::writing, settings_.every);
  return save_journal(false);
}

bool WrittenLog::truncates() const {
  return settings_.rotation == RotationKind::copytruncate || settings_.rotation == RotationKind::truncate ||
         settings_.rotation == RotationKind::alternate;
}

void WrittenLog::wait(Step step, uint64_t lines) {
  step_ = step;
  until_next_ = lines;
  if (step == Step::writing) {
    until_next_ = settings_.rotation == RotationKind::none
                      ? UINT64_MAX
                      : settings_.every - std::min(since_rotation_, settings_.every);
  }
}

Result<uint64_t> WrittenLog::room() {
  while (until_next_ == 0) {
    LEAT_TRY(flush());  // whoever copies or truncates finds whole lines
    LEAT_TRY(go_on());
  }
  return until_next_;
}

Status WrittenLog::write(std::string_view text, uint64_t lines, int64_t log_clock) {
  if (copy_) LEAT_TRY(copy_->write(text));
  if (truncates()) {
    const int64_t now = clock_.now_micros();
    auto& stretches = life_.stretches;
    if (stretches.empty() || now >= stretches.back().from + kStretchMicros) {
      stretches.push_back({.first_line = lines_ + 1, .last_line = 0, .from = now, .to = now});
    }
    stretches.back().last_line = lines_ + lines;
    stretches.back().to = now;
    life_.bytes += text.size();
  }
  sha_.add(text);
  bytes_ += text.size();
  lines_ += lines;
  since_rotation_ += lines;
  if (until_next_ != UINT64_MAX) until_next_ -= lines;
  log_clock_ = log_clock;
  if (!settings_.in_pieces) return log_->write(text);
  held_ += text;
  const size_t hold = random_.below(3) == 0 ? std::min<size_t>(held_.size(), 1 + random_.below(60)) : 0;
  LEAT_TRY(log_->write(std::string_view(held_).substr(0, held_.size() - hold)));
  held_.erase(0, held_.size() - hold);
  return {};
}

Status WrittenLog::flush() {
  if (!held_.empty()) LEAT_TRY(log_->write(held_));
  held_.clear();
  return {};
}

Status WrittenLog::go_on() {
  const bool compress_now = settings_.compress && !settings_.delaycompress;
  switch (step_) {
    case Step::writing:
      since_rotation_ = 0;
      if (settings_.delaycompress && !rotated_.empty() && !rotated_.front().compressed) {
        return compress(Step::compressing_before);
      }
      return rotate();
    case Step::late: {
      LEAT_ASSIGN(log_, os::OutputFile::append_to(live_));
      if (compress_now) return compress(Step::compressing);
      wait(Step::writing, 0);
      return {};
    }
    case Step::copying:
      return copy_some();
    case Step::copied:
      LEAT_TRY(truncate(live_, *log_, life_));
      if (compress_now) return compress(Step::compressing);
      wait(Step::writing, 0);
      return {};
    case Step::compressing_before:
    case Step::compressing:
      return compress_some();
  }
  return {};
}

Status WrittenLog::rotate() {
  ++rotations_;
  switch (settings_.rotation) {
    case RotationKind::none:
      break;
    case RotationKind::truncate:
      LEAT_TRY(truncate(live_, *log_, life_));
      wait(Step::writing, 0);
      break;
    case RotationKind::alternate:
      return alternate();
    case RotationKind::rename: {
      LEAT_TRY(shift());
      LEAT_TRY(os::rename_file(live_, path_of(0)));
      LEAT_TRY(os::OutputFile::append_to(live_).status().clone());
      const uint64_t most = std::min(settings_.every / 4, kMostLate);
      wait(Step::late, random_.below(3) == 0 ? 0 : random_.below(most + 1));
      break;
    }
    case RotationKind::copytruncate: {
      LEAT_TRY(shift());
      LEAT_ASSIGN(source_, os::file_system().open(live_, os::Links::follow));
      if (source_ == nullptr) return Status::fatal(visible(live_) + ": is gone; something else removes the log");
      LEAT_ASSIGN(target_, os::OutputFile::append_to(path_of(0)));
      source_offset_ = 0;
      slice_bytes_ = std::max(life_.bytes / 8, kLeastSlice);
      wait(Step::copying, 0);
      break;
    }
  }
  return {};
}

Status WrittenLog::alternate() {
  std::swap(log_, other_);
  std::swap(live_, other_path_);
  std::swap(life_, other_life_);
  if (!life_.stretches.empty()) LEAT_TRY(truncate(live_, *log_, life_));
  wait(Step::writing, 0);
  return {};
}

// The names of the rotated files move on by one, and rotated_.front() is free for the new one.
Status WrittenLog::shift() {
  if (settings_.keep > 0 && rotated_.size() >= settings_.keep) {
    LEAT_TRY(os::remove_file(path_of(rotated_.size() - 1)));
    rotated_.pop_back();
  }
  Rotated newest;
  if (settings_.dateext) {
    last_suffix_ = std::max(last_suffix_ + 1, floor_div(log_clock_, kMicrosPerSecond));
    const Civil civil = civil_from_days(floor_div(last_suffix_, kSecondsPerDay));
    newest.suffix = fmt::format("-{:04}{:02}{:02}-{}", civil.year, civil.month, civil.day, last_suffix_);
    rotated_.push_front(std::move(newest));
    return {};
  }
  rotated_.push_front(std::move(newest));
  for (size_t i = rotated_.size() - 1; i > 0; --i) {
    const std::string end = rotated_[i].compressed ? ".gz" : "";
    LEAT_TRY(os::rename_file(fmt::format("{}.{}{}", live_, i, end), path_of(i)));
  }
  return {};
}

std::string WrittenLog::path_of(size_t index) const {
  const Rotated& rotated = rotated_[index];
  return live_ + (settings_.dateext ? rotated.suffix : fmt::format(".{}", index + 1)) +
         (rotated.compressed ? ".gz" : "");
}

Status WrittenLog::copy_some() {
  std::string bytes(slice_bytes_, '\0');
  LEAT_ASSIGN(const size_t size, source_->read_at(source_offset_, bytes.data(), bytes.size()));
  bytes.resize(size);
  LEAT_TRY(target_->write(bytes));
  source_offset_ += size;
  life_.copied_lines += static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  if (size == slice_bytes_) {
    wait(Step::copying, settings_.every / 64);
    return {};
  }
  source_.reset();
  target_.reset();
  wait(Step::copied, random_.below(3) == 0 ? 0 : random_.below(settings_.every / 32 + 1));
  return {};
}

Status WrittenLog::truncate(const std::string& path, os::OutputFile& file, Life& life) {
  const int64_t at = clock_.now_micros();
  LEAT_TRY(file.truncate());
  JsonWriter json;
  json.begin_object().field("file", std::string_view(path).substr(path.rfind('/') + 1)).field("at_us", at);
  if (!life.stretches.empty()) {
    json.field("first_line", life.stretches.front().first_line).field("last_line", life.stretches.back().last_line);
  }
  json.field("bytes", life.bytes);
  if (settings_.rotation == RotationKind::copytruncate) json.field("copied_lines", life.copied_lines);
  json.key("written").begin_array();
  for (const Life::Stretch& stretch : life.stretches) {
    json.begin_array().value(stretch.first_line).value(stretch.last_line).value(stretch.from).value(stretch.to);
    json.end_array();
  }
  json.end_array().end_object();
  truncated_ += (truncated_.empty() ? "\n" : ",\n") + json.text();
  truncated_since_save_ = true;
  life = {};
  return {};
}

Status WrittenLog::compress(Step step) {
  const std::string path = path_of(0);
  LEAT_ASSIGN(source_, os::file_system().open(path, os::Links::follow));
  if (source_ == nullptr) return Status::fatal(visible(path) + ": is gone; something else removes the rotated files");
  LEAT_ASSIGN(const os::FileInfo info, source_->info());
  LEAT_ASSIGN(target_, os::OutputFile::append_to(path + ".gz"));
  gzip_ = std::make_unique<GzipStream>();
  source_offset_ = 0;
  slice_bytes_ = std::max(info.size / 16, kLeastSlice);
  wait(step, 0);
  return {};
}

Status WrittenLog::compress_some() {
  std::string bytes(slice_bytes_, '\0');
  LEAT_ASSIGN(const size_t size, source_->read_at(source_offset_, bytes.data(), bytes.size()));
  bytes.resize(size);
  source_offset_ += size;
  const bool last = size < slice_bytes_;
  LEAT_TRY(target_->write(gzip_->add(bytes, last)));
  if (!last) {
    wait(step_, settings_.every / 64);
    return {};
  }
  source_.reset();
  target_.reset();
  gzip_.reset();
  LEAT_TRY(os::remove_file(path_of(0)));
  rotated_.front().compressed = true;
  if (step_ == Step::compressing_before) return rotate();
  wait(Step::writing, 0);
  return {};
}

Status WrittenLog::save_journal_if_due() {
  const uint64_t now = clock_.steady_ms();
  const uint64_t least = truncated_since_save_ ? kSaveAfterTruncationMs : kSaveEveryMs;
  if (now < saved_at_ms_ + std::max(least, saving_took_ms_ * kSavingShare)) return {};
  return save_journal(false);
}

// A file that will be truncated, as it is now.
std::string WrittenLog::present(const std::string& path, const Life& life) {
  if (life.stretches.empty()) return "";
  JsonWriter json;
  json.begin_object().field("file", std::string_view(path).substr(path.rfind('/') + 1));
  json.field("first_line", life.stretches.front().first_line).field("last_line", life.stretches.back().last_line);
  json.field("bytes", life.bytes).end_object();
  return json.text();
}

Status WrittenLog::save_journal(bool ended) {
  const uint64_t begun = clock_.steady_ms();
  const std::string one = present(live_, life_);
  const std::string other = present(other_path_, other_life_);
  LEAT_TRY(os::replace_file(settings_.directory + "/journal.json",
                            fmt::format("{{\"lines\":{},\"bytes\":{},\"sha256\":\"{}\",\"rotations\":{},\"ended\":{},"
                                        "\"present\":[{}{}{}],\"truncated\":[{}]}}\n",
                                        lines_, bytes_, sha_.hex(), rotations_, ended, one,
                                        one.empty() || other.empty() ? "" : ",", other, truncated_)));
  truncated_since_save_ = false;
  saved_at_ms_ = clock_.steady_ms();
  saving_took_ms_ = saved_at_ms_ - begun;
  return {};
}

Status WrittenLog::end() {
  LEAT_TRY(flush());
  // A server that is stopped in the middle of a rotation: what was begun is ended, nothing new is.
  while (step_ != Step::writing) {
    LEAT_TRY(go_on());
  }
  return save_journal(true);
}

}  // namespace leat::app
