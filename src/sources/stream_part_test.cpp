#include "sources/stream_part.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sources/stdin.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_cutter.h"

namespace leat {
namespace {

using testing::TempDir;
using testing::TestCutter;

std::string some_lines(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}

// What a program of this machine makes of `text`.
std::string compressed(const std::string& text, const std::string& program) {
  const TempDir dir;
  dir.write("a", text);
  const std::string command = program + " < " + dir.path("a") + " > " + dir.path("b");
  EXPECT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe)
  return dir.read("b");
}

// The bytes of all chunks, '~' for those that a reject does not keep; or the failure.
std::string through(const std::string& bytes, size_t step, StreamRules rules, std::vector<Chunk>* chunks = nullptr) {
  StreamPart part("p", "there", std::make_unique<TestCutter>(), rules);
  std::string all;
  const auto drain = [&]() -> Status {
    for (;;) {
      LEAT_ASSIGN(auto chunk, part.next());
      if (!chunk) return {};
      EXPECT_EQ(chunk->start, all.size());
      all += chunk->bytes;
      all.resize(chunk->end.offset, '~');
      if (chunks != nullptr) chunks->push_back(*std::move(chunk));
    }
  };
  for (size_t at = 0; at < bytes.size(); at += step) {
    if (Status status = part.push(std::string_view(bytes).substr(at, step)); !status.ok()) return status.message();
    if (Status status = drain(); !status.ok()) return status.message();
  }
  if (Status status = part.end(); !status.ok()) return status.message();
  if (Status status = drain(); !status.ok()) return status.message();
  return all;
}

TEST(StreamPart, DeliversEveryByteHoweverTheyCome) {
  const std::string text = some_lines(50'000) + "the last one has no end";
  for (const size_t step : {size_t{1}, size_t{37}, size_t{4096}, text.size()}) {
    for (const uint64_t chunk_bytes : {uint64_t{1}, uint64_t{1000}, uint64_t{1} << 20U}) {
      StreamRules rules;
      rules.chunk_bytes = chunk_bytes;
      EXPECT_EQ(through(text, step, rules), text) << step << " " << chunk_bytes;
    }
  }
}

TEST(StreamPart, LinesAreNumbered) {
  std::vector<Chunk> chunks;
  StreamRules rules;
  rules.chunk_bytes = 4;
  through("a\nbb\n\nccc\nd", 3, rules, &chunks);
  uint64_t line = 1;
  for (const Chunk& chunk : chunks) {
    EXPECT_EQ(chunk.first_line, line);
    for (const char c : chunk.bytes) line += c == '\n' ? 1 : 0;
  }
  EXPECT_EQ(line, 5U);
}

TEST(StreamPart, ARecordThatIsTooLongIsPassedOver) {
  const std::string junk(300'000, 'x');
  for (const size_t step : {size_t{999}, size_t{1} << 20U}) {
    std::vector<Chunk> chunks;
    StreamRules rules;
    rules.max_record_bytes = 1000;
    rules.chunk_bytes = 100;
    const std::string all = through("one\n" + junk + "\ntwo\n", step, rules, &chunks);
    ASSERT_EQ(chunks.size(), 3U);
    EXPECT_TRUE(chunks[1].truncated);
    EXPECT_EQ(chunks[1].bytes, junk.substr(0, 1000));
    EXPECT_EQ(chunks[1].skipped, 299'000U);
    EXPECT_EQ(chunks[1].whole_hash, hash128(junk));
    EXPECT_EQ(chunks[2].bytes, "two\n");
    EXPECT_EQ(chunks[2].first_line, 3U);
    EXPECT_EQ(all.size(), junk.size() + 9);
  }
}

// Lines behind a lead of lines that begin with '#'; those that begin with '%' are no records.
class LeadCutter final : public Cutter {
 public:
  Result<Cut> whole(std::string_view bytes, const CutRule& rule) override {
    Cut cut;
    while (cut.bytes < bytes.size() && cut.records < rule.most_records) {
      const size_t newline = bytes.find('\n', cut.bytes);
      if (newline == std::string_view::npos) break;
      const bool no_record = bytes[cut.bytes] == '%';
      const bool lead = !recorded_ && bytes[cut.bytes] == '#';
      if (!lead && cut.lead > 0) break;
      if (!lead && newline - cut.bytes > rule.max_record) {
        cut.too_long = cut.bytes == 0;
        break;
      }
      cut.tail += no_record ? newline + 1 - cut.bytes : 0;
      cut.bytes = newline + 1;
      if (lead) cut.lead = cut.bytes;
      recorded_ = recorded_ || !lead;
      if (lead || no_record) continue;
      ++cut.records;
      cut.tail = 0;
    }
    return cut;
  }
  Result<std::optional<size_t>> skip(std::string_view bytes) override {
    recorded_ = true;
    const size_t newline = bytes.find('\n');
    return newline == std::string_view::npos ? std::nullopt : std::optional(newline + 1);
  }
  [[nodiscard]] std::string save() const override { return recorded_ ? "records" : "lead"; }
  Status restore(std::string_view) override { return {}; }

 private:
  bool recorded_ = false;
};

struct PageRead {
  std::vector<Chunk> chunks;
  std::vector<Delivered> after;  // each of them
  bool changed = false;
};

PageRead read_page(const std::string& text, const std::optional<Delivered>& before, uint64_t chunk_bytes, size_t step) {
  StreamRules rules;
  rules.chunk_bytes = chunk_bytes;
  rules.max_record_bytes = 50;
  StreamPart part("p", "there", std::make_unique<LeadCutter>(), rules, 1000);
  if (before) part.pass_over(*before);
  PageRead out;
  const auto drain = [&] {
    for (;;) {
      auto chunk = part.next();
      ASSERT_TRUE(chunk.ok());
      if (!*chunk) return;
      out.chunks.push_back(**std::move(chunk));
      out.after.push_back(part.delivered());
    }
  };
  for (size_t at = 0; at < text.size(); at += step) {
    EXPECT_TRUE(part.push(std::string_view(text).substr(at, step)).ok());
    drain();
  }
  EXPECT_TRUE(part.end().ok());
  drain();
  out.changed = part.changed();
  return out;
}

const std::string kPage = "#lead\n#more of it\none\ntwo\n" + std::string(90, 'x') + "\nthree\nfour\nthe last";

TEST(StreamPart, GoesOnBehindWhatWasDeliveredWhateverTheLead) {
  for (const std::string lead : {"#lead\n#more of it\n", "", "#a much longer one\n#\n#\n#\n", "#l\n"}) {
    const std::string page = lead + kPage.substr(18);
    for (const uint64_t chunk_bytes : {1U, 10U, 40U}) {
      const PageRead first = read_page(kPage, std::nullopt, chunk_bytes, 7);
      ASSERT_FALSE(first.changed);
      EXPECT_EQ(first.after.back().records, 6U);
      EXPECT_EQ(first.chunks.front().start, 1000U);
      for (size_t i = 0; i < first.after.size(); ++i) {
        for (const size_t step : {1U, 13U, 1000U}) {
          const PageRead rest = read_page(page, first.after[i], chunk_bytes, step);
          ASSERT_FALSE(rest.changed) << lead << " " << i << " " << step;
          std::string bytes;
          std::string expected;
          uint64_t at = 1000 + first.after[i].bytes;
          for (const Chunk& chunk : rest.chunks) {
            EXPECT_EQ(chunk.start, at);
            EXPECT_EQ(chunk.base, 1000U);
            at = chunk.end.offset;
            bytes += chunk.bytes;
          }
          for (size_t j = i + 1; j < first.chunks.size(); ++j) {
            if (first.after[j].bytes > first.after[j].lead) expected += first.chunks[j].bytes;
          }
          EXPECT_EQ(bytes, expected) << lead << " " << i;
          if (rest.after.empty()) continue;
          EXPECT_EQ(rest.after.back().hash, first.after.back().hash);
          EXPECT_EQ(rest.after.back().records, 6U);
        }
      }
    }
  }
}

TEST(StreamPart, TheRecordsAreTheSameWhateverStandsBehindThem) {
  const std::string records = "#lead\none\n%between\ntwo\n" + std::string(90, 'x') + "\nthree\n";
  const Delivered expected = read_page(records, std::nullopt, 1000, 1000).after.back();
  EXPECT_EQ(expected.to_last_record, expected.hash);
  for (const std::string tail : {"", "%1\n", "%2\n%.............................\n%\n"}) {
    for (const uint64_t chunk_bytes : {1U, 10U, 1000U}) {
      for (const size_t step : {1U, 7U, 1000U}) {
        const PageRead read = read_page(records + tail, std::nullopt, chunk_bytes, step);
        EXPECT_EQ(read.after.back().to_last_record, expected.to_last_record) << tail << chunk_bytes << " " << step;
        EXPECT_EQ(read.after.back().hash == expected.hash, tail.empty());
        for (const Delivered& before : read.after) {
          const PageRead rest = read_page(records + tail, before, chunk_bytes, step);
          if (rest.after.empty()) continue;
          EXPECT_EQ(rest.after.back().to_last_record, expected.to_last_record);
        }
      }
    }
  }
  EXPECT_NE(read_page(records + "four\n", std::nullopt, 1000, 1000).after.back().to_last_record,
            expected.to_last_record);
}

TEST(StreamPart, SeesThatWhatWasDeliveredIsAnotherNow) {
  const PageRead first = read_page(kPage, std::nullopt, 1, 7);
  for (size_t i = 0; i < first.after.size(); ++i) {
    const Delivered& before = first.after[i];
    for (size_t at = 18; at < kPage.size(); ++at) {
      std::string other = kPage;
      other[at] = other[at] == 'e' ? 'f' : 'e';
      EXPECT_EQ(read_page(other, before, 1, 5).changed, at < before.bytes) << i << " " << at;
      EXPECT_EQ(read_page(kPage.substr(0, at), before, 1, 5).changed, at < before.bytes) << i << " " << at;
    }
  }
}

TEST(StreamPart, ReadsWhatIsCompressed) {
  const std::string text = some_lines(400'000);
  for (const std::string program : {"gzip -c", "zstd -c -q"}) {
    const std::string bytes = compressed(text, program);
    for (const size_t step : {size_t{1}, size_t{5000}, bytes.size()}) {
      EXPECT_EQ(through(bytes, step, {}), text) << program << " " << step;
    }
    EXPECT_EQ(through(bytes + bytes, 777, {}), text + text) << program;
    const std::string cut = through(bytes.substr(0, bytes.size() / 2), 1000, {});
    EXPECT_NE(cut.find("data is cut off after"), std::string::npos) << cut;
    std::string damaged = bytes;
    for (size_t i = damaged.size() / 2; i < damaged.size() / 2 + 50; ++i) damaged[i] = '\x55';
    EXPECT_NE(through(damaged, 1000, {}).find("data is damaged"), std::string::npos) << program;
  }
}

TEST(StreamPart, AFewCompressedBytesAreNotAllUnpackedAtOnce) {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += "the same line again\n";
  const std::string bytes = compressed(text, "gzip -c");
  StreamPart part("p", "there", std::make_unique<TestCutter>(), {});
  ASSERT_TRUE(part.push(bytes).ok());
  ASSERT_TRUE(part.end().ok());
  constexpr size_t kMost = 1024 * 1024;
  size_t delivered = 0;
  for (;;) {
    ASSERT_LE(part.waiting().size(), kMost);
    auto chunk = part.next();
    ASSERT_TRUE(chunk.ok()) << chunk.status().message();
    if (!*chunk) break;
    delivered += (*chunk)->bytes.size();
  }
  EXPECT_EQ(delivered, text.size());
}

TEST(StreamPart, ACutInCompressedBytesIsNotTheEndOfARecord) {
  const std::string bytes = compressed(some_lines(400'000), "gzip -c");
  StreamPart part("p", "there", std::make_unique<TestCutter>(), {});
  Status failure = part.push(std::string_view(bytes).substr(0, bytes.size() / 2));
  if (failure.ok()) failure = part.end();
  for (bool more = failure.ok(); more;) {
    auto chunk = part.next();
    more = chunk.ok() && chunk->has_value();
    if (more) {
      EXPECT_TRUE((*chunk)->bytes.ends_with('\n'));
    }
    failure = std::move(chunk).status();
  }
  EXPECT_NE(failure.message().find("data is cut off after"), std::string::npos) << failure.message();
}

TEST(StreamPart, DeflateWithAndWithoutAFrame) {
  const std::string text = some_lines(100'000);
  const std::string python =
      "python3 -c 'import sys,zlib; c=zlib.compressobj(6,zlib.DEFLATED,{}); "
      "d=sys.stdin.buffer.read(); sys.stdout.buffer.write(c.compress(d)+c.flush())'";
  for (const std::string window : {"15", "-15"}) {
    std::string program = python;
    program.replace(program.find("{}"), 2, window);
    StreamRules rules;
    rules.compression = Compression::deflate;
    EXPECT_EQ(through(compressed(text, program), 100, rules), text) << window;
  }
}

TEST(StreamPart, Brotli) {
  const std::string bytes(
      "\x8b\x09\x80"
      "hello, hello, hello\n\x03",
      24);
  StreamRules rules;
  rules.compression = Compression::brotli;
  for (const size_t step : {size_t{1}, size_t{10}}) EXPECT_EQ(through(bytes, step, rules), "hello, hello, hello\n");
  EXPECT_EQ(through(bytes.substr(0, 6), 2, rules), "there: its brotli data is cut off after 3 plain bytes");
}

TEST(StreamPart, ABodyMayHaveALimit) {
  StreamRules rules;
  rules.max_body_bytes = 1024;
  EXPECT_EQ(through(some_lines(2000), 100, rules), "there: has more than max_body = 1.0 KiB");
}

class FakeInput final : public os::ByteStream {
 public:
  explicit FakeInput(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<Read> read(char* to, size_t size, uint64_t) override {
    const size_t n = bytes_.copy(to, std::min<size_t>(size, 1000), at_);
    at_ += n;
    return Read{.bytes = n, .ended = n == 0};
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

SourceRequest request(Positions resume) {
  SourceRequest made;
  made.resume = std::move(resume);
  made.make_cutter = [](const std::string&) { return std::make_unique<TestCutter>(); };
  return made;
}

TEST(StdinSource, EachRunIsAPartOfItsOwn) {
  const std::string text = some_lines(10'000);
  Positions positions;
  for (int run = 1; run <= 3; ++run) {
    const auto source = make_stdin_source({}, std::make_unique<FakeInput>(text));
    ASSERT_TRUE(source->open(request({})).ok());  // as when the columns are not known yet
    ASSERT_TRUE(source->open(request(positions)).ok());
    std::string all;
    for (;;) {
      const auto reading = source->read({});
      ASSERT_TRUE(reading.ok()) << reading.status().message();
      if (reading->what == Reading::What::end) break;
      if (reading->what == Reading::What::idle) continue;
      EXPECT_EQ(reading->chunk.end.part, "stdin#" + std::to_string(run));
      all += reading->chunk.bytes;
    }
    EXPECT_EQ(all, text);
    positions.push_back({.part = "stdin#" + std::to_string(run), .origin = "", .offset = text.size(), .token = ""});
  }
}

TEST(StdinSource, DoesNotPretendToReadTwice) {
  const auto source = make_stdin_source({}, std::make_unique<FakeInput>(some_lines(2'000'000)));
  ASSERT_TRUE(source->open(request({})).ok());
  for (;;) {
    const auto reading = source->read({});
    ASSERT_TRUE(reading.ok());
    if (reading->what == Reading::What::chunk) break;
  }
  const Status again = source->open(request({}));
  EXPECT_EQ(again.kind(), Kind::fatal);
  EXPECT_NE(again.message().find("cannot be read again"), std::string::npos) << again.message();
}

}  // namespace
}  // namespace leat
