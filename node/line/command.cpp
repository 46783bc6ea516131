#include "node/line/command.h"

#include <bit>
#include <cstring>

#include <kvmesh/limits.h>

namespace kvmesh::line {
namespace {

constexpr std::size_t kWordsMax = 4;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

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

// Where the word that goes through `at` ends.
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

// The line's words; one more than kWordsMax means "too many".
std::size_t split(std::string_view line, std::array<std::string_view, kWordsMax>& words) {
  std::size_t count = 0;
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return count;
    if (count == kWordsMax) return kWordsMax + 1;
    const auto begin = at;
    at = word_end(line, at);
    words[count++] = line.substr(begin, at - begin);
  }
}

// KEYS bucket AFTER key: after one blank, the rest of the line as it is, so that a listing can go
// on after any key that a line can show. Empty when it is not of this form.
std::string_view key_to_the_end(std::string_view line, std::string_view after) {
  if (after != "AFTER") return {};
  const auto at = static_cast<std::size_t>(after.data() - line.data()) + after.size() + 1;
  return at < line.size() ? line.substr(at) : std::string_view{};
}

}  // namespace

Command parse_command(std::string_view line) {
  std::array<std::string_view, kWordsMax> words;
  const auto count = split(line, words);
  for (const auto& form : functions::line_forms()) {
    if (words[0] != form.word) continue;
    if (form.verb == Verb::kKeys && count > 2) {
      const auto key = key_to_the_end(line, words[2]);
      if (!key.empty()) return {form.verb, words[1], key, {}};
    }
    if (count < form.words_min || count > form.words_max) break;
    return {form.verb, words[1], words[2], words[3]};
  }
  return {};
}

const functions::Function* function_of(Verb verb) {
  const auto forms = functions::line_forms();
  const auto place = static_cast<std::size_t>(verb);
  return place < forms.size() ? forms[place].function : nullptr;
}

RequestView to_request(const Command& command, std::span<ArgumentView> words) {
  const auto& form = functions::line_forms()[static_cast<std::size_t>(command.verb)];
  RequestView request;
  request.target = {Target::Kind::kBucket, command.bucket};
  request.function = form.function->name;
  if (form.reply == functions::LineReply::kRoute) request.flags |= RequestView::kFlagTrace;
  std::size_t count = 0;
  if (form.reply == functions::LineReply::kNames) {
    words[count++] = command.key.empty() ? ArgumentView{} : ArgumentView::of(command.key);
    words[count++] = ArgumentView::of(limits::kPageItemsDefault);
  } else {
    if (form.words_max > 2) words[count++] = ArgumentView::of(command.key);
    if (form.words_max > 3) words[count++] = ArgumentView::of(command.value);
  }
  request.words = words.first(count);
  return request;
}

}  // namespace kvmesh::line
