#pragma once

// One gzip member (RFC 1952) made of pieces that are compressed apart, in any thread, and put one behind the other:
// head, pieces, tail. Cut behind any piece it can be gone on with. Pure functions; any thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace leat {

std::string_view gzip_head();
// At the end of `out`, `bytes` compressed for themselves, ended on the border of a byte.
void append_gzip_piece(std::string& out, std::string_view bytes);
// What ends it: the CRC of all plain bytes, and how many there are.
std::string gzip_tail(uint32_t crc, uint64_t plain_bytes);
// CRC-32 of all bytes so far and `bytes`; begins with 0.
uint32_t gzip_crc(uint32_t crc, std::string_view bytes);

// Reads one member back, piece by piece. One thread.
class GunzipStream {
 public:
  GunzipStream();
  GunzipStream(const GunzipStream&) = delete;
  GunzipStream& operator=(const GunzipStream&) = delete;
  ~GunzipStream();
  // What `bytes` say goes to the end of `out`. False: they are not the next ones of a member.
  bool add(std::string_view bytes, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace leat
