// How fast the decoder json is, against the least that simdjson could do: the same fields of the same records, taken
// and added up, nothing kept. Everything on one thread, medians of interleaved rounds.  parse_json [ROUNDS] [MB]
//
// Ours is all from bytes to rows: cutting, chunks of 256 KiB, columns, the raw text of each record, every byte checked.
// simdjson has the same chunks, or the whole document in memory.

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "decoders/json.h"

namespace {

constexpr size_t kChunkBytes = 256 * 1024;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Input {
  std::string lines;
  std::string document;
  uint64_t records = 0;
};

Input make_input(size_t bytes) {
  Input in;
  uint64_t seed = 1;
  const auto below = [&](uint64_t most) { return (seed = leat::mix64(seed)) % most; };
  in.document = "{\"count\":1,\"data\":[";
  while (in.lines.size() < bytes) {
    const std::string record = fmt::format(
        R"({{"id":{},"time":"2026-11-{:02}T{:02}:{:02}:{:02}Z","user":{{"name":"user{}","mail":"user{}@example.com"}},)"
        R"("status":{},"bytes":{},"seconds":{}.{:03},"path":"/api/v1/items/{}?page={}","agent":"Mozilla/5.0 (X11; Linux )"
        R"(x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0","tags":["a{}","b"],"ok":{}}})",
        1000000 + in.records, 1 + below(30), below(24), below(60), below(60), below(10000), below(10000),
        200 + below(300), below(1000000), below(10), below(1000), below(100000), below(10), below(140), below(10),
        below(2) == 0 ? "true" : "false");
    in.lines += record + "\n";
    in.document += (in.records++ == 0 ? "" : ",") + record;
  }
  in.document += "]}";
  return in;
}

// Returns rows.
uint64_t ours(std::string_view bytes, const std::string& records) {
  using leat::Type;
  auto decoder = *leat::make_json_decoder({records,
                                           {{"id", "/id", Type::integer},
                                            {"time", "/time"},
                                            {"name", "/user/name"},
                                            {"mail", "/user/mail"},
                                            {"status", "/status", Type::integer},
                                            {"bytes", "/bytes", Type::integer},
                                            {"seconds", "/seconds", Type::real},
                                            {"path", "/path"},
                                            {"agent", "/agent"},
                                            {"tags", "/tags", Type::json},
                                            {"ok", "/ok", Type::boolean}},
                                           true});
  const auto cutter = decoder->make_cutter("bench");
  uint64_t rows = 0;
  leat::Rejects rejects;
  for (size_t at = 0; at < bytes.size();) {
    leat::Chunk chunk;
    chunk.context = cutter->save();
    chunk.start = at;
    const std::string_view there = bytes.substr(at, kChunkBytes);
    const auto cut = cutter->whole(there, {.ended = at + there.size() == bytes.size()});
    if (!cut.ok() || cut->bytes == 0) std::abort();
    chunk.bytes = there.substr(0, cut->bytes);
    if (chunk.context.empty()) chunk.context = cutter->save();
    at += cut->bytes;
    leat::RecordBatch batch(decoder->schema());
    decoder->decode(std::move(chunk), batch, rejects);
    rows += batch.rows();
  }
  return rows;
}

uint64_t sum = 0;  // kept, so that nothing is optimized away

template <class Document>
void take(Document& document) {
  simdjson::ondemand::object record = document.get_object();
  sum += static_cast<uint64_t>(int64_t(record["id"]));
  sum += std::string_view(record["time"]).size();
  simdjson::ondemand::object user = record["user"];
  sum += std::string_view(user["name"]).size() + std::string_view(user["mail"]).size();
  sum += static_cast<uint64_t>(int64_t(record["status"])) + static_cast<uint64_t>(int64_t(record["bytes"]));
  sum += static_cast<uint64_t>(double(record["seconds"]));
  sum += std::string_view(record["path"]).size() + std::string_view(record["agent"]).size();
  simdjson::ondemand::array tags = record["tags"];
  sum += std::string_view(tags.raw_json()).size();
  sum += bool(record["ok"]) ? 1 : 0;
}

