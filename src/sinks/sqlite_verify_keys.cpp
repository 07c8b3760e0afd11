#include <fmt/format.h>

#include "base/hash.h"
#include "base/text.h"
#include "sinks/sqlite_verify.h"

namespace leat {
namespace {

// What was read of a table or of its index: as many, and the same, when both numbers agree.
struct Entries {
  uint64_t count = 0;
  uint64_t digest = 0;
};

// The cells of a key and the row's number, in a form in which only the same ones are the same.
void encode(const SqliteStatement& row, std::string& key) {
  key.clear();
  for (int at = 0; at + 1 < row.columns(); ++at) {
    const std::string_view text = row.text(at);
    key += fmt::format("{}:{}:", row.type(at), text.size());
    key += text;
  }
}

class KeyCheck {
 public:
  KeyCheck(const SqliteDatabase& db, std::string table, std::string index, std::vector<std::string>& problems)
      : db_(db), table_(std::move(table)), index_(std::move(index)), problems_(problems) {}

  Status run() {
    LEAT_ASSIGN(const bool usable, find_columns());
    if (!usable) return {};
    LEAT_ASSIGN(const Entries rows, read("NOT INDEXED", false));
    LEAT_ASSIGN(const Entries entries, read("INDEXED BY " + sql_name(index_), true));
    if (rows.count != entries.count) {
      problem(fmt::format("has {} entries for {} rows", entries.count, rows.count));
    } else if (rows.digest != entries.digest) {
      problem("has entries that are not those of the rows");
    }
    if (doubled_ > 0) problem(fmt::format("{} rows have a key that another one has", doubled_));
    if (nulls_ > 0) problem(fmt::format("{} rows have no value in a column of the key", nulls_));
    return {};
  }

 private:
  void problem(const std::string& what) {
    problems_.push_back(fmt::format("table {}, index {}: {}", quoted(table_), quoted(index_), what));
  }

  // False: there is no index that could hold the key together.
  Result<bool> find_columns() {
    LEAT_ASSIGN(SqliteStatement select,
                db_.prepare("SELECT l.\"unique\" AND NOT l.partial, i.name FROM pragma_index_list(?) AS l, "
                            "pragma_index_info(l.name) AS i WHERE l.name = ? ORDER BY i.seqno"));
    select.with(std::string_view(table_), std::string_view(index_));
    bool unique = true;
    for (;;) {
      LEAT_ASSIGN(const bool found, select.step());
      if (!found) break;
      unique = unique && select.integer(0) != 0 && !select.is_null(1);
      columns_ += (columns_.empty() ? "" : ", ") + sql_name(select.text(1));
    }
    if (columns_.empty()) {
      problem("is gone, so nothing keeps rows with the same key apart");
    } else if (!unique) {
      problem("is not one that keeps rows with the same key apart");
    }
    return !columns_.empty() && unique;
  }

  Result<Entries> read(const std::string& by, bool in_order) {
    LEAT_ASSIGN(SqliteStatement select,
                db_.prepare(fmt::format("SELECT {}, _row FROM {} {}{}", columns_, sql_name(table_), by,
                                        in_order ? " ORDER BY " + columns_ : "")));
    Entries entries;
    std::string key;
    std::string before;
    for (;;) {
      LEAT_ASSIGN(const bool found, select.step());
      if (!found) return entries;
      for (int at = 0; in_order && at + 1 < select.columns(); ++at) nulls_ += select.is_null(at) ? 1 : 0;
      encode(select, key);
      if (in_order && entries.count > 0 && key == before) ++doubled_;
      entries.digest += mix64(hash64(key, select.number(select.columns() - 1)));
      ++entries.count;
      before.swap(key);
    }
  }

  const SqliteDatabase& db_;
  const std::string table_;
  const std::string index_;
  std::vector<std::string>& problems_;
  std::string columns_;
  uint64_t doubled_ = 0;
  uint64_t nulls_ = 0;
};

}  // namespace

Status verify_sqlite_keys(const SqliteDatabase& db, const std::string& table, WriteMode mode,
                          std::vector<std::string>& problems) {
  LEAT_TRY(KeyCheck(db, table, "_leat_key_" + table, problems).run());
  return mode == WriteMode::merge ? KeyCheck(db, table, "_leat_revision_" + table, problems).run() : Status();
}

}  // namespace leat
