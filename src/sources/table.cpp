#include "sources/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "base/text.h"
#include "data/row_line.h"

namespace leat {
namespace {

constexpr uint64_t kReadMs = 50;            // a chunk at most
constexpr uint64_t kMostRows = 4096;        // likewise
constexpr uint64_t kRowsBetweenLooks = 64;  // at the clock
constexpr int kPolls = 2;                   // one read() at most

// Where the reading of a part stands.
struct Place {
  std::string part;
  uint64_t next = 0;  // the first number not taken
  std::string made;   // the database
  uint64_t rows = 0;  // taken
};

// Where a part of last lines stands.
struct Held {
  uint64_t number = 0;
  bool delivered = false;  // the provisional row of this number
};
constexpr std::string_view kHeld = "table held";
constexpr std::string_view kNotHeld = "table";

std::string token_of(const Place& place) {
  return fmt::format("table v=1 made={} rows={}", place.made, place.rows);
}

Result<Place> place_at(const Position& position) {
  Place place{position.part, position.offset, "", 0};
  const std::vector<std::string_view> words = split(position.token, ' ');
  if (words.size() < 2 || words[0] != "table" || words[1] != "v=1") {
    return Status::fatal(
        fmt::format("{}: its position {} was not written by this source; go back to the beginning: "
                    "leat state rewind FILE PIPELINE --all",
                    visible(position.origin, 1000), quoted(position.token)));
  }
  for (const std::string_view word : words) {
    if (word.starts_with("made=")) place.made = word.substr(5);
    if (word.starts_with("rows=")) place.rows = static_cast<uint64_t>(parse_integer(word.substr(5)).value_or(0));
  }
  return place;
}

// A row as its decoder reads it: the number, then the cells.
void append_row(std::string& bytes, const SqliteStatement& row, size_t cells) {
  fmt::format_to(std::back_inserter(bytes), "{}", row.integer(0));
  for (int at = 1; at <= static_cast<int>(cells); ++at) {
    bytes += '\t';
    switch (row.type(at)) {
      case SQLITE_NULL:
        bytes += kNullCell;
        break;
      case SQLITE_INTEGER:
        fmt::format_to(std::back_inserter(bytes), "{}", row.integer(at));
        break;
      case SQLITE_FLOAT:
        fmt::format_to(std::back_inserter(bytes), "{}", row.real(at));
        break;
      default:
        append_cell(bytes, row.text(at));
    }
  }
  bytes += '\n';
}

class TableSource final : public Source {
 public:
  TableSource(TableOptions options, os::FileSystem& files, os::Clock& clock, Note note)
      : options_(std::move(options)), files_(files), clock_(clock), note_(std::move(note)) {
    origin_ = fmt::format("{} table {}", options_.upstream.path, options_.upstream.table);
  }

  Status open(SourceRequest request) override {
    request_ = std::move(request);
    cutter_ = request_.make_cutter(origin_);
    leave();
    waiting_chunks_.clear();
    held_.clear();
    for (const Position& position : request_.resume) {
      const std::string& table = options_.upstream.table;
      const std::string_view part = position.part;
      if (!equal_ignoring_case(part.substr(0, table.size()), table) || part.substr(table.size(), 1) != "?") continue;
      held_[position.part] = {position.offset, position.token == kHeld};
    }
    return {};
  }

  Result<Reading> read(const std::stop_token& stop) override {
    if (stop.stop_requested()) return Status::stopped();
    // Asked before the look: what was written until then is seen by it.
    const bool last_look = request_.once && !(options_.more_may_come && options_.more_may_come());
    LEAT_TRY(look(last_look));
    if (!waiting_chunks_.empty()) {
      Reading reading{.what = Reading::What::chunk, .chunk = std::move(waiting_chunks_.front())};
      waiting_chunks_.erase(waiting_chunks_.begin());
      return reading;
    }
    if (last_look && !missing_.empty()) return Status::fatal(missing_);
    if (last_look) return Reading{.what = Reading::What::end, .chunk = {}};
    if (!missing_.empty() && missing_ != told_) {
      told_ = missing_;
      if (!request_.once) note_(NoteLevel::info, fmt::format("waits: {}", missing_));
    }
    for (int polls = 0; polls < kPolls; ++polls) {
      if (!clock_.wait_ms(options_.poll_ms, stop)) return Status::stopped();
      LEAT_ASSIGN(const bool changed, has_changed());
      if (changed) break;
    }
    return Reading{};
  }

  void committed(const Positions& /*positions*/) override {}
  Result<std::vector<PartOutline>> outline() override;
  // In rows, as positions are; numbers that no row has any more among them.
  [[nodiscard]] std::optional<uint64_t> backlog_bytes() const override { return backlog_; }

