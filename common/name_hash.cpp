#include "common/name_hash.h"

#include <highwayhash/sip_hash.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace kvmesh {
namespace {

HashKey random_key() {
  HashKey key{};
  auto* at = reinterpret_cast<char*>(&key);
  for (std::size_t left = sizeof key; left > 0;) {
    const auto got = ::getrandom(at, left, 0);
    if (got < 0 && errno != EINTR) std::abort();  // a kernel without it: no table would be safe
    if (got < 0) continue;
    at += got;
    left -= static_cast<std::size_t>(got);
  }
  return key;
}

const HashKey kProcessKey = random_key();

template <typename Word>
std::uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The last `left` bytes of `bytes`, fewer than eight of them, as a number. Loads that overlap
// instead of a copy of a length that varies: that took half of the time of a short name.
std::uint64_t last_bytes(std::string_view bytes, std::size_t left) {
  const char* at = bytes.data() + bytes.size() - left;
  const auto bits = 8 * left;
  if (left == 0) return 0;
  if (bytes.size() >= 8) return load<std::uint64_t>(at + left - 8) >> (64 - bits);
  if (left >= 4) return load<std::uint32_t>(at) | load<std::uint32_t>(at + left - 4) << (bits - 32);
  return load<std::uint8_t>(at) | load<std::uint8_t>(at + left / 2) << (left / 2 * 8) |
         load<std::uint8_t>(at + left - 1) << (bits - 8);
}

// Requests that come together have their names hashed several times, when it is announced what
// they will read and when they read it, and many are for the same buckets. So each thread remembers
// some names of common lengths. The whole name is compared: a stranger can make this useless, but
// not wrong.
constexpr std::size_t kShortest = 8;
constexpr std::size_t kLongest = 32;

// A name in four words: the first two and the last two, which overlap.
struct Text {
  Text() = default;
  explicit Text(std::string_view name) : size(name.size()) {
    const auto second = std::min<std::size_t>(8, size - 8);
    words = {load<std::uint64_t>(name.data()), load<std::uint64_t>(name.data() + second),
             load<std::uint64_t>(name.data() + size - 8 - second),
             load<std::uint64_t>(name.data() + size - 8)};
  }
  bool operator==(const Text&) const = default;
  std::size_t place() const {
    constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;
    return (words[0] + words[1] * 3 + words[2] * 5 + words[3] * 7) * kSpread >> (64 - kPlaceBits);
  }

  static constexpr unsigned kPlaceBits = 7;
  std::array<std::uint64_t, 4> words{};
  std::size_t size = 0;
};

struct Recent {
  Text text;
  std::uint64_t hash = 0;
};

constinit thread_local std::array<Recent, std::size_t{1} << Text::kPlaceBits> recent;

}  // namespace

std::uint64_t sip_hash(const HashKey& key, std::string_view bytes) {
  highwayhash::SipHash13State state(key.words);
  const auto left = bytes.size() % 8;
  const char* const end = bytes.data() + bytes.size() - left;
  for (const char* at = bytes.data(); at != end; at += 8) state.Update(at);
  const auto last = std::uint64_t{bytes.size()} << 56 | last_bytes(bytes, left);
  char packet[sizeof last];
  std::memcpy(packet, &last, sizeof last);
  state.Update(packet);
  return state.Finalize();
}

std::uint64_t name_hash(std::string_view name) {
  if (name.size() < kShortest || name.size() > kLongest) return sip_hash(kProcessKey, name);
  const Text text(name);
  auto& place = recent[text.place()];
  if (place.text != text) place = {text, sip_hash(kProcessKey, name)};
  return place.hash;
}

}  // namespace kvmesh
