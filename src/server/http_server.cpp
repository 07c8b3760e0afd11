#include "server/http_server.h"

// Before Asio 1.74, which needs <utility> and does not say so, nor sees by itself that clang has coroutines. Without
// what is deprecated its functions that take an error_code return nothing.
#include <boost/version.hpp>
#include <utility>
#define BOOST_ASIO_NO_DEPRECATED
#if defined(__clang__) && BOOST_VERSION < 108000
#define BOOST_ASIO_HAS_CO_AWAIT
#define BOOST_ASIO_HAS_STD_COROUTINE
#endif

#include <fmt/format.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <list>

#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"

namespace leat {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kSocketBuffer = 128 * 1024;  // of the system, for a client that does not take what it gets
constexpr size_t kLingerBytes = 64 * 1024;
constexpr uint64_t kLingerMs = 1000;
constexpr uint64_t kAgainMs = 100;  // between two tries of what may succeed later
constexpr int kTries = 20;
constexpr size_t kMostRefused = 64;  // at the same time
constexpr size_t kChunkHead = 10;    // "0000ffff\r\n"

std::chrono::milliseconds ms(uint64_t count) {
  return std::chrono::milliseconds(count);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(int64_t micros) {
  constexpr std::array kDays = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int64_t days = floor_div(micros, kSecondsPerDay * kMicrosPerSecond);
  const Civil civil = civil_from_days(days);
  const std::string time = format_time(micros / kMicrosPerSecond * kMicrosPerSecond).substr(11);
  return fmt::format("{}, {:02} {} {:04} {} GMT", kDays[static_cast<size_t>(days % 7)], civil.day,
                     kMonths[civil.month - 1], civil.year, time);
}

// Nothing in a value can begin another header.
void add_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) out += c == '\r' || c == '\n' ? ' ' : c;
  out += "\r\n";
}

