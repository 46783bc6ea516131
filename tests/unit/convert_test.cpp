// C++ values as arguments and results, and what is said of those that do not fit.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <kvmesh/convert.h>

#include "tests/unit/value_printer.h"

namespace kvmesh {
namespace {

template <typename T>
std::string refusal(const Value& value) {
  const auto result = from_value<T>(value);
  if (result) return "taken";
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
  return result.status().text();
}

template <typename T>
void expect_same_again(const T& value, const Value& as_value) {
  EXPECT_EQ(to_value(value), as_value) << type_text<T>();
  const auto again = from_value<T>(as_value);
  ASSERT_TRUE(again) << again.status().text();
  EXPECT_EQ(*again, value) << type_text<T>();
}

TEST(Convert, EveryTypeThereAndBack) {
  expect_same_again(true, true);
  expect_same_again(std::int8_t{-128}, -128);
  expect_same_again(std::uint8_t{255}, 255);
  expect_same_again(std::int64_t{-5}, -5);
  expect_same_again(std::uint64_t{5}, 5);
  expect_same_again(std::numeric_limits<std::uint64_t>::max(),
                    std::numeric_limits<std::uint64_t>::max());
  expect_same_again(1.5, 1.5);
  expect_same_again(0.25F, 0.25);
  expect_same_again(std::string{"milk"}, "milk");
  expect_same_again(Bytes{std::string{"\0\xff", 2}}, Bytes{std::string{"\0\xff", 2}});
  expect_same_again(Pid{"foo@h", 0x1f}, "<foo@h/1f>");
  expect_same_again(std::chrono::milliseconds{1500}, 1500);
  expect_same_again(std::optional<int>{}, Value{});
  expect_same_again(std::optional<int>{3}, 3);
  expect_same_again(std::vector<std::int64_t>{1, 2}, Value::List{1, 2});
  expect_same_again(std::vector<bool>{true, false}, Value::List{true, false});
  expect_same_again(std::vector<std::optional<std::string>>{"a", std::nullopt},
                    Value::List{"a", Value{}});
  expect_same_again(std::map<std::string, int>{{"a", 1}, {"b", 2}}, Value::Map{{"a", 1}, {"b", 2}});
  expect_same_again(std::map<std::string, int, std::greater<>>{{"a", 1}, {"b", 2}},
                    Value::Map{{"b", 2}, {"a", 1}});
  expect_same_again(std::unordered_map<std::string, bool>{{"a", true}}, Value::Map{{"a", true}});
  expect_same_again(std::set<std::string>{"b", "a"}, Value::List{"a", "b"});
  expect_same_again(std::set<int, std::greater<>>{1, 2}, Value::List{2, 1});
  expect_same_again(std::unordered_set<int>{7}, Value::List{7});
  expect_same_again(std::array{1.5, 2.5}, Value::List{1.5, 2.5});
  expect_same_again(std::array<int, 0>{}, Value::List{});
  expect_same_again(std::pair{1, std::string{"x"}}, Value::List{1, "x"});
  expect_same_again(std::tuple{1, std::string{"x"}, true}, Value::List{1, "x", true});
  expect_same_again(std::tuple<>{}, Value::List{});
  expect_same_again(Value{Value::List{1, "x"}}, Value::List{1, "x"});
  expect_same_again(Value::Map{{"b", 1}, {"a", Value{}}}, Value::Map{{"b", 1}, {"a", Value{}}});
  expect_same_again(std::map<std::string, std::vector<std::pair<int, bool>>>{{"a", {{1, true}}}},
                    Value::Map{{"a", Value::List{Value{Value::List{1, true}}}}});
}

TEST(Convert, WhatCanOnlyBeSent) {
  EXPECT_EQ(to_value("text"), Value{"text"});
  EXPECT_EQ(to_value(std::string_view{"a\0b", 3}), (Value{std::string{"a\0b", 3}}));
  EXPECT_EQ(to_value(std::chrono::seconds{2}), Value{2000});
  const char* pointer = "p";
  EXPECT_EQ(to_value(pointer), Value{"p"});
}

TEST(Convert, TakesAnIntegerForAFloatAndTextForBytes) {
  EXPECT_EQ(*from_value<double>(3), 3.0);
  EXPECT_EQ(*from_value<double>(std::numeric_limits<std::uint64_t>::max()), std::ldexp(1.0, 64));
  EXPECT_EQ(from_value<Bytes>("abc")->data, "abc");
  EXPECT_EQ(*from_value<std::string>(Bytes{"abc"}), "abc");
  EXPECT_TRUE(std::isnan(*from_value<float>(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_TRUE(std::isinf(*from_value<float>(std::numeric_limits<double>::infinity())));
}

TEST(Convert, IntegersOutOfRangeAreRefused) {
  EXPECT_EQ(refusal<std::uint8_t>(256), "expected an int from 0 to 255, got int 256");
  EXPECT_EQ(refusal<std::uint8_t>(-1), "expected an int from 0 to 255, got int -1");
  EXPECT_EQ(refusal<std::int8_t>(128), "expected an int from -128 to 127, got int 128");
  EXPECT_EQ(refusal<std::uint64_t>(-1),
            "expected an int from 0 to 18446744073709551615, got int -1");
  EXPECT_EQ(refusal<std::int64_t>(std::uint64_t{1} << 63),
            "expected an int from -9223372036854775808 to 9223372036854775807, got int "
            "9223372036854775808");
  EXPECT_EQ(refusal<float>(1e300), "expected a float of single precision, got float 1e+300");
}

TEST(Convert, AnotherTypeIsRefusedWithBothTypes) {
  EXPECT_EQ(refusal<int>("abc"), "expected an int, got text \"abc\"");
  EXPECT_EQ(refusal<int>(1.0), "expected an int, got float 1.0");
  EXPECT_EQ(refusal<int>(Value{}), "expected an int, got nil");
  EXPECT_EQ(refusal<bool>(1), "expected a bool, got int 1");
  EXPECT_EQ(refusal<double>(true), "expected a float, got true");
  EXPECT_EQ(refusal<std::string>(Value::List{1, 2}), "expected text, got a list of 2");
  EXPECT_EQ(refusal<Bytes>(Value::Map{{"a", 1}}), "expected bytes, got a map of 1");
  EXPECT_EQ(refusal<Pid>("foo"), "expected a pid, got text \"foo\"");
  EXPECT_EQ(refusal<std::chrono::milliseconds>("1s"), "expected an int, got text \"1s\"");
  EXPECT_EQ(refusal<std::vector<int>>("abc"), "expected a list of int, got text \"abc\"");
  EXPECT_EQ((refusal<std::map<std::string, int>>(Bytes{"abc"})),
            "expected a map of int, got 3 bytes");
  EXPECT_EQ(refusal<std::optional<int>>("x"), "expected an int or nil, got text \"x\"");
  EXPECT_EQ((refusal<std::pair<int, std::string>>(Value::List{1})),
            "expected a list of 2 (int, text), got a list of 1");
}

TEST(Convert, ThePlaceOfAFaultIsNamed) {
  EXPECT_EQ(refusal<std::vector<int>>(Value::List{1, "x"}),
            "element 2: expected an int, got text \"x\"");
  EXPECT_EQ((refusal<std::map<std::string, std::vector<int>>>(
                Value::Map{{"a", Value::List{}}, {"b", Value::List{true}}})),
            "key \"b\", element 1: expected an int, got true");
  EXPECT_EQ((refusal<std::tuple<int, bool>>(Value::List{1, 2})),
            "element 2: expected a bool, got int 2");
  EXPECT_EQ(refusal<std::optional<std::vector<int>>>(Value::List{Value{}}),
            "element 1: expected an int, got nil");
}

TEST(Convert, OfEqualElementsASetKeepsOne) {
  EXPECT_EQ(*from_value<std::set<int>>(Value::List{2, 1, 2}), (std::set<int>{1, 2}));
  EXPECT_EQ(*from_value<std::unordered_set<int>>(Value::List{2, 1, 2}),
            (std::unordered_set<int>{1, 2}));
}

TEST(Convert, FaultsInContainersOfTheStandardLibrary) {
  EXPECT_EQ(refusal<std::set<int>>(Value::List{1, "x"}),
            "element 2: expected an int, got text \"x\"");
  EXPECT_EQ(refusal<std::unordered_set<int>>(1), "expected a list of int, got int 1");
  EXPECT_EQ((refusal<std::array<int, 3>>(Value::List{1, 2})),
            "expected a list of 3 int, got a list of 2");
  EXPECT_EQ((refusal<std::array<int, 2>>(Value::List{1, true})),
            "element 2: expected an int, got true");
  EXPECT_EQ((refusal<std::unordered_map<std::string, int>>(Value::Map{{"a", "x"}})),
            "key \"a\": expected an int, got text \"x\"");
}

TEST(Convert, LongTextsAreCut) {
  const auto text = refusal<int>(std::string(100000, 'x'));
  EXPECT_LT(text.size(), 200U);
  EXPECT_NE(text.find("100000"), std::string::npos) << text;
}

TEST(Convert, TypeTexts) {
  EXPECT_EQ(type_text<std::uint16_t>(), "int");
  EXPECT_EQ(type_text<const std::string&>(), "text");
  EXPECT_EQ(type_text<const char*>(), "text");
  EXPECT_EQ(type_text<float>(), "float");
  EXPECT_EQ(type_text<Value>(), "any");
  EXPECT_EQ(type_text<Pid>(), "pid");
  EXPECT_EQ(type_text<Value::Map>(), "map of any");
  EXPECT_EQ(refusal<Value::Map>(Value::List{}), "expected a map of any, got a list of 0");
  EXPECT_EQ(type_text<std::optional<bool>>(), "bool or nil");
  EXPECT_EQ(type_text<std::vector<std::optional<int>>>(), "list of (int or nil)");
  EXPECT_EQ(type_text<std::vector<std::vector<Bytes>>>(), "list of list of bytes");
  EXPECT_EQ((type_text<std::map<std::string, double>>()), "map of float");
  EXPECT_EQ((type_text<std::tuple<int, std::string>>()), "(int, text)");
  EXPECT_EQ((type_text<std::vector<std::optional<std::pair<int, bool>>>>()),
            "list of ((int, bool) or nil)");
  EXPECT_EQ(type_text<std::set<std::string>>(), "list of text");
  EXPECT_EQ((type_text<std::array<std::optional<int>, 3>>()), "list of 3 (int or nil)");
  EXPECT_EQ((type_text<std::unordered_map<std::string, int>>()), "map of int");
}

}  // namespace
}  // namespace kvmesh
