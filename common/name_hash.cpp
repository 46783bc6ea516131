#include "common/name_hash.h"

#include <highwayhash/sip_hash.h>
#include <sys/random.h>

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

std::uint64_t name_hash(std::string_view name) { return sip_hash(kProcessKey, name); }

}  // namespace kvmesh
