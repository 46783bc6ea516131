// The words of a scenario for calls about several keys.
#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "common/text.h"
#include "node/sim/scenario.h"

namespace kvmesh::sim {
namespace {

using Kind = store::Change::Kind;

struct ChangeWord {
  std::string_view word;
  Kind kind;
};
constexpr std::array<ChangeWord, 4> kChangeWords = {{{"put=", Kind::kPut},
                                                     {"add=", Kind::kAdd},
                                                     {"touch=", Kind::kTouch},
                                                     {"delete=", Kind::kDelete}}};

Status wrong_word(std::string_view word) {
  return {StatusCode::kInvalidArgument,
          in_quotes(word) +
              " is none of kN (to read), if=kN, absent=kN, put=kN[:TTL], add=kN:NUMBER[:TTL], "
              "touch=kN[:TTL], delete=kN, once=N"};
}

template <typename Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_key(std::string_view text, std::uint16_t& out) {
  return text.starts_with('k') && read_number(text.substr(1), out);
}

// The text up to the next colon.
std::string_view take_part(std::string_view& text) {
  const auto end = std::min(text.find(':'), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool read_change(std::string_view text, Kind kind, Batch& batch) {
  Batch::Change change;
  change.kind = kind;
  if (!read_key(take_part(text), change.key)) return false;
  if (kind == Kind::kAdd && !read_number(take_part(text), change.delta)) return false;
  if (!text.empty()) {
    const auto ttl = parse_time(text);
    if (!ttl || kind == Kind::kDelete || ttl->count() < 1000) return false;
    change.ttl_ms = static_cast<std::uint32_t>(*ttl / std::chrono::milliseconds{1});
  }
  batch.changes.push_back(change);
  return true;
}

}  // namespace

Status read_batch_word(std::string_view word, Batch& batch) {
  bool is_right = false;
  if (word.starts_with('k')) {
    is_right = read_key(word, batch.keys.emplace_back());
  } else if (word.starts_with("if=")) {
    is_right = read_key(word.substr(3), batch.checks.emplace_back().key);
  } else if (word.starts_with("absent=")) {
    batch.checks.push_back({0, true});
    is_right = read_key(word.substr(7), batch.checks.back().key);
  } else if (word.starts_with("once=")) {
    is_right = read_number(word.substr(5), batch.once) && batch.once > 0;
  }
  for (const auto& known : kChangeWords) {
    if (word.starts_with(known.word)) {
      is_right = read_change(word.substr(known.word.size()), known.kind, batch);
    }
  }
  return is_right ? Status{} : wrong_word(word);
}

Status check_batch(const Batch& batch, std::uint32_t value_bytes) {
  const auto wrong = [](std::string text) {
    return Status{StatusCode::kInvalidArgument, std::move(text)};
  };
  if (batch.keys.size() > limits::kReadKeysMax || batch.checks.size() > limits::kApplyChecksMax ||
      batch.changes.size() > limits::kApplyChangesMax) {
    return wrong("a call reads at most " + std::to_string(limits::kReadKeysMax) +
                 " keys, and has at most " + std::to_string(limits::kApplyChangesMax) +
                 " checks and changes each");
  }
  std::set<std::uint16_t> changed;
  for (const auto& change : batch.changes) {
    if (!changed.insert(change.key).second) {
      return wrong("a call changes each key once, and this one " + key_text(change.key) + " twice");
    }
  }
  if (batch.changes.size() * value_bytes > limits::kApplyBytesMax / 2) {
    return wrong("a call puts at most " + std::to_string(limits::kApplyBytesMax / 2) + " bytes");
  }
  return {};
}

std::string batch_text(const Batch& batch) {
  std::string out;
  for (const auto key : batch.keys) out += " " + key_text(key);
  for (const auto& check : batch.checks) {
    out += (check.is_absent ? " absent=" : " if=") + key_text(check.key);
  }
  for (const auto& change : batch.changes) {
    for (const auto& known : kChangeWords) {
      if (known.kind == change.kind) out += " " + std::string{known.word} + key_text(change.key);
    }
    if (change.kind == Kind::kAdd) out += ":" + std::to_string(change.delta);
    if (change.ttl_ms > 0) out += ":" + time_text(std::chrono::milliseconds{change.ttl_ms});
  }
  if (batch.once != 0) out += " once=" + std::to_string(batch.once);
  return out;
}

}  // namespace kvmesh::sim
