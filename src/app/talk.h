#pragma once

// Everything said on stderr: notes of the components, events of a daemon, the live block of a terminal. Each line is
// written whole, with every byte made visible; the live block is wiped before a line and drawn again after it.
// Any thread.

#include <cstdint>
#include <map>
#include <mutex>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "flow/note.h"

namespace leat::app {

enum class Manner : uint8_t {
  plain,     // lines for people
  terminal,  // lines for people, and a live block below them
  log,       // one line per event, key=value
};

class Talk {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  Talk(std::ostream& err, Manner manner, bool colour, bool quiet)
      : err_(err), manner_(manner), colour_(colour), quiet_(quiet) {}
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;
  ~Talk() { wipe(); }

  [[nodiscard]] Manner manner() const { return manner_; }
  [[nodiscard]] bool quiet() const { return quiet_; }

  // `about` (a pipeline) and `event` appear in a log only. Infos are not said when quiet; of those for people that
  // differ only in their place ("PLACE: text"), the first few are said, the others are counted for more().
  void note(NoteLevel level, const std::string& event, const std::string& about, const std::string& text);
  // A line of a log with fields; nothing in the other manners, nor when quiet (but warnings and errors).
  void event(NoteLevel level, const std::string& event, const Fields& fields);
  // A message of several lines, as it is: what is wrong with a file.
  void message(NoteLevel level, const std::string& text);
  // A line for people that is not a note: a summary. Not when quiet.
  void line(const std::string& text);
  // Says how many infos were left out, and counts anew.
  void more();
  // The live block from now on; lines are cut at `width` columns. Terminal only, not when quiet.
  void draw(const std::vector<std::string>& lines, size_t width);
  // The live block goes.
  void wipe();

 private:
  void write(const std::string& text);
  void write_log(NoteLevel level, const std::string& event, const Fields& fields);
  [[nodiscard]] std::string marked(NoteLevel level) const;

  std::ostream& err_;
  const Manner manner_;
  const bool colour_;
  const bool quiet_;
  std::mutex mutex_;
  std::vector<std::string> block_;         // as it stands on the terminal
  std::map<std::string, uint64_t> infos_;  // how often each text was there
};

// "text" as a value of key=value: bare, or in quotes when it holds spaces, quotes or '='.
std::string log_value(const std::string& text);

}  // namespace leat::app
