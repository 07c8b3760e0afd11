#pragma once

// Which member of a record becomes which column (docs/formats/json.md §3), compiled from paths. Immutable and shared.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "data/schema.h"
#include "decoders/json_cursor.h"

namespace leat {

struct JsonColumn {
  std::string name;
  std::string path;  // "/user/name", "" (what no other column takes), "../../id"
  Type type = Type::text;
};

constexpr size_t kNoJsonColumn = SIZE_MAX;

// A member that a column takes, or that holds such members.
struct JsonNode {
  JsonToken token;                 // how it usually begins in a text: "\"id\":"; empty: its name has to be unescaped
  std::string key;                 // the name
  size_t number = 0;               // each node has its own
  size_t column = kNoJsonColumn;   // of the schema; the whole value goes there
  Type type = Type::text;          // of that column
  std::vector<JsonNode> children;  // of an object by name, of an array by number
};

// A member of an object that encloses the array of records.
struct JsonAncestor {
  size_t column = 0;               // of the schema
  size_t level = 0;                // of the container that has it; 0: the document's outermost
  std::string member;              // its name
  std::vector<std::string> inner;  // where in its value; empty: the value
};

// A JSON pointer (RFC 6901) as its tokens: "/a/b~1c" → a, b/c. Nothing: it is none.
std::optional<std::vector<std::string>> parse_json_pointer(std::string_view pointer);

struct JsonLayout {
  // `records`: the tokens of the path to the array of records. bad_config: names the column whose path does not do, and
  // says why; `*wrong`, if given, becomes its index.
  static Result<std::shared_ptr<const JsonLayout>> make(const std::vector<std::string>& records,
                                                        const std::vector<JsonColumn>& columns, bool raw,
                                                        size_t* wrong = nullptr);

  SchemaPtr schema;
  JsonNode root;  // of a record
  size_t nodes = 1;
  std::optional<size_t> rest;  // the column of path ""
  bool needs_member = false;   // an object without any member of `root` is no record
  std::vector<JsonAncestor> ancestors;
};

using JsonLayoutPtr = std::shared_ptr<const JsonLayout>;

}  // namespace leat
