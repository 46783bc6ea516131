#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace kvmesh::wire {

/// A byte string that is filled, sent and filled again: clear() keeps the memory, so that steady
/// traffic allocates nothing. Also the output stream of msgpack's packer (write()). Not
/// thread-safe; aborts when memory runs out.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  // Inlined wherever it is called: most of what is written are a few bytes whose number is known
  // there.
  [[gnu::always_inline]] void write(const char* bytes, std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    if (count > 0) std::memcpy(data_.get() + size_, bytes, count);
    size_ += count;
  }
  void append(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  void push_back(char byte) {
    if (size_ == capacity_) grow(1);
    data_.get()[size_++] = byte;
  }

  /// Leaves `count` bytes to be filled in later; returns where they begin.
  std::size_t skip(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    const auto at = size_;
    size_ += count;
    return at;
  }
  /// Writes `value` big-endian at `at`. REQUIRES: at + 4 <= size().
  void put_u32(std::size_t at, std::uint32_t value) {
    char* p = data_.get() + at;
    p[0] = static_cast<char>(value >> 24);
    p[1] = static_cast<char>(value >> 16);
    p[2] = static_cast<char>(value >> 8);
    p[3] = static_cast<char>(value);
  }

  std::string_view view() const { return {data_.get(), size_}; }
  std::string_view view(std::size_t from) const { return view().substr(from); }
  char* data() { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }

  void clear() { size_ = 0; }
  /// Cuts back to an earlier size. REQUIRES: size <= size().
  void truncate(std::size_t size) { size_ = size; }
  /// Gives the memory back when more than `keep` bytes are held. REQUIRES: empty().
  void shrink(std::size_t keep) {
    if (capacity_ > keep) *this = Buffer{};
  }
  /// Hands the memory to the caller, who frees it with std::free(); the buffer is empty afterwards.
  char* release() {
    size_ = capacity_ = 0;
    return data_.release();
  }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }  // NOLINT: realloc'ed below
  };

  [[gnu::noinline, gnu::cold]] void grow(std::size_t more) {
    std::size_t wanted = capacity_ < 256 ? 256 : capacity_ * 2;
    if (wanted < size_ + more) wanted = size_ + more;
    auto* moved = static_cast<char*>(
        std::realloc(data_.get(), wanted));  // NOLINT: no C++ way to grow in place
    if (moved == nullptr) std::abort();
    (void)data_.release();
    data_.reset(moved);
    capacity_ = wanted;
  }

  std::unique_ptr<char, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace kvmesh::wire
