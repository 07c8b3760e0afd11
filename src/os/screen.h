#pragma once

// The whole terminal for a live view: the alternate screen, keys as they are pressed, the size as it changes. What was
// there before is put back when the Screen goes, when the process is ended by a signal, and while it is suspended
// (Ctrl-Z). At most one at a time; the thread that opened it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace leat::os {

class Screen {
 public:
  struct Size {
    size_t columns = 80;
    size_t rows = 24;
    friend bool operator==(const Size&, const Size&) = default;
  };
  enum class What : uint8_t {
    timeout,
    key,
    resized,  // also: the terminal may show something else now; draw everything anew
    stopped,
    gone,  // the terminal is not there any more
  };
  struct Event {
    What what = What::timeout;
    char key = 0;
  };

  // Takes over the terminal at standard output; keys come from standard input if that is one too. Null: it is none.
  static std::unique_ptr<Screen> open(std::stop_token stop);
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  virtual ~Screen() = default;

  [[nodiscard]] virtual Size size() const = 0;
  // All of it at once; false: the terminal is gone.
  virtual bool write(const std::string& bytes) = 0;
  virtual Event wait(uint64_t ms) = 0;

 protected:
  Screen() = default;
};

// The size of the terminal at `descriptor`; 80 × 24 where it cannot be told.
Screen::Size terminal_size(int descriptor);

// Puts the terminal back, if a Screen has it: for a process that ends without unwinding. Safe in a signal handler.
void restore_terminal() noexcept;

}  // namespace leat::os
