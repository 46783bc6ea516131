#include "node/line/command.h"

#include <bit>
#include <cstring>

#include <kvmesh/limits.h>

namespace kvmesh::line {
namespace {

struct Form {
  std::string_view word;
  Verb verb;
  std::size_t words_min;  // the verb itself included
  std::size_t words_max;
  std::string_view function;  // empty: the adapter answers
};

// In the order of Verb.
constexpr std::array<Form, 10> kForms = {{
    {"CREATE", Verb::kCreate, 2, 2, "kv.create"},
    {"PUT", Verb::kPut, 4, 4, "kv.put"},
    {"GET", Verb::kGet, 3, 3, "kv.get"},
    {"DELETE", Verb::kDelete, 3, 3, "kv.delete"},
    {"DROP", Verb::kDrop, 2, 2, "kv.drop"},
    {"KEYS", Verb::kKeys, 2, 3, "kv.keys"},
    {"ROUTE", Verb::kRoute, 2, 2, "node.name"},
    {"PING", Verb::kPing, 1, 1, ""},
    {"HELP", Verb::kHelp, 1, 1, ""},
    {"QUIT", Verb::kQuit, 1, 1, ""},
}};

constexpr std::size_t kWordsMax = 4;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr std::size_t kLongWord = 64;

// Each of `bytes`, eight of them, that is a space or below has its top bit set in the result; those
// behind the first of them may, too. (https://graphics.stanford.edu/~seander/bithacks.html,
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

// KEYS bucket AFTER key: behind one blank, the rest of the line as it is, so that a listing can go
// on behind any key that a line can show. Empty when it is not of this form.
std::string_view key_to_the_end(std::string_view line, std::string_view after) {
  if (after != "AFTER") return {};
  const auto at = static_cast<std::size_t>(after.data() - line.data()) + after.size() + 1;
  return at < line.size() ? line.substr(at) : std::string_view{};
}

}  // namespace

Command parse_command(std::string_view line) {
  std::array<std::string_view, kWordsMax> words;
  const auto count = split(line, words);
  for (const auto& form : kForms) {
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

RequestView to_request(const Command& command, std::span<ArgumentView> words) {
  RequestView request;
  request.target = {Target::Kind::kBucket, command.bucket};
  request.function = kForms[static_cast<std::size_t>(command.verb)].function;
  std::size_t count = 0;
  switch (command.verb) {
    case Verb::kPut:
      words[count++] = ArgumentView::of(command.key);
      words[count++] = ArgumentView::of(command.value);
      break;
    case Verb::kGet:
    case Verb::kDelete:
      words[count++] = ArgumentView::of(command.key);
      break;
    case Verb::kKeys:
      words[count++] = command.key.empty() ? ArgumentView{} : ArgumentView::of(command.key);
      words[count++] = ArgumentView::of(limits::kPageItemsDefault);
      break;
    case Verb::kRoute:
      request.flags |= RequestView::kFlagTrace;
      break;
    default:
      break;
  }
  request.words = words.first(count);
  return request;
}

}  // namespace kvmesh::line
