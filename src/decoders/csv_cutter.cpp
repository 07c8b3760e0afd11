#include "decoders/csv_cutter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace leat {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr std::string_view kSavedRows = "rows=";
constexpr std::string_view kSavedHeader = " header=";
constexpr size_t kLargestHeader = size_t{64} * 1024;  // bytes, as it stands in the file and as it is saved

class CsvCutter final : public Cutter {
 public:
  CsvCutter(std::shared_ptr<CsvColumns> columns, std::string origin)
      : columns_(std::move(columns)), dialect_(columns_->options().dialect), origin_(std::move(origin)) {}

  Result<Cut> whole(std::string_view bytes, const CutRule& rule) override {
    if (context_) return taken(whole_csv_records(bytes, dialect_, rule.most_records, rule.max_record), 0);
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
      return refused("is UTF-16; convert it: iconv -f UTF-16 -t UTF-8");
    }
    if (!rule.ended && bytes.size() < kMark.size() && kMark.starts_with(bytes)) return Cut{};
    const size_t mark = byte_order_mark(bytes);
    if (columns_->options().header) {
      LEAT_ASSIGN(std::optional<Header> header, read_header(bytes.substr(mark), rule.ended));
      if (!header) return Cut{};
      context_ = CsvContext{.names = std::move(header->names)};
      return Cut{.bytes = mark + header->size, .lead = mark + header->size};
    }
    const CsvStretch stretch = whole_csv_records(bytes.substr(mark), dialect_, rule.most_records, rule.max_record);
    if (stretch.bytes > 0) context_.emplace();
    return taken(stretch, stretch.bytes > 0 ? mark : 0);
  }

  Result<std::optional<size_t>> skip(std::string_view bytes) override {
    size_t mark = 0;
    if (!skipping_) {
      skipping_.emplace(dialect_);
      if (!context_) mark = byte_order_mark(bytes);
    }
    std::optional<size_t> end = skipping_->skip(bytes.substr(mark));
    if (!end) return end;
    *end += mark;
    skipping_.reset();
    if (!context_) context_.emplace();
    ++context_->rows;
    return end;
  }

  [[nodiscard]] std::string save() const override { return context_ ? context_->saved() : std::string(); }
  [[nodiscard]] std::string inherited() const override {
    return context_ ? join_names(context_->names) : std::string();
  }

  Status restore(std::string_view saved) override {
    context_.reset();
    if (saved.empty()) return {};
    context_ = CsvContext::parse(saved);
    if (context_ && context_->names.empty() != columns_->options().header) return {};
    return Status::bad_config(fmt::format(
        "{}: its saved state {} is not that of such a CSV; it was written for another format, name another table",
        visible(origin_, 4096), quoted(saved)));
  }

 private:
  Cut taken(const CsvStretch& stretch, size_t before) {
    if (context_) context_->rows += stretch.records;
    const size_t bytes = before + stretch.bytes;
    return {.bytes = bytes, .records = stretch.records, .too_long = bytes == 0 && stretch.too_long};
  }

  [[nodiscard]] Status refused(std::string_view why) const {
    return Status::bad_config(fmt::format("{}: {}", visible(origin_, 4096), why));
  }
  [[nodiscard]] Status header_is_long() const {
    return refused("its first line, which has the names of the columns, is longer than " + human_bytes(kLargestHeader));
  }

  struct Header {
    std::vector<std::string> names;
    size_t size = 0;  // with the line end
  };
  // The names in the first record of `bytes`; nothing: more bytes are needed.
  Result<std::optional<Header>> read_header(std::string_view bytes, bool ended) {
    CsvReader reader(bytes.substr(0, kLargestHeader + 1), dialect_);
    if (!reader.next()) return std::optional<Header>();
    if (!reader.complete() && bytes.size() > kLargestHeader) return header_is_long();
    const bool open_quote = reader.trouble() == CsvTrouble::not_closed;
    // Names that go on are not to become columns; without a record there is no hurry.
    if (!reader.complete() && !(ended && open_quote)) return std::optional<Header>();
    if (!is_utf8(reader.record()) || reader.record().find('\0') != std::string_view::npos) {
      return refused(
          fmt::format("its first line, which has the names of the columns, is not UTF-8: {}", quoted(reader.record())));
    }
    if (reader.trouble() != CsvTrouble::none) {
      return refused(fmt::format("a quote in its first line, which has the names of the columns, is {}: {}",
                                 open_quote ? "not closed" : "closed too early", quoted(reader.record())));
    }
    Header header{columns_->header_names(reader), reader.end()};
    if (CsvContext{0, header.names}.saved().size() > kLargestHeader - 32) return header_is_long();
    if (header.names.size() == 1 && !reader.fields()[0].quoted && columns_->options().columns.empty()) {
      LEAT_TRY(check_delimiter(header.names[0]));
    }
    // Always the same records, however the file is read.
    const std::string_view rest = bytes.substr(reader.end(), kCsvGuessBytes);
    const CsvStretch first = whole_csv_records(rest, dialect_, kCsvGuessRecords, kCsvGuessBytes);
    const bool all = first.records == kCsvGuessRecords || rest.size() == kCsvGuessBytes;
    LEAT_ASSIGN(const bool known,
                columns_->take_header(origin_, header.names, all ? rest.substr(0, first.bytes) : rest, all || ended));
    return known ? std::optional(std::move(header)) : std::nullopt;
  }

  [[nodiscard]] Status check_delimiter(std::string_view name) const {
    for (const char other : {';', '\t', ',', '|'}) {
      if (name.find(other) == std::string_view::npos) continue;
      return refused(fmt::format("its first line has no {} but {}: {}; write delimiter = \"{}\"",
                                 quoted({&dialect_.delimiter, 1}), quoted({&other, 1}), quoted(name),
                                 visible({&other, 1})));
    }
    return {};
  }

  const std::shared_ptr<CsvColumns> columns_;
  const CsvDialect dialect_;
  const std::string origin_;
  std::optional<CsvContext> context_;  // at the last border; nothing at the beginning of the file
  std::optional<CsvSkipper> skipping_;
};

}  // namespace

std::string CsvContext::saved() const {
  std::string text = fmt::format("{}{}", kSavedRows, rows);
  if (!names.empty()) text += fmt::format("{}{}", kSavedHeader, join_names(names));
  return text;
}

std::optional<CsvContext> CsvContext::parse(std::string_view saved) {
  if (!saved.starts_with(kSavedRows)) return std::nullopt;
  saved.remove_prefix(kSavedRows.size());
  const size_t header = saved.find(kSavedHeader);
  const auto rows = parse_integer(saved.substr(0, header));
  if (!rows || *rows < 0) return std::nullopt;
  CsvContext context{.rows = static_cast<uint64_t>(*rows), .names = {}};
  if (header != std::string_view::npos) {
    auto names = split_names(saved.substr(header + kSavedHeader.size()));
    if (!names) return std::nullopt;
    context.names = *std::move(names);
  }
  return context;
}

size_t byte_order_mark(std::string_view bytes) {
  return bytes.starts_with(kMark) ? kMark.size() : 0;
}

std::unique_ptr<Cutter> make_csv_cutter(std::shared_ptr<CsvColumns> columns, const std::string& origin) {
  return std::make_unique<CsvCutter>(std::move(columns), origin);
}

}  // namespace leat
