#include "sinks/bigquery_mirror.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/gzip_pieces.h"
#include "base/gzip_stream.h"
#include "base/json_at.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "sinks/bigquery_step.h"

namespace leat {
namespace {

constexpr std::string_view kFence = "fence";  // label leat_sha of a job that only uses up an id
constexpr uint64_t kPollMs = 500;

std::string json_of(const MirroredBooks& books) {
  JsonWriter json;
  json.begin_object().field("pipeline", std::string_view(books.pipeline)).key("parts").begin_array();
  for (const MirroredPart& part : books.parts) {
    json.begin_object().field("part", std::string_view(part.position.part));
    json.field("origin", std::string_view(part.position.origin)).field("offset", part.position.offset);
    json.field("token", std::string_view(part.position.token));
    json.field("rows", part.tally.rows).field("offsets", part.tally.offsets).key("ranges").begin_array();
    for (const Range& range : part.ranges) {
      json.begin_array().value(range.start).value(range.end).value(range.counts.inserted);
      json.value(range.counts.filtered).value(range.counts.rejected).value(range.counts.digest).value(range.gap);
      json.end_array();
    }
    json.end_array();
    if (part.forgotten) json.field("forgotten", true);
    json.end_object();
  }
  json.end_array();
  if (!books.undos.empty()) {
    json.key("undos").begin_array();
    for (const BigQueryUndo& undo : books.undos) {
      json.begin_object().field("undo", undo.number).field("segment", undo.segment);
      json.field("part", std::string_view(undo.part)).field("from", undo.from).field("end", undo.end);
      json.field("measured", undo.measured).field("rows", undo.tally.rows).field("offsets", undo.tally.offsets);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  return json.text();
}

// Nothing: something is missing.
std::optional<MirroredBooks> books_of(const JsonView& json) {
  bool whole = true;
  const auto text = [&](const JsonView& value) {
    whole = whole && value.text().has_value();
    return value.text().value_or("");
  };
  const auto number = [&](const JsonView& value) {
    whole = whole && value.number().has_value();
    return value.number().value_or(0);
  };
  MirroredBooks books;
  books.pipeline = text(json.at("pipeline"));
  const JsonView parts = json.at("parts");
  for (size_t i = 0; i < parts.size(); ++i) {
    const JsonView from = parts.at(i);
    MirroredPart& part = books.parts.emplace_back();
    part.position = {text(from.at("part")), text(from.at("origin")), number(from.at("offset")), text(from.at("token"))};
    part.tally = {number(from.at("rows")), number(from.at("offsets"))};
    part.forgotten = from.at("forgotten").text().value_or("") == "true";
    const JsonView ranges = from.at("ranges");
    for (size_t k = 0; k < ranges.size(); ++k) {
      const JsonView range = ranges.at(k);
      Range& made = part.ranges.emplace_back();
      made.part = part.position.part;
      made.start = number(range.at(0));
      made.end = number(range.at(1));
      made.counts = {.inserted = number(range.at(2)),
                     .filtered = number(range.at(3)),
                     .rejected = number(range.at(4)),
                     .digest = number(range.at(5))};
      made.gap = text(range.at(6)) == "true";
    }
  }
  const JsonView undos = json.at("undos");
  for (size_t i = 0; i < undos.size(); ++i) {
    const JsonView from = undos.at(i);
    BigQueryUndo& undo = books.undos.emplace_back();
    undo.number = static_cast<int64_t>(number(from.at("undo")));
    undo.segment = number(from.at("segment"));
    undo.part = text(from.at("part"));
    undo.from = number(from.at("from"));
    undo.end = number(from.at("end"));
    undo.measured = text(from.at("measured")) == "true";
    undo.tally = {number(from.at("rows")), number(from.at("offsets"))};
  }
  return whole ? std::optional(std::move(books)) : std::nullopt;
}

Status unreadable(std::string_view text) {
  return Status::bad_config(fmt::format(
      "BigQuery: the line 'leat: {}' of the table's description is not what was written there; put it back, "
      "or name another table",
      visible(text)));
}

enum class Ended : uint8_t { fenced, landed, refused };

// One stretch of a segment: its attempts, then its halves.
class EarlierLoads {
 public:
  EarlierLoads(BigQueryClient& client, const std::string& location)
      : client_(client), location_(location), waits_(client.patience()) {}

  // fenced: nothing behind this id runs any more.
  Result<Ended> end(const std::string& name) {
    for (uint64_t attempt = 1;;) {
      const std::string id = fmt::format("{}__a{}", name, attempt);
      LEAT_ASSIGN(const std::optional<BigQueryJob> job, client_.job(id, location_));
      if (!job) {
        LEAT_TRY(use_up(id));
        continue;
      }
      if (job->state == BigQueryJob::State::running) {
        LEAT_TRY(client_.wait_ms(kPollMs));
        waits_.begin();
        continue;
      }
      if (job->sha == kFence) return Ended::fenced;
      if (job->reason.empty()) {
        landed_ = true;
        return Ended::landed;
      }
      if (judge_job_failure(job->reason, job->message) == AfterFailure::bad_rows) return end_halves(name, job->rows);
      ++attempt;
    }
  }
  [[nodiscard]] bool landed() const { return landed_; }

 private:
  // Halves are called as BigQueryBisection does: "…__load-0", "…__load-01".
  Result<Ended> end_halves(const std::string& name, uint64_t rows) {
    if (rows <= 1) return Ended::refused;
    const std::string stem = name.ends_with("load") ? name + "-" : name;
    for (const char half : {'0', '1'}) {
      LEAT_ASSIGN(const Ended ended, end(stem + half));
      if (ended == Ended::fenced) return ended;
    }
    return Ended::refused;
  }

  // One at most runs under an id: either what was on its way comes first, and is seen then, or it is refused.
  Status use_up(const std::string& id) {
    BigQueryStep fence;
    fence.location = location_;
    fence.sha = kFence;
    fence.configuration = R"("query":{"query":"SELECT 1","useLegacySql":false})";
    LEAT_TRY(client_.submit(job_resource(fence, client_.access().project, id)));
    LEAT_ASSIGN(const std::optional<BigQueryJob> job, client_.job(id, location_));
    return job ? Status()
               : waits_.wait(Status::retry(fmt::format("BigQuery: job {} was asked for and is not there", id)));
  }

  BigQueryClient& client_;
  std::string location_;
  BigQueryPatience waits_;
  bool landed_ = false;
};

}  // namespace

void settle_undos(MirroredBooks& books, int64_t last) {
  const auto is_of = [](const BigQueryUndo& undo, const MirroredPart& part) {
    return undo.part.empty() || undo.part == part.position.part;
  };
  for (const BigQueryUndo& undo : books.undos) {
    for (MirroredPart& part : books.parts) {
      if (undo.number > last || !is_of(undo, part)) continue;
      part.tally.rows -= undo.part.empty() ? part.tally.rows : undo.tally.rows;
      part.tally.offsets -= undo.part.empty() ? part.tally.offsets : undo.tally.offsets;
    }
  }
  std::erase_if(books.undos, [&](const BigQueryUndo& undo) { return undo.number <= last; });
  std::erase_if(books.parts, [&](const MirroredPart& part) {
    return part.forgotten && std::none_of(books.undos.begin(), books.undos.end(),
                                          [&](const BigQueryUndo& undo) { return is_of(undo, part); });
  });
}

std::string mirror_text(const BigQueryMirror& mirror, size_t room) {
  const std::string head = fmt::format("{} {}", mirror.generation, mirror.segment);
  std::string whole = head;
  if (mirror.books) whole += " " + base64(GzipStream().add(json_of(*mirror.books), true));
  return mirror.books && whole.size() <= room ? whole : head + std::string(kNoBooks);
}

Result<BigQueryMirror> parse_mirror(std::string_view text) {
  const std::vector<std::string_view> words = split(text, ' ');
  const auto segment = words.size() < 2 ? std::nullopt : parse_integer(words[1]);
  if (!segment || *segment < 0) return unreadable(text);
  BigQueryMirror mirror;
  mirror.generation = words[0];
  mirror.segment = static_cast<uint64_t>(*segment);
  if (words.size() < 3 || text.ends_with(kNoBooks)) return mirror;
  const std::optional<std::string> packed = from_base64(words[2]);
  std::string json;
  if (!packed || !GunzipStream().add(*packed, json)) return unreadable(text);
  mirror.books = books_of(JsonView::parse(json));
  if (!mirror.books) return unreadable(text);
  return mirror;
}

Result<EarlierJobs> end_earlier_jobs(BigQueryClient& client, const std::string& location, uint64_t segment,
                                     const std::function<std::string(uint64_t)>& id_of) {
  EarlierLoads loads(client, location);
  for (;; ++segment) {
    LEAT_ASSIGN(const Ended ended, loads.end(id_of(segment + 1)));
    if (ended == Ended::fenced) return EarlierJobs{.last = segment, .landed = loads.landed()};
  }
}

}  // namespace leat
