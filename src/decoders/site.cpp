#include "decoders/site.h"

#include <algorithm>
#include <array>
#include <mutex>

#include "decoders/log_text.h"

namespace leat {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The rotation suffixes of docs/formats/file-source.md: ".N", "-DATE", ".DATE".
bool is_rotation(char sign, std::string_view suffix) {
  const auto digits = static_cast<size_t>(std::count_if(suffix.begin(), suffix.end(), is_digit));
  if (digits == suffix.size()) return (sign == '.' && digits >= 1 && digits <= 3) || digits >= 8;
  const bool of_date = suffix.find_first_not_of("0123456789-_T:") == std::string_view::npos;
  return of_date && digits >= 8 && is_digit(suffix.front());
}

class SiteDecoder final : public Decoder {
 public:
  SiteDecoder(std::unique_ptr<Decoder> inner, const std::string& name) : inner_(std::move(inner)) {
    decode_log_text(name, Escape::none, name_);
  }

  SchemaPtr schema() const override {
    SchemaPtr inner = inner_->schema();
    if (!inner) return nullptr;
    if (inner->find("site")) return inner;  // the records have one of their own
    const std::lock_guard lock(mutex_);
    if (inner != inner_schema_) {
      Schema with = *inner;
      const bool raw = !with.fields.empty() && with.fields.back().name == "raw_log";
      with.fields.insert(with.fields.end() - (raw ? 1 : 0), Field{"site"});
      schema_ = std::make_shared<const Schema>(std::move(with));
      inner_schema_ = std::move(inner);
    }
    return schema_;
  }

  std::string save_schema() const override { return inner_->save_schema(); }
  Status restore_schema(std::string_view saved) override { return inner_->restore_schema(saved); }

  std::unique_ptr<Cutter> make_cutter(const std::string& origin) override { return inner_->make_cutter(origin); }

  // The inner decoder finds its columns in the wider schema: they stand before `site`, and raw_log bears its name.
  void decode(Chunk&& chunk, RecordBatch& batch, Rejects& rejects) override {
    inner_->decode(std::move(chunk), batch, rejects);
    if (inner_->schema()->find("site")) return;
    const auto column = batch.schema().find("site");
    if (!column || batch.rows() == 0) return;
    std::string site = name_;
    if (site.empty()) decode_log_text(site_of(batch.part), Escape::none, site);
    const uint64_t cell = pack_text(batch.arena.size(), site.size());
    batch.arena += site;
    for (size_t row = 0; row < batch.rows(); ++row) batch.set(*column, row, cell);
  }

 private:
  const std::unique_ptr<Decoder> inner_;
  std::string name_;
  mutable std::mutex mutex_;  // guards the next two
  mutable SchemaPtr inner_schema_;
  mutable SchemaPtr schema_;
};

}  // namespace

std::string_view live_path_of(std::string_view path) {
  constexpr std::array<std::string_view, 4> kCompressed{".gz", ".zst", ".bz2", ".xz"};
  for (const std::string_view suffix : kCompressed) {
    if (path.ends_with(suffix)) {
      path.remove_suffix(suffix.size());
      break;
    }
  }
  const size_t name = path.rfind('/') + 1;  // 0 when there is none
  for (size_t at = path.find_first_of(".-", name + 1); at != std::string_view::npos && at + 1 < path.size();
       at = path.find_first_of(".-", at + 1)) {
    if (is_rotation(path[at], path.substr(at + 1))) return path.substr(0, at);
  }
  return path;
}

std::string site_of(std::string_view part) {
  const std::string_view path = live_path_of(part.substr(0, part.rfind('#')));
  std::string_view name = path.substr(path.rfind('/') + 1);
  const auto strip = [&](std::string_view suffix) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) name.remove_suffix(suffix.size());
  };
  strip(".log");
  for (const std::string_view suffix : {".access", "-access", "_access", ".access_log", "-access_log", "_access_log"}) {
    strip(suffix);
  }
  return std::string(name);
}

std::unique_ptr<Decoder> with_site(std::unique_ptr<Decoder> inner, const std::string& name) {
  return std::make_unique<SiteDecoder>(std::move(inner), name);
}

}  // namespace leat
