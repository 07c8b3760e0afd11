#include <fmt/format.h>

#include <algorithm>

#include "app/commands.h"
#include "app/pipeline_file.h"
#include "app/talk.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/time.h"
#include "data/record_batch.h"
#include "os/clock.h"
#include "os/file_system.h"

namespace leat::app {
namespace {

constexpr int kMostOpens = 8;  // a schema that grows opens the source anew
constexpr size_t kShownBytes = 200;
constexpr size_t kShownReject = 1000;

// A record, as far as it was understood.
struct Record {
  std::string origin;
  uint64_t offset = 0;
  uint64_t line = 0;
  std::vector<std::optional<std::string>> cells;  // a row's, as they are shown; else:
  std::optional<Reject> reject;
};

struct Peeked {
  SchemaPtr schema;
  std::vector<Record> records;
  Status end;  // why there are no more, when that is not the end of the source
};

std::string shown(const RecordBatch& batch, size_t column, size_t row) {
  switch (batch.schema().fields[column].type) {
    case Type::boolean:
      return batch.integer(column, row) != 0 ? "true" : "false";
    case Type::integer:
      return std::to_string(batch.integer(column, row));
    case Type::real:
      return fmt::format("{}", batch.real(column, row));
    case Type::time:
      return format_time(batch.integer(column, row));
    case Type::text:
    case Type::json:
      break;
  }
  return std::string(batch.text(column, row));
}

void take(const RecordBatch& batch, Rejects rejects, std::vector<Record>& records) {
  std::vector<Record> more;
  for (size_t row = 0; row < batch.rows(); ++row) {
    Record& record = more.emplace_back();
    record.origin = batch.origin;
    record.offset = batch.origin_of(row).offset;
    record.line = batch.origin_of(row).line;
    for (size_t column = 0; column < batch.schema().fields.size(); ++column) {
      auto& cell = record.cells.emplace_back();
      if (!batch.is_null(column, row)) cell = shown(batch, column, row);
    }
  }
  for (Reject& reject : rejects) {
    Record& record = more.emplace_back();
    record.origin = reject.origin;
    record.offset = reject.byte_offset;
    record.line = reject.line;
    record.reject = std::move(reject);
  }
  std::stable_sort(more.begin(), more.end(), [](const Record& a, const Record& b) { return a.offset < b.offset; });
  std::move(more.begin(), more.end(), std::back_inserter(records));
}

Result<Peeked> peek(const SourceDeclared& declared, uint64_t most, const Surroundings& surroundings, const Note& note) {
  const Making making{os::file_system(), os::clock(), note, surroundings.overrides.chunk_bytes.value_or(0), ""};
  const std::unique_ptr<Source> source = declared.kind->make(declared.settings, making);
  LEAT_ASSIGN(const std::unique_ptr<Decoder> decoder,
              declared.decoder->make(declared.decoder_settings, declared.decoder->is_log, note));
  for (int opens = 1;; ++opens) {
    Peeked peeked;
    peeked.schema = decoder->schema();
    if (!peeked.schema) peeked.schema = std::make_shared<const Schema>();  // until the first records have said it
    SourceRequest request;
    request.make_cutter = [&](const std::string& origin) { return decoder->make_cutter(origin); };
    request.once = true;
    LEAT_TRY(source->open(std::move(request)));
    while (peeked.records.size() < most) {
      Result<Reading> reading = source->read(surroundings.stop);
      if (!reading.ok()) {
        peeked.end = std::move(reading).status();
        break;
      }
      if (reading->what == Reading::What::end) break;
      if (reading->what == Reading::What::idle || reading->chunk.bytes.empty()) continue;
      RecordBatch batch(peeked.schema);
      Rejects rejects;
      decoder->decode(std::move(reading->chunk), batch, rejects);
      take(batch, std::move(rejects), peeked.records);
    }
    if (peeked.end.kind() == Kind::retry && opens < kMostOpens) continue;
    peeked.records.resize(std::min<size_t>(peeked.records.size(), most));
    return peeked;
  }
}

std::string place_of(const Record& record) {
  return record.line > 0 ? fmt::format("{}:{}", visible(record.origin, 1000), record.line)
                         : fmt::format("{} at byte {}", visible(record.origin, 1000), record.offset);
}

std::string text_of(const Peeked& peeked) {
  size_t name_width = 0;
  for (const Field& field : peeked.schema->fields) name_width = std::max(name_width, visible(field.name).size());
  std::string out;
  for (const Record& record : peeked.records) {
    out += place_of(record);
    if (record.reject) {
      const std::string& column = record.reject->column;
      out += fmt::format(": reject: {}{}\n  {}\n", column.empty() ? "" : "column " + quoted(column) + ": ",
                         visible(record.reject->reason, kShownReject), visible(record.reject->raw, kShownBytes));
      continue;
    }
    out += '\n';
    for (size_t i = 0; i < record.cells.size(); ++i) {
      const Field& field = peeked.schema->fields[i];
      out += fmt::format("  {:<{}}  {:<7}  {}\n", visible(field.name), name_width, name_of(field.type),
                         record.cells[i] ? visible(*record.cells[i], kShownBytes) : "NULL");
    }
  }
  return out;
}

std::string json_of(const Peeked& peeked) {
  JsonWriter json;
  json.begin_object().key("columns").begin_array();
  for (const Field& field : peeked.schema->fields) {
    json.begin_object().field("name", std::string_view(field.name)).field("type", name_of(field.type)).end_object();
  }
  json.end_array().key("records").begin_array();
  for (const Record& record : peeked.records) {
    json.begin_object().field("origin", std::string_view(record.origin)).field("line", record.line);
    json.field("byte_offset", record.offset);
    if (record.reject) {
      json.key("reject").begin_object().field("column", std::string_view(record.reject->column));
      json.field("reason", std::string_view(record.reject->reason));
      json.field("raw", std::string_view(record.reject->raw)).end_object();
    } else {
      json.key("row").begin_object();
      for (size_t i = 0; i < record.cells.size(); ++i) {
        const Field& field = peeked.schema->fields[i];
        json.key(field.name);
        const bool number = field.type == Type::integer || field.type == Type::real || field.type == Type::boolean;
        if (!record.cells[i]) {
          json.null();
        } else if (field.type == Type::boolean) {
          json.value(*record.cells[i] == "true");
        } else if (number && parse_integer(*record.cells[i])) {
          json.value(*parse_integer(*record.cells[i]));
        } else if (number) {
          json.value(std::strtod(record.cells[i]->c_str(), nullptr));
        } else {
          json.value(std::string_view(*record.cells[i]));
        }
      }
      json.end_object();
    }
    json.end_object();
  }
  json.end_array().end_object();
  return json.text() + '\n';
}

}  // namespace

int do_peek(const PeekCommand& command, const Surroundings& surroundings) {
  Talk talk(surroundings.err, Manner::plain, surroundings.colour, false);
  const auto fail = [&](const Status& status) {
    talk.message(NoteLevel::info, status.message());
    return status.kind() == Kind::bad_config ? 2 : 1;
  };
  const Result<PipelineFile> file = read_pipeline_file(command.file);
  if (!file.ok()) return fail(file.status());
  const SourceDeclared* declared = nullptr;
  std::vector<std::string_view> names;
  for (const SourceDeclared& source : file->sources) {
    names.push_back(source.name);
    if (source.name == command.source) declared = &source;
  }
  if (declared == nullptr) {
    return fail(Status::bad_config(fmt::format("{}: there is no source {}{}", visible(command.file),
                                               quoted(command.source), suggestion(command.source, names))));
  }
  const Note note = [&](NoteLevel level, const std::string& text) { talk.note(level, "note", "", text); };
  const Result<Peeked> peeked = peek(*declared, command.records, surroundings, note);
  if (!peeked.ok()) return fail(peeked.status());
  const Status& end = peeked->end;
  if (end.kind() == Kind::stopped) return 130;
  surroundings.out << (command.json ? json_of(*peeked) : text_of(*peeked)) << std::flush;
  talk.more();
  const auto rejects = static_cast<size_t>(
      std::count_if(peeked->records.begin(), peeked->records.end(), [](const Record& r) { return r.reject; }));
  if (!command.json || peeked->records.empty()) {
    talk.line(fmt::format("{} {}, {} {}; nothing was written", peeked->records.size() - rejects,
                          peeked->records.size() - rejects == 1 ? "row" : "rows", rejects,
                          rejects == 1 ? "reject" : "rejects"));
  }
  return end.ok() ? 0 : fail(end);
}

}  // namespace leat::app
