#pragma once

// Visitors and hits of the newest day, read from the table visitors_per_day beside the running pipeline, at most every
// two seconds. For the live block: whatever goes wrong, there is just nothing to show. One thread.

#include <cstdint>
#include <memory>
#include <string>

#include "app/pipeline_file.h"

namespace leat::app {

class LastDay {
 public:
  // Null when the pipeline keeps no such table, or not in SQLite.
  static std::unique_ptr<LastDay> of(const PipelineDeclared& pipeline);

  LastDay(std::string path, std::string zone) : path_(std::move(path)), zone_(std::move(zone)) {}
  // "today 1,234 visitors, 5,678 hits", "2015-05-20: …" when the newest day is another one, "" when there is none yet.
  std::string words(uint64_t now_ms);

 private:
  void look();

  std::string path_;
  std::string zone_;
  std::string words_;
  uint64_t next_look_ms_ = 0;
};

}  // namespace leat::app
