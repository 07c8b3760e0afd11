#include "server/api.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/gzip_stream.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "os/clock.h"
#include "server/access.h"
#include "server/row_text.h"
#include "server/stores.h"

namespace leat {
namespace {

constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kPageBytes = 512 * 1024;
constexpr uint64_t kPageMs = 150;
constexpr uint64_t kPageRows = 100;
constexpr uint64_t kMostPageRows = 10'000;
constexpr size_t kWorthGzip = 1024;

constexpr std::string_view kTables = "/api/v1/tables";
constexpr std::string_view kPages = "/api/v1/tables/";
constexpr std::string_view kStreams = "/api/v1/stream/";
constexpr std::string_view kPaths =
    "there are: /api/v1/tables, /api/v1/tables/TABLE, /api/v1/stream/TABLE and /healthz";

const RowFormatName& name_of_format(RowFormat format) {
  for (const RowFormatName& known : row_formats()) {
    if (known.format == format) return known;
  }
  return row_formats().front();
}

HttpResponse failure(const HttpRequest& request, int status, const std::string& message) {
  HttpResponse response;
  response.status = status;
  const bool plain = request.header("Accept").starts_with("text/plain");
  response.headers.emplace_back("Content-Type", plain ? "text/plain; charset=utf-8" : "application/json");
  if (plain) {
    response.text = message + "\n";
  } else {
    JsonWriter json;
    json.begin_object().field("error", std::string_view(message)).field("status", static_cast<int64_t>(status));
    response.text = json.end_object().text() + "\n";
  }
  return response;
}

HttpResponse failure(const HttpRequest& request, const Status& status) {
  if (status.kind() == Kind::bad_config || status.kind() == Kind::bad_data) {
    return failure(request, 400, status.message());
  }
  HttpResponse response = failure(request, status.kind() == Kind::retry ? 503 : 500, status.message());
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

class GzipBody final : public HttpBody {
 public:
  explicit GzipBody(std::unique_ptr<HttpBody> plain) : plain_(std::move(plain)) {}
  Result<bool> next(std::string& to) override {
    std::string piece;
    LEAT_ASSIGN(const bool more, plain_->next(piece));
    to += gzip_.add(piece, !more);
    return more;
  }
  [[nodiscard]] HttpHeaders trailers() const override { return plain_->trailers(); }

 private:
  std::unique_ptr<HttpBody> plain_;
  GzipStream gzip_;
};

Status no_database(const Stores& stores) {
  return Status::retry(
      fmt::format("{}: is not there yet; start the pipeline that makes it", visible(stores.database().name)));
}

// All rows that are asked for, piece by piece.
class RowStream final : public HttpBody {
 public:
  RowStream(std::shared_ptr<Stores> stores, TableRequest request, RowFormat format)
      : stores_(std::move(stores)), request_(std::move(request)), text_(make_row_text(format, request_.fields)) {}

  Result<bool> next(std::string& to) override {
    const size_t before = to.size();
    const uint64_t limit = request_.limit.value_or(UINT64_MAX);
    uint64_t rows = rows_;
    if (!begun_) text_->begin(to);
    const auto take = [&](std::span<const ResultCell> row) {
      text_->row(to, row, rows == 0);
      return ++rows < limit && to.size() - before < kPieceBytes;
    };
    Result<ScanPiece> piece = stores_->with([&](Store* store) -> Result<ScanPiece> {
      if (store == nullptr) return no_database(*stores_);
      return store->scan(request_.query, request_.after, take);
    });
    if (!piece.ok()) {
      to.resize(before);  // it may be asked for again
      return std::move(piece).status();
    }
    begun_ = true;
    rows_ = rows;
    request_.after = std::move(piece->at);
    if (!piece->ended && rows_ < limit) return true;
    text_->end(to, rows_, std::nullopt);
    return false;
  }
  [[nodiscard]] HttpHeaders trailers() const override { return {{"Leat-Rows", std::to_string(rows_)}}; }

 private:
  std::shared_ptr<Stores> stores_;
  TableRequest request_;
  std::unique_ptr<RowText> text_;
  uint64_t rows_ = 0;
  bool begun_ = false;
};

struct Page {
  std::string text;
  std::string next;  // cursor; empty: the last page
};

Result<Page> read_page(Stores& stores, const TableRequest& request, RowFormat format,
                       const std::function<std::string(const std::string&)>& link) {
  const std::unique_ptr<RowText> text = make_row_text(format, request.fields);
  const uint64_t limit = request.limit.value_or(kPageRows);
  const uint64_t until = os::clock().steady_ms() + kPageMs;
  return stores.with([&](Store* store) -> Result<Page> {
    if (store == nullptr) return no_database(stores);
    Page page;
    uint64_t rows = 0;
    text->begin(page.text);
    std::optional<ScanKey> at = request.after;
    const auto take = [&](std::span<const ResultCell> row) {
      text->row(page.text, row, rows == 0);
      return ++rows < limit && page.text.size() < kPageBytes;
    };
    bool ended = false;
    while (!ended && rows < limit && page.text.size() < kPageBytes && os::clock().steady_ms() < until) {
      LEAT_ASSIGN(ScanPiece piece, store->scan(request.query, at, take));
      ended = piece.ended;
      at = std::move(piece.at);
    }
    if (!ended) {
      // Is there another row? When that cannot be told soon, the next page will.
      bool found = false;
      const auto look = [&](std::span<const ResultCell>) {
        found = true;
        return false;
      };
      LEAT_ASSIGN(const ScanPiece behind, store->scan(request.query, at, look));
      if (found || !behind.ended) page.next = cursor_of(request.query, *at);
    }
    text->end(page.text, rows, page.next.empty() ? "" : link(page.next));
    return page;
  });
}

// The same URL with another cursor.
std::string link_to(const Url& url, const std::string& cursor) {
  std::string link = url.path + "?";
  for (const auto& [name, value] : url.parameters) {
    if (name != "after") link += encode_url(name) + "=" + encode_url(value) + "&";
  }
  return link + "after=" + cursor;
}

}  // namespace

class Api::State {
 public:
  State(ApiOptions options, std::vector<ApiDatabase> databases) : options_(std::move(options)) {
    for (ApiDatabase& database : databases) stores_.push_back(std::make_shared<Stores>(std::move(database)));
  }

