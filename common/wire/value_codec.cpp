#include "common/wire/value_codec.h"

#include <limits>
#include <string>
#include <utility>
#include <variant>

#include <kvmesh/limits.h>

#include "common/text.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"

namespace kvmesh::wire {
namespace {

// What nests and counts like Reader::skip(): levels above the value, and elements so far.
class Packer {
 public:
  Packer(Buffer& out, std::size_t bytes_max) : out_(out), bytes_max_(bytes_max) {}

  Status pack(const Value& value, std::size_t depth) {
    return std::visit([&](const auto& held) { return pack(held, depth); }, value.data());
  }
  Status pack(const Value::List& list, std::size_t depth) {
    if (auto status = enter(depth, list.size()); !status.ok()) return status;
    pack_array(out_, list.size());
    for (const auto& element : list) {
      if (auto status = pack(element, depth + 1); !status.ok()) return status;
    }
    return {};
  }

 private:
  Status pack(std::monostate, std::size_t) { return pack_nil(out_), Status{}; }
  Status pack(bool value, std::size_t) { return pack_bool(out_, value), Status{}; }
  Status pack(std::int64_t value, std::size_t) { return pack_int(out_, value), Status{}; }
  Status pack(std::uint64_t value, std::size_t) { return pack_uint(out_, value), Status{}; }
  Status pack(double value, std::size_t) { return pack_float(out_, value), Status{}; }
  Status pack(const std::string& text, std::size_t) {
    if (auto status = check_size("text", text); !status.ok()) return status;
    return pack_str(out_, text), Status{};
  }
  Status pack(const Bytes& bytes, std::size_t) {
    if (auto status = check_size("bytes", bytes.data); !status.ok()) return status;
    return pack_bin(out_, bytes.data), Status{};
  }
  Status pack(const Value::Map& map, std::size_t depth) {
    if (auto status = enter(depth, 2 * map.size()); !status.ok()) return status;
    pack_map(out_, map.size());
    for (const auto& [key, value] : map) {
      if (auto status = pack(key, depth + 1); !status.ok()) return status;
      if (auto status = pack(value, depth + 1); !status.ok()) return status;
    }
    return {};
  }

  // Msgpack's lengths have 32 bits, and nobody needs a copy of what will not be sent.
  Status check_size(std::string_view what, const std::string& bytes) const {
    if (bytes.size() <= bytes_max_) return {};
    return {StatusCode::kTooLarge, over_limit(what, bytes.size(), bytes_max_)};
  }

  Status enter(std::size_t depth, std::size_t elements) {
    if (depth >= limits::kNestingMax) {
      return {StatusCode::kTooLarge, "a value that nests " + std::to_string(depth + 1) +
                                         " deep is over the limit of " +
                                         std::to_string(limits::kNestingMax)};
    }
    items_ += elements;
    if (items_ > limits::kValueItemsMax) {
      return {StatusCode::kTooLarge, "a value of " + std::to_string(items_) +
                                         " elements is over the limit of " +
                                         std::to_string(limits::kValueItemsMax)};
    }
    return {};
  }

  Buffer& out_;
  std::size_t bytes_max_;
  std::size_t items_ = 0;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : in_(bytes) {}

  Result<Value> one() {
    auto value = read(0);
    if (problem_.empty() && in_.failed()) problem_ = "it is cut short or malformed";
    if (problem_.empty() && !in_.at_end()) problem_ = "more bytes follow it";
    if (problem_.empty()) return value;
    return Status{StatusCode::kProtocolError, "a value cannot be read: " + problem_};
  }

 private:
  Value read(std::size_t depth) {
    switch (in_.peek()) {
      case Reader::Type::kNil:
        in_.read_nil();
        return {};
      case Reader::Type::kBool:
        return in_.read_bool();
      case Reader::Type::kUnsigned:
        return read_unsigned();
      case Reader::Type::kSigned:
        return in_.read_int();
      case Reader::Type::kFloat:
        return in_.read_float();
      case Reader::Type::kStr:
        return std::string{in_.read_str()};
      case Reader::Type::kBin:
        return Bytes{std::string{in_.read_bin()}};
      case Reader::Type::kArray:
        return read_list(depth);
      case Reader::Type::kMap:
        return read_map(depth);
      case Reader::Type::kExt:
        return fail("it holds an extension type");
      case Reader::Type::kEnd:
      case Reader::Type::kInvalid:
        in_.fail();
        return {};
    }
    return {};
  }

  Value read_unsigned() {
    constexpr auto kSignedMax =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto number = in_.read_uint();
    if (number > kSignedMax) return number;
    return static_cast<std::int64_t>(number);
  }

  Value read_list(std::size_t depth) {
    const std::uint64_t count = in_.read_array();
    if (!enter(depth, count)) return {};
    Value::List list;
    list.reserve(count);
    for (std::uint64_t i = 0; i < count && !in_.failed(); ++i) list.push_back(read(depth + 1));
    return list;
  }

  Value read_map(std::size_t depth) {
    const std::uint64_t count = in_.read_map();
    if (!enter(depth, 2 * count)) return {};
    Value::Map map;
    map.reserve(count);
    for (std::uint64_t i = 0; i < count && !in_.failed(); ++i) {
      if (in_.peek() != Reader::Type::kStr) return fail("a map has a key that is not text");
      std::string key{in_.read_str()};
      map.emplace_back(std::move(key), read(depth + 1));
    }
    return map;
  }

  // Before anything is reserved: an announced element takes a byte at least, and all containers
  // share one allowance.
  bool enter(std::size_t depth, std::uint64_t elements) {
    items_ += elements;
    if (depth >= limits::kNestingMax) {
      fail("it nests deeper than " + std::to_string(limits::kNestingMax));
    } else if (items_ > limits::kValueItemsMax) {
      fail("it has more than " + std::to_string(limits::kValueItemsMax) + " elements");
    } else if (elements > in_.rest().size()) {
      in_.fail();
    }
    return !in_.failed();
  }

  Value fail(std::string problem) {
    if (!in_.failed()) problem_ = std::move(problem);
    in_.fail();
    return {};
  }

  Reader in_;
  std::uint64_t items_ = 0;
  std::string problem_;
};

}  // namespace

Status pack_value(Buffer& out, const Value& value, std::size_t bytes_max) {
  return Packer{out, bytes_max}.pack(value, 0);
}
Status pack_value(Buffer& out, const Value::List& list, std::size_t bytes_max) {
  return Packer{out, bytes_max}.pack(list, 0);
}

Result<Value> unpack_value(std::string_view bytes) { return Unpacker{bytes}.one(); }

}  // namespace kvmesh::wire
