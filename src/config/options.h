#pragma once

// Option tables: what a section of a pipeline file may hold, in plain arrays from which the checker, `leat list` and
// docs/configuration.md all speak. A table is checked once and becomes Settings. Plain values; any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/complaints.h"
#include "config/value.h"

namespace leat {

enum class OptionType : uint8_t {
  text,
  scalar,       // text, or a whole number, which becomes text
  integer,      // at least 1
  boolean,      //
  size,         // "64MiB"
  duration,     // "1s"
  path,         // made absolute from the directory of the file
  paths,        // a list of paths, or one
  names,        // a list of texts, or one
  choice,       // one of choices()
  expression,   // config/expression.h
  expressions,  // a table NAME = expression, in written order
  texts,        // a table NAME = text, in written order
  scalars,      // a table NAME = text or whole number, which becomes text
  section,      // a table checked with `inner`
  sections,     // a list of tables, each checked with `inner`
  tables,       // tables by name; their owner checks them
  format,       // a name, or a table with a type; its owner checks it
  columns,      // a table NAME = { … } in written order, each checked with `inner`; NAME = "text" is short for the
                // option `path` of inner, if it has one. Or a list of "NAME" and "NAME:TYPE", if it has none
  transforms,   // a list of tables, each with a type; its owner checks them
};

std::string_view name_of(OptionType type);

struct Option {
  std::string_view name;
  OptionType type = OptionType::text;
  std::string_view standard = {};  // what holds when it is absent, as it is written: "1s"
  bool required = false;
  bool may_be_empty = false;  // text and names only
  std::vector<std::string_view> (*choices)() = nullptr;
  std::span<const Option> inner = {};
  std::string_view help = {};
};

// The checked options of one table. Getters give the option's standard value when it was not written; a wrong one was
// complained of and counts as not written.
class Settings {
 public:
  [[nodiscard]] const Value* find(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] uint64_t integer(std::string_view name) const;
  [[nodiscard]] bool boolean(std::string_view name) const;
  [[nodiscard]] uint64_t bytes(std::string_view name) const;
  [[nodiscard]] uint64_t milliseconds(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] Settings section(std::string_view name) const;
  [[nodiscard]] std::vector<Settings> sections(std::string_view name) const;  // in their order
  // Of `columns`: names and what is said of each, as written; no name is there twice.
  [[nodiscard]] std::vector<std::pair<std::string, Settings>> columns(std::string_view name) const;
  // What was put into texts of this table in place of ${env:NAME} and ${file:/path}.
  [[nodiscard]] std::vector<std::string> secrets() const;
  // Where the option's value stands; the table's place (a column's: that of its name) when it was not written.
  [[nodiscard]] Place place(std::string_view name) const;
  // As if it had been written there: what other sections say.
  void set(std::string_view name, Value value);

 private:
  friend class OptionChecker;
  [[nodiscard]] std::string_view standard(std::string_view name) const;

  std::span<const Option> options_;
  Place at_;
  std::vector<std::pair<std::string, Value>> values_;
  std::vector<std::pair<std::string, Settings>> sections_;
};

struct CheckRequest {
  const Value& table;
  Place at;  // of the table's name, for what is missing
  std::span<const Option> options;
  std::string what;       // "sink 'sqlite'"
  std::string directory;  // absolute: where relative paths begin
  bool typed = false;     // the table also has a `type`, checked by the caller
};

// Complains of every unknown option, wrong type, wrong choice and missing required option.
Settings check_options(const CheckRequest& request, Complaints& complaints);

// `path` from `directory` without "." and "..", by text alone: links are not followed, nothing is looked up.
std::string absolute_path(std::string_view directory, std::string_view path);

}  // namespace leat
