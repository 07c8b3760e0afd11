// Where lines are cut, and which format a file has.

#include <gtest/gtest.h>

#include "decoders/web_log.h"
#include "tests/support/web_log_rows.h"

namespace leat {
namespace {

const std::string kNginx = "10.0.0.1 - - [22/Nov/2026:13:39:28 +0000] \"GET / HTTP/1.1\" 200 3 \"-\" \"curl\"\n";
const std::string kApache = "10.0.0.1 - - [22/Nov/2026:13:39:28 +0000] \"GET / HTTP/1.1\" 304 - \"-\" \"curl\"\n";
const std::string kCommon = "10.0.0.1 - - [22/Nov/2026:13:39:28 +0000] \"GET / HTTP/1.1\" 200 3\n";
const std::string kVhost = "a.example:80 " + kNginx;

class CutterTest : public ::testing::Test {
 protected:
  explicit CutterTest(const std::string& format = "")
      : decoder_(*make_web_log_decoder({format, true},
                                       [this](NoteLevel level, const std::string& text) {
                                         EXPECT_EQ(level, NoteLevel::info);
                                         notes_.push_back(text);
                                       })),
        cutter_(decoder_->make_cutter("access.log")) {}

  static CutRule rule(bool ended) { return {.ended = ended, .max_record = 1024 * 1024}; }
  // The number of bytes, or the failure.
  std::string whole(std::string_view bytes, bool ended = false) {
    const auto result = cutter_->whole(bytes, rule(ended));
    if (result.ok()) return std::to_string(result->bytes);
    return std::string(name_of(result.status().kind())) + ": " + result.status().message();
  }
  void again() { cutter_ = decoder_->make_cutter("access.log"); }

