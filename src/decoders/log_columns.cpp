#include "decoders/log_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "decoders/log_time_pieces.h"

namespace leat {
namespace {

struct Known {
  std::string_view variable;  // nginx: the variable; Apache: the directive
  std::string_view column;    // empty: passed over
  Shape shape;
};

constexpr std::array<Known, 41> kNginx{{
    {"time_local", "time", Shape::log_time},
    {"time_iso8601", "time", Shape::iso_time},
    {"msec", "time", Shape::epoch},
    {"remote_addr", "remote_addr", Shape::word},
    {"remote_user", "remote_user", Shape::user},
    {"remote_port", "remote_port", Shape::integer},
    {"realip_remote_addr", "realip_remote_addr", Shape::word},
    {"realip_remote_port", "realip_remote_port", Shape::integer},
    {"request", "request", Shape::request},
    {"request_method", "request_method", Shape::word},
    {"request_uri", "request_uri", Shape::path},
    {"uri", "uri", Shape::path},
    {"request_id", "request_id", Shape::word},
    {"request_length", "request_length", Shape::integer},
    {"request_time", "request_time", Shape::real},
    {"server_protocol", "server_protocol", Shape::word},
    {"status", "status", Shape::integer},
    {"body_bytes_sent", "body_bytes_sent", Shape::integer},
    {"bytes_sent", "bytes_sent", Shape::integer},
    {"content_length", "content_length", Shape::integer},
    {"connection", "connection", Shape::integer},
    {"connection_requests", "connection_requests", Shape::integer},
    {"connection_time", "connection_time", Shape::real},
    {"gzip_ratio", "gzip_ratio", Shape::real},
    {"host", "host", Shape::word},
    {"hostname", "hostname", Shape::word},
    {"server_addr", "server_addr", Shape::word},
    {"server_name", "server_name", Shape::word},
    {"server_port", "server_port", Shape::integer},
    {"scheme", "scheme", Shape::word},
    {"pid", "pid", Shape::integer},
    {"pipe", "pipe", Shape::word},
    {"upstream_addr", "upstream_addr", Shape::list},
    {"upstream_bytes_received", "upstream_bytes_received", Shape::list},
    {"upstream_bytes_sent", "upstream_bytes_sent", Shape::list},
    {"upstream_connect_time", "upstream_connect_time", Shape::list},
    {"upstream_first_byte_time", "upstream_first_byte_time", Shape::list},
    {"upstream_header_time", "upstream_header_time", Shape::list},
    {"upstream_response_length", "upstream_response_length", Shape::list},
    {"upstream_response_time", "upstream_response_time", Shape::list},
    {"upstream_status", "upstream_status", Shape::list},
}};

constexpr std::array<Known, 32> kApache{{
    {"h", "remote_addr", Shape::word},
    {"a", "remote_addr", Shape::word},
    {"l", "", Shape::ident},
    {"u", "remote_user", Shape::user},
    {"t", "time", Shape::apache_time},
    {"r", "request", Shape::request},
    {"s", "status", Shape::integer},
    {"b", "body_bytes_sent", Shape::integer},
    {"B", "body_bytes_sent", Shape::integer},
    {"O", "bytes_sent", Shape::integer},
    {"I", "request_length", Shape::integer},
    {"S", "bytes_total", Shape::integer},
    {"D", "request_time", Shape::micros},
    {"T", "request_time", Shape::real},
    {"v", "host", Shape::word},
    {"V", "host", Shape::word},
    {"p", "server_port", Shape::integer},
    {"A", "server_addr", Shape::word},
    {"m", "request_method", Shape::word},
    {"U", "uri", Shape::path},
    {"q", "args", Shape::text},
    {"H", "server_protocol", Shape::word},
    {"f", "request_filename", Shape::text},
    {"k", "connection_requests", Shape::integer},
    {"L", "request_id", Shape::word},
    {"P", "pid", Shape::integer},
    {"X", "connection_status", Shape::word},
    {"R", "handler", Shape::word},
    {"c", "connection_status", Shape::word},
    {"^FB", "first_byte_time", Shape::micros},
    {"^FU", "first_byte_time", Shape::micros},
    {"request_uri", "request_uri", Shape::path},
}};

// Directives whose argument is the name of something.
struct Named {
  std::string_view directive;
  std::string_view prefix;
};
constexpr std::array<Named, 9> kNamed{{{"i", "http_"},
                                       {"o", "sent_http_"},
                                       {"C", "cookie_"},
                                       {"e", ""},
                                       {"n", ""},
                                       {"x", ""},
                                       {"c", ""},
                                       {"^ti", "trailer_"},
                                       {"^to", "sent_trailer_"}}};

Type type_of(Shape shape) {
  switch (shape) {
    case Shape::integer:
      return Type::integer;
    case Shape::real:
    case Shape::millis:
    case Shape::micros:
      return Type::real;
    case Shape::log_time:
    case Shape::apache_time:
    case Shape::iso_time:
    case Shape::epoch:
    case Shape::time_piece:
      return Type::time;
    default:
      return Type::text;
  }
}

LogColumn column(std::string name, Shape shape) {
  return {std::move(name), type_of(shape), shape, {}};
}

template <size_t size>
const Known* find(const std::array<Known, size>& table, std::string_view variable) {
  const auto* const found =
      std::find_if(table.begin(), table.end(), [&](const Known& known) { return known.variable == variable; });
  return found == table.end() ? nullptr : found;
}

// Proxies write "a, b" into this one.
Shape shape_of_header(std::string_view column) {
  return column == "http_x_forwarded_for" || column == "proxy_add_x_forwarded_for" ? Shape::list : Shape::text;
}

LogColumn nginx_column(const LayoutPiece& piece) {
  if (const Known* known = find(kNginx, piece.text); known != nullptr) {
    return column(std::string(known->column), known->shape);
  }
  return column(column_name("", piece.text), shape_of_header(piece.text));
}

// %{…}t: a word, or strftime's letters.
Result<LogColumn> apache_time(const LayoutPiece& piece) {
  std::string format = piece.argument;
  for (const std::string_view which : {"begin:", "end:"}) {
    if (format.starts_with(which)) format.erase(0, which.size());
  }
  if (format.empty() || format == "begin" || format == "end") return column("time", Shape::apache_time);
  LogColumn time = column("time", Shape::time_piece);
  time.time_format = format;
  if (const std::string problem = trouble_with_time_format(format); !problem.empty()) {
    return Status::bad_config(problem);
  }
  return time;
}

Result<LogColumn> apache_column(const LayoutPiece& piece) {
  const std::string& argument = piece.argument;
  if (piece.text == "t") return apache_time(piece);
  if (piece.text == "T" && (argument == "ms" || argument == "us")) {
    return column("request_time", argument == "ms" ? Shape::millis : Shape::micros);
  }
  if (piece.text == "p" && argument == "remote") return column("remote_port", Shape::integer);
  if ((piece.text == "a" || piece.text == "h") && argument == "c") return column("realip_remote_addr", Shape::word);
  if (!argument.empty()) {
    for (const Named& named : kNamed) {
      if (named.directive != piece.text) continue;
      std::string name = column_name(named.prefix, argument);
      const Shape shape = shape_of_header(name);
      return column(std::move(name), shape);
    }
  }
  if (const Known* known = find(kApache, piece.text); known != nullptr) {
    return column(std::string(known->column), known->shape);
  }
  return Status::bad_config(
      fmt::format("unknown directive {}",
                  quoted(argument.empty() ? "%" + piece.text : fmt::format("%{{{}}}{}", argument, piece.text))));
}

bool is_time(Shape shape) {
  return type_of(shape) == Type::time;
}

// The most exact one gives the column; the others say the same and are passed over.
void choose_time(std::vector<LogColumn>& columns) {
  const auto rank = [](Shape shape) { return shape == Shape::epoch ? 2 : is_time(shape) ? 1 : 0; };
  const LogColumn* best = nullptr;
  for (const LogColumn& one : columns) {
    if (one.name == "time" && rank(one.shape) > (best == nullptr ? 0 : rank(best->shape))) best = &one;
  }
  const bool pieces = best != nullptr && best->shape == Shape::time_piece;
  for (LogColumn& one : columns) {
    if (one.name == "time" && is_time(one.shape) && &one != best && !(pieces && one.shape == Shape::time_piece))
      one.name.clear();
  }
}

bool logs(const std::vector<LogColumn>& columns, std::string_view name) {
  return std::any_of(columns.begin(), columns.end(), [&](const LogColumn& one) { return one.name == name; });
}

void rename(std::vector<LogColumn>& columns, std::string_view from, std::string_view to) {
  for (LogColumn& one : columns) {
    if (one.name == from) one.name = to;
  }
}

}  // namespace

const std::vector<Field>& standard_log_fields() {
  static const std::vector<Field> fields{{"time", Type::time},
                                         {"remote_addr"},
                                         {"remote_user"},
                                         {"request_method"},
                                         {"request_uri"},
                                         {"server_protocol"},
                                         {"status", Type::integer},
                                         {"body_bytes_sent", Type::integer},
                                         {"http_referer"},
                                         {"http_user_agent"},
                                         {"request"}};
  return fields;
}

std::string column_name(std::string_view prefix, std::string_view name) {
  std::string out(prefix);
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    out += upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '_';
  }
  out.resize(std::min<size_t>(out.size(), 63));
  constexpr std::array<std::string_view, 5> kTaken{"time", "request", "raw_log", "site", "rowid"};
  const bool taken = std::find(kTaken.begin(), kTaken.end(), out) != kTaken.end();
  if (out.empty() || out.front() == '_' || taken) out.insert(0, "x_");
  return out;
}