  HttpResponse answer(const HttpRequest& request) {
    HttpResponse response = checked(request);
    const std::string origin(request.header("Origin"));
    if (std::find(options_.origins.begin(), options_.origins.end(), origin) != options_.origins.end()) {
      response.headers.emplace_back("Access-Control-Allow-Origin", origin);
      response.headers.emplace_back("Access-Control-Expose-Headers", "Link, ETag, Leat-Last-Row");
    }
    response.headers.emplace_back("Vary", "Accept, Accept-Encoding, Origin");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    compress(request, response);
    return response;
  }

  Status check();

 private:
  struct Found {
    std::shared_ptr<Stores> stores;
    StoredTable table;
  };

  HttpResponse checked(const HttpRequest& request) {
    if (!is_host_allowed(request, options_.hosts)) {
      return failure(request, 403,
                     fmt::format("the header 'Host: {}' does not name this server; use its address, or add the name to "
                                 "'hosts' in [serve]",
                                 visible(request.header("Host"))));
    }
    if (!is_origin_allowed(request, options_.origins)) {
      return failure(request, 403,
                     fmt::format("pages of {} may not ask here; add that to 'origins' in [serve]",
                                 quoted(request.header("Origin"))));
    }
    if (request.method == "OPTIONS") {
      HttpResponse response;
      response.status = 204;
      response.headers = {{"Allow", "GET, HEAD, OPTIONS"},
                          {"Access-Control-Allow-Methods", "GET, HEAD"},
                          {"Access-Control-Allow-Headers", "Authorization"},
                          {"Access-Control-Max-Age", "600"}};
      return response;
    }
    if (request.method != "GET" && request.method != "HEAD") {
      HttpResponse response = failure(request, 405, "only GET and HEAD: nothing can be changed here");
      response.headers.emplace_back("Allow", "GET, HEAD, OPTIONS");
      return response;
    }
    const auto url = parse_url(request.target);
    if (!url.ok()) return failure(request, url.status());
    if (url->path == "/healthz") return health(request);
    if (!options_.token.empty() && !has_token(request, options_.token)) {
      HttpResponse response = failure(request, 401, "send the token: 'Authorization: Bearer TOKEN'");
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      return response;
    }
    if (url->path == kTables) return list_tables(request, *url);
    const bool page = url->path.starts_with(kPages);
    if (!page && !url->path.starts_with(kStreams)) {
      return failure(request, 404, fmt::format("there is no {}; {}", quoted(url->path), kPaths));
    }
    const auto name = decode_url(url->path.substr((page ? kPages : kStreams).size()), false);
    if (!name) return failure(request, 400, fmt::format("{} has a broken escape", quoted(url->path)));
    Result<std::optional<Found>> found = find(*name);
    if (!found.ok()) return failure(request, found.status());
    if (!*found) {
      return failure(request, 404, fmt::format("there is no table {}; {} lists them", quoted(*name), kTables));
    }
    return page ? send_page(request, *url, **found) : send_stream(request, *url, **found);
  }

