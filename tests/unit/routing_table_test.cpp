// Ranges and routing tables: what is read, what is refused and with which advice, and which entry
// wins.

#include "common/routing_table.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh {
namespace {

NodeName node(std::string_view text) { return *NodeName::parse(text); }

ByteRange range(std::string_view text) {
  const auto parsed = ByteRange::parse(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().text();
  return parsed.ok() ? *parsed : ByteRange{};
}

TEST(ByteRange, ReadsEveryForm) {
  EXPECT_EQ(range("a"), (ByteRange{'a', 'a'}));
  EXPECT_EQ(range("a..m"), (ByteRange{'a', 'm'}));
  EXPECT_EQ(range("a..a"), (ByteRange{'a', 'a'}));
  EXPECT_EQ(range("0x00"), (ByteRange{0, 0}));
  EXPECT_EQ(range("0x00..0x1f"), (ByteRange{0, 31}));
  EXPECT_EQ(range("0xAb"), (ByteRange{0xab, 0xab}));
  EXPECT_EQ(range("a..0xff"), (ByteRange{'a', 255}));
  EXPECT_EQ(range("0x00..z"), (ByteRange{0, 'z'}));
  EXPECT_EQ(range("*"), (ByteRange{0, 255}));
  EXPECT_EQ(range("*..z"), (ByteRange{'*', 'z'}));
  EXPECT_EQ(range("!..~"), (ByteRange{'!', '~'}));
  EXPECT_EQ(range("...z"), (ByteRange{'.', 'z'}));
  EXPECT_EQ(range("+..."), (ByteRange{'+', '.'}));
  EXPECT_EQ(range("...."), (ByteRange{'.', '.'}));
  EXPECT_EQ(range("."), (ByteRange{'.', '.'}));
}

TEST(ByteRange, RefusesWhatIsNone) {
  for (const auto* text :
       {"",    " ",    "ab",    "a.m",  "a..",  "..",    "..m",  "a..mm",   "a...m", "a - m",  "0x",
        "0x1", "0x1g", "0x100", "0X10", "0x-1", "a..0x", "\xe4", "a..\xe4", "**",    "a..m..z"}) {
    const auto parsed = ByteRange::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(parsed.status().text().find("is not a range"), std::string::npos)
        << parsed.status().text();
  }
}

TEST(ByteRange, SaysHowAReversedOneShouldBeWritten) {
  EXPECT_EQ(ByteRange::parse("m..a").status().text(), "\"m..a\" is reversed; write a..m");
  EXPECT_EQ(ByteRange::parse("0x1f..0x00").status().text(),
            "\"0x1f..0x00\" is reversed; write 0x00..0x1f");
  EXPECT_EQ(ByteRange::parse("a..0x20").status().text(), "\"a..0x20\" is reversed; write 0x20..a");
}

TEST(ByteRange, EveryOneIsReadBackFromItsText) {
  for (int first = 0; first < 256; ++first) {
    for (int last = first; last < 256; ++last) {
      const ByteRange it{static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last)};
      const auto text = it.to_string();
      const auto back = ByteRange::parse(text);
      ASSERT_TRUE(back.ok()) << text;
      ASSERT_EQ(*back, it) << text;
    }
  }
  EXPECT_EQ((ByteRange{'*', '*'}.to_string()), "0x2a");
  EXPECT_EQ((ByteRange{0, 255}.to_string()), "*");
}

TEST(ByteRange, HoldsBothEnds) {
  const auto it = range("b..d");
  for (const char inside : {'b', 'c', 'd'})
    EXPECT_TRUE(it.holds(static_cast<std::uint8_t>(inside)));
  for (const char outside : {'a', 'e'}) EXPECT_FALSE(it.holds(static_cast<std::uint8_t>(outside)));
}

TEST(RouteKey, IsTheFirstByte) {
  EXPECT_EQ(route_key("shopping"), std::uint8_t{'s'});
  EXPECT_EQ(route_key(std::string_view{"\0a", 2}), std::uint8_t{0});
  EXPECT_EQ(route_key("\xff"), std::uint8_t{255});
  EXPECT_EQ(route_key(""), std::nullopt);
}

TEST(RoutingTable, WithoutEntriesFindsNothing) {
  const RoutingTable table;
  for (int key = 0; key < 256; ++key) EXPECT_FALSE(table.find(static_cast<std::uint8_t>(key)));
  EXPECT_EQ(table.to_string(), "[]");
  EXPECT_TRUE(table.shadowed().empty());
}

TEST(RoutingTable, TheFirstEntryThatHoldsTheByteWins) {
  const RoutingTable table{
      {{range("c"), node("c@h")}, {range("a..m"), node("foo@h")}, {range("h..z"), node("bar@h")}}};
  for (int key = 0; key < 256; ++key) {
    std::optional<std::size_t> expected;
    for (std::size_t i = table.entries().size(); i-- > 0;) {
      if (table.entries()[i].range.holds(static_cast<std::uint8_t>(key))) expected = i;
    }
    EXPECT_EQ(table.find(static_cast<std::uint8_t>(key)), expected) << key;
  }
  EXPECT_EQ(table.find('c'), 0U);
  EXPECT_EQ(table.find('h'), 1U);
  EXPECT_EQ(table.find('n'), 2U);
  EXPECT_EQ(table.find('A'), std::nullopt);
}

TEST(RoutingTable, NamesEntriesThatCanNeverMatch) {
  const RoutingTable table{{{range("a..m"), node("foo@h")},
                            {range("b..c"), node("bar@h")},  // covered by one
                            {range("n..z"), node("bar@h")},
                            {range("k..p"), node("gate@h")},    // covered by two together
                            {range("z..{"), node("gate@h")}}};  // half covered
  EXPECT_EQ(table.shadowed(), (std::vector<std::size_t>{1, 3}));
}

TEST(RoutingTable, TakesAsManyEntriesAsItsLimit) {
  std::vector<RouteEntry> entries(limits::kRoutingEntriesMax - 1, {range("a"), node("foo@h")});
  entries.push_back({range("b"), node("bar@h")});
  const RoutingTable table{std::move(entries)};
  EXPECT_EQ(table.find('a'), 0U);
  EXPECT_EQ(table.find('b'), limits::kRoutingEntriesMax - 1);
  EXPECT_EQ(table.shadowed().size(), limits::kRoutingEntriesMax - 2);
}

TEST(RoutingTable, IsShownInOrderAndCut) {
  const RoutingTable table{{{range("a..m"), node("foo@h")},
                            {range("n..z"), node("bar@h")},
                            {range("*"), node("foo@h")}}};
  EXPECT_EQ(table.to_string(), "[a..m -> foo@h, n..z -> bar@h, * -> foo@h]");
  EXPECT_EQ(table.to_string(2), "[a..m -> foo@h, n..z -> bar@h, and 1 more]");
}

TEST(RoutingTable, IsEqualWhenItsEntriesAre) {
  const RoutingTable one{{{range("a..m"), node("foo@h")}}};
  EXPECT_EQ(one, (RoutingTable{{{range("a..m"), node("foo@h")}}}));
  EXPECT_FALSE(one == (RoutingTable{{{range("a..m"), node("bar@h")}}}));
  EXPECT_FALSE(one == RoutingTable{});
}

}  // namespace
}  // namespace kvmesh
