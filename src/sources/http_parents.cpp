#include "sources/http_parents.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "data/row_line.h"
#include "sources/http_url.h"

namespace leat {
namespace {

constexpr uint64_t kLookMs = 100;      // between two looks at a table that has nothing new
constexpr uint64_t kSettledMs = 1000;  // so long without a new row: those that are there are a block

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

uint64_t bound(const std::optional<int64_t>& number) {
  return static_cast<uint64_t>(number.value_or(0));
}

}  // namespace

std::vector<ParentPlace> parent_places(std::string_view text) {
  std::vector<ParentPlace> places;
  for (size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    const size_t dot = inside.find('.');
    if (dot == std::string_view::npos || !is_name(inside.substr(0, dot)) || !is_name(inside.substr(dot + 1))) continue;
    places.push_back({open, close + 1, inside.substr(0, dot), inside.substr(dot + 1)});
  }
  return places;
}

Result<std::string> filled(std::string_view text, const ParentRow& row, bool in_url) {
  std::string out;
  size_t done = 0;
  for (const ParentPlace& place : parent_places(text)) {
    out += text.substr(done, place.begin - done);
    done = place.end;
    const auto cell = std::find_if(row.cells.begin(), row.cells.end(),
                                   [&](const auto& each) { return equal_ignoring_case(each.first, place.column); });
    if (cell == row.cells.end() || !cell->second) {
      return Status::bad_data(fmt::format("row {} of {} has no {}, so that it cannot be asked about", row.number,
                                          quoted(place.pipeline), quoted(place.column)));
    }
    out += in_url ? percent_encoded(*cell->second) : *cell->second;
  }
  out += text.substr(done);
  return out;
}

// False: the table is not there.
Result<bool> HttpParents::look() {
  if (table_ && !table_->is_in_place()) table_.reset();
  if (!table_) {
    LEAT_ASSIGN(table_, UpstreamTable::open(rules_.upstream, files_, missing_));
  }
  if (!table_) return false;
  LEAT_TRY(table_->begin());
  Result<bool> known = table_->refresh();
  if (known.ok()) return true;
  table_->end();
  return std::move(known).status();
}

Result<HttpParents::Block> HttpParents::count_block(uint64_t from) {
  Block block;
  LEAT_TRY(table_
               ->read(from,
                      [&](const SqliteStatement& row) {
                        block.last = row.number(0);
                        return ++block.rows < rules_.block;
                      })
               .status()
               .clone());
  return block;
}

// What the table was when a window was made: "MADE:ROWS", all rows up to its end.
Result<std::string> HttpParents::stamp(const std::optional<Window>& last, uint64_t rows) {
  LEAT_ASSIGN(std::string made, table_->made());
  std::replace(made.begin(), made.end(), ' ', '_');
  uint64_t before = 0;
  if (last) {
    LEAT_TRY(check(*last, made));
    before = static_cast<uint64_t>(parse_integer(last->parents.substr(last->parents.rfind(':') + 1)).value_or(0));
  }
  return fmt::format("{}:{}", made, before + rows);
}

Status HttpParents::check(const Window& last, const std::string& made) {
  const uint64_t behind = bound(last.before) + 1;
  const auto gone = [&](const std::string& why) {
    return Status::fatal(fmt::format(
        "{} table {}: {}; to go on would leave out or double what belongs to its rows. Ask about all of them again: "
        "leat state rewind FILE PIPELINE --all",
        rules_.upstream.path, rules_.upstream.table, why));
  };
  const size_t colon = last.parents.rfind(':');
  if (last.parents.substr(0, colon) != made) {
    return gone(fmt::format("is another database (of {}) than the one whose rows were asked about (of {})", made,
                            last.parents.substr(0, colon)));
  }
  LEAT_ASSIGN(const uint64_t next, table_->next_number());
  if (behind > next) {
    return gone(fmt::format("was asked about up to row {}, but has only come to row {}: an older copy was put back",
                            behind - 1, next - std::min<uint64_t>(next, 1)));
  }
  if (!table_->is_counted()) return {};
  const auto asked = static_cast<uint64_t>(parse_integer(last.parents.substr(colon + 1)).value_or(0));
  LEAT_ASSIGN(const uint64_t rows, table_->rows());
  LEAT_ASSIGN(const uint64_t rest, table_->rows_from(behind));
  if (rows == asked + rest) return {};
  return gone(fmt::format("{} of its rows were asked about and {} are new, but it has {}: some have been taken back",
                          asked, rest, rows));
}

Result<std::optional<Window>> HttpParents::next_block(const std::optional<Window>& last, bool once) {
  ended_ = false;
  const uint64_t now_ms = clock_.steady_ms();
  // Asked before the look: what was written until then is seen by it.
  const bool filled_now = rules_.more_may_come && rules_.more_may_come();
  if (now_ms < next_look_ms_ && (filled_now || !once)) return std::optional<Window>();
  LEAT_ASSIGN(const bool there, look());
  if (!there) {
    next_look_ms_ = now_ms + kLookMs;
    if (once && !filled_now) return Status::fatal(missing_);
    return std::optional<Window>();
  }
  const uint64_t after = last ? bound(last->before) : 0;
  const Result<Block> block = count_block(after + 1);
  Result<std::string> parents = block.ok() ? stamp(last, block->rows) : std::string();
  table_->end();
  LEAT_TRY(block.status().clone());
  LEAT_TRY(parents.status().clone());
  if (block->last != seen_) seen_since_ms_ = now_ms;
  seen_ = block->last;
  const bool settled = once ? !filled_now : now_ms - seen_since_ms_ >= kSettledMs;
  ended_ = once && settled && block->rows == 0;
  if (block->rows == 0 || (block->rows < rules_.block && !settled)) {
    next_look_ms_ = now_ms + kLookMs;
    return std::optional<Window>();
  }
  Window window;
  window.number = last ? last->number + 1 : 1;
  window.after = static_cast<int64_t>(after);
  window.before = static_cast<int64_t>(block->last);
  window.parents = *std::move(parents);
  return std::optional(std::move(window));
}

Result<std::optional<ParentRow>> HttpParents::row(uint64_t from, uint64_t until) {
  LEAT_ASSIGN(const bool there, look());
  if (!there) return Status::fatal(missing_);
  const std::vector<Field>& fields = table_->schema().fields;
  std::optional<ParentRow> found;
  const Result<bool> more = table_->read(from, [&](const SqliteStatement& row) {
    if (row.number(0) > until) return false;
    ParentRow& parent = found.emplace();
    parent.number = row.number(0);
    for (size_t i = 0; i < fields.size(); ++i) {
      const int at = static_cast<int>(i) + 1;
      const bool null = row.type(at) == SQLITE_NULL;
      const std::string text = null                             ? std::string()
                               : row.type(at) == SQLITE_INTEGER ? std::to_string(row.integer(at))
                               : row.type(at) == SQLITE_FLOAT   ? fmt::format("{}", row.real(at))
                                                                : row.string(at);
      if (i + rules_.added < fields.size()) {
        parent.cells.emplace_back(fields[i].name, null ? std::nullopt : std::optional(text));
        continue;
      }
      if (!parent.added.empty()) parent.added += '\t';
      if (null) {
        parent.added += kNullCell;
      } else {
        append_cell(parent.added, text);
      }
    }
    return false;
  });
  table_->end();
  LEAT_TRY(more.status().clone());
  return found;
}

}  // namespace leat
