#include "sinks/bigquery_step.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/temp_dir.h"

namespace leat {
namespace {

using testing::FakeAnswer;
using testing::FakeClock;
using testing::FakeHttp;
using testing::TempDir;

constexpr uint64_t kChunk = 262'144;

FakeAnswer answer(int status, std::string body = "", os::HttpHeaders headers = {}) {
  FakeAnswer made{.status = status, .headers = std::move(headers)};
  if (!body.empty()) made.pieces = {std::move(body)};
  return made;
}

FakeAnswer refusal(int status, const std::string& reason) {
  return answer(status,
                R"({"error":{"message":"BigQuery says )" + reason + R"(","errors":[{"reason":")" + reason + R"("}]}})");
}

FakeAnswer broken() {
  return {.status = 0, .failure = "http://bq/: the connection broke"};
}

FakeAnswer job(const std::string& id, const std::string& state, const std::string& reason = "", int rows = 3,
               const std::string& sha = "abc") {
  std::string text = R"({"jobReference":{"jobId":")" + id + R"("},"configuration":{"labels":{"leat_sha":")" + sha +
                     R"("},"load":{"destinationTable":{"datasetId":"d","tableId":"t"}}},"status":{"state":")" + state +
                     "\"";
  if (!reason.empty())
    text += R"(,"errorResult":{"reason":")" + reason +
            R"(","message":"why"},"errors":[{"message":"why"},{"message":"row 7"}])";
  text += R"(},"statistics":{"load":{"outputRows":")" + std::to_string(rows) + R"("}}})";
  return answer(200, text);
}

const FakeAnswer kMissing = refusal(404, "notFound");
const FakeAnswer kSession = answer(200, "", {{"location", "http://bq/upload/session"}});

class BigQueryStepTest : public ::testing::Test {
 protected:
  BigQueryStepTest() {
    folder_.write("segment", std::string(bytes_, 'x'));
    file_ = *os::file_system().open(folder_.path("segment"), os::Links::refuse);
  }

  // What comes of a step whose requests get these answers, in turn.
  Result<BigQueryJob> run(std::vector<FakeAnswer> answers) {
    http_ = std::make_unique<FakeHttp>(std::move(answers));
    BigQueryAccess access;
    access.endpoint = "http://bq";
    access.project = "p";
    access.chunk_bytes = kChunk;
    BigQueryClient client(access, GoogleAuth({}, clock_), *http_, clock_, {});
    return carry_out(client, {.name = "job",
                              .location = "EU",
                              .table = "d.t",
                              .sha = "abc",
                              .configuration = R"("load":{})",
                              .media = file_.get(),
                              .media_bytes = bytes_,
                              .rows = 3});
  }

  // "GET a1", "POST session", "PUT bytes 0-1/2": what was asked, in order.
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    for (const os::HttpRequest& request : http_->requests()) {
      const auto range = std::find_if(request.headers.begin(), request.headers.end(),
                                      [](const auto& header) { return header.first == "Content-Range"; });
      const size_t attempt = request.url.find("__a");
      all.push_back(request.method + " " +
                    (range != request.headers.end() ? range->second
                     : attempt != std::string::npos ? request.url.substr(attempt + 2, 2)
                                                    : "session"));
    }
    return all;
  }

  using Asked = std::vector<std::string>;
  TempDir folder_;
  FakeClock clock_;
  const uint64_t bytes_ = kChunk + 1000;
  const std::string first_ = "PUT bytes 0-262143/263144";
  const std::string second_ = "PUT bytes 262144-263143/263144";
  const std::string question_ = "PUT bytes */263144";
  std::unique_ptr<os::File> file_;
  std::unique_ptr<FakeHttp> http_;
};

TEST_F(BigQueryStepTest, AsksUploadsAndWaits) {
  const auto done = run({kMissing, kSession, answer(308, "", {{"range", "bytes=0-262143"}}), job("job__a1", "RUNNING"),
                         job("job__a1", "RUNNING"), job("job__a1", "DONE")});
  ASSERT_TRUE(done.ok()) << done.status().message();
  EXPECT_EQ(done->output_rows, 3);
  EXPECT_EQ(asked(), (Asked{"GET a1", "POST session", first_, second_, "GET a1", "GET a1"}));
  EXPECT_EQ(http_->requests()[0].url, "http://bq/bigquery/v2/projects/p/jobs/job__a1?location=EU");
  EXPECT_EQ(http_->requests()[1].url, "http://bq/upload/bigquery/v2/projects/p/jobs?uploadType=resumable");
  EXPECT_EQ(http_->requests()[1].body, R"({"jobReference":{"projectId":"p","jobId":"job__a1","location":"EU"},)"
                                       R"("configuration":{"labels":{"leat_sha":"abc","leat_rows":"3"},"load":{}}})");
  EXPECT_EQ(http_->requests()[3].body, std::string(1000, 'x'));
}

