#include "sinks/bigquery_step.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"
#include "base/text.h"

namespace leat {
namespace {

constexpr uint64_t kFirstPollMs = 100;
constexpr uint64_t kLongestPollMs = 10'000;
constexpr uint64_t kParkMs = 600'000;
constexpr size_t kShownMessage = 500;

std::string what_failed(const BigQueryJob& job) {
  std::string text = fmt::format("BigQuery: job {}: {} ({})", job.id, visible(job.message, kShownMessage), job.reason);
  if (!job.errors.empty()) text += "; " + visible(job.errors.front(), kShownMessage);
  return text;
}

Status check_it_is_ours(const BigQueryJob& job, const BigQueryStep& step) {
  if (job.sha == step.sha && job.table == step.table) return {};
  return Status::fatal(
      fmt::format("BigQuery: job {} was used for other rows (label leat_sha {} into {}, not {} into {}); does another "
                  "leat run this "
                  "pipeline from a copy of its spool?",
                  job.id, quoted(job.sha), quoted(job.table), quoted(step.sha), quoted(step.table)));
}

Status check_rows(const BigQueryJob& job, const BigQueryStep& step) {
  if (step.media == nullptr || (job.output_rows == step.rows && job.bad_records == 0)) return {};
  return Status::fatal(fmt::format("BigQuery: job {} has loaded {} rows and left out {}, of {} that were sent", job.id,
                                   with_commas(job.output_rows), with_commas(job.bad_records), with_commas(step.rows)));
}

}  // namespace

std::string job_resource(const BigQueryStep& step, const std::string& project, const std::string& id) {
  std::string out = "{\"jobReference\":{\"projectId\":";
  add_json_string(out, project);
  out += ",\"jobId\":";
  add_json_string(out, id);
  out += ",\"location\":";
  add_json_string(out, step.location);
  out += fmt::format("}},\"configuration\":{{\"labels\":{{\"leat_sha\":\"{}\",\"leat_rows\":\"{}\"}},{}}}}}", step.sha,
                     step.rows, step.configuration);
  return out;
}

Result<BigQueryJob> carry_out(BigQueryClient& client, const BigQueryStep& step) {
  BigQueryPatience waits = client.patience();
  uint64_t poll_ms = kFirstPollMs;
  for (uint64_t attempt = 1, asked = 0;;) {
    const std::string id = fmt::format("{}__a{}", step.name, attempt);
    LEAT_ASSIGN(const std::optional<BigQueryJob> job, client.job(id, step.location));
    if (!job) {
      // What was asked for before and is not seen is asked for again, under the same id: at most one of them runs.
      if (asked++ > 0)
        LEAT_TRY(waits.wait(Status::retry(fmt::format("BigQuery: job {} was asked for and is not there", id))));
      const std::string resource = job_resource(step, client.access().project, id);
      LEAT_TRY(step.media == nullptr ? client.submit(resource)
                                     : client.upload(resource, *step.media, step.media_bytes));
      continue;
    }
    LEAT_TRY(check_it_is_ours(*job, step));
    if (job->state == BigQueryJob::State::running) {
      LEAT_TRY(client.wait_ms(poll_ms));
      poll_ms = std::min(poll_ms * 2, kLongestPollMs);
      waits.begin();
      continue;
    }
    if (job->reason.empty()) {
      LEAT_TRY(check_rows(*job, step));
      return *job;
    }
    switch (judge_job_failure(job->reason, job->message)) {
      case AfterFailure::next_attempt:
        break;
      case AfterFailure::park: {
        // The day's quota counts failed jobs too; one that was seen to fail before this one began is not waited for.
        if (asked == 0) break;
        return Status::retry(what_failed(*job)).with_retry_after_ms(kParkMs);
      }
      case AfterFailure::bad_rows:
        return Status::bad_data(what_failed(*job));
      case AfterFailure::stop:
        if (asked == 0 && job->reason == "stopped") break;  // the next run makes the next attempt
        return Status::fatal(what_failed(*job));
    }
    // The one place where the attempt grows: behind a job that is DONE with an error, which does not change any more.
    if (asked > 0) LEAT_TRY(waits.wait(Status::retry(what_failed(*job))));
    ++attempt;
    asked = 0;
    poll_ms = kFirstPollMs;
  }
}

}  // namespace leat
