#include "os/http_client.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/scripted_server.h"

namespace leat::os {
namespace {

using leat::testing::http_answer;
using leat::testing::ScriptedAnswer;
using leat::testing::ScriptedServer;
using leat::testing::Then;

// The proxies of whoever runs the tests are not for these.
class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() {
    for (const char* name :
         {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}) {
      ::unsetenv(name);
    }
  }
};

struct Got {
  HttpHead head;
  std::string body;
  Status status;  // ok: the answer is complete
  size_t largest = 0;
};

// All that comes; what has no end ends the test by ctest's own limit.
Got take(HttpClient& client, HttpTransfer& transfer) {
  Got got;
  for (;;) {
    auto read = transfer.read();
    if (transfer.head() != nullptr) got.head = *transfer.head();
    if (!read.ok()) {
      got.status = std::move(read).status();
      return got;
    }
    if (read->what == HttpTransfer::What::end) return got;
    if (read->what == HttpTransfer::What::nothing) client.wait(1000);
    got.largest = std::max(got.largest, read->bytes.size());
    got.body += read->bytes;
  }
}

Got get(const std::string& url, HttpClientOptions options = {}) {
  const auto client = make_http_client(std::move(options));
  return take(*client, *client->start({.url = url}));
}

Got get_from(ScriptedAnswer answer) {
  const ScriptedServer server({std::move(answer)});
  return get(server.url());
}

TEST_F(HttpClientTest, an_answer_with_its_head) {
  const ScriptedServer server({{http_answer("hello", "200 Fine", "X-One: 1\r\nX-TWO:  a b \r\nx-one: 3\r\n")}});
  const Got got = get(server.url("/a?b=c#d"));
  EXPECT_EQ(got.status.message(), "");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.head.status, 200);
  EXPECT_TRUE(got.head.framed);
  EXPECT_EQ(*got.head.find("x-one"), "1");
  EXPECT_EQ(*got.head.find("x-two"), "a b");
  EXPECT_EQ(got.head.find("X-One"), nullptr);
  ASSERT_EQ(got.head.headers.size(), 4U);
  EXPECT_EQ(got.head.headers[3], std::pair(std::string("x-one"), std::string("3")));
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_TRUE(server.requests()[0].starts_with("GET /a?b=c HTTP/1.1\r\n")) << server.requests()[0];
}

TEST_F(HttpClientTest, a_request_as_it_is_sent) {
  const ScriptedServer server({{http_answer("ok")}});
  const auto client = make_http_client({});
  const std::string large(2'000'000, 'x');
  const auto transfer = client->start(
      {.method = "POST", .url = server.url(), .headers = {{"X-Empty", ""}, {"X-Full", "f"}}, .body = large});
  EXPECT_TRUE(take(*client, *transfer).status.ok());
  const std::string request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST / HTTP/1.1\r\n"));
  EXPECT_TRUE(request.ends_with("\r\n\r\n" + large));
  EXPECT_NE(request.find("X-Empty:\r\n"), std::string::npos);
  EXPECT_NE(request.find("X-Full: f\r\n"), std::string::npos);
  EXPECT_EQ(request.find("Expect"), std::string::npos);
  EXPECT_EQ(request.find("Accept-Encoding"), std::string::npos);
}

