#include "base/gzip_pieces.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <vector>

namespace leat {

std::string_view gzip_head() {
  // Deflate, no name, no time, system unknown.
  return {"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\xFF", 10};
}

void append_gzip_piece(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  thread_local std::vector<uint8_t> level_buffer(ISAL_DEF_LVL1_DEFAULT);
  isal_zstream stream{};
  isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = level_buffer.data();
  stream.level_buf_size = static_cast<uint32_t>(level_buffer.size());
  stream.flush = FULL_FLUSH;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));  // isa-l does not write to it
  stream.avail_in = static_cast<uint32_t>(bytes.size());
  size_t used = out.size();
  do {
    out.resize(used + 64 * 1024 + stream.avail_in / 4);
    stream.next_out = reinterpret_cast<uint8_t*>(out.data() + used);
    stream.avail_out = static_cast<uint32_t>(out.size() - used);
    (void)isal_deflate(&stream);  // its only failures are parameters out of range
    used = out.size() - stream.avail_out;
  } while (stream.avail_out == 0 || stream.avail_in > 0);
  out.resize(used);
}

std::string gzip_tail(uint32_t crc, uint64_t plain_bytes) {
  std::string tail("\x03\x00", 2);  // a last block without anything in it
  for (const uint64_t number : {uint64_t{crc}, plain_bytes}) {
    for (unsigned shift = 0; shift < 32; shift += 8) tail += static_cast<char>(number >> shift & 0xFF);
  }
  return tail;
}

uint32_t gzip_crc(uint32_t crc, std::string_view bytes) {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

struct GunzipStream::State {
  inflate_state inflate;
};

GunzipStream::GunzipStream() : state_(std::make_unique<State>()) {
  isal_inflate_init(&state_->inflate);
  state_->inflate.crc_flag = ISAL_GZIP;
}

GunzipStream::~GunzipStream() = default;

bool GunzipStream::add(std::string_view bytes, std::string& out) {
  constexpr size_t kStep = 256 * 1024;
  inflate_state& inflate = state_->inflate;
  inflate.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));  // isa-l does not write to it
  inflate.avail_in = static_cast<uint32_t>(bytes.size());
  for (;;) {
    const size_t used = out.size();
    out.resize(used + kStep);
    inflate.next_out = reinterpret_cast<uint8_t*>(out.data() + used);
    inflate.avail_out = kStep;
    const int code = isal_inflate(&inflate);
    const bool full = inflate.avail_out == 0;
    out.resize(out.size() - inflate.avail_out);
    if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT) return false;
    if (!full && (inflate.avail_in == 0 || inflate.block_state == ISAL_BLOCK_FINISH)) return inflate.avail_in == 0;
  }
}

}  // namespace leat
