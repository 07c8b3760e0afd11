#include "sinks/files_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "data/row_line.h"
#include "os/file_system.h"
#include "os/output_file.h"
#include "sinks/files_path.h"

namespace leat {
namespace {

bool exists(const Result<std::optional<os::FileInfo>>& info) {
  return info.ok() && info->has_value();
}

// "access_log-00000012.csv", with what may stand behind it: of no other table, whatever its name.
bool is_name_of(std::string_view name, std::string_view table) {
  if (!name.starts_with(table)) return false;
  name.remove_prefix(table.size());
  if (!name.starts_with('-')) return false;
  name.remove_prefix(1);
  const size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  name.remove_prefix(digits);
  return digits >= 8 && name.starts_with('.') && name.find('-') == std::string_view::npos;
}

Status delete_unknown(const std::string& folder, const std::string& below, const std::string& table,
                      const std::set<std::string, std::less<>>& known) {
  LEAT_ASSIGN(const std::vector<std::string> names, os::file_system().list(folder));
  const bool is_root = std::find(names.begin(), names.end(), kBooksFolder) != names.end();
  if (!below.empty() && is_root) return {};  // of another sink
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    const std::string relative = below + name;
    LEAT_ASSIGN(const auto info, os::file_system().info(path, os::Links::refuse));
    if (!info) continue;
    if (info->directory) {
      if (name != kBooksFolder) LEAT_TRY(delete_unknown(path, relative + "/", table, known));
    } else if (info->regular && is_name_of(name, table) && known.find(relative) == known.end()) {
      LEAT_TRY(os::remove_file(path));
    }
  }
  return {};
}

}  // namespace

Status make_files_tables(const SqliteDatabase& db) {
  return db.execute(
      "CREATE TABLE IF NOT EXISTS _leat_files(file INTEGER NOT NULL, pipeline TEXT NOT NULL, path TEXT NOT NULL, "
      "rows INTEGER NOT NULL, bytes INTEGER NOT NULL, hash TEXT NOT NULL, born_at_ms INTEGER NOT NULL, "
      "closed INTEGER NOT NULL, provisional INTEGER NOT NULL, PRIMARY KEY(pipeline, file)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS _leat_file_tables(pipeline TEXT PRIMARY KEY NOT NULL, columns TEXT NOT NULL, "
      "next_file INTEGER NOT NULL) WITHOUT ROWID");
}

Result<FilesOfTable> read_files(const SqliteDatabase& db, const std::string& pipeline) {
  FilesOfTable found;
  LEAT_ASSIGN(SqliteStatement table, db.prepare("SELECT columns, next_file FROM _leat_file_tables WHERE pipeline = ?"));
  table.with(std::string_view(pipeline));
  LEAT_ASSIGN(const bool known, table.step());
  if (!known) return found;
  LEAT_ASSIGN(found.columns, schema_of(table.text(0)));
  found.next_file = table.integer(1);
  LEAT_ASSIGN(SqliteStatement select,
              db.prepare("SELECT file, path, rows, bytes, hash, born_at_ms, closed, provisional "
                         "FROM _leat_files WHERE pipeline = ? ORDER BY file"));
  select.with(std::string_view(pipeline));
  for (;;) {
    LEAT_ASSIGN(const bool row, select.step());
    if (!row) return found;
    found.files.push_back({select.integer(0), select.string(1), select.number(2), select.number(3), select.string(4),
                           select.integer(5), select.integer(6) != 0, select.integer(7) != 0});
  }
}

Status keep_file(const SqliteDatabase& db, const std::string& pipeline, const ListedFile& file) {
  LEAT_ASSIGN(SqliteStatement insert,
              db.prepare("INSERT OR REPLACE INTO _leat_files VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  return insert
      .with(file.number, std::string_view(pipeline), std::string_view(file.path), file.rows, file.bytes,
            std::string_view(file.hash), file.born_at_ms, static_cast<int64_t>(file.closed ? 1 : 0),
            static_cast<int64_t>(file.provisional ? 1 : 0))
      .run();
}

Status forget_file(const SqliteDatabase& db, const std::string& pipeline, int64_t number) {
  LEAT_ASSIGN(SqliteStatement remove, db.prepare("DELETE FROM _leat_files WHERE pipeline = ? AND file = ?"));
  return remove.with(std::string_view(pipeline), number).run();
}

Status keep_file_table(const SqliteDatabase& db, const std::string& pipeline, const Schema& columns,
                       int64_t next_file) {
  LEAT_ASSIGN(SqliteStatement insert, db.prepare("INSERT OR REPLACE INTO _leat_file_tables VALUES(?, ?, ?)"));
  const std::string line = line_of(columns);
  return insert.with(std::string_view(pipeline), std::string_view(line), next_file).run();
}

Status complete_file(const std::string& root, const std::string& path) {
  const std::string to = root + "/" + path;
  LEAT_TRY(os::rename_file(to + std::string(kPart), to));
  return os::sync_directory(to.substr(0, to.rfind('/')));
}

Status settle_files(const std::string& root, const std::string& table, const std::vector<ListedFile>& files) {
  std::set<std::string, std::less<>> known;
  for (const ListedFile& file : files) {
    const std::string final_path = root + "/" + file.path;
    const std::string part = final_path + std::string(kPart);
    const bool is_part = exists(os::file_system().info(part, os::Links::refuse));
    const bool is_final = exists(os::file_system().info(final_path, os::Links::refuse));
    if (file.closed && is_part && !is_final) {
      LEAT_TRY(complete_file(root, file.path));
    } else if (file.closed ? !is_final : !is_part) {
      return Status::fatal(fmt::format("{}: is gone, though {} rows were written to it; put the file back",
                                       visible(file.closed ? final_path : part), with_commas(file.rows)));
    }
    known.insert(file.closed ? file.path : file.path + std::string(kPart));
  }
  return delete_unknown(root, "", folder_name_of(table), known);
}

}  // namespace leat
