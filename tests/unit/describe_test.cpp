// Structs and enums of users as arguments and results, and what is said of those that do not fit.

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <kvmesh/convert.h>
#include <kvmesh/module.h>

#include "tests/unit/value_printer.h"

namespace shop {

enum class Colour : std::uint8_t { kRed, kGreen, kBlue };
constexpr auto kvmesh_describe(kvmesh::Type<Colour>) {
  return kvmesh::names("red", Colour::kRed, "green", Colour::kGreen, "blue", Colour::kBlue,  //
                       "azure", Colour::kBlue);
}

enum Plain { kOne = -1 };  // an enum that converts to integers is none to kvmesh
constexpr auto kvmesh_describe(kvmesh::Type<Plain>) { return kvmesh::names("one", kOne); }

struct Base {
  std::string name;
  bool operator==(const Base&) const = default;
};

struct Item : Base {
  int count = 1;
  Colour colour = Colour::kRed;
  std::optional<std::string> note = "as new";
  double unnamed = 0.5;  // does not travel
  bool operator==(const Item&) const = default;
};
constexpr auto kvmesh_describe(kvmesh::Type<Item>) {
  return kvmesh::members("name", &Item::name, "count", &Item::count, "colour", &Item::colour,
                         "note", &Item::note);
}

struct Order {
  std::vector<Item> items;
  std::map<std::string, Colour> marks;
  bool operator==(const Order&) const = default;
};
constexpr auto kvmesh_describe(kvmesh::Type<Order>) {
  return kvmesh::members("items", &Order::items, "marks", &Order::marks);
}

// Can be sent only: nobody could make one.
struct Receipt {
  explicit Receipt(int sum) : total{sum} {}
  const int total;
};
constexpr auto kvmesh_describe(kvmesh::Type<Receipt>) {
  return kvmesh::members("total", &Receipt::total);
}

}  // namespace shop

namespace kvmesh {
namespace {

using shop::Colour;
using shop::Item;
using shop::Order;

template <typename T>
std::string refused(const Value& value) {
  const auto result = from_value<T>(value);
  if (result) return "taken";
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
  return result.status().text();
}

Item milk() {
  Item item;
  item.name = "milk";
  item.count = 2;
  item.colour = Colour::kGreen;
  item.note.reset();
  return item;
}
const Value kMilk = Value::Map{{"name", "milk"}, {"count", 2}, {"colour", "green"}, {"note", {}}};

TEST(Describe, AStructIsAMapOfItsMembers) {
  EXPECT_EQ(to_value(milk()), kMilk);
  EXPECT_EQ(*from_value<Item>(kMilk), milk());
  const Item constant = milk();
  EXPECT_EQ(to_value(constant), kMilk);
  EXPECT_EQ(type_text<const Item&>(),
            "{name: text, count: int, colour: red|green|blue|azure, note: text or nil}");
  EXPECT_EQ(to_value(shop::Receipt{7}), (Value{Value::Map{{"total", 7}}}));
}

TEST(Describe, AnEnumIsTheTextOfItsValue) {
  EXPECT_EQ(to_value(Colour::kBlue), Value{"blue"});
  EXPECT_EQ(*from_value<Colour>("blue"), Colour::kBlue);
  EXPECT_EQ(*from_value<Colour>("azure"), Colour::kBlue);
  EXPECT_EQ(*from_value<Colour>(Bytes{"red"}), Colour::kRed);
  EXPECT_EQ(type_text<std::vector<std::optional<Colour>>>(),
            "list of (red|green|blue|azure or nil)");
  EXPECT_EQ(to_value(shop::kOne), Value{"one"});
}

TEST(Describe, AValueWithoutANameIsSentAsItsNumberAndRefused) {
  EXPECT_EQ(to_value(Colour{9}), Value{9});
  EXPECT_EQ(refused<Colour>(9), "expected red|green|blue|azure, got int 9");
  EXPECT_EQ(refused<Colour>(0), "expected red|green|blue|azure, got int 0");
  EXPECT_EQ(refused<Colour>("Red"), "expected red|green|blue|azure, got text \"Red\"");
}

TEST(Describe, TheyNestInEachOtherAndInContainers) {
  const Order order{{milk()}, {{"a", Colour::kRed}}};
  const Value value =
      Value::Map{{"items", Value::List{kMilk}}, {"marks", Value::Map{{"a", "red"}}}};
  EXPECT_EQ(to_value(order), value);
  EXPECT_EQ(*from_value<Order>(value), order);
  EXPECT_EQ(type_text<std::optional<Order>>(), "{items: list of " + type_text<Item>() +
                                                   ", marks: map of red|green|blue|azure} or nil");
}

TEST(Describe, OnlyAnOptionalMemberMayBeMissingAndKeepsWhatTheStructGivesIt) {
  const Value short_milk = Value::Map{{"colour", "green"}, {"count", 2}, {"name", "milk"}};
  EXPECT_EQ(from_value<Item>(short_milk)->note, "as new");
  EXPECT_EQ(refused<Item>(Value::Map{{"name", "milk"}, {"colour", "green"}}),
            "expected a map " + type_text<Item>() + ", got a map without the key \"count\"");
}

TEST(Describe, AnUnknownKeyIsNamed) {
  EXPECT_EQ(refused<Item>(Value::Map{{"name", "milk"}, {"cuont", 2}, {"colour", "green"}}),
            "expected a map " + type_text<Item>() + ", got a map with the unknown key \"cuont\"");
  EXPECT_EQ(refused<Item>(Value::Map{{"unnamed", 0.5}}),
            "expected a map " + type_text<Item>() + ", got a map with the unknown key \"unnamed\"");
  EXPECT_EQ(refused<Item>("milk"), "expected a map " + type_text<Item>() + ", got text \"milk\"");
}

TEST(Describe, ThePlaceOfAFaultIsNamed) {
  EXPECT_EQ(refused<Item>(Value::Map{{"name", "milk"}, {"count", "two"}, {"colour", "green"}}),
            "key \"count\": expected an int, got text \"two\"");
  EXPECT_EQ(refused<Order>(Value::Map{{"items", Value::List{kMilk, Value{}}}, {"marks", {}}}),
            "key \"items\", element 2: expected a map " + type_text<Item>() + ", got nil");
}

TEST(Describe, OfAKeyThatIsThereTwiceTheLastCounts) {
  Value::Map twice{{"name", "a"}, {"count", "x"}, {"colour", "red"}, {"count", 3}};
  EXPECT_EQ(from_value<Item>(twice)->count, 3);
}

TEST(Describe, AFunctionOfAModuleShowsThemInItsSignature) {
  Module module{"shop"};
  module.define("paint", [](Item item, Colour colour) {
    item.colour = colour;
    return item;
  });
  EXPECT_TRUE(module.check().ok());
  EXPECT_EQ(module.functions().front().parameters,
            (std::vector<std::string>{type_text<Item>(), "red|green|blue|azure"}));
}

}  // namespace
}  // namespace kvmesh
