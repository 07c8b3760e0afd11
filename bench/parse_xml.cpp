// How fast XML becomes rows, beside what libxml2 needs to say only that there are tags: reads a file of make_xml into
// memory, then takes turns on one thread.  parse_xml FILE [RUNS]
//   leat: cutter and decoder, 19 columns, two of them of what stands around the record, chunks of 256 KiB
//   libxml2: the bare SAX push parser with callbacks that count, in pieces of 256 KiB

#include <fmt/format.h>
#include <libxml/parser.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "decoders/xml.h"

namespace {

constexpr size_t kPiece = 256 * 1024;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::string read_file(const char* path) {
  std::string bytes;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "rb"), &std::fclose);
  if (!file) return bytes;
  std::fseek(file.get(), 0, SEEK_END);
  bytes.resize(static_cast<size_t>(std::ftell(file.get())));
  std::fseek(file.get(), 0, SEEK_SET);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  return bytes;
}

leat::XmlOptions options() {
  using leat::Type;
  leat::XmlOptions options;
  options.record = "/HOST_LIST_VM_DETECTION_OUTPUT/RESPONSE/HOST_LIST/HOST/DETECTION_LIST/DETECTION";
  options.raw = false;
  const auto add = [&](const char* path, Type type = Type::text) {
    leat::XmlColumn& column = options.columns.emplace_back();
    column.path = path;
    column.name = column.path.substr(column.path.rfind('/') + 1);
    column.type = type;
  };
  add("../../ID", Type::integer);
  add("../../IP");
  add("UNIQUE_VULN_ID", Type::integer);
  add("QID", Type::integer);
  add("TYPE");
  add("SEVERITY", Type::integer);
  add("PORT", Type::integer);
  add("PROTOCOL");
  add("SSL", Type::boolean);
  add("RESULTS");
  add("STATUS");
  add("FIRST_FOUND_DATETIME", Type::time);
  add("LAST_FOUND_DATETIME", Type::time);
  add("TIMES_FOUND", Type::integer);
  add("LAST_TEST_DATETIME", Type::time);
  add("LAST_UPDATE_DATETIME", Type::time);
  add("IS_IGNORED", Type::boolean);
  add("IS_DISABLED", Type::boolean);
  add("LAST_PROCESSED_DATETIME", Type::time);
  return options;
}

struct Measured {
  uint64_t records = 0;
  uint64_t rejects = 0;
  double cut_seconds = 0;
  double seconds = 0;
};

Measured leat_rows(const std::string& file) {
  Measured measured;
  auto decoder = *leat::make_xml_decoder(options());
  const auto cutter = decoder->make_cutter("bench");
  const double before = cpu_seconds();
  for (size_t border = 0; border < file.size();) {
    leat::Chunk chunk;
    chunk.context = cutter->save();
    chunk.start = border;
    chunk.bytes = file.substr(border, kPiece);
    const double cutting = cpu_seconds();
    const auto cut = cutter->whole(chunk.bytes, {.ended = file.size() - border <= kPiece});
    measured.cut_seconds += cpu_seconds() - cutting;
    if (!cut.ok() || cut->bytes == 0) {
      fmt::print(stderr, "{}\n", cut.ok() ? "no border" : cut.status().message());
      std::exit(1);
    }
    chunk.bytes.resize(cut->bytes);
    border += cut->bytes;
    leat::RecordBatch batch(decoder->schema());
    leat::Rejects rejects;
    decoder->decode(std::move(chunk), batch, rejects);
    measured.records += batch.rows();
    measured.rejects += rejects.size();
  }
  measured.seconds = cpu_seconds() - before;
  return measured;
}

Measured libxml2_tags(const std::string& file) {
  Measured measured;
  struct Counts {
    uint64_t records = 0;
    uint64_t characters = 0;
  } counts;
  xmlSAXHandler sax{};
  sax.initialized = XML_SAX2_MAGIC;
  sax.startElementNs = [](void* context, const xmlChar* name, const xmlChar*, const xmlChar*, int, const xmlChar**, int,
                          int, const xmlChar**) {
    if (std::strcmp(reinterpret_cast<const char*>(name), "DETECTION") == 0) ++static_cast<Counts*>(context)->records;
  };
  sax.endElementNs = [](void*, const xmlChar*, const xmlChar*, const xmlChar*) {};
  sax.characters = [](void* context, const xmlChar*, int size) {
    static_cast<Counts*>(context)->characters += static_cast<uint64_t>(size);
  };
  sax.cdataBlock = sax.characters;
  const double before = cpu_seconds();
  xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&sax, &counts, nullptr, 0, nullptr);
  for (size_t at = 0; at < file.size(); at += kPiece) {
    xmlParseChunk(parser, file.data() + at, static_cast<int>(std::min(kPiece, file.size() - at)), 0);
  }
  xmlParseChunk(parser, nullptr, 0, 1);
  measured.seconds = cpu_seconds() - before;
  measured.records = counts.records;
  measured.rejects = parser->wellFormed != 0 ? 0 : 1;
  xmlFreeParserCtxt(parser);
  return measured;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: parse_xml FILE [RUNS]\n");
    return 2;
  }
  const int runs = argc == 3 ? std::max(1, std::atoi(argv[2])) : 5;
  const std::string file = read_file(argv[1]);
  if (file.empty()) {
    fmt::print(stderr, "{}: cannot be read, or is empty\n", argv[1]);
    return 1;
  }
  leat_rows(file.substr(0, 0));  // nothing is measured with cold code
  std::vector<double> ours;
  std::vector<double> cuts;
  std::vector<double> theirs;
  Measured rows;
  for (int run = 0; run < runs; ++run) {
    rows = leat_rows(file);
    const Measured tags = libxml2_tags(file);
    if (rows.records != tags.records || rows.rejects + tags.rejects > 0) {
      fmt::print(stderr, "{} rows and {} rejects, but libxml2 counts {} records\n", rows.records, rows.rejects,
                 tags.records);
      return 1;
    }
    ours.push_back(rows.seconds);
    cuts.push_back(rows.cut_seconds);
    theirs.push_back(tags.seconds);
  }
  const double megabytes = static_cast<double>(file.size()) / 1e6;
  fmt::print(
      "rows {}  MB {:.1f}  leat_cpu_seconds {:.4f}  leat_mb_per_cpu_second {:.0f}  cutter_mb_per_cpu_second {:.0f}  "
      "libxml2_cpu_seconds {:.4f}  libxml2_mb_per_cpu_second {:.0f}  ratio {:.2f}\n",
      rows.records, megabytes, median(ours), megabytes / median(ours), megabytes / median(cuts), median(theirs),
      megabytes / median(theirs), median(theirs) / median(ours));
  return 0;
}
