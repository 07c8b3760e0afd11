// Runs the cases of tests/golden/ (tests/golden/README.md says what a case is): each one as it is, with one row a
// commit, with a queue of one batch, with everything opened anew after each commit; and the program is run twice over
// the same input each time, which must change nothing.
//
//   golden_test --rewrite DIR [NAME]   writes the expected files anew

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "app/command.h"
#include "base/text.h"

namespace leat {
namespace {

namespace fs = std::filesystem;

using Files = std::map<std::string, std::string>;  // expected or found: name → content

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string replace_all(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// NULL is nothing, the empty text is "".
std::string csv_cell(sqlite3_stmt* row, int column) {
  if (sqlite3_column_type(row, column) == SQLITE_NULL) return "";
  const auto* data = static_cast<const char*>(sqlite3_column_blob(row, column));
  std::string text = visible({data == nullptr ? "" : data, static_cast<size_t>(sqlite3_column_bytes(row, column))});
  if (!text.empty() && text.find_first_of(",\"\n") == std::string::npos) return text;
  return '"' + replace_all(text, "\"", "\"\"") + '"';
}

class Database {
 public:
  explicit Database(const fs::path& path) {
    if (sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK) {
      ADD_FAILURE() << path << ": " << sqlite3_errmsg(db_);
    }
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(db_); }

  std::string csv(const std::string& sql) {
    std::string text;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      ADD_FAILURE() << sql << ": " << sqlite3_errmsg(db_);
      return text;
    }
    const int columns = sqlite3_column_count(statement);
    for (int i = 0; i < columns; ++i) text += std::string(i == 0 ? "" : ",") + sqlite3_column_name(statement, i);
    text += '\n';
    while (sqlite3_step(statement) == SQLITE_ROW) {
      for (int i = 0; i < columns; ++i) text += (i == 0 ? "" : ",") + csv_cell(statement, i);
      text += '\n';
    }
    sqlite3_finalize(statement);
    return text;
  }

  std::vector<std::string> list(const std::string& sql) {
    std::vector<std::string> found;
    std::istringstream lines(csv(sql));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) found.push_back(line);
    return found;
  }

 private:
  sqlite3* db_ = nullptr;
};

// What the database holds, in an order that does not depend on how it came in. Names of parts begin with the folder
// of the case, which is left out.
Files tables_of(const fs::path& database, const std::string& folder) {
  Files found;
  Database db(database);
  const std::string part = "replace(p.name, '" + folder + "', '') AS part";
  for (const std::string& pipeline : db.list("SELECT pipeline FROM _leat_pipelines ORDER BY pipeline")) {
    const std::string of_pipeline = " WHERE pipeline = '" + pipeline + "'";
    std::string sql = "SELECT ";
    for (const std::string& column : db.list("SELECT name FROM _leat_columns" + of_pipeline + " ORDER BY ordinal")) {
      sql += "t.\"" + column + "\", ";
    }
    const std::string table = db.list("SELECT table_name FROM _leat_pipelines" + of_pipeline).at(0);
    found["rows.csv"] += db.csv(sql + "t._offset, " + part + " FROM \"" + table +
                                "\" t JOIN _leat_parts p ON p.part = t._part ORDER BY p.name, t._offset, t._row");
  }
  found["rejects.csv"] =
      db.csv("SELECT r.byte_offset, r.line, r.column_name, r.reason, r.raw, r.raw_length, " + part +
             " FROM _leat_rejects r JOIN _leat_parts p ON p.part = r.part ORDER BY p.name, r.byte_offset, r.reject");
  for (const std::string& name : db.list("SELECT aggregate FROM _leat_aggregates")) {
    std::string keys;
    for (const std::string& key :
         db.list("SELECT name FROM _leat_aggregate_columns WHERE role = 'by' AND aggregate = '" + name +
                 "' ORDER BY ordinal")) {
      keys += (keys.empty() ? " ORDER BY \"" : ", \"") + key + '"';
    }
    found[name + ".csv"] = db.csv("SELECT * FROM \"" + name + "\"" + keys);
  }
  return found;
}

struct Setting {
  const char* name;
  app::TestOverrides overrides;
};

std::vector<Setting> settings() {
  std::vector<Setting> all(4);
  all[0].name = "as_is";
  all[1].name = "one_row";
  all[1].overrides.chunk_bytes = 1;
  all[1].overrides.commit_rows = 1;
  all[2].name = "queue_of_one";
  all[2].overrides.queue_batches = 1;
  all[2].overrides.chunk_bytes = 300;
  all[3].name = "restarts";
  all[3].overrides.restart_after_each_commit = true;
  all[3].overrides.chunk_bytes = 200;
  all[3].overrides.commit_rows = 1;
  return all;
}

// Steps of a case: in/, then in2/, in3/ … are written over it.
std::vector<fs::path> steps_of(const fs::path& where) {
  std::vector<fs::path> steps;
  if (fs::is_directory(where / "in")) steps.push_back(where / "in");
  for (int i = 2; fs::is_directory(where / ("in" + std::to_string(i))); ++i) {
    steps.push_back(where / ("in" + std::to_string(i)));
  }
  return steps;
}

// A folder that goes when the case is done. Its name is of fixed length: offsets and carets may depend on it.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "leat-golden-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make " << name;
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome call(const std::vector<std::string>& arguments, const app::TestOverrides& overrides) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = app::run_command(arguments, {.out = out, .err = err, .stop = {}, .overrides = overrides});
  return {status, out.str(), err.str()};
}

