#pragma once

// In which folder a row's file stands (docs/formats/files-sink.md §1). Made by a sink of type `files`; one thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/record_batch.h"

namespace leat {

// In the root; no folder of rows is called so.
constexpr std::string_view kBooksFolder = "_leat";

// The folder before the first placeholder.
std::string files_root(const std::string& path);

// A cell as a part of a folder's name.
std::string folder_name_of(std::string_view cell);

class FilesPath {
 public:
  // `time`: the column of {day} and its like; empty: the first one of type time. bad_config: a placeholder that is
  // none.
  static Result<FilesPath> make(const std::string& path, const std::string& time, const std::string& table,
                                const Schema& schema);

  // The folder below the root; "" is the root itself. bad_data: cells that no folder can be named by.
  Status folder(const RecordBatch& batch, size_t row, std::string& out) const;
  [[nodiscard]] bool same_for_all() const { return same_for_all_; }

 private:
  struct Piece {
    std::string text;              // as it is, when there is no column
    std::optional<size_t> column;  // of the schema
    size_t time_digits = 0;        // of "2026-11-23T07"; 0: the cell itself
  };
  std::vector<Piece> pieces_;
  bool same_for_all_ = true;
};

}  // namespace leat
