#pragma once

// What stands around and between the records of one JSON document: docs/formats/json.md §4 has the states and the
// function on each arrow. Where the bytes are divided changes nothing. Owned by a cutter, or by a decoder for one
// chunk; one thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "decoders/json_layout.h"
#include "decoders/json_watch.h"

namespace leat {

class JsonDocument {
 public:
  // `records`: the tokens of the path to the array of records. All are borrowed; `watch` may be null.
  JsonDocument(const std::vector<std::string>& records, const std::vector<JsonAncestor>& ancestors,
               const JsonWatch* watch = nullptr);

  enum class Stand : uint8_t {
    record,   // at the first byte of a record, whose end the caller finds and then says record_taken()
    more,     // what follows has to be seen
    end,      // the document is closed, and nothing but white space has followed
    trouble,  // see trouble()
  };
  // Goes over all that is no record. `bytes`: what follows where it stands; `*taken`: how many of them it went over.
  // After `more` the bytes that were not taken are given again with what follows them; after `trouble` it stands where
  // it stood before them.
  Stand advance(std::string_view bytes, size_t* taken);
  void record_taken();

  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // The trouble is that it is another document than the path is of.
  [[nodiscard]] bool is_another() const { return is_another_; }
  // For a document that ends here: what it lacks.
  [[nodiscard]] std::string unclosed() const;

  // JSON text for each ancestor of the next record; empty: it has none. `version` changes with it.
  [[nodiscard]] const std::vector<std::string>& ancestors() const { return values_; }
  [[nodiscard]] uint64_t version() const { return version_; }

  // A record was in it, or it is over.
  [[nodiscard]] bool recorded() const { return levels_.front().has_records || state_ == State::done; }

  // Printable text without newlines; restore() says whether it is one of save() with these paths.
  [[nodiscard]] std::string save() const;
  bool restore(std::string_view saved);

 private:
  enum class State : uint8_t {
    begin,        // before the document
    first_value,  // behind '['
    value,        // behind a ',' in an array
    first_key,    // behind '{'
    key,          // behind a ',' in an object
    way,          // behind the ':' of the member that leads to the records
    other,        // behind the ':' of another one
    skipping,     // in a value that is no record
    after,        // behind a value
    done,
  };
  // Of an open container on the way to the records.
  struct Level {
    bool way_seen = false;  // the member that leads on
    bool has_records = false;
  };

  // An open container off the way to the records, in which something is watched.
  struct Detour {
    std::string name;
    bool array = false;
    size_t elements = 0;  // that have begun
  };

  [[nodiscard]] bool is_array(size_t level) const { return level == records_.size() || records_[level] == "*"; }
  [[nodiscard]] std::string path_of(size_t level) const;
  bool enter(std::string_view bytes, size_t* taken);
  bool close(size_t* taken);
  bool take_key(std::string_view bytes, size_t* taken);
  bool take_ancestor(size_t number, std::string_view bytes, size_t* taken);
  void look_for(std::string name);
  [[nodiscard]] std::vector<std::string> place_of(const std::string& name) const;
  bool take_watched(std::string_view bytes, size_t* taken);
  bool take_other(std::string_view bytes, size_t* taken);
  bool skip(std::string_view bytes, size_t* taken);
  bool wrong(std::string what);
  bool wrong(std::string_view expected, std::string_view bytes);
  bool too_long(std::string_view what, size_t bytes, size_t most);

  const std::vector<std::string>& records_;
  const std::vector<JsonAncestor>& ancestors_;
  const JsonWatch* const watch_;
  const size_t required_;  // level of the container that a document has to have: what it is known by
  State state_ = State::begin;
  size_t level_ = 0;  // open containers on the way to the records
  std::vector<Level> levels_;
  bool reached_ = false;  // that container was there
  std::vector<Detour> detour_;
  std::string name_;  // of the member or element whose value is next, off the way
  JsonWatch::At wanted_ = JsonWatch::At::nothing;
  std::string open_;  // of the value that is skipped: the brackets that will close it
  bool in_string_ = false;
  bool escaped_ = false;
  std::vector<std::string> values_;
  uint64_t version_ = 0;
  std::string trouble_;
  bool is_another_ = false;
};

}  // namespace leat
