#pragma once

// The rows of another pipeline's table that an HTTP API is asked about, one request or more for each
// (docs/formats/http-source.md, "Children of a table"). Owned by a source; its thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "os/clock.h"
#include "os/file_system.h"
#include "sources/http_window.h"
#include "sources/upstream_table.h"

namespace leat {

// "{hosts.id}" in a text.
struct ParentPlace {
  size_t begin = 0;
  size_t end = 0;  // behind the brace
  std::string_view pipeline;
  std::string_view column;
};
// In their order. Braces around anything else are text.
std::vector<ParentPlace> parent_places(std::string_view text);

struct ParentRules {
  UpstreamOptions upstream;  // its columns: those in places, and behind them `added`
  size_t added = 0;          // columns that each child record gets
  uint64_t block = 100;      // rows in a window
  // Somebody of this run still fills the table. Empty: nobody does.
  std::function<bool()> more_may_come;
};

struct ParentRow {
  uint64_t number = 0;
  std::vector<std::pair<std::string, std::optional<std::string>>> cells;  // by column, of those in places
  std::string added;                                                      // cells as of data/row_line.h
};

// `text` with the row's values in its places, percent-encoded in a URL. bad_data: one is NULL; the message names it.
Result<std::string> filled(std::string_view text, const ParentRow& row, bool in_url);

class HttpParents {
 public:
  HttpParents(ParentRules rules, os::FileSystem& files, os::Clock& clock)
      : rules_(std::move(rules)), files_(files), clock_(clock) {}

  // The next rows behind `last`: a whole block, or fewer when nobody adds any now; nothing: there are none yet.
  // fatal: the table is not any more what `last` was made of, or, with `once`, it is not there and nobody makes it.
  Result<std::optional<Window>> next_block(const std::optional<Window>& last, bool once);
  // Why there is no table; empty: there is one.
  [[nodiscard]] const std::string& missing() const { return missing_; }
  // Nothing more will come, as of the last next_block() with `once`.
  [[nodiscard]] bool ended() const { return ended_; }
  // The first row with a number of [from, until]; nothing: they have gone.
  Result<std::optional<ParentRow>> row(uint64_t from, uint64_t until);

 private:
  struct Block {
    uint64_t rows = 0;
    uint64_t last = 0;  // number of a row
  };
  Result<bool> look();
  Result<Block> count_block(uint64_t from);
  Result<std::string> stamp(const std::optional<Window>& last, uint64_t rows);
  Status check(const Window& last, const std::string& made);

  const ParentRules rules_;
  os::FileSystem& files_;
  os::Clock& clock_;
  std::unique_ptr<UpstreamTable> table_;
  std::string missing_;  // why there is none
  bool ended_ = false;
  uint64_t next_look_ms_ = 0;
  uint64_t seen_ = 0;  // the last row of a block that is not full
  uint64_t seen_since_ms_ = 0;
};

}  // namespace leat
