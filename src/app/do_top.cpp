#include <optional>

#include "app/commands.h"
#include "app/talk.h"
#include "app/target.h"
#include "app/top_model.h"
#include "app/top_view.h"
#include "os/clock.h"
#include "os/screen.h"

namespace leat::app {
namespace {

constexpr uint64_t kDrawEveryMs = 500;
constexpr size_t kPlainColumns = 100;
constexpr size_t kPlainRows = 40;
constexpr char kEscape = '\x1B';

// Until q, a stop, or the end of the terminal. After an escape the rest of what an arrow or function key sends is
// dropped with it: none of these keys means anything here.
void watch(TopReader& reader, os::Screen& screen, bool colour, const std::stop_token& stop) {
  std::optional<Frame> shown;
  uint64_t due_ms = 0;
  bool in_sequence = false;
  const TopModel* model = nullptr;
  while (!stop.stop_requested()) {
    const uint64_t now_ms = os::clock().steady_ms();
    if (model == nullptr || now_ms >= due_ms) {
      model = &reader.look();
      due_ms = now_ms + kDrawEveryMs;
    }
    const os::Screen::Size size = screen.size();
    Frame next = draw_top(*model, size.columns, size.rows, true);
    if (!screen.write(next.bytes(shown ? &*shown : nullptr, colour))) return;
    shown = std::move(next);
    const uint64_t after_ms = os::clock().steady_ms();
    const os::Screen::Event event = screen.wait(due_ms > after_ms ? due_ms - after_ms : 0);
    switch (event.what) {
      case os::Screen::What::timeout:
        in_sequence = false;
        break;
      case os::Screen::What::resized:
        shown.reset();
        break;
      case os::Screen::What::key:
        if (in_sequence) {
          // "ESC [ 1 ; 5 A", "ESC O P": ends with a letter or '~'
          const bool ends = (event.key >= 'A' && event.key <= 'Z' && event.key != 'O') ||
                            (event.key >= 'a' && event.key <= 'z') || event.key == '~';
          if (ends) in_sequence = false;
          break;
        }
        if (event.key == 'q' || event.key == 'Q') return;
        if (event.key == '\t') {
          reader.choose_next();
          due_ms = 0;
        }
        if (event.key == '\x0C') shown.reset();  // Ctrl-L
        in_sequence = event.key == kEscape;
        break;
      case os::Screen::What::stopped:
      case os::Screen::What::gone:
        return;
    }
  }
}

}  // namespace

int do_top(const TopCommand& command, const Surroundings& surroundings) {
  Result<std::vector<Database>> databases = open_target(command.target);
  if (!databases.ok()) {
    Talk(surroundings.err, Manner::plain, surroundings.colour, false)
        .message(NoteLevel::info, databases.status().message());
    return databases.status().kind() == Kind::bad_config ? 2 : 1;
  }
  TopReader reader(command.target, *std::move(databases), os::clock());
  std::unique_ptr<os::Screen> screen;
  if (!command.once && surroundings.out_is_terminal) screen = os::Screen::open(surroundings.stop);
  if (screen != nullptr) {
    watch(reader, *screen, surroundings.out_colour, surroundings.stop);
    return 0;
  }
  const TopModel& model = reader.look();
  if (!model.trouble.empty()) {
    Talk(surroundings.err, Manner::plain, surroundings.colour, false).message(NoteLevel::info, model.trouble);
    return 1;
  }
  const size_t columns = surroundings.out_columns > 0 ? surroundings.out_columns : kPlainColumns;
  std::string text = draw_top(model, columns, kPlainRows, false).text();
  while (text.ends_with("\n\n")) text.pop_back();
  surroundings.out << text;
  return 0;
}

}  // namespace leat::app
