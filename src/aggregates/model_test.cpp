// The aggregates against a recount: random rows in random pieces, with commits, rollbacks and undone rows in between;
// after each commit the sink's tables must equal the recount over its rows.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "aggregates/aggregate.h"
#include "aggregates/aggregate_limits.h"
#include "tests/support/recount.h"

namespace leat {
namespace {

constexpr size_t kEnough = 1 << 20;

// What a sink does with an aggregate, in maps.
class Target {
 public:
  Target(const std::vector<Declared>& keys, const std::vector<Declared>& measures) : keys_(keys), measures_(measures) {}

  // `replace`: the values are of whole buckets, not deltas.
  void take(Aggregate& aggregate, bool replace) {
    std::vector<Keys> of_bucket;
    for (size_t bucket = 0; bucket < aggregate.buckets(); ++bucket) {
      of_bucket.emplace_back();
      for (size_t k = 0; k < keys_.size(); ++k) of_bucket.back().push_back(shown(aggregate.value(bucket, k)));
      auto [entry, added] = table_.try_emplace(of_bucket.back(), measures_.size(), "NULL");
      for (size_t m = 0; m < measures_.size(); ++m) {
        Shown& total = entry->second[m];
        if (measures_[m].measure == Measure::count_distinct) {
          EXPECT_EQ(shown(aggregate.value(bucket, keys_.size() + m)), "NULL");
          if (replace) sets_[m][entry->first].clear();
        } else {
          const Shown delta = shown(aggregate.value(bucket, keys_.size() + m));
          total = replace ? delta : merged(measures_[m].measure, total, delta);
        }
      }
    }
    EXPECT_EQ(std::set<Keys>(of_bucket.begin(), of_bucket.end()).size(), of_bucket.size()) << "a bucket is there twice";
    for (size_t bucket = 0; bucket < of_bucket.size(); ++bucket) {
      const Keys& keys = places_.try_emplace(aggregate.place(bucket), of_bucket[bucket]).first->second;
      EXPECT_EQ(keys, of_bucket[bucket]) << "its place is another bucket's";
    }
    for (size_t m = 0; m < measures_.size(); ++m) {
      if (measures_[m].measure == Measure::count_distinct) take_candidates(aggregate, m, of_bucket);
    }
  }

  void drop(Aggregate& touched) {
    for (size_t bucket = 0; bucket < touched.buckets(); ++bucket) {
      Keys keys;
      for (size_t k = 0; k < keys_.size(); ++k) keys.push_back(shown(touched.value(bucket, k)));
      table_.erase(keys);
      for (auto& [m, sets] : sets_) sets.erase(keys);
    }
  }

  void forget_places() { places_.clear(); }

  [[nodiscard]] const Table& table() const { return table_; }
  size_t candidates = 0;

 private:
  void take_candidates(Aggregate& aggregate, size_t m, const std::vector<Keys>& of_bucket) {
    Status outcome;
    std::map<size_t, Shown> last;  // of the buckets so far
    size_t last_bucket = SIZE_MAX;
    aggregate.for_each_candidate(
        keys_.size() + m,
        [&](size_t bucket, AggregateValue value) {
          const Shown text = shown(value);
          const auto [before, first] = last.try_emplace(bucket, text);
          EXPECT_TRUE(first || (last_bucket == bucket && less(before->second, text)))
              << before->second << " then " << text;
          last_bucket = bucket;
          before->second = text;
          sets_[m][of_bucket[bucket]].insert(text);
          ++candidates;
          return Status();
        },
        &outcome);
    EXPECT_TRUE(outcome.ok());
    for (const Keys& keys : of_bucket) table_[keys][m] = "i" + std::to_string(sets_[m][keys].size());
  }

  const std::vector<Declared>& keys_;
  const std::vector<Declared>& measures_;
  Table table_;
  std::map<size_t, Keys> places_;
  std::map<size_t, std::map<Keys, std::set<Shown>>> sets_;
};

struct Setting {
  std::vector<std::string> keys;
  const char* zone;
  size_t known_bytes;
};

class Model : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    setenv("TZ", GetParam().zone, 1);
    tzset();
    for (const std::string& name : GetParam().keys) {
      keys_.push_back(all_keys().at(name));
      spec_.by.push_back(keys_.back().named);
    }
    for (const Declared& measure : measures_) spec_.value.push_back(measure.named);
    spec_.name = "under_test";
    spec_.timezone = GetParam().zone;
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
  }

  std::unique_ptr<Aggregate> bind() {
    auto bound = bind_with_known_bytes(spec_, *schema_, GetParam().known_bytes);
    EXPECT_TRUE(bound.ok()) << bound.status().message();
    return bound.ok() ? *std::move(bound) : nullptr;
  }

