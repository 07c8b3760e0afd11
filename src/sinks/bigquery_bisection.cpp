#include "sinks/bigquery_bisection.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/gzip_pieces.h"
#include "base/json_at.h"
#include "base/sha256.h"
#include "base/text.h"
#include "os/file_system.h"
#include "os/output_file.h"
#include "os/spool_file.h"

namespace leat {
namespace {

constexpr size_t kMostRefused = 100;
constexpr size_t kReadAtOnce = 256 * 1024;
constexpr size_t kShaDigits = 40;  // of the label: 63 characters at most

// Lines [first, first + rows) of a segment.
struct Stretch {
  std::string name;  // "0", "01": which half of which half
  uint64_t first = 0;
  uint64_t rows = 0;
};

struct Half {
  std::unique_ptr<os::File> file;
  uint64_t bytes = 0;
  std::string sha;   // of its lines
  std::string line;  // of a stretch of one
};

// The lines as they are, not compressed: the same bytes whichever library has made the segment.
Result<Half> write_half(const std::string& path, const Stretch& stretch, const std::string& half_path) {
  LEAT_ASSIGN(const auto segment, os::file_system().open(path, os::Links::refuse));
  if (segment == nullptr) return Status::fatal(visible(path) + ": is gone, and its rows are not loaded yet");
  LEAT_ASSIGN(const auto out, os::SpoolFile::open(half_path, 0));
  GunzipStream gunzip;
  Sha256 sha;
  Half half;
  std::string piece;
  std::string plain;
  uint64_t line = 0;
  for (uint64_t at = 0; line < stretch.first + stretch.rows; at += piece.size()) {
    piece.resize(kReadAtOnce);
    LEAT_ASSIGN(const size_t read, segment->read_at(at, piece.data(), piece.size()));
    piece.resize(read);
    plain.clear();
    if (read == 0 || !gunzip.add(piece, plain)) {
      return Status::fatal(visible(path) + ": is not what was written; put it back from a backup");
    }
    size_t from = line < stretch.first ? std::string::npos : 0;
    size_t to = plain.size();
    for (size_t end = plain.find('\n'); end != std::string::npos; end = plain.find('\n', end + 1)) {
      ++line;
      if (line == stretch.first) from = end + 1;
      if (line == stretch.first + stretch.rows) {
        to = end + 1;
        break;
      }
    }
    if (from == std::string::npos) continue;
    const std::string_view part = std::string_view(plain).substr(from, to - from);
    sha.add(part);
    LEAT_TRY(out->append(part));
    if (stretch.rows == 1) half.line += part;
  }
  half.bytes = out->size();
  half.sha = sha.hex().substr(0, kShaDigits);
  LEAT_ASSIGN(half.file, os::file_system().open(half_path, os::Links::refuse));
  if (half.file == nullptr) return Status::fatal(visible(half_path) + ": is gone");
  return half;
}

// "… Field: amount; Value: x": which column BigQuery means.
std::string column_in(const std::string& message) {
  constexpr std::string_view kField = "Field: ";
  const size_t at = message.rfind(kField);
  if (at == std::string::npos) return "";
  const size_t begin = at + kField.size();
  return message.substr(begin, message.find_first_of(";. ", begin) - begin);
}

Result<RefusedRow> refused_row(const std::string& line, const std::string& reason) {
  const JsonView row = JsonView::parse(line);
  const auto part = row.at("_part").text();
  const auto offset = row.at("_offset").number();
  if (!part || !offset) return Status::fatal("a line of a segment is not what was written: " + quoted(line));
  RefusedRow made{*part, *offset, column_in(reason), reason, line.substr(0, line.find('\n'))};
  if (const auto raw = row.at("raw_log").text()) made.raw = from_base64(*raw).value_or(made.raw);
  return made;
}

void push_halves(std::vector<Stretch>& stack, const Stretch& stretch) {
  const uint64_t left = stretch.rows / 2;
  stack.push_back({stretch.name + "1", stretch.first + left, stretch.rows - left});
  stack.push_back({stretch.name + "0", stretch.first, left});
}

Result<BisectedSegment> bisect(BigQueryClient& client, const BigQueryStep& whole, const Status& refused,
                               const std::string& path, const std::string& half_path) {
  BisectedSegment done;
  std::vector<Stretch> stack;
  if (whole.rows == 1) {
    LEAT_ASSIGN(const Half half, write_half(path, {"", 0, 1}, half_path));
    LEAT_ASSIGN(done.refused.emplace_back(), refused_row(half.line, refused.message()));
    return done;
  }
  push_halves(stack, {"", 0, whole.rows});
  while (!stack.empty()) {
    const Stretch stretch = stack.back();
    stack.pop_back();
    LEAT_ASSIGN(const Half half, write_half(path, stretch, half_path));
    BigQueryStep step = whole;
    step.name = whole.name + "-" + stretch.name;
    step.sha = half.sha;
    step.media = half.file.get();
    step.media_bytes = half.bytes;
    step.rows = stretch.rows;
    Result<BigQueryJob> job = carry_out(client, step);
    if (job.ok()) {
      done.jobs.push_back({"load-" + stretch.name, *std::move(job)});
      continue;
    }
    if (!is_about_rows(job.status())) return std::move(job).status();
    if (stretch.rows > 1) {
      push_halves(stack, stretch);
      continue;
    }
    LEAT_ASSIGN(done.refused.emplace_back(), refused_row(half.line, job.status().message()));
    if (done.refused.size() > kMostRefused) {
      return Status::fatal(fmt::format(
          "{}; more than {} rows of {} are refused: mend the table or its constraints and run again, what is refused "
          "by then becomes rejects",
          job.status().message(), kMostRefused, visible(path)));
    }
  }
  return done;
}

}  // namespace

bool is_about_rows(const Status& refused) {
  return refused.kind() == Kind::bad_data &&
         refused.message().find("Provided Schema does not match") == std::string::npos;
}

Result<BisectedSegment> bisect_segment(BigQueryClient& client, const BigQueryStep& whole, const Status& refused,
                                       const std::string& path, const std::string& half_path) {
  Result<BisectedSegment> done = bisect(client, whole, refused, path, half_path);
  const Status removed = os::remove_file(half_path);  // at worst the next open() does
  return done;
}

}  // namespace leat
