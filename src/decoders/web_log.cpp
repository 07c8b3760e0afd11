#include "decoders/web_log.h"

#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "base/text.h"
#include "decoders/log_text.h"
#include "decoders/web_log_format.h"
#include "decoders/web_log_line.h"

namespace leat {
namespace {

constexpr std::string_view kSavedPrefix = "format=";

// The columns in the order of docs/formats/web-log.md §2; host and server_port and raw_log follow where there are any.
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
  host,
  port,
};

SchemaPtr make_schema(bool with_host, bool raw) {
  Schema schema{{{"time", Type::time},
                 {"remote_addr"},
                 {"remote_user"},
                 {"request_method"},
                 {"request_uri"},
                 {"server_protocol"},
                 {"status", Type::integer},
                 {"body_bytes_sent", Type::integer},
                 {"http_referer"},
                 {"http_user_agent"},
                 {"request"}}};
  if (with_host) {
    schema.fields.push_back({"host"});
    schema.fields.push_back({"server_port", Type::integer});
  }
  if (raw) schema.fields.push_back({"raw_log", Type::text, true});
  return std::make_shared<const Schema>(std::move(schema));
}

std::string count_of(uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", with_commas(number), noun, number == 1 ? "" : "s");
}

// What the decoder and its cutters have in common. Any thread.
class Shared {
 public:
  Shared(bool with_host, bool raw, Note note)
      : raw_(raw), with_host_(with_host), schema_(make_schema(with_host, raw)), note_(std::move(note)) {}

  SchemaPtr schema() const {
    const std::lock_guard lock(mutex_);
    return schema_;
  }

  // Makes room for host and server_port; false when there was room already.
  bool widen() {
    const std::lock_guard lock(mutex_);
    if (with_host_) return false;
    with_host_ = true;
    schema_ = make_schema(true, raw_);
    return true;
  }

  // Says which format a file has, once for each.
  void tell_format(const std::string& origin, const Recognition& found) {
    std::string text = fmt::format("{}: format {}, recognised from its first {}", origin, name_of(found.format),
                                   found.lines == 1 ? "line" : count_of(found.lines, "line"));
    if (found.most_extra > 0) {
      extra_told_ = true;
      const bool all = found.least_extra == found.most_extra;
      text +=
          fmt::format(", with {}{} at the end of {}, {}", all ? "" : "up to ",
                      count_of(found.most_extra, "more quoted field"), all ? "each line" : "its lines", extra_kept());
    }
    if (found.fit < found.lines) {
      text += fmt::format("; {} of them {} not fit and will be rejects", found.lines - found.fit,
                          found.lines - found.fit == 1 ? "does" : "do");
    }
    {
      const std::lock_guard lock(mutex_);
      if (!told_.insert(fmt::format("{}\n{}", origin, name_of(found.format))).second) return;
    }
    if (note_) note_(NoteLevel::info, text);
  }

  // Says once that there are fields which no column takes.
  void tell_extra(const std::string& origin, uint64_t line, uint32_t extra) {
    if (extra_told_.exchange(true) || !note_) return;
    note_(NoteLevel::info, fmt::format("{}:{}: {} at the end of the line, {}", origin, line,
                                       count_of(extra, "more quoted field"), extra_kept()));
  }

 private:
  const char* extra_kept() const { return raw_ ? "kept in raw_log only" : "not kept"; }

  const bool raw_;
  mutable std::mutex mutex_;  // guards the next three
  bool with_host_;
  SchemaPtr schema_;
  std::set<std::string> told_;
  std::atomic<bool> extra_told_ = false;
  const Note note_;
};

class LineCutter : public Cutter {
 public:
  // `named`: the format that configuration names.
  LineCutter(std::shared_ptr<Shared> shared, std::optional<WebLogFormatId> named, const std::string& origin)
      : shared_(std::move(shared)), named_(named), origin_(visible(origin, 4096)) {}

  Result<size_t> whole(std::string_view bytes, bool ended) override {
    const auto* newline =
        bytes.empty() ? nullptr : static_cast<const char*>(::memrchr(bytes.data(), '\n', bytes.size()));
    const size_t cut = newline == nullptr ? 0 : static_cast<size_t>(newline - bytes.data()) + 1;
    if (named_ || found_ || bytes.empty() || (cut == 0 && !ended)) return cut;

    const Recognition seen = recognise_web_log(bytes);
    if (seen.fit == 0) {
      const bool may_wait = !ended && seen.lines < kRecognitionLines && bytes.size() < kRecognitionBytes;
      if (seen.lines == 0 || seen.torn) return cut;  // blank lines, but for the torn one
      if (may_wait) return size_t{0};
      return Status::bad_config(fmt::format(
          "{}: no known format fits its first {} (first line: {}; nearest is {}); name one with --format, see 'leat "
          "list formats'",
          origin_, seen.lines == 1 ? "line" : count_of(seen.lines, "line"), quoted(seen.first, 120), seen.nearest));
    }
    LEAT_TRY(make_room(seen.format));
    shared_->tell_format(origin_, seen);
    if (!seen.partial) found_ = seen.format;
    return cut;
  }

  std::string save() const override {
    return found_ ? fmt::format("{}{}", kSavedPrefix, name_of(*found_)) : std::string();
  }

