#pragma once

// A pipeline file as a tree of values that know where they were written. Tables keep the order of the file (a TOML
// parser's own tables may not). Plain values; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leat {

// Line and column count from 1, the column in characters; line 0: not written in a file.
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t length = 1;  // characters, for the caret line
};

struct Entry;

struct Value {
  enum class Type : uint8_t { text, integer, real, boolean, time, array, table };
  Type type = Type::table;
  std::string text;
  int64_t integer = 0;  // also a boolean's 0 or 1
  double real = 0;
  std::vector<Value> items;    // of an array
  std::vector<Entry> entries;  // of a table, in written order
  Place at;
  std::string written;               // the text as it stands in the file, when a secret was put in: what messages show
  std::vector<std::string> secrets;  // that were put into the text

  static Value of(std::string text);
  static Value of(const char* text);
  static Value of(bool truth);
  static Value of(int64_t number);
  static Value list_of(std::vector<std::string> texts);
  static Value make_table();

  [[nodiscard]] bool is_table() const { return type == Type::table; }
  [[nodiscard]] bool is_text() const { return type == Type::text; }
  // Of a table; null when there is no such key.
  [[nodiscard]] const Value* find(std::string_view key) const;
  [[nodiscard]] const Entry* find_entry(std::string_view key) const;
  // Of a table: adds or replaces; returns the stored value.
  Value& set(std::string_view key, Value value);
};

struct Entry {
  std::string key;
  Place key_at;
  Value value;
};

// Defined here because they destroy entries, which are complete only now.
inline Value Value::of(const char* text) {
  return of(std::string(text));
}
inline Value Value::make_table() {
  return {};
}

// Where bytes [at, at + length) of a text value stand: a text without escapes, on one line, stands in the file as it
// is, after its quote; else the whole value. At least one character.
Place place_within(const Value& value, size_t at, size_t length);

// "text", "an integer", "a table" …: for messages.
std::string_view type_in_words(Value::Type type);

// The text of a text value as messages may show it: quoted, secrets as they stand in the file, or masked.
std::string shown(const Value& value);

}  // namespace leat