Result<std::vector<LogColumn>> columns_of(const LogLayout& layout, LayoutPlace* place) {
  std::vector<LogColumn> columns;
  std::vector<std::string> variables;
  for (const LayoutPiece& piece : layout.pieces) {
    if (!piece.variable) continue;
    if (layout.server == LogServer::nginx) {
      columns.push_back(nginx_column(piece));
    } else {
      auto found = apache_column(piece);
      if (!found.ok()) {
        *place = piece.place;
        return std::move(found).status();
      }
      columns.push_back(*std::move(found));
    }
    variables.push_back(fmt::format("{}\n{}", piece.text, piece.argument));
  }
  choose_time(columns);
  // %O counts the headers too; where it stands alone it is the number of bytes there is.
  if (layout.server == LogServer::apache && !logs(columns, "body_bytes_sent"))
    rename(columns, "bytes_sent", "body_bytes_sent");
  if (layout.server == LogServer::apache && !logs(columns, "request") && !logs(columns, "request_uri"))
    rename(columns, "uri", "request_uri");
  std::set<std::string> seen_variables;
  std::set<std::string> seen_names;
  for (size_t i = 0; i < columns.size(); ++i) {
    LogColumn& one = columns[i];
    if (one.name.empty() || one.shape == Shape::time_piece) continue;
    if (!seen_variables.insert(variables[i]).second) {
      one.name.clear();
      continue;
    }
    std::string name = one.name;
    for (int number = 2; !seen_names.insert(name).second; ++number) name = fmt::format("{}_{}", one.name, number);
    one.name = name;
    // A standard column keeps its type; what does not fit it goes beside it.
    for (const Field& field : standard_log_fields()) {
      if (field.name == one.name && field.type != one.type) one.name = column_name("x_", one.name);
    }
  }
  return columns;
}

}  // namespace leat