TEST_F(HttpClientTest, a_connection_is_used_again_but_not_when_its_answer_was_left) {
  const ScriptedServer server({{http_answer("1")},
                               {http_answer("2")},
                               {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal", Then::hold},
                               {http_answer("4")}});
  const auto client = make_http_client({});
  for (const char* body : {"1", "2"}) EXPECT_EQ(take(*client, *client->start({.url = server.url()})).body, body);
  EXPECT_EQ(server.connections(), 1U);
  {
    const auto left = client->start({.url = server.url()});
    while (left->head() == nullptr) client->wait(1000);
  }
  EXPECT_EQ(take(*client, *client->start({.url = server.url()})).body, "4");
  EXPECT_EQ(server.connections(), 2U);
}

TEST_F(HttpClientTest, answers_without_a_body) {
  EXPECT_EQ(get_from({"HTTP/1.1 204 No Content\r\n\r\n"}).head.status, 204);
  EXPECT_TRUE(get_from({"HTTP/1.1 204 No Content\r\n\r\n"}).head.framed);
  const ScriptedServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"}});
  const auto client = make_http_client({});
  const Got got = take(*client, *client->start({.method = "HEAD", .url = server.url()}));
  EXPECT_TRUE(got.status.ok());
  EXPECT_EQ(*got.head.find("content-length"), "500");
}

TEST_F(HttpClientTest, interim_answers_are_passed_over) {
  const Got got = get_from({"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + http_answer("b", "201 Created")});
  EXPECT_EQ(got.head.status, 201);
  EXPECT_EQ(got.head.find("link"), nullptr);
  EXPECT_EQ(got.body, "b");
}

TEST_F(HttpClientTest, a_chunked_answer) {
  const Got got =
      get_from({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
                "3\r\n\x1F\x8Bz\r\n2;x=y\r\nab\r\n0\r\nX-Behind: 1\r\n\r\n"});
  EXPECT_EQ(got.status.message(), "");
  EXPECT_EQ(got.body, "\x1F\x8Bzab") << "as it was sent, compressed or not";
  EXPECT_TRUE(got.head.framed);
  EXPECT_EQ(got.head.find("x-behind"), nullptr);
}

TEST_F(HttpClientTest, an_answer_that_ends_with_its_connection) {
  const Got got = get_from({"HTTP/1.0 200 OK\r\n\r\nall of it", Then::close});
  EXPECT_TRUE(got.status.ok());
  EXPECT_EQ(got.body, "all of it");
  EXPECT_FALSE(got.head.framed);
}

TEST_F(HttpClientTest, an_answer_that_is_cut) {
  struct Case {
    ScriptedAnswer answer;
    const char* body;
    const char* message;
  };
  for (const Case& one : std::vector<Case>{
           {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Then::close},
            "half",
            "was cut after 4 bytes of the body"},
           {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Then::reset}, nullptr, "broke"},
           {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", Then::close},
            "abc",
            "was cut after 3"},
           {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", Then::close},
            "abc",
            "after 3 bytes"},
           {{"HTTP/1.1 200 OK\r\nContent-Le", Then::close}, "", "was cut in its head"},
           {{"", Then::close}, "", "broke before an answer came"},
           {{"SSH-2.0-OpenSSH_9.2\r\n", Then::close}, "", "does not answer with HTTP"},
       }) {
    const Got got = get_from(one.answer);
    EXPECT_EQ(got.status.kind(), Kind::retry) << got.status.message();
    if (one.body != nullptr) {
      EXPECT_EQ(got.body, one.body);
    }
    EXPECT_NE(got.status.message().find(one.message), std::string::npos) << got.status.message();
    EXPECT_TRUE(got.status.message().starts_with("http://127.0.0.1:")) << got.status.message();
  }
}

TEST_F(HttpClientTest, a_head_has_a_largest_size) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 30; ++i) head += "X: " + std::string(50'000, 'x') + "\r\n";
  const Got got = get_from({head, Then::hold});
  EXPECT_EQ(got.status.kind(), Kind::retry);
  EXPECT_NE(got.status.message().find("larger than 256.0 KiB"), std::string::npos) << got.status.message();
}

TEST_F(HttpClientTest, redirects_and_cookies_are_left_to_others) {
  const ScriptedServer server(
      {{http_answer("", "302 Found", "Location: /elsewhere\r\nSet-Cookie: a=b\r\n")}, {http_answer("second")}});
  const auto client = make_http_client({});
  const Got got = take(*client, *client->start({.url = server.url()}));
  EXPECT_EQ(got.head.status, 302);
  EXPECT_EQ(*got.head.find("location"), "/elsewhere");
  EXPECT_EQ(take(*client, *client->start({.url = server.url()})).body, "second");
  EXPECT_EQ(server.requests()[1].find("Cookie"), std::string::npos);
}

TEST_F(HttpClientTest, silence_ends_an_answer) {
  const ScriptedServer silent({{"", Then::hold}});
  const Got before = get(silent.url(), {.idle_timeout_ms = 50});
  EXPECT_EQ(before.status.kind(), Kind::retry);
  EXPECT_EQ(before.status.message(), silent.url() + ": nothing has come for 50 ms, the answer has not begun");
  const ScriptedServer half({{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Then::hold}});
  const Got middle = get(half.url(), {.idle_timeout_ms = 800});  // enough for its beginning to come
  EXPECT_EQ(middle.body, "half");
  EXPECT_EQ(middle.status.message(), half.url() + ": nothing has come for 800 ms, in the middle of the answer");
}

