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

TEST(GunzipStream, ReadsPiecesBack) {
  std::string plain;
  for (int i = 0; i < 100'000; ++i) plain += std::to_string(i * 7919) + "\n";
  std::string member(gzip_head());
  const size_t half = plain.size() / 2;
  append_gzip_piece(member, std::string_view(plain).substr(0, half));
  append_gzip_piece(member, std::string_view(plain).substr(half));
  member += gzip_tail(gzip_crc(0, plain), plain.size());
  for (const size_t step : {size_t{511}, size_t{4099}, member.size()}) {
    GunzipStream gunzip;
    std::string read;
    for (size_t at = 0; at < member.size(); at += step) {
      ASSERT_TRUE(gunzip.add(std::string_view(member).substr(at, step), read)) << at;
    }
    EXPECT_EQ(read, plain) << step;
  }
}

TEST(GunzipStream, SaysWhatIsNotAMember) {
  std::string out;
  EXPECT_FALSE(GunzipStream().add("this is no gzip at all", out));
  std::string member(gzip_head());
  append_gzip_piece(member, "one line\n");
  member += gzip_tail(gzip_crc(0, "one lime\n"), 9);
  EXPECT_FALSE(GunzipStream().add(member, out)) << "another CRC";
}

}  // namespace
}  // namespace leat
