#pragma once

// What the live view shows, as plain values, and how they are read: from the databases alone, in short reads beside a
// running pipeline. Only what leat keeps about its pipelines and the tables of aggregates are read, never the rows.
// One thread.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/target.h"
#include "base/status.h"
#include "flow/store.h"
#include "os/clock.h"

namespace leat::app {

struct TopPipeline {
  std::string name;
  std::string database;
  bool started = false;  // it has run before
  bool running = false;
  std::optional<int64_t> waits_until;  // between two runs of its schedule
  double rows_per_second = 0;
  std::optional<uint64_t> behind_bytes;
  std::optional<uint64_t> left_seconds;  // until the backlog is worked off
  double taken_share = 1;                // of the bytes in the files that it follows
  std::optional<int64_t> committed_micros;
  uint64_t rows = 0;
  uint64_t rejects = 0;
  uint64_t gap_bytes = 0;
  std::string last_error;
  std::optional<int64_t> error_micros;
};

struct TopDay {
  std::string day;  // YYYY-MM-DD
  std::optional<uint64_t> visitors;
  std::optional<uint64_t> hits;
};

// The largest of one aggregate on the newest day.
struct TopList {
  struct Entry {
    std::string label;
    uint64_t hits = 0;
  };
  std::string title;  // "pages"
  std::string day;
  bool statuses = false;        // the labels are status codes
  bool late = false;            // it takes too long to count: this is how it was a while ago
  std::optional<uint64_t> all;  // hits of that day
  std::vector<Entry> entries;
};

struct TopModel {
  std::string target;
  int64_t now_micros = 0;
  std::vector<TopPipeline> pipelines;
  size_t chosen = 0;  // whose days and lists these are
  std::vector<TopDay> days;
  std::vector<TopList> lists;
  bool by_day = true;   // it has aggregates by day
  std::string trouble;  // why the numbers are old; empty: they are not
};

class TopReader {
 public:
  TopReader(std::string target, std::vector<Database> databases, os::Clock& clock)
      : target_(std::move(target)), databases_(std::move(databases)), clock_(clock) {}

  // The other pipelines' days and lists.
  void choose_next() { ++chosen_; }
  // Looks, and waits for nothing: what cannot be read now stays as it was, with `trouble`.
  const TopModel& look();

 private:
  // How far a pipeline was at one moment.
  struct Sample {
    uint64_t at_ms = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
  };
  struct Lists {
    uint64_t due_ms = 0;
    std::vector<TopDay> days;
    std::vector<TopList> lists;
    bool by_day = true;
  };

  struct OpenFile {
    uint64_t device = 0;
    uint64_t inode = 0;
    bool log = false;  // there is a -wal file
    friend bool operator==(const OpenFile&, const OpenFile&) = default;
  };

  Status look_at(Database& database, std::vector<TopPipeline>& pipelines);
  TopPipeline pipeline_of(const Database& database, const PipelineState& state);
  Status look_at_lists(Store& store, const std::string& pipeline, Lists& lists);

  std::string target_;
  std::vector<Database> databases_;
  os::Clock& clock_;
  size_t chosen_ = 0;
  TopModel model_;
  std::map<std::string, std::deque<Sample>> samples_;  // by database and pipeline
  std::map<std::string, Lists> lists_;                 // likewise
  std::map<std::string, OpenFile> files_;              // of the databases that are open, by name
};

}  // namespace leat::app
