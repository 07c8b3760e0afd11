#include "decoders/web_log.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "base/text.h"
#include "decoders/columns.h"
#include "decoders/line_cutter.h"
#include "decoders/log_columns.h"
#include "decoders/log_w3c.h"
#include "decoders/web_log_cutter.h"
#include "decoders/web_log_format.h"
#include "decoders/web_log_line.h"

namespace leat {
namespace {

// The columns in the order of standard_log_fields().
enum class Column : size_t {
  time,
  remote_addr,
  remote_user,
  method,
  uri,
  protocol,
  status,
  bytes,
  referer,
  agent,
  request,
};

// Puts what the four parsers find into rows.
class ParsedRows {
 public:
  ParsedRows(const Schema& schema, CellWriter& rows)
      : rows_(rows), host_(schema.find("host")), port_(schema.find("server_port")) {}

  void fill(const WebLogLine& line, size_t row) {
    set_integer(Column::time, row, line.time);
    put(Column::remote_addr, row, line.remote_addr);
    put(Column::remote_user, row, line.remote_user);
    put(Column::method, row, line.method);
    put(Column::uri, row, line.uri);
    put(Column::protocol, row, line.protocol);
    set_integer(Column::status, row, line.status);
    if (line.bytes >= 0) set_integer(Column::bytes, row, line.bytes);
    put(Column::referer, row, line.referer);
    put(Column::agent, row, line.agent);
    put(Column::request, row, line.request);
    if (host_ && port_ && line.host.text.data() != nullptr) {
      if (!line.host.null) rows_.text(*host_, row, line.host.text, line.host.plain);
      rows_.integer(*port_, row, line.server_port);
    }
  }

 private:
  void set_integer(Column column, size_t row, int64_t value) { rows_.integer(static_cast<size_t>(column), row, value); }
  void put(Column column, size_t row, const LogField& field) {
    if (!field.null) rows_.text(static_cast<size_t>(column), row, field.text, field.plain);
  }

  CellWriter& rows_;
  std::optional<size_t> host_;
  std::optional<size_t> port_;
};

class WebLogDecoder final : public Decoder {
 public:
  // `given`: the format that configuration gives as a string; `named` is then nginx_json, which stands for it.
  WebLogDecoder(std::optional<WebLogFormatId> named, LogFormatPtr given, bool raw, Note note)
      : named_(named), given_(std::move(given)) {
    std::vector<Field> extra;
    if (given_) {
      extra = given_->extra_fields();
    } else if (named_) {
      extra = PartFormat{*named_, {}}.extra_fields();
    }
    shared_ = std::make_shared<WebLogShared>(std::move(extra), raw, std::move(note));
  }

  SchemaPtr schema() const override { return shared_->schema(); }

  std::string save_schema() const override { return learns_columns() ? shared_->saved() : std::string(); }

  Status restore_schema(std::string_view saved) override {
    if (!learns_columns() || shared_->restore(saved)) return {};
    return filled_from_another_format("web_log", saved);
  }

  std::unique_ptr<Cutter> make_cutter(const std::string& origin) override {
    return make_web_log_cutter(shared_, named_, origin);
  }

  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    batch.part = chunk.end.part;
    batch.origin = chunk.end.origin;
    batch.provisional = chunk.provisional;
    batch.arena = std::move(chunk.bytes);
    if (chunk.truncated) {
      reject_truncated(chunk, "line", batch, rejects);
      return;
    }
    if (given_) {
      read_lines(chunk, *given_->reader(batch.schema()), batch, rejects);
      return;
    }
    const PartFormat format = format_of(chunk, batch.arena);
    if (has_parser(format.id)) {
      parse_lines(chunk, format.id, batch, rejects);
    } else if (const LogFormatPtr compiled = compiled_format(format.id)) {
      read_lines(chunk, *compiled->reader(batch.schema()), batch, rejects);
    } else {
      read_lines(chunk, *make_w3c_reader(format.fields, batch.schema()), batch, rejects);
    }
  }

 private:
  // Which they are is not told by configuration, but by the files.
  [[nodiscard]] bool learns_columns() const { return !given_ && (!named_ || named_ == WebLogFormatId::w3c); }

  PartFormat format_of(const Chunk& chunk, std::string_view bytes) const {
    if (auto saved = PartFormat::parse(chunk.context); saved && (!named_ || saved->id == named_)) return *saved;
    return {named_ ? *named_ : recognise_web_log(bytes).format, {}};
  }

