// wire::Reader: every form of every type, its bounds, and that it judges random and broken bytes as
// msgpack-cxx does.

#include "common/wire/reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <kvmesh/limits.h>

#include <msgpack/unpack.hpp>

#include "common/wire/pack.h"
#include "tests/unit/random_msgpack.h"
#include "tests/unit/vector_file.h"

namespace kvmesh::wire {
namespace {

template <typename Read>
auto read(const std::string& hex, Read method) {
  const auto bytes = from_hex(hex);
  Reader in{bytes};
  auto value = (in.*method)();
  using Value = std::decay_t<decltype(value)>;
  return in.failed() || !in.at_end() ? std::optional<Value>{} : std::optional<Value>{value};
}

TEST(Reader, ReadsUnsignedOfEveryWidth) {
  EXPECT_EQ(read("00", &Reader::read_uint), 0U);
  EXPECT_EQ(read("7f", &Reader::read_uint), 127U);
  EXPECT_EQ(read("cc ff", &Reader::read_uint), 255U);
  EXPECT_EQ(read("cd ff ff", &Reader::read_uint), 65535U);
  EXPECT_EQ(read("ce ff ff ff ff", &Reader::read_uint), 4294967295U);
  EXPECT_EQ(read("cf ff*8", &Reader::read_uint), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(read("d0 7f", &Reader::read_uint), 127U)
      << "a signed form of a number that is not negative";
  EXPECT_EQ(read("d3 7f ff*7", &Reader::read_uint), std::uint64_t{1} << 63 ^ ~std::uint64_t{0});
  for (const auto* bad :
       {"", "ff", "d0 80", "d3 ff*8", "cc", "cd ff", "cf ff*7", "c0", "a0", "90", "ca 00*4"}) {
    EXPECT_EQ(read(bad, &Reader::read_uint), std::nullopt) << bad;
  }
}

TEST(Reader, ReadsSignedOfEveryWidth) {
  EXPECT_EQ(read("e0", &Reader::read_int), -32);
  EXPECT_EQ(read("ff", &Reader::read_int), -1);
  EXPECT_EQ(read("d0 80", &Reader::read_int), -128);
  EXPECT_EQ(read("d1 80 00", &Reader::read_int), -32768);
  EXPECT_EQ(read("d2 80 00*3", &Reader::read_int), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(read("d3 80 00*7", &Reader::read_int), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read("cf 7f ff*7", &Reader::read_int), std::numeric_limits<std::int64_t>::max());
  for (const auto* bad : {"", "cf 80 00*7", "d3 ff*7", "d0", "c0"}) {
    EXPECT_EQ(read(bad, &Reader::read_int), std::nullopt) << bad;
  }
}

TEST(Reader, ReadsTheOtherTypes) {
  EXPECT_EQ(read("c3", &Reader::read_bool), true);
  EXPECT_EQ(read("c2", &Reader::read_bool), false);
  EXPECT_EQ(read("00", &Reader::read_bool), std::nullopt);
  EXPECT_EQ(read("ca 3f c0 00 00", &Reader::read_float), 1.5);
  EXPECT_EQ(read("cb 3f f8 00*6", &Reader::read_float), 1.5);
  EXPECT_EQ(read("01", &Reader::read_float), std::nullopt);
  EXPECT_EQ(read("dc 01 00", &Reader::read_array), 256U);
  EXPECT_EQ(read("9f", &Reader::read_array), 15U);
  EXPECT_EQ(read("dd ff*4", &Reader::read_array), 4294967295U);
  EXPECT_EQ(read("80", &Reader::read_array), std::nullopt);
  EXPECT_EQ(read("8f", &Reader::read_map), 15U);
  EXPECT_EQ(read("de 00 01", &Reader::read_map), 1U);
  EXPECT_EQ(read("df 00 01 00 00", &Reader::read_map), 65536U);
  EXPECT_EQ(read("90", &Reader::read_map), std::nullopt);
}

TEST(Reader, ReadsStringsWhereTheyLie) {
  for (const auto* text : {"a2 68 69", "d9 02 68 69", "da 00 02 68 69", "db 00 00 00 02 68 69"}) {
    const auto bytes = from_hex(text);
    Reader in{bytes};
    const auto got = in.read_str();
    EXPECT_EQ(got, "hi") << text;
    EXPECT_EQ(got.data() + 2, bytes.data() + bytes.size()) << "not a copy";
    Reader as_bin{bytes};
    as_bin.read_bin();
    EXPECT_TRUE(as_bin.failed()) << text;
    Reader either{bytes};
    EXPECT_EQ(either.read_bytes(), "hi") << text;
  }
  for (const auto* text : {"c4 02 68 69", "c5 00 02 68 69", "c6 00 00 00 02 68 69"}) {
    const auto bytes = from_hex(text);
    Reader in{bytes};
    EXPECT_EQ(in.read_bin(), "hi") << text;
    Reader either{bytes};
    EXPECT_EQ(either.read_bytes(), "hi") << text;
  }
}

TEST(Reader, ReadsAnArrayWhoseCountWasWrittenLate) {
  Buffer out;
  pack_nil(out);
  const auto count_at = pack_open_array(out);
  pack_uint(out, 7);
  pack_uint(out, 8);
  out.put_u32(count_at, 2);
  Reader in{out.view()};
  in.read_nil();
  EXPECT_EQ(in.read_array(), 2U);
  EXPECT_EQ(in.read_uint(), 7U);
  EXPECT_EQ(in.read_uint(), 8U);
  EXPECT_TRUE(in.at_end());
  EXPECT_FALSE(in.failed());
}

TEST(Reader, StaysFailed) {
  const auto bytes = from_hex("01 c0 02 a1 61");
  Reader in{bytes};
  EXPECT_EQ(in.read_uint(), 1U);
  EXPECT_EQ(in.read_str(), "");  // nil is no str
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.read_uint(), 0U);
  EXPECT_EQ(in.read_int(), 0);
  EXPECT_EQ(in.read_float(), 0);
  EXPECT_FALSE(in.read_bool());
  EXPECT_EQ(in.read_bytes(), "");
  EXPECT_EQ(in.read_array(), 0U);
  EXPECT_EQ(in.read_map(), 0U);
  in.skip();
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.rest(), "");
}

TEST(Reader, PeekNamesEveryFirstByte) {
  using T = Reader::Type;
  EXPECT_EQ(Reader{""}.peek(), T::kEnd);
  int counted[12] = {};
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    ++counted[static_cast<int>(Reader{std::string_view{&byte, 1}}.peek())];
  }
  const auto count = [&](T type) { return counted[static_cast<int>(type)]; };
  EXPECT_EQ(count(T::kNil), 1);
  EXPECT_EQ(count(T::kBool), 2);
  EXPECT_EQ(count(T::kUnsigned), 128 + 4);
  EXPECT_EQ(count(T::kSigned), 32 + 4);
  EXPECT_EQ(count(T::kFloat), 2);
  EXPECT_EQ(count(T::kStr), 32 + 3);
  EXPECT_EQ(count(T::kBin), 3);
  EXPECT_EQ(count(T::kArray), 16 + 2);
  EXPECT_EQ(count(T::kMap), 16 + 2);
  EXPECT_EQ(count(T::kExt), 5 + 3);
  EXPECT_EQ(count(T::kInvalid), 1);
  EXPECT_EQ(count(T::kEnd), 0);
}

bool skips(const std::string& bytes) {
  Reader in{bytes};
  in.skip();
  return !in.failed() && in.at_end();
}

TEST(Reader, SkipEndsAtTheNestingLimit) {
  const std::string full(limits::kNestingMax, '\x91');
  EXPECT_TRUE(skips(full + '\xc0'));
  EXPECT_TRUE(skips(full.substr(1) + '\x90')) << "an empty container is a level, too";
  EXPECT_FALSE(skips(full + '\x90'));
  EXPECT_FALSE(skips(full + "\x91\xc0"));
  EXPECT_FALSE(skips(std::string(1'000'000, '\x91')));
  EXPECT_TRUE(skips(from_hex("93 91 91 c0 92 c0 91 c0 90"))) << "levels end again";
}

TEST(Reader, SkipEndsAtTheElementLimit) {
  Buffer array;
  pack_array(array, limits::kValueItemsMax);
  const std::string nils(limits::kValueItemsMax, '\xc0');
  EXPECT_TRUE(skips(std::string{array.view()} + nils));
  Buffer one_more;
  pack_array(one_more, limits::kValueItemsMax + 1);
  EXPECT_FALSE(skips(std::string{one_more.view()} + nils + '\xc0'));
  Buffer map;
  pack_map(map, limits::kValueItemsMax / 2 + 1);
  EXPECT_FALSE(skips(std::string{map.view()} + nils + "\xc0\xc0")) << "a pair is two elements";
  Buffer spread;  // no container is over the limit, all together are
  pack_array(spread, 2);
  pack_array(spread, limits::kValueItemsMax / 2);
  spread.append(std::string_view{nils}.substr(0, limits::kValueItemsMax / 2));
  pack_array(spread, limits::kValueItemsMax / 2);
  spread.append(std::string_view{nils}.substr(0, limits::kValueItemsMax / 2));
  EXPECT_FALSE(skips(std::string{spread.view()}));
}

// The same value, told by both; the reader moves past it.
void expect_same(Reader& in, const msgpack::object& value) {
  switch (value.type) {
    case msgpack::type::NIL:
      in.read_nil();
      break;
    case msgpack::type::BOOLEAN:
      EXPECT_EQ(in.read_bool(), value.via.boolean);
      break;
    case msgpack::type::POSITIVE_INTEGER:
      EXPECT_EQ(in.read_uint(), value.via.u64);
      break;
    case msgpack::type::NEGATIVE_INTEGER:
      EXPECT_EQ(in.read_int(), value.via.i64);
      break;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64: {
      const auto ours = in.read_float();
      EXPECT_TRUE(ours == value.via.f64 || (std::isnan(ours) && std::isnan(value.via.f64)));
      break;
    }
    case msgpack::type::STR:
      EXPECT_EQ(in.read_str(), std::string_view(value.via.str.ptr, value.via.str.size));
      break;
    case msgpack::type::BIN:
      EXPECT_EQ(in.read_bin(), std::string_view(value.via.bin.ptr, value.via.bin.size));
      break;
    case msgpack::type::EXT:
      in.skip();
      break;
    case msgpack::type::ARRAY: {
      ASSERT_EQ(in.read_array(), value.via.array.size);
      for (std::uint32_t i = 0; i < value.via.array.size; ++i)
        expect_same(in, value.via.array.ptr[i]);
      break;
    }
    case msgpack::type::MAP: {
      ASSERT_EQ(in.read_map(), value.via.map.size);
      for (std::uint32_t i = 0; i < value.via.map.size; ++i) {
        expect_same(in, value.via.map.ptr[i].key);
        expect_same(in, value.via.map.ptr[i].val);
      }
      break;
    }
  }
}

// The first value in `bytes`, by msgpack-cxx, and how many bytes it took.
struct Theirs {
  msgpack::object_handle value;
  std::size_t taken = 0;
};
std::optional<Theirs> unpack(const char* bytes, std::size_t size) {
  // No container in an input of `size` bytes can be whole with more elements than that.
  const msgpack::unpack_limit limit{size, size, size, size, size, limits::kNestingMax};
  try {
    Theirs out;
    out.value = msgpack::unpack(bytes, size, out.taken, nullptr, nullptr, limit);
    return out;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

enum class Verdict { kRefused, kAccepted };

Verdict compare(const std::string& bytes) {
  // A copy of just the right size, so that AddressSanitizer sees a read past its end.
  const std::unique_ptr<char[]> copy{new char[bytes.size()]};
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  const std::string_view input{copy.get(), bytes.size()};
  Reader in{input};
  in.skip();
  const auto theirs = unpack(input.data(), input.size());
  EXPECT_EQ(!in.failed(), theirs.has_value());
  if (in.failed() || !theirs) return Verdict::kRefused;
  EXPECT_EQ(input.size() - in.rest().size(), theirs->taken);
  Reader again{input};
  expect_same(again, theirs->value.get());
  EXPECT_FALSE(again.failed());
  EXPECT_EQ(again.rest().size(), in.rest().size());
  return Verdict::kAccepted;
}

TEST(Reader, JudgesRandomBytesAsMsgpackCxxDoes) {
  const auto seed = test_seed();
  RandomMsgpack random{seed};
  int accepted = 0;
  int refused = 0;
  const auto check = [&](const std::string& bytes) {
    SCOPED_TRACE(testing::Message()
                 << "KVMESH_TEST_SEED=" << seed << " input " << testing::PrintToString(bytes));
    ++(compare(bytes) == Verdict::kAccepted ? accepted : refused);
  };
  for (int i = 0; i < 20'000 && !testing::Test::HasFailure(); ++i) {
    const auto value = random.value(static_cast<int>(random.below(limits::kNestingMax + 1)));
    check(value);
    check(random.broken(value));
    check(random.bytes(random.below(40)));
    const auto wraps = random.below(2 * limits::kNestingMax);
    check(std::string(wraps, random.below(2) == 0 ? '\x91' : '\x81') + value);
  }
  EXPECT_GT(accepted, 20'000) << "the generator makes too few good ones to compare";
  EXPECT_GT(refused, 20'000) << "the generator makes too few bad ones to compare";
}

}  // namespace
}  // namespace kvmesh::wire