std::string host_in_url(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

HttpResponse plain(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  response.text = std::move(text) + "\n";
  return response;
}

struct Connection {
  explicit Connection(tcp::socket socket, size_t header_bytes) : stream(std::move(socket)), buffer(header_bytes * 2) {}
  beast::tcp_stream stream;
  std::optional<asio::ssl::stream<beast::tcp_stream&>> tls;  // over `stream`, which has the deadlines
  beast::flat_buffer buffer;
  std::string client;
  std::string local_address;
  bool first = true;     // no request yet
  bool evicted = false;  // closed, because others need the room
};
using ConnectionPtr = std::shared_ptr<Connection>;

// What a request comes to once its header is read.
struct Incoming {
  HttpRequest request;
  unsigned version = 11;
  bool keep_alive = true;
};

class Server final : public HttpServer {
 public:
  Server(const HttpServerOptions& options, HttpHandler handler, std::function<void(const HttpLog&)> on_answer)
      : options_(options),
        handler_(std::move(handler)),
        on_answer_(std::move(on_answer)),
        acceptor_(io_),
        pool_(options.workers) {}
  ~Server() override { pool_.join(); }

  // An error of the library says little, and names no file.
  Status use(const TlsFiles& files) {
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
    error_code error;
    tls_->use_certificate_chain_file(files.certificate, error);
    if (error) {
      return Status::bad_config(
          fmt::format("{}: cannot be used as a certificate ({}); it must be a readable PEM file with the server's "
                      "certificate first",
                      visible(files.certificate), error.message()));
    }
    tls_->use_private_key_file(files.key, asio::ssl::context::pem, error);
    if (error) {
      return Status::bad_config(fmt::format(
          "{}: cannot be used as the key of {} ({}); it must be the readable PEM file of that certificate's private "
          "key, without a password",
          visible(files.key), visible(files.certificate), error.message()));
    }
    return {};
  }

  Status bind() {
    const tcp::endpoint endpoint(asio::ip::make_address(options_.listen.address), options_.listen.port);
    const std::string where = fmt::format("{}:{}", host_in_url(options_.listen.address), options_.listen.port);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) return {};
    if (error == asio::error::address_in_use) {
      return Status::fatal(
          fmt::format("{}: another program listens there; end it, or take another port with --listen", where));
    }
    if (error == asio::error::access_denied) {
      return Status::fatal(
          fmt::format("{}: may not be listened on (ports below 1024 are root's); take another port with "
                      "--listen",
                      where));
    }
    return Status::bad_config(
        fmt::format("{}: cannot be listened on ({}); name an address of this machine", where, error.message()));
  }

  [[nodiscard]] std::string url() const override {
    error_code ignored;
    const tcp::endpoint endpoint = acceptor_.local_endpoint(ignored);
    return fmt::format("{}://{}:{}", tls_ ? "https" : "http", host_in_url(endpoint.address().to_string()),
                       endpoint.port());
  }

  void run(const std::stop_token& stop) override {
    asio::co_spawn(io_, accept(), asio::detached);
    const std::stop_callback leave(stop, [this] { io_.stop(); });
    if (!stop.stop_requested()) io_.run();
    pool_.stop();
    pool_.join();
  }

 private:
  awaitable<void> accept() {
    asio::steady_timer pause(io_);
    for (;;) {
      error_code error;
      tcp::socket socket(io_);
      co_await acceptor_.async_accept(socket, asio::redirect_error(use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {  // out of descriptors, most of all: those who leave make room
        make_room();
        pause.expires_after(ms(kAgainMs));
        co_await pause.async_wait(asio::redirect_error(use_awaitable, error));
        continue;
      }
      take_in(std::move(socket));
    }
  }

  // The longest silent connection is closed; false: all are busy.
  bool make_room() {
    if (waiting_.empty()) return false;
    waiting_.front()->evicted = true;
    waiting_.front()->stream.close();
    waiting_.pop_front();
    return true;
  }

  void take_in(tcp::socket socket) {
    error_code error;
    if (open_ >= options_.connections && !make_room()) {
      // More than these are closed without a word.
      if (refused_ < kMostRefused) {
        auto refused = std::make_shared<Connection>(std::move(socket), options_.header_bytes);
        asio::co_spawn(io_, refuse(std::move(refused)), asio::detached);
      }
      return;
    }
    socket.set_option(tcp::no_delay(true), error);
    socket.set_option(asio::socket_base::send_buffer_size(static_cast<int>(kSocketBuffer)), error);
    auto connection = std::make_shared<Connection>(std::move(socket), options_.header_bytes);
    if (tls_) connection->tls.emplace(connection->stream, *tls_);
    connection->client = connection->stream.socket().remote_endpoint(error).address().to_string();
    connection->local_address = connection->stream.socket().local_endpoint(error).address().to_string();
    ++open_;
    asio::co_spawn(io_, serve(std::move(connection)), asio::detached);
  }

  // By value, and below: a coroutine keeps its parameters.
  awaitable<void> refuse(ConnectionPtr connection) {  // NOLINT(performance-unnecessary-value-param)
    ++refused_;
    const std::string text = bytes_of(plain(503, "too many connections; try again"), 11, false, false);
    const bool sent = co_await write(*connection, text);
    if (sent) co_await linger(*connection);
    --refused_;
  }

  awaitable<void> serve(ConnectionPtr connection) {  // NOLINT(performance-unnecessary-value-param)
    bool goes_on = true;
    while (goes_on) goes_on = co_await serve_one(*connection, connection);
    connection->stream.close();
    --open_;
  }

  // One request and its answer. False: the connection is to be closed.
  awaitable<bool> serve_one(Connection& connection, ConnectionPtr self) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<uint32_t>(options_.header_bytes));
    parser.body_limit(boost::none);  // it is not read
    connection.stream.expires_after(ms(connection.first ? options_.header_ms : options_.idle_ms));
    error_code error;
    const auto place = waiting_.insert(waiting_.end(), self);
    co_await read_header(connection, parser, error);
    if (connection.evicted) co_return false;
    waiting_.erase(place);
    connection.first = false;
    if (error && !is_fault(error)) co_return false;
    const uint64_t begun_ms = os::clock().steady_ms();
    HttpLog log;
    log.client = connection.client;
    HttpResponse response;
    Incoming incoming;
    if (error) {
      incoming.keep_alive = false;
      const bool too_large = error == http::error::header_limit || error == http::error::buffer_overflow;
      response = too_large ? plain(431, fmt::format("the header of a request may have {} bytes", options_.header_bytes))
                           : plain(400, "this is not a request of HTTP/1.1");
    } else {
      incoming = incoming_of(parser, connection);
      log.method = incoming.request.method;
      log.target = incoming.request.target;
      const auto answer = [&] { response = handler_(incoming.request); };
      co_await on_worker(answer);
    }
    log.status = response.status;
    const bool sent = co_await send(connection, incoming, response, log);
    log.whole = sent;
    log.ms = os::clock().steady_ms() - begun_ms;
    on_answer_(log);
    if (sent && incoming.keep_alive) co_return true;
    if (sent) co_await linger(connection);
    co_return false;
  }

  awaitable<void> read_header(Connection& connection, http::request_parser<http::empty_body>& parser,
                              error_code& error) {
    if (!connection.tls) {
      co_await http::async_read_header(connection.stream, connection.buffer, parser,
                                       asio::redirect_error(use_awaitable, error));
      co_return;
    }
    if (connection.first) {
      co_await connection.tls->async_handshake(asio::ssl::stream_base::server,
                                               asio::redirect_error(use_awaitable, error));
    }
    if (error) co_return;
    co_await http::async_read_header(*connection.tls, connection.buffer, parser,
                                     asio::redirect_error(use_awaitable, error));
  }

  // What is worth an answer: not a connection that has ended or timed out.
  static bool is_fault(const error_code& error) {
    return error.category() == http::make_error_code(http::error::end_of_stream).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
  }

  static Incoming incoming_of(const http::request_parser<http::empty_body>& parser, const Connection& connection) {
    const auto& message = parser.get();
    Incoming incoming;
    incoming.request.method = std::string(message.method_string());
    incoming.request.target = std::string(message.target());
    for (const auto& field : message) {
      incoming.request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    incoming.request.tls = connection.tls.has_value();
    incoming.request.local_address = connection.local_address;
    incoming.version = message.version();
    // Nobody reads a body, so what stands behind one cannot be told from it.
    const bool has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
    incoming.keep_alive = message.keep_alive() && !has_body;
    return incoming;
  }

  // Runs `work` on a worker while this thread goes on with others.
  template <class Work>
  awaitable<void> on_worker(Work& work) {
    co_await asio::co_spawn(pool_.get_executor(), run_work(work), use_awaitable);
  }
  template <class Work>
  static awaitable<void> run_work(Work& work) {
    work();
    co_return;
  }

  // The header, and the body unless it is a stream.
  static std::string bytes_of(const HttpResponse& response, unsigned version, bool keep_alive, bool only_header) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status,
                                  std::string(http::obsolete_reason(static_cast<http::status>(response.status))));
    add_header(out, "Server", "leat");
    add_header(out, "Date", http_date(os::clock().now_micros()));
    for (const auto& [name, value] : response.headers) add_header(out, name, value);
    if (response.stream != nullptr) {
      if (version >= 11) add_header(out, "Transfer-Encoding", "chunked");
      for (const auto& [name, value] : response.stream->trailers()) add_header(out, "Trailer", name);
    } else if (response.status != 204 && response.status != 304) {
      add_header(out, "Content-Length", std::to_string(response.text.size()));
    }
    if (!keep_alive) {
      add_header(out, "Connection", "close");
    } else if (version < 11) {
      add_header(out, "Connection", "keep-alive");
    }
    out += "\r\n";
    if (response.stream == nullptr && !only_header) out += response.text;
    return out;
  }

  // False: not all of it was sent, the connection is of no use any more.
  awaitable<bool> send(Connection& connection, Incoming& incoming, HttpResponse& response, HttpLog& log) {
    const bool only_header = incoming.request.method == "HEAD";
    const bool streams = response.stream != nullptr && !only_header;
    // Before HTTP/1.1 the end of the connection is the end of a body of unknown length.
    if (streams && incoming.version < 11) incoming.keep_alive = false;
    const std::string head = bytes_of(response, incoming.version, incoming.keep_alive, only_header);
    if (!streams && !only_header) log.bytes = response.text.size();
    const bool sent = co_await write(connection, head);
    if (!sent || !streams) co_return sent;
    const bool chunked = incoming.version >= 11;
    std::string piece;
    Result<bool> more = true;
    int tries = 0;
    asio::steady_timer pause(io_);
    const auto make = [&] {
      piece.assign(chunked ? kChunkHead : 0, '0');
      more = response.stream->next(piece);
    };
    do {
      co_await on_worker(make);
      if (!more.ok()) {
        if (more.status().kind() != Kind::retry || ++tries == kTries) {
          log.failure = more.status().message();
          co_return false;
        }
        pause.expires_after(ms(kAgainMs));
        error_code ignored;
        co_await pause.async_wait(asio::redirect_error(use_awaitable, ignored));
        continue;
      }
      tries = 0;
      finish_piece(piece, chunked, *more ? nullptr : response.stream.get(), log);
      const bool written = co_await write(connection, piece);
      if (!written) co_return false;
    } while (!more.ok() || *more);
    co_return true;
  }

  // Puts the size of the chunk before it, and behind the last one the trailers.
  static void finish_piece(std::string& piece, bool chunked, const HttpBody* ended, HttpLog& log) {
    const size_t head = chunked ? kChunkHead : 0;
    const size_t size = piece.size() - head;
    log.bytes += size;
    if (!chunked) return;
    if (size == 0) {
      piece.clear();
    } else {
      const std::string digits = fmt::format("{:08x}\r\n", size);
      piece.replace(0, kChunkHead, digits);
      piece += "\r\n";
    }
    if (ended == nullptr) return;
    piece += "0\r\n";
    for (const auto& [name, value] : ended->trailers()) add_header(piece, name, value);
    piece += "\r\n";
  }

  awaitable<bool> write(Connection& connection, const std::string& bytes) const {
    size_t at = 0;
    while (at < bytes.size()) {
      connection.stream.expires_after(ms(options_.write_ms));
      error_code error;
      const auto rest = asio::buffer(bytes.data() + at, bytes.size() - at);
      if (connection.tls) {
        at += co_await connection.tls->async_write_some(rest, asio::redirect_error(use_awaitable, error));
      } else {
        at += co_await connection.stream.async_write_some(rest, asio::redirect_error(use_awaitable, error));
      }
      if (error) co_return false;
    }
    co_return true;
  }

  // A connection that is closed while bytes of the client lie unread takes the answer with it.
  awaitable<void> linger(Connection& connection) {
    error_code error;
    if (connection.tls) {  // says that this was all
      connection.stream.expires_after(ms(kLingerMs));
      co_await connection.tls->async_shutdown(asio::redirect_error(use_awaitable, error));
      error.clear();
    }
    connection.stream.socket().shutdown(tcp::socket::shutdown_send, error);
    connection.stream.expires_after(ms(kLingerMs));
    std::array<char, 4096> sink{};
    size_t taken = 0;
    while (!error && taken < kLingerBytes) {
      taken +=
          co_await connection.stream.async_read_some(asio::buffer(sink), asio::redirect_error(use_awaitable, error));
    }
  }

  HttpServerOptions options_;
  HttpHandler handler_;
  std::function<void(const HttpLog&)> on_answer_;
  // Outlives everything below, which hands work to it or has sockets of it; coroutines that have not ended go with it.
  asio::io_context io_{1};
  std::list<ConnectionPtr> waiting_;  // the longest silent first
  size_t open_ = 0;
  size_t refused_ = 0;
  std::optional<asio::ssl::context> tls_;
  tcp::acceptor acceptor_;
  asio::thread_pool pool_;
};

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto wrong = [&] {
    return Status::bad_config(
        fmt::format("{} is not an address and a port; write it as 127.0.0.1:8080 or [::1]:8080", quoted(text)));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string host(text.substr(0, colon));
  const std::optional<int64_t> port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return wrong();
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return wrong();
  }
  if (host == "localhost") host = "127.0.0.1";
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error) return wrong();
  return ListenAddress{host, static_cast<uint16_t>(*port), address.is_loopback()};
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpServerOptions& options, HttpHandler handler,
                                                       std::function<void(const HttpLog&)> on_answer) {
  auto server = std::make_unique<Server>(options, std::move(handler), std::move(on_answer));
  if (options.tls) LEAT_TRY(server->use(*options.tls));
  LEAT_TRY(server->bind());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace leat
