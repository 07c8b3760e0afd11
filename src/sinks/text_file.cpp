#include <fmt/format.h>
#include <zstd.h>

#include <array>
#include <cmath>

#include "base/gzip_stream.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/time.h"
#include "os/file_system.h"
#include "os/spool_file.h"
#include "sinks/data_file.h"

namespace leat {
namespace {

constexpr size_t kBuffer = 64 * 1024;
constexpr int kZstdLevel = 3;

// One member or frame after the other.
class Compressor {
 public:
  Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  virtual ~Compressor() = default;
  virtual Result<std::string> add(std::string_view bytes, bool last) = 0;
};

class Gzip final : public Compressor {
 public:
  Result<std::string> add(std::string_view bytes, bool last) override {
    if (stream_ == nullptr) stream_ = std::make_unique<GzipStream>();
    std::string out = stream_->add(bytes, last);
    if (last) stream_.reset();
    return out;
  }

 private:
  std::unique_ptr<GzipStream> stream_;
};

class Zstd final : public Compressor {
 public:
  Zstd() : context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel);
  }
  Result<std::string> add(std::string_view bytes, bool last) override {
    std::string out;
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      std::array<char, kBuffer> block;
      ZSTD_outBuffer to{block.data(), block.size(), 0};
      const size_t left = ZSTD_compressStream2(context_.get(), &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) return Status::bug(std::string("zstd: ") + ZSTD_getErrorName(left));
      out.append(block.data(), to.pos);
      if (last ? left == 0 : in.pos == in.size) return out;
    }
  }

 private:
  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context_;
};

void add_real(std::string& out, double value) {
  const size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{}", value);
  // A whole one is a real as well, to whoever guesses types.
  if (out.find_first_not_of("-0123456789", begin) == std::string::npos) out += ".0";
}

// A file of lines.
class TextFile : public DataFile {
 public:
  Status start(const std::string& path, const std::string& compression, uint64_t bytes) {
    if (compression == "gzip") compressor_ = std::make_unique<Gzip>();
    if (compression == "zstd") compressor_ = std::make_unique<Zstd>();
    LEAT_ASSIGN(file_, os::SpoolFile::open(path, bytes));
    if (bytes == 0) return {};
    LEAT_ASSIGN(const auto before, os::file_system().open(path, os::Links::refuse));
    if (before == nullptr) return Status::fatal(visible(path) + ": is gone; put it back");
    std::string block(kBuffer, '\0');
    while (bytes_ < bytes) {
      LEAT_ASSIGN(const size_t size, before->read_at(bytes_, block.data(), block.size()));
      if (size == 0) return Status::fatal(visible(path) + ": became shorter while it was read");
      hasher_.add(std::string_view(block).substr(0, size));
      bytes_ += size;
    }
    return {};
  }

  Status add(const RecordBatch& batch, size_t first, size_t count) override {
    if (!begun_) begin(batch.schema(), bytes_ > 0, text_);
    begun_ = true;
    for (size_t row = first; row < first + count; ++row) {
      add_row(batch, row, text_);
      if (text_.size() >= kBuffer) LEAT_TRY(put(false));
    }
    return {};
  }
  Status seal() override {
    LEAT_TRY(put(true));
    return file_->sync();
  }
  [[nodiscard]] uint64_t bytes() const override { return bytes_; }
  [[nodiscard]] Hash128 hash() const override { return hasher_.hash(); }

 private:
  // Before the first row that is added here. `continued`: the file has rows.
  virtual void begin(const Schema& schema, bool continued, std::string& out) = 0;
  virtual void add_row(const RecordBatch& batch, size_t row, std::string& out) = 0;

  Status put(bool last) {
    std::string packed;
    if (compressor_ != nullptr) {
      LEAT_ASSIGN(packed, compressor_->add(text_, last));
    } else {
      packed.swap(text_);
    }
    text_.clear();
    LEAT_TRY(file_->append(packed));
    hasher_.add(packed);
    bytes_ += packed.size();
    return {};
  }

