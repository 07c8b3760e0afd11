// How fast the decoder is by itself: reads a file into memory in chunks of whole lines, then makes batches of them on
// one thread.  parse_logs FILE [FORMAT]; FORMAT is a name, or a log_format

#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "decoders/web_log.h"

namespace {

constexpr size_t kChunkBytes = 256 * 1024;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Empty when the file cannot be read.
std::vector<leat::Chunk> read_chunks(const char* path, uint64_t* lines) {
  std::vector<leat::Chunk> chunks;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "rb"), &std::fclose);
  if (!file) return chunks;
  std::string held;
  uint64_t start = 0;
  for (bool more = true; more;) {
    const size_t kept = held.size();
    held.resize(kept + kChunkBytes);
    const size_t got = std::fread(held.data() + kept, 1, kChunkBytes, file.get());
    held.resize(kept + got);
    more = got > 0;
    const size_t newline = held.rfind('\n');
    const size_t whole = !more ? held.size() : newline == std::string::npos ? 0 : newline + 1;
    if (whole == 0) continue;
    leat::Chunk& chunk = chunks.emplace_back();
    chunk.bytes = held.substr(0, whole);
    held.erase(0, whole);
    chunk.start = start;
    chunk.first_line = *lines + 1;
    chunk.end = {"bench", path, start + whole, {}};
    start += whole;
    for (const char c : chunk.bytes) *lines += c == '\n' ? 1 : 0;
    if (chunk.bytes.back() != '\n') ++*lines;
  }
  return chunks;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: parse_logs FILE [FORMAT]\n");
    return 2;
  }
  leat::WebLogOptions options;
  if (argc == 3) {
    const std::string format = argv[2];
    (format.find_first_of("$%") == std::string::npos ? options.format : options.log_format) = format;
  }
  auto decoder = leat::make_web_log_decoder(options, {});
  if (!decoder.ok()) {
    fmt::print(stderr, "{}\n", decoder.status().message());
    return 2;
  }
  uint64_t lines = 0;
  std::vector<leat::Chunk> chunks = read_chunks(argv[1], &lines);
  if (chunks.empty()) {
    fmt::print(stderr, "{}: cannot be read, or is empty\n", argv[1]);
    return 1;
  }
  uint64_t rows = 0;
  uint64_t bytes = 0;
  leat::Rejects rejects;
  const double before = cpu_seconds();
  for (leat::Chunk& chunk : chunks) {
    bytes += chunk.bytes.size();
    leat::RecordBatch batch((*decoder)->schema());
    (*decoder)->decode(std::move(chunk), batch, rejects);
    rows += batch.rows();
  }
  const double seconds = cpu_seconds() - before;
  fmt::print("lines {}  rows {}  rejects {}  MB {:.1f}  cpu_seconds {:.4f}  lines_per_cpu_second {:.0f}\n", lines, rows,
             rejects.size(), static_cast<double>(bytes) / 1e6, seconds, static_cast<double>(lines) / seconds);
  return 0;
}