  std::vector<std::string> notes_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Cutter> cutter_;
};

class NamedCutterTest : public CutterTest {
 protected:
  NamedCutterTest() : CutterTest("apache_common") {}
};

std::string bytes_of(const std::string& text) {
  return std::to_string(text.size());
}

std::string repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST_F(NamedCutterTest, CutsAtTheLastNewlineAndRefusesNothing) {
  EXPECT_EQ(whole(""), "0");
  EXPECT_EQ(whole("abc"), "0");
  EXPECT_EQ(whole("abc", true), "0");
  EXPECT_EQ(whole("abc\ndef\nghi"), "8");
  EXPECT_EQ(whole(repeat("rubbish\n", 200), true), "1600");
  EXPECT_EQ(cutter_->save(), "");
  EXPECT_TRUE(cutter_->restore("format=apache_vhost_combined").ok());  // as it was recognised once; now one is named
  EXPECT_EQ(cutter_->save(), "");
  EXPECT_TRUE(notes_.empty());
}

TEST_F(CutterTest, DecidesByTheFirstLineThatFits) {
  EXPECT_EQ(cutter_->save(), "");
  EXPECT_EQ(whole(""), "0");
  EXPECT_EQ(whole(kNginx.substr(0, 40)), "0");
  EXPECT_EQ(whole(kNginx + "10.0"), bytes_of(kNginx));
  EXPECT_EQ(cutter_->save(), "format=nginx_combined");
  EXPECT_EQ(whole("anything\nand"), "9");
  EXPECT_EQ(notes_, (std::vector<std::string>{"access.log: format nginx_combined, recognised from its first line"}));
  again();  // after a failure elsewhere: not told twice
  EXPECT_EQ(whole(kNginx), bytes_of(kNginx));
  EXPECT_EQ(notes_.size(), 1U);
}

TEST_F(CutterTest, TellsHowManyLines) {
  const std::string text = repeat(kNginx, 60) + repeat("rubbish\n", 2) + "\n" + repeat(kNginx, 60);
  EXPECT_EQ(whole(text), bytes_of(text));
  EXPECT_EQ(notes_, (std::vector<std::string>{"access.log: format nginx_combined, recognised from its first 100 lines; "
                                              "2 of them do not fit and will be rejects"}));
}

TEST_F(CutterTest, TellsExtraFields) {
  const std::string with = kNginx.substr(0, kNginx.size() - 1) + " \"-\"\n";
  EXPECT_EQ(whole(with + with), bytes_of(with + with));
  again();
  EXPECT_TRUE(cutter_->restore("").ok());
  auto other = decoder_->make_cutter("other.log");
  EXPECT_TRUE(other->whole(kNginx + with + "x\n", rule(false)).ok());
  EXPECT_EQ(notes_,
            (std::vector<std::string>{
                "access.log: format nginx_combined, recognised from its first 2 lines, with 1 more quoted field at the "
                "end of each line, kept in raw_log only",
                "other.log: format nginx_combined, recognised from its first 3 lines, with up to 1 more quoted field "
                "at the end of its lines, kept in raw_log only; 1 of them does not fit and will be rejects"}));
}

TEST_F(CutterTest, ApacheCombinedOnlyByEvidence) {
  const auto format = [&](const std::string& lines) {
    again();
    EXPECT_EQ(whole(lines), bytes_of(lines));
    return cutter_->save();
  };
  const auto agent = [](const std::string& text) {
    return "10.0.0.1 - - [22/Nov/2026:13:39:28 +0000] \"GET / HTTP/1.1\" 200 3 \"-\" \"" + text + "\"\n";
  };
  EXPECT_EQ(format(kNginx + kApache), "format=apache_combined");
  EXPECT_EQ(format(kNginx + agent(R"(say \"hi\")")), "format=apache_combined");
  EXPECT_EQ(format(kNginx + agent(R"(a\\b)")), "format=apache_combined");
  EXPECT_EQ(format(kNginx + agent(R"(a\tb)")), "format=apache_combined");
  EXPECT_EQ(format(kNginx + agent(R"(\xd9\x85)")), "format=apache_combined");
  EXPECT_EQ(format(kNginx + agent(R"(\xD9\x85\x22\x5Cn)")), "format=nginx_combined");
  EXPECT_EQ(format(R"(h fred bob [22/Nov/2026:13:39:28 +0000] "-" 200 3 "-" "-")"
                   "\n"),
            "format=apache_combined");
}

TEST_F(CutterTest, TheFormatThatFitsMostLines) {
  const auto format = [&](const std::string& lines) {
    again();
    EXPECT_EQ(whole(lines), bytes_of(lines));
    return cutter_->save();
  };
  EXPECT_EQ(format(kCommon), "format=apache_common");
  EXPECT_EQ(format(kCommon + kNginx + kNginx), "format=nginx_combined");
  EXPECT_EQ(format(kCommon + kCommon + kNginx), "format=apache_common");
  EXPECT_EQ(format(kCommon + kNginx), "format=nginx_combined");  // a tie goes by the order of the table
  EXPECT_EQ(format("\n\r\nrubbish\n" + kNginx), "format=nginx_combined");
}

TEST_F(CutterTest, WaitsForMoreWhileNoneFits) {
  EXPECT_EQ(whole("rubbish\n"), "0");
  EXPECT_EQ(whole(repeat("rubbish\n", 99)), "0");
  EXPECT_EQ(whole(repeat("rubbish\n", 99) + kNginx), bytes_of(repeat("rubbish\n", 99) + kNginx));
  EXPECT_EQ(cutter_->save(), "format=nginx_combined");
}

TEST_F(CutterTest, RefusesWhatFitsNone) {
  EXPECT_EQ(
      whole(repeat("{\"time\": 1}\n", 100)),
      "bad_config: access.log: no known format fits its first 100 lines (first line: '{\"time\": 1}'; nearest is "
      "nginx_combined: expected '-' at character 10, found '1'); lines of JSON need the log_format that wrote them, as "
      "it stands in nginx's configuration: --format '{\"time\":\"$time_iso8601\",…}'");
  EXPECT_EQ(whole("a b c\n", true),
            "bad_config: access.log: no known format fits its first line (first line: 'a b c'; nearest is "
            "nginx_combined: expected '-' at character 3, found 'b'); name one with --format, see 'leat list formats'");
  EXPECT_EQ(whole("hello \x1B[31m", true),
            "bad_config: access.log: no known format fits its first line (first line: 'hello \\x1B[31m'; nearest is "
            "nginx_combined: expected '-' at character 7, found '\\x1B'); name one with --format, see "
            "'leat list formats'");
  EXPECT_EQ(whole("www.example.com " + kNginx), "0");
  EXPECT_EQ(
      whole("www.example.com:8x " + kNginx, true),
      "bad_config: access.log: no known format fits its first line (first line: 'www.example.com:8x 10.0.0.1 - - "
      "[22/Nov/2026:13:39:28 +0000] \"GET / HTTP/1.1\" 200 3 \"-\" \"curl\"'; nearest is nginx_combined: expected "
      "'-' at character 20, found '1'); name one with --format, see 'leat list formats'");
  const std::string large = std::string(600 * 1024, 'x') + "\n";
  EXPECT_TRUE(whole(large).starts_with("bad_config: "));
  EXPECT_TRUE(notes_.empty());
}

TEST_F(CutterTest, ALineWithoutEndNeitherDecidesNorIsHeldAgainstTheFile) {
  EXPECT_EQ(whole("10.0.0.1 - - [22/Nov/2026:13:3", true), "0");
  EXPECT_EQ(whole(kCommon.substr(0, kCommon.size() - 1), true), "0");  // the beginning of a combined line, perhaps
  EXPECT_EQ(cutter_->save(), "");
  EXPECT_EQ(whole("\n\n10.0.0.1 - - [22/Nov/2026:13:3", true), "2");
  EXPECT_EQ(whole(std::string(600 * 1024, 'x')), "0");
  EXPECT_EQ(whole("\n\r\n", true), "3");
  EXPECT_EQ(cutter_->save(), "");
  EXPECT_EQ(whole(kNginx), bytes_of(kNginx));
}

TEST_F(CutterTest, AnotherRunHasTheColumnsFromTheSink) {
  EXPECT_EQ(decoder_->save_schema(), "");
  ASSERT_TRUE(decoder_->restore_schema("web_log 1\ntext host\ninteger server_port\n").ok());
  EXPECT_EQ(decoder_->schema()->fields[*decoder_->schema()->find("server_port")].type, Type::integer);
  EXPECT_EQ(whole(kVhost), bytes_of(kVhost));
  for (const char* text : {"json 1\ninteger /id\n", "web_log 1\n", "web_log 1\nhost\n", "web_log 1\ntext host"}) {
    EXPECT_EQ(decoder_->restore_schema(text).kind(), Kind::bad_config) << text;
  }
}

TEST_F(CutterTest, TheSchemaGrowsOnceForAVhostFormat) {
  EXPECT_FALSE(decoder_->schema()->find("host"));
  EXPECT_EQ(whole(kVhost),
            "retry: access.log: format apache_vhost_combined: the table gets columns host and server_port");
  EXPECT_TRUE(decoder_->schema()->find("host"));
  EXPECT_EQ(decoder_->schema()->fields.back().name, "raw_log");
  again();
  EXPECT_EQ(whole(kVhost), bytes_of(kVhost));
  EXPECT_EQ(decoder_->save_schema(), "web_log 1\ntext host\ninteger server_port\n");
  EXPECT_EQ(cutter_->save(), "format=apache_vhost_combined");
  EXPECT_EQ(notes_,
            (std::vector<std::string>{"access.log: format apache_vhost_combined, recognised from its first line"}));
  // Another file in the same table leaves those columns NULL.
  Chunk chunk;
  chunk.bytes = kNginx;
  chunk.context = "format=nginx_combined";
  EXPECT_EQ(testing::decode(*decoder_, std::move(chunk)).rows[0].find("host"), std::string::npos);
}

TEST_F(CutterTest, RestoringAVhostFormatMakesTheSchemaGrow) {
  const Status status = cutter_->restore("format=apache_vhost_combined");
  EXPECT_EQ(status.kind(), Kind::retry);
  EXPECT_TRUE(decoder_->schema()->find("server_port"));
  again();
  EXPECT_TRUE(cutter_->restore("format=apache_vhost_combined").ok());
  EXPECT_EQ(cutter_->save(), "format=apache_vhost_combined");
}

TEST_F(CutterTest, RestoreTakesWhatSaveGaveAndNothingElse) {
  EXPECT_TRUE(cutter_->restore("format=apache_common").ok());
  EXPECT_EQ(whole("rubbish\nx"), "8");
  EXPECT_TRUE(cutter_->restore("").ok());
  EXPECT_EQ(cutter_->save(), "");
  for (const std::string_view saved : {"format=", "format=x", "apache_common", "\n"}) {
    const Status status = cutter_->restore(saved);
    EXPECT_EQ(status.kind(), Kind::bad_config) << saved;
  }
  EXPECT_EQ(cutter_->restore("format=x").message(),
            "access.log: its saved state 'format=x' names no known format; it was written by another version of leat");
  EXPECT_TRUE(notes_.empty());
}

TEST_F(CutterTest, AChunkWithoutContextIsReadByItsOwnLines) {
  const auto rows = [&](const std::string& text, const std::string& context) {
    Chunk chunk;
    chunk.bytes = text;
    chunk.context = context;
    return testing::decode(*decoder_, std::move(chunk));
  };
  EXPECT_EQ(rows(kCommon + kCommon, "").rows, rows(kCommon + kCommon, "format=apache_common").rows);
  EXPECT_EQ(rows(kCommon.substr(0, kCommon.size() - 1), "").rows.size(), 1U);
  EXPECT_EQ(rows("rubbish", "").rejects.size(), 1U);
  EXPECT_EQ(rows(kCommon, "format=nginx_combined").rejects.size(), 1U);
}

}  // namespace
}  // namespace leat
