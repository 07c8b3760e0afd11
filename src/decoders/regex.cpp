#include "decoders/regex.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "base/text.h"
#include "config/complaints.h"
#include "data/column_names.h"
#include "decoders/line_cutter.h"
#include "decoders/typed_cell.h"

namespace leat {
namespace {

constexpr int64_t kMemoryBytes = int64_t{64} << 20;  // of the automaton; a pattern that needs more becomes slower

struct Group {
  int number = 0;  // in the pattern, from 1
  Field field;
};

class RegexDecoder final : public Decoder {
 public:
  RegexDecoder(std::unique_ptr<RE2> pattern, std::vector<Group> groups, bool raw)
      : pattern_(std::move(pattern)), groups_(std::move(groups)), raw_(raw) {
    Schema schema;
    for (const Group& group : groups_) schema.fields.push_back(group.field);
    if (raw) schema.fields.push_back({"raw_log", Type::text, true});
    schema_ = std::make_shared<const Schema>(std::move(schema));
  }

  [[nodiscard]] SchemaPtr schema() const override { return schema_; }
  [[nodiscard]] std::unique_ptr<Cutter> make_cutter(const std::string& /*origin*/) override {
    return make_line_cutter();
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
    const std::string_view bytes = batch.arena;
    const bool clean = is_utf8(bytes) && bytes.find('\0') == std::string_view::npos;
    const std::optional<size_t> raw = raw_ ? batch.schema().find("raw_log") : std::nullopt;
    std::vector<re2::StringPiece> found(groups_.back().number + 1);
    uint64_t number = chunk.first_line;
    for (size_t at = 0; at < bytes.size(); ++number) {
      std::string_view line;
      const size_t begin = at;
      at += next_line(bytes.substr(at), line);
      if (line.empty()) continue;
      std::string_view column;
      std::string reason;
      if (pattern_->Match({line.data(), line.size()}, 0, line.size(), RE2::UNANCHORED, found.data(),
                          static_cast<int>(found.size()))) {
        const uint64_t place = pack_text(begin, line.size());
        const size_t row = batch.add_row({chunk.start + begin, number, place});
        const size_t wrong = fill(found, clean, row, batch);
        if (wrong == groups_.size()) {
          if (raw) batch.set(*raw, row, place);
          continue;
        }
        batch.drop_last_row();
        column = groups_[wrong].field.name;
        reason = cell_mismatch(groups_[wrong].field.type, text_of(found[groups_[wrong].number]));
      } else {
        reason = "the pattern does not match";
        if (!clean && !is_utf8(line)) reason += ", as the line is not UTF-8";
      }
      rejects.push_back(
          make_reject(batch.part, batch.origin, chunk.start + begin, number, column, std::move(reason), line));
    }
  }

 private:
  static std::string_view text_of(const re2::StringPiece& found) { return {found.data(), found.size()}; }

  // The index of the first group whose text does not fit; as many as there are when all do.
  size_t fill(const std::vector<re2::StringPiece>& found, bool clean, size_t row, RecordBatch& batch) const {
    for (size_t i = 0; i < groups_.size(); ++i) {
      const std::string_view text = text_of(found[groups_[i].number]);
      const Type type = groups_[i].field.type;
      if (text.data() == nullptr || (text.empty() && type != Type::text)) continue;
      uint64_t cell = pack_text(static_cast<size_t>(text.data() - batch.arena.data()), text.size());
      if ((type != Type::text || !clean) && !parse_cell(type, text, &cell)) return i;
      batch.set(i, row, cell);
    }
    return groups_.size();
  }

  const std::unique_ptr<RE2> pattern_;
  const std::vector<Group> groups_;
  const bool raw_;
  SchemaPtr schema_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> make_regex_decoder(const RegexOptions& options, RegexPlace* place) {
  *place = {0, options.pattern.size(), std::nullopt};
  RE2::Options how;
  how.set_log_errors(false);
  how.set_max_mem(kMemoryBytes);
  auto pattern = std::make_unique<RE2>(options.pattern, how);
  if (!pattern->ok()) {
    const std::string& part = pattern->error_arg();
    const size_t at = part.empty() ? std::string::npos : options.pattern.find(part);
    if (at != std::string::npos) *place = {at, part.size(), std::nullopt};
    return Status::bad_config(fmt::format("{}{}", visible(pattern->error(), 500),
                                          part == "(?<" ? "; a named group is written (?P<NAME>…)" : ""));
  }
  std::vector<Group> groups;
  for (const auto& [number, name] : pattern->CapturingGroupNames()) {
    const auto same = [&, &group = name](const Group& other) { return equal_ignoring_case(other.field.name, group); };
    const bool twice = std::any_of(groups.begin(), groups.end(), same);
    if (twice || is_reserved_column(name)) {
      *place = {options.pattern.rfind("<" + name + ">") + 1, name.size(), std::nullopt};
      return Status::bad_config(fmt::format(
          "{} cannot be the name of a group: {}", quoted(name),
          twice ? "another one has it (upper and lower case are the same)" : "tables keep it for themselves"));
    }
    groups.push_back({number, {name, Type::text}});
  }
  if (groups.empty()) {
    return Status::bad_config("no group has a name; what is to become a column is written (?P<NAME>…)");
  }
  for (size_t i = 0; i < options.columns.size(); ++i) {
    const ColumnOption& column = options.columns[i];
    const auto group =
        std::find_if(groups.begin(), groups.end(), [&](const Group& other) { return other.field.name == column.name; });
    if (group == groups.end()) {
      std::vector<std::string_view> names;
      for (const Group& other : groups) names.emplace_back(other.field.name);
      place->column = i;
      return Status::bad_config(fmt::format("no group of the pattern has the name {}{}", quoted(column.name),
                                            suggestion(column.name, names)));
    }
    if (column.type) group->field.type = *column.type;
  }
  return std::unique_ptr<Decoder>(std::make_unique<RegexDecoder>(std::move(pattern), std::move(groups), options.raw));
}

}  // namespace leat
