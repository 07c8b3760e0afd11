#include "lookup/calendar.h"

#include "base/time.h"
#include "expressions/node.h"
#include "lookup/browser_cache.h"

namespace leat::expressions {
namespace {

CalendarUnit unit_of(Function function) {
  switch (function) {
    case Function::minute:
      return CalendarUnit::minute;
    case Function::hour:
      return CalendarUnit::hour;
    case Function::day:
      return CalendarUnit::day;
    default:
      return CalendarUnit::month;
  }
}

// day(time) and the like: rows that follow each other mostly have one text.
class Calendar final : public Node {
 public:
  Calendar(Function function, size_t slot, NodePtr time, TimeZone zone)
      : Node(Type::text, slot), unit_(unit_of(function)), time_(std::move(time)), zone_(zone) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    const View time = time_->evaluate(block, wanted);
    Scratch& out = scratch(block);
    if (out.memory == nullptr) out.memory = std::make_unique<Last>(zone_);
    Last& last = static_cast<Last&>(*out.memory);
    out.valid = valid_rows(std::array<View, 1>{time}, wanted, block.words());
    for_each_row(out.valid, block.words(), [&](size_t row) {
      const int64_t utc = floor_div(static_cast<int64_t>(time.cell(row)), kMicrosPerSecond);
      const int64_t number = calendar_number(unit_, utc + last.zone.offset_at(utc));
      if (number != last.number || last.batch != block.batch_number()) {
        last.number = number;
        last.batch = block.batch_number();
        last.cell = block.append(format_calendar(unit_, number));
      }
      out.cells[row] = last.cell;
    });
    return out.view();
  }

 private:
  struct Last final : Memory {
    explicit Last(TimeZone of) : zone(of) {}
    TimeZone zone;
    int64_t number = 0;
    uint64_t batch = 0;  // in which `cell` is good
    uint64_t cell = 0;
  };
  CalendarUnit unit_;
  NodePtr time_;
  TimeZone zone_;
};

// Never NULL: who sends no User-Agent is "Other".
class BrowserOf final : public Node {
 public:
  BrowserOf(size_t slot, NodePtr agent) : Node(Type::text, slot), agent_(std::move(agent)) {}

  [[nodiscard]] View evaluate(Block& block, const Bits& wanted) const override {
    const View agent = agent_->evaluate(block, wanted);
    Scratch& out = scratch(block);
    if (out.memory == nullptr) out.memory = std::make_unique<Known>(mix64(reinterpret_cast<uintptr_t>(&out)));
    Known& known = static_cast<Known&>(*out.memory);
    if (known.batch != block.batch_number()) {
      known.batch = block.batch_number();
      for (uint8_t i = 0; i < kBrowsers; ++i) known.names[i] = block.append(browser_name(static_cast<Browser>(i)));
    }
    for_each_row(wanted, block.words(), [&](size_t row) {
      const Browser browser = agent.is_valid(row) ? known.cache.of(block.text(agent.cell(row))) : Browser::other;
      out.cells[row] = known.names[static_cast<size_t>(browser)];
    });
    return {out.cells.data(), 1, kAllRows.data(), nullptr};
  }

 private:
  struct Known final : Memory {
    explicit Known(uint64_t seed) : cache(seed) {}
    BrowserCache cache;
    uint64_t batch = 0;  // in which the cells of `names` are good
    std::array<uint64_t, kBrowsers> names{};
  };
  NodePtr agent_;
};

}  // namespace

NodePtr make_calendar(Function function, size_t slot, NodePtr time, const TimeZone& zone) {
  return std::make_unique<Calendar>(function, slot, std::move(time), zone);
}

NodePtr make_browser(size_t slot, NodePtr agent) {
  return std::make_unique<BrowserOf>(slot, std::move(agent));
}

}  // namespace leat::expressions