  // The tables of a database that are served.
  static Result<std::vector<StoredTable>> tables_of(Stores& stores) {
    Result<std::vector<StoredTable>> tables = stores.with([](Store* store) -> Result<std::vector<StoredTable>> {
      if (store == nullptr) return std::vector<StoredTable>();
      return store->tables();
    });
    const std::vector<std::string>& wanted = stores.database().pipelines;
    if (!tables.ok() || wanted.empty()) return tables;
    std::erase_if(*tables, [&](const StoredTable& table) {
      return std::find(wanted.begin(), wanted.end(), table.pipeline) == wanted.end();
    });
    return tables;
  }

  Result<std::optional<Found>> find(const std::string& name) {
    for (const std::shared_ptr<Stores>& stores : stores_) {
      LEAT_ASSIGN(std::vector<StoredTable> tables, tables_of(*stores));
      for (StoredTable& table : tables) {
        if (table.name == name) return std::optional<Found>({stores, std::move(table)});
      }
    }
    return std::optional<Found>();
  }

  [[nodiscard]] std::optional<ApiRange> range_of(const std::string& table) const {
    const auto at = options_.ranges.find(table);
    return at == options_.ranges.end() ? std::nullopt : std::optional<ApiRange>(at->second);
  }

  HttpResponse health(const HttpRequest& request) {
    for (const std::shared_ptr<Stores>& stores : stores_) {
      const auto tables = tables_of(*stores);
      if (!tables.ok()) return failure(request, 503, tables.status().message());
    }
    HttpResponse response;
    response.headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}};
    response.text = "ok\n";
    return response;
  }

  HttpResponse list_tables(const HttpRequest& request, const Url& url) {
    if (!url.parameters.empty()) {
      return failure(request, 400,
                     fmt::format("unknown parameter {}; there are none here", quoted(url.parameters[0].first)));
    }
    JsonWriter json;
    uint64_t count = 0;
    json.begin_object().key("data").begin_array();
    for (const std::shared_ptr<Stores>& stores : stores_) {
      const auto tables = tables_of(*stores);
      if (!tables.ok()) return failure(request, tables.status());
      for (const StoredTable& table : *tables) {
        ++count;
        json.begin_object().field("name", std::string_view(table.name));
        json.field("pipeline", std::string_view(table.pipeline)).key("columns").begin_array();
        for (const TableColumn& column : table.columns) {
          json.begin_object().field("name", std::string_view(column.field.name));
          json.field("type", name_of(column.field.type)).field("shown", column.shown).end_object();
        }
        json.end_array();
        if (const auto range = range_of(table.name)) {
          json.key("range").begin_object().field("column", std::string_view(range->column));
          json.field("after", std::string_view(range->after)).field("before", std::string_view(range->before));
          json.end_object();
        }
        const std::string name = encode_url(table.name);
        json.field("rows", std::string_view(std::string(kPages) + name));
        json.field("stream", std::string_view(std::string(kStreams) + name)).end_object();
      }
    }
    json.end_array().field("count", count).end_object();
    return with_etag(request, "application/json", json.text() + "\n");
  }