TEST_F(BigQueryStepTest, AJobThatIsThereIsNotAskedForAgain) {
  ASSERT_TRUE(run({job("job__a1", "DONE")}).ok());
  EXPECT_EQ(asked(), Asked{"GET a1"});
}

TEST_F(BigQueryStepTest, WhatIsKeptOfAChunkIsNotSentAgain) {
  ASSERT_TRUE(run({kMissing, kSession, answer(308, "", {{"range", "bytes=0-999"}}), answer(308), broken(),
                   answer(308, "", {{"range", "bytes=0-262999"}}), answer(200), job("job__a1", "DONE")})
                  .ok());
  EXPECT_EQ(asked(), (Asked{"GET a1", "POST session", first_, "PUT bytes 1000-263143/263144", first_, question_,
                            "PUT bytes 263000-263143/263144", "GET a1"}));
}

// Each way in which nobody knows whether the job was made: it is asked for, under the same id.
TEST_F(BigQueryStepTest, AnUnknownOutcomeIsNoFailure) {
  for (const FakeAnswer& lost : {refusal(503, "backendError"), broken(), answer(502, "<html>")}) {
    ASSERT_TRUE(run({kMissing, kSession, lost, answer(200), job("job__a1", "DONE")}).ok());
    EXPECT_EQ(asked(), (Asked{"GET a1", "POST session", first_, question_, "GET a1"}));
  }
  for (const FakeAnswer& over : {refusal(404, "notFound"), answer(410), answer(400, "<html>invalid euc header</html>"),
                                 refusal(409, "duplicate")}) {
    ASSERT_TRUE(run({kMissing, kSession, over, kMissing, kSession, answer(200), job("job__a1", "DONE")}).ok());
    EXPECT_EQ(asked(), (Asked{"GET a1", "POST session", first_, "GET a1", "POST session", first_, "GET a1"}));
  }
  ASSERT_TRUE(run({kMissing, refusal(409, "duplicate"), job("job__a1", "DONE")}).ok());
}

TEST_F(BigQueryStepTest, TheNextAttemptComesBehindAJobThatWasSeenToFail) {
  for (const char* reason : {"backendError", "internalError", "jobBackendError", "jobInternalError",
                             "jobRateLimitExceeded", "rateLimitExceeded", "tableUnavailable", "timeout"}) {
    ASSERT_TRUE(run({kMissing, kSession, answer(200), job("job__a1", "DONE", reason), kMissing, kSession, answer(200),
                     job("job__a2", "DONE")})
                    .ok())
        << reason;
    EXPECT_EQ(asked(), (Asked{"GET a1", "POST session", first_, "GET a1", "GET a2", "POST session", first_, "GET a2"}));
  }
}

TEST_F(BigQueryStepTest, AStartFindsTheLastAttempt) {
  ASSERT_TRUE(
      run({job("job__a1", "DONE", "backendError"), job("job__a2", "DONE", "stopped"), job("job__a3", "DONE")}).ok());
  EXPECT_EQ(clock_.waits(), 0);
}

