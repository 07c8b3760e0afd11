#include "app/talk.h"

#include <gtest/gtest.h>

#include <sstream>

namespace leat::app {
namespace {

TEST(Talk, PlainLinesForPeople) {
  std::ostringstream err;
  Talk talk(err, Manner::plain, false, false);
  talk.note(NoteLevel::info, "note", "logs", "recognised");
  talk.note(NoteLevel::warning, "note", "logs", "strange \x1B[31m name");
  talk.event(NoteLevel::info, "start", {{"pipeline", "logs"}});
  talk.message(NoteLevel::error, "one\ntwo");
  talk.line("summary");
  talk.draw({"never"}, 80);
  EXPECT_EQ(err.str(), "recognised\nwarning: strange \\x1B[31m name\nerror: one\ntwo\nsummary\n");
}

TEST(Talk, InfosThatDifferOnlyInTheirPlaceAreCounted) {
  std::ostringstream err;
  Talk talk(err, Manner::plain, false, false);
  for (int i = 0; i < 10; ++i) talk.note(NoteLevel::info, "note", "logs", std::to_string(i) + ": recognised");
  talk.note(NoteLevel::info, "note", "logs", "x: something else");
  talk.more();
  talk.more();
  EXPECT_EQ(err.str(), "0: recognised\n1: recognised\n2: recognised\nx: something else\n(and 7 more: recognised)\n");
}

TEST(Talk, QuietSaysOnlyWhatWentWrong) {
  std::ostringstream err;
  Talk talk(err, Manner::terminal, false, true);
  talk.note(NoteLevel::info, "note", "logs", "recognised");
  talk.note(NoteLevel::warning, "note", "logs", "trouble");
  talk.line("summary");
  talk.draw({"block"}, 80);
  EXPECT_EQ(err.str(), "warning: trouble\n");
}

TEST(Talk, ALogHasOneLinePerEvent) {
  std::ostringstream err;
  Talk talk(err, Manner::log, false, false);
  talk.event(NoteLevel::info, "commit", {{"pipeline", "my logs"}, {"rows", "5"}});
  talk.note(NoteLevel::warning, "retry", "logs", "locked\nby \"another\"");
  const std::string text = err.str();
  const size_t newline = text.find('\n');
  ASSERT_NE(newline, std::string::npos);
  EXPECT_EQ(text.substr(0, 5), "time=");
  EXPECT_EQ(text.substr(text.find(' '), newline - text.find(' ')),
            " level=info event=commit pipeline=\"my logs\" rows=5");
  EXPECT_NE(text.find(R"( level=warning event=retry pipeline=logs text="locked\nby \"another\"")"), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Talk, TheBlockIsWipedBeforeALineAndDrawnAgain) {
  std::ostringstream err;
  Talk talk(err, Manner::terminal, false, false);
  talk.draw({"one", "two"}, 80);
  EXPECT_EQ(err.str(), "one\ntwo");
  err.str("");
  talk.draw({"one", "two"}, 80);
  EXPECT_EQ(err.str(), "");  // nothing has changed
  talk.line("news");
  EXPECT_EQ(err.str(), "\x1B[1A\r\x1B[Jnews\none\ntwo");
  err.str("");
  talk.wipe();
  EXPECT_EQ(err.str(), "\x1B[1A\r\x1B[J");
}

TEST(Talk, LinesOfTheBlockAreCutAndEscaped) {
  std::ostringstream err;
  Talk talk(err, Manner::terminal, false, false);
  talk.draw({"aäö\x1B[2Jb"}, 6);
  EXPECT_EQ(err.str(), "aäö\\x…");
}

TEST(Talk, ValuesOfALogAreQuotedWhenNeeded) {
  EXPECT_EQ(log_value("a/b.log"), "a/b.log");
  EXPECT_EQ(log_value(""), "\"\"");
  EXPECT_EQ(log_value("a=b"), "\"a=b\"");
  EXPECT_EQ(log_value("say \"x\""), R"("say \"x\"")");
  EXPECT_EQ(log_value("a\nb"), "a\\nb");
}

}  // namespace
}  // namespace leat::app
