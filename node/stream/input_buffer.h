#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace kvmesh::stream {

/// The bytes of one connection that have arrived and are not yet taken. Starts small, so that an
/// idle connection costs little, and grows while its reads are full; what a long message took stays
/// for a while, since long messages come in rows. Not thread-safe.
class InputBuffer {
 public:
  /// More than this is for long messages.
  static constexpr std::size_t kBytesKept = 64 * 1024;

  /// Room to read into; valid until the next call of any method that is not const. It grows up to
  /// `message_max`, the longest message that may be needed whole, or to kBytesKept.
  std::span<char> room(std::size_t message_max);
  /// The first `count` bytes of room() were filled.
  void filled(std::size_t count);

  /// What has arrived and is not taken. Valid until room() or give_back(), take() does not move it.
  std::string_view bytes() const { return {data_.get() + begin_, end_ - begin_}; }
  /// The first `count` of them are done with.
  void take(std::size_t count);
  /// Overwrites the `count` bytes that were taken last. Before room() and give_back().
  void wipe_taken(std::size_t count);

  /// Gives memory back that only long messages need. For a connection that is silent.
  void give_back();

  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }

 private:
  static constexpr std::size_t kBytesMin = 1024;
  static constexpr int kEmptyRoundsMax = 16;  // that memory is kept for without a long message

  void resize(std::size_t capacity);

  std::unique_ptr<char[]> data_;  // NOLINT: a plain byte buffer that is not zeroed
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool was_full_ = false;  // the last read filled all the room
  int empty_rounds_ = 0;   // reads since the last long message
};

}  // namespace kvmesh::stream
