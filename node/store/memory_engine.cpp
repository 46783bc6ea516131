#include "node/store/memory_engine.h"

#include <climits>
#include <memory>
#include <string>
#include <utility>

#include "common/text.h"
#include "node/store/page_builder.h"

namespace kvmesh::store {
namespace {

Status no_such_bucket(std::string_view name) {
  return {StatusCode::kNotFound, "bucket " + in_quotes(name) + " does not exist"};
}

}  // namespace

MemoryEngine::MemoryEngine(std::uint64_t bytes_max, Use use)
    : locks_(use == Use::kThreads), memory_(bytes_max) {}

std::unique_lock<std::mutex> MemoryEngine::guard(const Stripe& stripe) const {
  return locks_ ? std::unique_lock(stripe.mutex) : std::unique_lock<std::mutex>();
}

MemoryEngine::Stripe& MemoryEngine::stripe_of(const HashedName& bucket) {
  // The top bits: tables use the others, and would crowd if all names of a stripe agreed in those.
  return stripes_[bucket.hash >> (sizeof(bucket.hash) * CHAR_BIT - kStripeBits)];
}

// What `act(stripe, bucket)` answers under the stripe's lock, or kNotFound.
template <typename Answer, typename Act>
Answer MemoryEngine::with_bucket(std::string_view name, Act act) {
  const HashedName hashed(name);
  auto& stripe = stripe_of(hashed);
  {
    const auto lock = guard(stripe);
    if (const auto* bucket = stripe.buckets.find(hashed.name, hashed.hash))
      return act(stripe, **bucket);
  }
  return no_such_bucket(name);
}

// `act(bucket)` under its stripe's lock, if there is such a bucket.
template <typename Act>
void MemoryEngine::peek_bucket(std::string_view name, Act act) {
  const HashedName hashed(name);
  auto& stripe = stripe_of(hashed);
  const auto lock = guard(stripe);
  if (const auto* bucket = stripe.buckets.find(hashed.name, hashed.hash)) {
    act(std::as_const(**bucket));
  }
}

Status MemoryEngine::create(std::string_view bucket) {
  const HashedName hashed(bucket);
  auto& stripe = stripe_of(hashed);
  const auto lock = guard(stripe);
  if (stripe.buckets.find(hashed.name, hashed.hash) != nullptr) return {};
  return stripe.buckets.insert(memory_, Bucket::bytes_empty(bucket),
                               [&] { return std::make_unique<Bucket>(bucket, memory_); });
}

Status MemoryEngine::drop(std::string_view bucket) {
  const HashedName hashed(bucket);
  auto& stripe = stripe_of(hashed);
  Bucket::Owner dropped;  // freed after the lock
  {
    const auto lock = guard(stripe);
    dropped = stripe.buckets.take(memory_, hashed.name, hashed.hash);
    if (dropped) stripe.keys -= dropped->size();
  }
  return dropped ? Status{} : no_such_bucket(bucket);
}

Status MemoryEngine::put(std::string_view bucket, std::string_view key, ValueView value) {
  const HashedName hashed(key);
  Record::Owner replaced;  // freed after the lock
  return with_bucket<Status>(bucket, [&](Stripe& stripe, Bucket& found) {
    const auto before = found.size();
    auto status = found.put(hashed, value.bytes, replaced);
    stripe.keys += found.size() - before;
    return status;
  });
}

Result<bool> MemoryEngine::get(std::string_view bucket, std::string_view key, ValueVisitor found) {
  const HashedName hashed(key);
  return with_bucket<Result<bool>>(bucket, [&](Stripe&, const Bucket& in) {
    const auto* record = in.find(hashed);
    if (record != nullptr) found(ValueView{record->value()});
    return record != nullptr;
  });
}

void MemoryEngine::prefetch_place(std::string_view bucket, std::string_view key) {
  peek_bucket(bucket, [&](const Bucket& in) { in.prefetch_place(key); });
}

void MemoryEngine::prefetch_record(std::string_view bucket, std::string_view key) {
  const HashedName hashed(key);
  peek_bucket(bucket, [&](const Bucket& in) { in.prefetch_record(hashed); });
}

Status MemoryEngine::erase(std::string_view bucket, std::string_view key) {
  const HashedName hashed(key);
  Record::Owner erased;  // freed after the lock
  return with_bucket<Status>(bucket, [&](Stripe& stripe, Bucket& from) {
    erased = from.take(hashed);
    if (erased) --stripe.keys;
    return Status{};
  });
}

Result<std::uint64_t> MemoryEngine::count(std::string_view bucket) {
  return with_bucket<Result<std::uint64_t>>(
      bucket, [](Stripe&, const Bucket& found) { return std::uint64_t{found.size()}; });
}

Result<Page> MemoryEngine::list_keys(std::string_view bucket, std::optional<std::string_view> after,
                                     std::size_t items_max, std::size_t bytes_max) {
  return with_bucket<Result<Page>>(bucket, [&](Stripe&, const Bucket& found) {
    PageBuilder<std::string_view> page(after, items_max, bytes_max);
    found.for_each([&](const Record& record) { page.offer(record.key()); });
    return std::move(page).finish();
  });
}

Result<Page> MemoryEngine::list_buckets(std::optional<std::string_view> after,
                                        std::size_t items_max, std::size_t bytes_max) {
  PageBuilder<std::string> page(after, items_max, bytes_max);
  for (auto& stripe : stripes_) {
    const auto lock = guard(stripe);
    stripe.buckets.for_each([&](const Bucket& bucket) { page.offer(bucket.name()); });
  }
  return std::move(page).finish();
}

Usage MemoryEngine::usage() const {
  Usage usage{.bytes = memory_.held(), .bytes_max = memory_.max()};
  for (const auto& stripe : stripes_) {
    const auto lock = guard(stripe);
    usage.buckets += stripe.buckets.size();
    usage.keys += stripe.keys;
  }
  return usage;
}

}  // namespace kvmesh::store