  // By the parameter, else by `Accept`; nothing: 406.
  static std::optional<RowFormat> format_of(const HttpRequest& request, const TableRequest& wanted) {
    return wanted.format ? wanted.format : accepted_format(request.header("Accept"));
  }
  static HttpResponse not_acceptable(const HttpRequest& request) {
    std::string names;
    for (const RowFormatName& known : row_formats()) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", known.media_type.substr(0, known.media_type.find(';')));
    }
    return failure(
        request, 406,
        fmt::format("nothing of 'Accept: {}' can be sent; there are: {}", visible(request.header("Accept")), names));
  }

  HttpResponse send_page(const HttpRequest& request, const Url& url, const Found& found) {
    const auto wanted = read_table_request(found.table, range_of(found.table.name), url.parameters, true);
    if (!wanted.ok()) return failure(request, wanted.status());
    if (wanted->limit && *wanted->limit > kMostPageRows) {
      return failure(request, 400,
                     fmt::format("'limit' of a page must be at most {}, not {}; {} gives all rows", kMostPageRows,
                                 *wanted->limit, kStreams));
    }
    const auto format = format_of(request, *wanted);
    if (!format) return not_acceptable(request);
    const auto link = [&](const std::string& cursor) { return link_to(url, cursor); };
    const auto page = read_page(*found.stores, *wanted, *format, link);
    if (!page.ok()) return failure(request, page.status());
    HttpResponse response = with_etag(request, name_of_format(*format).media_type, page->text);
    if (!page->next.empty()) {
      response.headers.emplace_back("Link", fmt::format("<{}>; rel=\"next\"", link(page->next)));
    }
    return response;
  }

  static HttpResponse with_etag(const HttpRequest& request, std::string_view media_type, std::string text) {
    HttpResponse response;
    // As the compressed text has other bytes, it has another tag.
    const char* suffix = text.size() >= kWorthGzip && accepts_gzip(request.header("Accept-Encoding")) ? "-gzip" : "";
    const std::string etag = fmt::format("\"{}{}\"", hex(hash128(text)), suffix);
    response.headers = {{"Content-Type", std::string(media_type)}, {"Cache-Control", "no-cache"}, {"ETag", etag}};
    if (names_etag(request.header("If-None-Match"), etag)) {
      response.status = 304;
    } else {
      response.text = std::move(text);
    }
    return response;
  }

  HttpResponse send_stream(const HttpRequest& request, const Url& url, const Found& found) const {
    auto wanted = read_table_request(found.table, range_of(found.table.name), url.parameters, false);
    if (!wanted.ok()) return failure(request, wanted.status());
    const auto format = format_of(request, *wanted);
    if (!format) return not_acceptable(request);
    const Result<int64_t> last = found.stores->with([&](Store* store) -> Result<int64_t> {
      if (store == nullptr) return no_database(*found.stores);
      // Also whether an index leads there, which can be said only now.
      const auto none = [](std::span<const ResultCell>) { return false; };
      LEAT_TRY(store->scan(wanted->query, std::nullopt, none).status().clone());
      return store->last_row(found.table.name);
    });
    if (!last.ok()) return failure(request, last.status());
    wanted->query.last_row = *last;
    HttpResponse response;
    response.headers = {{"Content-Type", std::string(name_of_format(*format).media_type)},
                        {"Cache-Control", "no-store"},
                        {"Leat-Last-Row", std::to_string(*last)}};
    response.stream = std::make_unique<RowStream>(found.stores, *std::move(wanted), *format);
    return response;
  }

  static void compress(const HttpRequest& request, HttpResponse& response) {
    if (!accepts_gzip(request.header("Accept-Encoding"))) return;
    if (response.stream != nullptr) {
      response.stream = std::make_unique<GzipBody>(std::move(response.stream));
    } else if (response.text.size() >= kWorthGzip) {
      response.text = GzipStream().add(response.text, true);
    } else {
      return;
    }
    response.headers.emplace_back("Content-Encoding", "gzip");
  }

  ApiOptions options_;
  std::vector<std::shared_ptr<Stores>> stores_;
};

Status Api::State::check() {
  std::map<std::string, std::string> owners;  // of each table
  for (const std::shared_ptr<Stores>& stores : stores_) {
    LEAT_ASSIGN(const std::vector<StoredTable> tables, tables_of(*stores));
    const std::string where = visible(stores->database().name);
    for (const StoredTable& table : tables) {
      const auto [owner, fresh] = owners.try_emplace(table.name, where);
      if (!fresh) {
        return Status::bad_config(fmt::format("{}: there is a table {} also in {}; serve each of them by itself", where,
                                              quoted(table.name), owner->second));
      }
      const std::optional<ApiRange> range = range_of(table.name);
      if (!range) continue;
      const Result<ScanPiece> tried = stores->with([&](Store* store) -> Result<ScanPiece> {
        if (store == nullptr) return ScanPiece{};
        const ScanQuery query{table.name, {}, {{range->column, Compare::greater, {}}}, "", false, INT64_MAX};
        return store->scan(query, std::nullopt, [](std::span<const ResultCell>) { return false; });
      });
      if (!tried.ok()) return tried.status().clone().within(where);
    }
  }
  return {};
}

Api::Api(ApiOptions options, std::vector<ApiDatabase> databases)
    : state_(std::make_unique<State>(std::move(options), std::move(databases))) {}
Api::~Api() = default;

HttpResponse Api::answer(const HttpRequest& request) {
  return state_->answer(request);
}

Status Api::check() {
  return state_->check();
}

}  // namespace leat