  std::unique_ptr<os::SpoolFile> file_;
  std::unique_ptr<Compressor> compressor_;  // null: none
  std::string text_;
  bool begun_ = false;
  uint64_t bytes_ = 0;
  Hasher128 hasher_;
};

class CsvFile final : public TextFile {
  void begin(const Schema& schema, bool continued, std::string& out) override {
    if (continued) return;
    for (size_t c = 0; c < schema.fields.size(); ++c) {
      if (c > 0) out += ',';
      add_text(schema.fields[c].name, out);
    }
    out += '\n';
  }
  void add_row(const RecordBatch& batch, size_t row, std::string& out) override {
    const std::vector<Field>& fields = batch.schema().fields;
    for (size_t c = 0; c < fields.size(); ++c) {
      if (c > 0) out += ',';
      if (batch.is_null(c, row)) continue;
      switch (fields[c].type) {
        case Type::boolean:
          out += batch.integer(c, row) != 0 ? "true" : "false";
          break;
        case Type::integer:
          fmt::format_to(std::back_inserter(out), "{}", batch.integer(c, row));
          break;
        case Type::real:
          add_real(out, batch.real(c, row));
          break;
        case Type::time:
          append_time(out, batch.integer(c, row));
          break;
        default:
          add_text(batch.text(c, row), out);
      }
    }
    out += '\n';
  }
  static void add_text(std::string_view text, std::string& out) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out += text;
      return;
    }
    out += '"';
    for (const char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
};

class NdjsonFile final : public TextFile {
  void begin(const Schema& schema, bool /*continued*/, std::string& /*out*/) override {
    for (const Field& field : schema.fields) {
      std::string& key = keys_.emplace_back(keys_.empty() ? "{" : ",");
      add_json_string(key, field.name);
      key += ':';
    }
  }
  void add_row(const RecordBatch& batch, size_t row, std::string& out) override {
    const std::vector<Field>& fields = batch.schema().fields;
    for (size_t c = 0; c < fields.size(); ++c) {
      out += keys_[c];
      if (batch.is_null(c, row)) {
        out += "null";
        continue;
      }
      switch (fields[c].type) {
        case Type::boolean:
          out += batch.integer(c, row) != 0 ? "true" : "false";
          break;
        case Type::integer:
          fmt::format_to(std::back_inserter(out), "{}", batch.integer(c, row));
          break;
        case Type::real:
          if (std::isfinite(batch.real(c, row))) {
            add_real(out, batch.real(c, row));
          } else {
            out += "null";
          }
          break;
        case Type::time:
          out += '"';
          append_time(out, batch.integer(c, row));
          out += '"';
          break;
        case Type::json:
          // Newlines stand only between tokens.
          for (const char byte : batch.text(c, row)) out += byte == '\n' || byte == '\r' ? ' ' : byte;
          break;
        default:
          add_json_string(out, batch.text(c, row));
      }
    }
    out += fields.empty() ? "{}\n" : "}\n";
  }
  std::vector<std::string> keys_;
};

template <class File>
class TextFiles final : public FileMaker {
 public:
  static std::unique_ptr<FileMaker> make(const FileMaking& making) {
    return std::make_unique<TextFiles>(making.compression);
  }
  explicit TextFiles(std::string compression) : compression_(std::move(compression)) {}
  Result<std::unique_ptr<DataFile>> open(const std::string& path, const SchemaPtr& /*schema*/,
                                         uint64_t bytes) override {
    auto file = std::make_unique<File>();
    LEAT_TRY(file->start(path, compression_, bytes));
    return std::unique_ptr<DataFile>(std::move(file));
  }

 private:
  const std::string compression_;
};

}  // namespace

constinit const FileFormat kCsvFiles{".csv", true, true, TextFiles<CsvFile>::make};
constinit const FileFormat kNdjsonFiles{".ndjson", true, true, TextFiles<NdjsonFile>::make};

std::string_view compression_extension(std::string_view compression) {
  return compression == "gzip" ? ".gz" : compression == "zstd" ? ".zst" : "";
}

}  // namespace leat
