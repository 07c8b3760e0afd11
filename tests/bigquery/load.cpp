// Loads segments as the BigQuery sink does, and dies where it is told to: driven by protocol.py.
//
//   bigquery_load ENDPOINT CREDENTIALS|- FOLDER GENERATION SEGMENTS CRASH proven|random_id|next_attempt
//
// Its segments are made from their numbers; FOLDER/loaded is its journal. CRASH: the process ends, with status 9, at
// the so-manieth moment between two steps: a request is about to be sent, its answer is complete, the journal was or is
// about to be written. 0: it does not. Ends with the number of moments on stdout.

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "base/hash.h"
#include "base/sha256.h"
#include "os/output_file.h"
#include "sinks/bigquery_step.h"

namespace leat {
namespace {

constexpr uint64_t kRows = 60;
constexpr uint64_t kChunkBytes = 256ULL * 1024;
constexpr int kTries = 200;

uint64_t moments = 0;
uint64_t crash_at = 0;

void moment() {
  if (++moments == crash_at) _exit(9);
}

// Waits a hundredth of what it is told to.
class HastyClock final : public os::Clock {
 public:
  int64_t now_micros() override { return os::clock().now_micros(); }
  uint64_t steady_ms() override { return waited_ms_ + os::clock().steady_ms(); }
  bool wait_ms(uint64_t ms, const std::stop_token& /*stop*/) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min<uint64_t>(ms / 100, 20)));
    waited_ms_ += ms;
    return true;
  }

 private:
  uint64_t waited_ms_ = 0;
};

class CrashingTransfer final : public os::HttpTransfer {
 public:
  explicit CrashingTransfer(std::unique_ptr<os::HttpTransfer> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] const os::HttpHead* head() const override { return inner_->head(); }
  [[nodiscard]] bool connected() const override { return inner_->connected(); }
  Result<Read> read() override {
    Result<Read> read = inner_->read();
    if (!read.ok() || read->what == What::end) moment();
    return read;
  }

 private:
  std::unique_ptr<os::HttpTransfer> inner_;
};

class CrashingHttp final : public os::HttpClient {
 public:
  explicit CrashingHttp(std::unique_ptr<os::HttpClient> inner) : inner_(std::move(inner)) {}
  std::unique_ptr<os::HttpTransfer> start(os::HttpRequest request) override {
    moment();
    return std::make_unique<CrashingTransfer>(inner_->start(std::move(request)));
  }
  void wait(uint64_t wait_ms) override { inner_->wait(wait_ms); }

 private:
  std::unique_ptr<os::HttpClient> inner_;
};

// Three chunks; the numbers in it say which it is.
std::string content_of(uint64_t segment) {
  std::string out;
  for (uint64_t row = 0; row < kRows; ++row) {
    const uint64_t id = segment * kRows + row;
    out += fmt::format("{{\"id\":{},\"segment\":{},\"text\":\"", id, segment);
    for (uint64_t i = 0; i < 700; ++i) out += fmt::format("{:016x}", mix64(id << 32 | i));
    out += "\"}\n";
  }
  return out;
}

// Two ways to get it wrong, which the tests must notice.

// A new id for each try: nobody knows what became of the old one.
Result<BigQueryJob> random_id(BigQueryClient& client, BigQueryStep step) {
  std::random_device random;
  for (;;) {
    const std::string id = fmt::format("{}__r{}", step.name, random());
    const Status asked = client.upload(job_resource(step, client.access().project, id), *step.media, step.media_bytes);
    if (!asked.ok()) continue;
    for (;;) {
      Result<std::optional<BigQueryJob>> job = client.job(id, step.location);
      if (!job.ok() || !*job || !(*job)->reason.empty()) break;
      if ((*job)->state == BigQueryJob::State::done) return **job;
      LEAT_TRY(client.wait_ms(500));
    }
  }
}