TEST_F(BigQueryStepTest, WhatIsOver) {
  struct Case {
    std::vector<FakeAnswer> answers;
    Kind kind;
    std::string message;
  };
  const std::vector<Case> cases{
      {{job("job__a1", "DONE", "invalid")}, Kind::bad_data, "BigQuery: job job__a1: why (invalid); row 7"},
      {{kMissing, kSession, answer(200), job("job__a1", "DONE", "stopped")},
       Kind::fatal,
       "BigQuery: job job__a1: why (stopped); row 7"},
      {{job("job__a1", "DONE", "accessDenied")}, Kind::fatal, "BigQuery: job job__a1: why (accessDenied); row 7"},
      {{job("job__a1", "DONE", "", 2)},
       Kind::fatal,
       "BigQuery: job job__a1 has loaded 2 rows and left out 0, of 3 that were sent"},
      {{job("job__a1", "RUNNING", "", 3, "other")},
       Kind::fatal,
       "BigQuery: job job__a1 was used for other rows (label leat_sha 'other' into 'd.t', not 'abc' into 'd.t'); does "
       "another leat run this pipeline from a copy of its spool?"},
      {{kMissing, refusal(403, "accessDenied")},
       Kind::bad_config,
       "BigQuery: an upload is refused: BigQuery says accessDenied (accessDenied)"},
      {{kMissing, kSession, refusal(400, "invalid")},
       Kind::bad_config,
       "BigQuery: a job is refused: BigQuery says invalid (invalid)"},
      {{kMissing, refusal(403, "quotaExceeded")},
       Kind::retry,
       "BigQuery: an upload is refused: BigQuery says quotaExceeded (quotaExceeded)"},
      {{kMissing, kSession, answer(200), job("job__a1", "DONE", "quotaExceeded")},
       Kind::retry,
       "BigQuery: job job__a1: why (quotaExceeded); row 7"},
      {{kMissing, answer(200, "", {{"location", "http://elsewhere/session?id=1"}})},
       Kind::fatal,
       "BigQuery: an upload leads to http://elsewhere/session?id=1, which is not at http://bq; credentials are not "
       "sent "
       "there"},
      {{refusal(401, "authError"), refusal(401, "authError")},
       Kind::bad_config,
       "BigQuery: GET http://bq/bigquery/v2/projects/p/jobs/job__a1?location=EU: BigQuery says authError (authError); "
       "these credentials may not be used here"}};
  for (const Case& each : cases) {
    const auto over = run(each.answers);
    ASSERT_FALSE(over.ok()) << each.message;
    EXPECT_EQ(over.status().message(), each.message);
    EXPECT_EQ(over.status().kind(), each.kind) << each.message;
    EXPECT_EQ(over.status().retry_after_ms().has_value(), each.kind == Kind::retry) << each.message;
  }
}

// Twice in a row it is the credentials (above); a token may end as often as it likes.
TEST_F(BigQueryStepTest, ARefusedTokenIsRenewedEachTime) {
  const FakeAnswer refused = refusal(401, "authError");
  ASSERT_TRUE(run({refused, refusal(503, "backendError"), refused, kMissing, refused, kSession, refused, broken(),
                   refused, answer(200), job("job__a1", "DONE")})
                  .ok());
}

TEST_F(BigQueryStepTest, GivesUpWhenNothingGoesOnForTenMinutes) {
  const uint64_t began = clock_.steady_ms();
  const auto over = run(std::vector<FakeAnswer>(200, refusal(503, "backendError")));
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.status().kind(), Kind::retry);
  const uint64_t waited = clock_.steady_ms() - began;
  EXPECT_GT(waited, 500'000);
  EXPECT_LE(waited, 600'000);
}

TEST_F(BigQueryStepTest, RetryAfterIsHonoured) {
  FakeAnswer busy = refusal(429, "rateLimitExceeded");
  busy.headers = {{"retry-after", "90"}};
  const uint64_t began = clock_.steady_ms();
  ASSERT_TRUE(run({busy, job("job__a1", "DONE")}).ok());
  EXPECT_EQ(clock_.steady_ms() - began, 90'000);
}

TEST_F(BigQueryStepTest, ATokenGoesToGoogleAndTheEndpointOnly) {
  GoogleCredentials user = *parse_google_credentials(
      R"({"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r","token_uri":"http://tokens/"})",
      "user.json");
  for (const auto& [location, trusted] : {std::pair("https://www.googleapis.com/upload/x", true),
                                          {"https://bigquery.googleapis.com.evil.example/x", false},
                                          {"https://evil.example/.googleapis.com", false},
                                          {"https://user@evil.example#.googleapis.com", false},
                                          {"http://www.googleapis.com/upload/x", false},
                                          {"http://bq.evil.example/x", false}}) {
    FakeHttp http([&](const os::HttpRequest& request) {
      if (request.url == "http://tokens/") return answer(200, R"({"access_token":"t","expires_in":3600})");
      return request.method == "POST" ? answer(200, "", {{"location", location}}) : answer(200);
    });
    BigQueryAccess access;
    access.endpoint = "http://bq";
    BigQueryClient client(access, GoogleAuth(user, clock_), http, clock_, {});
    EXPECT_EQ(client.upload("{}", *file_, bytes_).ok(), trusted) << location;
    EXPECT_EQ(http.requests().size(), trusted ? 3 : 2);
  }
}

}  // namespace
}  // namespace leat
