#pragma once

// Values as PostgreSQL sends and takes them in binary: a length of 4 bytes, then the value, numbers in network order.
// The same in parameters, in arrays and in COPY (FORMAT binary). Plain values; one thread.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/status.h"

namespace leat {

// Types by their numbers, which are the same in every database.
enum class PostgresType : uint32_t {
  boolean = 16,
  bytea = 17,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  json = 114,
  float8 = 701,
  timestamptz = 1184,
};

// Microseconds between 1970-01-01 and 2000-01-01, from which PostgreSQL counts.
constexpr int64_t kPostgresEpochMicros = 946'684'800'000'000;

class PostgresBytes {
 public:
  void put16(uint16_t number) { put(static_cast<uint16_t>(__builtin_bswap16(number))); }
  void put32(uint32_t number) { put(__builtin_bswap32(number)); }
  void put64(uint64_t number) { put(__builtin_bswap64(number)); }

  void put_null() { put32(UINT32_MAX); }
  void put_boolean(bool value) {
    put32(1);
    bytes_ += static_cast<char>(value ? 1 : 0);
  }
  void put_integer(int64_t value) {
    char* at = grow(12);
    store(at, __builtin_bswap32(8U));
    store(at + 4, __builtin_bswap64(static_cast<uint64_t>(value)));
  }
  void put_real(double value) { put_integer(std::bit_cast<int64_t>(value)); }
  // Microseconds since 1970. What is too early for PostgreSQL becomes its last moment but one, which it refuses.
  void put_time(int64_t micros) {
    int64_t value = 0;
    if (__builtin_sub_overflow(micros, kPostgresEpochMicros, &value) || value == INT64_MIN || value == INT64_MAX) {
      value = INT64_MAX - 1;
    }
    put_integer(value);
  }
  void put_bytes(std::string_view bytes) {
    char* at = grow(4 + bytes.size());
    store(at, __builtin_bswap32(static_cast<uint32_t>(bytes.size())));
    if (!bytes.empty()) std::memcpy(at + 4, bytes.data(), bytes.size());
  }
  void append(std::string_view bytes) { bytes_ += bytes; }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] size_t size() const { return bytes_.size(); }
  void clear() { bytes_.clear(); }
  // Takes back what was put since there were `size` bytes.
  void shrink(size_t size) { bytes_.resize(size); }

 private:
  template <class T>
  static void store(char* at, T value) {
    std::memcpy(at, &value, sizeof(value));
  }
  template <class T>
  void put(T value) {
    store(grow(sizeof(value)), value);
  }
  char* grow(size_t by) {
    const size_t at = bytes_.size();
    bytes_.resize(at + by);
    return bytes_.data() + at;
  }

  std::string bytes_;
};

// One array of a parameter: what is put into `items` are its elements, each counted.
class PostgresArray {
 public:
  explicit PostgresArray(PostgresType type) : type_(type) {}
  // For the next element, of which exactly one value is to be put.
  PostgresBytes& next() {
    ++count_;
    return items_;
  }
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] size_t size() const { return items_.size(); }
  [[nodiscard]] PostgresType type() const { return type_; }
  [[nodiscard]] std::string encoded() const;
  void clear() {
    count_ = 0;
    items_.clear();
  }

 private:
  PostgresType type_;
  uint32_t count_ = 0;
  PostgresBytes items_;
};

}  // namespace leat
