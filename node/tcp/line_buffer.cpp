#include "node/tcp/line_buffer.h"

#include <algorithm>
#include <cstring>

namespace kvmesh::tcp {

std::span<char> LineBuffer::room() {
  const auto kept = end_ - begin_;
  if (kept == 0) {
    begin_ = end_ = searched_ = 0;
    // What is thrown away needs no room for a long line.
    if (discarding_ && capacity_ > kBytesKept) resize(kBytesKept);
    if (capacity_ > kBytesKept && ++empty_rounds_ > kEmptyRoundsMax) give_back();
  }
  if (capacity_ == 0) resize(kBytesMin);
  // Full reads are worth room up to kBytesKept; only a long line gets more, so that what one read
  // brings is bounded, and with it the time that the loop spends on one connection.
  if ((was_full_ && capacity_ < kBytesKept) || kept > capacity_ / 2) {
    // A line end and one byte more than the limit are enough to tell that a line is too long.
    const auto useful = std::max(kBytesKept, line_bytes_max_ + 2 + kBytesMin);
    if (capacity_ < useful) resize(std::min(capacity_ * 2, useful));
  }
  if (begin_ > 0) {
    std::memmove(data_.get(), data_.get() + begin_, kept);
    searched_ -= begin_;
    begin_ = 0;
    end_ = kept;
  }
  return {data_.get() + end_, capacity_ - end_};
}

void LineBuffer::give_back() {
  if (can_give_back()) resize(kBytesMin);
}

void LineBuffer::filled(std::size_t count) {
  end_ += count;
  was_full_ = end_ == capacity_;
}

std::optional<LineBuffer::Line> LineBuffer::next() {
  if (foreign_ != Foreign::kNone) {
    begin_ = searched_ = end_;
    return std::nullopt;
  }
  const std::string_view unread{data_.get() + begin_, end_ - begin_};
  const auto newline = unread.find('\n', searched_ - begin_);
  if (newline == std::string_view::npos) {
    searched_ = end_;
    if (discarding_) {
      begin_ = searched_ = end_;
      return std::nullopt;
    }
    if (unread.size() <= line_bytes_max_ + 1) return std::nullopt;  // 1: it may end in CR
    const auto seen = unread.size();
    discarding_ = true;
    is_first_ = false;
    begin_ = end_;
    return Line{{}, seen};
  }
  begin_ += newline + 1;
  searched_ = begin_;
  if (discarding_) {
    discarding_ = false;
    return next();
  }
  auto text = unread.substr(0, newline);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.size() >= kBytesKept / 2) empty_rounds_ = 0;
  if (text.size() <= line_bytes_max_) return told(text);
  is_first_ = false;
  return Line{{}, text.size()};
}

LineBuffer::Line LineBuffer::told(std::string_view text) {
  foreign_ = is_first_ ? foreign_first_line(text) : foreign_line(text);
  is_first_ = false;
  if (foreign_ != Foreign::kNone) return {{}, 0, foreign_};
  return {text, 0};
}

void LineBuffer::resize(std::size_t capacity) {
  const auto kept = end_ - begin_;
  auto moved = std::make_unique_for_overwrite<char[]>(capacity);  // NOLINT: see data_
  if (kept > 0) std::memcpy(moved.get(), data_.get() + begin_, kept);
  searched_ -= begin_;
  begin_ = 0;
  end_ = kept;
  data_ = std::move(moved);
  capacity_ = capacity;
}

}  // namespace kvmesh::tcp