  Status restore(std::string_view saved) override {
    found_.reset();
    if (saved.empty()) return {};
    WebLogFormatId id{};
    if (!saved.starts_with(kSavedPrefix) || !find_web_log_format(saved.substr(kSavedPrefix.size()), &id)) {
      return Status::bad_config(
          fmt::format("{}: its saved state {} names no known format; it was written by another version of leat",
                      origin_, quoted(saved)));
    }
    if (named_) return {};
    LEAT_TRY(make_room(id));
    found_ = id;
    return {};
  }

 private:
  Status make_room(WebLogFormatId id) {
    if (id != WebLogFormatId::apache_vhost_combined || !shared_->widen()) return {};
    return Status::retry(
        fmt::format("{}: format {}: the table gets columns host and server_port", origin_, name_of(id)));
  }

  std::shared_ptr<Shared> shared_;
  std::optional<WebLogFormatId> named_;
  std::optional<WebLogFormatId> found_;
  std::string origin_;  // as messages show it
};

// Puts fields into a batch whose arena is the chunk's bytes. Text that has to be decoded is gathered apart and joins
// the arena at the end, so that the views into the arena hold until then.
class RowWriter {
 public:
  explicit RowWriter(RecordBatch& batch)
      : batch_(batch), begin_(batch.arena.data()), size_(batch.arena.size()), raw_(batch.schema().find("raw_log")) {
    has_host_ = batch.schema().find("host").has_value();
  }

  void add(const WebLogLine& line, std::string_view record, uint64_t start, uint64_t number) {
    const auto offset = static_cast<size_t>(record.data() - begin_);
    const uint64_t raw = pack_text(offset, record.size());
    const size_t row = batch_.add_row({start + offset, number, raw});
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
    if (has_host_ && line.host.text.data() != nullptr) {
      put(Column::host, row, line.host);
      set_integer(Column::port, row, line.server_port);
    }
    if (raw_) batch_.set(*raw_, row, raw);
  }

  void finish() { batch_.arena.append(decoded_); }

 private:
  void set_integer(Column column, size_t row, int64_t value) {
    batch_.set_integer(static_cast<size_t>(column), row, value);
  }

  void put(Column column, size_t row, const LogField& field) {
    if (field.null) return;
    if (!field.plain) {
      put_decoded(column, row, field.text);
      return;
    }
    batch_.set_text(static_cast<size_t>(column), row, static_cast<size_t>(field.text.data() - begin_),
                    field.text.size());
  }

  void put_decoded(Column column, size_t row, std::string_view logged) {
    const size_t before = decoded_.size();
    decode_log_text(logged, decoded_);
    batch_.set_text(static_cast<size_t>(column), row, size_ + before, decoded_.size() - before);
  }

  RecordBatch& batch_;
  const char* begin_;
  size_t size_;
  std::optional<size_t> raw_;
  bool has_host_ = false;
  std::string decoded_;
};

class WebLogDecoder : public Decoder {
 public:
  WebLogDecoder(std::optional<WebLogFormatId> named, bool raw, Note note)
      : named_(named),
        shared_(std::make_shared<Shared>(named == WebLogFormatId::apache_vhost_combined, raw, std::move(note))) {}

  SchemaPtr schema() const override { return shared_->schema(); }

  std::unique_ptr<Cutter> make_cutter(const std::string& origin) override {
    return std::make_unique<LineCutter>(shared_, named_, origin);
  }

  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    batch.part = chunk.end.part;
    batch.origin = chunk.end.origin;
    batch.provisional = chunk.provisional;
    batch.arena = std::move(chunk.bytes);
    if (chunk.truncated) {
      reject_truncated(chunk, batch, rejects);
      return;
    }
    const std::string_view bytes = batch.arena;
    WebLogParser parser = parser_of(format_of(chunk, bytes));
    RowWriter rows(batch);
    WebLogLine parsed;
    uint64_t number = chunk.first_line;
    for (size_t at = 0; at < bytes.size(); ++number) {
      std::string_view line;
      const size_t begin = at;
      at += next_line(bytes.substr(at), line);
      if (line.empty()) continue;
      if (parser.parse(line, bytes.data() + bytes.size(), parsed)) {
        rows.add(parsed, line, chunk.start, number);
        if (parsed.extra_fields > 0) shared_->tell_extra(batch.origin, number, parsed.extra_fields);
        continue;
      }
      const Mismatch& mismatch = parser.mismatch();
      rejects.push_back(make_reject(batch.part, batch.origin, chunk.start + begin, number, mismatch.column,
                                    mismatch.reason(line), line));
    }
    rows.finish();
  }

 private:
  WebLogFormatId format_of(const Chunk& chunk, std::string_view bytes) const {
    if (named_) return *named_;
    const std::string_view context = chunk.context;
    WebLogFormatId id{};
    if (context.starts_with(kSavedPrefix) && find_web_log_format(context.substr(kSavedPrefix.size()), &id)) return id;
    return recognise_web_log(bytes).format;
  }

  static void reject_truncated(const Chunk& chunk, const RecordBatch& batch, Rejects& rejects) {
    Reject reject =
        make_reject(batch.part, batch.origin, chunk.start, chunk.first_line, "",
                    fmt::format("line is longer than {}", count_of(batch.arena.size(), "byte")), batch.arena);
    reject.raw_length += chunk.skipped;
    rejects.push_back(std::move(reject));
  }

  const std::optional<WebLogFormatId> named_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> make_web_log_decoder(const WebLogOptions& options, Note note) {
  std::optional<WebLogFormatId> named;
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
  return std::unique_ptr<Decoder>(std::make_unique<WebLogDecoder>(named, options.raw, std::move(note)));
}

}  // namespace leat
