#include "decoders/log_values.h"

#include <algorithm>
#include <charconv>

#include "decoders/log_time_pieces.h"
#include "decoders/web_log_line.h"

namespace leat {
namespace {

std::string_view put_number(const LogColumn& column, size_t place, std::string_view text, size_t row,
                            CellWriter& rows) {
  if (column.shape == Shape::integer) {
    int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc::result_out_of_range) return "does not fit in 64 bits";
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0) return "is not an integer";
    if (place != kNoColumn) rows.integer(place, row, value);
    return {};
  }
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !(value >= 0 && value < 1e300)) {
    return "is not a number";
  }
  if (column.shape == Shape::millis) value /= 1e3;
  if (column.shape == Shape::micros) value /= 1e6;
  if (place != kNoColumn) rows.real(place, row, value);
  return {};
}

bool read_time(Shape shape, std::string_view text, LogClock& clock, int64_t* micros) {
  switch (shape) {
    case Shape::iso_time:
      return read_iso_time(text, micros) == text.size();
    case Shape::epoch:
      return read_epoch(text, 1'000'000, micros) == text.size();
    case Shape::apache_time:
      if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
      break;
    default:
      break;
  }
  return text.size() == kLogTimeSize && clock.read(text, micros);
}

}  // namespace

RequestColumns RequestColumns::of(const Schema& schema, const std::vector<LogColumn>& columns) {
  const auto free = [&](std::string_view name) {
    const bool taken = std::any_of(columns.begin(), columns.end(), [&](const LogColumn& column) {
      return column.name == name && column.shape != Shape::request;
    });
    return taken ? kNoColumn : schema.find(name).value_or(kNoColumn);
  };
  return {free("request_method"), free("request_uri"), free("server_protocol"), free("request")};
}

void put_request(const RequestColumns& to, std::string_view logged, bool plain, Escape escape, size_t row,
                 CellWriter& rows) {
  const auto put = [&](size_t column, const LogField& field) {
    if (column == kNoColumn || field.null || (field.text.empty() && escape != Escape::server)) return;
    rows.text(column, row, field.text, field.plain, escape);
  };
  WebLogLine line;
  line.request = {logged, logged == "-", plain};
  if (!line.request.null) split_request(line);
  put(to.whole, line.request);
  put(to.method, line.method);
  put(to.uri, line.uri);
  put(to.protocol, line.protocol);
}

LogValues::LogValues(const Schema& schema, const std::vector<LogColumn>& columns, Escape escape)
    : columns_(columns), request_(RequestColumns::of(schema, columns)), escape_(escape) {
  for (const LogColumn& column : columns) {
    places_.push_back(column.name.empty() ? kNoColumn : schema.find(column.name).value_or(kNoColumn));
  }
}

std::string_view LogValues::put(size_t index, std::string_view logged, bool plain, size_t row, CellWriter& rows) {
  const LogColumn& column = columns_[index];
  const size_t place = places_[index];
  if (logged == "-") return {};
  if (logged.empty() && (escape_ != Escape::server || column.type != Type::text)) return {};
  if (column.type == Type::integer || column.type == Type::real) return put_number(column, place, logged, row, rows);
  if (column.type == Type::time) {
    int64_t micros = 0;
    if (!read_time(column.shape, logged, clock_, &micros)) return "is not a time";
    if (place != kNoColumn) rows.integer(place, row, micros);
    return {};
  }
  if (column.shape == Shape::request) {
    put_request(request_, logged, plain, escape_, row, rows);
  } else if (place != kNoColumn) {
    rows.text(place, row, logged, plain, escape_);
  }
  return {};
}

}  // namespace leat
