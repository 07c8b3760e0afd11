#include "base/gzip_stream.h"

#include <isa-l/igzip_lib.h>

#include <vector>

namespace leat {

struct GzipStream::State {
  isal_zstream stream{};
  std::vector<uint8_t> level_buffer = std::vector<uint8_t>(ISAL_DEF_LVL1_DEFAULT);
};

GzipStream::GzipStream() : state_(std::make_unique<State>()) {
  isal_zstream& stream = state_->stream;
  isal_deflate_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.level = 1;
  stream.level_buf = state_->level_buffer.data();
  stream.level_buf_size = static_cast<uint32_t>(state_->level_buffer.size());
}

GzipStream::~GzipStream() = default;

std::string GzipStream::add(std::string_view bytes, bool last) {
  isal_zstream& stream = state_->stream;
  std::string input(bytes);  // isa-l takes it as writable
  stream.next_in = reinterpret_cast<uint8_t*>(input.data());
  stream.avail_in = static_cast<uint32_t>(input.size());
  stream.end_of_stream = last ? 1 : 0;
  std::string out;
  std::string piece(64 * 1024, '\0');
  do {
    stream.next_out = reinterpret_cast<uint8_t*>(piece.data());
    stream.avail_out = static_cast<uint32_t>(piece.size());
    // Its only failures are parameters out of range: level and buffer are set above.
    (void)isal_deflate(&stream);
    out.append(piece, 0, piece.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  return out;
}

}  // namespace leat
