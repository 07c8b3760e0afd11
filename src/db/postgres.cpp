#include "db/postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "db/postgres_status.h"
#include "db/sql.h"
#include "os/clock.h"
#include "os/socket_wait.h"

namespace leat {
namespace {

constexpr int kOldestServer = 150000;  // UNIQUE NULLS NOT DISTINCT
constexpr uint64_t kConnectMs = 10'000;
constexpr size_t kNameBytes = 63;

// What is taken where the address says nothing else: a server that is silently gone is noticed within two minutes.
struct Standard {
  const char* keyword;
  const char* value;
};
constexpr std::array<Standard, 6> kStandards{{{"application_name", "leat"},
                                              {"keepalives_idle", "30"},
                                              {"keepalives_interval", "10"},
                                              {"keepalives_count", "3"},
                                              {"tcp_user_timeout", "60000"},
                                              {"client_encoding", "UTF8"}}};

class ConnectionOptions {
 public:
  // Null: not an address. libpq's own words would show the password.
  static std::unique_ptr<ConnectionOptions> parse(const std::string& url) {
    std::unique_ptr<ConnectionOptions> options(new ConnectionOptions());
    options->all_ = PQconninfoParse(url.c_str(), nullptr);
    if (options->all_ == nullptr) return nullptr;
    return options;
  }
  ConnectionOptions(const ConnectionOptions&) = delete;
  ConnectionOptions& operator=(const ConnectionOptions&) = delete;
  ~ConnectionOptions() { PQconninfoFree(all_); }

  [[nodiscard]] std::string value(std::string_view keyword) const {
    for (const PQconninfoOption* option = all_; option->keyword != nullptr; ++option) {
      if (option->keyword != keyword) continue;
      if (option->val != nullptr) return option->val;
      const char* from_environment =
          option->envvar != nullptr ? ::getenv(option->envvar) : nullptr;  // NOLINT(concurrency-mt-unsafe)
      return from_environment != nullptr ? from_environment : "";
    }
    return "";
  }
  [[nodiscard]] const PQconninfoOption* all() const { return all_; }