 private:
  // Of last lines without an end: a part for each of the upstream's.
  [[nodiscard]] std::string held_part(const std::string& upstream_part) const {
    return fmt::format("{}?{}", upstream_->table(), upstream_part);
  }

  void leave() {
    upstream_.reset();
    place_ = {};
    read_version_ = -1;
  }

  Result<bool> has_changed() {
    if (!upstream_) return true;
    if (!upstream_->is_in_place()) {  // another file stands there, or none
      keep_place();
      leave();
      return true;
    }
    LEAT_ASSIGN(const int64_t version, upstream_->version());
    return version != read_version_;
  }

  // For the next find_place().
  void keep_place() {
    if (place_.part.empty()) return;
    std::erase_if(request_.resume, [&](const Position& position) { return position.part == place_.part; });
    request_.resume.push_back({place_.part, origin_, place_.next, token_of(place_)});
  }

  // Adds what is there to waiting_chunks_, if they are empty.
  Status look(bool last_look) {
    if (!waiting_chunks_.empty()) return {};
    if (!upstream_) {
      LEAT_ASSIGN(upstream_, UpstreamTable::open(options_.upstream, files_, missing_));
      if (!upstream_) return {};
    }
    // What another one of this run is about to replace is not read.
    if (request_.once && !last_look && upstream_->is_replaced()) return {};
    LEAT_ASSIGN(const int64_t version, upstream_->version());
    if (version == read_version_ && !last_look) return {};
    LEAT_TRY(upstream_->begin());
    Result<bool> more = take(last_look);
    upstream_->end();
    if (more.ok()) read_version_ = *more ? -1 : version;
    return more.ok() ? Status() : std::move(more).status();
  }

  // Within one moment of the database. Whether there may be more.
  Result<bool> take(bool last_look) {
    LEAT_TRY(find_place());
    LEAT_TRY(undo_held());
    if (!place_.part.empty()) LEAT_TRY(take_rows());
    if (!waiting_chunks_.empty()) return true;
    LEAT_TRY(check_rows());
    if (last_look) LEAT_TRY(take_held());
    return false;
  }

  Status find_place() {
    LEAT_ASSIGN(const bool others, upstream_->refresh());
    if (others) LEAT_TRY(cutter_->restore(line_of(upstream_->schema())));
    std::string part = upstream_->table();
    uint64_t first = 0;
    if (upstream_->is_replaced()) {
      LEAT_ASSIGN(first, upstream_->first_number());
      part = first == 0 ? "" : fmt::format("{}#{}", part, first);
    }
    if (part == place_.part) return {};
    if (upstream_->is_replaced() && place_.next > 0 && read_version_ < 0) {
      return Status::fatal(
          fmt::format("{}: was replaced while it was read, what was read of it is not all of it; run "
                      "this pipeline again",
                      visible(origin_, 1000)));
    }
    read_version_ = -1;
    LEAT_ASSIGN(std::string made, upstream_->made());
    std::replace(made.begin(), made.end(), ' ', '_');
    place_ = {part, 0, made, 0};
    for (const Position& position : request_.resume) {
      if (part.empty() || position.part != part) continue;
      LEAT_ASSIGN(place_, place_at(position));
      LEAT_TRY(check_place(made));
    }
    return {};
  }

  // The table still has what was read of it.
  Status check_place(const std::string& made) {
    const auto gone = [&](const std::string& why) {
      return Status::fatal(fmt::format(
          "{}: {}; to go on would lose or double rows. Read it from its beginning, which takes back what was read: "
          "leat state rewind FILE PIPELINE --all",
          visible(origin_, 1000), why));
    };
    if (place_.made != made) {
      return gone(fmt::format("is another database (of {}) than the one that was read up to row {} (of {})",
                              visible(made), place_.next, visible(place_.made)));
    }
    LEAT_ASSIGN(const uint64_t next, upstream_->next_number());
    if (place_.next > next) {
      return gone(fmt::format("was read up to row {}, but has only come to row {}: an older copy was put back",
                              place_.next, next));
    }
    if (!upstream_->is_counted() || place_.next == 0) return {};
    LEAT_ASSIGN(const uint64_t rows, upstream_->rows());
    LEAT_ASSIGN(const uint64_t behind, upstream_->rows_from(place_.next));
    if (rows == place_.rows + behind) return {};
    return gone(
        fmt::format("{} rows were read of it and {} are new, but it has {}: some that were read have been "
                    "taken back",
                    place_.rows, behind, rows));
  }

  // Everything is read: the books of the upstream say how much that is.
  Status check_rows() { return place_.part.empty() || !upstream_->is_counted() ? Status() : check_place(place_.made); }

