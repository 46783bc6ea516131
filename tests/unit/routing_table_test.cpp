// Ranges and routing tables: what is read, what is refused and with which advice, and which entry
// wins.

#include "common/routing_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/route_hash.h"

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

// "00ff" and "78*129".
std::string bytes_of_hex(const std::string& text) {
  const auto star = text.find('*');
  const auto digits = text.substr(0, star);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return star == std::string::npos ? out : std::string(std::stoul(text.substr(star + 1)), out[0]);
}

TEST(RouteHash, IsThatOfTheVectors) {
  std::ifstream file{KVMESH_SOURCE_DIR "/common/vectors/route_hash.txt"};
  std::size_t read = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words{line};
    std::string name;
    std::string hash;
    words >> name >> hash;
    EXPECT_EQ(hash_text(route_hash(bytes_of_hex(name))), "hash:" + hash) << line;
    ++read;
  }
  EXPECT_GE(read, 16U);
}

TEST(RouteHash, LooksAtTheTagOnly) {
  EXPECT_EQ(hash_tag("{user:7}:cart"), "user:7");
  EXPECT_EQ(hash_tag("cart:{user:7}{b}"), "user:7");
  EXPECT_EQ(hash_tag("foo{{bar}}"), "{bar");
  for (const auto* whole : {"plain", "{}x", "foo{}{bar}", "{open", "}{", "a}b"}) {
    EXPECT_EQ(hash_tag(whole), whole);
  }
  EXPECT_EQ(route_hash("{user:7}:cart"), route_hash("user:7"));
}

RouteRange route_range(std::string_view text) {
  const auto parsed = RouteRange::parse(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().text();
  return parsed.ok() ? *parsed : RouteRange{};
}

TEST(RouteRange, ReadsAndWritesHashes) {
  for (const auto& [text, shown] :
       {std::pair{"hash:0x40", "hash:0x40"}, std::pair{"hash:0x00..0x7f", "hash:0x00..0x7f"},
        std::pair{"hash:0x40,0x00..0x1b", "hash:0x00..0x1b,0x40"},
        std::pair{"hash:0x00..0x10,0x08..0x20,0x21", "hash:0x00..0x21"},
        std::pair{"hash:0x00..0x7f,0x80..0xff", "hash:*"}, std::pair{"hash:*", "hash:*"},
        std::pair{"a..m", "a..m"}, std::pair{"*", "*"}, std::pair{"h", "h"}}) {
    const auto range = route_range(text);
    EXPECT_EQ(range.to_string(), shown);
    EXPECT_EQ(route_range(shown), range);
  }
  EXPECT_TRUE(route_range("hash:0x49").holds("shopping"));
  EXPECT_FALSE(route_range("hash:0x48").holds("shopping"));
  EXPECT_TRUE(route_range("s").holds("shopping"));
}

TEST(RouteRange, RefusesWhatIsNone) {
  for (const auto* text :
       {"hash", "hash:", "hash:a", "hash:0x1", "hash:0x00..", "hash:0x00,", "hash:,0x00",
        "hash:0x00..0x10..0x20", "hash:0x100", "hash: 0x00", "Hash:0x00", "hash:0x00, 0x01"}) {
    const auto parsed = RouteRange::parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(RouteRange::parse("hash:0x01,0x1f..0x02").status().text(),
            "\"0x1f..0x02\" is reversed; write 0x02..0x1f");
  EXPECT_NE(RouteRange::parse("hash:a..m").status().text().find("write 0x and two hex digits"),
            std::string::npos);
}

TEST(RouteMatch, SaysWhichPartMatched) {
  EXPECT_EQ((RouteMatch{RouteRange::By::kFirstByte, range("a..m"), 0}.to_string()), "a..m");
  EXPECT_EQ((RouteMatch{RouteRange::By::kHash, {0, 0x7f}, 0x3f}.to_string()),
            "hash:0x3f (0x00..0x7f)");
}

TEST(RoutingTable, HashesDecideWhatNoByteDoes) {
  const RoutingTable table{{{route_range("a..m"), node("foo@h")},
                            {route_range("hash:0x00..0x1b,0x40..0x7f"), node("bar@h")},
                            {route_range("hash:0x49..0xff"), node("baz@h")}}};
  const auto found = table.find("shopping");  // 0x49
  ASSERT_TRUE(found);
  EXPECT_EQ(found->index, 1U);
  EXPECT_EQ(found->match.to_string(), "hash:0x49 (0x40..0x7f)");
  ASSERT_TRUE(table.find("apples"));
  EXPECT_EQ(table.find("apples")->match.to_string(), "a..m");
  EXPECT_EQ(table.find('s', 0x49), 1U);
  EXPECT_EQ(table.find('s', 0x80), 2U);
  EXPECT_EQ(table.find('s', 0x20), std::nullopt);
  EXPECT_EQ(table.find(std::uint8_t{'s'}), std::nullopt);
  EXPECT_EQ(table.find('a', 0x20), 0U);
  EXPECT_TRUE(table.shadowed().empty());
  EXPECT_EQ(table.to_string(),
            "[a..m -> foo@h, hash:0x00..0x1b,0x40..0x7f -> bar@h, hash:0x49..0xff -> baz@h]");
  for (unsigned value = 0; value < 1000; ++value) {
    const auto name = "n" + std::to_string(value);
    const auto by_name = table.find(name);
    EXPECT_EQ(by_name ? std::optional{by_name->index} : std::nullopt,
              table.find('n', route_hash(name)));
  }
}

TEST(RoutingTable, HashesBehindAllBytesNeverMatch) {
  const RoutingTable table{
      {{route_range("*"), node("foo@h")}, {route_range("hash:*"), node("b@h")}}};
  EXPECT_EQ(table.shadowed(), std::vector<std::size_t>{1});
  EXPECT_FALSE(RoutingTable::are_in_order(
      {{route_range("hash:*"), node("b@h")}, {route_range("a"), node("foo@h")}}));
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
      if (table.entries()[i].range.keys().test(static_cast<std::size_t>(key))) expected = i;
    }
    EXPECT_EQ(table.find(static_cast<std::uint8_t>(key)), expected) << key;
  }
  EXPECT_EQ(table.find(std::uint8_t{'c'}), 0U);
  EXPECT_EQ(table.find(std::uint8_t{'h'}), 1U);
  EXPECT_EQ(table.find(std::uint8_t{'n'}), 2U);
  EXPECT_EQ(table.find(std::uint8_t{'A'}), std::nullopt);
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
  EXPECT_EQ(table.find(std::uint8_t{'a'}), 0U);
  EXPECT_EQ(table.find(std::uint8_t{'b'}), limits::kRoutingEntriesMax - 1);
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