// The next attempt when the last one is not seen.
Result<BigQueryJob> next_attempt(BigQueryClient& client, const BigQueryStep& step) {
  for (uint64_t attempt = 1, asked = 0;;) {
    const std::string id = fmt::format("{}__a{}", step.name, attempt);
    LEAT_ASSIGN(const std::optional<BigQueryJob> job, client.job(id, step.location));
    if (!job && asked++ == 0) {
      LEAT_TRY(client.upload(job_resource(step, client.access().project, id), *step.media, step.media_bytes));
      continue;
    }
    if (job && job->state == BigQueryJob::State::running) {
      LEAT_TRY(client.wait_ms(500));
      continue;
    }
    if (job && job->reason.empty()) return *job;
    ++attempt;
    asked = 0;
  }
}

Result<BigQueryJob> load(BigQueryClient& client, const BigQueryStep& step, const std::string& how) {
  if (how == "random_id") return random_id(client, step);
  return how == "next_attempt" ? next_attempt(client, step) : carry_out(client, step);
}

Status load_segment(BigQueryClient& client, const std::string& folder, const std::string& generation, uint64_t segment,
                    const std::string& how) {
  const std::string path = fmt::format("{}/{:08}.ndjson", folder, segment);
  const std::string content = content_of(segment);
  LEAT_TRY(os::replace_file(path, content));
  Sha256 sha;
  sha.add(content);
  LEAT_ASSIGN(const auto file, os::file_system().open(path, os::Links::refuse));
  BigQueryStep step;
  step.name = fmt::format("p__{}__t__{:08}__load", generation, segment);
  step.location = "US";
  step.table = "d.t";
  step.sha = sha.hex().substr(0, 40);
  step.configuration =
      R"("load":{"destinationTable":{"projectId":"test","datasetId":"d","tableId":"t"},)"
      R"("sourceFormat":"NEWLINE_DELIMITED_JSON","writeDisposition":"WRITE_APPEND","createDisposition":"CREATE_NEVER"})";
  step.media = file.get();
  step.media_bytes = content.size();
  step.rows = kRows;
  for (int tries = 1;; ++tries) {
    const Result<BigQueryJob> job = load(client, step, how);
    if (job.ok()) break;
    if (job.status().kind() != Kind::retry || tries == kTries) return job.status().clone();
    LEAT_TRY(client.wait_ms(job.status().retry_after_ms().value_or(1000)));
  }
  moment();
  LEAT_ASSIGN(const auto journal, os::OutputFile::append_to(folder + "/loaded"));
  LEAT_TRY(journal->write(fmt::format("{}\n", segment)));
  moment();
  return os::remove_file(path);
}

int run(char** argument) {
  const std::string folder = argument[3];
  crash_at = std::strtoull(argument[6], nullptr, 10);
  GoogleCredentials credentials;
  if (std::string(argument[2]) != "-") {
    const auto content = os::read_file(os::file_system(), argument[2], 1024 * 1024);
    auto parsed = content.ok() ? parse_google_credentials(*content, argument[2]) : content.status().clone();
    if (!parsed.ok()) {
      fmt::print(stderr, "{}\n", parsed.status().message());
      return 1;
    }
    credentials = *std::move(parsed);
  }
  HastyClock clock;
  CrashingHttp http(os::make_http_client({}));
  BigQueryAccess access;
  access.endpoint = argument[1];
  access.project = "test";
  access.chunk_bytes = kChunkBytes;
  BigQueryClient client(access, GoogleAuth(credentials, clock), http, clock, {});
  std::set<uint64_t> loaded;
  std::ifstream journal(folder + "/loaded");
  for (uint64_t segment = 0; journal >> segment;) loaded.insert(segment);
  for (uint64_t segment = 0; segment < std::strtoull(argument[5], nullptr, 10); ++segment) {
    if (loaded.contains(segment)) continue;
    const Status status = load_segment(client, folder, argument[4], segment, argument[7]);
    if (!status.ok()) {
      fmt::print(stderr, "segment {}: {}: {}\n", segment, name_of(status.kind()), status.message());
      return 1;
    }
  }
  fmt::print("{}\n", moments);
  return 0;
}

}  // namespace
}  // namespace leat

int main(int count, char** argument) {
  if (count == 8) return leat::run(argument);
  fmt::print(stderr, "bigquery_load ENDPOINT CREDENTIALS|- FOLDER GENERATION SEGMENTS CRASH HOW\n");
  return 2;
}