 private:
  ConnectionOptions() = default;
  PQconninfoOption* all_ = nullptr;
};

std::string sqlstate_of(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state != nullptr ? state : "";
}

// With PQERRORS_VERBOSE a refused connection says "… FATAL:  28P01: password authentication failed …" in any language.
std::string sqlstate_in(std::string_view message) {
  for (size_t at = message.find(":  "); at != std::string_view::npos; at = message.find(":  ", at + 1)) {
    const std::string_view state = message.substr(at + 3, 5);
    const bool fits = state.size() == 5 && message.substr(at + 8, 1) == ":" &&
                      std::all_of(state.begin(), state.end(),
                                  [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
    if (fits) return std::string(state);
  }
  return "";
}

// What libpq says where the settings of one side have to change. Other failures of TLS, such as a connection that is
// closed while it is being made, pass by themselves.
bool speaks_of_certificates(std::string_view words) {
  constexpr std::string_view kSigns[] = {
      "certificate", "does not support SSL", "private key", "SSL error: unsupported", "SSL error: no protocols",
      "tlsv1 alert"};
  return std::any_of(std::begin(kSigns), std::end(kSigns),
                     [&](std::string_view sign) { return words.find(sign) != std::string_view::npos; });
}

// Empty: the standard one.
bool is_port(std::string_view text) {
  const auto port = parse_integer(text);
  return text.empty() || (port && *port >= 1 && *port <= 65535);
}

Status not_an_address() {
  return Status::bad_config(
      "the url is not an address of a PostgreSQL server; write postgresql://USER@HOST:5432/DATABASE, special "
      "characters "
      "of a password as %XX");
}

// Connects to one of the hosts from number `first` on. silent: there was no answer in time.
Status connect_from(const ConnectionOptions& parsed, int first, const std::string& where, PGconn*& connection,
                    bool& silent) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  std::vector<std::string> behind;  // of lists, what is left of them
  behind.reserve(3);
  for (const std::string_view list : {"host", "hostaddr", "port"}) {
    std::string value = parsed.value(list);
    if (value.find(',') == std::string::npos) continue;
    for (int i = 0; i < first && value.find(',') != std::string::npos; ++i) value.erase(0, value.find(',') + 1);
    behind.push_back(std::move(value));
    keywords.push_back(list.data());
    values.push_back(behind.back().c_str());
  }
  const size_t lists = keywords.size();
  for (const PQconninfoOption* option = parsed.all(); option->keyword != nullptr; ++option) {
    const auto end = keywords.begin() + static_cast<ptrdiff_t>(lists);
    const bool is_list =
        std::any_of(keywords.begin(), end, [&](const char* each) { return each == std::string_view(option->keyword); });
    if (option->val == nullptr || is_list) continue;
    keywords.push_back(option->keyword);
    values.push_back(option->val);
  }
  for (const Standard& standard : kStandards) {
    if (!parsed.value(standard.keyword).empty() && standard.keyword != std::string_view("client_encoding")) continue;
    keywords.push_back(standard.keyword);
    values.push_back(standard.value);
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection = PQconnectStartParams(keywords.data(), values.data(), 0);
  if (connection == nullptr) return Status::retry(where + ": no memory left for a connection; leat goes on by itself");
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
  const uint64_t asked_ms = static_cast<uint64_t>(parse_integer(parsed.value("connect_timeout")).value_or(0)) * 1000;
  const uint64_t end_ms = os::clock().steady_ms() + (asked_ms > 0 ? asked_ms : kConnectMs);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED && PQstatus(connection) != CONNECTION_BAD) {
    const auto wait = state == PGRES_POLLING_WRITING ? os::SocketWait::write : os::SocketWait::read;
    const uint64_t now_ms = os::clock().steady_ms();
    if (!os::wait_for_socket(PQsocket(connection), wait, now_ms < end_ms ? end_ms - now_ms : 0)) {
      silent = true;
      return postgres_status("", where, "no answer in time", "");
    }
    state = PQconnectPoll(connection);
  }
  if (PQstatus(connection) == CONNECTION_OK) {
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    return {};
  }
  const std::string_view message = PQerrorMessage(connection);
  std::string_view words = trim(message);
  // "LOCATION: …" of the server's sources helps nobody.
  words = words.substr(0, words.find('\n'));
  const std::string sqlstate = sqlstate_in(message);
  if (sqlstate.empty() && speaks_of_certificates(words)) {
    return Status::bad_config(fmt::format(
        "{}: no encrypted connection can be made ({}); see sslmode, sslrootcert and sslcert of the url, and the server",
        where, visible(words, 500)));
  }
  return postgres_status(sqlstate, where, words, "");
}

}  // namespace

Result<std::string> postgres_place(const PostgresOpen& options) {
  const auto parsed = ConnectionOptions::parse(options.url);
  if (parsed == nullptr) return not_an_address();
  const std::string host = parsed->value("host").empty() ? parsed->value("hostaddr") : parsed->value("host");
  const std::string port = parsed->value("port").empty() ? "5432" : parsed->value("port");
  for (const std::string_view each : split(port, ',')) {
    if (is_port(each)) continue;
    return Status::bad_config(fmt::format("the url's port is {}; write one of 1 to 65535", quoted(each)));
  }
  std::string database = parsed->value("dbname");
  if (database.empty()) database = parsed->value("user");
  const std::string server = host.empty() || host.starts_with('/') ? "" : fmt::format("{}:{}", host, port);
  const std::string socket =
      server.empty() && (!host.empty() || port != "5432") ? fmt::format(" at {}:{}", host, port) : "";
  return visible(fmt::format("postgresql://{}/{}{}, schema {}", server, database, socket, options.schema), 1000);
}

Result<std::unique_ptr<PostgresDatabase>> PostgresDatabase::open(const PostgresOpen& options) {
  std::unique_ptr<PostgresDatabase> opened(new PostgresDatabase());
  LEAT_ASSIGN(opened->where_, postgres_place(options));
  opened->schema_ = options.schema;
  LEAT_TRY(opened->connect(options));
  LEAT_TRY(opened->set_up());
  return opened;
}

PostgresDatabase::~PostgresDatabase() {
  PQfinish(connection_);
}

// libpq goes on to the next host when one refuses; when one is silent only its blocking calls would. Each host gets the
// time of a connection for itself, with those behind it still to come.
Status PostgresDatabase::connect(const PostgresOpen& options) {
  const auto parsed = ConnectionOptions::parse(options.url);
  if (parsed == nullptr) return not_an_address();
  const std::string hosts = parsed->value("host");
  const std::string addresses = parsed->value("hostaddr");
  const auto count =
      1 + std::max(std::count(hosts.begin(), hosts.end(), ','), std::count(addresses.begin(), addresses.end(), ','));
  Status outcome;
  for (int first = 0; first < count; ++first) {
    bool silent = false;
    PQfinish(std::exchange(connection_, nullptr));
    outcome = connect_from(*parsed, first, where_, connection_, silent);
    if (!silent) return outcome;
  }
  return outcome;
}

Status PostgresDatabase::set_up() const {
  if (PQserverVersion(connection_) < kOldestServer) {
    const char* version = PQparameterStatus(connection_, "server_version");
    return Status::bad_config(fmt::format("{}: the server is PostgreSQL {}; leat needs 15 or newer", where_,
                                          visible(version != nullptr ? version : "of an unknown version")));
  }
  LEAT_ASSIGN(PostgresRows about, query("SELECT current_setting('server_encoding'), EXISTS (SELECT FROM pg_namespace "
                                        "WHERE nspname = $1)",
                                        PostgresParameters::of(schema_)));
  LEAT_TRY(about.step().status().clone());
  if (about.text(0) != "UTF8") {
    return Status::bad_config(
        fmt::format("{}: the database's encoding is {}, not UTF8; name another one, made by "
                    "CREATE DATABASE … ENCODING 'UTF8'",
                    where_, visible(about.text(0))));
  }
  if (about.integer(1) == 0) {
    return Status::bad_config(fmt::format("{}: there is no such schema; make it: CREATE SCHEMA {}, or name another one",
                                          where_, sql_name(schema_)));
  }
  // Nothing of another schema is found by accident, and a commit that the server has acknowledged is there after its
  // crash. Times in texts are UTC, as everywhere. A server that loses us lets go of what we hold.
  return execute(fmt::format(
      "SET search_path = {}, pg_temp; SET standard_conforming_strings = on; SET client_min_messages = warning; "
      "SET TimeZone = 'UTC'; SET cursor_tuple_fraction = 1; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval "
      "= 10; "
      "SET tcp_keepalives_count = 3; "
      "DO $$ BEGIN IF current_setting('synchronous_commit') = 'off' THEN SET synchronous_commit = on; END IF; END $$",
      sql_name(schema_)));
}

Status PostgresDatabase::failure(const PGresult* result) const {
  const std::string state = result != nullptr ? sqlstate_of(result) : "";
  const char* primary = result != nullptr ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  // Details may show a whole row; a key that is there already is worth it.
  const char* detail = state.starts_with("23505") ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : nullptr;
  return postgres_status(state, where_, primary != nullptr ? primary : PQerrorMessage(connection_),
                         detail != nullptr ? detail : "");
}

Status PostgresDatabase::execute(const std::string& sql) const {
  LEAT_TRY(copy_end());
  PGresult* result = PQexec(connection_, sql.c_str());
  const ExecStatusType code = PQresultStatus(result);
  const bool ok = code == PGRES_COMMAND_OK || code == PGRES_TUPLES_OK || code == PGRES_EMPTY_QUERY;
  Status outcome = ok ? Status() : failure(result);
  // A COMMIT of a transaction that has failed is answered by a ROLLBACK.
  if (ok && sql == "COMMIT" && std::string_view(PQcmdStatus(result)) != "COMMIT") {
    outcome = Status::bug(where_ + ": a transaction that had failed was committed");
  }
  PQclear(result);
  return outcome;
}

Result<PostgresRows> PostgresDatabase::query(const std::string& sql, const PostgresParameters& parameters) const {
  LEAT_TRY(copy_end());
  const size_t count = parameters.size();
  std::vector<const char*> values(count);
  std::vector<int> lengths(count);
  const std::vector<int> formats(count, 1);
  for (size_t i = 0; i < count; ++i) {
    values[i] = parameters.null_[i] ? nullptr : parameters.values_[i].data();
    lengths[i] = static_cast<int>(parameters.values_[i].size());
  }
  PGresult* result = PQexecParams(connection_, sql.c_str(), static_cast<int>(count), parameters.types_.data(),
                                  values.data(), lengths.data(), formats.data(), 1);
  const ExecStatusType code = PQresultStatus(result);
  if (code != PGRES_COMMAND_OK && code != PGRES_TUPLES_OK) {
    Status failed = failure(result);
    PQclear(result);
    return failed;
  }
  PostgresRows rows;
  rows.result_ = result;
  rows.rows_ = PQntuples(result);
  return rows;
}

Result<uint64_t> PostgresDatabase::change(const std::string& sql, const PostgresParameters& parameters) const {
  LEAT_ASSIGN(const PostgresRows rows, query(sql, parameters));
  return rows.changed();
}

Result<PostgresRows> PostgresDatabase::cursor(const std::string& sql, const PostgresParameters& parameters) const {
  const std::string name = fmt::format("leat_{}", ++cursors_);
  LEAT_TRY(query(fmt::format("DECLARE {} BINARY NO SCROLL CURSOR FOR {}", name, sql), parameters).status().clone());
  PostgresRows rows;
  rows.db_ = this;
  rows.cursor_ = name;
  return rows;
}

Result<int64_t> PostgresDatabase::query_integer(const std::string& sql, int64_t missing) const {
  LEAT_ASSIGN(PostgresRows rows, query(sql));
  LEAT_ASSIGN(const bool found, rows.step());
  return found && !rows.is_null(0) ? rows.integer(0) : missing;
}

Result<bool> PostgresDatabase::has_table(const std::string& name) const {
  LEAT_ASSIGN(
      const int64_t found,
      query_integer(fmt::format("SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
                                "WHERE n.nspname = {} AND c.relname = {} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
                                sql_text(schema_), sql_text(name))));
  return found > 0;
}

Status PostgresDatabase::copy_begin(const std::string& sql) const {
  LEAT_TRY(copy_end());
  PGresult* result = PQexec(connection_, sql.c_str());
  copying_ = PQresultStatus(result) == PGRES_COPY_IN;
  Status outcome = copying_ ? Status() : failure(result);
  PQclear(result);
  LEAT_TRY(std::move(outcome));
  // The signature, no flags, no extension.
  return copy_piece(std::string_view("PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0", 19));
}

// Why the server has stopped listening it says at the end.
Status PostgresDatabase::copy_piece(std::string_view bytes) const {
  if (PQputCopyData(connection_, bytes.data(), static_cast<int>(bytes.size())) == 1) return {};
  Status failed = failure(nullptr);
  Status ended = copy_end();
  return ended.ok() ? std::move(failed) : std::move(ended);
}

Status PostgresDatabase::copy_end() const {
  if (!copying_) return {};
  copying_ = false;
  Status outcome;
  constexpr std::string_view kEnd("\xFF\xFF", 2);
  if (PQputCopyData(connection_, kEnd.data(), static_cast<int>(kEnd.size())) != 1 ||
      PQputCopyEnd(connection_, nullptr) != 1) {
    outcome = failure(nullptr);
  }
  while (PGresult* result = PQgetResult(connection_)) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) outcome = failure(result);
    PQclear(result);
    if (PQstatus(connection_) == CONNECTION_BAD) break;
  }
  return outcome;
}

bool PostgresDatabase::in_transaction() const {
  const PGTransactionStatusType status = PQtransactionStatus(connection_);
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

Status PostgresDatabase::limit_time(uint64_t ms) const {
  return execute(ms > 0 ? fmt::format("SET statement_timeout = {}", ms) : "RESET statement_timeout");
}

std::string postgres_short_name(const std::string& name) {
  if (name.size() <= kNameBytes) return name;
  size_t keep = kNameBytes - 17;
  while (keep > 0 && (static_cast<unsigned char>(name[keep]) & 0xC0) == 0x80) --keep;
  return fmt::format("{}_{:016x}", name.substr(0, keep), hash64(name));
}

}  // namespace leat