TEST_F(HttpClientTest, a_transfer_that_nobody_reads_holds_its_connection_and_no_other) {
  std::string large;  // more than the system holds for a connection
  for (int i = 0; large.size() < 48'000'000; ++i) large += std::to_string(i) + "\n";
  const ScriptedServer server([&](const std::string& request) {
    return ScriptedAnswer{http_answer(request.starts_with("GET /large") ? large : "small")};
  });
  const auto client = make_http_client({.idle_timeout_ms = 20'000, .buffer_bytes = 100'000});
  const auto held = client->start({.url = server.url("/large")});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(take(*client, *client->start({.url = server.url()})).body, "small");
  const auto also = client->start({.url = server.url("/large")});
  const Got second = take(*client, *also);
  const Got first = take(*client, *held);
  EXPECT_EQ(first.status.message() + second.status.message(), "");
  EXPECT_TRUE(first.body == large && second.body == large);
  EXPECT_LE(first.largest, 100'000U);
  EXPECT_LE(second.largest, 100'000U);
}

TEST_F(HttpClientTest, nothing_is_sent_before_somebody_waits) {
  const ScriptedServer server({{http_answer("a")}});
  const auto client = make_http_client({});
  {
    const auto transfer = client->start({.url = server.url()});
    EXPECT_EQ(transfer->head(), nullptr);
  }
  client->wait(60'000);  // nothing to wait for
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTest, what_cannot_be_asked) {
  struct Case {
    const char* url;
    const char* message;
  };
  for (const Case& one : std::vector<Case>{
           {"", ": this is no URL ("},
           {"/only/a/path", "/only/a/path: this is no URL ("},
           {"http://h/a b", "http://h/a b: this is no URL ("},
           {"http://h:99999/", "http://h:99999/: this is no URL ("},
           {"ftp://h/x", "ftp://h/x: 'ftp' is not spoken here; use http:// or https://"},
           {"file:///etc/passwd", "file:///etc/passwd: 'file' is not spoken here"},
           {"http://ann:pa55@h/?key=k3y", "http://***@h/?key=***: a user and a password do not belong into a URL"},
       }) {
    const Got got = get(one.url);
    EXPECT_EQ(got.status.kind(), Kind::bad_config) << one.url;
    EXPECT_TRUE(got.status.message().starts_with(one.message)) << got.status.message();
  }
  const auto client = make_http_client({});
  const auto transfer = client->start({.url = "http://127.0.0.1/", .headers = {{"X-A", "b\r\nX-C: d"}}});
  EXPECT_EQ(transfer->read().status().message(),
            "http://127.0.0.1/: header 'X-A' holds a line break or a NUL character, which no header can");
}

TEST_F(HttpClientTest, what_cannot_be_reached) {
  uint16_t closed = 0;
  {
    const ScriptedServer server(std::vector<ScriptedAnswer>{});
    closed = server.port();
  }
  const Got refused =
      get("http://127.0.0.1:" + std::to_string(closed) + "/s3cret?a=s3cret&token=t", {.secrets = {"s3cret"}});
  EXPECT_EQ(refused.status.kind(), Kind::retry);
  EXPECT_EQ(refused.status.message(),
            "http://127.0.0.1:" + std::to_string(closed) + "/***?a=***&token=***: cannot connect (Connection refused)");
  const ScriptedServer plain({{http_answer("a")}});
  const Got no_tls = get("https://127.0.0.1:" + std::to_string(plain.port()), {.connect_timeout_ms = 100});
  EXPECT_EQ(no_tls.status.kind(), Kind::retry);
  EXPECT_TRUE(no_tls.status.message().ends_with(": no connection within 100 ms")) << no_tls.status.message();
  const Got bad_file = get("https://127.0.0.1:" + std::to_string(plain.port()), {.ca_file = "/none/ca.pem"});
  EXPECT_EQ(bad_file.status.kind(), Kind::bad_config);
  EXPECT_NE(bad_file.status.message().find("ca_file '/none/ca.pem' cannot be used"), std::string::npos)
      << bad_file.status.message();
}

TEST_F(HttpClientTest, a_proxy_as_the_environment_says) {
  const ScriptedServer proxy({{http_answer("through")}});
  const ScriptedServer direct({{http_answer("directly")}});
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  ::setenv("no_proxy", "127.0.0.1", 1);
  EXPECT_EQ(get("http://api.invalid/x").body, "through");
  EXPECT_TRUE(proxy.requests().at(0).starts_with("GET http://api.invalid/x HTTP/1.1\r\n")) << proxy.requests()[0];
  EXPECT_EQ(get(direct.url()).body, "directly");
  ::unsetenv("http_proxy");
  ::unsetenv("no_proxy");
}

TEST_F(HttpClientTest, a_failure_stays) {
  const ScriptedServer server({{"", Then::close}});
  const auto client = make_http_client({});
  const auto transfer = client->start({.url = server.url()});
  EXPECT_FALSE(take(*client, *transfer).status.ok());
  EXPECT_EQ(transfer->read().status().kind(), Kind::retry);
}

}  // namespace
}  // namespace leat::os