// Overwrites in place, so that a file keeps its inode, and files of later steps are younger.
void lay_over(const fs::path& from, const fs::path& to) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const fs::path target = to / fs::relative(file, from);
    fs::create_directories(target.parent_path());
    std::ofstream(target, std::ios::binary) << read_file(file);
  }
}

Files run_case(const fs::path& where, const Setting& setting) {
  Files found;
  const Folder folder;
  fs::copy_file(where / "pipeline.toml", folder.path() / "pipeline.toml");
  const std::string config = (folder.path() / "pipeline.toml").string();
  const fs::path database = folder.path() / "out.db";
  for (const fs::path& step : steps_of(where)) {
    lay_over(step, folder.path() / "in");
    const Outcome first = call({"run", config, "--once"}, setting.overrides);
    if (first.status != 0) {
      found["error"] = replace_all(first.err, folder.path().string() + "/", "") + "exit status " +
                       std::to_string(first.status) + "\n";
    }
    if (!first.out.empty()) {
      found["stdout"] = first.out;
      EXPECT_EQ(call({"run", config, "--once"}, setting.overrides).out, first.out)
          << "a second run says something else";
    }
    if (!fs::exists(database)) continue;
    const Outcome proof = call({"verify", database.string()}, {});
    EXPECT_EQ(proof.status, 0) << proof.out << proof.err;
    Files tables = tables_of(database, folder.path().string() + "/in/");
    const Outcome again = call({"run", config, "--once"}, setting.overrides);
    EXPECT_EQ(again.status, first.status) << again.err;
    const Files unchanged = tables_of(database, folder.path().string() + "/in/");
    EXPECT_EQ(tables, unchanged) << "a second run over the same input changed something";
    for (auto& [name, text] : tables) found[name] = std::move(text);
  }
  return found;
}

Files expected_of(const fs::path& where) {
  Files expected;
  for (const auto& entry : fs::directory_iterator(where)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && (entry.path().extension() == ".csv" || name == "error" || name == "stdout")) {
      expected[name] = read_file(entry.path());
    }
  }
  return expected;
}

std::vector<fs::path> cases_in(const fs::path& where) {
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(where)) {
    if (entry.is_directory()) cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

class GoldenCase : public testing::Test {
 public:
  GoldenCase(fs::path where, Setting setting) : where_(std::move(where)), setting_(std::move(setting)) {}

  void TestBody() override {
    Files expected = expected_of(where_);
    Files found = run_case(where_, setting_);
    // Notes on the way may differ with the setting; what failed may not.
    if (std::string(setting_.name) != "as_is") {
      for (Files* files : {&expected, &found}) {
        if (files->contains("error")) (*files)["error"] = last_lines((*files)["error"]);
      }
    }
    for (const auto& [name, text] : found) {
      if (!expected.contains(name)) {
        ADD_FAILURE() << where_ / name << " is missing (script/test --rewrite-golden writes it); found:\n" << text;
      } else {
        EXPECT_EQ(expected[name], text) << where_ / name;
      }
    }
    for (const auto& [name, text] : expected) {
      EXPECT_TRUE(found.contains(name)) << where_ / name << " is expected, but there is no such result";
    }
    EXPECT_FALSE(found.empty()) << where_ << " has no result at all; is there an in/ folder?";
  }

 private:
  static std::string last_lines(const std::string& text) {
    size_t at = text.size();
    for (int i = 0; i < 3 && at != std::string::npos && at > 0; ++i) at = text.rfind('\n', at - 1);
    return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
  }

  fs::path where_;
  Setting setting_;
};

int rewrite(const fs::path& where, const std::string& only) {
  for (const fs::path& path : cases_in(where)) {
    if (!only.empty() && path.filename() != only) continue;
    for (const auto& [name, text] : expected_of(path)) fs::remove(path / name);
    for (const auto& [name, text] : run_case(path, settings()[0])) std::ofstream(path / name, std::ios::binary) << text;
    std::cout << "rewritten: " << path.filename().string() << '\n';
  }
  return testing::Test::HasFailure() ? 1 : 0;
}

}  // namespace
}  // namespace leat

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc >= 3 && std::string(argv[1]) == "--rewrite") return leat::rewrite(argv[2], argc > 3 ? argv[3] : "");
  for (const leat::fs::path& path : leat::cases_in(LEAT_GOLDEN_DIR)) {
    for (const leat::Setting& setting : leat::settings()) {
      testing::RegisterTest("golden", (path.filename().string() + "." + setting.name).c_str(), nullptr, nullptr,
                            __FILE__, __LINE__,
                            [=]() -> testing::Test* { return new leat::GoldenCase(path, setting); });
    }
  }
  return RUN_ALL_TESTS();
}
