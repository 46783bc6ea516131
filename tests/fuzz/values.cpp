// msgpack values: wire::Reader judges and reads any bytes as msgpack-cxx does, and what
// unpack_value() takes, pack_value() gives back.

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "common/wire/reader.h"
#include "common/wire/value_codec.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/theirs.h"

namespace kvmesh::fuzz {
namespace {

using wire::Reader;

// The same value, told by both; the reader moves past it.
void check_same(Reader& in, const msgpack::object& value) {
  switch (value.type) {
    case msgpack::type::NIL:
      return in.read_nil();
    case msgpack::type::BOOLEAN:
      return check(in.read_bool() == value.via.boolean, "same bool");
    case msgpack::type::POSITIVE_INTEGER: {
      Reader as_int{in.rest()};
      const auto signed_value = as_int.read_int();
      check(in.read_uint() == value.via.u64, "same unsigned");
      check(as_int.failed() == (value.via.u64 >> 63 != 0), "read_int() takes what fits");
      check(as_int.failed() || std::bit_cast<std::uint64_t>(signed_value) == value.via.u64,
            "same by read_int()");
      return;
    }
    case msgpack::type::NEGATIVE_INTEGER:
      check(Reader{in}.read_uint() == 0, "no negative number is read as an unsigned one");
      return check(in.read_int() == value.via.i64, "same integer");
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64: {
      const auto ours = in.read_float();
      return check(ours == value.via.f64 || (std::isnan(ours) && std::isnan(value.via.f64)),
                   "same float");
    }
    case msgpack::type::STR: {
      Reader either{in.rest()};
      check(either.read_bytes() == str_of(value), "same by read_bytes()");
      return check(in.read_str() == str_of(value), "same str");
    }
    case msgpack::type::BIN:
      return check(in.read_bin() == bin_of(value), "same bin");
    case msgpack::type::EXT:
      check(in.peek() == Reader::Type::kExt, "an extension is one");
      return in.skip();
    case msgpack::type::ARRAY:
      check(in.read_array() == value.via.array.size, "same array");
      for (const auto& element : elements(value)) check_same(in, element);
      return;
    case msgpack::type::MAP:
      check(in.read_map() == value.via.map.size, "same map");
      for (std::uint32_t i = 0; i < value.via.map.size; ++i) {
        check_same(in, value.via.map.ptr[i].key);
        check_same(in, value.via.map.ptr[i].val);
      }
  }
}

// What a Value can hold: documented differences to msgpack.
bool is_value(const msgpack::object& value) {
  if (value.type == msgpack::type::EXT) return false;
  if (is_array(value)) return std::ranges::all_of(elements(value), is_value);
  if (value.type != msgpack::type::MAP) return true;
  for (std::uint32_t i = 0; i < value.via.map.size; ++i) {
    if (!is_str(value.via.map.ptr[i].key) || !is_value(value.via.map.ptr[i].val)) return false;
  }
  return true;
}

void check_value(std::string_view bytes, const std::optional<Theirs>& theirs) {
  const auto value = wire::unpack_value(bytes);
  check(value.ok() == (theirs && theirs->taken == bytes.size() && is_value(theirs->value.get())),
        "unpack_value() takes what it says", value.status().text());
  if (!value) return;
  wire::Buffer packed;
  check(wire::pack_value(packed, *value).ok(), "what was unpacked can be packed");
  const auto again = wire::unpack_value(packed.view());
  check(again.ok(), "what was packed can be unpacked");
  wire::Buffer twice;
  check(wire::pack_value(twice, *again).ok() && twice.view() == packed.view(),
        "packing settles at once");
  check(packed.size() <= bytes.size() * 2, "no value grows but float 32");
  const auto json = value->to_json();
  check(nlohmann::json::accept(json), "to_json() gives JSON", json);
  check(json.find('\n') == std::string::npos, "to_json() gives one line", json);
}

}  // namespace
}  // namespace kvmesh::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  const auto bytes = as_bytes(data, size);
  kvmesh::wire::Reader in{bytes};
  in.skip();
  const auto theirs = unpack_theirs(bytes, kvmesh::limits::kNestingMax);
  check(!in.failed() == theirs.has_value(), "skip() judges as msgpack-cxx does");
  if (theirs) {
    check(bytes.size() - in.rest().size() == theirs->taken, "skip() takes as much");
    kvmesh::wire::Reader again{bytes};
    check_same(again, theirs->value.get());
    check(!again.failed() && again.rest().size() == in.rest().size(), "reading takes as much");
  }
  check_value(bytes, theirs);
  return 0;
}
