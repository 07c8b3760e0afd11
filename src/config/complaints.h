#pragma once

// What is wrong with a pipeline file: all of it, in the order of the file, each with the line and a caret. One thread.

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "config/value.h"

namespace leat {

class Complaints {
 public:
  // `file`: its name as the user gave it. `text`: what it holds; empty for a tree that was not read from a file.
  Complaints(std::string file, std::string text) : file_(std::move(file)), text_(std::move(text)) {}

  void add(const Place& at, std::string message);
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] size_t count() const { return items_.size(); }
  [[nodiscard]] const std::string& file() const { return file_; }
  // "web.toml:14:3: message", the line, and a caret below it, for each; lines end with a newline but the last.
  [[nodiscard]] std::string text() const;
  // ok when there is nothing to complain of, else bad_config with text().
  [[nodiscard]] Status status() const;

 private:
  struct Item {
    Place at;
    std::string message;
  };
  std::string file_;
  std::string text_;
  std::vector<Item> items_;
};

// The line of `text` at `at` and a caret line below it, indented by two; empty when there is no such line. Control
// characters are made visible, a long line is shown in part.
std::string excerpt(std::string_view text, const Place& at);

// " (did you mean 'table'?)", or " (there are: a, b)" when none is near, or "" when there are none.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& known);
// The same for a text of the file; a secret is not compared, as its neighbour would tell some of it.
std::string suggestion_for(const Value& value, const std::vector<std::string_view>& known);

}  // namespace leat
