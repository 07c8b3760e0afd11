// What goes into statements and comes out of them: parameters and rows.

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "db/postgres.h"

namespace leat {
namespace {

constexpr int kMostFetched = 8192;        // rows
constexpr int kFetchBytes = 1024 * 1024;  // about

uint64_t big_endian(const char* at, int length) {
  uint64_t value = 0;
  for (int i = 0; i < length; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

}  // namespace

std::string PostgresArray::encoded() const {
  PostgresBytes out;
  out.put32(count_ == 0 ? 0 : 1);  // dimensions
  out.put32(1);                    // there may be NULLs
  out.put32(static_cast<uint32_t>(type_));
  if (count_ > 0) {
    out.put32(count_);
    out.put32(1);  // the first one's number
    out.append(items_.bytes());
  }
  return out.bytes();
}

void PostgresParameters::put(PostgresType type, const std::string* value) {
  types_.push_back(static_cast<uint32_t>(type));
  null_.push_back(value == nullptr);
  values_.push_back(value != nullptr ? *value : "");
}

void PostgresParameters::add(int64_t value) {
  PostgresBytes bytes;
  bytes.put64(static_cast<uint64_t>(value));
  put(PostgresType::int8, &bytes.bytes());
}

void PostgresParameters::add(double value) {
  PostgresBytes bytes;
  bytes.put64(std::bit_cast<uint64_t>(value));
  put(PostgresType::float8, &bytes.bytes());
}

void PostgresParameters::add(std::string_view text) {
  const std::string bytes(text);
  put(PostgresType::text, &bytes);
}

void PostgresParameters::add_bytes(std::string_view bytes) {
  const std::string copy(bytes);
  put(PostgresType::bytea, &copy);
}

void PostgresParameters::add_time(int64_t micros) {
  PostgresBytes bytes;
  bytes.put_time(micros);
  const std::string value = bytes.bytes().substr(4);
  put(PostgresType::timestamptz, &value);
}

void PostgresParameters::add(const PostgresArray& array) {
  const std::string bytes = array.encoded();
  // The server takes the type of the array from the statement, which casts it.
  put(static_cast<PostgresType>(0), &bytes);
}

PostgresRows& PostgresRows::operator=(PostgresRows&& other) noexcept {
  std::swap(result_, other.result_);
  std::swap(db_, other.db_);
  std::swap(cursor_, other.cursor_);
  std::swap(row_, other.row_);
  std::swap(rows_, other.rows_);
  std::swap(fetch_rows_, other.fetch_rows_);
  return *this;
}

PostgresRows::~PostgresRows() {
  PQclear(result_);
  if (cursor_.empty()) return;
  // In a transaction that has failed it is gone already.
  if (PQtransactionStatus(db_->connection_) == PQTRANS_INTRANS) const Status ignored = db_->execute("CLOSE " + cursor_);
}

Result<bool> PostgresRows::step() {
  ++row_;
  if (row_ < rows_) return true;
  if (cursor_.empty()) return false;
  return fetch();
}

Result<bool> PostgresRows::fetch() {
  PQclear(result_);
  result_ = nullptr;
  LEAT_ASSIGN(PostgresRows piece, db_->query(fmt::format("FETCH {} FROM {}", fetch_rows_, cursor_)));
  std::swap(result_, piece.result_);
  rows_ = PQntuples(result_);
  row_ = 0;
  if (rows_ == 0) return false;
  const size_t bytes = PQresultMemorySize(result_);
  const size_t fitting = kFetchBytes / std::max<size_t>(bytes / static_cast<size_t>(rows_), 1);
  fetch_rows_ =
      static_cast<int>(std::clamp<size_t>(fitting, 1, static_cast<size_t>(std::min(kMostFetched, fetch_rows_ * 4))));
  return true;
}

uint64_t PostgresRows::changed() const {
  return result_ == nullptr ? 0 : static_cast<uint64_t>(parse_integer(PQcmdTuples(result_)).value_or(0));
}

int PostgresRows::columns() const {
  return PQnfields(result_);
}

PostgresType PostgresRows::type(int at) const {
  return static_cast<PostgresType>(PQftype(result_, at));
}

bool PostgresRows::is_null(int at) const {
  return PQgetisnull(result_, row_, at) != 0;
}

int64_t PostgresRows::integer(int at) const {
  const int length = PQgetlength(result_, row_, at);
  if (length == 0 || is_null(at)) return 0;
  const uint64_t value = big_endian(PQgetvalue(result_, row_, at), length);
  switch (length) {
    case 2:
      return static_cast<int16_t>(value);
    case 4:
      return static_cast<int32_t>(value);
    default:
      return static_cast<int64_t>(value);
  }
}

double PostgresRows::real(int at) const {
  return std::bit_cast<double>(integer(at));
}

int64_t PostgresRows::time(int at) const {
  return integer(at) + kPostgresEpochMicros;
}

std::string_view PostgresRows::text(int at) const {
  return {PQgetvalue(result_, row_, at), static_cast<size_t>(PQgetlength(result_, row_, at))};
}

}  // namespace leat