// Calls `each` with chunks of whole lines, in a buffer with simdjson's padding.
void chunks_of(std::string_view lines, const std::function<void(std::string& chunk)>& each) {
  std::string chunk;
  for (size_t at = 0; at < lines.size();) {
    const std::string_view there = lines.substr(at, kChunkBytes);
    chunk = there.substr(0, there.rfind('\n') + 1);
    at += chunk.size();
    chunk.reserve(chunk.size() + simdjson::SIMDJSON_PADDING);
    each(chunk);
  }
}

uint64_t simdjson_stream(std::string_view lines) {
  simdjson::ondemand::parser parser;
  uint64_t rows = 0;
  chunks_of(lines, [&](std::string& chunk) {
    simdjson::ondemand::document_stream stream = parser.iterate_many(chunk.data(), chunk.size(), 2 * kChunkBytes);
    for (auto document : stream) {
      take(document);
      ++rows;
    }
  });
  return rows;
}

uint64_t simdjson_by_line(std::string_view lines) {
  simdjson::ondemand::parser parser;
  uint64_t rows = 0;
  chunks_of(lines, [&](std::string& chunk) {
    for (size_t at = 0; at < chunk.size(); ++rows) {
      const size_t end = chunk.find('\n', at);
      auto document = parser.iterate(chunk.data() + at, end - at, chunk.size() - at + simdjson::SIMDJSON_PADDING);
      take(document);
      at = end + 1;
    }
  });
  return rows;
}

// `run` with another implementation of simdjson than the machine's best, where there is that one.
uint64_t with(const char* implementation, const std::function<uint64_t()>& run) {
  auto& active = simdjson::get_active_implementation();
  const simdjson::implementation* const best = active;
  const simdjson::implementation* const wanted = simdjson::get_available_implementations()[implementation];
  if (wanted != nullptr && wanted->supported_by_runtime_system()) active = wanted;
  const uint64_t rows = run();
  active = best;
  return rows;
}

uint64_t simdjson_document(const std::string& padded) {
  simdjson::ondemand::parser parser;
  uint64_t rows = 0;
  simdjson::ondemand::document document = parser.iterate(padded);
  for (auto record : document["data"]) {
    take(record);
    ++rows;
  }
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  const size_t megabytes = argc > 2 ? static_cast<size_t>(std::max(1, std::atoi(argv[2]))) : 100;
  Input in = make_input(megabytes * 1000 * 1000);
  in.document.reserve(in.document.size() + simdjson::SIMDJSON_PADDING);
  struct Contestant {
    const char* name;
    size_t against;  // index of the one it is measured by
    std::function<uint64_t()> run;
    std::vector<double> seconds = {};
  };
  std::vector<Contestant> all{
      {"lines: simdjson, iterate_many", 0, [&] { return simdjson_stream(in.lines); }},
      {"lines: simdjson, line by line", 0, [&] { return simdjson_by_line(in.lines); }},
      {"lines: simdjson with SSE4.2 alone", 0,
       [&] { return with("westmere", [&] { return simdjson_stream(in.lines); }); }},
      {"lines: leat, to rows, with SSE2 alone", 0, [&] { return ours(in.lines, ""); }},
      {"document: simdjson, all of it in memory", 4, [&] { return simdjson_document(in.document); }},
      {"document: leat, to rows", 4, [&] { return ours(in.document, "/data"); }},
  };
  for (int round = 0; round < rounds; ++round) {
    for (Contestant& one : all) {
      const double before = cpu_seconds();
      const uint64_t rows = one.run();
      one.seconds.push_back(cpu_seconds() - before);
      if (rows != in.records) {
        fmt::print(stderr, "{}: {} rows instead of {}\n", one.name, rows, in.records);
        return 1;
      }
    }
  }
  for (Contestant& one : all) std::sort(one.seconds.begin(), one.seconds.end());
  const auto median = [](const Contestant& one) { return one.seconds[one.seconds.size() / 2]; };
  const auto bytes = static_cast<double>(in.lines.size());
  fmt::print("{} records, {:.0f} MB, medians of {} rounds, {}\n", in.records, bytes / 1e6, rounds,
             simdjson::get_active_implementation()->name());
  for (const Contestant& one : all) {
    fmt::print("{:<42} {:>6.0f} MB per CPU-s  {:>6.0f} k records per CPU-s  × {:.2f}\n", one.name,
               bytes / median(one) / 1e6, static_cast<double>(in.records) / median(one) / 1e3,
               median(all[one.against]) / median(one));
  }
  return sum == 0 ? 1 : 0;
}
