#include "app/flow_lines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <iterator>

namespace leat::app {
namespace {

// Of the real file: 129,977,412 rows from second 1 to 3,126,928.
constexpr double kSecondsPerRow = 3'126'928.0 / 129'977'412.0;
constexpr double kLeastSeconds = 2 * 86'400;
constexpr uint64_t kComputers = 12'027;
constexpr uint64_t kHiddenPorts = 60'000;
constexpr uint64_t kMostBytes = 2'147'133'532;

// Shares of the real file, in millionths of its rows.
constexpr uint64_t kMillion = 1'000'000;
constexpr uint64_t kRepeated = 50'547;
constexpr uint64_t kTcp = 896'699;
constexpr uint64_t kUdp = 77'742;
constexpr uint64_t kIcmp = 25'555;  // the few others are of protocol 41
constexpr uint64_t kKnownSource = 290'000;
constexpr uint64_t kKnownDestination = 360'000;
constexpr uint64_t kPort445 = 553'000;  // of the known ports: 19.9 % of all destinations
constexpr std::array<uint16_t, 11> kOtherPorts = {80, 443, 53, 389, 88, 135, 139, 137, 22, 3389, 123};

}  // namespace

FlowLines::FlowLines(const FlowSettings& settings)
    : broken_(settings.broken),
      seconds_per_row_(
          std::max(kSecondsPerRow, settings.rows > 0 ? kLeastSeconds / static_cast<double>(settings.rows) : 0)),
      random_(settings.seed) {}

void FlowLines::put(std::string_view text) {
  std::memcpy(line_ + size_, text.data(), text.size());
  size_ += text.size();
}

void FlowLines::put(uint64_t number) {
  size_ = static_cast<size_t>(std::to_chars(line_ + size_, std::end(line_), number).ptr - line_);
}

void FlowLines::put_port(bool known) {
  if (!known) {
    put(",N");
    return put(1 + random_.below(kHiddenPorts));
  }
  put(",");
  put(random_.below(kMillion) < kPort445 ? 445 : kOtherPorts[random_.below(kOtherPorts.size())]);
}

void FlowLines::make_line() {
  // Few computers are busy, most are not.
  const auto computer = [this] { return 1 + (random_.below(kComputers) * random_.below(kComputers)) / kComputers; };
  size_ = 0;
  put(1 + static_cast<uint64_t>(static_cast<double>(number_ - 1) * seconds_per_row_));
  put(",");
  put(random_.below(10) < 7 ? 0 : 1 + random_.below(76) * random_.below(77) / 76);
  put(",C");
  const uint64_t source = computer();
  const uint64_t destination = computer();
  put(source);
  const uint64_t drawn = random_.below(kMillion);
  const uint64_t protocol = drawn < kTcp ? 6 : drawn < kTcp + kUdp ? 17 : drawn < kTcp + kUdp + kIcmp ? 1 : 41;
  const uint64_t ports = random_.below(kMillion);  // at most one of the two is known
  const size_t port = size_;
  put_port(protocol != 41 && ports < kKnownSource);
  const std::string same(line_ + port, size_ - port);
  put(",C");
  put(destination != source ? destination : destination % kComputers + 1);
  if (protocol == 41) {
    put(same);
  } else {
    put_port(ports >= kMillion - kKnownDestination);
  }
  put(",");
  put(protocol);
  const uint64_t magnitude = std::min({random_.below(22), random_.below(22), random_.below(22)});
  const uint64_t packets = 1 + random_.below(1ULL << magnitude);
  put(",");
  put(packets);
  last_field_ = size_;
  put(",");
  put(std::min(packets * (40 + random_.below(1461)), kMostBytes));
}

void FlowLines::add(std::string& out) {
  ++number_;
  const bool repeated = random_.below(kMillion) < kRepeated;
  if (!repeated || size_ == 0) make_line();
  if (broken_ == 0 || number_ % broken_ != 0) {
    out.append(line_, size_);
  } else if (random_.below(2) == 0) {
    out.append(line_, last_field_);
  } else {
    out.append(line_, size_).append(",0");
  }
  out += '\n';
}

}  // namespace leat::app
