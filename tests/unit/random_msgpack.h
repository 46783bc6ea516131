#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

/// Seeded random msgpack, well-formed and broken, for tests. A run is repeated with
/// KVMESH_TEST_SEED=number.
namespace kvmesh {

inline std::uint64_t test_seed() {
  const char* given = std::getenv("KVMESH_TEST_SEED");  // NOLINT: nothing writes the environment
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "KVMESH_TEST_SEED=" << seed << std::endl;
  return seed;
}

class RandomMsgpack {
 public:
  explicit RandomMsgpack(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::string bytes(std::size_t count) {
    std::string out(count, '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  /// One well-formed value, in any of its forms, nested at most `depth` deep.
  std::string value(int depth) {
    std::string out;
    append(out, depth);
    return out;
  }

  /// A copy with a few bytes changed, removed or inserted, or with its end cut off.
  std::string broken(std::string bytes) {
    for (auto changes = below(3) + 1; changes > 0 && !bytes.empty(); --changes) {
      const auto at = below(bytes.size());
      switch (below(5)) {
        case 0:
          bytes[at] = static_cast<char>(random_());
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
          break;
        case 2:
          bytes.erase(at, 1);
          break;
        case 3:
          bytes.insert(at, 1, static_cast<char>(0x80 + below(0x80)));
          break;
        default:
          bytes.resize(at);
          break;
      }
    }
    return bytes;
  }

 private:
  void big_endian(std::string& out, std::uint64_t number, int width) {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
      out += static_cast<char>(number >> shift);
  }

  // A first byte `code` + i, and a length in the width that belongs to it.
  void length(std::string& out, int code, std::uint64_t number, int narrowest, int forms) {
    const auto form = static_cast<int>(below(static_cast<std::uint64_t>(forms)));
    out += static_cast<char>(code + form);
    big_endian(out, number, narrowest << form);
  }

  void append(std::string& out, int depth) {
    const auto many = below(depth > 0 ? 12 : 10);
    const auto size = below(20);
    switch (many) {
      case 0:
        out += static_cast<char>(random_() % 2 != 0 ? 0xc0 : 0xc2 + below(2));
        break;
      case 1:
        out += static_cast<char>(below(0x80));
        break;
      case 2:
        out += static_cast<char>(0xe0 + below(0x20));
        break;
      case 3: {
        const auto form = static_cast<int>(below(8));  // uint 8 .. 64, int 8 .. 64
        out += static_cast<char>(0xcc + form);
        out += bytes(std::size_t{1} << form % 4);
        break;
      }
      case 4:
        out += '\xca';
        out += bytes(4);
        break;
      case 5:
        out += '\xcb';
        out += bytes(8);
        break;
      case 6:
        out += static_cast<char>(0xa0 + size);
        out += bytes(size);
        break;
      case 7:
        length(out, 0xd9, size, 1, 3);
        out += bytes(size);
        break;
      case 8:
        length(out, 0xc4, size, 1, 3);
        out += bytes(size);
        break;
      case 9:
        if (below(2) == 0) {
          length(out, 0xc7, size, 1, 3);
          out += bytes(1 + size);
        } else {
          const auto form = below(5);
          out += static_cast<char>(0xd4 + form);
          out += bytes(1 + (std::size_t{1} << form));
        }
        break;
      default: {
        const bool map = many == 11;
        const auto elements = below(4);
        if (below(2) == 0) {
          out += static_cast<char>((map ? 0x80 : 0x90) + elements);
        } else {
          length(out, map ? 0xde : 0xdc, elements, 2, 2);
        }
        for (auto left = map ? 2 * elements : elements; left > 0; --left) append(out, depth - 1);
      }
    }
  }

  std::mt19937_64 random_;
};

}  // namespace kvmesh