  void parse_lines(const Chunk& chunk, WebLogFormatId format, RecordBatch& batch, Rejects& rejects) {
    const std::string_view bytes = batch.arena;
    WebLogParser parser = parser_of(format);
    CellWriter rows(batch);
    ParsedRows cells(batch.schema(), rows);
    WebLogLine parsed;
    uint64_t number = chunk.first_line;
    for (size_t at = 0; at < bytes.size(); ++number) {
      std::string_view line;
      const size_t begin = at;
      at += next_line(bytes.substr(at), line);
      if (line.empty()) continue;
      if (parser.parse(line, bytes.data() + bytes.size(), parsed)) {
        cells.fill(parsed, rows.begin(line, chunk.start, number));
        if (parsed.extra_fields > 0) shared_->tell_extra(batch.origin, number, parsed.extra_fields);
        continue;
      }
      reject(chunk, parser.mismatch(), line, begin, number, batch, rejects);
    }
    rows.finish();
  }

  static void read_lines(const Chunk& chunk, LineReader& reader, RecordBatch& batch, Rejects& rejects) {
    const std::string_view bytes = batch.arena;
    CellWriter rows(batch);
    uint64_t number = chunk.first_line;
    for (size_t at = 0; at < bytes.size(); ++number) {
      std::string_view line;
      const size_t begin = at;
      at += next_line(bytes.substr(at), line);
      if (line.empty() || (line.front() == '#' && reader.is_directive(line))) continue;
      const size_t row = rows.begin(line, chunk.start, number);
      if (reader.read(line, bytes.data() + bytes.size(), row, rows)) continue;
      rows.drop();
      reject(chunk, reader.mismatch(), line, begin, number, batch, rejects);
    }
    rows.finish();
  }

  static void reject(const Chunk& chunk, const Mismatch& mismatch, std::string_view line, size_t begin, uint64_t number,
                     const RecordBatch& batch, Rejects& rejects) {
    rejects.push_back(make_reject(batch.part, batch.origin, chunk.start + begin, number, mismatch.column,
                                  mismatch.reason(line), line));
  }

  const std::optional<WebLogFormatId> named_;
  const LogFormatPtr given_;
  std::shared_ptr<WebLogShared> shared_;
};

}  // namespace

std::string trouble_with_log_format(std::string_view log_format, size_t* at, size_t* length) {
  LayoutPlace place;
  const Result<LogFormatPtr> compiled = compile_log_format(log_format, &place);
  *at = place.at;
  *length = place.length;
  return compiled.ok() ? "" : compiled.status().message();
}

std::vector<std::string> web_log_columns(std::string_view format) {
  std::vector<std::string> names;
  WebLogFormatId id{};
  if (!find_web_log_format(format, &id)) return names;
  LayoutPlace place;
  const std::string_view layout = web_log_formats()[static_cast<size_t>(id)].layout;
  auto compiled = compile_log_format(layout, &place);
  if (id == WebLogFormatId::nginx_json || !compiled.ok()) return names;
  for (const std::string_view name : (*compiled)->standard_columns()) names.emplace_back(name);
  for (const Field& field : (*compiled)->extra_fields()) names.push_back(field.name);
  return names;
}

Result<std::unique_ptr<Decoder>> make_web_log_decoder(const WebLogOptions& options, Note note) {
  std::optional<WebLogFormatId> named;
  LogFormatPtr given;
  if (!options.format.empty()) {
    WebLogFormatId id{};
    if (!find_web_log_format(options.format, &id)) {
      std::vector<std::string_view> names;
      for (const WebLogFormat& format : web_log_formats()) names.push_back(format.name);
      const std::string_view meant = did_you_mean(options.format, names);
      return Status::bad_config(fmt::format("unknown format {}{}; see 'leat list formats'", quoted(options.format),
                                            meant.empty() ? "" : fmt::format(" (did you mean '{}'?)", meant)));
    }
    named = id;
  }
  if (!options.log_format.empty()) {
    if (named && *named != WebLogFormatId::nginx_json) {
      return Status::bad_config(fmt::format("format {} has a layout of its own; give either 'format' or 'log_format'",
                                            quoted(options.format)));
    }
    LayoutPlace place;
    auto compiled = compile_log_format(options.log_format, &place);
    if (!compiled.ok()) {
      return Status::bad_config(
          fmt::format("log_format, at character {}: {}", place.at + 1, compiled.status().message()));
    }
    given = *std::move(compiled);
    named = WebLogFormatId::nginx_json;
  } else if (named == WebLogFormatId::nginx_json) {
    return Status::bad_config(
        "format 'nginx_json' needs the log_format that wrote the lines, as it stands in nginx's configuration: "
        "format = { type = \"web_log\", log_format = '…' }, or --format '…'");
  }
  return std::unique_ptr<Decoder>(
      std::make_unique<WebLogDecoder>(named, std::move(given), options.raw, std::move(note)));
}

}  // namespace leat
