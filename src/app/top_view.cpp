#include "app/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "app/progress.h"
#include "base/text.h"
#include "base/text_width.h"
#include "base/time.h"

namespace leat::app {
namespace {

constexpr size_t kGap = 2;             // columns between two texts
constexpr size_t kTwoColumns = 74;     // terminals from here on show two panels side by side,
constexpr size_t kThreeColumns = 136;  // three
constexpr size_t kLeastRows = 3;       // a panel with fewer says nothing
constexpr size_t kBar = 10;

struct Box {
  size_t row = 0;
  size_t column = 0;
  size_t width = 0;
  size_t height = 0;
};

std::string ago(int64_t micros, int64_t now) {
  if (now < micros + kMicrosPerSecond) return "just now";
  return human_seconds(static_cast<uint64_t>((now - micros) / kMicrosPerSecond)) + " ago";
}

std::string whole_seconds(int64_t micros) {
  return format_time(floor_div(micros, kMicrosPerSecond) * kMicrosPerSecond) + " UTC";
}

// 1234567 in at most `width` columns: with commas if they fit, else as "1.2M".
std::string number_in(uint64_t number, size_t width) {
  std::string text = with_commas(number);
  return text.size() <= width ? text : human_rate(static_cast<double>(number));
}

// ---- the table of pipelines

struct Column {
  std::string_view title;
  size_t width;
  int rank;  // the larger, the sooner it is left out
};
// The first one is the name, which takes what is left.
constexpr Column kColumns[] = {{"pipeline", 12, 0}, {"state", 7, 5}, {"rows/s", 6, 1},  {"behind", 10, 2},
                               {"left", 7, 7},      {"rows", 11, 6}, {"rejects", 7, 3}, {"last commit", 11, 4}};
constexpr size_t kWidestTable = 110;  // or the eye loses the line

std::vector<size_t> columns_for(size_t width) {
  std::vector<size_t> chosen(std::size(kColumns));
  std::iota(chosen.begin(), chosen.end(), 0);
  const auto needed = [&] {
    size_t sum = 0;
    for (const size_t at : chosen) sum += kColumns[at].width + kGap;
    return sum - kGap;
  };
  while (chosen.size() > 1 && needed() > width) {
    chosen.erase(std::max_element(chosen.begin(), chosen.end(),
                                  [](size_t a, size_t b) { return kColumns[a].rank <= kColumns[b].rank; }));
  }
  return chosen;
}

struct Text {
  std::string text;
  Style style = Style::plain;
};

Text cell_of(const TopPipeline& pipeline, std::string_view column, int64_t now) {
  if (column == "state") {
    if (!pipeline.started) return {"new", Style::faint};
    if (pipeline.waits_until) return {"waiting", Style::good};
    return pipeline.running ? Text{"running", Style::good} : Text{"stopped", Style::warning};
  }
  if (!pipeline.started) return {"-", Style::faint};
  if (column == "rows/s") return {human_rate(pipeline.rows_per_second)};
  if (column == "behind") {
    if (!pipeline.behind_bytes) return {"-", Style::faint};
    return {*pipeline.behind_bytes == 0 ? "0 B" : human_bytes(*pipeline.behind_bytes)};
  }
  if (column == "left") {
    return pipeline.left_seconds ? Text{human_seconds(*pipeline.left_seconds)} : Text{"-", Style::faint};
  }
  if (column == "rows") return {number_in(pipeline.rows, 11)};
  if (column == "rejects")
    return {number_in(pipeline.rejects, 7), pipeline.rejects > 0 ? Style::warning : Style::plain};
  return pipeline.committed_micros ? Text{ago(*pipeline.committed_micros, now)} : Text{"-", Style::faint};
}

void draw_pipelines(Frame& frame, const TopModel& model, size_t row, size_t most) {
  const size_t width = std::min(frame.columns(), kWidestTable);
  const std::vector<size_t> chosen = columns_for(width);
  size_t others = 0;
  for (size_t i = 1; i < chosen.size(); ++i) others += kColumns[chosen[i]].width + kGap;
  const size_t name_width = width > others ? width - others : 0;
  const auto each_column = [&](auto&& put) {
    size_t end = name_width;
    for (size_t i = 1; i < chosen.size(); ++i) {
      end += kGap + kColumns[chosen[i]].width;
      put(end, kColumns[chosen[i]]);
    }
  };
  frame.put(row, 0, shorten_end(kColumns[0].title, name_width), Style::heading);
  each_column([&](size_t end, const Column& column) { frame.put_right(row, end, column.title, Style::heading); });
  const size_t shown = model.pipelines.size() <= most ? model.pipelines.size() : most - 1;
  // The chosen one is always among them.
  const size_t first = model.chosen < shown ? 0 : model.chosen + 1 - shown;
  for (size_t i = 0; i < shown; ++i) {
    const TopPipeline& pipeline = model.pipelines[first + i];
    const bool mark = model.pipelines.size() > 1;
    const std::string name = (mark ? (first + i == model.chosen ? "> " : "  ") : "") + visible(pipeline.name);
    frame.put(++row, 0, shorten_middle(name, name_width), Style::strong);
    each_column([&](size_t end, const Column& column) {
      const Text text = cell_of(pipeline, column.title, model.now_micros);
      frame.put_right(row, end, text.text, text.style);
    });
  }
  if (shown < model.pipelines.size()) {
    frame.put(++row, 0, fmt::format("… and {} more", model.pipelines.size() - shown), Style::faint);
  }
}

// What there is to say about the chosen pipeline, the most important first.
std::vector<Text> remarks(const TopModel& model, size_t width) {
  std::vector<Text> lines;
  if (!model.trouble.empty()) lines.push_back({"cannot read: " + visible(model.trouble, 1000), Style::bad});
  if (model.pipelines.empty()) {
    if (model.trouble.empty()) lines.push_back({"no pipeline has written here yet", Style::faint});
    return lines;
  }
  const TopPipeline& pipeline = model.pipelines[model.chosen];
  const std::string name = visible(pipeline.name);
  if (!pipeline.started) {
    lines.push_back({fmt::format("{} has not run yet", name), Style::warning});
    return lines;
  }
  if (!pipeline.last_error.empty()) {
    lines.push_back({fmt::format("last error{}: {}",
                                 pipeline.error_micros ? ", " + ago(*pipeline.error_micros, model.now_micros) : "",
                                 visible(pipeline.last_error, 1000)),
                     Style::bad});
  }
  if (pipeline.waits_until) {
    lines.push_back({fmt::format("{} waits for its next run at {}", name, whole_seconds(*pipeline.waits_until))});
  } else if (!pipeline.running) {
    std::string text = name + " is not running";
    if (pipeline.committed_micros) {
      text += fmt::format("; last commit {} ({})", whole_seconds(*pipeline.committed_micros),
                          ago(*pipeline.committed_micros, model.now_micros));
    }
    lines.push_back({text, Style::warning});
  }
  if (pipeline.left_seconds && *pipeline.left_seconds > 1) {
    const std::string end =
        fmt::format(" {:3.0f}%, {} left", pipeline.taken_share * 100, human_seconds(*pipeline.left_seconds));
    const size_t most = width > end.size() + 2 ? width - end.size() - 2 : 0;
    if (most >= 4) lines.push_back({bar(pipeline.taken_share, std::min<size_t>(most, 48)) + end});
  }
  if (pipeline.gap_bytes > 0) {
    lines.push_back({human_bytes(pipeline.gap_bytes) + " of the logs were lost in gaps", Style::warning});
  }
  return lines;
}

// ---- panels

// Below a title that stands there already.
void draw_days(Frame& frame, const Box& box, const std::vector<TopDay>& days) {
  struct Measure {
    std::string_view title;
    std::optional<uint64_t> TopDay::*value;
    size_t width = 0;
    uint64_t largest = 0;
  };
  std::vector<Measure> measures;
  for (const auto& [title, value] : {std::pair{"visitors", &TopDay::visitors}, std::pair{"hits", &TopDay::hits}}) {
    Measure measure{title, value};
    measure.width = measure.title.size();
    bool any = false;
    for (const TopDay& day : days) {
      if (!(day.*value)) continue;
      any = true;
      measure.width = std::max(measure.width, with_commas(*(day.*value)).size());
      measure.largest = std::max(measure.largest, *(day.*value));
    }
    if (any) measures.push_back(measure);
  }
  const size_t end = box.column + box.width;
  size_t numbers = 10;
  for (const Measure& measure : measures) numbers += kGap + measure.width;
  const size_t rest = box.width > numbers ? box.width - numbers : 0;
  // A bar for each if there is room, else one for the last.
  const size_t bars = rest >= measures.size() * (kBar + kGap) ? measures.size() : rest >= 4 + kGap ? 1 : 0;
  const size_t bar_width = bars == 0 ? 0 : rest / bars - kGap;
  frame.put(box.row, box.column, "day", Style::heading);
  for (size_t i = 0; i < box.height; ++i) {
    const size_t row = box.row + i;
    if (i > 0 && i > days.size()) break;
    if (i > 0) frame.put(row, box.column, shorten_end(visible(days[i - 1].day), 10));
    size_t column = box.column + 10;
    for (size_t m = 0; m < measures.size(); ++m) {
      const Measure& measure = measures[m];
      column += kGap + measure.width;
      if (column > end) break;
      const bool has_bar = m + bars >= measures.size();
      if (i == 0) {
        frame.put_right(row, column, measure.title, Style::heading);
      } else if (const auto value = days[i - 1].*measure.value) {
        frame.put_right(row, column, with_commas(*value));
        if (has_bar && measure.largest > 0) {
          frame.put_bar(row, column + kGap, bar_width,
                        static_cast<double>(*value) / static_cast<double>(measure.largest));
        }
      }
      if (has_bar) column += kGap + bar_width;
    }
  }
}

Style style_of(const TopList& list, const std::string& label) {
  if (!list.statuses || label.size() != 3) return Style::plain;
  return label[0] == '5' ? Style::bad : label[0] == '4' ? Style::warning : Style::plain;
}

// The title in as many words as fit.
std::string title_in(const TopList& list, size_t width) {
  const std::string name = visible(list.title);
  const std::string day = visible(list.day);
  std::vector<std::string> all = {name + ", " + day, name + ", " + day.substr(std::min<size_t>(5, day.size())), name};
  if (list.late) all = {name + ", too many to count again", name + ", too many", name + " (old)"};
  if (list.day.empty() && !list.late) all = {name};
  for (const std::string& title : all) {
    if (columns_of(title) <= width) return title;
  }
  return shorten_end(name, width);
}

void draw_list(Frame& frame, const Box& box, const TopList& list) {
  const size_t end = box.column + box.width;
  const uint64_t largest = list.entries.empty() ? 0 : list.entries.front().hits;
  const size_t numbers = std::max<size_t>(4, with_commas(largest).size());
  constexpr size_t kPercent = 6;  // "100.0%"
  const bool percents = list.all && *list.all > 0 && box.width >= numbers + kPercent + 2 * kGap + 12;
  const size_t hits_end = percents ? end - kPercent - kGap : end;
  const size_t label_width = hits_end - box.column > numbers + kGap ? hits_end - box.column - numbers - kGap : 0;
  frame.put(box.row, box.column, title_in(list, label_width), Style::heading);
  frame.put_right(box.row, hits_end, "hits", Style::heading);
  if (percents) frame.put_right(box.row, end, "share", Style::heading);
  const bool bars = largest > 0 && label_width >= 24 + kBar + kGap;
  for (size_t i = 0; i + 1 < box.height && i < list.entries.size(); ++i) {
    const TopList::Entry& entry = list.entries[i];
    const size_t row = box.row + i + 1;
    const std::string label = visible(entry.label, 1000);
    frame.put(row, box.column, shorten_middle(label, label_width - (bars ? kBar + kGap : 0)),
              style_of(list, entry.label));
    if (bars) {
      frame.put_bar(row, box.column + label_width - kBar, kBar,
                    static_cast<double>(entry.hits) / static_cast<double>(largest));
    }
    frame.put_right(row, hits_end, with_commas(entry.hits));
    if (!percents) continue;
    const double share = static_cast<double>(entry.hits) * 100 / static_cast<double>(std::max(*list.all, entry.hits));
    frame.put_right(row, end, fmt::format("{:.1f}%", share), Style::faint);
  }
}

struct Panel {
  const TopList* list = nullptr;  // null: the days
  size_t rows = 0;                // with its title: as many as there is something to show
  size_t weight = 0;  // what it usually needs: by this the columns are filled, so that they stay as they are
};

std::vector<Panel> panels_of(const TopModel& model) {
  std::vector<Panel> panels;
  if (!model.days.empty()) panels.push_back({nullptr, model.days.size() + 1, 8});
  for (const TopList& list : model.lists) {
    panels.push_back({&list, list.entries.size() + 1, list.title == "pages" ? 16U : 8U});
  }
  return panels;
}

// How many of `height` rows each of `panels` gets, a blank one between two; those behind the end of the result get
// none.
std::vector<size_t> share_rows(const std::vector<Panel>& panels, size_t height) {
  std::vector<size_t> given;
  size_t left = height;
  for (const Panel& panel : panels) {
    const size_t least = std::min(kLeastRows, panel.rows) + (given.empty() ? 0 : 1);
    if (left < least && !given.empty()) break;
    given.push_back(std::min(least - (given.empty() ? 0 : 1), left));
    left -= std::min(left, least);
  }
  for (bool more = true; more && left > 0;) {
    more = false;
    for (size_t i = 0; i < given.size() && left > 0; ++i) {
      if (given[i] >= panels[i].rows) continue;
      ++given[i];
      --left;
      more = true;
    }
  }
  return given;
}

// The rows that were used.
size_t draw_panels(Frame& frame, const TopModel& model, size_t row, size_t height) {
  const std::vector<Panel> panels = panels_of(model);
  const size_t fitting = frame.columns() >= kThreeColumns ? 3 : frame.columns() >= kTwoColumns ? 2 : 1;
  const size_t count = std::max<size_t>(1, std::min(fitting, panels.size()));
  const size_t width = (frame.columns() - (count - 1) * kGap) / count;
  std::vector<std::vector<Panel>> columns(count);
  std::vector<size_t> weights(count, 0);
  for (const Panel& panel : panels) {
    const auto lightest = static_cast<size_t>(std::min_element(weights.begin(), weights.end()) - weights.begin());
    columns[lightest].push_back(panel);
    weights[lightest] += panel.weight;
  }
  size_t last = row;
  for (size_t c = 0; c < count; ++c) {
    const std::vector<size_t> given = share_rows(columns[c], height);
    Box box{row, c * (width + kGap), width, 0};
    for (size_t i = 0; i < given.size(); ++i) {
      box.height = given[i];
      if (columns[c][i].list == nullptr) {
        draw_days(frame, box, model.days);
      } else {
        draw_list(frame, box, *columns[c][i].list);
      }
      box.row += given[i];
      last = std::max(last, box.row);
      ++box.row;
    }
  }
  return last - row;
}

}  // namespace

Frame draw_top(const TopModel& model, size_t columns, size_t rows, bool live) {
  Frame frame(columns, rows);
  if (columns == 0 || rows == 0) return frame;
  std::string time = whole_seconds(model.now_micros);
  if (columns < 60) time.erase(0, 11);  // the day
  size_t row = 0;
  const size_t title_width = columns > time.size() + kGap ? columns - time.size() - kGap : columns;
  const size_t after = frame.put(row, 0, "leat top", Style::strong);
  const std::string target = visible(model.target, 1000);
  if (title_width > after + kGap) frame.put(row, after + kGap, shorten_middle(target, title_width - after - kGap));
  if (columns >= after + kGap + time.size()) frame.put_right(row, columns, time, Style::faint);
  ++row;
  if (!model.pipelines.empty()) {
    const size_t most = std::max<size_t>(1, rows / 4);
    draw_pipelines(frame, model, row, most);
    row += 1 + std::min(most, model.pipelines.size());
  }
  const bool footer = live && rows >= 12;
  const size_t end = footer ? rows - 2 : rows;
  for (const Text& line : remarks(model, columns)) {
    if (row < end) frame.put(row++, 0, shorten_end(line.text, columns), line.style);
  }
  if (end > row + 1) {
    ++row;
    const bool started = !model.pipelines.empty() && model.pipelines[model.chosen].started;
    if (started && !model.by_day) {
      frame.put(row, 0, shorten_end("it keeps no aggregate by day, so there is nothing to show of its rows", columns),
                Style::faint);
    } else if (started && model.days.empty()) {
      frame.put(row, 0, "no rows yet", Style::faint);
    } else {
      draw_panels(frame, model, row, end - row);
    }
  }
  if (footer) {
    frame.put(rows - 1, 0, model.pipelines.size() > 1 ? "q quit   Tab next pipeline" : "q quit", Style::faint);
  }
  return frame;
}

Frame draw_days_and_lists(const TopModel& model, size_t columns, size_t rows) {
  Frame frame(columns, rows);
  Frame fitting(columns, rows > 0 && columns > 0 ? draw_panels(frame, model, 0, rows) : 0);
  draw_panels(fitting, model, 0, fitting.rows());
  return fitting;
}

}  // namespace leat::app
