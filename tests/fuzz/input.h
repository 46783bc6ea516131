#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvmesh::fuzz {

inline std::string_view as_bytes(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};  // NOLINT: bytes are bytes
}

/// A fuzzer's input as a row of decisions: every input is some history of events, and a small
/// change of it is a small change of that history. After the end all decisions are 0.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(as_bytes(data, size)) {}

  bool at_end() const { return rest_.empty(); }

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto out = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return out;
  }
  bool flag() { return (byte() & 1) != 0; }
  /// 0 .. bound - 1, of one byte, or two where one is too few. REQUIRES: 0 < bound <= 65536.
  std::uint32_t below(std::uint32_t bound) {
    std::uint32_t value = byte();
    if (bound > 256) value = value << 8 | byte();
    return value % bound;
  }
  std::uint64_t number() {
    std::uint64_t out = 0;
    for (int i = 0; i < 8; ++i) out = out << 8 | byte();
    return out;
  }
  /// At most `count` bytes; fewer where the input ends.
  std::string_view bytes(std::size_t count) {
    const auto out = rest_.substr(0, std::min(count, rest_.size()));
    rest_.remove_prefix(out.size());
    return out;
  }
  std::string_view rest() { return bytes(rest_.size()); }

 private:
  std::string_view rest_;
};

}  // namespace kvmesh::fuzz
