#include "base/gzip_pieces.h"

#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>

#include "base/hash.h"

namespace leat {
namespace {

// What another reader makes of it; "!" in front: it is not whole, or more comes behind it.
std::string unzipped(std::string bytes, size_t room) {
  inflate_state state{};
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  std::string out(room + 1, '\0');
  state.next_in = reinterpret_cast<uint8_t*>(bytes.data());
  state.avail_in = static_cast<uint32_t>(bytes.size());
  state.next_out = reinterpret_cast<uint8_t*>(out.data());
  state.avail_out = static_cast<uint32_t>(out.size());
  const int code = isal_inflate(&state);
  out.resize(out.size() - state.avail_out);
  return code == ISAL_DECOMP_OK && state.block_state == ISAL_BLOCK_FINISH && state.avail_in == 0 ? out : "!" + out;
}

TEST(GzipPieces, AreOneMemberWhateverTheirSizes) {
  std::string random;
  for (uint64_t i = 0; i < 40'000; ++i) random += static_cast<char>(mix64(i));
  const std::string text(300'000, 'x');
  const std::vector<std::string> pieces{"a", "", "{\"id\":1}\n", random, text, std::string(1, '\0')};
  std::string member(gzip_head());
  std::string plain;
  uint32_t crc = 0;
  for (const std::string& piece : pieces) {
    append_gzip_piece(member, piece);
    plain += piece;
    crc = gzip_crc(crc, piece);
  }
  EXPECT_EQ(unzipped(member, plain.size()), "!" + plain);  // until it is ended
  member += gzip_tail(crc, plain.size());
  EXPECT_EQ(unzipped(member, plain.size()), plain);
  EXPECT_LT(member.size(), random.size() + 20'000);
}

TEST(GzipPieces, OfNothing) {
  EXPECT_EQ(unzipped(std::string(gzip_head()) + gzip_tail(0, 0), 0), "");
}

}  // namespace
}  // namespace leat