  Status take_rows() {
    const uint64_t until_ms = clock_.steady_ms() + kReadMs;
    const size_t cells = upstream_->schema().fields.size();
    Chunk chunk;
    chunk.start = place_.next;
    uint64_t rows = 0;
    LEAT_ASSIGN(const bool more, upstream_->read(place_.next, [&](const SqliteStatement& row) {
      append_row(chunk.bytes, row, cells);
      place_.next = row.number(0) + 1;
      ++rows;
      return rows < kMostRows && chunk.bytes.size() < options_.chunk_bytes &&
             (rows % kRowsBetweenLooks != 0 || clock_.steady_ms() < until_ms);
    }));
    backlog_ = 0;
    if (rows == 0) return {};
    LEAT_ASSIGN(const uint64_t next, upstream_->next_number());
    if (more) backlog_ = next - std::min(next, place_.next);
    place_.rows += rows;
    chunk.end = {place_.part, origin_, place_.next, token_of(place_)};
    waiting_chunks_.push_back(std::move(chunk));
    return {};
  }

  // What was delivered as provisional and is not so any more is undone: as a final row it has another number.
  Status undo_held() {
    const bool any = std::any_of(held_.begin(), held_.end(), [](const auto& each) { return each.second.delivered; });
    if (!any) return {};
    std::map<std::string, uint64_t> now;
    LEAT_TRY(upstream_->held_back(
        [&](const SqliteStatement& row, const std::string& part) { now[held_part(part)] = row.number(0); }));
    for (auto& [part, held] : held_) {
      const auto at = now.find(part);
      if (!held.delivered || (at != now.end() && at->second == held.number)) continue;
      move(part, held, held.number + 1);
    }
    return {};
  }

  // With `once`, at the end: what is provisional there is so here.
  Status take_held() {
    const size_t cells = upstream_->schema().fields.size();
    return upstream_->held_back([&](const SqliteStatement& row, const std::string& upstream_part) {
      const std::string part = held_part(upstream_part);
      Held& held = held_[part];
      if (held.delivered && held.number == row.number(0)) return;
      move(part, held, row.number(0));
      held.delivered = true;
      Chunk chunk;
      append_row(chunk.bytes, row, cells);
      chunk.start = held.number;
      chunk.end = {part, origin_, held.number, std::string(kHeld)};
      chunk.provisional = true;
      waiting_chunks_.push_back(std::move(chunk));
    });
  }

  // The position of `part`, without records.
  void move(const std::string& part, Held& held, uint64_t to) {
    Chunk chunk;
    chunk.start = held.number;
    chunk.end = {part, origin_, to, std::string(kNotHeld)};
    waiting_chunks_.push_back(std::move(chunk));
    held = {to, false};
  }

  const TableOptions options_;
  os::FileSystem& files_;
  os::Clock& clock_;
  Note note_;
  std::string origin_;

  SourceRequest request_;
  std::unique_ptr<Cutter> cutter_;
  std::unique_ptr<UpstreamTable> upstream_;
  Place place_;                // of the part that is read; no part: nothing is there to be read
  int64_t read_version_ = -1;  // of the database, as of which everything is read
  std::map<std::string, Held> held_;
  std::vector<Chunk> waiting_chunks_;
  std::string missing_;  // why there is no upstream
  std::string told_;
  std::atomic<uint64_t> backlog_ = 0;
};

Result<std::vector<PartOutline>> TableSource::outline() {
  PartOutline part;
  part.place = origin_;
  part.rows = true;
  const auto trouble = [&](const std::string& why) {
    part.state = PartOutline::State::trouble;
    part.why = why;
    return std::vector<PartOutline>{part};
  };
  LEAT_ASSIGN(upstream_, UpstreamTable::open(options_.upstream, files_, missing_));
  if (!upstream_) {
    part.state = PartOutline::State::awaited;
    part.why = missing_;
    return std::vector<PartOutline>{part};
  }
  LEAT_TRY(upstream_->begin());
  Status found = find_place();
  if (found.kind() == Kind::retry) found = find_place();  // the columns are known now
  const Result<uint64_t> left = found.ok() ? upstream_->rows_from(place_.next) : uint64_t{0};
  upstream_->end();
  if (found.kind() == Kind::fatal) return trouble(found.message());
  LEAT_TRY(std::move(found));
  LEAT_TRY(left.status().clone());
  part.part = place_.part;
  part.state = place_.next == 0 ? PartOutline::State::fresh : PartOutline::State::begun;
  part.offset = place_.next;
  part.left = *left;
  return std::vector<PartOutline>{part};
}

}  // namespace

std::unique_ptr<Source> make_table_source(TableOptions options, os::FileSystem& files, os::Clock& clock, Note note) {
  return std::make_unique<TableSource>(std::move(options), files, clock, std::move(note));
}

}  // namespace leat
