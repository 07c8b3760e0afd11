#pragma once

// Which files of a sink of type `files` count: its tables in the books (docs/formats/files-sink.md §3), and what of it
// is on disk. Used by the sink and its store; one thread.

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "data/schema.h"
#include "db/sqlite.h"

namespace leat {

struct ListedFile {
  int64_t number = 0;
  std::string path;  // below the root, without ".part"
  uint64_t rows = 0;
  uint64_t bytes = 0;
  std::string hash;
  int64_t born_at_ms = 0;
  bool closed = false;       // nothing more is added
  bool provisional = false;  // of one row, which may be undone
};

struct FilesOfTable {
  Schema columns;  // of all files together
  int64_t next_file = 1;
  std::vector<ListedFile> files;  // by number
};

Status make_files_tables(const SqliteDatabase& db);
// Nothing is known of the pipeline: no columns, no files.
Result<FilesOfTable> read_files(const SqliteDatabase& db, const std::string& pipeline);
Status keep_file(const SqliteDatabase& db, const std::string& pipeline, const ListedFile& file);
Status forget_file(const SqliteDatabase& db, const std::string& pipeline, int64_t number);
Status keep_file_table(const SqliteDatabase& db, const std::string& pipeline, const Schema& columns, int64_t next_file);

constexpr std::string_view kPart = ".part";

// Files below `root` that are called as those of `table` are and that no line of `files` names are deleted, complete
// ones get their final names. fatal: one is gone.
Status settle_files(const std::string& root, const std::string& table, const std::vector<ListedFile>& files);
// One complete file gets its final name.
Status complete_file(const std::string& root, const std::string& path);

}  // namespace leat
