#pragma once

// Rows as files in folders; docs/formats/files-sink.md has the layout and its invariants. Who calls what: flow/sink.h,
// flow/store.h.

#include <memory>
#include <string>

#include "flow/note.h"
#include "flow/sink.h"
#include "flow/store.h"
#include "os/clock.h"
#include "sinks/data_file.h"

namespace leat {

struct FilesOptions {
  std::string path;  // with placeholders in braces
  std::string time;  // the column of {day}; empty: the first one of type time
  const FileFormat* format = &kCsvFiles;
  std::string compression;                    // FileMaking
  uint64_t memory_bytes = 256 * 1024 * 1024;  // FileMaking
  uint64_t max_rows = 1'000'000;
  uint64_t max_bytes = 128 * 1024 * 1024;
  uint64_t max_age_ms = 3'600'000;
};

// Of a sink with that path.
std::string files_books_path(const std::string& path);

// bad_config: files cannot take what this pipeline brings.
Status check_files_plan(const SinkPlan& plan);

std::unique_ptr<Sink> make_files_sink(FilesOptions options, os::Clock& clock, Note note);

// bad_config: nothing was written there.
Result<std::unique_ptr<Store>> open_files_store(const std::string& path);

}  // namespace leat
