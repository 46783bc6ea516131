#include "node/stream/input_buffer.h"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is no C++

#include <algorithm>
#include <cstring>

namespace kvmesh::stream {

std::span<char> InputBuffer::room(std::size_t message_max) {
  const auto useful = std::max(kBytesKept, message_max + kBytesMin);
  const auto kept = end_ - begin_;
  if (kept == 0) {
    begin_ = end_ = 0;
    if (capacity_ > useful) resize(kBytesKept);
    if (capacity_ > kBytesKept && ++empty_rounds_ > kEmptyRoundsMax) give_back();
  }
  if (capacity_ == 0) resize(kBytesMin);
  // Full reads are worth room up to kBytesKept; only a long message gets more, so that what one
  // read brings is bounded, and with it the time that the loop spends on one connection.
  if ((was_full_ && capacity_ < kBytesKept) || kept > capacity_ / 2) {
    if (capacity_ < useful) resize(std::min(capacity_ * 2, useful));
  }
  if (begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, kept);
    begin_ = 0;
    end_ = kept;
  }
  return {data_.get() + end_, capacity_ - end_};
}

void InputBuffer::filled(std::size_t count) {
  end_ += count;
  was_full_ = end_ == capacity_;
}

void InputBuffer::take(std::size_t count) {
  begin_ += count;
  if (count >= kBytesKept / 2) empty_rounds_ = 0;
}

void InputBuffer::wipe_taken(std::size_t count) {
  explicit_bzero(data_.get() + begin_ - count, count);
}

void InputBuffer::give_back() {
  if (empty() && capacity_ > kBytesMin) resize(kBytesMin);
}

void InputBuffer::resize(std::size_t capacity) {
  const auto kept = end_ - begin_;
  auto moved = std::make_unique_for_overwrite<char[]>(capacity);  // NOLINT: see data_
  if (kept > 0) std::memcpy(moved.get(), data_.get() + begin_, kept);
  begin_ = 0;
  end_ = kept;
  data_ = std::move(moved);
  capacity_ = capacity;
}

}  // namespace kvmesh::stream
