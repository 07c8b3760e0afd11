#include "os/screen.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>

#include "os/terminal.h"

namespace leat::os {
namespace {

// Alternate screen, no cursor, no wrapping at the last column; and back.
constexpr std::string_view kEnter = "\x1B[?1049h\x1B[?25l\x1B[?7l\x1B[2J";
constexpr std::string_view kLeave = "\x1B[0m\x1B[?2026l\x1B[?7h\x1B[?25h\x1B[?1049l";
constexpr char kSuspendKey = '\x1A';

constexpr char kResized = 'r';
constexpr char kContinued = 'c';
constexpr char kStop = 's';

// What a signal handler has to reach: there is one terminal, and one process that it belongs to.
std::atomic<bool> entered = false;
std::atomic<int> wake_descriptor = -1;
termios normal_settings{};
bool keys_are_raw = false;

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd wait{STDOUT_FILENO, POLLOUT, 0};
      (void)::poll(&wait, 1, 1000);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void wake(char why) noexcept {
  const int descriptor = wake_descriptor.load();
  if (descriptor < 0) return;
  const ssize_t ignored = ::write(descriptor, &why, 1);  // a full pipe wakes as well
  (void)ignored;
}

extern "C" void on_change(int signal) {
  const int error = errno;
  wake(signal == SIGCONT ? kContinued : kResized);
  errno = error;
}

// SA_RESETHAND has put the signal's own action back: it ends the process when this returns.
extern "C" void on_fatal(int signal) {
  restore_terminal();
  (void)::raise(signal);
}

constexpr std::array kFatal = {SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

class Terminal final : public Screen {
 public:
  explicit Terminal(std::stop_token stop) : stop_(std::move(stop)) {}
  ~Terminal() override {
    restore_terminal();
    for (size_t i = 0; i < kFatal.size(); ++i) (void)::sigaction(kFatal[i], &fatal_before_[i], nullptr);
    (void)::sigaction(SIGWINCH, &resize_before_, nullptr);
    (void)::sigaction(SIGCONT, &continue_before_, nullptr);
    stop_callback_.reset();
    wake_descriptor = -1;
    for (const int descriptor : pipe_) {
      if (descriptor >= 0) ::close(descriptor);
    }
  }

  bool start() {
    if (::pipe2(pipe_.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
    wake_descriptor = pipe_[1];
    stop_callback_.emplace(stop_, [] { wake(kStop); });
    handle(SIGWINCH, on_change, SA_RESTART, resize_before_);
    handle(SIGCONT, on_change, SA_RESTART, continue_before_);
    for (size_t i = 0; i < kFatal.size(); ++i) {
      handle(kFatal[i], on_fatal, SA_RESETHAND, fatal_before_[i]);
      // nohup, and whoever else has said so
      if (fatal_before_[i].sa_handler == SIG_IGN) (void)::sigaction(kFatal[i], &fatal_before_[i], nullptr);
    }
    keys_ = is_terminal(STDIN_FILENO);
    return enter();
  }

  [[nodiscard]] Size size() const override { return terminal_size(STDOUT_FILENO); }

  bool write(const std::string& bytes) override { return write_all(bytes); }

  Event wait(uint64_t ms) override {
    if (stop_.stop_requested()) return {What::stopped};
    std::array<pollfd, 2> ready{{{pipe_[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
    const int found = ::poll(ready.data(), keys_ ? 2 : 1, static_cast<int>(std::min<uint64_t>(ms, 60'000)));
    if (found <= 0) return {found < 0 && errno != EINTR ? What::gone : What::timeout};
    if (ready[0].revents != 0) return woken();
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) return {What::gone};
    if (key != kSuspendKey) return {What::key, key};
    restore_terminal();
    (void)::raise(SIGTSTP);  // goes on here after SIGCONT
    return {enter() ? What::resized : What::gone};
  }

 private:
  static void handle(int signal, void (*handler)(int), int flags, struct sigaction& before) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    (void)::sigaction(signal, &action, &before);
  }

  bool enter() const {
    if (keys_) {
      termios settings{};
      if (::tcgetattr(STDIN_FILENO, &settings) != 0) return false;
      if (!entered) normal_settings = settings;
      settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      settings.c_cc[VMIN] = 1;
      settings.c_cc[VTIME] = 0;
      settings.c_cc[VSUSP] = _POSIX_VDISABLE;  // a key like the others: the screen is put back first
      if (::tcsetattr(STDIN_FILENO, TCSANOW, &settings) != 0) return false;
    }
    keys_are_raw = keys_;
    entered = true;
    return write_all(kEnter);
  }

  Event woken() {
    Event event{What::resized};
    std::array<char, 64> why{};
    const ssize_t size = ::read(pipe_[0], why.data(), why.size());
    for (ssize_t i = 0; i < size; ++i) {
      if (why[static_cast<size_t>(i)] == kStop) event.what = What::stopped;
      if (why[static_cast<size_t>(i)] == kContinued && !enter()) return {What::gone};
    }
    return event;
  }

  std::stop_token stop_;
  std::optional<std::stop_callback<void (*)()>> stop_callback_;
  std::array<int, 2> pipe_{-1, -1};
  bool keys_ = false;
  struct sigaction resize_before_ {};
  struct sigaction continue_before_ {};
  std::array<struct sigaction, kFatal.size()> fatal_before_{};
};

}  // namespace

std::unique_ptr<Screen> Screen::open(std::stop_token stop) {
  if (!is_terminal(STDOUT_FILENO)) return nullptr;
  auto terminal = std::make_unique<Terminal>(std::move(stop));
  if (!terminal->start()) return nullptr;
  return terminal;
}

Screen::Size terminal_size(int descriptor) {
  Screen::Size size;
  winsize found{};
  if (::ioctl(descriptor, TIOCGWINSZ, &found) != 0) return size;
  if (found.ws_col > 0) size.columns = found.ws_col;
  if (found.ws_row > 0) size.rows = found.ws_row;
  return size;
}

void restore_terminal() noexcept {
  if (!entered.exchange(false)) return;
  (void)write_all(kLeave);
  if (keys_are_raw) (void)::tcsetattr(STDIN_FILENO, TCSANOW, &normal_settings);
}

}  // namespace leat::os
