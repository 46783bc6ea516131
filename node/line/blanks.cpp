#include "node/line/blanks.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace kvmesh::line {
namespace {

constexpr std::size_t kLongWord = 64;

// Each of `bytes`, eight of them, that is a space or below has its top bit set in the result; those
// after the first of them may, too. (https://graphics.stanford.edu/~seander/bithacks.html,
// "Determine if a word has a byte less than n".)
std::uint64_t low_bytes(const char* bytes) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return (word - kEach * (' ' + 1)) & ~word & kEach << 7;
}

// No byte of the block is a space or below. Compilers make a few vector instructions of it.
bool is_dense(const char* block) {
  unsigned char low = 0;
  for (std::size_t i = 0; i < kLongWord; ++i) {
    low |= static_cast<unsigned char>(static_cast<unsigned char>(block[i]) <= ' ');
  }
  return low == 0;
}

}  // namespace

std::size_t word_end(std::string_view line, std::size_t at) {
  const auto begin = at;
  for (;;) {
    if (line.size() - at < sizeof(std::uint64_t)) break;
    const auto low = low_bytes(line.data() + at);
    if (low == 0) {
      at += sizeof(std::uint64_t);
      // Most words are short; one that is long is a value, and may be very long.
      if (at - begin < kLongWord) continue;
      while (line.size() - at >= kLongWord && is_dense(line.data() + at)) at += kLongWord;
      continue;
    }
    at += static_cast<std::size_t>(std::countr_zero(low)) / 8;
    if (is_space(line[at])) return at;
    ++at;  // another control character, which may stand in a word
  }
  while (at < line.size() && !is_space(line[at])) ++at;
  return at;
}

}  // namespace kvmesh::line
