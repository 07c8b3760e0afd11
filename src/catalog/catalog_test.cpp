#include "catalog/catalog.h"

#include <gtest/gtest.h>

#include <set>

namespace leat {
namespace {

void check_options_of(std::string_view kind, std::span<const Option> options) {
  std::set<std::string_view> names;
  for (const Option& option : options) {
    EXPECT_TRUE(names.insert(option.name).second) << kind << ": " << option.name << " is there twice";
    EXPECT_TRUE(option.name != "type" || kind == "columns" || kind == "auth" || kind == "pagination") << kind;
    EXPECT_FALSE(option.help.empty()) << kind << ": " << option.name;
    EXPECT_FALSE(option.required && !option.standard.empty()) << kind << ": " << option.name;
    EXPECT_EQ(option.type == OptionType::choice, option.choices != nullptr) << kind << ": " << option.name;
    const bool has_inner =
        option.type == OptionType::section || option.type == OptionType::sections || option.type == OptionType::columns;
    EXPECT_EQ(has_inner, !option.inner.empty()) << kind << ": " << option.name;
    check_options_of(option.name, option.inner);
  }
}

TEST(Catalog, TheTablesAreWellFormed) {
  for (const SourceKind& kind : source_kinds()) {
    EXPECT_FALSE(kind.help.empty());
    EXPECT_NE(kind.make, nullptr);
    EXPECT_EQ(find_kind(source_kinds(), kind.name), &kind);
    check_options_of(kind.name, kind.options);
  }
  for (const DecoderKind& kind : decoder_kinds()) {
    EXPECT_FALSE(kind.help.empty());
    EXPECT_NE(kind.make, nullptr);
    check_options_of(kind.name, kind.options);
  }
  for (const TransformKind& kind : transform_kinds()) {
    EXPECT_FALSE(kind.help.empty());
    EXPECT_NE(kind.make, nullptr);
    EXPECT_NE(kind.check, nullptr);
    check_options_of(kind.name, kind.options);
  }
  for (const SinkKind& kind : sink_kinds()) {
    EXPECT_FALSE(kind.help.empty());
    EXPECT_NE(kind.make, nullptr);
    check_options_of(kind.name, kind.options);
  }
  EXPECT_EQ(find_kind(sink_kinds(), "nothing"), nullptr);
}

TEST(Catalog, EveryFormatNameMakesADecoderThatTakesItsOwnSample) {
  ASSERT_FALSE(format_names().empty());
  for (const FormatName& format : format_names()) {
    const DecoderKind* kind = find_kind(decoder_kinds(), format.decoder);
    ASSERT_NE(kind, nullptr) << format.name;
    Value table;
    table.set("format", Value::of(std::string(format.name)));
    if (format.name == "nginx_json") table.set("log_format", Value::of(std::string(format.layout)));
    Complaints complaints("test", "");
    const Settings settings = check_options({table, {}, kind->options, "format", "/", false}, complaints);
    ASSERT_TRUE(complaints.empty()) << complaints.text();
    const auto decoder = kind->make(settings, true, [](NoteLevel, const std::string&) {});
    ASSERT_TRUE(decoder.ok()) << decoder.status().message();
    const std::string line = std::string(format.sample) + "\n";
    const auto cutter = (*decoder)->make_cutter("sample");
    Result<Cut> whole = cutter->whole(line, {.ended = true, .most_records = UINT64_MAX});
    // W3C: the lines say which columns there are.
    if (!whole.ok() && whole.status().kind() == Kind::retry)
      whole = cutter->whole(line, {.ended = true, .most_records = UINT64_MAX});
    ASSERT_TRUE(whole.ok()) << whole.status().message();
    EXPECT_EQ(whole->bytes, line.size());
    Chunk chunk;
    chunk.bytes = line;
    chunk.context = "";
    chunk.end.part = "sample";
    RecordBatch batch((*decoder)->schema());
    Rejects rejects;
    (*decoder)->decode(std::move(chunk), batch, rejects);
    EXPECT_EQ(batch.rows(), 1U) << format.name;
    EXPECT_TRUE(rejects.empty()) << format.name << ": " << rejects.at(0).reason;
  }
}

// What is not in a build is said with how to get it, and is never used.
TEST(Catalog, ABuildWithoutDuckDbSaysSo) {
  const SinkKind& kind = *find_kind(sink_kinds(), "duckdb");
#ifdef LEAT_HAS_DUCKDB
  EXPECT_EQ(kind.missing, "");
#else
  const std::string_view text =
      "this leat is built without DuckDB: `script/setup --duckdb` in its sources fetches it, then build again";
  EXPECT_EQ(kind.missing, text);
  const auto store = open_database("web.duckdb");
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.status().kind(), Kind::bad_config);
  EXPECT_EQ(store.status().message(), "web.duckdb: " + std::string(text));
#endif
  // The name of a file says what it is in both.
  EXPECT_EQ(&kind_of_database("web.duckdb"), &kind);
  EXPECT_NE(&kind_of_database("web.db"), &kind);
}

}  // namespace
}  // namespace leat
