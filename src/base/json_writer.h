#pragma once

// Writes one JSON document into a string: objects, arrays, values; commas and escapes are its business.
// Bytes that are not UTF-8 are written as their \xHH form, so that the document is always valid. One thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leat {

// `text` in quotes, escaped, at the end of `out`.
void add_json_string(std::string& out, std::string_view text);

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(int64_t number);
  JsonWriter& value(uint64_t number);
  JsonWriter& value(double number);  // not finite → null
  JsonWriter& value(bool truth);
  JsonWriter& null();
  // key(name).value(v)
  template <class V>
  JsonWriter& field(std::string_view name, V v) {
    return key(name).value(v);
  }
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
  std::vector<bool> has_items_;
  bool after_key_ = false;
};

}  // namespace leat
