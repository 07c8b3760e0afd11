#pragma once

// What is asked of a Store and what it answers, as bytes (docs/formats/duckdb-socket.md). One place says which fields a
// structure has; who writes and who reads them follow it. Plain; any thread.

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "flow/store.h"

namespace leat {

inline constexpr uint64_t kStoreProtocol = 1;
inline constexpr uint64_t kMostMessage = 64 * 1024 * 1024;

// The first byte of a request, of an answer.
enum class StoreQuestion : uint8_t { pipelines, schema, aggregates, aggregate_rows, rejects, verify };
enum class StoreAnswer : uint8_t { progress, reject, result, failure };

template <class T, class Structure>
concept Is = std::is_same_v<std::remove_const_t<T>, Structure>;
// A tuple of references to its fields.
constexpr auto fields_of(Is<Position> auto& s) {
  return std::tie(s.part, s.origin, s.offset, s.token);
}
constexpr auto fields_of(Is<Counts> auto& s) {
  return std::tie(s.inserted, s.updated, s.ignored, s.filtered, s.rejected, s.digest);
}
constexpr auto fields_of(Is<PartState> auto& s) {
  return std::tie(s.position, s.counts, s.gap_bytes);
}
constexpr auto fields_of(Is<PipelineRun> auto& s) {
  return std::tie(s.started_micros, s.ended_micros, s.error, s.next_micros);
}
constexpr auto fields_of(Is<PipelineState> auto& s) {
  return std::tie(s.pipeline, s.table, s.writer, s.running, s.committed_micros, s.rows_per_second, s.last_error,
                  s.error_micros, s.run, s.parts, s.aggregates, s.timezones);
}
constexpr auto fields_of(Is<Schema> auto& s) {
  return std::tie(s.fields);
}
constexpr auto fields_of(Is<Field> auto& s) {
  return std::tie(s.name, s.type, s.bytes);
}
constexpr auto fields_of(Is<NamedExpression> auto& s) {
  return std::tie(s.name, s.expression);
}
constexpr auto fields_of(Is<AggregateSpec> auto& s) {
  return std::tie(s.name, s.pipeline, s.timezone, s.by, s.value);
}
constexpr auto fields_of(Is<AggregateQuery> auto& s) {
  return std::tie(s.aggregate, s.columns, s.key, s.is, s.order, s.limit);
}
constexpr auto fields_of(Is<RejectQuery> auto& s) {
  return std::tie(s.pipeline, s.by_place, s.skip, s.limit, s.raw_bytes);
}
constexpr auto fields_of(Is<StoredReject> auto& s) {
  return std::tie(s.number, s.pipeline, s.part, s.origin, s.byte_offset, s.line, s.column, s.reason, s.raw,
                  s.raw_length, s.at);
}
constexpr auto fields_of(Is<VerifyReport> auto& s) {
  return std::tie(s.records, s.rows, s.rejects, s.updated, s.filtered, s.ignored, s.lost, s.doubled, s.gap_bytes,
                  s.aggregate_problems, s.problems);
}

class MessageWriter {
 public:
  template <class First>
  explicit MessageWriter(First first) : bytes_(1, static_cast<char>(first)) {}

  template <class... T>
  MessageWriter& add(const T&... values) {
    (put(values), ...);
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void number(uint64_t value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void put(bool value) { bytes_ += static_cast<char>(value); }
  void put(double value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void put(std::monostate /*value*/) {}
  void put(const std::string& value) {
    number(value.size());
    bytes_ += value;
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class T>
  void put(const std::vector<T>& values) {
    number(values.size());
    for (const T& value : values) put(value);
  }
  void put(const StoredValue& value) {
    number(value.index());
    std::visit([&](const auto& each) { put(each); }, value);
  }
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      number(static_cast<uint64_t>(value));
    } else {
      std::apply([&](const auto&... each) { (put(each), ...); }, fields_of(value));
    }
  }
  std::string bytes_;
};

class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : bytes_(bytes) {}

  // True: all of them were there.
  template <class... T>
  bool read(T&... values) {
    (get(values), ...);
    return ok_;
  }
  // True: and nothing is behind them.
  [[nodiscard]] bool ended() const { return ok_ && bytes_.empty(); }

 private:
  bool copy(void* to, size_t count) {
    ok_ = ok_ && bytes_.size() >= count;
    if (!ok_) return false;
    std::memcpy(to, bytes_.data(), count);
    bytes_.remove_prefix(count);
    return true;
  }
  uint64_t number() {
    uint64_t value = 0;
    copy(&value, sizeof value);
    return value;
  }
  void get(bool& value) {
    unsigned char byte = 0;
    copy(&byte, 1);
    value = byte != 0;
  }
  void get(double& value) { copy(&value, sizeof value); }
  void get(std::monostate& /*value*/) {}
  void get(std::string& value) {
    const uint64_t size = number();
    ok_ = ok_ && size <= bytes_.size();
    if (!ok_) return;
    value.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool there = false;
    get(there);
    if (there) get(value.emplace());
  }
  template <class T>
  void get(std::vector<T>& values) {
    // A count that cannot be is found at the end of the bytes: each element has at least one.
    for (uint64_t count = number(); ok_ && count > 0; --count) get(values.emplace_back());
  }
  void get(StoredValue& value) {
    switch (number()) {
      case 0:
        value = std::monostate();
        return;
      case 1:
        return get(value.emplace<int64_t>());
      case 2:
        return get(value.emplace<double>());
      case 3:
        return get(value.emplace<std::string>());
      default:
        ok_ = false;
    }
  }
  template <class T>
  void get(T& value) {
    if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      value = static_cast<T>(number());
    } else {
      std::apply([&](auto&... each) { (get(each), ...); }, fields_of(value));
    }
  }
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace leat
