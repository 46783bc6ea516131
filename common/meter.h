#pragma once

#include <cstddef>
#include <cstdlib>

namespace kvmesh {

/// Bytes that many holders keep, together. Not thread-safe.
class Meter {
 public:
  std::size_t bytes() const { return bytes_; }
  void add(std::size_t bytes) { bytes_ += bytes; }
  /// REQUIRES: bytes <= bytes().
  void remove(std::size_t bytes) {
    if (bytes > bytes_) std::abort();
    bytes_ -= bytes;
  }

 private:
  std::size_t bytes_ = 0;
};

/// One holder's share of a meter, given back when the holder ends. `meter` must outlive it.
class Held {
 public:
  explicit Held(Meter& meter) : meter_(meter) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { clear(); }

  std::size_t bytes() const { return bytes_; }
  /// What all holders of the meter keep.
  std::size_t of_all() const { return meter_.bytes(); }
  void add(std::size_t bytes) {
    meter_.add(bytes);
    bytes_ += bytes;
  }
  /// REQUIRES: bytes <= bytes().
  void remove(std::size_t bytes) {
    if (bytes > bytes_) std::abort();
    meter_.remove(bytes);
    bytes_ -= bytes;
  }
  void clear() { remove(bytes_); }

 private:
  Meter& meter_;
  std::size_t bytes_ = 0;
};

}  // namespace kvmesh
