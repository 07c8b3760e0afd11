#include "sources/http_parents.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(HttpParents, PlacesAreNamesWithADotInBraces) {
  const std::string_view url = "https://h/{hosts.id}/x/{ not.one}/{}/{hosts}/{my-hosts.a_b}{";
  const std::vector<ParentPlace> places = parent_places(url);
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(url.substr(places[0].begin, places[0].end - places[0].begin), "{hosts.id}");
  EXPECT_EQ(places[0].pipeline, "hosts");
  EXPECT_EQ(places[0].column, "id");
  EXPECT_EQ(places[1].pipeline, "my-hosts");
  EXPECT_EQ(places[1].column, "a_b");
  EXPECT_TRUE(parent_places("https://h/{").empty());
  EXPECT_TRUE(parent_places("").empty());
}

TEST(HttpParents, ValuesArePercentEncodedInAUrlOnly) {
  const ParentRow row{.number = 3, .cells = {{"id", "a/b ?ü"}, {"Site", "1"}, {"none", std::nullopt}}, .added = ""};
  EXPECT_EQ(*filled("https://h/{p.id}/{p.site}", row, true), "https://h/a%2Fb%20%3F%C3%BC/1");
  EXPECT_EQ(*filled("{p.id}", row, false), "a/b ?ü");
  EXPECT_EQ(*filled("{no place}", row, false), "{no place}");
  const auto missing = filled("https://h/{p.none}", row, true);
  EXPECT_EQ(missing.status().kind(), Kind::bad_data);
  EXPECT_EQ(missing.status().message(), "row 3 of 'p' has no 'none', so that it cannot be asked about");
}

}  // namespace
}  // namespace leat
