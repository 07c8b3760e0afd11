#pragma once

// The columns of a CSV decoder: what its configuration, its files' headers and its first records say of them
// (docs/formats/csv.md §3). Shared by a decoder and its cutters; any thread.

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/schema.h"
#include "decoders/csv.h"
#include "flow/note.h"

namespace leat {

// Names in one line of printable text, and back; nothing when it is not such a text.
std::string join_names(const std::vector<std::string>& names);
std::optional<std::vector<std::string>> split_names(std::string_view joined);

class CsvColumns {
 public:
  CsvColumns(CsvOptions options, Note note);

  [[nodiscard]] const CsvOptions& options() const { return options_; }
  // Null when the first file has to say it.
  [[nodiscard]] SchemaPtr schema() const;
  // The column of a schema that takes what a file's column of this name holds; nothing when none does.
  [[nodiscard]] std::optional<size_t> find(std::string_view name, const Schema& schema) const;
  // The names of a header's columns as they are used: none is empty, none is there twice.
  [[nodiscard]] std::vector<std::string> header_names(const CsvReader& header) const;
  [[nodiscard]] std::string save() const;
  Status restore(std::string_view saved);

  // A file has these names, and `records` are its first ones, in whole; `enough` of them to guess by. ok: the schema
  // has a column for all that is to be taken. false: more records are needed. retry: it has one now. bad_config: the
  // file cannot be taken.
  Result<bool> take_header(const std::string& origin, const std::vector<std::string>& names, std::string_view records,
                           bool enough);

 private:
  Status check_declared(const std::string& origin, const std::vector<std::string>& names) const;
  void tell_to_wait(const std::string& origin, std::string_view name);
  void make_schema();

  const CsvOptions options_;
  const Note note_;
  mutable std::mutex mutex_;   // guards the following
  std::vector<Field> fields_;  // without row_number and raw_log
  SchemaPtr schema_;
  std::set<std::string> told_;  // origins that were told to wait
};

// How many records, and of how many bytes, types are guessed by.
constexpr uint64_t kCsvGuessRecords = 1000;
constexpr size_t kCsvGuessBytes = size_t{256} * 1024;

}  // namespace leat
