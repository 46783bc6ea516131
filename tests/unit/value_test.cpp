// Values: their JSON, and their msgpack there and back, whatever bytes come.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <kvmesh/limits.h>
#include <kvmesh/value.h>

#include "common/wire/pack.h"
#include "common/wire/reader.h"
#include "common/wire/value_codec.h"

namespace kvmesh {
namespace {

using wire::Buffer;
using wire::pack_value;
using wire::unpack_value;

Value nested(std::size_t depth) {
  Value value = Value::List{};
  for (std::size_t i = 1; i < depth; ++i) value = Value::List{std::move(value)};
  return value;
}

std::string packed(const Value& value) {
  Buffer out;
  EXPECT_TRUE(pack_value(out, value).ok());
  return std::string{out.view()};
}

TEST(Value, FindsEntriesOfMapsOnly) {
  const Value map = Value::Map{{"a", 1}, {"b", "two"}};
  ASSERT_NE(map.find("b"), nullptr);
  EXPECT_EQ(*map.find("b"), Value{"two"});
  EXPECT_EQ(map.find("c"), nullptr);
  EXPECT_EQ(Value{"a"}.find("a"), nullptr);
}

TEST(Value, IsANonNegativeIntegerWhicheverTypeHoldsIt) {
  EXPECT_EQ(Value{7}.to_uint(), 7U);
  EXPECT_EQ(Value{std::uint32_t{7}}.to_uint(), 7U);
  EXPECT_EQ(Value{std::numeric_limits<std::uint64_t>::max()}.to_uint(),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(Value{-1}.to_uint());
  EXPECT_FALSE(Value{1.0}.to_uint());
}

TEST(Value, GivesBytesAndTextAlike) {
  EXPECT_EQ(*Value{"t"}.bytes_or_text(), "t");
  EXPECT_EQ(*Value{Bytes{"b"}}.bytes_or_text(), "b");
  EXPECT_EQ(Value{1}.bytes_or_text(), nullptr);
}

TEST(Value, BecomesJsonOfOneLine) {
  const Value value = Value::Map{{"z", Value::List{{}, true, -5, 2.5}},
                                 {"a", "line\n\"end\""},
                                 {"u", std::numeric_limits<std::uint64_t>::max()},
                                 {"empty", Value::Map{}}};
  EXPECT_EQ(value.to_json(),
            R"({"z":[null,true,-5,2.5],"a":"line\n\"end\"","u":18446744073709551615,"empty":{}})");
  EXPECT_EQ(Value{}.to_json(), "null");
  EXPECT_EQ(Value{std::nan("")}.to_json(), "null");
}

TEST(Value, BytesBecomeJsonTextWhereTheyAreUtf8) {
  EXPECT_EQ(Value{Bytes{"gr\xc3\xbc\xc3\x9f"}}.to_json(), "\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(Value{Bytes{"\xf0\x9f\x98\x80"}}.to_json(), "\"\xf0\x9f\x98\x80\"");
  EXPECT_EQ(Value{Bytes{}}.to_json(), R"("")");
  EXPECT_EQ(Value{Bytes{"\xff"}}.to_json(), R"({"base64":"/w=="})");
  EXPECT_EQ(Value{Bytes{"\xff\xfe"}}.to_json(), R"({"base64":"//4="})");
  EXPECT_EQ(Value{Bytes{"\xff\xfe\xfd"}}.to_json(), R"({"base64":"//79"})");
  EXPECT_EQ(Value{Bytes{"\xff\xfe\xfd\xfc"}}.to_json(), R"({"base64":"//79/A=="})");
}

TEST(Value, BytesThatOnlyLookLikeUtf8BecomeBase64) {
  for (const auto* bytes : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xe2\x82",
                            "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "ok\xf0\x9f\x98"}) {
    EXPECT_NE(Value{Bytes{bytes}}.to_json().find("base64"), std::string::npos) << bytes;
  }
}

TEST(Value, TextThatIsNotUtf8LosesNothingInJson) {
  EXPECT_EQ(Value{"a\xff"}.to_json(), R"({"base64":"Yf8="})");
}

TEST(ValueCodec, GivesBackWhatWasPacked) {
  const Value values[] = {
      {},
      true,
      false,
      0,
      -1,
      std::int64_t{127},
      std::int64_t{128},
      std::numeric_limits<std::int64_t>::max(),
      std::numeric_limits<std::int64_t>::min(),
      std::numeric_limits<std::uint64_t>::max(),
      2.0,
      -0.5,
      std::numeric_limits<double>::infinity(),
      "",
      "text",
      Bytes{},
      Bytes{std::string{"\0\xff", 2}},
      Bytes{std::string(limits::kValueBytesMax, 'v')},
      Value::List{},
      Value::Map{},
      Value::Map{{"k", Value::List{1, Value::Map{{"", {}}}}}, {"k", "twice"}},
  };
  for (const auto& value : values) {
    const auto back = unpack_value(packed(value));
    ASSERT_TRUE(back) << back.status().to_string();
    EXPECT_EQ(*back, value) << value.to_json().substr(0, 80);
  }
}

TEST(ValueCodec, ReadsIntegersAsSignedWhereTheyFit) {
  EXPECT_EQ(*unpack_value(packed(std::uint64_t{5})), Value{std::int64_t{5}});
}

TEST(ValueCodec, NestsToTheLimitAndNoFurther) {
  const auto deepest = packed(nested(limits::kNestingMax));
  EXPECT_TRUE(unpack_value(deepest));
  wire::Reader reader{deepest};
  reader.skip();
  EXPECT_FALSE(reader.failed()) << "nodes take what the client packs";

  Buffer out;
  const auto status = pack_value(out, nested(limits::kNestingMax + 1));
  EXPECT_EQ(status.code(), StatusCode::kTooLarge);
  EXPECT_EQ(status.text(), "a value that nests 17 deep is over the limit of 16");
  EXPECT_FALSE(unpack_value("\x91" + deepest));
}

TEST(ValueCodec, ATextOverTheLimitOfAllIsToldWithThatLimit) {
  for (const auto& value : {Value{"12345"}, Value{Bytes{"12345"}}}) {
    Buffer out;
    EXPECT_TRUE(pack_value(out, value, 5).ok());
    const auto status = pack_value(out, Value::List{value}, 4);
    EXPECT_EQ(status.code(), StatusCode::kTooLarge);
    EXPECT_THAT(status.text(), testing::EndsWith(" of 5 bytes is over the limit of 4"));
  }
}

TEST(ValueCodec, CountsTheElementsOfAllContainersTogether) {
  Value::List list(limits::kValueItemsMax);
  Buffer out;
  EXPECT_TRUE(pack_value(out, list).ok());
  EXPECT_TRUE(unpack_value(out.view()));
  list.front() = Value::List(1);
  out.clear();
  EXPECT_EQ(pack_value(out, list).code(), StatusCode::kTooLarge);
}

TEST(ValueCodec, RefusesHostileBytesWithoutAllocatingWhatTheyAnnounce) {
  using namespace std::string_literals;
  for (const auto& bytes :
       {""s, "\xc1"s, "\xdd\xff\xff\xff\xff"s, "\xdf\xff\xff\xff\xff"s, "\xdf\x80\x00\x00\x00"s,
        "\xdb\xff\xff\xff\xffx"s, "\xc6\xff\xff\xff\xff"s, "\x92\x01"s, "\x81\xa1k"s,
        "\x81\x01\x01"s, "\x81\xc4\x01k\x01"s, "\xd4\x01\x01"s, "\xc7\x00\x01"s, "\xc0\xc0"s,
        "\xcb\x00"s, std::string(5000, '\x91'), std::string(5000, '\x81')}) {
    const auto value = unpack_value(bytes);
    EXPECT_FALSE(value) << testing::PrintToString(bytes.substr(0, 16));
    EXPECT_EQ(value.status().code(), StatusCode::kProtocolError);
  }
}

TEST(ValueCodec, EveryCutOfAValueIsRefused) {
  const auto whole =
      packed(Value::Map{{"key", Value::List{1, 300, -70000, 1.5, "text", Bytes{"bytes"}, {}}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(unpack_value(whole.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace kvmesh
