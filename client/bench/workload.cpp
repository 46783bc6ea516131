#include "client/bench/workload.h"

#include <algorithm>
#include <cstring>

namespace kvmesh::bench {
namespace {

constexpr std::size_t kLetters = 26;
constexpr std::size_t kDigits = 8;
constexpr std::size_t kBucketDigits = 7;
constexpr std::size_t kKeyDigits = 15;     // with the letter before it a key is 16 bytes
constexpr std::size_t kThoroughBytes = 4;  // looked at, of a large value, at either end

// Writes `number` in hexadecimal over the last `digits` characters of `text`.
void put_hex(std::string& text, std::size_t end, std::size_t digits, std::uint64_t number) {
  for (std::size_t i = 0; i < digits; ++i, number >>= 4) {
    text[end - 1 - i] = "0123456789abcdef"[number & 15];
  }
}

}  // namespace

ValueForm::ValueForm(std::size_t bytes) : bytes_(bytes), value_(bytes, '\0') {
  alphabet_.resize(bytes + kLetters);
  for (std::size_t i = 0; i < alphabet_.size(); ++i) {
    alphabet_[i] = static_cast<char>('a' + i % kLetters);
  }
}

std::string_view ValueForm::write(std::uint64_t number, std::uint64_t version) {
  const auto digits = std::min(bytes_, kDigits);
  put_hex(value_, digits, digits, number);
  if (bytes_ > kDigits) {
    std::memcpy(value_.data() + kDigits, alphabet_.data() + version % kLetters, bytes_ - kDigits);
  }
  return value_;
}

bool ValueForm::matches(std::string_view value, std::uint64_t number, bool thorough) const {
  if (value.size() != bytes_) return false;
  const auto digits = std::min(bytes_, kDigits);
  for (std::size_t i = 0; i < digits; ++i, number >>= 4) {
    if (value[digits - 1 - i] != "0123456789abcdef"[number & 15]) return false;
  }
  const auto rest = value.substr(digits);
  if (rest.empty()) return true;
  if (rest[0] < 'a' || rest[0] > 'z') return false;
  const std::string_view expected{alphabet_.data() + (rest[0] - 'a'), rest.size()};
  if (thorough) return rest == expected;
  const auto ends = std::min(rest.size(), kThoroughBytes);
  return rest.substr(0, ends) == expected.substr(0, ends) &&
         rest.substr(rest.size() - ends) == expected.substr(rest.size() - ends);
}

Workload::Workload(const WorkloadOptions& options)
    : options_(options),
      random_(options.seed),
      writes_below_(static_cast<std::uint64_t>(options.writes * 0x1p32)),
      form_(options.value_bytes),
      bucket_(options.prefix + std::string(kBucketDigits, '0')),
      key_("k" + std::string(kKeyDigits, '0')) {
  if (options.zipf) zipf_.emplace(all_keys(), *options.zipf);
}

void Workload::name(std::uint64_t number) {
  put_hex(bucket_, bucket_.size(), kBucketDigits, number % options_.buckets);
  put_hex(key_, key_.size(), kKeyDigits, number / options_.buckets);
}

Operation Workload::create(std::uint64_t bucket) {
  name(bucket);
  return {Operation::Kind::kCreate, bucket, bucket_, {}, {}};
}

Operation Workload::drop(std::uint64_t bucket) {
  name(bucket);
  return {Operation::Kind::kDrop, bucket, bucket_, {}, {}};
}

Operation Workload::put(std::uint64_t number) {
  name(number);
  return {Operation::Kind::kPut, number, bucket_, key_, form_.write(number, random_.next() >> 32)};
}

Operation Workload::get(std::uint64_t number) {
  name(number);
  return {Operation::Kind::kGet, number, bucket_, key_, {}};
}

Operation Workload::apply(std::uint64_t number) {
  puts_.resize(options_.applied);
  const auto first = number;
  for (auto& [key, value] : puts_) {
    name(number);
    key = key_;
    value = form_.write(number, random_.next() >> 32);
    number += options_.buckets;
    if (number >= all_keys()) number %= options_.buckets;  // goes on with the bucket's first key
  }
  return {Operation::Kind::kApply, first, bucket_, {}, {}, puts_};
}

Operation Workload::next() {
  if (options_.calls) return {Operation::Kind::kCall, 0, {}, {}, {}};
  const auto number = zipf_ ? zipf_->draw(random_) : random_.below(all_keys());
  if (random_.next() >> 32 >= writes_below_) return get(number);
  return options_.applied > 0 ? apply(number) : put(number);
}

}  // namespace kvmesh::bench
