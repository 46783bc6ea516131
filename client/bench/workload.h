#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/bench/operation.h"
#include "client/bench/random.h"
#include "client/bench/zipf.h"

namespace kvmesh::bench {

/// What the load consists of. Keys are numbered through: number n is key n / buckets of bucket
/// n % buckets. Bucket names begin with `prefix`, which decides their route.
struct WorkloadOptions {
  std::uint64_t buckets = 100;
  std::uint64_t keys = 1000;  // in each bucket
  double writes = 0.5;        // part of the operations that are puts
  std::size_t value_bytes = 16;
  std::optional<double> zipf;  // exponent; empty: uniform
  std::uint64_t seed = 1;
  std::string prefix = "b";
  bool calls = false;  // no keys: every operation is a call
  // Each write is an apply of so many puts, of keys that follow each other in a bucket; at most
  // `keys`. 0: it is a put.
  std::uint64_t applied = 0;
};

/// Values that say whose they are: the key's number in 8 hexadecimal digits, then the alphabet over
/// and over from a letter that differs between writes. Shorter ones hold the digits' end. Never
/// white space. Immutable but for the text that write() returns.
class ValueForm {
 public:
  explicit ValueForm(std::size_t bytes);

  /// Lives until the next call.
  std::string_view write(std::uint64_t number, std::uint64_t version);
  /// Whether `value` is one that write(number, ...) may have given. `thorough` looks at every byte,
  /// else at the length, the digits and the ends.
  bool matches(std::string_view value, std::uint64_t number, bool thorough) const;

 private:
  std::size_t bytes_;
  std::string alphabet_;
  std::string value_;
};

/// Makes the operations of a run, the same for a seed. One thread.
class Workload {
 public:
  explicit Workload(const WorkloadOptions& options);

  Operation create(std::uint64_t bucket);
  Operation drop(std::uint64_t bucket);
  Operation put(std::uint64_t number);
  Operation get(std::uint64_t number);
  Operation apply(std::uint64_t number);
  /// The next one of the mix.
  Operation next();

  std::uint64_t buckets() const { return options_.buckets; }
  std::uint64_t all_keys() const { return options_.buckets * options_.keys; }
  std::size_t value_bytes() const { return options_.value_bytes; }
  const ValueForm& form() const { return form_; }

 private:
  void name(std::uint64_t number);

  WorkloadOptions options_;
  Random random_;
  std::optional<Zipf> zipf_;
  std::uint64_t writes_below_;
  ValueForm form_;
  std::string bucket_;
  std::string key_;
  std::vector<KeyedValue> puts_;
};

}  // namespace kvmesh::bench
