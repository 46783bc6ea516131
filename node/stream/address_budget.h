#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "common/deadline.h"
#include "node/stream/address_key.h"
#include "node/stream/recent_map.h"

namespace kvmesh::stream {

/// How often each address may do something that costs us: a bucket of tokens each, of the last so
/// many addresses. Time is an argument. Not thread-safe.
class AddressBudget {
 public:
  struct Options {
    double burst = 0;       // tokens of an address that was not here
    double per_second = 0;  // that come back
    std::size_t addresses_max = 4096;
  };
  explicit AddressBudget(Options options) : options_(options), seen_(options.addresses_max) {}

  /// Takes a token; false when there is none.
  bool take(const AddressKey& address, TimePoint now) {
    auto& bucket = seen_.at(address);
    const std::chrono::duration<double> since = now - bucket.at;
    bucket.tokens = std::min(options_.burst, bucket.tokens + since.count() * options_.per_second);
    if (!bucket.is_known) bucket.tokens = options_.burst;
    bucket.is_known = true;
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

 private:
  struct Bucket {
    bool is_known = false;
    double tokens = 0;
    TimePoint at;
  };
  Options options_;
  RecentMap<AddressKey, Bucket> seen_;
};

}  // namespace kvmesh::stream
