#include "config/options.h"

#include <gtest/gtest.h>

#include <array>

#include "config/secrets.h"
#include "config/toml.h"

namespace leat {
namespace {

std::vector<std::string_view> colours() {
  return {"red", "green"};
}

constexpr std::array<Option, 2> kInner{{
    {.name = "rows", .type = OptionType::integer, .standard = "32768", .help = "so many"},
    {.name = "every", .type = OptionType::duration, .standard = "1s", .help = "so long"},
}};
constexpr std::array<Option, 1> kTyped{{
    {.name = "type", .type = OptionType::choice, .choices = colours, .help = "of the column"},
}};
constexpr std::array<Option, 2> kPathTyped{{
    {.name = "path", .may_be_empty = true, .help = "where it is"},
    {.name = "type", .type = OptionType::choice, .choices = colours, .help = "of the column"},
}};
constexpr std::array<Option, 16> kOptions{{
    {.name = "table", .type = OptionType::text, .help = "a text"},
    {.name = "path", .type = OptionType::path, .required = true, .help = "where it is"},
    {.name = "include", .type = OptionType::paths, .help = "paths"},
    {.name = "key", .type = OptionType::names, .may_be_empty = true, .help = "names"},
    {.name = "rename", .type = OptionType::texts, .help = "texts by name"},
    {.name = "tables", .type = OptionType::tables, .help = "by name"},
    {.name = "steps", .type = OptionType::transforms, .help = "tables with a type"},
    {.name = "size", .type = OptionType::size, .standard = "1MiB", .help = "a size"},
    {.name = "colour", .type = OptionType::choice, .standard = "red", .choices = colours, .help = "a colour"},
    {.name = "raw", .type = OptionType::boolean, .standard = "true", .help = "a switch"},
    {.name = "by", .type = OptionType::expressions, .help = "keys"},
    {.name = "commit", .type = OptionType::section, .inner = kInner, .help = "when"},
    {.name = "rules", .type = OptionType::sections, .inner = kInner, .help = "several"},
    {.name = "format", .type = OptionType::format, .help = "a format"},
    {.name = "columns", .type = OptionType::columns, .inner = kTyped, .help = "columns"},
    {.name = "paths", .type = OptionType::columns, .inner = kPathTyped, .help = "columns with a path"},
}};

struct Checked {
  Settings settings;
  std::string errors;
};

Checked check(const std::string& text) {
  Complaints complaints("f.toml", text);
  const Value root = parse_toml(text, complaints);
  const CheckRequest request{root, {1, 1, 1}, kOptions, "sink 'sqlite'", "/etc/leat", true};
  Settings settings = check_options(request, complaints);
  return {settings, complaints.text()};
}

TEST(Options, GoodOnesAreRead) {
  const Checked c = check(
      "type = 'x'\ntable = 't'\npath = '../a.db'\ninclude = 'logs/*.log'\nsize = '2KiB'\ncolour = 'green'\nraw = "
      "false\n"
      "by = { day = 'day(time)', status = 'status' }\ncommit = { rows = 5 }\n");
  EXPECT_EQ(c.errors, "");
  EXPECT_EQ(c.settings.text("table"), "t");
  EXPECT_EQ(c.settings.text("path"), "/etc/a.db");
  EXPECT_EQ(c.settings.texts("include"), std::vector<std::string>{"/etc/leat/logs/*.log"});
  EXPECT_EQ(c.settings.bytes("size"), 2048U);
  EXPECT_EQ(c.settings.text("colour"), "green");
  EXPECT_FALSE(c.settings.boolean("raw"));
  EXPECT_EQ(c.settings.find("by")->entries.at(0).key, "day");
  EXPECT_EQ(c.settings.section("commit").integer("rows"), 5U);
  EXPECT_EQ(c.settings.section("commit").milliseconds("every"), 1000U);
}

TEST(Options, ListsOfTablesAreChecked) {
  const Checked c = check("path = '/x'\nrules = [ { rows = 1 }, { every = '2s' } ]\n");
  EXPECT_EQ(c.errors, "");
  const auto rules = c.settings.sections("rules");
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[0].integer("rows"), 1U);
  EXPECT_EQ(rules[1].milliseconds("every"), 2000U);
  EXPECT_EQ(check("path = 'x'\nrules = { rows = 1 }").errors,
            "f.toml:2:9: 'rules' of sink 'sqlite' must be a list of tables [ { … }, … ], not a table\n"
            "  rules = { rows = 1 }\n          ^~~~~~~~~~~~");
  EXPECT_EQ(check("path = 'x'\nrules = [ { rows = 1 }, { row = 1 } ]").errors,
            "f.toml:2:27: unknown option 'row' of 'rules' 2 of sink 'sqlite' (did you mean 'rows'?)\n"
            "  rules = [ { rows = 1 }, { row = 1 } ]\n                            ^~~");
}

TEST(Options, SecretsAreKnown) {
  Complaints complaints("f.toml", "");
  Value root = parse_toml(
      "path = 'a${env:X}b${env:Y}'\ncommit = { every = '${env:T}s' }\nkey = ['k', '${env:Z}']\ntable = 't'\n",
      complaints);
  put_secrets(
      root,
      [](const std::string&, const std::string& name) -> Result<std::string> { return name == "T" ? "7" : name + "1"; },
      complaints);
  const Settings settings = check_options({root, {}, kOptions, "sink 'sqlite'", "/"}, complaints);
  EXPECT_EQ(complaints.text(), "");
  EXPECT_EQ(settings.secrets(), (std::vector<std::string>{"X1", "Y1", "7", "Z1"}));
  EXPECT_EQ(settings.section("commit").secrets(), std::vector<std::string>{"7"});
}

TEST(Options, AbsentOnesHaveTheirStandardValue) {
  const Checked c = check("path = '/x'\n");
  EXPECT_EQ(c.errors, "");
  EXPECT_EQ(c.settings.bytes("size"), 1U << 20);
  EXPECT_EQ(c.settings.text("colour"), "red");
  EXPECT_TRUE(c.settings.boolean("raw"));
  EXPECT_FALSE(c.settings.has("raw"));
  EXPECT_EQ(c.settings.section("commit").integer("rows"), 32768U);
}

TEST(Options, EveryErrorIsToldAtOnce) {
  const Checked c = check("tabel = 't'\nsize = 12\ncolour = 'gren'\nraw = 'yes'\ncommit = { row = 1, every = '1' }\n");
  EXPECT_EQ(c.errors,
            "f.toml:1:1: unknown option 'tabel' of sink 'sqlite' (did you mean 'table'?)\n  tabel = 't'\n  ^~~~~\n"
            "f.toml:1:1: sink 'sqlite' needs 'path': where it is\n  tabel = 't'\n  ^\n"
            "f.toml:2:8: 'size' of sink 'sqlite' must be a size such as \"64MiB\", not an integer\n"
            "  size = 12\n         ^~\n"
            "f.toml:3:10: unknown value 'gren' for 'colour' of sink 'sqlite' (did you mean 'green'?)\n"
            "  colour = 'gren'\n           ^~~~~~\n"
            "f.toml:4:7: 'raw' of sink 'sqlite' must be true or false, not 'yes'\n  raw = 'yes'\n        ^~~~~\n"
            "f.toml:5:12: unknown option 'row' of 'commit' of sink 'sqlite' (did you mean 'rows'?)\n"
            "  commit = { row = 1, every = '1' }\n             ^~~\n"
            "f.toml:5:29: 'every' of 'commit' of sink 'sqlite' must be a duration such as \"250ms\", \"1s\" or \"5m\", "
            "not '1'\n"
            "  commit = { row = 1, every = '1' }\n                              ^~~");
}

TEST(Options, NumbersAndListsAreChecked) {
  EXPECT_EQ(check("path = ''").errors, "f.toml:1:8: 'path' of sink 'sqlite' is empty\n  path = ''\n         ^~");
  EXPECT_EQ(check("path = 'x'\ninclude = []").errors,
            "f.toml:2:11: 'include' of sink 'sqlite' is empty\n  include = []\n            ^~");
  EXPECT_EQ(check("path = 'x'\ninclude = ['a', 1]").errors,
            "f.toml:2:17: 'include' of sink 'sqlite' must be a list of paths in quotes, not an integer\n"
            "  include = ['a', 1]\n                  ^");
  EXPECT_EQ(check("path = 'x'\ncommit = { rows = 0 }").errors,
            "f.toml:2:19: 'rows' of 'commit' of sink 'sqlite' must be at least 1, not 0\n"
            "  commit = { rows = 0 }\n                    ^");
}

TEST(Options, ListsOfNames) {
  EXPECT_EQ(check("path = 'x'\nkey = 'id'").settings.texts("key"), std::vector<std::string>{"id"});
  EXPECT_EQ(check("path = 'x'\nkey = ['a', 'b']").settings.texts("key"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(check("path = 'x'\nkey = []").errors, "");
  EXPECT_EQ(check("path = 'x'\nkey = ['a', '']").errors,
            "f.toml:2:13: 'key' of sink 'sqlite': a name is empty\n  key = ['a', '']\n              ^~");
  EXPECT_EQ(check("path = 'x'\nkey = [1]").errors,
            "f.toml:2:8: 'key' of sink 'sqlite' must be a list of names in quotes, not an integer\n"
            "  key = [1]\n         ^");
  EXPECT_EQ(check("path = 'x'\nkey = 1").errors,
            "f.toml:2:7: 'key' of sink 'sqlite' must be a name in quotes or a list of them, not an integer\n"
            "  key = 1\n        ^");
}

TEST(Options, TextsByName) {
  const auto checked = check("path = 'x'\nrename = { b = 'c', a = 'b' }");
  EXPECT_EQ(checked.errors, "");
  const Value* const renamed = checked.settings.find("rename");
  ASSERT_NE(renamed, nullptr);
  ASSERT_EQ(renamed->entries.size(), 2U);
  EXPECT_EQ(renamed->entries[0].key, "b");
  EXPECT_EQ(renamed->entries[1].value.text, "b");
  EXPECT_EQ(check("path = 'x'\nrename = {}").errors,
            "f.toml:2:10: 'rename' of sink 'sqlite' is empty\n  rename = {}\n           ^~");
  EXPECT_EQ(check("path = 'x'\nrename = { a = '' }").errors,
            "f.toml:2:16: 'a' of sink 'sqlite' must be text in quotes, not empty\n  rename = { a = '' }\n"
            "                 ^~");
}

TEST(Options, TablesByNameAreForTheirOwner) {
  EXPECT_EQ(
      check("path = 'x'\ntables = 1").errors,
      "f.toml:2:10: 'tables' of sink 'sqlite' must be a table of tables, not an integer\n  tables = 1\n           ^");
}

TEST(Options, TablesWithATypeAreForTheirOwner) {
  EXPECT_EQ(check("path = 'x'\nsteps = [ { type = 'a', b = 1 } ]").settings.find("steps")->items.size(), 1U);
  EXPECT_EQ(check("path = 'x'\nsteps = [ { type = 'a' }, 1 ]").errors,
            "f.toml:2:27: 'steps' of sink 'sqlite' must be a list of tables [ { type = … }, … ], not an integer\n"
            "  steps = [ { type = 'a' }, 1 ]\n                            ^");
}

TEST(Options, AnExpressionIsMarkedWhereItIsWrong) {
  EXPECT_EQ(check("path = 'x'\nby = { day = 'dya(time)' }").errors,
            "f.toml:2:15: 'day' of sink 'sqlite': unknown function 'dya' at character 1 (did you mean 'day'?)\n"
            "  by = { day = 'dya(time)' }\n                ^");
  EXPECT_EQ(check("path = 'x'\nby = { day = 'day(time' }").errors,
            "f.toml:2:23: 'day' of sink 'sqlite': expected ',' or ')' at character 9, where the expression ends\n"
            "  by = { day = 'day(time' }\n                        ^");
}

TEST(Options, ColumnsKeepTheirOrder) {
  const Checked c = check(
      "path = 'x'\ncolumns = ['time:red', 'a:b:green', 'b']\n"
      "paths = { z = '/z', a = { path = '', type = 'green' }, b = {} }\n");
  EXPECT_EQ(c.errors, "");
  std::string seen;
  for (const char* option : {"columns", "paths"}) {
    for (const auto& [name, settings] : c.settings.columns(option)) {
      seen += name + "=" + (settings.has("path") ? settings.text("path") : "-") + "," + settings.text("type") + " ";
    }
  }
  EXPECT_EQ(seen, "time=-,red a:b=-,green b=-, z=/z, a=,green b=-, ");
  EXPECT_EQ(c.settings.columns("columns").at(1).second.place("type").column, 29U);
  EXPECT_EQ(c.settings.columns("paths").at(2).second.place("path").column, 56U) << "that of the name";
  EXPECT_TRUE(check("path = 'x'\n").settings.columns("columns").empty());
}

TEST(Options, WrongColumnsAreMarkedWhereTheyAreWrong) {
  EXPECT_EQ(check("path = 'x'\ncolumns = ['time', 5]").errors,
            "f.toml:2:20: 'columns' of sink 'sqlite' must be a list of names in quotes: \"NAME\" or \"NAME:TYPE\", not "
            "an integer\n  columns = ['time', 5]\n                     ^");
  EXPECT_EQ(check("path = 'x'\ncolumns = ['time:gren', 'Time', ':red']").errors,
            "f.toml:2:18: unknown value 'gren' for 'type' of column 'time' of sink 'sqlite' (did you mean 'green'?)\n"
            "  columns = ['time:gren', 'Time', ':red']\n                   ^~~~\n"
            "f.toml:2:25: column 'Time' of sink 'sqlite' is there twice\n"
            "  columns = ['time:gren', 'Time', ':red']\n                          ^~~~~~\n"
            "f.toml:2:33: 'columns' of sink 'sqlite' has a name that is empty\n"
            "  columns = ['time:gren', 'Time', ':red']\n                                  ^~~~~~");
  EXPECT_EQ(check("path = 'x'\ncolumns = { a = 'red' }\npaths = ['a']").errors,
            "f.toml:2:17: column 'a' of sink 'sqlite' must be a table { … }, not text\n"
            "  columns = { a = 'red' }\n                  ^~~~~\n"
            "f.toml:3:9: 'paths' of sink 'sqlite' must be a table { NAME = \"path\", … }, not a list\n"
            "  paths = ['a']\n          ^~~~~");
  EXPECT_EQ(check("path = 'x'\npaths = { a = { pth = '/a' } }").errors,
            "f.toml:2:17: unknown option 'pth' of column 'a' of sink 'sqlite' (did you mean 'path'?)\n"
            "  paths = { a = { pth = '/a' } }\n                  ^~~");
  EXPECT_EQ(check("path = 'x'\npaths = {}").errors,
            "f.toml:2:9: 'paths' of sink 'sqlite' is empty\n  paths = {}\n          ^~");
}

TEST(Options, PathsAreMadeAbsoluteByTextAlone) {
  EXPECT_EQ(absolute_path("/a/b", "c.log"), "/a/b/c.log");
  EXPECT_EQ(absolute_path("/a/b", "./x/../c*.log"), "/a/b/c*.log");
  EXPECT_EQ(absolute_path("/a/b", "../../../c"), "/c");
  EXPECT_EQ(absolute_path("/a/b", "/v//log/"), "/v/log");
  EXPECT_EQ(absolute_path("/", ".."), "/");
}

}  // namespace
}  // namespace leat