  // The rows are gone from the table: their buckets are computed anew.
  void undo(Aggregate& live, Target& target, std::vector<Row>& rows, size_t first) {
    const std::vector<Row> gone(rows.begin() + static_cast<ptrdiff_t>(first), rows.end());
    rows.resize(first);
    auto touched = bind();
    touched->add(make_batch(schema_, gone), 0, gone.size());
    target.drop(*touched);
    live.rolled_back();
    target.forget_places();
    for (size_t at = 0; at < rows.size(); at += 50) {
      const size_t count = std::min<size_t>(50, rows.size() - at);
      const auto begin = rows.begin() + static_cast<ptrdiff_t>(at);
      live.add_where_in(*touched, make_batch(schema_, {begin, begin + static_cast<ptrdiff_t>(count)}), 0, count);
    }
    target.take(live, true);
    if (!live.committed()) target.forget_places();
  }

  std::vector<Declared> keys_;
  std::vector<Declared> measures_ = all_measures();
  SchemaPtr schema_ = make_schema();
  AggregateSpec spec_;
};

TEST_P(Model, EqualsTheRecountAfterEachCommit) {
  for (unsigned seed = 0; seed < 3; ++seed) {
    SCOPED_TRACE(seed);
    Rows source(seed);
    auto live = bind();
    ASSERT_NE(live, nullptr);
    Target target(keys_, measures_);
    std::vector<Row> kept;
    std::vector<Row> pending;
    for (int step = 0; step < 36; ++step) {
      const std::vector<Row> rows = source.some();
      const RecordBatch batch = make_batch(schema_, rows);
      const size_t cut = source.below(rows.size() + 1);
      if (cut == rows.size()) {
        live->add(batch, live->count(batch));
      } else {
        live->add(batch, 0, cut);
      }
      if (source.below(4) != 0) {  // else the sink refused the second half
        live->add(batch, cut, rows.size() - cut);
        pending.insert(pending.end(), rows.begin(), rows.end());
      } else {
        pending.insert(pending.end(), rows.begin(), rows.begin() + static_cast<ptrdiff_t>(cut));
      }
      switch (source.below(6)) {
        case 0:
          live->rolled_back();
          target.forget_places();
          pending.clear();
          EXPECT_EQ(live->buckets(), 0U);
          break;
        case 1:
        case 2:
          target.take(*live, false);
          if (!live->committed()) target.forget_places();
          kept.insert(kept.end(), pending.begin(), pending.end());
          pending.clear();
          EXPECT_EQ(live->buckets(), 0U);
          ASSERT_EQ(target.table(), recount(kept, keys_, measures_));
          break;
        case 3:
          if (!pending.empty() || kept.empty()) break;
          undo(*live, target, kept, source.below(kept.size()));
          ASSERT_EQ(target.table(), recount(kept, keys_, measures_));
          break;
        default:
          break;
      }
    }
  }
}

// Without a sink: nothing is committed, and everything is there at the end.
TEST_P(Model, HoldsAllEqualsTheRecount) {
  Rows source(99);
  auto bound = Aggregate::bind(spec_, *schema_, Keeping::all);
  ASSERT_TRUE(bound.ok()) << bound.status().message();
  std::vector<Row> all;
  for (int step = 0; step < 60; ++step) {
    const std::vector<Row> rows = source.some();
    const RecordBatch batch = make_batch(schema_, rows);
    const size_t cut = source.below(rows.size() + 1);
    (*bound)->add(batch, 0, cut);
    (*bound)->add(batch, cut, rows.size() - cut);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  Table found;
  for (size_t bucket = 0; bucket < (*bound)->buckets(); ++bucket) {
    Keys keys;
    for (size_t k = 0; k < keys_.size(); ++k) keys.push_back(shown((*bound)->value(bucket, k)));
    std::vector<Shown>& values = found[keys];
    for (size_t m = 0; m < measures_.size(); ++m) values.push_back(shown((*bound)->value(bucket, keys_.size() + m)));
  }
  EXPECT_EQ(found.size(), (*bound)->buckets());
  EXPECT_EQ(found, recount(all, keys_, measures_));
}

INSTANTIATE_TEST_SUITE_P(
    All, Model,
    ::testing::Values(
        Setting{{"day"}, "UTC", kEnough}, Setting{{"day"}, "Europe/Berlin", 1},
        Setting{{"hour"}, "Europe/Berlin", kEnough}, Setting{{"minute", "flag"}, "Asia/Kathmandu", kEnough},
        Setting{{"day", "page"}, "Asia/Kolkata", 1}, Setting{{"month", "status"}, "America/St_Johns", 4096},
        Setting{{"day", "hour"}, "Australia/Lord_Howe", kEnough}, Setting{{"day", "address"}, "Pacific/Apia", 1},
        Setting{{"address", "document", "ratio"}, "UTC", kEnough}, Setting{{"time"}, "UTC", 1},
        Setting{{"day", "site"}, "UTC", kEnough}, Setting{{"site", "address"}, "UTC", 1},
        Setting{{"browser", "page", "site"}, "UTC", 4096}, Setting{{"browser"}, "UTC", kEnough},
        Setting{{"ratio"}, "UTC", 4096}, Setting{{"status"}, "UTC", kEnough},
        Setting{{"class", "failed"}, "UTC", kEnough}, Setting{{"upper", "page", "class"}, "UTC", 4096},
        Setting{{"site_or_page"}, "UTC", 1}));

}  // namespace
}  // namespace leat
